"""Scrapy item pipelines: a `Capture` comes in, is read in a process of its own, and is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from scrapy.exceptions import NotConfigured
from scrapy.utils.misc import load_object

from policy_archive.crawler.core.records import Capture, Kind, ReadCapture, Reading
from policy_archive.pipelines.reading.address import page_address

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

    from policy_archive.crawler.crawl.corpus import SiteStore
    from policy_archive.pipelines.reading.pool import ReadingPool
    from policy_archive.pipelines.store.writer import Store


_POOL = "policy_archive.pipelines.reading.pool.ReadingPool"


class ReadPipeline:
    """Reads the bodies, in processes that may die (settings `READING_POOL` and `READING_PROCESSES`)."""

    def __init__(self, pool: ReadingPool, store: SiteStore | None = None) -> None:
        self.pool = pool
        self.store = store
        """Knows which part of a page a document is; None reads pages whole."""

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        kind: type[ReadingPool] = load_object(crawler.settings.get("READING_POOL", _POOL))
        pool = kind(crawler.settings.getint("READING_PROCESSES") or None)
        store = getattr(crawler.spider, "store", None)
        if store is not None:
            store.reader = pool
        return cls(pool, store)

    async def process_item(self, item: Any) -> Any:
        """Return the capture with its reading; an item of another kind passes."""
        if not isinstance(item, Capture):
            return item
        return ReadCapture(capture=item, reading=await read_capture(self.pool, item, self.store))

    async def close_spider(self) -> None:
        await self.pool.close()


class StorePipeline:
    """Writes captures through the spider's own `store`. A write is short, so it is done in the loop."""

    def __init__(self, store: Store) -> None:
        self.store = store

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        store = getattr(crawler.spider, "store", None)
        if store is None:
            raise NotConfigured("the spider has no store")
        return cls(store)

    def process_item(self, item: Any) -> Any:
        """Return the item, stored, with its text's hash ready for the planner."""
        if not isinstance(item, ReadCapture):
            return item
        stored = self.store.record_capture(item.capture, item.reading)
        return ReadCapture(capture=item.capture, reading=item.reading, stored=stored)


async def read_capture(pool: ReadingPool, capture: Capture, store: SiteStore | None = None) -> Reading | None:
    """Return what a capture's body was read as; None when its outcome is settled without reading.

    `store` knows the part of the page that links lead to, and the home page of that time.
    """
    if capture.outcome is not None or capture.body is None:
        return None
    is_home = capture.document.kind is Kind.HOME
    return await pool.read(
        capture.body,
        document=capture.document,
        url=page_address(store.addresses_of(capture.document) if store else (), capture.row),
        timestamp=capture.row.timestamp,
        content_type=capture.content_type,
        home=store.home_near(capture.document.site, capture.row.timestamp) if store and not is_home else None,
    )
