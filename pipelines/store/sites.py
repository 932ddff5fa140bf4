"""The sites of a corpus: what is there of each, and what of it is in doubt."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from typing import Any

from policy_archive.crawler.core.stored import Outcome
from policy_archive.crawler.core.vocabularies import OwnerRelation
from policy_archive.pipelines.store.queries import IS_DOUBTED

Row = dict[str, Any]

_SITES = """select sites.site, outcome, reason, coalesce(documents, 0) as documents, of_kinds,
    coalesce(versions, 0) as versions, first, last, sites.checked_at, failing_since, every as watched
from sites left join watches on watches.site = sites.site
left join (select documents.site as of_site, count(distinct document_id) as documents,
        group_concat(distinct kind) as of_kinds, count(*) as versions,
        min(first_timestamp) as first, max(last_timestamp) as last
    from documents join versions on document_id = documents.id group by documents.site)
on of_site = sites.site order by sites.site"""
_OWN = ", ".join(repr(relation.value) for relation in OwnerRelation if relation.is_own)
_OWNERS = f"""select site, kind, name, owner, owner_name, confidence from documents
where (owner not in ({_OWN}) or confidence < 0.5)
    and exists (select 1 from versions where document_id = documents.id) order by site, kind, name"""  # noqa: S608 (constants)
_CAPTURES = """select site, coalesce(outcome, state) as what, count(*) as captures
from documents join captures on document_id = documents.id
where kind != 'home' and state in ('fetched', 'pending') group by site, what"""


_DOUBTED = f"""select site, count(*) as versions from versions
join documents on documents.id = versions.document_id join captures on captures.id = text_capture
where {IS_DOUBTED} and outcome <> 'incomplete-text' group by site"""  # noqa: S608 (a constant)


def list_sites(connection: sqlite3.Connection) -> list[Row]:
    """Return a row for each site, by name.

    `site`, `outcome` (None: not tried yet) and `reason` of the search, `documents` that have versions and
    their `kinds`, `versions`, `first` and `last` timestamps of their captures (14 digits), `checked_at` and
    `failing_since` (ISO 8601), `watched` (the interval, None: not on the watch list).
    """
    return [
        dict(row) | {"kinds": sorted(row["of_kinds"].split(",")) if row["of_kinds"] else []}
        for row in connection.execute(_SITES)
    ]


def list_doubtful_owners(connection: sqlite3.Connection) -> dict[str, list[Row]]:
    """Return by site the documents with versions of which it is not sure that they are its own."""
    found: dict[str, list[Row]] = defaultdict(list)
    for row in connection.execute(_OWNERS):
        found[row["site"]].append(dict(row))
    return found


def count_captures(connection: sqlite3.Connection) -> dict[str, dict[str, int]]:
    """Return by site how many captures of its policies came to each outcome; `pending` of those not asked
    for yet."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for row in connection.execute(_CAPTURES):
        found[row["site"]][row["what"]] = row["captures"]
    return found


def count_doubted(connection: sqlite3.Connection) -> dict[str, int]:
    """Return by site how many of its policies' versions have a text that something is to be said against."""
    return {row["site"]: row["versions"] for row in connection.execute(_DOUBTED)}


def list_without_policy(connection: sqlite3.Connection, sites: list[str]) -> list[str]:
    """Return those of some sites that have no version of any document, in their order."""
    sql = """select 1 from documents join versions on document_id = documents.id where site = ? limit 1"""
    return [site for site in sites if connection.execute(sql, (site,)).fetchone() is None]


UNSEEN = frozenset(outcome.value for outcome in Outcome if outcome.is_unseen or outcome.is_accident)
"""Outcomes that say nothing of the page: a text may be missing for them."""
