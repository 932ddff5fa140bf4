"""The spider: puts the site crawls' questions to the archive, as requests, and gives them the answers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Iterator, Sized
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self, TypeVar

from scrapy import Request, Spider, signals
from scrapy.crawler import Crawler
from scrapy.exceptions import DownloadCancelledError, IgnoreRequest
from scrapy.http import Response
from scrapy.settings import BaseSettings
from twisted.python.failure import Failure

from policy_archive.crawler.archive.cdx import (
    MOST_ROWS,
    Dialect,
    IndexPage,
    IndexQuery,
    IndexReader,
    dialects_to_try,
)
from policy_archive.crawler.archive.content_coding import (
    MAX_BODY_BYTES,
    CodingError,
    split_codings,
    unwrap_body,
)
from policy_archive.crawler.archive.middlewares import (
    build_politeness,
    close_gate,
    gate_keeper,
    read_response,
)
from policy_archive.crawler.archive.rate_gate import Budget, GateClosedError
from policy_archive.crawler.archive.replay import Playback, Question, classify_answer
from policy_archive.crawler.core.errors import (
    CdxError,
    PolicyArchiveError,
    RateLimitedError,
    StoreError,
    UsageError,
)
from policy_archive.crawler.core.events import log_event
from policy_archive.crawler.core.failpoints import point
from policy_archive.crawler.core.records import (
    Capture,
    CdxRow,
    Document,
    Kind,
    Outcome,
    PlannedCapture,
    ReadCapture,
    RowState,
)
from policy_archive.crawler.core.timestamps import parse_span, utc_now
from policy_archive.crawler.core.urls import build_uri_m, parse_archive
from policy_archive.crawler.crawl.corpus import Corpus, load_corpus_class
from policy_archive.crawler.crawl.frontier import FairQueue
from policy_archive.crawler.crawl.progress import build_screen, show_progress
from policy_archive.crawler.crawl.run import (
    DEFAULT_DATABASE,
    KINDS,
    FetchOptions,
    FetchReport,
    Health,
    Tally,
    Target,
    build_health,
    build_target,
    parse_kinds,
)
from policy_archive.crawler.crawl.site import SiteCrawl, count_document
from policy_archive.crawler.planning.plan import PlanName, PlanOptions

SITES_AT_ONCE = 32
"""Enough that none waits for another's slow index query, few enough that memory stays flat."""
MOST_IN_FLIGHT = {Budget.INDEX: 1, Budget.REPLAY: 4}  # wayback-protocol section 7
MOST_IN_FLIGHT_UNLIMITED = {Budget.INDEX: 4, Budget.REPLAY: 8}
INDEX_MAX_BYTES = 128 * 1024 * 1024

log = logging.getLogger(__name__)


