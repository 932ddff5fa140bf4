"""What is to be asked next: fair between sites, bounded in flight."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import Mapping
from typing import Generic, TypeVar

from policy_archive.crawler.archive.rate_gate import Budget

_Pending = TypeVar("_Pending")


class FairQueue(Generic[_Pending]):
    """Hands out wishes, one site after the other, while its budget has less in flight than it may.

    Index queries and captures have lanes of their own: neither waits for the other.
    """

    def __init__(self, most_in_flight: Mapping[Budget, int]) -> None:
        self._most_in_flight = most_in_flight
        self._in_flight: Counter[Budget] = Counter()
        self._lanes: dict[Budget, OrderedDict[str, deque[_Pending]]] = {b: OrderedDict() for b in Budget}
        self._news = asyncio.Event()
        self._closed = False

    def __len__(self) -> int:
        """Return how many wishes wait."""
        return sum(len(wishes) for lane in self._lanes.values() for wishes in lane.values())

    def put(self, site: str, budget: Budget, wish: _Pending) -> None:
        """Add a wish behind those of its site."""
        self._lanes[budget].setdefault(site, deque()).append(wish)
        self._news.set()

    def done(self, budget: Budget) -> None:
        """Note that a wish that was handed out is settled."""
        self._in_flight[budget] -= 1
        self._news.set()

    def close(self) -> None:
        """Hand out nothing more."""
        self._closed = True
        self._news.set()

    async def get(self) -> _Pending | None:
        """Return the next wish when there is one and room for it; None when the queue is closed."""
        while not self._closed:
            for budget in Budget:
                if self._lanes[budget] and self._in_flight[budget] < self._most_in_flight[budget]:
                    return self._take(budget)
            self._news.clear()
            await self._news.wait()
        return None

    def _take(self, budget: Budget) -> _Pending:
        lane = self._lanes[budget]
        site, wishes = lane.popitem(last=False)
        wish = wishes.popleft()
        if wishes:
            lane[site] = wishes  # behind all other sites
        self._in_flight[budget] += 1
        return wish
