"""What Datasette says about the tables: titles, descriptions, facets, canned queries."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

QUERIES: dict[str, dict[str, Any]] = {
    "changes_per_year": {
        "title": "Changes per year",
        "description": "How many versions began in each year, and on how many sites.",
        "sql": """select substr(first_captured, 1, 4) as year, count(*) as changes,
    count(distinct site) as sites
from policy_versions where changed_after is not null group by year order by year""",
    },
    "texts_that_came_back": {
        "title": "Texts that came back",
        "description": "Versions whose text is that of an earlier version of the same document.",
        "sql": """select site, kind, name, version, returns_to, first_captured, title
from policy_versions where returns_to is not null order by first_captured desc""",
    },
    "stated_date_disagrees": {
        "title": "Stated date and interval disagree",
        "description": "“before”: the text states a day before the interval of change, so it was edited "
        "silently or archived late. “after”: it states a day after it was first seen: announced ahead.",
        "sql": """select site, kind, name, version, stated_flag, stated_updated, stated_effective,
    changed_after, first_captured from policy_versions
where stated_flag in ('before', 'after') order by site, kind, version""",
    },
    "longest": {
        "title": "Longest versions",
        "description": "The hundred versions with the most words.",
        "sql": """select site, kind, name, version, first_captured, words, title
from policy_versions order by words desc limit 100""",
    },
    "most_changed": {
        "title": "Most changed documents",
        "description": "Documents by how often their text changed, with the words added and removed in all.",
        "sql": """select site, kind, name, max(version) - 1 as changes, sum(words_added) as words_added,
    sum(words_removed) as words_removed, min(first_captured) as first_captured,
    max(last_captured) as last_captured
from policy_versions group by document_id order by changes desc, site limit 200""",
    },
    "in_force_on": {
        "title": "In force on a day",
        "description": "The version of every document that was last seen to change on or before a day.",
        "sql": """select site, kind, name, version, max(first_captured) as first_captured, last_captured,
    title, replay_url
from policy_versions where first_captured <= :day || 'T23:59:59Z' group by document_id order by site""",
        "params": ["day"],
    },
}

_LABELS = {"sites": "site", "documents": "site", "captures": "timestamp", "texts": "sha256"}
_FACETS = {
    "policy_versions": ["kind", "language", "stated_flag", "owner"],
    "documents": ["kind", "owner"],
    "captures": ["state", "outcome"],
    "sites": ["outcome"],
}
_HIDDEN = ("bodies", "text_lines", "text_runs", "texts_search_content", "_sqlite_migrations")


def describe_corpus(database_names: Iterable[str]) -> dict[str, Any]:
    """Return Datasette's metadata for databases that hold a corpus."""
    tables = {name: _describe_table(name) for name in {*_LABELS, *_FACETS, *_HIDDEN}}
    return {
        "title": "Policy archive",
        "description_html": '<a href="/-/policies">Read the policies</a>',
        "databases": {name: {"tables": tables} for name in database_names},
    }


def _describe_table(name: str) -> dict[str, Any]:
    described: dict[str, Any] = {"hidden": name in _HIDDEN}
    if name in _LABELS:
        described["label_column"] = _LABELS[name]
    if name in _FACETS:
        described["facets"] = _FACETS[name]
    return described
