"""`scrapy crawl`, ending as `policy-archive fetch` does: one sentence, and an exit status that says how."""

from __future__ import annotations

import argparse
import asyncio
import sys

from scrapy.commands import crawl
from scrapy.crawler import AsyncCrawlerProcess, Crawler
from scrapy.exceptions import UsageError

from crawler.errors import PolicyArchiveError
from crawler.spiders.policy import PolicySpider


class Command(crawl.Command):
    """Scrapy's own shows a traceback when the database is in use, and exits with 0 whatever a run came to."""

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if len(args) != 1:
            raise UsageError("name one spider: scrapy crawl policy -a site=example.com")
        process = self.crawler_process
        assert isinstance(process, AsyncCrawlerProcess)  # crawler.settings wants no reactor
        crawler = self._create_crawler(args[0])
        task = process.crawl(crawler, **opts.spargs)
        process.start()
        self.exitcode = _conclude(task, crawler)


def _conclude(task: asyncio.Task[None], crawler: Crawler) -> int:
    """Return the exit status of a crawl that has ended; say on stderr what it is not done for."""
    error = task.exception()
    if isinstance(error, PolicyArchiveError):
        print(f"Error: {error}", file=sys.stderr)
        return error.exit_status
    if error is not None:
        raise error
    if not isinstance(crawler.spider, PolicySpider):
        return 0
    report = crawler.spider.report()
    if report.status != "done":
        print(f"{report.status}: {report.reason}", file=sys.stderr)
    return report.exit_code
