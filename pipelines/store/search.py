"""Full-text search over all versions: few hits are ranked, many are walked from the newest on.

Ranking reads every hit, so that a common word would take longer the larger the corpus is; the walk
stops when a page is full.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from policy_archive.crawler.core.errors import UsageError
from policy_archive.crawler.core.timestamps import isoformat
from policy_archive.pipelines.store import queries
from policy_archive.pipelines.store.queries import Row
from policy_archive.pipelines.store.search_syntax import SearchQuery, parse_query
from policy_archive.pipelines.store.snippets import cut_snippet

RANKED_TEXTS = 2_000
"""More matching texts than this are not ranked."""
_SECONDS = 2.0
_VERSIONS_A_ROW = 5
_STEPS = 200
"""Of SQLite between two looks at the clock: a step may look at one text in the full-text index, for long."""


@dataclass(frozen=True, kw_only=True)
class SearchFilters:
    """Which versions are searched; None: all."""

    site: str | None = None
    kind: str | None = None
    year: str | None = None
    """Four digits: versions that were seen, or lay between two sights, in that year."""
    language: str | None = None

    def conditions(self) -> tuple[str, list[str]]:
        """Return SQL to append to a WHERE, and its values."""
        wanted = {
            "documents.site = ?": [self.site],
            "versions.document_id in (select id from documents where kind = ?)": [self.kind],
            "versions.first_timestamp < ? and versions.last_timestamp >= ?": self._years(),
            "exists (select 1 from extractions where extractions.text_sha256 = versions.text_sha256 "
            "and extractions.current and extractions.language = ?)": [self.language],
        }
        given = {sql: values for sql, values in wanted.items() if all(values)}
        return "".join(f" and {sql}" for sql in given), [
            str(value) for part in given.values() for value in part
        ]

    def _years(self) -> list[str | None]:
        if not self.year:
            return [None]
        if not (self.year.isascii() and self.year.isdecimal() and len(self.year) == 4):
            raise UsageError(f"“{self.year[:20]}” is no year: write four digits, like 2018.")
        return [f"{int(self.year) + 1}", self.year]

    @property
    def first_year(self) -> int:
        """Return `year` as a number, 0 without one; raises UsageError when it is none."""
        return int(self._years()[-1] or 0)


@dataclass(frozen=True, kw_only=True)
class SearchResult:
    """One page of hits."""

    rows: list[Row]
    """Versions, with `snippet`: where the words found stand between snippets.BEGIN and END."""
    hits: int | None
    """Versions that say it; None: more than were counted."""
    first: Row | None
    """The first version in which the words stand."""
    last: Row | None
    """The one that was seen last."""
    has_more: bool
    ranked: bool
    """Best first; else newest first."""
    wider: str | None
    """A search with stars that finds more versions than this one; None when none does, or when many do."""
    wider_hits: int | None
    """How many it finds."""


def search_versions(
    connection: sqlite3.Connection,
    text: str,
    filters: SearchFilters,
    *,
    limit: int = 20,
    offset: int = 0,
    newest_first: bool = False,
    by_document: bool = False,
    seconds: float = _SECONDS,
) -> SearchResult:
    """Return the versions that say what was typed: best first when they are few, else newest.

    `by_document`: of each document one version, for every version says what its neighbours say. Where hits
    are many, `limit` and `offset` count in windows of _VERSIONS_A_ROW versions a row, and a document may
    come again in the next window.
    `limit` -1: all. Raises UsageError when it cannot be meant or takes longer than so many seconds.
    """
    query = parse_query(text)
    with explained(connection, seconds):
        return _search(connection, query, filters, limit, offset, newest_first, by_document)


@contextmanager
def explained(connection: sqlite3.Connection, seconds: float) -> Iterator[None]:
    """Raise UsageError for what the index cannot read, and for what takes too long."""
    try:
        with _time_limit(connection, seconds):
            yield
    except sqlite3.OperationalError as error:
        if "interrupted" in str(error):
            raise UsageError("This search takes too long: add a word, a site or a year.") from error
        if "fts5" in str(error):
            raise UsageError("The search cannot be read: put phrases into quotation marks.") from error
        raise


@dataclass(frozen=True, kw_only=True)
class _Question:
    """FROM and WHERE of a search, with values; the ways to read it differ in the order of the tables."""

    body: str
    values: tuple[str, ...]

    def ask(self, connection: sqlite3.Connection, rest: str, *values: int) -> list[sqlite3.Row]:
        sql = f"select versions.document_id, versions.version, versions.text_id {self.body} {rest}"
        return connection.execute(sql, (*self.values, *values)).fetchall()


# From the hits to their versions
_BY_HIT = """from texts_search cross join versions on versions.text_id = texts_search.rowid
    where texts_search match ?"""
# A site's versions are few: walking them and asking the index for each beats walking all hits
_BY_SITE = """from documents cross join versions on versions.document_id = documents.id
    cross join texts_search on texts_search.rowid = versions.text_id
    where texts_search match ?"""
# Along the index of times until enough are found; the plus keeps SQLite from starting with the hits
_BY_TIME = """from versions indexed by versions_time
    where +versions.text_id in (select rowid from texts_search where texts_search match ?)"""


def _search(
    connection: sqlite3.Connection,
    query: SearchQuery,
    filters: SearchFilters,
    limit: int,
    offset: int,
    newest_first: bool,
    by_document: bool,
) -> SearchResult:
    match = query.match
    conditions, values = filters.conditions()
    few = bool(filters.site) or _is_rare(connection, match)
    body = (_BY_SITE if filters.site else _BY_HIT) if few else _BY_TIME
    question = _Question(body=body + conditions, values=(match, *values))
    ranked = few and not newest_first
    order = "bm25(texts_search), versions.first_timestamp" if ranked else "versions.first_timestamp desc"
    if by_document:
        every = -1 if few else limit * _VERSIONS_A_ROW
        keys = question.ask(
            connection, f"order by {order} limit ? offset ?", every, 0 if few else offset * _VERSIONS_A_ROW
        )
        found = list({key["document_id"]: key for key in reversed(keys)}.values())[::-1]
        found = found[offset : offset + limit + 1] if few else found
        # of many a full window may have more behind it; of few one row more was looked for
        has_more = len(found) > limit if few else len(keys) == every
    else:
        found = question.ask(connection, f"order by {order} limit ? offset ?", limit + (limit >= 0), offset)
        has_more = len(found) > limit >= 0
    first, last = (None, None) if offset else _find_ends(connection, question, found, few=few)
    shown = found[:limit] if limit >= 0 and (few or not by_document) else found
    snippets = _read_snippets(connection, query.needles, [key["text_id"] for key in shown])
    hits = _count(connection, question) if few else None
    wider = _count_wider(connection, query, filters, than=hits) if few and not offset else None
    return SearchResult(
        rows=[
            row | {"snippet": snippets[key["text_id"]]}
            for key, row in zip(shown, _read(connection, shown), strict=True)
        ],
        hits=hits,
        ranked=ranked,
        first=first,
        last=last,
        has_more=has_more,
        wider=query.wider if wider else None,
        wider_hits=wider,
    )


def _find_ends(
    connection: sqlite3.Connection, question: _Question, found: list[sqlite3.Row], *, few: bool
) -> tuple[Row | None, Row | None]:
    """Return the first and the last version in which the words stand, by time.

    Where many were found, the newest of those at hand counts as the last, so that one more search is saved.
    """
    oldest = question.ask(connection, "order by versions.first_timestamp limit 1") if found else []
    newest = question.ask(connection, "order by versions.last_timestamp desc limit 1") if few else found[:1]
    first, last = ([*_read(connection, end), None][0] for end in (oldest, newest))
    return first, last


def _is_rare(connection: sqlite3.Connection, match: str) -> bool:
    (texts,) = connection.execute(
        "select count(*) from (select 1 from texts_search where texts_search match ? limit ?)",
        (match, RANKED_TEXTS + 1),
    ).fetchone()
    return bool(texts <= RANKED_TEXTS)


def _count(connection: sqlite3.Connection, question: _Question) -> int:
    (hits,) = connection.execute(f"select count(*) {question.body}", question.values).fetchone()
    return int(hits)


def _read(connection: sqlite3.Connection, keys: list[sqlite3.Row]) -> list[Row]:
    return queries.read_versions(connection, [(key["document_id"], key["version"]) for key in keys])


def _count_wider(
    connection: sqlite3.Connection, query: SearchQuery, filters: SearchFilters, *, than: int | None
) -> int | None:
    """Return how many versions the search with stars finds; None when no more, or too many to count."""
    if query.wider is None or than is None:
        return None
    match = parse_query(query.wider).match
    if not (filters.site or _is_rare(connection, match)):
        return None
    conditions, values = filters.conditions()
    body = _BY_SITE if filters.site else _BY_HIT
    hits = _count(connection, _Question(body=body + conditions, values=(match, *values)))
    return hits if hits > than else None


def _read_snippets(
    connection: sqlite3.Connection, needles: Sequence[str], text_ids: list[int]
) -> dict[int, str]:
    """Return the surroundings of what was found in some texts; the whole text is read for each."""
    rows = connection.execute(
        "select id, text from texts_search_content where id in (select value from json_each(?))",
        (json.dumps(text_ids),),
    )
    texts = {row["id"]: row["text"] for row in rows}
    return {one: _cut(texts.get(one), needles) for one in text_ids}


def _cut(text: str | None, needles: Sequence[str]) -> str:
    """Return a snippet; of a damaged text that it is one: the others that were found are shown."""
    return "(this text is missing or damaged: verify)" if text is None else cut_snippet(text, needles)


def list_saying(
    connection: sqlite3.Connection, text: str, document_ids: Sequence[str], *, seconds: float = _SECONDS
) -> dict[str, list[Row]]:
    """Return for some documents every version in order, with `said`: whether it says what was typed.

    `version`, `first_timestamp`, `last_timestamp`, `changed_after` (14 digits). Raises UsageError as
    search_versions does.
    """
    ids = json.dumps(list(document_ids))
    of_them = "versions.document_id in (select value from json_each(?))"
    with explained(connection, seconds):
        found = connection.execute(
            f"""select versions.document_id, versions.version
            from versions cross join texts_search on texts_search.rowid = versions.text_id
            where {of_them} and texts_search match ?""",  # noqa: S608 (a constant)
            (ids, parse_query(text).match),
        ).fetchall()
    said = {(row["document_id"], row["version"]) for row in found}
    rows = connection.execute(
        f"""select document_id, version, first_timestamp, last_timestamp, changed_after from versions
        where {of_them} order by document_id, version""",  # noqa: S608 (a constant)
        (ids,),
    )
    by_document: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        key = row["document_id"], row["version"]
        by_document[key[0]].append(dict(row) | {"said": key in said})
    return by_document


# What says it, by document

_HITS = """select versions.document_id, min(version) as first, max(version) as last, count(*) as versions
from versions join documents on documents.id = versions.document_id
where versions.text_id in (select rowid from texts_search where texts_search match ?) {conditions}
group by versions.document_id"""


def list_documents_saying(
    connection: sqlite3.Connection, text: str, filters: SearchFilters, *, seconds: float = 60.0
) -> list[Row]:
    """Return the documents of which a version says what was typed, by site and kind.

    `first_version` and `changed_after` … `first_captured`, the interval in which it came; `last_version`
    and `last_captured` … `gone_by`, the interval in which it went (`gone_by` None: the newest version says
    it); `versions` that say it, `interrupted` where one between them does not.
    Raises UsageError as search_versions does.
    """
    query = parse_query(text)
    conditions, values = filters.conditions()
    sql = f"""with hits as ({_HITS.format(conditions=conditions)})
    select documents.site, documents.kind, documents.name, hits.first as first_version,
        oldest.changed_after, oldest.first_timestamp, hits.last as last_version, newest.last_timestamp,
        later.first_timestamp as gone_by, hits.versions,
        hits.versions <= hits.last - hits.first as interrupted
    from hits join documents on documents.id = hits.document_id
    join versions as oldest on oldest.document_id = hits.document_id and oldest.version = hits.first
    join versions as newest on newest.document_id = hits.document_id and newest.version = hits.last
    left join versions as later on later.document_id = hits.document_id and later.version = hits.last + 1
    order by documents.site, {queries.KIND_ORDER.format("documents.kind")}, documents.name"""  # noqa: S608
    with explained(connection, seconds):
        return [_describe_saying(row) for row in connection.execute(sql, (query.match, *values))]


def _describe_saying(row: sqlite3.Row) -> Row:
    return {
        **{key: row[key] for key in ("site", "kind", "name", "first_version")},
        "changed_after": row["changed_after"] and isoformat(row["changed_after"]),
        "first_captured": isoformat(row["first_timestamp"]),
        "last_version": row["last_version"],
        "last_captured": isoformat(row["last_timestamp"]),
        "gone_by": row["gone_by"] and isoformat(row["gone_by"]),
        "versions": row["versions"],
        "interrupted": bool(row["interrupted"]),
    }


@contextmanager
def _time_limit(connection: sqlite3.Connection, seconds: float) -> Iterator[None]:
    deadline = time.monotonic() + seconds
    connection.set_progress_handler(lambda: int(time.monotonic() > deadline), _STEPS)
    try:
        yield
    finally:
        connection.set_progress_handler(None, 0)
