"""Feeds of the corpus: all changes, a site's, a search's."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from urllib.parse import quote

from policy_archive.browse import corpus
from policy_archive.browse.addresses import Addresses
from policy_archive.browse.filters import document_of, show_kind
from policy_archive.pipelines.outputs.feed import Entry, build_feed, entry_id
from policy_archive.pipelines.outputs.history import describe_interval, describe_version
from policy_archive.pipelines.store.queries import Row, list_occurrences
from policy_archive.pipelines.store.search import SearchFilters, search_versions

_NEWEST = 100


def build_changes_feed(
    connection: sqlite3.Connection, addresses: Addresses, *, root: str, site: str | None = None
) -> str:
    """Return the newest versions of all sites, or of one. `root` is what makes an address absolute."""
    rows = corpus.read_changes(connection, site=site, limit=_NEWEST)
    return build_feed(
        id=f"tag:policy-archive,2026:changes/{quote(site or '', safe='')}",
        title=f"Policy changes of {site}" if site else "Policy changes",
        link=root + (addresses.site(site) if site else addresses.home()),
        self_link=f"{root}{addresses.feed(site)}",
        entries=_entries(connection, rows, addresses, root),
    )


def build_search_feed(
    connection: sqlite3.Connection,
    addresses: Addresses,
    *,
    root: str,
    query: str,
    asked: str,
    filters: SearchFilters,
) -> str:
    """Return the newest versions that a search finds. `asked` is its query string."""
    result = search_versions(connection, query, filters, limit=_NEWEST, newest_first=True)
    return build_feed(
        id=f"tag:policy-archive,2026:search?{asked}",
        title=f"Policies that say {query}",
        link=f"{root}{addresses.search()}?{asked}",
        self_link=f"{root}{addresses.search_feed()}?{asked}",
        entries=_entries(connection, result.rows, addresses, root),
    )


def _entries(
    connection: sqlite3.Connection, rows: Sequence[Row], addresses: Addresses, root: str
) -> Iterable[Entry]:
    keys = [(document_of(row).id, row["version"]) for row in rows]
    occurrences = list_occurrences(connection, keys)
    for row in rows:
        document = document_of(row)
        yield Entry(
            id=entry_id(document.id, row["text_sha256"], occurrences[document.id, row["version"]]),
            title=f"{row['site']}: {show_kind(document)}, version {row['version']}",
            updated=row["first_captured"],
            link=root + addresses.version(document, row["timestamp"]),
            summary=_summarise(row),
        )


def _summarise(row: Row) -> str:
    if row["changed_after"] is None:
        return f"{describe_interval(row).capitalize()}, {row['words']:,} words."
    figures = f"+{row['words_added'] or 0:,} −{row['words_removed'] or 0:,} words"
    return f"Changed {describe_interval(row)}: {figures}; {describe_version(row)}."
