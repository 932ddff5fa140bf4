"""A document's stored captures → its rows in `versions`, with what changed between them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from policy_archive.crawler.core.failpoints import point
from policy_archive.crawler.core.records import CdxRow, Document, Kind, RowDecision, RowState, Version
from policy_archive.pipelines.extract.body.ways import without_way
from policy_archive.pipelines.store.captures import parse_places
from policy_archive.pipelines.store.rows import HAS_TEXT, OF_OTHERS, ROW_COLUMNS, parse_row, read_known
from policy_archive.pipelines.store.site_lines import JudgedBy
from policy_archive.pipelines.store.stored_texts import read_text, whole
from policy_archive.pipelines.versions.change import classify_change, compare_texts
from policy_archive.pipelines.versions.classes import ChangeClass
from policy_archive.pipelines.versions.diff import diff_texts
from policy_archive.pipelines.versions.elsewhere import NOWHERE, Elsewhere
from policy_archive.pipelines.versions.fold import flag_stated_day, fold_versions
from policy_archive.pipelines.versions.gist import Change
from policy_archive.pipelines.versions.sameness import Difference, find_difference, measure_part
from policy_archive.pipelines.versions.seams import Comparison, Pair, compare_by_reader, reader_of

if TYPE_CHECKING:
    from policy_archive.pipelines.versions.frame import Run

_COLUMNS = (
    "document_id",
    "version",
    "text_sha256",
    "text_id",
    "first_capture",
    "last_capture",
    "text_capture",
    "first_timestamp",
    "last_timestamp",
    "changed_after",
    "captures",
    "verified",
    "returns_to",
    "words_added",
    "words_removed",
    "change",
    "stated_updated",
    "stated_effective",
    "stated_flag",
    "class",
)


def build_versions(
    connection: sqlite3.Connection,
    document: Document,
    *,
    compare_afresh: bool = False,
    judge_afresh: bool = False,
    judged_by: JudgedBy | None = None,
    later: bool = False,
) -> list[tuple[Any, ...]]:
    """Return the rows of `versions` that a document should have, in order; writes nothing.

    What was compared before is not compared again, unless `compare_afresh`. `judge_afresh`: the classes
    are, for what a reader knows beside a text (its lines' places) may be new where the text is not.
    `judged_by` is the site's pages, read once for several documents.
    `later`: what was not compared before is not now either, and has neither a change nor a class.
    """
    judged_by = judged_by or JudgedBy(connection, document.site)
    readers = _read_readers(connection, document)
    decisions = _read_decisions(connection, document)
    versions = fold_versions(read_known(connection, document), decisions, readers)
    comparisons = compare_by_reader(versions, _Differences(connection, versions, later=later).measure_told)
    # of texts of several readers the rows do not say which two were compared
    is_mixed = len({version.reader for version in versions}) > 1
    known = {} if compare_afresh or is_mixed else _read_compared(connection, document)
    sources = _read_sources(connection, document, versions)
    rows = []
    for comparison, version, source in zip(comparisons, versions, sources, strict=True):
        before = None if comparison.before is None else versions[comparison.before]
        row = _base_values(source, document, version)
        if before is not None:  # of another reader's texts between the two nothing is known
            row["changed_after"] = comparison.changed_after
        rows.append(row | _change_values(connection, known, before, version, later=later))
    if later:
        classes: Sequence[str | None] = _known_classes(comparisons, versions, known)
    elif readers:
        classes = _classes_by_reader(
            connection, versions, comparisons, rows, known, judged_by.around(document)
        )
    else:
        afresh = compare_afresh or judge_afresh
        stored = None if afresh else _read_classes(connection, document, rows)
        classes = stored or list_classes(connection, rows, known, judged_by.around(document))
    for row, change_class in zip(rows, classes, strict=True):
        row["class"] = change_class
    return [tuple(row[column] for column in _COLUMNS) for row in rows]


class _Differences:
    """What changed between two versions of one reader, against what did between two of another.

    `later`: no text is looked at, and of no two changes is it known that they are one.
    """

    def __init__(self, connection: sqlite3.Connection, versions: Sequence[Version], *, later: bool) -> None:
        self._connection = connection
        self._versions = versions
        self._later = later
        self._known: dict[Pair, Difference] = {}

    def measure_told(self, one: Pair, other: Pair) -> float:
        """Return which share of what changed in one pair of versions changed in the other, too."""
        return 0.0 if self._later else measure_part(self._find(one), self._find(other))

    def _find(self, pair: Pair) -> Difference:
        if pair not in self._known:
            texts = (read_text(self._connection, self._versions[index].text_sha256) for index in pair)
            self._known[pair] = find_difference(*texts)
        return self._known[pair]


def _read_readers(connection: sqlite3.Connection, document: Document) -> dict[CdxRow, str]:
    """Return who read the texts that came without their page."""
    rows = connection.execute(
        f"""select {ROW_COLUMNS}, extractor from captures join extractions on capture_id = id and current
        where document_id = ? and {OF_OTHERS}""",  # noqa: S608 (constants)
        (document.id,),
    )
    return {parse_row(row): reader_of(row["extractor"]) for row in rows}


def _known_classes(
    comparisons: Sequence[Comparison], versions: Sequence[Version], known: dict[_Texts, _Compared]
) -> list[str | None]:
    """Return the classes that are known without a look at the texts."""
    texts = (
        comparison.before is not None
        and (versions[comparison.before].text_sha256, versions[index].text_sha256)
        for index, comparison in enumerate(comparisons)
    )
    return [
        comparison.seam or (known[pair].stored_class if pair and pair in known else None)
        for comparison, pair in zip(comparisons, texts, strict=True)
    ]


def _classes_by_reader(
    connection: sqlite3.Connection,
    versions: Sequence[Version],
    comparisons: Sequence[Comparison],
    rows: Sequence[dict[str, Any]],
    known: dict[_Texts, _Compared],
    elsewhere: Elsewhere,
) -> list[str | None]:
    """Return the classes of a document's changes, those of each reader judged by its own texts alone."""
    judged: dict[int, str | None] = {}
    for reader in {version.reader for version in versions}:
        own = [index for index, version in enumerate(versions) if version.reader == reader]
        found = list_classes(connection, [rows[index] for index in own], known, elsewhere)
        judged |= zip(own, found, strict=True)
    return [comparison.seam or judged[index] for index, comparison in enumerate(comparisons)]


def replace_versions(
    connection: sqlite3.Connection, document: Document, rows: Sequence[tuple[Any, ...]]
) -> int:
    """Put these rows in place of the document's versions, if they differ; inside a transaction."""
    # only rows that differ: an update finds one new version of thousands
    stored, wanted = read_versions(connection, document), list(rows)
    differing = [(old, new) for old, new in zip_longest(stored, wanted) if old != new]
    if differing:
        gone = [old[:2] for old, _ in differing if old is not None]
        connection.executemany("delete from versions where document_id = ? and version = ?", gone)
        point("in-fold")
        columns, marks = ", ".join(_COLUMNS), ", ".join("?" * len(_COLUMNS))
        come = [new for _, new in differing if new is not None]
        connection.executemany(f"insert into versions ({columns}) values ({marks})", come)  # noqa: S608 (constants)
    return len(rows)


@dataclass(frozen=True, kw_only=True)
class SiteFold:
    """The versions that a site's documents should have."""

    folded: dict[Document, list[tuple[Any, ...]]]
    """Rows of those that were asked for."""
    judged: dict[Document, list[tuple[Any, ...]]]
    """Rows of others of the site, where nothing but classes differs from what is stored."""
    mark: str | None
    """What they were judged by, to be stored when they are; None: that is stored already."""


def build_site(
    connection: sqlite3.Connection, site: str, documents: Sequence[Document], *, judge_afresh: bool = False
) -> SiteFold:
    """Return the versions of documents of one site; writes nothing.

    Where a page of the site is new, the changes of all its documents are judged anew: a line of one may
    stand on the home page or beside another document, whichever was fetched first.
    """
    judged_by = JudgedBy(connection, site)
    afresh = judge_afresh or not judged_by.is_current
    folded = {
        document: build_versions(connection, document, judge_afresh=afresh, judged_by=judged_by)
        for document in documents
    }
    judged = {}
    if afresh:
        for document in _list_others(connection, site, documents):
            rows, stored = (
                build_versions(connection, document, judge_afresh=True, judged_by=judged_by),
                read_versions(connection, document),
            )
            # one that another part of a run is at has rows that nobody has counted yet: it is that one's
            if rows != stored and without_classes(rows) == without_classes(stored):
                judged[document] = rows
    return SiteFold(folded=folded, judged=judged, mark=None if judged_by.is_current else judged_by.mark)


def _list_others(connection: sqlite3.Connection, site: str, documents: Sequence[Document]) -> list[Document]:
    rows = connection.execute(
        """select kind, name from documents where site = ?
        and exists (select 1 from versions where document_id = id) order by kind, name""",
        (site,),
    ).fetchall()
    known = [Document(site=site, kind=Kind(row["kind"]), name=row["name"]) for row in rows]
    return [document for document in known if document not in documents]


def without_classes(rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Return rows of `build_versions` as far as the document alone tells them."""
    index = _COLUMNS.index("class")
    return [row[:index] + row[index + 1 :] for row in rows]


def write_mark(connection: sqlite3.Connection, site: str, mark: str) -> None:
    """Note what a site's changes were judged by. Inside a transaction."""
    connection.execute("update sites set judged_by = ? where site = ?", (mark, site))


def read_versions(connection: sqlite3.Connection, document: Document) -> list[tuple[Any, ...]]:
    """Return the rows of `versions` that a document has, as `build_versions` gives them."""
    rows = connection.execute(
        f"select {', '.join(_COLUMNS)} from versions where document_id = ? order by version",  # noqa: S608 (constants)
        (document.id,),
    )
    return [tuple(row) for row in rows]


# Rows that others prove, and those others: of a document of which every row was fetched, nothing.
_PROVEN = f"""
with proven as (
    select * from captures where document_id = :document and state in ('same-digest', 'bracketed'))
select id, {ROW_COLUMNS}, state, same_as, after_id, before_id from captures where id in (
    select id from proven union select same_as from proven
    union select after_id from proven union select before_id from proven)
"""  # noqa: S608 (constants)


def _read_decisions(connection: sqlite3.Connection, document: Document) -> dict[CdxRow, RowDecision]:
    """Return the stored decisions on rows that others prove the text of."""
    rows = connection.execute(_PROVEN, {"document": document.id}).fetchall()
    by_id = {row["id"]: parse_row(row) for row in rows}
    return {
        by_id[row["id"]]: RowDecision(
            state=RowState(row["state"]),
            same_as=by_id.get(row["same_as"]),
            bracket=_bracket(by_id.get(row["after_id"]), by_id.get(row["before_id"])),
        )
        for row in rows
        if row["state"] in (RowState.SAME_DIGEST, RowState.BRACKETED)
    }


def _bracket(after: CdxRow | None, before: CdxRow | None) -> tuple[CdxRow, CdxRow] | None:
    return (after, before) if after is not None and before is not None else None


def _base_values(source: sqlite3.Row, document: Document, version: Version) -> dict[str, Any]:
    updated = _latest_day(source["stated_dates"], "updated")
    effective = _latest_day(source["stated_dates"], "effective")
    return {
        "document_id": document.id,
        "version": version.number,
        "text_sha256": version.text_sha256,
        "text_id": source["text_id"],
        "first_capture": version.first.id_in(document.id),
        "last_capture": version.last.id_in(document.id),
        "text_capture": source["capture_id"],
        "first_timestamp": version.first.timestamp,
        "last_timestamp": version.last.timestamp,
        "changed_after": version.changed_after,
        "captures": version.captures,
        "verified": source["verified"],
        "returns_to": version.returns_to,
        "stated_updated": updated and updated.isoformat(),
        "stated_effective": effective and effective.isoformat(),
        "stated_flag": flag_stated_day(updated or effective, version),
    }


def _read_sources(
    connection: sqlite3.Connection, document: Document, versions: Sequence[Version]
) -> list[sqlite3.Row]:
    """Return the fetched capture that each version's text is read from: its own first, if it has one.

    One pass over the document's captures: to look for each version's would read all of them once a version.
    """
    own = [version.rows[0].id_in(document.id) if version.rows else None for version in versions]
    wanted = frozenset(own)
    by_capture: dict[str | None, sqlite3.Row] = {}
    by_text: dict[str, sqlite3.Row] = {}
    for row in connection.execute(_SOURCES, (document.id,)):
        by_text.setdefault(row["text_sha256"], row)
        if row["capture_id"] in wanted:
            by_capture[row["capture_id"]] = row
    found = [
        by_capture.get(capture) or by_text.get(version.text_sha256)
        for capture, version in zip(own, versions, strict=True)
    ]
    if None in found:  # its reading is there, the text is not
        whole(
            None,
            f"version {found.index(None) + 1} of {document.site} {document.kind} {document.name}".strip(),
        )
    return [source for source in found if source is not None]


_SOURCES = f"""
select text_sha256, capture_id, verified, stated_dates, texts.id as text_id
from captures join extractions on capture_id = captures.id and current
join texts on texts.sha256 = text_sha256
where document_id = ? and {HAS_TEXT} order by timestamp, original
"""  # noqa: S608 (a constant)


def _latest_day(stated_dates: str, kind: str) -> date | None:
    """Return the latest day of a kind: pages that list their earlier dates name the present one too."""
    days = [stated["day"] for stated in json.loads(stated_dates) if stated["kind"] == kind]
    return date.fromisoformat(max(days)) if days else None


_Texts = tuple[str, str]
"""Hashes of two texts that were compared, the older first."""


@dataclass(frozen=True, kw_only=True)
class _Compared:
    """What the texts of two versions alone tell of the change between them."""

    values: dict[str, Any]
    """Columns of `versions`."""
    weight: ChangeClass | None
    """None: not weighed yet, for the page around the text told enough."""
    stored_class: str | None = None


def _read_compared(connection: sqlite3.Connection, document: Document) -> dict[_Texts, _Compared]:
    """Return what was compared before: a fold of old captures compares nothing again."""
    rows = connection.execute(
        """select older.text_sha256 as old, newer.text_sha256 as new,
            newer.words_added, newer.words_removed, newer.change, newer.class
        from versions as newer join versions as older
            on older.document_id = newer.document_id and older.version = newer.version - 1
        where newer.document_id = ? and newer.change is not null""",
        (document.id,),
    )
    return {
        (row["old"], row["new"]): _Compared(
            values={key: row[key] for key in ("words_added", "words_removed", "change")},
            weight=_weight_of(row["class"]),
            stored_class=row["class"],
        )
        for row in rows
    }


def _weight_of(stored_class: str | None) -> ChangeClass | None:
    known = ChangeClass(stored_class) if stored_class else None
    return known if known is not None and known.is_weight else None


def _change_values(
    connection: sqlite3.Connection,
    known: dict[_Texts, _Compared],
    before: Version | None,
    version: Version,
    *,
    later: bool,
) -> dict[str, Any]:
    texts = (before.text_sha256, version.text_sha256) if before is not None else None
    if texts is None or (later and texts not in known):
        return {"words_added": None, "words_removed": None, "change": None}
    if texts not in known:
        known[texts] = _compare(connection, texts)
    return known[texts].values


def _compare(connection: sqlite3.Connection, texts: _Texts) -> _Compared:
    from policy_archive.pipelines.versions.weight import weigh_change  # its words take a while to load

    diff = diff_texts(*(read_text(connection, sha256) for sha256 in texts))
    change = classify_change(diff)
    return _Compared(values=_columns_of(change), weight=weigh_change(diff, change))


def compare_stored(connection: sqlite3.Connection, old_sha256: str, new_sha256: str) -> dict[str, Any]:
    """Return what `versions` says of the change between two stored texts."""
    return _columns_of(compare_texts(read_text(connection, old_sha256), read_text(connection, new_sha256)))


def _columns_of(change: Change) -> dict[str, Any]:
    return {
        "words_added": change.words_added,
        "words_removed": change.words_removed,
        "change": json.dumps(asdict(change), ensure_ascii=False),
    }


def _read_classes(
    connection: sqlite3.Connection, document: Document, rows: Sequence[dict[str, Any]]
) -> list[str | None] | None:
    """Return the classes that are stored, if the versions are; they hang together, so it is all or none."""
    stored = connection.execute(
        "select text_sha256, text_capture, class from versions where document_id = ? order by version",
        (document.id,),
    ).fetchall()
    is_same = [(row["text_sha256"], row["text_capture"]) for row in stored] == [
        (row["text_sha256"], row["text_capture"]) for row in rows
    ]
    is_judged = all(row["class"] is not None for row in stored[1:])
    return [row["class"] for row in stored] if is_same and is_judged else None


def list_classes(
    connection: sqlite3.Connection,
    rows: Sequence[Mapping[str, Any]],
    known: dict[_Texts, _Compared] | None = None,
    elsewhere: Elsewhere = NOWHERE,
) -> list[str | None]:
    """Return the class of the change to each version of one document, from `text_sha256`, `text_capture`.

    None for the first. A change of the policy's own, by the frame, is weighed; `known` is what was
    compared already, `elsewhere` what stands on the site's other pages at the versions' first and last
    timestamps.
    """
    from policy_archive.pipelines.versions.frame import classify_changes  # its words take 0.2 s to load

    known = {} if known is None else known
    classes = classify_changes((_read_run(connection, row) for row in rows), elsewhere)
    weighed = (
        one or _weigh(connection, known, (before["text_sha256"], after["text_sha256"]))
        for one, before, after in zip(classes[1:], rows, rows[1:], strict=False)
    )
    return [None, *weighed] if classes else []


def _weigh(connection: sqlite3.Connection, known: dict[_Texts, _Compared], texts: _Texts) -> ChangeClass:
    if texts not in known or known[texts].weight is None:
        known[texts] = _compare(connection, texts)
    weight = known[texts].weight
    assert weight is not None  # what was just compared was weighed
    return weight


def _read_run(connection: sqlite3.Connection, version: Mapping[str, Any]) -> Run:
    from policy_archive.pipelines.versions.frame import Run

    capture_id = version["text_capture"]
    row = connection.execute(
        """select text, text_sha256, line_places, language, language_confidence, extractor,
            exists (select 1 from captures where id = capture_id and body_digest is not null) as is_ours
        from extractions join policy_texts on sha256 = text_sha256 where capture_id = ? and current""",
        (capture_id,),
    ).fetchone()
    text = whole(row and row["text"], f"capture {capture_id}")
    return Run(
        text=text,
        text_sha256=row["text_sha256"],
        places=parse_places(row["line_places"], text.count("\n")),
        language=row["language"],
        language_confidence=row["language_confidence"] or 0.0,
        extractor=without_way(row["extractor"])
        if row["is_ours"]
        else "",  # of others one reader at a time is judged
        first=version.get("first_timestamp", ""),
        last=version.get("last_timestamp", ""),
    )