class PolicySpider(Spider):
    """`scrapy crawl policy -a site=example.com -a db=policies.db`, or from run_fetch with `options`."""

    name = "policy"
    alone = True
    """Whether no other run may be under way on the database."""

    def __init__(self, *, options: FetchOptions, store: Corpus) -> None:
        super().__init__()
        self.options = options
        self.store = store
        self.tally = Tally()
        self.run_id: int | None = None
        self.unfinished: set[Document] = set()
        self._status, self._reason = "done", ""
        self._failure: PolicyArchiveError | None = None
        self._dialects: tuple[Dialect, ...] = ()
        self._dialect_lock = asyncio.Lock()
        self._waiting: dict[str, asyncio.Future[ReadCapture]] = {}
        self._queue: FairQueue[Request] = FairQueue(MOST_IN_FLIGHT)
        self._tasks: list[asyncio.Task[None]] = []
        self._lock = ExitStack()
        self._health: Health | None = None

    @classmethod
    def update_settings(cls, settings: BaseSettings) -> None:
        """Give the archive its one name; refuse what cannot be meant before anything is opened."""
        super().update_settings(settings)
        archive_url = parse_archive(settings["POLICY_ARCHIVE_URL"])
        settings.set("POLICY_ARCHIVE_URL", archive_url, priority="cmdline")
        build_politeness(settings)

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:
        options = kwargs.pop("options", None) or parse_arguments(crawler, **kwargs)
        corpus = load_corpus_class(crawler.settings)
        with ExitStack() as held:
            if cls.alone:
                held.enter_context(corpus.hold(options.database, f"policy-archive {options.command}"))
            spider = cls(options=options, store=corpus.open(options.database))
            spider._lock = held.pop_all()
        spider._set_crawler(crawler)
        crawler.signals.connect(spider.on_scraped, signals.item_scraped)
        crawler.signals.connect(spider.on_item_error, signals.item_error)
        crawler.signals.connect(spider.on_answer_error, signals.spider_error)
        crawler.signals.connect(spider.on_closed, signals.engine_stopped)
        return spider

    # The run

    async def start(self) -> AsyncIterator[Request]:
        """Yield what the sites want asked, one site after the other, until all of them are done."""
        self._begin()
        self._tasks = [asyncio.create_task(self._crawl_sites()), *self._start_progress()]
        try:
            while (request := await self._queue.get()) is not None:
                yield request
        finally:  # Scrapy ends it early when the user stops the crawl
            close_gate(self)
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start_progress(self) -> Iterator[asyncio.Task[None]]:
        screen = build_screen(self.options.progress)
        if screen is not None:
            pace = build_politeness(self.settings).replay_per_second or None
            gate = gate_keeper(self.crawler).gate
            yield asyncio.create_task(show_progress(screen, self.tally, gate.blocked_seconds, pace))

    def _begin(self) -> None:
        archive_url = self.settings["POLICY_ARCHIVE_URL"]
        self._dialects = dialects_to_try(archive_url, self.settings["POLICY_DIALECT"])
        unlimited = build_politeness(self.settings).is_unlimited
        self._queue = FairQueue(MOST_IN_FLIGHT_UNLIMITED if unlimited else MOST_IN_FLIGHT)
        arguments = {"archive": archive_url, "plan": self.options.plan, "kinds": self.options.kinds}
        if self.alone:
            self.store.close_dead_runs()
        self.store.channels = self.options.channels
        self.run_id = self.store.start_run(self.options.command, arguments)
        log_event(log, "run-started", f"run {self.run_id} begins", run=self.run_id, archive=archive_url)

    async def _crawl_sites(self) -> None:
        """Crawl all sites, some at once; an error that no site can get over ends the run."""
        targets = iter(self.options.targets)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(SITES_AT_ONCE):
                    group.create_task(self._crawl_next_sites(targets))
        except* GateClosedError:
            pass
        except* RateLimitedError as errors:
            self.stop("incomplete", str(errors.exceptions[0]))
        except* PolicyArchiveError as errors:
            self._fail_run(errors.exceptions[0])
        except* Exception as errors:
            log.exception("the crawl broke off")
            self.stop("failed", repr(errors.exceptions[0]))
        finally:
            self._queue.close()

    async def _crawl_next_sites(self, targets: Iterator[Target]) -> None:
        for target in targets:
            crawl = SiteCrawl(
                target=target,
                options=self.options,
                store=self.store,
                index_cache=self.store,
                archive=self,
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
                crawl.conclude("failed", f"{type(error).__name__}: {error}")

    def stop(self, status: str, reason: str) -> None:
        """End the run: what is in flight is finished and stored, nothing more is asked."""
        if self._status == "done":
            self._status, self._reason = status, reason
        close_gate(self)
        self._queue.close()

    def closed(self, reason: str) -> None:
        """Note that Scrapy's own program was told to stop: Ctrl-C during `scrapy crawl`."""
        if reason == "shutdown":
            self.stop("interrupted", "stopped by hand")

    def _fail_run(self, error: BaseException) -> None:
        """End the run by an error that it cannot get over; the first one is what it says it died of."""
        if self._failure is None and isinstance(error, PolicyArchiveError):
            self._failure = error
        self.stop("failed", str(error))

    def on_closed(self) -> None:
        """Write down how the run ended, as far as that is possible; the last thing that happens."""
        self._count_requests()
        try:
            with self.store.explained(self.options.database):
                for document in self.unfinished:
                    count_document(self.store, self.tally, document)
                self._check_books()
                if self.run_id is not None:
                    self._finish_run(self.run_id)
        except StoreError as error:  # a full disk takes no last words
            self._fail_run(error)
        finally:
            self.store.close()
            self._lock.close()

    def _finish_run(self, run_id: int) -> None:
        targets = self.options.targets
        self._health = build_health(
            self.tally,
            due=len(targets) if isinstance(targets, Sized) else self.tally.sites_done,
            versions_new=self.store.count_news(run_id),
            longest_failing=self.store.list_failing(),
        )
        report = self.report()
        self.store.finish_run(
            run_id,
            report.status,
            report.reason,
            index_requests=self.tally.index_requests,
            replay_requests=self.tally.replay_requests,
            health=asdict(self._health),
        )
        facts = {"run": run_id, "status": report.status, "reason": report.reason, **asdict(self._health)}
        log_event(log, "run-finished", f"run {run_id}: {report.status}", **facts)

    def _check_books(self) -> None:
        """Make a run whose books do not balance a failed one: every row has exactly one outcome.

        Rows that are still to be fetched are normal where this run was stopped, or an earlier one.
        """
        faults = [fault for fault in self.store.iter_conservation_faults() if fault.fault != "pending"]
        if faults:
            first = f"{faults[0].fault} {faults[0].id} ({faults[0].detail})"
            self._status, self._reason = (
                "failed",
                f"the books do not balance: {len(faults)} faults, first {first}",
            )
        pending = self.tally.states[RowState.PENDING]
        if pending and self._status == "done":
            self._status, self._reason = "incomplete", f"{pending} captures have still to be fetched"

    def report(self) -> FetchReport:
        """Return how the run ended, or how it stands."""
        status, reason = self._status, self._reason
        failed = sum(n for outcome, n in self.tally.outcomes.items() if outcome.leaves_run_incomplete)
        if status == "done" and (failed or self.tally.problems):
            status = "incomplete"
            unhad = f"{failed} captures could not be had or read: run the same command again"
            reason = self.tally.problems[0] if self.tally.problems else unhad
        return FetchReport(
            status=status,
            reason=reason,
            tally=self.tally,
            seconds=self.tally.seconds,
            run_id=self.run_id,
            health=self._health,
            failure=self._failure if status == "failed" else None,
        )

    def _count_requests(self) -> None:
        requests = gate_keeper(self.crawler).requests
        self.tally.index_requests = requests[Budget.INDEX]
        self.tally.replay_requests = requests[Budget.REPLAY]

    # The index

    async def iter_pages(self, site: str, query: IndexQuery) -> AsyncGenerator[IndexPage, None]:
        """Yield the pages of the index's answer."""
        reader, page = await self._open(site, query)
        yield page
        while reader.next_url is not None:
            yield await self._read_page(site, reader)
        if reader.stopped:
            self.tally.problems.append(f"{query.url}: {reader.stopped}")

    async def _open(self, site: str, query: IndexQuery) -> tuple[IndexReader, IndexPage]:
        """Return a reader with its first page; the run's first query finds out how the index speaks."""
        if len(self._dialects) == 1:
            return await self._open_as(self._dialects[0], site, query)
        async with self._dialect_lock:
            *others, last = self._dialects
            for dialect in others:
                try:
                    opened = await self._open_as(dialect, site, query)
                except CdxError as error:
                    if (
                        error.status is None or error.status >= 500
                    ):  # it failed: that says nothing of its words
                        raise
                    continue
                self._dialects = (dialect,)
                return opened
            opened = await self._open_as(last, site, query)
            self._dialects = (last,)
            return opened

    async def _open_as(self, dialect: Dialect, site: str, query: IndexQuery) -> tuple[IndexReader, IndexPage]:
        reader = IndexReader(
            archive_url=self._archive_url,
            query=query,
            dialect=dialect,
            most_rows=self.settings["POLICY_MOST_INDEX_ROWS"] or MOST_ROWS,
        )
        return reader, await self._read_page(site, reader)

    async def _read_page(self, site: str, reader: IndexReader) -> IndexPage:
        """Return the reader's next page; an answer that is garbled is asked for once more."""
        url = reader.next_url
        assert url is not None
        try:
            return await asyncio.to_thread(reader.read, *await self._ask_index(site, url))
        except CdxError as error:
            if error.status != 200:
                raise
        return reader.read(*await self._ask_index(site, url))

    async def _ask_index(self, site: str, url: str) -> tuple[int, bytes]:
        """Return status and plain body of the index's answer."""
        answered: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        request = self._build_request(url, Budget.INDEX, answered=answered)
        self._queue.put(
            site, Budget.INDEX, request.replace(callback=self.on_index, errback=self.on_index_failure)
        )
        answer = read_response(await answered)
        if answer.cut_short:
            raise CdxError(f"The index's answer is cut short ({url})", url=url, status=200)
        codings = split_codings(answer.headers.get("content-encoding", ""))
        try:
            # not in the event loop: an answer of many megabytes takes seconds
            unwrapped = await asyncio.to_thread(unwrap_body, answer.body, codings, max_bytes=INDEX_MAX_BYTES)
            return answer.status, unwrapped.body
        except CodingError as error:
            message = f"The index's answer cannot be unpacked: {error} ({url})"
            raise CdxError(message, url=url, status=answer.status) from error

    def on_index(self, response: Response) -> None:
        """Hand the index's answer to the site that waits for it."""
        self._queue.done(Budget.INDEX)
        _settle(response.meta["answered"], response)

    def on_index_failure(self, failure: Failure) -> None:
        """Tell the site that waits that no answer came."""
        self._queue.done(Budget.INDEX)
        request: Request = failure.request  # type: ignore[attr-defined]  # Scrapy puts it there
        error = failure.value
        if not isinstance(error, RateLimitedError):
            error = CdxError(f"The index did not answer: {_describe(failure)}", url=request.url)
        _fail(request.meta["answered"], error)

    def _build_request(self, url: str, budget: Budget, **meta: Any) -> Request:
        return Request(
            url,
            dont_filter=True,
            meta={
                "budget": budget,
                "download_slot": budget.value,
                "verbatim_url": True,  # "%2F" and the order of parameters belong to the page asked for
                "download_maxsize": INDEX_MAX_BYTES if budget is Budget.INDEX else MAX_BODY_BYTES,
                **meta,
            },
        )

    # Captures

    async def fetch_capture(self, document: Document, planned: PlannedCapture) -> ReadCapture:
        """Return one capture, read and stored."""
        settled: asyncio.Future[ReadCapture] = asyncio.get_running_loop().create_future()
        self._waiting[planned.row.id_in(document.id)] = settled
        url = build_uri_m(self._archive_url, planned.row.timestamp, planned.row.original)
        self._ask_replay(_Errand(document=document, row=planned.row, asked=(url,)))
        return await settled

    def _ask_replay(self, errand: _Errand) -> None:
        request = self._build_request(errand.asked[-1], Budget.REPLAY, errand=errand)
        request = request.replace(callback=self.on_replay, errback=self.on_replay_failure)
        self._queue.put(errand.document.site, Budget.REPLAY, request)

    def on_replay(self, response: Response) -> Iterator[Capture]:
        """Yield the capture that the answer is, or go on to the one that the archive points to."""
        self._queue.done(Budget.REPLAY)
        errand: _Errand = response.meta["errand"]
        errand = replace(errand, requests=errand.requests + response.meta["requests"])
        question = Question(
            row=errand.row, archive_url=self._archive_url, dialect=self._dialects[0], asked=errand.asked
        )
        playback = classify_answer(read_response(response), question)
        if playback.follow:
            self._ask_replay(replace(errand, asked=(*errand.asked, playback.follow)))
        else:
            point("after-fetch")
            yield self._build_capture(errand, playback, response.meta.get("download_latency"))

    def on_replay_failure(self, failure: Failure) -> Iterator[Capture]:
        """Yield the capture as one that could not be had; nothing when the run has to end."""
        self._queue.done(Budget.REPLAY)
        request: Request = failure.request  # type: ignore[attr-defined]
        errand: _Errand = request.meta["errand"]
        error = failure.value
        if isinstance(error, RateLimitedError):
            _fail(self._waiting.pop(errand.key), error)
            return
        playback = Playback(outcome=_outcome_of(error), reason=_describe(failure))
        requests = errand.requests + request.meta.get("requests", 0)
        yield self._build_capture(replace(errand, requests=requests), playback, None)

    def _build_capture(self, errand: _Errand, playback: Playback, seconds: float | None) -> Capture:
        facts = {name: value for name, value in vars(playback).items() if name != "follow"}
        return Capture(
            document=errand.document,
            row=errand.row,
            replay_url=errand.asked[-1],
            fetched_at=utc_now(),
            elapsed_seconds=seconds,
            requests=errand.requests,
            **facts,
        )

    def on_scraped(self, item: object) -> None:
        """Tell the site that its capture is stored."""
        if isinstance(item, ReadCapture):
            key = item.capture.row.id_in(item.capture.document.id)
            if key in self._waiting:
                _settle(self._waiting.pop(key), item)
            self.tally.fetched += 1
            self.tally.homes += item.capture.document.kind is Kind.HOME
            outcome = item.reading.outcome if item.reading else item.capture.outcome
            if outcome is not None:
                self.tally.outcomes[outcome] += 1

    def on_item_error(self, item: object, failure: Failure) -> None:
        """Tell the site that its capture could not be read or stored."""
        capture = item.capture if isinstance(item, ReadCapture) else item
        if isinstance(capture, Capture):
            key = capture.row.id_in(capture.document.id)
            if key in self._waiting:
                _fail(self._waiting.pop(key), failure.value)

    def on_answer_error(self, failure: Failure, response: Response | Failure) -> None:
        """Tell the site that waits that its answer cannot be made sense of: nobody waits for ever."""
        meta = (response if isinstance(response, Response) else response.request).meta  # type: ignore[attr-defined]
        errand: _Errand | None = meta.get("errand")
        if errand is None:
            _fail(meta["answered"], failure.value)
        elif errand.key in self._waiting:
            _fail(self._waiting.pop(errand.key), failure.value)

    @property
    def _archive_url(self) -> str:
        return str(self.settings["POLICY_ARCHIVE_URL"])


@dataclass(frozen=True, kw_only=True)
class _Errand:
    """A capture on its way: what is wanted, and what was asked for it so far."""

    document: Document
    row: CdxRow
    asked: tuple[str, ...]
    requests: int = 0
    """Sent for it before the one under way."""

    @property
    def key(self) -> str:
        return self.row.id_in(self.document.id)


def _outcome_of(error: BaseException | None) -> Outcome:
    if isinstance(error, DownloadCancelledError):  # over the limit of size
        return Outcome.TOO_LARGE
    return Outcome.OFF_ARCHIVE if isinstance(error, IgnoreRequest) else Outcome.ARCHIVE_ERROR


def _describe(failure: Failure) -> str:
    words = " ".join(str(failure.value).split())
    return (words or type(failure.value).__name__)[:300]


_Result = TypeVar("_Result")


def _settle(future: asyncio.Future[_Result], result: _Result) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: asyncio.Future[Any], error: BaseException | None) -> None:
    if not future.done():
        future.set_exception(error or PolicyArchiveError("failed without a reason"))


