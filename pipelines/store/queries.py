"""The questions that readers of a corpus ask. A read-only connection comes in, plain rows go out."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from policy_archive.crawler.core.errors import NotKnownError, UsageError
from policy_archive.crawler.core.stored import CdxRow, Document, Kind, KnownCapture, Outcome, Version
from policy_archive.crawler.core.timestamps import DAY_SECONDS, parse_timestamp
from policy_archive.crawler.core.urlkeys import urlkey
from policy_archive.crawler.core.urls import is_address, parse_site
from policy_archive.crawler.core.vocabularies import AddressSource
from policy_archive.pipelines.extract.body.ways import OTHER_WAYS
from policy_archive.pipelines.store.rows import HAS_TEXT, ROW_COLUMNS, parse_row, parse_stated_days
from policy_archive.pipelines.store.stored_texts import check_versions, whole
from policy_archive.pipelines.versions.classes import MATTERS, PASSED_OVER
from policy_archive.pipelines.versions.fold import fold_versions

Row = dict[str, Any]

_VERSION_COLUMNS = """site, kind, name, version, url, timestamp, first_captured, last_captured, changed_after,
    title, language, words, words_added, words_removed, change, returns_to, stated_updated, stated_effective,
    stated_flag, captures, verified, owner, kept_share, extractor, text_sha256, replay_url, class, origin,
    dated_by, archive"""
VERSION_KEYS = tuple(name.strip() for name in _VERSION_COLUMNS.split(","))
"""Of the rows that list_versions gives."""
IS_TOLD = f"coalesce(versions.class, '') not in ({', '.join(repr(one.value) for one in PASSED_OVER)})"
"""SQL, for a row of `versions`: whether lists of changes show it unless asked for all."""
IS_FIRST = "versions.changed_after is null"
MATTERS_SQL = f"(coalesce(versions.class, '') in ('', {', '.join(repr(one.value) for one in MATTERS)}))"
"""SQL, for a row of `versions`: whether it passes `--substantive`; first versions do."""
KIND_ORDER = "case {} when 'privacy' then 0 when 'terms' then 1 when 'cookies' then 2 else 3 end"
"""SQL that orders kinds as people ask for them; the column is to be put in."""


def list_site_names(connection: sqlite3.Connection) -> list[str]:
    """Return the sites of a corpus by name."""
    return [row["site"] for row in connection.execute("select site from sites order by site")]


def find_site(connection: sqlite3.Connection, text: str | None) -> str:
    """Return the site that the user means, which the corpus has.

    Raises UsageError if it is no domain, or none was named (then it says what there is), NotKnownError
    (with the nearest known one) if it is not there.
    """
    if text is None:
        raise UsageError(_describe_choice(connection))
    site = parse_site(text)
    if connection.execute("select 1 from sites where site = ?", (site,)).fetchone() is None:
        from rapidfuzz import process  # only a mistyped name needs it

        nearest = process.extractOne(site, list_site_names(connection), score_cutoff=75)
        hint = f" Did you mean {nearest[0]}?" if nearest else f" 'policy-archive fetch {site}' fetches it."
        raise NotKnownError(f"{site} is not in the corpus ({_name_of(connection)}).{hint}")
    return site


def _name_of(connection: sqlite3.Connection) -> str:
    """Return the name of the database's file: who misses something may be in a wrong folder."""
    files = (row["file"] for row in connection.execute("pragma database_list") if row["name"] == "main")
    return Path(next(files, "")).name or "in memory"


_NAMED = 10
"""Sites that a sentence names; of more than that the first."""


def _describe_choice(connection: sqlite3.Connection) -> str:
    """Return a sentence that says which sites one may name, those with a policy first."""
    (count,) = connection.execute("select count(*) from sites").fetchone()
    if not count:
        return "name a site; none is in the corpus yet: 'policy-archive fetch example.com' fetches one."
    rows = connection.execute(
        """select site from sites order by not exists (
            select 1 from documents join versions on document_id = documents.id
            where documents.site = sites.site), site limit ?""",
        (_NAMED,),
    )
    names = ", ".join(row["site"] for row in rows)
    more = f" and {count - _NAMED} more" if count > _NAMED else ""
    return f"name a site; the corpus has {names}{more}. 'policy-archive sites' says what there is of each."


