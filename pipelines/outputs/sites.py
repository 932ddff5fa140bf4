"""The sites of a corpus as rows: outcome, reason, what is there, what is in doubt."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from policy_archive.crawler.core.plurals import plural
from policy_archive.crawler.core.timestamps import isoformat
from policy_archive.crawler.core.vocabularies import OwnerRelation, SiteOutcome
from policy_archive.pipelines.exchange.corpus_format import describe_kind
from policy_archive.pipelines.outputs.words import describe_capture
from policy_archive.pipelines.store import sites

Row = dict[str, Any]


def read_sites(connection: sqlite3.Connection, *, missing: bool = False) -> list[Row]:
    """Return a row for each site, by name; with `missing` only those without a version of any policy.

    `site`; `outcome`, `reason` of the search, where it found addresses but no text what became of their
    captures; `documents`, `kinds` (of those with versions), `versions`; `first_captured`, `last_captured`,
    `checked_at` as ISO 8601 or None; `watched`: interval or None; `doubts`: sentences.
    """
    owners = sites.list_doubtful_owners(connection)
    captures = sites.count_captures(connection)
    doubted = sites.count_doubted(connection)
    rows = (
        _describe_site(
            row,
            owners.get(row["site"], ()),
            captures.get(row["site"], {}),
            doubted=doubted.get(row["site"], 0),
        )
        for row in sites.list_sites(connection)
    )
    return [row for row in rows if not (missing and row["versions"])]


def _describe_site(row: Row, owners: Sequence[Row], captures: Mapping[str, int], *, doubted: int) -> Row:
    return {
        "site": row["site"],
        "outcome": row["outcome"],
        "reason": _describe_reason(row, captures),
        "documents": row["documents"],
        "kinds": row["kinds"],
        "versions": row["versions"],
        "first_captured": row["first"] and isoformat(row["first"]),
        "last_captured": row["last"] and isoformat(row["last"]),
        "checked_at": row["checked_at"],
        "watched": row["watched"],
        "doubts": _list_doubts(row, owners, captures, doubted=doubted),
    }


def _describe_reason(row: Row, captures: Mapping[str, int]) -> str:
    """Return why a site has what it has; of addresses without a text, what their captures were."""
    if row["versions"] or row["reason"]:
        return str(row["reason"])
    if row["outcome"] is None:
        return "not tried yet"
    if not captures:
        return (
            "addresses are known, but the archive has no capture of them"
            if row["outcome"] == SiteOutcome.FOUND
            else ""
        )
    came_to = ", ".join(
        f"{number} × {describe_capture(what, what)}"
        for what, number in sorted(captures.items(), key=lambda kv: -kv[1])
    )
    total = plural(sum(captures.values()), "capture")
    return f"{total} at its addresses, none with a text of its own: {came_to}"


def _list_doubts(row: Row, owners: Sequence[Row], captures: Mapping[str, int], *, doubted: int) -> list[str]:
    """Return what a reader should look at before relying on what is there."""
    doubts = [_describe_owner(owner) for owner in owners]
    unseen = sum(number for what, number in captures.items() if what in sites.UNSEEN)
    counts = {
        "still to be fetched": captures.get("pending", 0),
        "could not be had or read": unseen,
        "read with words missing": captures.get("incomplete-text", 0),
    }
    doubts += [f"{plural(number, 'capture')} {what}" for what, number in counts.items() if number]
    if doubted:
        doubts.append(f"{plural(doubted, 'version')} small beside its neighbours: 'history' says how small")
    if row["failing_since"]:
        doubts.append(f"runs fail since {row['failing_since'][:10]}")
    return doubts


def _describe_owner(document: Row) -> str:
    what = describe_kind(document["kind"], document["name"])
    owner = OwnerRelation(document["owner"]) if document["owner"] else None
    if owner is None or owner.is_own:
        return f"{what}: {document['confidence']:.2f} sure that it is one"
    if owner is OwnerRelation.UNKNOWN:
        return f"{what}: not known whose it is"
    whose = f"a {owner.replace('-', ' ')}'s"
    return f"{what}: {whose}{' (' + document['owner_name'] + ')' if document['owner_name'] else ''}"


def site_cells(row: Row) -> Row:
    """Return what a table shows of a row of read_sites."""
    years = [row[key][:4] for key in ("first_captured", "last_captured") if row[key]]
    return {
        "Site": row["site"],
        "Documents": row["documents"],
        "Versions": row["versions"],
        "Years": "-".join(dict.fromkeys(years)),
        "Last seen": (row["last_captured"] or "")[:10],
        "Outcome": row["outcome"] or "not tried yet",
        "In doubt, or why none": "; ".join([*([] if row["versions"] else [row["reason"]]), *row["doubts"]]),
    }
