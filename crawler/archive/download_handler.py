"""Scrapy's download handler for one archive: requests wait at the gate at the last moment before the wire."""

from __future__ import annotations

from scrapy import Request
from scrapy.core.downloader.handlers._aiohttp import AiohttpDownloadHandler, _ClientResponse
from scrapy.crawler import Crawler
from scrapy.http import Headers, Response

from policy_archive.crawler.archive.middlewares import gate_keeper
from policy_archive.crawler.archive.rate_gate import Budget

# Captured headers come along: policies of content security are long, cookies many
MAX_HEADER_BYTES = 65_536  # aiohttp takes 8 kB
MAX_HEADERS = 2_000  # aiohttp takes 128


class ArchiveDownloadHandler(AiohttpDownloadHandler):
    """Sends a request when the gate lets it pass, and counts it.

    The gate stands here, not in a middleware: behind Scrapy's own queue for free
    connections a slot would be stale, and stale slots go out in bursts.
    """

    lazy = True  # an archive is asked by http or by https, and a store of certificates takes a while to load
    experimental = False  # true of Scrapy's class; this one is tested with every fault of the archive

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._keeper = gate_keeper(crawler)
        # no public way: the session is made by the class above
        self._session._max_field_size = self._session._max_line_size = MAX_HEADER_BYTES
        self._session._max_headers = MAX_HEADERS

    @staticmethod
    def _extract_headers(response: _ClientResponse) -> Headers:
        """Return the headers byte for byte: captured ones need not be UTF-8, as Scrapy's class has it."""
        return Headers(list(response.raw_headers))

    async def download_request(self, request: Request) -> Response:
        budget = Budget(request.meta["budget"])
        request.meta["sent_at"] = await self._keeper.gate.wait(budget)
        self._keeper.count(request, budget)
        return await super().download_request(request)
