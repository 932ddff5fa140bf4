"""The queue between the sites and the archive."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from policy_archive.crawler.archive.rate_gate import Budget
from policy_archive.crawler.crawl.frontier import FairQueue

ROOMY = {Budget.INDEX: 1000, Budget.REPLAY: 1000}


@given(st.lists(st.integers(1, 30), min_size=1, max_size=8))
def test_sites_take_turns_until_each_is_done(wishes: list[int]) -> None:
    async def take() -> list[str]:
        queue: FairQueue[str] = FairQueue(ROOMY)
        for number, wished in enumerate(wishes):
            for _ in range(wished):
                queue.put(f"site{number}", Budget.REPLAY, f"site{number}")
        return [await queue.get() or "" for _ in range(sum(wishes))]

    taken = asyncio.run(take())
    for turn in range(len(taken)):
        served = [taken[:turn].count(f"site{n}") for n in range(len(wishes))]
        waiting = [count for count, wished in zip(served, wishes, strict=True) if count < wished]
        assert not waiting or max(served) - min(waiting) <= 1


def test_a_lane_that_is_full_does_not_hold_up_the_other() -> None:
    async def take() -> None:
        queue: FairQueue[str] = FairQueue({Budget.INDEX: 1, Budget.REPLAY: 1})
        for name in ("first", "second"):
            queue.put("a.example", Budget.INDEX, name)
        queue.put("a.example", Budget.REPLAY, "capture")
        assert [await queue.get(), await queue.get()] == ["first", "capture"]
        waiting = asyncio.create_task(queue.get())
        await asyncio.sleep(0.01)
        assert not waiting.done()
        queue.done(Budget.INDEX)
        assert await waiting == "second"

    asyncio.run(take())


def test_who_waits_is_let_go_when_the_queue_closes() -> None:
    async def take() -> None:
        queue: FairQueue[str] = FairQueue(ROOMY)
        waiting = asyncio.create_task(queue.get())
        await asyncio.sleep(0)
        queue.close()
        assert await waiting is None
        assert len(queue) == 0

    asyncio.run(take())
