"""What the list of changes is asked for."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from policy_archive.browse.search_filters import settle_filters
from policy_archive.crawler.core.errors import UsageError
from policy_archive.crawler.core.timestamps import parse_day
from policy_archive.pipelines.store import search as hits
from policy_archive.pipelines.store.monitoring.news import NewsFilter
from policy_archive.pipelines.versions.classes import ChangeClass

CLASSES = {"": "the policies’ own", "all": "all, of the page too"} | {
    one.value: one.value for one in ChangeClass
}
"""What the list of changes can be narrowed to, with words for it."""


def parse_changes_asked(connection: sqlite3.Connection, asked: Mapping[str, str]) -> NewsFilter:
    """Return the filter of what was asked, by the names `since` (a day), `class`, `kind`, `site`; '' is all.

    Raises UsageError for what is none of these, NotKnownError for a site that is not there.
    """
    chosen = asked.get("class") or ""
    if chosen not in CLASSES:
        raise UsageError(f"“{chosen[:40]}” is no class of changes: {', '.join(filter(None, CLASSES))} are.")
    filters = hits.SearchFilters(site=asked.get("site") or None, kind=asked.get("kind") or None)
    settled = settle_filters(connection, filters)
    exact = chosen not in ("", "all", ChangeClass.SUBSTANTIVE)
    return NewsFilter(
        site=settled.site,
        kind=settled.kind,
        learnt_since=parse_day(asked["since"]) if asked.get("since") else None,
        everything=chosen == "all",
        substantive=chosen == ChangeClass.SUBSTANTIVE,
        change_class=chosen if exact else None,
        changes_only=True,
    )
