"""Discovery of one site, run to its end: plan, ask, plan again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from policy_archive.crawler.discovery.plan import plan_discovery
from policy_archive.crawler.discovery.records import (
    AskedQuery,
    DiscoveryOptions,
    DiscoveryPlan,
    Look,
    Looked,
    PageRequest,
    SiteEvidence,
    SiteQuery,
    VisitedPage,
)

MOST_ROUNDS = 40  # each round asks something new within small budgets; more is a mistake of ours


async def discover_site(
    evidence: SiteEvidence,
    options: DiscoveryOptions,
    *,
    ask: Callable[[SiteQuery], Awaitable[AskedQuery]],
    look: Callable[[Look], Awaitable[Looked]],
    read: Callable[[PageRequest], Awaitable[VisitedPage]],
) -> tuple[DiscoveryPlan, SiteEvidence]:
    """Return the finished plan and the evidence it stands on; the three callables speak to the archive.

    What they raise ends it.
    """
    for _ in range(MOST_ROUNDS):
        # 100,000 rows take seconds to rank: other sites' answers must not wait for that
        plan = await asyncio.to_thread(plan_discovery, evidence, options)
        if plan.done:
            return plan, evidence
        asked = await asyncio.gather(*map(ask, plan.queries))
        looked = await asyncio.gather(*map(look, plan.looks))
        pages = await asyncio.gather(*map(read, plan.pages))
        evidence = replace(
            evidence,
            asked=(*evidence.asked, *asked),
            looks=(*evidence.looks, *looked),
            pages=(*evidence.pages, *pages),
        )
    raise AssertionError(f"discovery of {evidence.site} does not end")
