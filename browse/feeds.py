"""Feeds of the corpus: all changes, a site's, a search's."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from urllib.parse import quote, urlencode

from markupsafe import Markup

from policy_archive.browse.filters import show_kind
from policy_archive.browse.quotes import quote_changes
from policy_archive.crawler.core.records import Document
from policy_archive.pipelines.outputs.addresses import Addresses, document_of
from policy_archive.pipelines.outputs.feed import Entry, build_feed, entry_id
from policy_archive.pipelines.outputs.history import describe_interval, describe_version
from policy_archive.pipelines.store.monitoring.news import NewsFilter, list_learnt
from policy_archive.pipelines.store.queries import Row, list_occurrences
from policy_archive.pipelines.store.search import SearchFilters, search_versions

_NEWEST = 100
_QUOTED_CHARACTERS = 1_500_000
"""Of texts that are compared for one feed's quotations: a quarter of a second."""


def build_changes_feed(
    connection: sqlite3.Connection,
    addresses: Addresses,
    *,
    root: str,
    site: str | None = None,
    substantive: bool = False,
    min_words: int = 0,
) -> str:
    """Return the changes that became known last, of all sites or of one: what a reader has not seen comes up,
    however old it is. `root` is what makes an address absolute.

    What a document said when it was first seen is no change and not in it; `substantive` and `min_words`
    leave out more, as the options of 'changes' do.
    """
    wanted = NewsFilter(site=site, changes_only=True, substantive=substantive, min_words=min_words)
    rows = list_learnt(connection, wanted, limit=_NEWEST)
    rows = quote_changes(connection, rows, characters=_QUOTED_CHARACTERS)
    limits = {"substantive": int(substantive), "min_words": min_words}
    asked = urlencode({name: limit for name, limit in limits.items() if limit})
    narrowed = f"?{asked}" if asked else ""
    return build_feed(
        id=f"tag:policy-archive,2026:changes/{quote(site or '', safe='')}{narrowed}",
        title=f"Policy changes of {site}" if site else "Policy changes",
        link=root + (addresses.site(site) if site else addresses.home()),
        self_link=f"{root}{addresses.feed(site)}{narrowed}",
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
            # a search's hits are of the archive's time; a change is as new as the knowledge of it
            updated=row.get("recorded_at") or row["first_captured"],
            published=row["first_captured"] if "recorded_at" in row else None,
            link=root + _address(addresses, document, row),
            summary=_summarise(row),
            content=_quote(row),
        )


def _address(addresses: Addresses, document: Document, row: Row) -> str:
    if "before" in row:
        return addresses.diff(document, row["before"], document, row["timestamp"])
    return addresses.version(document, row["timestamp"])


def _quote(row: Row) -> str | None:
    """Return a change in a sentence and in a quotation, as HTML; None when nothing is quoted."""
    if not row.get("quote"):
        return None
    return str(Markup("<p>{}</p><blockquote>{}</blockquote>").format(_summarise(row), row["quote"]))


def _summarise(row: Row) -> str:
    if row["changed_after"] is None:
        return f"{describe_interval(row).capitalize()}, {row['words']:,} words."
    figures = f"+{row['words_added'] or 0:,} −{row['words_removed'] or 0:,} words"
    return f"Changed {describe_interval(row)}: {figures}; {describe_version(row)}."
