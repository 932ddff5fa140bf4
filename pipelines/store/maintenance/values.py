"""Stored words, times, JSON and ids that this program cannot have written: damage, or another's hand.

SQLite's own checks see the shape of a file, not what a value may be.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from enum import StrEnum

from policy_archive.crawler.core.records import ConservationFault, Kind
from policy_archive.crawler.core.stored import content_id
from policy_archive.crawler.core.vocabularies import (
    AddressSource,
    OwnerRelation,
    PageClass,
    RunStatus,
    SiteOutcome,
)
from policy_archive.pipelines.versions.classes import ChangeClass

_WORDS: dict[tuple[str, str], type[StrEnum]] = {
    ("sites", "outcome"): SiteOutcome,
    ("documents", "kind"): Kind,
    ("documents", "owner"): OwnerRelation,
    ("addresses", "source"): AddressSource,
    ("captures", "page_class"): PageClass,
    ("link_sets", "kind"): Kind,
    ("runs", "status"): RunStatus,
    ("versions", "class"): ChangeClass,
}
"""Columns of closed vocabularies; states and outcomes of captures are in the books (invariants.py)."""
_JSON = (
    ("extractions", "stated_dates"),
    ("extractions", "line_places"),
    ("home_lines", "lines"),
    ("versions", "change"),
    ("watches", "kinds"),
)
_TIMESTAMPS = (
    ("captures", "timestamp"),
    ("versions", "first_timestamp"),
    ("versions", "last_timestamp"),
    ("versions", "changed_after"),
)
_IDS = (
    "select id, site, kind, name from documents",
    "select id, document_id, original, timestamp, digest from captures",
)
"""Each row's id with what it is made of (crawler/core/stored.py)."""
_FOURTEEN_DIGITS = "[0-9]" * 14


def list_questions() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield name of the fault, SQL that gives place and value of each, and what the SQL asks for."""
    for (table, column), words in _WORDS.items():
        marks = ", ".join("?" * len(words))
        yield "unknown-word", _ask(table, column, f"{column} not in ({marks})"), tuple(words)
    for table, column in _JSON:
        yield "no-json", _ask(table, column, f"{column} is not null and not json_valid({column})"), ()
    for table, column in _TIMESTAMPS:
        yield "no-timestamp", _ask(table, column, f"{column} not glob ?"), (_FOURTEEN_DIGITS,)


def _ask(table: str, column: str, condition: str) -> str:
    # the names are ours
    return f"select '{table}.{column}' as place, {column} as value from {table} where {condition}"  # noqa: S608


def look_at_values(connection: sqlite3.Connection) -> Iterator[ConservationFault | None]:
    """Yield a fault for each value that nothing of ours can have written."""
    yield None
    for fault, sql, values in list_questions():
        for row in connection.execute(sql, values):
            yield ConservationFault(fault=fault, id=row["place"], detail=repr(row["value"])[:200])
    for columns in _IDS:
        for row_id, *parts in connection.execute(columns):
            made = content_id(*parts)
            if row_id != made:
                yield ConservationFault(
                    fault="id-of-another", id=row_id, detail=f"its content makes it {made}"
                )
