"""Scrapy components around the gate and around what may be asked; the rules stand in the rooms beside."""

from __future__ import annotations

import asyncio
import errno
import logging
from collections import Counter
from contextlib import suppress
from re import compile as regex
from typing import Any, Self
from urllib.parse import urlsplit

import aiohttp
from scrapy import Request, Spider, signals
from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.httpproxy import HttpProxyMiddleware
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    IgnoreRequest,
    NotConfigured,
)
from scrapy.http import Response
from scrapy.settings import BaseSettings

from policy_archive.crawler.archive.rate_gate import (
    Budget,
    Gate,
    Politeness,
    parse_retry_after,
)
from policy_archive.crawler.archive.replay import Answer, decode_header, is_archive_fault, on_archive
from policy_archive.crawler.core.defaults import INDEX_PER_MINUTE, REPLAY_PER_SECOND
from policy_archive.crawler.core.errors import RateLimitedError, UnreachableError, UsageError
from policy_archive.crawler.core.events import log_event
from policy_archive.crawler.core.urls import WAYBACK_MACHINE

FAULTS_IN_A_ROW = 12  # so many failed tries, nothing good between them: the archive is down, all wait
TRIES_OF_A_SEARCH = 2  # a domain too large to be searched stays so: internetarchive/wayback#285
TRIES_OF_A_GARBLED_ANSWER = 2  # captured headers that are no HTTP stay so; a connection out of step does not
_NO_ROUTE = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN)
_HTTP_PROXY = regex(r"https?://([^\s/:]+|\[[0-9a-fA-F:.]+\])(:[0-9]+)?/?")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")

log = logging.getLogger(__name__)


def build_politeness(settings: BaseSettings) -> Politeness:
    """Return the budgets that the settings ask for; what they leave open has the default.

    Raises UsageError if more is asked of the Wayback Machine than it allows: it shuts such users out.
    """
    wishes = {
        "index_per_minute": settings.get("POLICY_INDEX_PER_MINUTE"),
        "replay_per_second": settings.get("POLICY_REPLAY_PER_SECOND"),
        "first_pause_seconds": settings.get("POLICY_FIRST_PAUSE_SECONDS"),
        "longest_pause_seconds": settings.get("POLICY_LONGEST_PAUSE_SECONDS"),
    }
    given: dict[str, Any] = {name: float(wish) for name, wish in wishes.items() if wish is not None}
    ceiling = settings.get("POLICY_REQUESTS_A_DAY")
    politeness = Politeness(requests_a_day=None if ceiling is None else int(ceiling), **given)
    if settings["POLICY_ARCHIVE_URL"] == WAYBACK_MACHINE:
        _check_rate("--index-rate", politeness.index_per_minute, INDEX_PER_MINUTE)
        _check_rate("--replay-rate", politeness.replay_per_second, REPLAY_PER_SECOND)
    return politeness


def _check_rate(option: str, wish: float, most: float) -> None:
    if not 0 < wish <= most:
        raise UsageError(
            f"{option} {wish:g} is for an archive of your own; the Wayback Machine allows {most:g}."
        )


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
    assert keeper is not None, "middlewares.GateKeeper must be among EXTENSIONS"
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


class EnvironmentProxy(HttpProxyMiddleware):
    """Downloader middleware: the proxy that HTTP_PROXY and HTTPS_PROXY name, for archives elsewhere.

    Which hosts need none is said by NO_PROXY.
    """

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        archive_url = crawler.settings["POLICY_ARCHIVE_URL"]
        if _is_loopback(archive_url):
            raise NotConfigured
        proxies = super().from_crawler(crawler)
        _, url = proxies.proxies.get(urlsplit(archive_url).scheme, (None, "http://none"))
        if not _HTTP_PROXY.fullmatch(url):
            raise UsageError(f"HTTP_PROXY or HTTPS_PROXY names {url!a}: write one like http://host:8080.")
        return proxies


