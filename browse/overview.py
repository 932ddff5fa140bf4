"""A corpus at one look: sites down, quarters across, how large a change was in each."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from policy_archive.browse.filters import measure_change
from policy_archive.crawler.core.records import Document
from policy_archive.crawler.core.timestamps import isoformat
from policy_archive.pipelines.outputs.addresses import document_of
from policy_archive.pipelines.store.queries import IS_TOLD

MOST_SITES = 100
_YEARS = 8
"""What is shown: as many as fit beside each other; the last ones of which anything is known, unless asked."""


class Order(StrEnum):
    """Which sites are shown."""

    CHANGES = "changes"
    """Those of which texts changed most often."""
    RANK = "rank"
    """The first of the list that the sites came from."""


@dataclass(kw_only=True)
class Cell:
    """One quarter of one site."""

    state: str = ""
    """`same`: a text was seen, or lay between two sights of it; `maybe`: the quarter lies in an interval in
    which it changed, and was not seen; '': nothing is known of it."""
    changes: int = 0
    """That were first seen in it."""
    share: float = 0
    """Of the words that the largest of them changed, 0 to 1."""
    document: Document | None = None
    old: str = ""
    new: str = ""
    """The largest one: 14 digits of the version before and of its own."""
    words_added: int = 0
    words_removed: int = 0

    @property
    def size(self) -> int:
        return max(measure_change(self.share), 1) if self.changes else 0


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """What the page shows."""

    quarters: list[tuple[int, int]]
    """(year, 1 to 4)."""
    sites: list[tuple[str, list[Cell]]]
    changed: list[int]
    """By quarter: sites of which a text changed."""
    seen: list[int]
    """By quarter: sites of which a text was seen, or known to be the same."""
    kind: str
    order: Order
    first_year: int
    last_year: int
    left_out: int = 0
    """Sites with a policy that are not shown."""

    @property
    def years(self) -> Sequence[int]:
        return range(self.quarters[0][0], self.quarters[-1][0] + 1) if self.quarters else ()


def read_matrix(
    connection: sqlite3.Connection, *, kind: str, order: Order, last_year: int | None = None
) -> Matrix:
    """Return the matrix of a kind of policies; eight years up to `last_year`, None: to the last one known.

    Changes of the page around a text (versions.class) are none.
    """
    ends = connection.execute("select min(first_timestamp), max(last_timestamp) from versions").fetchone()
    if ends[0] is None:
        return Matrix(
            quarters=[], sites=[], changed=[], seen=[], kind=kind, order=order, first_year=0, last_year=0
        )
    known_first, known_last = (int(end[:4]) for end in ends)
    last = min(max(last_year or known_last, known_first), known_last)
    first = max(last - _YEARS + 1, known_first)
    quarters = [(year, quarter) for year in range(first, last + 1) for quarter in (1, 2, 3, 4)]
    sites = _choose_sites(connection, kind, order)
    builder = _Builder(first, len(quarters))
    for row in _read_versions(connection, sites, kind):
        builder.add(row)
    cells = [(site, builder.cells.get(site) or builder.empty()) for site in sites]
    (documents,) = connection.execute(
        """select count(distinct site) from documents where kind = ?
            and exists (select 1 from versions where document_id = documents.id)""",
        (kind,),
    ).fetchone()
    return Matrix(
        quarters=quarters,
        sites=cells,
        changed=[sum(bool(line[at].changes) for _, line in cells) for at in range(len(quarters))],
        seen=[sum(line[at].state == "same" for _, line in cells) for at in range(len(quarters))],
        kind=kind,
        order=order,
        first_year=known_first,
        last_year=known_last,
        left_out=documents - len(sites),
    )


def _choose_sites(connection: sqlite3.Connection, kind: str, order: Order) -> list[str]:
    if order is Order.RANK:
        rows = connection.execute(
            """select site from sites where exists (select 1 from documents
                join versions on document_id = documents.id where documents.site = sites.site and kind = ?)
            order by rank is null, rank, site limit ?""",
            (kind, MOST_SITES),
        )
        return [row[0] for row in rows]
    counted: Counter[str] = Counter()
    rows = connection.execute(
        f"""select site, sum(changes) from (
            select document_id, count(*) - sum(changed_after is null or not {IS_TOLD}) as changes
            from versions group by document_id)
        join documents on documents.id = document_id where kind = ? group by site""",  # noqa: S608
        (kind,),
    )
    counted.update({row[0]: row[1] for row in rows})
    return [site for site, _ in sorted(counted.items(), key=lambda item: (-item[1], item[0]))[:MOST_SITES]]


def _read_versions(connection: sqlite3.Connection, sites: Sequence[str], kind: str) -> list[sqlite3.Row]:
    found = []
    for site in sites:
        found += connection.execute(
            f"""select site, kind, name, versions.version, first_timestamp, last_timestamp, changed_after,
                words_added, words_removed, json_extract(change, '$.share') as share, {IS_TOLD} as told,
                lag(first_timestamp) over (partition by document_id order by version) as before
            from documents join versions on document_id = documents.id where site = ? and kind = ?
            order by document_id, version""",  # noqa: S608 (a constant)
            (site, kind),
        ).fetchall()
    return found


@dataclass
class _Builder:
    """Lays versions into quarters."""

    first_year: int
    quarters: int
    cells: dict[str, list[Cell]] = field(default_factory=dict)

    def empty(self) -> list[Cell]:
        return [Cell() for _ in range(self.quarters)]

    def add(self, row: sqlite3.Row) -> None:
        line = self.cells.setdefault(row["site"], self.empty())
        if row["changed_after"] is not None:
            for at in self._between(row["changed_after"], row["first_timestamp"]):
                line[at].state = line[at].state or "maybe"
        for at in self._between(row["first_timestamp"], row["last_timestamp"]):
            line[at].state = "same"
        at = self._place(row["first_timestamp"])
        if row["changed_after"] is not None and row["told"] and 0 <= at < self.quarters:
            self._note(line[at], row)

    def _note(self, cell: Cell, row: sqlite3.Row) -> None:
        cell.changes += 1
        share = row["share"] or 0
        if cell.document is None or share > cell.share:
            cell.share = share
            cell.document = document_of(dict(row))
            cell.old, cell.new = row["before"], row["first_timestamp"]
            cell.words_added, cell.words_removed = row["words_added"] or 0, row["words_removed"] or 0

    def _between(self, first: str, last: str) -> range:
        return range(max(self._place(first), 0), min(self._place(last), self.quarters - 1) + 1)

    def _place(self, timestamp: str) -> int:
        """Return in which column an instant (14 digits) lies; outside of 0 … for one that is not shown."""
        month = int(isoformat(timestamp)[5:7])
        return (int(timestamp[:4]) - self.first_year) * 4 + (month - 1) // 3
