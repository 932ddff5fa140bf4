"""Scrapy components around the gate and around what may be asked; the rules stand in the rooms beside."""

from __future__ import annotations

import logging
from collections import Counter
from typing import Any, Self
from urllib.parse import urlsplit

from scrapy import Request, Spider, signals
from scrapy.crawler import Crawler
from scrapy.exceptions import (
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    IgnoreRequest,
)
from scrapy.http import Response
from scrapy.settings import BaseSettings

from crawler.errors import RateLimitedError
from crawler.eventlog import log_event
from crawler.playback import on_archive
from crawler.politeness import Budget, Gate, Politeness, parse_retry_after

FAULTS_IN_A_ROW = 12  # so many failed tries, nothing good between them: the archive is down, all wait
TRIES_OF_A_SEARCH = 2  # a domain too large to be searched stays so: internetarchive/wayback#285
_LOOPBACK = ("localhost", "127.0.0.1", "::1")

log = logging.getLogger(__name__)


def build_politeness(settings: BaseSettings) -> Politeness:
    """Return the budgets that the settings ask for; what they leave open has the default."""
    wishes = {
        "index_per_minute": settings.get("POLICY_INDEX_PER_MINUTE"),
        "replay_per_second": settings.get("POLICY_REPLAY_PER_SECOND"),
        "first_pause_seconds": settings.get("POLICY_FIRST_PAUSE_SECONDS"),
        "longest_pause_seconds": settings.get("POLICY_LONGEST_PAUSE_SECONDS"),
    }
    given: dict[str, Any] = {name: float(wish) for name, wish in wishes.items() if wish is not None}
    ceiling = settings.get("POLICY_REQUESTS_A_DAY")
    return Politeness(requests_a_day=None if ceiling is None else int(ceiling), **given)


class GateKeeper:
    """Extension: holds a crawl's gate, and counts what passes."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.requests: Counter[Budget] = Counter()

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        gate = Gate(crawler.settings["POLICY_ARCHIVE_URL"], build_politeness(crawler.settings))
        keeper = cls(gate)
        crawler.signals.connect(gate.dispose, signals.engine_stopped)
        return keeper

    def count(self, request: Request, budget: Budget) -> None:
        """Count one request that is sent now."""
        self.requests[budget] += 1
        request.meta["requests"] = request.meta.get("requests", 0) + 1


def gate_keeper(crawler: Crawler) -> GateKeeper:
    """Return the crawl's gate keeper."""
    keeper = crawler.get_extension(GateKeeper)
    assert keeper is not None, "crawler.middlewares.GateKeeper must be among EXTENSIONS"
    return keeper


class OriginGuard:
    """Downloader middleware: lets only requests to the archive pass, before any name is looked up."""

    def __init__(self, archive_url: str) -> None:
        self.archive_url = archive_url

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler.settings["POLICY_ARCHIVE_URL"])

    def process_request(self, request: Request) -> None:
        if on_archive(request.url, self.archive_url) != request.url:
            raise IgnoreRequest(f"not an address of {self.archive_url}: {request.url[:200]}")


class ArchiveRetry:
    """Downloader middleware: asks again after the archive's own failures, never after a captured one."""

    def __init__(self, keeper: GateKeeper, *, times: int, seconds: float, archive_url: str) -> None:
        self.keeper = keeper
        self.times = times
        self.seconds = seconds
        self.is_loopback = urlsplit(archive_url).hostname in _LOOPBACK
        self._reached = False
        self._faults_in_a_row = 0

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(
            gate_keeper(crawler),
            times=crawler.settings.getint("POLICY_RETRY_TIMES"),
            seconds=crawler.settings.getfloat("POLICY_RETRY_SECONDS"),
            archive_url=crawler.settings["POLICY_ARCHIVE_URL"],
        )

    async def process_response(self, request: Request, response: Response) -> Request | Response:
        self._reached = True
        if "memento-datetime" not in response.headers:
            wait = parse_retry_after(_text(response, "retry-after"), _text(response, "date"))
            if response.status == 429 or (response.status == 503 and wait):
                return self._pause(request, wait)
            if response.status >= 500:
                return await self._again(request) or response
        if "dataloss" in response.flags:
            return await self._again(request) or response
        self._faults_in_a_row = 0
        self.keeper.gate.note_success(request.meta["sent_at"])
        return response

    async def process_exception(self, request: Request, exception: Exception) -> Request | None:
        if isinstance(exception, DownloadConnectionRefusedError):
            if self.is_loopback and not self._reached:
                raise RateLimitedError(f"Nothing answers at {request.url[:80]}: is the archive running?")
            return self._pause(request, None, is_shut=True)
        if isinstance(exception, (DownloadFailedError, DownloadTimeoutError)):
            return await self._again(request)
        return None

    def _pause(self, request: Request, seconds: float | None, *, is_shut: bool = False) -> Request:
        """Stop everybody for a while; the request comes again when the gate opens."""
        pause = self.keeper.gate.block(request.meta["sent_at"], seconds, is_shut=is_shut)
        message = f"the archive wants to be left alone: nothing is asked for {pause:.0f} s"
        log_event(log, "archive-paused", message, level=logging.WARNING, seconds=round(pause, 1))
        return request.copy()

    async def _again(self, request: Request) -> Request | None:
        """Return the request for another try after a wait, None when it had its tries."""
        self._faults_in_a_row += 1
        if self._faults_in_a_row >= FAULTS_IN_A_ROW:
            self._faults_in_a_row = 0
            self._pause(request, None)
        tries = request.meta.get("tries", 1)
        if tries >= (min(self.times, TRIES_OF_A_SEARCH) if _is_search(request) else self.times):
            return None
        await self.keeper.gate.sleep(self.seconds * 2.0 ** (tries - 1))
        return request.replace(meta={**request.meta, "tries": tries + 1})


def _is_search(request: Request) -> bool:
    """Tell whether the index is asked for more than one address: it then answers late, or not at all."""
    return request.meta["budget"] is Budget.INDEX and "matchType=" in request.url


def _text(response: Response, header: str) -> str | None:
    value = response.headers.get(header)
    return None if value is None else value.decode("latin-1")


def close_gate(spider: Spider) -> None:
    """Let no further request of a crawl pass: whoever waits stops waiting."""
    gate_keeper(spider.crawler).gate.close()