def find_document(
    connection: sqlite3.Connection, text: str | None, *, kind: str | None = None, name: str | None = None
) -> Document:
    """Return the document that the user means by a site or an address, a kind and a name.

    An address means the document that stood there. Without a kind the first
    that has versions is meant: privacy, terms, cookies, others.

    Raises NotKnownError, which names what there is.
    """
    site = find_site(connection, text)
    known = [row for row in list_documents(connection, site) if row["kind"] != Kind.HOME]
    wanted = [row for row in known if kind in (None, row["kind"]) and name in (None, row["name"])]
    if text is not None and is_address(text):
        wanted = [row for row in wanted if _stood_at(connection, row["id"], text)]
    if not wanted:
        raise NotKnownError(describe_missing(connection, site, known))
    chosen = max(wanted, key=lambda row: bool(row["versions"]))  # max keeps the first among equals
    return Document(site=site, kind=Kind(chosen["kind"]), name=chosen["name"])


def _stood_at(connection: sqlite3.Connection, document_id: str, url: str) -> bool:
    key = urlkey(url)
    return bool(
        connection.execute(
            "select 1 from addresses where document_id = :id and urlkey = :key "
            "union all select 1 from captures where document_id = :id and urlkey = :key limit 1",
            {"id": document_id, "key": key},
        ).fetchone()
    )


def describe_missing(connection: sqlite3.Connection, site: str, known: Sequence[Row]) -> str:
    """Return why there is no such document of a site: the others that are `known`, or what its search ended
    with.
    """
    if known:
        names = ", ".join(f"{row['kind']} {row['name']}".strip() for row in known)
        return f"{site} has no such document; the corpus has: {names}."
    row = connection.execute("select outcome, reason from sites where site = ?", (site,)).fetchone()
    reason = f" ({row['reason']})" if row["reason"] else ""
    return f"no policy of {site} is known: {row['outcome'] or 'not tried yet'}{reason}."


_OTHER_WAYS = " and ".join(f"extractor not like '% {way}'" for way in OTHER_WAYS)
IS_DOUBTED = f"""captures.reason <> '' and exists (select 1 from extractions
    where capture_id = captures.id and current and {_OTHER_WAYS})"""  # noqa: S608 (constants)
"""Condition on the capture that a version's text was read from: something is to be said against the text.
Of one that was read again in another way, its neighbours agree."""


def list_documents(connection: sqlite3.Connection, site: str) -> list[Row]:
    """Return a site's policies, privacy first and main ones first, with their addresses and figures."""
    rows = connection.execute(
        f"""select documents.*,
            (select count(*) from captures where document_id = documents.id) as captures,
            (select count(*) from captures where document_id = documents.id and outcome = 'incomplete-text')
                as incomplete,
            (select count(*) from versions join captures on captures.id = text_capture
                where versions.document_id = documents.id and {IS_DOUBTED}) as doubted,
            (select count(*) from versions where document_id = documents.id) as versions,
            (select count(*) from versions where document_id = documents.id and not {IS_TOLD}) as passed_over,
            (select min(timestamp) from captures where document_id = documents.id) as first_capture,
            (select max(timestamp) from captures where document_id = documents.id) as last_capture
        from documents where site = ? and kind != 'home' order by {KIND_ORDER.format("kind")}, name""",  # noqa: S608 (a constant)
        (site,),
    ).fetchall()
    return [dict(row) | {"addresses": list_addresses(connection, row["id"])} for row in rows]


def list_doubts(connection: sqlite3.Connection, document: Document) -> dict[int, str]:
    """Return what is to be said against the texts of a document's versions, by number: one sentence each.

    Words that are missing, a text that is small beside its neighbours in time, and what was done about it.
    """
    rows = connection.execute(
        f"""select version, captures.reason as reason from versions
        join captures on captures.id = text_capture
        where versions.document_id = ? and {IS_DOUBTED} order by version""",  # noqa: S608 (a constant)
        (document.id,),
    )
    return {row["version"]: row["reason"] for row in rows}