class ArchiveRetry:
    """Downloader middleware: asks again after the archive's own failures, never after a captured one."""

    def __init__(self, keeper: GateKeeper, *, times: int, seconds: float, archive_url: str) -> None:
        self.keeper = keeper
        self.times = times
        self.seconds = seconds
        self.archive_url = archive_url
        self.is_loopback = _is_loopback(archive_url)
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
        answer = read_response(response)
        is_fault = await asyncio.to_thread(is_archive_fault, answer)
        wait = parse_wait(answer)
        if is_fault and (answer.status == 429 or (answer.status == 503 and wait)):
            return self._pause(request, wait)
        if not is_fault:
            self.keeper.gate.note_success(request.meta["sent_at"])
        if wait:
            self._note_wait(request, wait)
        if is_fault or answer.cut_short or (wait and not _is_usable(request, answer)):
            return await self._again(request) or response
        self._faults_in_a_row = 0
        return response

    async def process_exception(self, request: Request, exception: Exception) -> Request | None:
        reason = _explain_unreachable(exception)
        if reason:
            if not self._reached:
                raise UnreachableError(f"{self.archive_url} cannot be reached: {reason}")
            return await self._again(request)
        if isinstance(exception, DownloadConnectionRefusedError):
            if self.is_loopback and not self._reached:
                raise UnreachableError(f"Nothing answers at {self.archive_url}: is the archive running?")
            return self._pause(request, None, is_shut=True)
        if isinstance(exception.__cause__, aiohttp.ClientResponseError):
            return await self._try_again(request, TRIES_OF_A_GARBLED_ANSWER)
        if isinstance(exception, (DownloadFailedError, DownloadTimeoutError)):
            return await self._again(request)
        return None

    def _pause(self, request: Request, seconds: float | None, *, is_shut: bool = False) -> Request:
        """Stop everybody for a while; the request comes again when the gate opens."""
        pause = self.keeper.gate.block(request.meta["sent_at"], seconds, is_shut=is_shut)
        message = f"the archive wants to be left alone: nothing is asked for {pause:.0f} s"
        log_event(log, "archive-paused", message, level=logging.WARNING, seconds=round(pause, 1))
        return request.copy()

    def _note_wait(self, request: Request, seconds: float) -> None:
        """Stop everybody, though there is an answer; a wait too long is found by whoever asks next."""
        with suppress(RateLimitedError):
            self._pause(request, seconds)

    async def _again(self, request: Request) -> Request | None:
        """Return the request for another try, None when it had its tries; faults in a row stop everybody."""
        self._faults_in_a_row += 1
        if self._faults_in_a_row >= FAULTS_IN_A_ROW:
            self._faults_in_a_row = 0
            self._pause(request, None)
        return await self._try_again(request, TRIES_OF_A_SEARCH if _is_search(request) else self.times)

    async def _try_again(self, request: Request, most_tries: int) -> Request | None:
        """Return the request for another try after a wait, None when it had its tries."""
        tries = request.meta.get("tries", 1)
        if tries >= min(self.times, most_tries):
            return None
        await self.keeper.gate.sleep(self.seconds * 2.0 ** (tries - 1))
        return request.replace(meta={**request.meta, "tries": tries + 1})


def _is_usable(request: Request, answer: Answer) -> bool:
    """Return whether an answer that is no capture lets us go on: rows, or the way to a capture."""
    return 300 <= answer.status < 400 or (answer.status == 200 and request.meta["budget"] is Budget.INDEX)


def _is_search(request: Request) -> bool:
    """Return whether the index is asked for more than one address: it then answers late, or not at all."""
    return request.meta["budget"] is Budget.INDEX and "matchType=exact" not in request.url


def parse_wait(answer: Answer) -> float | None:
    """Return for how long the archive wants to be left alone, whatever its status; None when it says nothing.

    What a capture holds was said by its site, to somebody else: a site must not stop a run.
    """
    if "memento-datetime" in answer.headers:
        return None
    return parse_retry_after(answer.headers.get("retry-after"), answer.headers.get("date"))


def _is_loopback(archive_url: str) -> bool:
    return urlsplit(archive_url).hostname in _LOOPBACK


def _explain_unreachable(exception: Exception) -> str:
    """Return what stands between us and any archive; '' when it may be the archive that does not answer."""
    cause = exception.__cause__
    if isinstance(cause, aiohttp.ClientConnectorCertificateError):
        return f"its certificate cannot be verified (SSL_CERT_FILE may name yours): {cause.certificate_error}"
    if isinstance(cause, aiohttp.ClientSSLError):
        return f"no secure connection: {cause.os_error}"
    if isinstance(cause, aiohttp.ClientProxyConnectionError):
        return f"the proxy that HTTP_PROXY or HTTPS_PROXY names does not answer: {cause.os_error}"
    if isinstance(cause, aiohttp.ClientHttpProxyError):
        return f"the proxy that HTTP_PROXY or HTTPS_PROXY names answers {cause.status} {cause.message}"
    if isinstance(exception, CannotResolveHostError):
        return "its name is not known here. Is it spelt rightly, and is there a network?"
    if isinstance(cause, aiohttp.ClientConnectorError) and cause.os_error.errno in _NO_ROUTE:
        return f"{cause.os_error.strerror or cause.os_error}. Is there a network?"
    return ""


def read_response(response: Response) -> Answer:
    """Return Scrapy's response as an archive's answer."""
    headers = {
        name.decode("latin-1").lower(): decode_header(b", ".join(values))
        for name, values in response.headers.items()
    }
    return Answer(
        url=response.url,
        status=response.status,
        headers=headers,
        body=response.body,
        cut_short="dataloss" in response.flags,
    )


def close_gate(spider: Spider) -> None:
    """Let no further request of a crawl pass: whoever waits stops waiting."""
    gate_keeper(spider.crawler).gate.close()
