"""Which version held on which days, as one table: for a copy that nobody can be asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import zip_longest

from policy_archive.pipelines.store.queries import Row

_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class DaySpan:
    """Days in a row of which the same is known, as store.at.read_at tells it of each."""

    first: date
    last: date
    version: Row | None
    """The one in force; None: one of the two around them."""
    before: Row | None = None
    after: Row | None = None


def list_days(versions: Sequence[Row]) -> list[DaySpan]:
    """Return all days from the first capture to the last, in order. `versions`: as queries.list_versions."""
    return list(_iter_days(versions))


def _iter_days(versions: Sequence[Row]) -> Iterator[DaySpan]:
    for version, after in zip_longest(versions, versions[1:]):
        first, last = (date.fromisoformat(version[name][:10]) for name in ("first_captured", "last_captured"))
        if after is not None:
            begins = date.fromisoformat(after["first_captured"][:10])
            last = min(last, begins - _DAY)  # of two texts captured on a day the later one held at its end
        if first <= last:
            yield DaySpan(first=first, last=last, version=version)
        if after is not None and last + _DAY < begins:
            gap = max(last + _DAY, first)
            if gap < begins:
                yield DaySpan(first=gap, last=begins - _DAY, version=None, before=version, after=after)