def list_addresses(connection: sqlite3.Connection, document_id: str) -> list[Row]:
    """Return the addresses of a document, oldest first, with where each was found and when it was seen."""
    rows = connection.execute(
        "select url, source, evidence, confidence, first_seen, last_seen from addresses "
        "where document_id = ? order by first_seen, urlkey",
        (document_id,),
    )
    return [dict(row) for row in rows]


def list_addresses_from(connection: sqlite3.Connection, source: AddressSource) -> list[Row]:
    """Return `site`, `evidence`, `url`, `last_seen` (14 digits) of addresses of one source, in this order."""
    rows = connection.execute(
        """select site, evidence, url, last_seen from addresses join documents on documents.id = document_id
        where source = ? order by last_seen is null, last_seen, url""",
        (source,),
    )
    return [dict(row) for row in rows]


def list_versions(connection: sqlite3.Connection, document: Document) -> list[Row]:
    """Return a document's versions in order of time, without their texts; `change` as an object."""
    rows = connection.execute(
        f"select {_VERSION_COLUMNS} from policy_versions where document_id = ? order by version",  # noqa: S608
        (document.id,),
    ).fetchall()
    if len(rows) != count_versions(connection, document.id):
        check_versions(connection, document.id)
    return [_parse_version(row) for row in rows]


def count_versions(connection: sqlite3.Connection, document_id: str) -> int:
    """Return how many versions a document has."""
    sql = "select count(*) from versions where document_id = ?"
    return int(connection.execute(sql, (document_id,)).fetchone()[0])


def read_versions(connection: sqlite3.Connection, keys: Iterable[tuple[str, int]]) -> list[Row]:
    """Return the versions of these (document id, number), in this order, without their texts; unknown
    ones are left out."""
    sql = f"select {_VERSION_COLUMNS} from policy_versions where document_id = ? and version = ?"  # noqa: S608
    found = []
    for key in keys:
        row = connection.execute(sql, key).fetchone()
        if row is None:
            check_versions(connection, key[0])
        else:
            found.append(_parse_version(row))
    return found


def _parse_version(row: sqlite3.Row) -> Row:
    version = dict(row)
    version["change"] = json.loads(version["change"]) if version["change"] else None
    return version


def list_stays(connection: sqlite3.Connection, document: Document) -> list[Version]:
    """Return a document's versions as the fold made them, without their rows: what find_flapping asks for."""
    rows = connection.execute(
        """select version, text_sha256, changed_after, captures, returns_to, first_capture, last_capture
        from versions where document_id = ? order by version""",
        (document.id,),
    ).fetchall()
    ends = connection.execute(
        f"""select id, {ROW_COLUMNS} from captures where id in (
            select first_capture from versions where document_id = :id
            union select last_capture from versions where document_id = :id)""",  # noqa: S608 (a constant)
        {"id": document.id},
    )
    row_of = {end["id"]: parse_row(end) for end in ends}
    if not all(row[end] in row_of for row in rows for end in ("first_capture", "last_capture")):
        check_versions(connection, document.id)
    return [
        Version(
            number=row["version"],
            text_sha256=row["text_sha256"],
            first=row_of[row["first_capture"]],
            last=row_of[row["last_capture"]],
            changed_after=row["changed_after"],
            captures=row["captures"],
            returns_to=row["returns_to"],
        )
        for row in rows
    ]


def iter_versions_where(
    connection: sqlite3.Connection, condition: str, values: Mapping[str, Any], *, with_text: bool = True
) -> Iterator[Row]:
    """Yield whole versions in order; `condition` is SQL of this program's for a row of `policy_versions`.
    `with_text`: the text included, DamagedError at one whose text is damaged."""
    columns = f"{_VERSION_COLUMNS}, document_id, capture_id{', text' if with_text else ''}"
    sql = f"select {columns} from policy_versions where {condition} order by version"  # noqa: S608
    parse = _parse_whole if with_text else _parse_version
    yield from map(parse, connection.execute(sql, values))


