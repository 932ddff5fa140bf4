"""CPU time of a piece of work as its input grows: linear, or more than that."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

_ENOUGH_SECONDS = 0.03
"""Less is noise. Work that takes less for the largest input passes: it is too short to hurt."""


def growth(work: Callable[[int], object], *, start: int = 500, largest: int = 32_000) -> float:
    """Return how many times longer `work(2 * n)` takes than `work(n)`, best of three; 1.0 if both are short.

    `n` is doubled until the time can be measured, so that cubic work ends soon as well.
    """
    size = start
    while size <= largest:
        longer = _cpu_seconds(work, 2 * size)
        if longer > _ENOUGH_SECONDS:
            twice = min(longer, *(_cpu_seconds(work, 2 * size) for _ in range(2)))
            once = min(_cpu_seconds(work, size) for _ in range(3))
            return twice / max(once, 1e-6)
        size *= 2
    return 1.0


def _cpu_seconds(work: Callable[[int], object], size: int) -> float:
    gc.collect()
    begin = time.thread_time()
    work(size)
    return time.thread_time() - begin
