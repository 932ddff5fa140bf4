"""CPU time of a piece of work as its input grows: linear, or more than that."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

from .side_by_side import have_machine_alone

_ENOUGH_SECONDS = 0.03
"""Less is noise. Work that takes less for the largest input passes: it is too short to hurt."""

_SUSPECT = 2.5


def growth(work: Callable[[int], object], *, start: int = 500, largest: int = 32_000) -> float:
    """Return how many times longer `work(2 * n)` takes than `work(n)`, best of three; 1.0 if both are short.

    `n` is doubled until the time can be measured, so that cubic work ends soon as well. What looks like more
    than linear beside the tests of other processes is measured again alone.
    """
    size = start
    while size <= largest:
        if _cpu_seconds(work, 2 * size) > _ENOUGH_SECONDS:
            ratio = _ratio(work, size)
            if ratio < _SUSPECT:
                return ratio
            have_machine_alone()
            ratio = _ratio(work, size)
            # a quarter more for a cache that is full: what is quadratic is so at twice the size as well
            return ratio if ratio < _SUSPECT else min(ratio, _ratio(work, 2 * size))
        size *= 2
    return 1.0


def _ratio(work: Callable[[int], object], size: int) -> float:
    # in turns: what else the machine does meanwhile is then the same for both
    times = [(_cpu_seconds(work, size), _cpu_seconds(work, 2 * size)) for _ in range(3)]
    once, twice = (min(column) for column in zip(*times, strict=True))
    return twice / max(once, 1e-6)


def _cpu_seconds(work: Callable[[int], object], size: int) -> float:
    """Return the CPU time of one call, the collector at rest: what it costs is the heap's, not the work's."""
    was_on = gc.isenabled()
    gc.disable()  # not gc.collect(): late in a run of all tests each costs more than the work
    try:
        begin = time.thread_time()
        work(size)
        return time.thread_time() - begin
    finally:
        if was_on:
            gc.enable()
