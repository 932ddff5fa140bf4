"""The planner: rows and texts so far → the next captures, and a state with a reason for every row.

A pure function. It keeps nothing between calls, so a crawl may stop anywhere, answers may arrive in any
order, and new rows may come months later: what is known is never asked again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from policy_archive.crawler.core.records import (
    KnownCapture,
    Outcome,
    Plan,
    PlannedCapture,
    RowDecision,
    RowState,
)
from policy_archive.crawler.core.timestamps import DAY_SECONDS
from policy_archive.crawler.planning.changes import Rules, Selection, plan_changes
from policy_archive.crawler.planning.sampling import plan_all, plan_grid
from policy_archive.crawler.planning.timeline import Timeline, build_timeline


class PlanName(StrEnum):
    """Which captures are wanted."""

    CHANGES = "changes"
    """Those that find and date every change of the text."""
    ALL = "all"
    MONTHLY = "monthly"
    HALF_YEARLY = "half-yearly"
    YEARLY = "yearly"


@dataclass(frozen=True, kw_only=True)
class PlanOptions:
    """What the user asks of a plan."""

    plan: PlanName = PlanName.CHANGES
    precision_days: float = 7
    """An interval of change no wider than this is not narrowed further."""
    max_gap_days: float | None = None
    """No gap between equal texts wider than this stays unsplit; None: as the document's pace suggests."""
    max_requests: int | None = None
    """Captures asked of this document at the most, those already asked included. None: no limit.

    Who keeps several requests in flight sets `batch` to what is left of the limit.
    """
    batch: int | None = None
    """Captures in `Plan.next` at the most; None: all that are independent of each other."""
    since: date | None = None
    until: date | None = None
    """First and last day of captures that may be asked for, both included."""
    seams: frozenset[tuple[str, str]] = frozenset()
    """Captures (14 digits, urlkey) whose text somebody else read: read by us, too, they tell what the
    other reader changed from what the site did. Asked for whatever lies around them."""


def plan_captures(known: Sequence[KnownCapture], options: PlanOptions) -> Plan:
    """Return what to fetch next and where every row stands; the order of `known` does not matter.

    A capture with an outcome is never asked again: who wants to try a failed one once more gives
    it without its outcome. Linear in the rows, times the logarithm that sorting takes.
    """
    timeline = build_timeline(known, since=options.since, until=options.until)
    selection = _with_seams(_select(timeline, options), timeline, options.seams)
    selection = _stop_if_blocked(selection, known)
    asked = sum(capture.outcome is not None for capture in known)
    selection = _limit(selection, options.max_requests, asked)
    decisions = {**selection.decisions, **timeline.decisions}
    decisions.update(
        (wish.row, RowDecision(state=RowState.PENDING, reason=wish.reason)) for wish in selection.wanted
    )
    return Plan(next=selection.wanted[: options.batch], decisions=decisions)


def _select(timeline: Timeline, options: PlanOptions) -> Selection:
    if options.plan is PlanName.ALL:
        return plan_all(timeline)
    if options.plan is not PlanName.CHANGES:
        return plan_grid(timeline, options.plan)
    return plan_changes(timeline, _rules(options))


def _with_seams(selection: Selection, timeline: Timeline, seams: frozenset[tuple[str, str]]) -> Selection:
    if not seams:
        return selection
    wanted = {wish.row for wish in selection.wanted}
    extra = tuple(
        PlannedCapture(row=spot.row, reason="seam")
        for spot in timeline.spots
        if not spot.asked and (spot.row.timestamp, spot.row.urlkey) in seams and spot.row not in wanted
    )
    return replace(selection, wanted=(*extra, *selection.wanted))


def _rules(options: PlanOptions) -> Rules:
    precision, max_gap = options.precision_days * DAY_SECONDS, options.max_gap_days
    if max_gap is None:
        return Rules(precision_seconds=precision, max_gap_seconds=None)
    widest = max_gap * DAY_SECONDS
    return Rules(precision_seconds=min(precision, widest), max_gap_seconds=widest)


def _stop_if_blocked(selection: Selection, known: Sequence[KnownCapture]) -> Selection:
    """Drop all questions when the archive does not show this site: it blocks sites, not captures."""
    outcomes = {capture.outcome for capture in known}
    if Outcome.BLOCKED in outcomes and not any(outcome and outcome.is_text for outcome in outcomes):
        return _drop_pending(selection, "the archive does not show this site")
    return selection


def _limit(selection: Selection, max_requests: int | None, asked: int) -> Selection:
    if max_requests is None:
        return selection
    left = max(0, max_requests - asked)
    if not left:
        return _drop_pending(selection, f"limit of {max_requests} requests")
    return replace(selection, wanted=selection.wanted[:left])


def _drop_pending(selection: Selection, reason: str) -> Selection:
    dropped = RowDecision(state=RowState.UNPLANNED, reason=reason)
    wanted = {wish.row for wish in selection.wanted}
    decisions = {
        row: dropped if decision.state is RowState.PENDING or row in wanted else decision
        for row, decision in selection.decisions.items()
    }
    return Selection(wanted=(), decisions=decisions)