def iter_texts_where(
    connection: sqlite3.Connection, condition: str, values: Mapping[str, Any]
) -> Iterator[Row]:
    """Yield `document_id`, `version`, `text` as iter_versions_where does."""
    columns = "document_id, site, kind, name, version, text_sha256, text"
    sql = f"select {columns} from policy_versions where {condition} order by version"  # noqa: S608
    for row in connection.execute(sql, values):
        text = whole(row["text"], _name_version(row), sha256=row["text_sha256"])
        yield {"document_id": row["document_id"], "version": row["version"], "text": text}


def read_version(connection: sqlite3.Connection, document: Document, number: int) -> Row:
    """Return one version with its text; raises NotKnownError, which says how many there are, and DamagedError
    when it is one of these, but its text or a row that it stands on is missing."""
    row = connection.execute(
        f"select {_VERSION_COLUMNS}, text from policy_versions where document_id = ? and version = ?",  # noqa: S608
        (document.id, number),
    ).fetchone()
    if row is None:
        check_versions(connection, document.id)
        there = _describe_versions(connection, document)
        raise NotKnownError(f"{document.site} has no version {number} of this document: there {there}.")
    return _parse_whole(row)


def _parse_whole(row: sqlite3.Row) -> Row:
    version = _parse_version(row)
    version["text"] = whole(row["text"], _name_version(row), sha256=row["text_sha256"])
    return version


def _name_version(row: sqlite3.Row) -> str:
    return f"version {row['version']} of {row['site']} {row['kind']} {row['name']}".strip()


def read_first_timestamp(connection: sqlite3.Connection, document_id: str, number: int) -> str | None:
    """Return the first capture of a version, 14 digits; None when there is no such version."""
    sql = "select first_timestamp from versions where document_id = ? and version = ?"
    row = connection.execute(sql, (document_id, number)).fetchone()
    return row["first_timestamp"] if row else None


def list_origins(connection: sqlite3.Connection) -> list[Row]:
    """Return `format`, `name`, `digest`, `licence`, `attribution` of the files that were imported."""
    rows = connection.execute(
        "select format, name, digest, licence, attribution from origins order by format, name, digest"
    )
    return [dict(row) for row in rows]


def read_row(connection: sqlite3.Connection, capture_id: str) -> CdxRow:
    """Return the index row of a capture."""
    return parse_row(
        connection.execute(f"select {ROW_COLUMNS} from captures where id = ?", (capture_id,)).fetchone()  # noqa: S608
    )


def read_body_digest(connection: sqlite3.Connection, capture_id: str) -> str | None:
    """Return the digest of the stored body of a capture; None when there is none."""
    row = connection.execute("select body_digest from captures where id = ?", (capture_id,)).fetchone()
    return row["body_digest"] if row else None


def read_fetched_at(connection: sqlite3.Connection, capture_id: str) -> str | None:
    """Return when a capture was fetched, by our clock; None when it was not."""
    row = connection.execute("select fetched_at from captures where id = ?", (capture_id,)).fetchone()
    return row["fetched_at"] if row else None


def list_text_captures(connection: sqlite3.Connection, document_id: str) -> list[tuple[str, str, str]]:
    """Return (14 digits, address, SHA-256 of the text) of the captures known to hold a text, in order of
    time: those that were read, and those of equal bytes."""
    rows = connection.execute(
        f"""select captures.timestamp, captures.original, text_sha256
        from captures
        join captures as proof on proof.id = coalesce(captures.same_as, captures.id)
        join extractions on capture_id = proof.id and current
        where captures.document_id = ? and proof.{HAS_TEXT}
        order by captures.timestamp, captures.original""",  # noqa: S608 (a constant)
        (document_id,),
    )
    return [tuple(row) for row in rows]


_TOLD_VERSIONS = 5


