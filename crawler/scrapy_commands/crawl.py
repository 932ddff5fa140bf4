"""`scrapy crawl`, ending as `policy-archive fetch` does: one sentence, and an exit status that says how."""

from __future__ import annotations

import argparse
import sys

from scrapy.commands import crawl
from scrapy.crawler import AsyncCrawlerProcess
from scrapy.exceptions import UsageError

from policy_archive.crawler.core.errors import PolicyArchiveError
from policy_archive.crawler.core.steering import clean_text
from policy_archive.crawler.core.vocabularies import RunStatus
from policy_archive.crawler.spiders.base import RunSpider


class Command(crawl.Command):
    """Scrapy's own shows a traceback when the database is in use, and exits with 0 whatever a run came to."""

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if len(args) != 1:
            raise UsageError("name one spider: scrapy crawl policy -a site=example.com")
        try:
            self.exitcode = self._crawl(args[0], opts.spargs)
        except PolicyArchiveError as error:
            print(clean_text(f"Error: {error}"), file=sys.stderr)
            self.exitcode = error.exit_status

    def _crawl(self, name: str, arguments: dict[str, str]) -> int:
        """Return the exit status of a crawl; say on stderr what it is not done for."""
        process = self.crawler_process
        assert isinstance(process, AsyncCrawlerProcess)  # crawler.settings wants no reactor
        crawler = self._create_crawler(name)
        task = process.crawl(crawler, **arguments)
        process.start()
        task.result()  # raises what ended it
        if not isinstance(crawler.spider, RunSpider):
            return 0
        report = crawler.spider.report()
        if report.status is not RunStatus.DONE:
            print(clean_text(f"{report.status}: {report.reason}"), file=sys.stderr)
        return report.exit_code
