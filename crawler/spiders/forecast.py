"""The spider that asks the index alone: one question a site, and what a fetch of it would cost."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import asdict
from statistics import fmean
from typing import Any

from policy_archive.crawler.archive.cdx import IndexQuery
from policy_archive.crawler.archive.middlewares import build_politeness
from policy_archive.crawler.core.errors import BlockedError, CdxError
from policy_archive.crawler.core.records import CdxRow
from policy_archive.crawler.core.vocabularies import SiteOutcome
from policy_archive.crawler.crawl.run import Target
from policy_archive.crawler.discovery.documents import find_documents
from policy_archive.crawler.discovery.index import address_query, domain_query
from policy_archive.crawler.discovery.records import AnswerState, AskedQuery, DiscoveryOptions, SiteEvidence
from policy_archive.crawler.planning.forecast import Forecast, SiteCost, add_up, cost_site
from policy_archive.crawler.spiders.base import RunSpider


class ForecastSpider(RunSpider):
    """Answers `policy-archive plan`: fetches nothing, and stores nothing but the forecast of its run."""

    name = "forecast"
    alone = False  # it reads, and asks within the shared budget

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.costs: list[SiteCost] = []

    def forecast(self) -> Forecast:
        """Return the cost of fetching all sites, of which those asked may be a sample.

        Their number is the setting POLICY_FORECAST_SITES; without it, those asked are all.
        """
        politeness = build_politeness(self.settings)
        return add_up(
            self.costs,
            sites=self.settings.getint("POLICY_FORECAST_SITES") or len(self.costs),
            index_per_minute=politeness.index_per_minute,
            replay_per_second=politeness.replay_per_second,
            latency_seconds=fmean(self.archive.index_seconds) if self.archive.index_seconds else 0.0,
            side_by_side=self.settings.getint("CONCURRENT_REQUESTS_PER_DOMAIN"),
        )

    async def work(self) -> None:
        """Ask the index about one site after the other."""
        for target in self.targets:
            try:
                self.costs.append(await self._cost(target))
                found = self.costs[-1].documents
                self.tally.note_site(SiteOutcome.FOUND if found else SiteOutcome.NOTHING_FOUND)
            except BlockedError:
                self.costs.append(cost_site(target.site, (), self.options.plan, index_requests=1))
                self.tally.note_site(SiteOutcome.BLOCKED)
            except CdxError as error:
                self.tally.note_problem(f"{target.site}: {error}")
                self.tally.note_site(None)

    async def _cost(self, target: Target) -> SiteCost:
        asked = address_query(target.url) if target.url else domain_query(target.site, self.options.kinds)
        rows, complete = await self._ask(target.site, asked.query, asked.most_pages)
        state = AnswerState.COMPLETE if complete else AnswerState.CUT
        answer = AskedQuery(asked=asked, state=state, rows=tuple(rows))
        documents = [rows] if target.url else _documents_in(answer, target.site, self._discovery_options())
        searching = target.url is None
        # of the domain; of its home page's captures, too, where replay does not find them
        queries = 1 if not searching or self.archive.has_nearest else 2
        return await asyncio.to_thread(
            cost_site,
            target.site,
            [found for found in documents if found],
            self.options.plan,
            index_requests=queries,
            searched=searching,
        )

    def _discovery_options(self) -> DiscoveryOptions:
        return DiscoveryOptions(kinds=frozenset(self.options.kinds))

    async def _ask(self, site: str, query: IndexQuery, most_pages: int) -> tuple[list[CdxRow], bool]:
        """Return the rows of the answer's first pages, and whether these are all."""
        rows: list[CdxRow] = []
        number = 0
        async with aclosing(self.archive.iter_pages(site, query)) as pages:  # left half read when it has more
            async for page in pages:
                rows += page.rows
                number += 1
                if number == most_pages:
                    return rows, page.resume_key is None
        return rows, True

    def on_closed(self) -> None:
        """Write the forecast down with the run."""
        if self.run_id is not None:
            self.store.record_forecast(self.run_id, describe(self.forecast(), self.costs))
        super().on_closed()


def _documents_in(answer: AskedQuery, site: str, options: DiscoveryOptions) -> list[list[CdxRow]]:
    """Return the rows of each document that discovery sees in the answer."""
    found = find_documents(SiteEvidence(site=site, asked=(answer,)), options)
    keys = [{address.urlkey for address in document.addresses} for document in found]
    return [[row for row in answer.rows if row.urlkey in wanted] for wanted in keys]


def describe(forecast: Forecast, costs: Sequence[SiteCost]) -> dict[str, Any]:
    """Return a forecast as JSON: the sums, and the sites that were asked."""
    return {**asdict(forecast), "sites_asked": [cost.site for cost in costs]}
