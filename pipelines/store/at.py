"""What was in force on a day: one statement, which the command, the ready-made query, the pages and the
export all ask."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from datetime import date
from enum import StrEnum
from typing import Any

from policy_archive.crawler.core.stored import Document
from policy_archive.pipelines.store.queries import KIND_ORDER

Row = dict[str, Any]


class Certainty(StrEnum):
    """How surely it is known which text of a document was in force on a day."""

    IN_FORCE = "in-force"
    """A text was seen on the day, or before and after it."""
    CHANGED_AROUND = "changed-around"
    """The day lies in an interval of change: either of two texts."""
    BEFORE_FIRST = "before-first"
    """The first capture is of a later day."""
    AFTER_LAST = "after-last"
    """The last capture is of an earlier day."""
    NO_POLICY = "no-policy"
    """The site has no version of such a document."""


_ENTRY = (
    "version",
    "first_captured",
    "last_captured",
    "stated_updated",
    "stated_effective",
    "words",
    "title",
    "replay_url",
    "text_sha256",
)
"""What is said of each of the three versions."""


def _iso(column: str) -> str:
    """Return SQL for 14 digits as ISO 8601, as `policy_versions` writes them."""
    parts = [(1, 4, "-"), (5, 2, "-"), (7, 2, "T"), (9, 2, ":"), (11, 2, ":")]
    digits = " || ".join(f"substr({column}, {at}, {size}) || '{mark}'" for at, size, mark in parts)
    return f"{digits} || min(substr({column}, 13, 2), '59') || 'Z'"


def _entry(alias: str, prefix: str) -> str:
    """Return the SQL columns of one version, `alias` being its row of `versions`."""
    said = {
        "version": f"{alias}.version",
        "first_captured": _iso(f"{alias}.first_timestamp"),
        "last_captured": _iso(f"{alias}.last_timestamp"),
        "stated_updated": f"{alias}.stated_updated",
        "stated_effective": f"{alias}.stated_effective",
        "words": f"(select words from texts where texts.id = {alias}.text_id)",  # noqa: S608
        "title": f"(select title from extractions where capture_id = {alias}.text_capture and current)",  # noqa: S608
        # the first capture need not have been fetched: of equal bytes one is
        "replay_url": f"""coalesce((select replay_url from captures where id = {alias}.first_capture),
            (select replay_url from captures where id = {alias}.text_capture))""",  # noqa: S608
        "text_sha256": f"{alias}.text_sha256",
    }
    return ",\n    ".join(f"{said[name]} as {prefix}{name}" for name in _ENTRY)


def build_at_sql(*, most: int = -1) -> str:
    """Return SQL with the parameters `day` (ISO), `site` and `kind` ('' for all): see iter_at.

    A row for each document, and one for each site that has none, of `most` at the most; -1: of all. The
    version that had begun by the end of the day is the only one that can have been in force: versions do
    not overlap.
    """
    return f"""with asked as (
    select replace(:day, '-', '') as day, :site as site, :kind as kind),
found as (
    select sites.site, sites.outcome, sites.reason, documents.id, documents.kind, documents.name, asked.day,
        coalesce((select max(version) from versions where document_id = documents.id
            and first_timestamp <= asked.day || '235959'), 0) as begun
    from asked cross join sites left join documents on documents.site = sites.site
        and documents.kind != 'home' and (asked.kind = '' or documents.kind = asked.kind)
        and exists (select 1 from versions where document_id = documents.id)
    where sites.site >= asked.site
        and sites.site <= case asked.site when '' then char(1114111) else asked.site end
    order by sites.site limit {most}),
placed as (
    select found.*, candidate.last_timestamp >= day || '000000' as seen
    from found left join versions as candidate
        on candidate.document_id = found.id and candidate.version = begun)
select placed.site as site, placed.kind as kind, placed.name as name, :day as day,
    case when placed.id is null then 'no-policy' when seen then 'in-force' when begun = 0 then 'before-first'
        when later.version is null then 'after-last' else 'changed-around' end as certainty,
    {_entry("held", "")},
    {_entry("earlier", "before_")},
    {_entry("later", "after_")},
    placed.outcome as outcome, placed.reason as reason, placed.id as document_id
from placed
left join versions as held on held.document_id = placed.id and seen and held.version = begun
left join versions as earlier
    on earlier.document_id = placed.id and earlier.version = begun - coalesce(seen, 0)
left join versions as later
    on later.document_id = placed.id and later.version = begun + 1
order by placed.site, {KIND_ORDER.format("placed.kind")}, placed.name"""  # noqa: S608 (constants)


def build_asked_sql(*, most: int = -1) -> str:
    """Return the SQL of build_at_sql for a `day` that a person types: for what is no day in ISO 8601 one row,
    whose `certainty` says so, and not the answer for another day."""
    nothing = ", ".join(["null"] * (3 * len(_ENTRY) + 3))
    return f"""select * from (
{build_at_sql(most=most)})
where date(:day) = :day
union all
select null, null, null, :day, 'no day: write it as 2018-05-25', {nothing}
where :day != '' and date(:day) is not :day"""  # noqa: S608 (constants)


def iter_at(
    connection: sqlite3.Connection, day: date, *, sites: Iterable[str] | None = None, kind: str | None = None
) -> Iterator[Row]:
    """Yield what is known of a day, a row for each document of some sites or of all.

    A day is meant by its end, in UTC: of two texts captured on it the later one held. `certainty` is a
    value of Certainty; `version` and the columns after it are of the version in force, None when it is not
    known; those with `before_` and `after_` of the versions around it, or around the day. A site without
    such a document has one row, with the `outcome` and `reason` of its search. `document_id` → documents.
    """
    sql = build_at_sql()
    for site in [""] if sites is None else sites:
        values = {"day": day.isoformat(), "site": site, "kind": kind or ""}
        for row in connection.execute(sql, values):
            yield dict(row)


def read_at(connection: sqlite3.Connection, document: Document, day: date) -> Row:
    """Return the row of one document; certainty `no-policy` when it has no version."""
    rows = iter_at(connection, day, sites=[document.site], kind=document.kind)
    missing = {"site": document.site, "kind": document.kind, "name": document.name}
    return next(
        (row for row in rows if row["document_id"] == document.id),
        missing | {"certainty": Certainty.NO_POLICY},
    )
