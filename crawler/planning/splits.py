"""Where to split a gap between two texts: which one capture between them is asked next."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from itertools import pairwise
from statistics import median

from policy_archive.crawler.core.timestamps import DAY_SECONDS
from policy_archive.crawler.planning.timeline import TimelineRow

_EARLY_SECONDS = DAY_SECONDS
"""A policy goes online about the day that it states; so much before it still counts (time zones)."""


_ODD_TRIES = 2


@dataclass(frozen=True, kw_only=True)
class Gap:
    """The spots strictly between two neighbouring texts, or between a text and an end of the timeline."""

    left: int
    """Index of the text before; -1 at the beginning."""
    right: int
    """Index of the text after; the number of spots at the end."""


def nearest_unknown(spots: Sequence[TimelineRow], gap: Gap, target: int) -> int | None:
    """Return the spot to ask for `target`: itself, or the next 1, 2, 4 … rows away, or the nearest of all.

    None once more bodies in the gap were junk than the steps need: so that junk of any length costs
    O(log n) captures. The nearest of all is for one junk page that lies on all the steps.
    """
    if spots[target].unknown:
        return target
    inner = range(gap.left + 1, gap.right)
    junk = {spots[index].body for index in inner if spots[index].has_no_text}
    if len(junk) > 2 * len(inner).bit_length():
        return None
    step = 1
    while step < len(inner):
        for index in (target + step, target - step):
            if gap.left < index < gap.right and spots[index].unknown:
                return index
        step *= 2
    unknown = (index for index in inner if spots[index].unknown)
    return min(unknown, key=lambda index: abs(index - target), default=None)


def find_middle(spots: Sequence[TimelineRow], gap: Gap) -> int:
    """Return the spot nearest to the middle of a gap's time."""
    at = (spots[gap.left].at + spots[gap.right].at) / 2
    after = _first_from(spots, gap, at)
    choices = [index for index in (after - 1, after) if gap.left < index < gap.right]
    return min(choices, key=lambda index: abs(spots[index].at - at))


def find_balanced_split(spots: Sequence[TimelineRow], gap: Gap, precision_seconds: float) -> int:
    """Return the spot to split a change at, so that the fewest questions are expected afterwards.

    Halving the time would halve 15 days into twice 7.5, each to be asked again. So the rows are packed
    into the fewest stretches that need no further question, and the split falls between two of them;
    a change is as likely in one second as in another.
    """
    ends = _pack(spots, gap, precision_seconds)
    if not ends:
        return find_middle(spots, gap)
    start, total = spots[gap.left].at, spots[gap.right].at - spots[gap.left].at
    stretches = len(ends) + 1

    def cost(done: int) -> float:
        seconds = spots[ends[done - 1]].at - start
        return _expected(done, seconds) + _expected(stretches - done, total - seconds)

    return ends[min(range(1, stretches), key=cost) - 1]


def _pack(spots: Sequence[TimelineRow], gap: Gap, precision_seconds: float) -> list[int]:
    """Return the inner ends of the fewest stretches of at most the precision.

    Junk counts like any row: the split must not move with each junk answer, or a long run of junk
    would be asked row by row.
    """
    ends: list[int] = []
    start = gap.left
    for index in range(gap.left + 2, gap.right + 1):
        if spots[index].at - spots[start].at > precision_seconds:
            start = index - 1
            ends.append(start)
    return ends


def _expected(stretches: int, seconds: float) -> float:
    """Return seconds times the mean depth of the flattest binary tree with so many leaves."""
    depth = stretches.bit_length() - 1
    return seconds * (depth + 2 * (stretches - (1 << depth)) / stretches)


def find_stated(spots: Sequence[TimelineRow], gap: Gap, precision_seconds: float) -> int | None:
    """Return a spot beside the latest day that only the newer text states of itself; None if none helps.

    Two questions then prove a change about that day: is the text there soon after it, and not yet
    before it? An answer that says otherwise moves an end of the gap past the day, which then tells
    nothing any more: stated days steer, they are never trusted.
    """
    before, after = spots[gap.left], spots[gap.right]
    for day in sorted(set(after.stated_days) - set(before.stated_days), reverse=True):
        at = _midnight(day)
        if before.at < at <= after.at:
            beside = _beside(spots, gap, at, precision_seconds)
            if beside is not None:
                return beside
    return None


def _beside(spots: Sequence[TimelineRow], gap: Gap, at: float, precision_seconds: float) -> int | None:
    """Return the last spot within the precision after an instant, or if that is asked the last before it."""
    late = at - _EARLY_SECONDS + precision_seconds
    last = _first_from(spots, gap, late) - 1
    if spots[gap.right].at > late and last > gap.left and spots[last].at >= at:
        return last
    first = _first_from(spots, gap, at - _EARLY_SECONDS)
    return first - 1 if first - 1 > gap.left else None


def _first_from(spots: Sequence[TimelineRow], gap: Gap, at: float) -> int:
    """Return the first spot of a gap at an instant or later; the gap's right end if there is none."""
    return bisect_left(spots, at, gap.left + 1, gap.right, key=lambda spot: spot.at)


def find_odd_size(spots: Sequence[TimelineRow], gap: Gap, odd_share: float) -> int | None:
    """Return the unknown spot whose size lies furthest outside the sizes at both ends of a gap.

    None when none differs by `odd_share`, and once two such answers in the gap were junk: pages of
    errors have odd sizes, too. Between equal texts only: to split between texts that differ, sizes
    are no better than time (measured on the recorded histories, 2026-11).
    """
    low, high = sorted((spots[gap.left].size or 0, spots[gap.right].size or 0))
    inner = range(gap.left + 1, gap.right)
    if not low or sum(spots[index].has_no_text and spots[index].asked for index in inner) >= _ODD_TRIES:
        return None
    odd = {index: _outside(spots[index].size, low, high) for index in inner if spots[index].unknown}
    best = max(odd, key=lambda index: odd[index])
    return best if odd[best] > odd_share else None


def _outside(size: int | None, low: int, high: int) -> float:
    if size is None:
        return 0.0
    return max(low - size, size - high, 0) / max(size, high)


def typical_step(spots: Sequence[TimelineRow]) -> float:
    """Return the median share by which the size changes from row to row; 0 when it is not known."""
    steps = [
        abs(one.size - other.size) / max(one.size, other.size)
        for one, other in pairwise(spots)
        if one.size and other.size
    ]
    return median(steps) if steps else 0.0


def _midnight(day: date) -> float:
    return datetime.combine(day, time(), UTC).timestamp()
