"""The client of one archive: what is wanted of it becomes requests, and their answers what is awaited.

It hands its requests out through a queue and sends none itself: Scrapy does, with our middlewares around it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

from scrapy import Request
from scrapy.exceptions import DownloadCancelledError, IgnoreRequest
from scrapy.http import Response
from twisted.python.failure import Failure

from policy_archive.crawler.archive.cdx import MOST_ROWS, Dialect, IndexPage, IndexQuery, IndexReader
from policy_archive.crawler.archive.content_coding import (
    MAX_BODY_BYTES,
    CodingError,
    split_codings,
    unwrap_body,
)
from policy_archive.crawler.archive.middlewares import read_response
from policy_archive.crawler.archive.rate_gate import Budget
from policy_archive.crawler.archive.replay import (
    Answer,
    Nearest,
    Question,
    Replayed,
    classify_answer,
    classify_nearest,
    first_capture,
)
from policy_archive.crawler.core.errors import CdxError, PolicyArchiveError, RateLimitedError
from policy_archive.crawler.core.failpoints import point
from policy_archive.crawler.core.records import (
    Capture,
    CdxRow,
    Document,
    Kind,
    Outcome,
    PlannedCapture,
    ReadCapture,
)
from policy_archive.crawler.core.timestamps import utc_now
from policy_archive.crawler.core.urlkeys import urlkey
from policy_archive.crawler.core.urls import build_uri_m

INDEX_MAX_BYTES = 128 * 1024 * 1024
MOST_FIRSTS = 1024
"""First captures that are kept in mind: of far more home pages than are looked for at once."""


class RequestQueue(Protocol):
    """Where requests wait for their turn; `policy_archive.crawler.crawl.frontier.FairQueue` is one."""

    def put(self, site: str, budget: Budget, request: Request, /) -> None:
        """Add a request behind those of its site."""
        ...

    def done(self, budget: Budget, /) -> None:
        """Note that a request that was handed out is settled."""
        ...


class ArchiveClient:
    """Index and replay of one archive, as coroutines; every answer or failure ends what waits for it."""

    def __init__(
        self,
        *,
        archive_url: str,
        dialects: tuple[Dialect, ...],
        queue: RequestQueue,
        tell_problem: Callable[[str], None],
        most_rows: int = MOST_ROWS,
        leads_to_nearest: bool = True,
    ) -> None:
        """Ask the archive at `archive_url` in one of `dialects`, tried in order.

        `tell_problem` gets a sentence for people when an answer is not whole;
        `most_rows` of one answer are read. `leads_to_nearest`: replay of any instant leads to the
        capture nearest to it, as far as is known.
        """
        self.archive_url = archive_url
        self.index_seconds: list[float] = []
        """How long each answer of the index took, the wait for its turn aside."""
        self._dialects = dialects
        self._dialect_lock = asyncio.Lock()
        self._waiting: dict[str, asyncio.Future[ReadCapture]] = {}
        self._queue = queue
        self._tell_problem = tell_problem
        self._most_rows = most_rows
        self._leads_to_nearest = leads_to_nearest
        self._firsts: dict[str, Nearest] = {}
        """Urlkey → the first capture of a home page, as one of its captures named it."""

    # The index

    async def iter_pages(self, site: str, query: IndexQuery) -> AsyncGenerator[IndexPage, None]:
        """Yield the pages of the index's answer."""
        reader, page = await self._open(site, query)
        yield page
        while reader.next_url is not None:
            yield await self._read_page(site, reader)
        if reader.stopped:
            self._tell_problem(f"{query.url}: {reader.stopped}")

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
            archive_url=self.archive_url, query=query, dialect=dialect, most_rows=self._most_rows
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
        return await asyncio.to_thread(reader.read, *await self._ask_index(site, url))

    async def _ask_index(self, site: str, url: str) -> tuple[int, bytes]:
        """Return status and plain body of the index's answer."""
        answered: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        request = self._build_request(url, Budget.INDEX, answered=answered)
        # Not engine.download_async, though rows are no items: only the queue gives every site its turn, holds
        # back what is more than the index may have in flight, and is emptied in one place when a run stops.
        request = request.replace(callback=self.on_index, errback=self.on_index_failure)
        self._queue.put(site, Budget.INDEX, request)
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
        if (seconds := response.meta.get("download_latency")) is not None:
            self.index_seconds.append(seconds)
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

    @property
    def has_nearest(self) -> bool:
        """Whether `find_nearest` may be asked: a pywb serves the nearest capture itself, if any at all."""
        return self._leads_to_nearest and self._dialects[0] is Dialect.WAYBACK

    async def find_nearest(self, site: str, url: str, timestamp: str) -> Nearest:
        """Return which capture of a page replay has nearest to an instant (14 digits): one request.

        None for an instant before the first capture, where one of a home page has named that.

        Raises RateLimitedError when the run has to end; any other failure is an outcome.
        """
        first = self._firsts.get(urlkey(url))
        if first is not None and first.timestamp is not None and timestamp <= first.timestamp:
            return first
        answered: asyncio.Future[Nearest] = asyncio.get_running_loop().create_future()
        request = self._build_request(
            build_uri_m(self.archive_url, timestamp, url), Budget.REPLAY, answered=answered, page=url
        )
        request = request.replace(callback=self.on_nearest, errback=self.on_nearest_failure)
        self._queue.put(site, Budget.REPLAY, request)
        return await answered

    async def on_nearest(self, response: Response) -> None:
        """Tell the site that waits which capture the archive has nearest."""
        self._queue.done(Budget.REPLAY)
        answer, page = read_response(response), response.meta["page"]
        found = await asyncio.to_thread(classify_nearest, answer, page, self.archive_url)
        point("after-look")
        _settle(response.meta["answered"], found)

    def on_nearest_failure(self, failure: Failure) -> None:
        """Tell the site that waits that replay did not say."""
        self._queue.done(Budget.REPLAY)
        request: Request = failure.request  # type: ignore[attr-defined]
        if isinstance(failure.value, RateLimitedError):
            _fail(request.meta["answered"], failure.value)
        else:
            reason = _describe(failure)
            _settle(request.meta["answered"], Nearest(outcome=Outcome.ARCHIVE_ERROR, reason=reason))

    async def fetch_capture(self, document: Document, planned: PlannedCapture) -> ReadCapture:
        """Return one capture, read and stored."""
        settled: asyncio.Future[ReadCapture] = asyncio.get_running_loop().create_future()
        self._waiting[planned.row.id_in(document.id)] = settled
        url = build_uri_m(self.archive_url, planned.row.timestamp, planned.row.original)
        self._ask_replay(_ReplayTask(document=document, row=planned.row, asked=(url,)))
        return await settled

    def _ask_replay(self, task: _ReplayTask) -> None:
        request = self._build_request(task.asked[-1], Budget.REPLAY, task=task)
        request = request.replace(callback=self.on_replay, errback=self.on_replay_failure)
        self._queue.put(task.document.site, Budget.REPLAY, request)

    async def on_replay(self, response: Response) -> AsyncGenerator[Capture, None]:
        """Yield the capture that the answer is, or go on to the one that the archive points to."""
        self._queue.done(Budget.REPLAY)
        task: _ReplayTask = response.meta["task"]
        task = replace(task, requests=task.requests + response.meta["requests"])
        question = Question(
            row=task.row, archive_url=self.archive_url, dialect=self._dialects[0], asked=task.asked
        )
        # not in the event loop: undoing codings of 20 MB four times over takes seconds
        answer = read_response(response)
        replayed = await asyncio.to_thread(_classify, answer, question)
        if task.document.kind is Kind.HOME and replayed.outcome is None:
            self._note_first(answer, task.row)
        if replayed.follow:
            self._ask_replay(replace(task, asked=(*task.asked, replayed.follow)))
        else:
            point("after-fetch")
            yield self._build_capture(task, replayed, response.meta.get("download_latency"))

    def _note_first(self, answer: Answer, row: CdxRow) -> None:
        first = first_capture(answer, row.original, self.archive_url)
        if first is not None:
            self._firsts[row.urlkey] = first
        while len(self._firsts) > MOST_FIRSTS:
            self._firsts.pop(next(iter(self._firsts)))

    def on_replay_failure(self, failure: Failure) -> Iterator[Capture]:
        """Yield the capture as one that could not be had; nothing when the run has to end."""
        self._queue.done(Budget.REPLAY)
        request: Request = failure.request  # type: ignore[attr-defined]
        task: _ReplayTask = request.meta["task"]
        error = failure.value
        if isinstance(error, RateLimitedError):
            _fail(self._waiting.pop(task.key), error)
            return
        replayed = Replayed(outcome=_outcome_of(error), reason=_describe(failure))
        requests = task.requests + request.meta.get("requests", 0)
        yield self._build_capture(replace(task, requests=requests), replayed, None)

    def _build_capture(self, task: _ReplayTask, replayed: Replayed, seconds: float | None) -> Capture:
        facts = {name: value for name, value in vars(replayed).items() if name != "follow"}
        return Capture(
            document=task.document,
            row=task.row,
            replay_url=task.asked[-1],
            fetched_at=utc_now(),
            elapsed_seconds=seconds,
            requests=task.requests,
            **facts,
        )

    def settle(self, item: ReadCapture) -> None:
        """Tell who waits that a capture is stored."""
        key = item.capture.row.id_in(item.capture.document.id)
        if key in self._waiting:
            _settle(self._waiting.pop(key), item)

    def fail(self, capture: Capture, error: BaseException | None) -> None:
        """Tell who waits that a capture could not be read or stored."""
        key = capture.row.id_in(capture.document.id)
        if key in self._waiting:
            _fail(self._waiting.pop(key), error)

    def fail_answer(self, failure: Failure, response: Response | Failure) -> None:
        """Tell who waits that an answer cannot be made sense of: nobody waits for ever."""
        meta = (response if isinstance(response, Response) else response.request).meta  # type: ignore[attr-defined]
        task: _ReplayTask | None = meta.get("task")
        if task is None:
            _fail(meta["answered"], failure.value)
        elif task.key in self._waiting:
            _fail(self._waiting.pop(task.key), failure.value)


@dataclass(frozen=True, kw_only=True)
class _ReplayTask:
    """A capture on its way: what is wanted, and what was asked for it so far."""

    document: Document
    row: CdxRow
    asked: tuple[str, ...]
    requests: int = 0
    """Sent for it before the one under way."""

    @property
    def key(self) -> str:
        return self.row.id_in(self.document.id)


def _classify(answer: Answer, question: Question) -> Replayed:
    """Return what an answer is; one that breaks our reading of it costs its own capture, not its site."""
    try:
        return classify_answer(answer, question)
    except Exception as error:
        reason = f"the answer cannot be made sense of: {type(error).__name__}: {error}"[:300]
        return Replayed(outcome=Outcome.ARCHIVE_ERROR, reason=reason)


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
