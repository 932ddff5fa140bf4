"""The questions that the pages ask of a corpus; a connection comes in, plain rows go out."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from browse.addresses import DocumentKey
from crawler.errors import UsageError

Row = sqlite3.Row

_LISTED = """
    versions.version, versions.first_timestamp, versions.last_timestamp, versions.changed_after,
    versions.captures, versions.verified, versions.returns_to, versions.words_added, versions.words_removed,
    versions.change, versions.stated_updated, versions.stated_effective, versions.stated_flag,
    versions.text_sha256, texts.words, extractions.title, extractions.language, first.original as url,
    documents.site, documents.kind, documents.name, documents.owner, versions.document_id
"""
_FROM_VERSIONS = """
    from versions
    join documents on documents.id = versions.document_id
    join captures as first on first.id = versions.first_capture
    join texts on texts.sha256 = versions.text_sha256
    join extractions on extractions.capture_id = versions.first_capture and extractions.current
"""


@dataclass(frozen=True, kw_only=True)
class Overview:
    """What is in the corpus."""

    sites: int
    documents: int
    versions: int
    first_year: str | None
    last_year: str | None
    latest: list[Row]
    busiest: list[Row]
    missing: list[Row]


def read_overview(connection: sqlite3.Connection) -> Overview:
    """Return the figures and lists of the home page."""
    counts = connection.execute(
        """select (select count(*) from sites) as sites,
            (select count(*) from documents where kind != 'home'
                and exists (select 1 from versions where document_id = documents.id)) as documents,
            (select count(*) from versions) as versions,
            (select substr(min(first_timestamp), 1, 4) from versions) as first_year,
            (select substr(max(first_timestamp), 1, 4) from versions) as last_year"""
    ).fetchone()
    return Overview(
        **dict(counts),
        latest=read_changes(connection, limit=12),
        busiest=connection.execute(
            """select documents.site, count(*) as changes from versions
            join documents on documents.id = document_id
            where version > 1 group by documents.site order by changes desc, documents.site limit 12"""
        ).fetchall(),
        missing=connection.execute(
            """select site, outcome, reason from sites where outcome is not null and outcome != 'found'
            order by checked_at desc, site limit 12"""
        ).fetchall(),
    )


def list_sites(connection: sqlite3.Connection, *, limit: int) -> list[str]:
    """Return the first sites by name."""
    rows = connection.execute("select site from sites order by site limit ?", (limit,))
    return [row["site"] for row in rows]


def read_changes(connection: sqlite3.Connection, *, site: str | None = None, limit: int = 100) -> list[Row]:
    """Return the newest versions first, of one site or of all."""
    where = "where documents.site = ?" if site else ""
    return connection.execute(
        f"select {_LISTED} {_FROM_VERSIONS} {where} order by versions.first_timestamp desc limit ?",
        (*([site] if site else []), limit),
    ).fetchall()


@dataclass(frozen=True, kw_only=True)
class DocumentHistory:
    """One document of a site page. Rows carry the columns of their tables."""

    key: DocumentKey
    document: Row
    addresses: list[Row]
    versions: list[Row]
    captures: list[Row]


def read_site(connection: sqlite3.Connection, site: str) -> tuple[Row | None, list[DocumentHistory]]:
    """Return the site's row (None when unknown) and its documents, main ones first."""
    row = connection.execute("select * from sites where site = ?", (site,)).fetchone()
    documents = connection.execute(
        """select * from documents where site = ? and kind != 'home'
        order by case kind when 'privacy' then 0 when 'terms' then 1 when 'cookies' then 2 else 3 end,
            name""",
        (site,),
    ).fetchall()
    return row, [_read_history(connection, document) for document in documents]


def _read_history(connection: sqlite3.Connection, document: Row) -> DocumentHistory:
    return DocumentHistory(
        key=DocumentKey(site=document["site"], kind=document["kind"], name=document["name"]),
        document=document,
        addresses=connection.execute(
            "select * from addresses where document_id = ? order by first_seen, url", (document["id"],)
        ).fetchall(),
        versions=list_versions(connection, document["id"]),
        captures=connection.execute(
            """select timestamp, state, outcome, original, urlkey from captures
            where document_id = ? order by timestamp""",
            (document["id"],),
        ).fetchall(),
    )


def list_versions(connection: sqlite3.Connection, document_id: str) -> list[Row]:
    """Return a document's versions in order of time, without their texts."""
    return connection.execute(
        f"select {_LISTED} {_FROM_VERSIONS} where versions.document_id = ? order by versions.version",
        (document_id,),
    ).fetchall()


def find_document(connection: sqlite3.Connection, key: DocumentKey) -> Row | None:
    """Return the document's row, None when there is none of that name."""
    row: Row | None = connection.execute(
        "select * from documents where site = ? and kind = ? and name = ?", (key.site, key.kind, key.name)
    ).fetchone()
    return row


