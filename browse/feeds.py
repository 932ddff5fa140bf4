"""Feeds of the corpus: all changes, a site's, a search's."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from urllib.parse import quote

from browse import corpus
from browse.addresses import Addresses
from browse.filters import key_of, show_day, show_gist
from browse.searching import build_match
from crawler.timestamps import isoformat
from pipelines.outputs.feed import Entry, build_feed

_NEWEST = 100


def build_changes_feed(
    connection: sqlite3.Connection, addresses: Addresses, *, root: str, site: str | None = None
) -> str:
    """Return the newest versions of all sites, or of one. `root` is what makes an address absolute."""
    rows = corpus.read_changes(connection, site=site, limit=_NEWEST)
    return build_feed(
        id=f"tag:policy-archive,2026:changes/{quote(site or '')}",
        title=f"Policy changes of {site}" if site else "Policy changes",
        link=root + (addresses.site(site) if site else addresses.home()),
        self_link=root + addresses.feed(site),
        entries=_entries(rows, addresses, root),
    )


def build_search_feed(
    connection: sqlite3.Connection,
    addresses: Addresses,
    *,
    root: str,
    query: str,
    asked: str,
    filters: corpus.SearchFilters,
) -> str:
    """Return the newest versions that a search finds. `asked` is its query string."""
    result = corpus.search_versions(connection, build_match(query), filters, limit=_NEWEST)
    rows = sorted(result.rows, key=lambda row: row["first_timestamp"], reverse=True)
    return build_feed(
        id=f"tag:policy-archive,2026:search?{asked}",
        title=f"Policies that say {query}",
        link=f"{root}{addresses.search()}?{asked}",
        self_link=f"{root}{addresses.base}/-/search.atom?{asked}",
        entries=_entries(rows, addresses, root),
    )


def _entries(rows: Iterable[corpus.Row], addresses: Addresses, root: str) -> Iterable[Entry]:
    for row in rows:
        key = key_of(row)
        yield Entry(
            id=f"tag:policy-archive,2026:{row['document_id']}/{row['first_timestamp']}",
            title=f"{row['site']}: {row['title'] or row['kind']}, version {row['version']}",
            updated=isoformat(row["first_timestamp"]),
            link=root + addresses.version(key, row["first_timestamp"]),
            summary=_summarise(row),
        )


def _summarise(row: corpus.Row) -> str:
    if row["changed_after"] is None:
        return f"First seen {show_day(row['first_timestamp'])}, {row['words']:,} words."
    dates = f"{show_day(row['changed_after'])} and {show_day(row['first_timestamp'])}"
    figures = f"+{row['words_added'] or 0:,} −{row['words_removed'] or 0:,} words"
    return f"Changed between {dates}: {figures}; {show_gist(row['change'])}."
