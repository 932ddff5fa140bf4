"""Full-text search over all versions: few hits are ranked, many are walked from the newest on.

Ranking reads every hit, so that a common word would take longer the larger the corpus is; the walk
stops when a page is full.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from policy_archive.browse.snippets import cut_snippet
from policy_archive.crawler.core.errors import UsageError
from policy_archive.pipelines.store import queries
from policy_archive.pipelines.store.queries import Row

RANKED_TEXTS = 2_000
"""More matching texts than this are not ranked."""
_SECONDS = 2.0
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


@dataclass(frozen=True, kw_only=True)
class SearchResult:
    """One page of hits."""

    rows: list[Row]
    """Versions, with `snippet` (`cut_snippet`)."""
    hits: int | None
    """Versions that say it; None: more than were counted."""
    first: Row | None
    """The first version in which the words stand."""
    last: Row | None
    """The one that was seen last."""
    has_more: bool
    ranked: bool
    """Best first; else newest first."""


def search_versions(
    connection: sqlite3.Connection,
    match: str,
    filters: SearchFilters,
    *,
    limit: int = 20,
    offset: int = 0,
    newest_first: bool = False,
) -> SearchResult:
    """Return the versions whose text matches an FTS5 expression: best first when they are few, else newest.

    Raises UsageError when the expression cannot be read or takes too long.
    """
    try:
        with _time_limit(connection):
            return _search(connection, match, filters, limit, offset, newest_first)
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
    match: str,
    filters: SearchFilters,
    limit: int,
    offset: int,
    newest_first: bool,
) -> SearchResult:
    conditions, values = filters.conditions()
    few = bool(filters.site) or _is_rare(connection, match)
    body = (_BY_SITE if filters.site else _BY_HIT) if few else _BY_TIME
    question = _Question(body=body + conditions, values=(match, *values))
    ranked = few and not newest_first
    order = "bm25(texts_search), versions.first_timestamp" if ranked else "versions.first_timestamp desc"
    found = question.ask(connection, f"order by {order} limit ? offset ?", limit + 1, offset)
    first, last = (None, None) if offset else _find_ends(connection, question, found, few=few)
    shown = found[:limit]
    snippets = _read_snippets(connection, match, [key["text_id"] for key in shown])
    return SearchResult(
        rows=[
            row | {"snippet": snippets[key["text_id"]]}
            for key, row in zip(shown, _read(connection, shown), strict=True)
        ],
        hits=_count(connection, question) if few else None,
        ranked=ranked,
        first=first,
        last=last,
        has_more=len(found) > limit,
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


def _read_snippets(connection: sqlite3.Connection, match: str, text_ids: list[int]) -> dict[int, str]:
    """Return the surroundings of what was found in some texts."""
    rows = connection.execute(
        "select id, text from texts_search_content where id in (select value from json_each(?))",
        (json.dumps(text_ids),),
    )
    return {text_id: cut_snippet(text, match) for text_id, text in rows}


@contextmanager
def _time_limit(connection: sqlite3.Connection) -> Iterator[None]:
    deadline = time.monotonic() + _SECONDS
    connection.set_progress_handler(lambda: int(time.monotonic() > deadline), _STEPS)
    try:
        yield
    finally:
        connection.set_progress_handler(None, 0)