def _describe_versions(connection: sqlite3.Connection, document: Document) -> str:
    """Return which versions there are: the newest few with their days, and what lists more."""
    rows = connection.execute(
        "select version, first_timestamp from versions where document_id = ? order by version desc",
        (document.id,),
    ).fetchall()
    if not rows:
        return "is none"
    told = [f"v{row['version']} ({_day(row['first_timestamp'])})" for row in rows[:_TOLD_VERSIONS]]
    kind = f" --kind {document.kind}" + (f" --name {document.name}" if document.name else "")
    more = f"; 'policy-archive history {document.site}{kind}' lists all" if len(rows) > len(told) else ""
    return f"{'is' if len(rows) == 1 else 'are'} {len(rows)}, the newest first: {', '.join(told)}{more}"


def _day(timestamp: str) -> str:
    return f"{timestamp[:4]}-{timestamp[4:6]}-{timestamp[6:8]}"


def find_newest(connection: sqlite3.Connection, document: Document) -> int | None:
    """Return the number of the newest version of a document; None when it has none."""
    sql = "select max(version) from versions where document_id = ?"
    number: int | None = connection.execute(sql, (document.id,)).fetchone()[0]
    return number


def find_number_of_capture(connection: sqlite3.Connection, document: Document, timestamp: str) -> int:
    """Return the number of the version that a capture of 14 digits holds; raises NotKnownError."""
    row = connection.execute(
        """select version from versions
        where document_id = :id and first_timestamp <= :at and last_timestamp >= :at
            and exists (select 1 from captures where document_id = :id and timestamp = :at)""",
        {"id": document.id, "at": timestamp},
    ).fetchone()
    if row is None:
        raise NotKnownError(
            f"no capture of {timestamp[:20]} with a text of this document is known: "
            f"'policy-archive history {document.site} --captures' lists them."
        )
    return int(row["version"])


def read_first_digest(connection: sqlite3.Connection, document: Document, number: int) -> str:
    """Return the index's digest of a version's first capture, `-` when it has none."""
    (digest,) = connection.execute(
        """select digest from versions join captures on captures.id = first_capture
        where versions.document_id = ? and version = ?""",
        (document.id, number),
    ).fetchone()
    return str(digest)


def read_quality(connection: sqlite3.Connection, document: Document, number: int) -> Row:
    """Return how good a version's text is: what its extraction says of itself.

    `kept_share`, `language_confidence` from 0 to 1; `replacement_characters`,
    `documents_on_page` counts; `hidden_text_used` true or false; `stated_dates` as
    objects of `kind`, `as_written`, `day`; `charset`, `extractor`; `note`, what else a reader should know.
    """
    row = connection.execute(
        """select kept_share, replacement_characters, hidden_text_used, documents_on_page, charset,
            language, language_confidence, stated_dates, extractor, coalesce(captures.reason, '') as note
        from versions join extractions on capture_id = text_capture and current
        join captures on captures.id = text_capture
        where versions.document_id = ? and version = ?""",
        (document.id, number),
    ).fetchone()
    found = dict(row)
    stated_dates, hidden = json.loads(found["stated_dates"]), bool(found["hidden_text_used"])
    return found | {"stated_dates": stated_dates, "hidden_text_used": hidden}


@dataclass(frozen=True, kw_only=True)
class AddressMove:
    """The captures went over from one address to another."""

    old_url: str
    new_url: str
    last_at_old: str
    """14 digits."""
    first_at_new: str


def find_moves(connection: sqlite3.Connection, document: Document) -> list[AddressMove]:
    """Return where a document's texts moved to another address, in order of time.

    Two addresses that are captured in turn are no move: the old one must not be seen again.
    """
    rows = connection.execute(
        f"""select urlkey, min(timestamp) as first, max(timestamp) as last, original from captures
        where document_id = ? and {HAS_TEXT} group by urlkey order by first""",  # noqa: S608 (a constant)
        (document.id,),
    ).fetchall()
    return [
        AddressMove(
            old_url=old["original"],
            new_url=new["original"],
            last_at_old=old["last"],
            first_at_new=new["first"],
        )
        for old, new in pairwise(rows)
        if old["last"] < new["first"]
    ]


