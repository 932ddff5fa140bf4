"""The running of a crawl: `run_fetch`, once or any number of times in a process."""

from __future__ import annotations

import asyncio
import signal
import threading
from typing import TypeVar

from scrapy import Spider
from scrapy.crawler import AsyncCrawlerRunner, Crawler
from scrapy.settings import Settings

from policy_archive.crawler import settings as crawl_settings
from policy_archive.crawler.core.vocabularies import RunStatus
from policy_archive.crawler.crawl.run import FetchOptions, FetchReport
from policy_archive.crawler.spiders.base import RunSpider
from policy_archive.crawler.spiders.policy import PolicySpider

_Spider = TypeVar("_Spider", bound=Spider)


def run_fetch(options: FetchOptions) -> FetchReport:
    """Crawl, and return how it ended. May be called any number of times, one after the other.

    Raises StoreError when the database cannot be opened, UsageError when the options cannot be meant.
    """
    return asyncio.run(_crawl(options))


async def _crawl(options: FetchOptions) -> FetchReport:
    return (await run_spider(PolicySpider, options)).report()


async def run_spider(spider_class: type[_Spider], options: FetchOptions) -> _Spider:
    """Run one of our spiders to its end, and return it."""
    runner = AsyncCrawlerRunner(build_settings(options))
    crawler = runner.create_crawler(spider_class)
    _stop_on_signals(crawler)
    await runner.crawl(crawler, options=options)
    assert isinstance(crawler.spider, spider_class)
    return crawler.spider


def build_settings(options: FetchOptions) -> Settings:
    """Return Scrapy's settings for one run: ours, and above them what the options say."""
    settings = Settings()
    settings.setmodule(crawl_settings, priority="project")
    wishes = {
        "POLICY_ARCHIVE_URL": options.archive_url,
        "POLICY_DIALECT": options.dialect,
        "POLICY_INDEX_PER_MINUTE": options.index_per_minute,
        "POLICY_REPLAY_PER_SECOND": options.replay_per_second,
        "POLICY_REQUESTS_A_DAY": options.requests_a_day,
        "USER_AGENT": name_with_contact(settings["USER_AGENT"], options.contact),
    }
    for name, value in (*wishes.items(), *options.settings):
        settings.set(name, value, priority="cmdline")
    return settings


def name_with_contact(user_agent: str, contact: str | None) -> str:
    """Return the User-Agent with a way to reach the user.

    >>> name_with_contact("policy-archive/1", "me@example.org")
    'policy-archive/1 (contact: me@example.org)'
    """
    printable = "".join(c for c in contact or "" if 32 <= ord(c) < 127 and c not in "()")
    return f"{user_agent} (contact: {printable})" if printable else user_agent


def _stop_on_signals(crawler: Crawler) -> None:
    """Finish what is in flight at the first Ctrl-C or SIGTERM; let the second end the process at once."""
    if threading.current_thread() is not threading.main_thread():
        return
    loop = asyncio.get_running_loop()

    def stop() -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)
        if isinstance(crawler.spider, RunSpider):
            crawler.spider.stop(RunStatus.INTERRUPTED, "stopped by hand")

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
