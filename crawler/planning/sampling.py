"""The plans that do not look at texts: every capture, or one for each month, half-year or year."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from policy_archive.crawler.core.records import CdxRow, PlannedCapture, RowDecision, RowState
from policy_archive.crawler.planning.changes import Selection
from policy_archive.crawler.planning.timeline import Timeline, TimelineRow


def plan_all(timeline: Timeline) -> Selection:
    """Return every row whose body is not known yet, one of each digest."""
    unknown = [spot for spot in timeline.spots if spot.unknown]
    rows = dict.fromkeys(timeline.representative(spot) for spot in unknown)
    pending = RowDecision(state=RowState.PENDING, reason="all")
    return Selection(
        wanted=tuple(PlannedCapture(row=row, reason="all") for row in rows),
        decisions={spot.row: pending for spot in unknown},
    )


def plan_grid(timeline: Timeline, name: str) -> Selection:
    """Return one capture for each `monthly`, `half-yearly` or `yearly` cell: the last of it.

    Half-yearly is the rule of the Princeton-Leuven corpus for policies: the last capture of January
    to June and of July to December that the index calls 200, else the last of any status, and no
    other when that one is junk. Monthly and yearly go back from junk, in steps that double.
    Source: citp/PrivacyPoliciesOverTime, `get_snapshot_url`.
    """
    cell_of, order = _GRIDS[name]
    wanted: dict[CdxRow, None] = {}
    decisions: dict[CdxRow, RowDecision] = {}
    for cell, members in groupby(timeline.spots, key=lambda spot: cell_of(spot.row.timestamp)):
        spots = list(members)
        unplanned = RowDecision(state=RowState.UNPLANNED, reason=f"{name}: another capture stands for {cell}")
        decisions.update((spot.row, unplanned) for spot in spots if spot.unknown)
        chosen = next((spot for spot in order(spots) if not spot.has_no_text), None)
        if chosen is not None and chosen.unknown:
            wanted[timeline.representative(chosen)] = None
    return Selection(
        wanted=tuple(PlannedCapture(row=row, reason="grid") for row in wanted), decisions=decisions
    )


def _back_from_last(spots: Sequence[TimelineRow]) -> Iterator[TimelineRow]:
    yield spots[-1]
    step = 1
    while step < len(spots):
        yield spots[-1 - step]
        step *= 2


def _last_good(spots: Sequence[TimelineRow]) -> Iterator[TimelineRow]:
    yield next((spot for spot in reversed(spots) if spot.row.statuscode == "200"), spots[-1])


def _half_year(timestamp: str) -> str:
    return f"{timestamp[:4]} {'A' if timestamp[4:6] < '07' else 'B'}"


_Order = Callable[[Sequence[TimelineRow]], Iterator[TimelineRow]]
_GRIDS: dict[str, tuple[Callable[[str], str], _Order]] = {
    "monthly": (lambda timestamp: f"{timestamp[:4]}-{timestamp[4:6]}", _back_from_last),
    "half-yearly": (_half_year, _last_good),
    "yearly": (lambda timestamp: timestamp[:4], _back_from_last),
}