def parse_arguments(
    crawler: Crawler,
    *,
    site: str = "",
    db: str | None = None,
    kind: str = "privacy",
    plan: str = PlanName.CHANGES,
    **rest: str,
) -> FetchOptions:
    """Return the options that `scrapy crawl policy -a …` means; `from` and `to` are taken too.

    Raises UsageError if they cannot be meant.
    """
    since, until = parse_span(rest.pop("from", None), rest.pop("to", None))
    if rest:
        raise UsageError(f"'{next(iter(rest))}' is no argument: site, db, kind, plan, from and to are.")
    if not site:
        raise UsageError("Nothing to do: name a site with -a site=example.com.")
    return FetchOptions(
        targets=tuple(build_target(text) for text in site.split(",")),
        kinds=parse_kinds(_check_choice(name, (*KINDS, "all")) for name in kind.split(",")),
        database=Path(db or DEFAULT_DATABASE),
        plan=PlanOptions(
            plan=PlanName(_check_choice(plan, [name.value for name in PlanName])), since=since, until=until
        ),
        archive_url=crawler.settings["POLICY_ARCHIVE_URL"],
    )


def _check_choice(name: str, choices: Collection[str]) -> str:
    if name not in choices:
        raise UsageError(f"'{name}' is none of {', '.join(choices)}.")
    return name
