"""The spider that fetches: every site is crawled to its end, all state in the store."""

from __future__ import annotations

import logging

from policy_archive.crawler.core.errors import PolicyArchiveError
from policy_archive.crawler.core.vocabularies import SiteOutcome
from policy_archive.crawler.crawl.site import SiteCrawl
from policy_archive.crawler.spiders.base import RunSpider

log = logging.getLogger(__name__)


class PolicySpider(RunSpider):
    """`scrapy crawl policy -a site=example.com -a db=policies.db`, or from run_fetch with `options`."""

    name = "policy"

    async def work(self) -> None:
        """Crawl one site after the other; an error that only one site has ends that one alone."""
        for target in self.targets:
            crawl = SiteCrawl(
                target=target,
                options=self.options,
                store=self.store,
                index_cache=self.store,
                archive=self.archive,
                tally=self.tally,
                unfinished=self.unfinished,
            )
            try:
                with self.store.explained(self.options.database):
                    await crawl.run()
            except PolicyArchiveError:
                raise
            except Exception as error:
                log.exception("the crawl of %s broke off", target.site)
                crawl.conclude(SiteOutcome.FAILED, f"{type(error).__name__}: {error}")