def fold_foreign(connection: sqlite3.Connection, document: Document) -> list[tuple[Version, Row]]:
    """Return the versions of somebody else's texts at the document's addresses, with title, words, reason."""
    rows = connection.execute(
        f"""select captures.id as id, {ROW_COLUMNS}, text_sha256, title, words, reason, stated_dates
        from captures join extractions on capture_id = captures.id and current
        join texts on sha256 = text_sha256 where document_id = ? and outcome = 'foreign'""",  # noqa: S608
        (document.id,),
    ).fetchall()
    known = [
        KnownCapture(
            row=parse_row(row),
            outcome=Outcome.TEXT,  # folded among themselves, as if they were the document's own
            text_sha256=row["text_sha256"],
            stated_days=parse_stated_days(row["stated_dates"]),
        )
        for row in rows
    ]
    by_row = {capture.row: dict(row) for capture, row in zip(known, rows, strict=True)}
    return [(version, by_row[version.first]) for version in fold_versions(known)]


def list_captures(connection: sqlite3.Connection, document: Document) -> list[Row]:
    """Return every index row with its state, outcome and reason, in order of time.

    `same_as` is the timestamp of the capture whose body it equals; `after` and
    `before` those of the captures that bracket it.
    """
    rows = connection.execute(
        """select captures.timestamp, captures.original as url, captures.state, captures.outcome,
            coalesce(nullif(captures.reason, ''), captures.state_reason) as reason,
            proof.timestamp as same_as, older.timestamp as after, newer.timestamp as before,
            captures.digest, captures.verified, captures.requests, captures.replay_url
        from captures
        left join captures as proof on proof.id = captures.same_as
        left join captures as older on older.id = captures.after_id
        left join captures as newer on newer.id = captures.before_id
        where captures.document_id = ?
        order by captures.timestamp, captures.original, captures.digest""",
        (document.id,),
    )
    return [dict(row) for row in rows]


def width_in_days(version: Row) -> float | None:
    """Return how many days wide the interval of a version's change is; None for a first version."""
    if version["changed_after"] is None:
        return None
    start, end = (
        parse_timestamp("".join(filter(str.isdigit, version[key])))
        for key in ("changed_after", "first_captured")
    )
    return round((end - start).total_seconds() / DAY_SECONDS, 1)


def list_unread(connection: sqlite3.Connection) -> list[Row]:
    """Return `site`, `outcome` and number (`captures`) of the captures over which their reader died."""
    rows = connection.execute(
        """select site, outcome, count(*) as captures
        from captures join documents on documents.id = document_id
        where outcome in (select value from json_each(?)) group by site, outcome order by site, outcome""",
        (json.dumps(Outcome.accidents()),),
    )
    return [dict(row) for row in rows]


# "+": of two indexes the document's is meant, for some texts stand in thousands of documents
OCCURRENCE = """(select count(*) from versions as same
    where same.document_id = versions.document_id and +same.text_sha256 = versions.text_sha256
    and same.version <= versions.version)"""
"""SQL, for a row of `versions`: which time it is that its text stands, from 1."""


def list_occurrences(
    connection: sqlite3.Connection, keys: Sequence[tuple[str, int]]
) -> dict[tuple[str, int], int]:
    """Return for versions, (document id, number), which time it is that their text stands, from 1.

    With the text's hash this names a version for good: its number and its first capture may move.
    """
    rows = connection.execute(
        f"""select versions.document_id, versions.version, {OCCURRENCE}
        from json_each(?) join versions on versions.document_id = json_extract(value, '$[0]')
            and versions.version = json_extract(value, '$[1]')""",  # noqa: S608 (a constant)
        (json.dumps(keys),),
    )
    return {(document_id, version): occurrence for document_id, version, occurrence in rows}


def count_unweighed(connection: sqlite3.Connection) -> int:
    """Return of how many documents an import has not come to the end, see `weighing`."""
    (number,) = connection.execute("select count(*) from unweighed").fetchone()
    return int(number)