def read_version(connection: sqlite3.Connection, document_id: str, timestamp: str) -> Row | None:
    """Return the row of `policy_versions`, text included, that held at the capture of that timestamp."""
    row: Row | None = connection.execute(
        """select * from policy_versions where document_id = ? and timestamp = (
            select max(first_timestamp) from versions where document_id = ? and first_timestamp <= ?)""",
        (document_id, document_id, timestamp),
    ).fetchone()
    return row


def read_evidence(connection: sqlite3.Connection, capture_id: str) -> dict[str, Any]:
    """Return what is known of a version's first capture and of how its text was had."""
    row = connection.execute(
        """select captures.*, extractions.* from captures
        join extractions on extractions.capture_id = captures.id and extractions.current
        where captures.id = ?""",
        (capture_id,),
    ).fetchone()
    return dict(row)


# Search

RANKED_HITS = 2_000
"""Ranking reads every hit: above this many the newest come first instead."""
COUNTED_HITS = 5_000
_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True)
class SearchFilters:
    """Which versions are searched; None: all."""

    site: str | None = None
    kind: str | None = None
    year: str | None = None
    language: str | None = None

    def conditions(self) -> tuple[str, list[str]]:
        """Return SQL to append to a WHERE, and its values."""
        wanted = {
            "documents.site = ?": self.site,
            "documents.kind = ?": self.kind,
            "substr(versions.first_timestamp, 1, 4) = ?": self.year,
            "extractions.language = ?": self.language,
        }
        given = {sql: value for sql, value in wanted.items() if value}
        return "".join(f" and {sql}" for sql in given), list(given.values())


@dataclass(frozen=True, kw_only=True)
class SearchResult:
    """One page of hits."""

    rows: list[Row]
    hits: int
    more_than_counted: bool
    ranked: bool
    first: Row | None = None
    last: Row | None = None
    notes: list[str] = field(default_factory=list)


def search_versions(
    connection: sqlite3.Connection, match: str, filters: SearchFilters, *, limit: int = 20, offset: int = 0
) -> SearchResult:
    """Return the versions whose text matches an FTS5 expression: best first when they are few, else newest.

    Raises UsageError when the expression cannot be read or takes too long.
    """
    with _time_limit(connection):
        try:
            return _search(connection, match, filters, limit, offset)
        except sqlite3.OperationalError as error:
            if "interrupted" in str(error):
                raise UsageError("This search takes too long: add a word, a site or a year.") from error
            raise UsageError("The search cannot be read: put phrases into quotation marks.") from error


def _search(
    connection: sqlite3.Connection, match: str, filters: SearchFilters, limit: int, offset: int
) -> SearchResult:
    conditions, values = filters.conditions()
    # A site's versions are few: walking them and asking the index for each beats walking all hits
    tables = (
        f"{_FROM_VERSIONS} cross join texts_search on texts_search.rowid = texts.id"
        if filters.site
        else f"from texts_search {_FROM_HITS}"
    )
    where = f"where texts_search match ?{conditions}"
    hits = connection.execute(
        f"select count(*) from (select 1 {tables} {where} limit ?)",  # noqa: S608
        (match, *values, COUNTED_HITS + 1),
    ).fetchone()[0]
    ranked = hits <= RANKED_HITS
    order = "bm25(texts_search)" if ranked else "texts_search.rowid desc"
    rows = connection.execute(
        f"select {_LISTED}, texts.id as text_id, {_SNIPPET} as snippet {tables} {where} "
        f"order by {order} limit ? offset ?",
        (match, *values, limit, offset),
    ).fetchall()
    first, last = _ends(connection, tables, where, (match, *values)) if ranked and hits else (None, None)
    return SearchResult(
        rows=rows,
        hits=min(hits, COUNTED_HITS),
        more_than_counted=hits > COUNTED_HITS,
        ranked=ranked,
        first=first,
        last=last,
    )


_FROM_HITS = """
    cross join texts on texts.id = texts_search.rowid
    cross join versions on versions.text_sha256 = texts.sha256
    cross join documents on documents.id = versions.document_id
    cross join captures as first on first.id = versions.first_capture
    cross join extractions on extractions.capture_id = versions.first_capture and extractions.current
"""
_SNIPPET = "snippet(texts_search, 0, char(1), char(2), '…', 36)"


def _ends(
    connection: sqlite3.Connection, tables: str, where: str, values: tuple[str, ...]
) -> tuple[Row | None, Row | None]:
    """Return the first and the last version that say it."""
    found = [
        connection.execute(
            f"select {_LISTED} {tables} {where} order by versions.first_timestamp {way} limit 1",
            values,
        ).fetchone()
        for way in ("asc", "desc")
    ]
    return found[0], found[1]


@contextmanager
def _time_limit(connection: sqlite3.Connection) -> Iterator[None]:
    deadline = time.monotonic() + _SECONDS
    connection.set_progress_handler(lambda: int(time.monotonic() > deadline), 10_000)
    try:
        yield
    finally:
        connection.set_progress_handler(None, 0)
