"""Processes that read bodies under limits of time and memory, and may die without hurting anyone.

concurrent.futures' process pool cannot kill one task, and one dead process breaks it whole; here each
process serves one thread of the parent, which kills and replaces it. Pages are hostile: a parser that
hangs, aborts or eats memory costs its own capture and nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import resource
import signal
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from multiprocessing import current_process, get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from policy_archive.crawler.core.errors import ExtractionError
from policy_archive.crawler.core.records import Document, HomePage, Outcome, Reading
from policy_archive.crawler.core.vocabularies import PageClass
from policy_archive.pipelines.extract.body.ways import OTHER_WAYS, Way

TIMEOUT_SECONDS = 30.0
"""CPU time of one task. Hostile pages of 20 MB take over 60 s, real ones 0.05 s (facts of 2026-11)."""
MEMORY_BYTES = 1 << 30
_WALL_PER_CPU = 3
"""A task may wait this many times its CPU limit: machines are shared, but a sleeping parser must die."""
_TASKS_PER_PROCESS = 500
"""Then a process is replaced, so that whatever a parser leaks is given back."""
_NO_ROOM = 71  # EX_OSERR
"""A process exits with it when not even the task fits into its memory."""
_PARENT_GRACE_SECONDS = 5.0
_LONGEST_LEAD = 8
"""Tasks by which the process that knows a document may have more to do than the idlest."""
_MOST_PLACES = 1_000
"""Documents of which it is kept in mind who reads them."""
_MOST_TRIES = 2
"""A page that kills its reader is read once more: something else may have been the cause."""
_MOST_TRIES_WHEN_KILLED = 6
"""No page sends SIGKILL or SIGTERM: the machine or its owner did, and the next process may be spared."""

_Result = TypeVar("_Result")
_Item = TypeVar("_Item")


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one task may use."""

    timeout_seconds: float = TIMEOUT_SECONDS
    memory_bytes: int = MEMORY_BYTES
    tasks_per_process: int = _TASKS_PER_PROCESS

    @property
    def wall_seconds(self) -> float:
        return self.timeout_seconds * _WALL_PER_CPU


@dataclass(frozen=True, kw_only=True)
class Done(Generic[_Item, _Result]):
    """One item of `ReadingPool.map` and what came of it: a result, or the error that took its place."""

    item: _Item
    result: _Result | None = None
    error: ExtractionError | None = None


class ReaderDiedError(ExtractionError):
    """The process died over a task, or none could be had; `most_tries` says how often it is worth trying."""

    def __init__(self, message: str, *, outcome: str, most_tries: int = _MOST_TRIES) -> None:
        super().__init__(message, outcome=outcome)
        self.most_tries = most_tries


class ReadingPool:
    """Up to `processes` processes, started when needed; usable from threads, asyncio and plain code."""

    def __init__(
        self,
        processes: int | None = None,
        *,
        timeout_seconds: float = TIMEOUT_SECONDS,
        memory_bytes: int = MEMORY_BYTES,
        tasks_per_process: int = _TASKS_PER_PROCESS,
    ) -> None:
        self.processes = processes or os.cpu_count() or 1
        limits = Limits(
            timeout_seconds=timeout_seconds, memory_bytes=memory_bytes, tasks_per_process=tasks_per_process
        )
        self._workers = [_Worker(limits) for _ in range(self.processes)]
        self._lines = [
            ThreadPoolExecutor(1, thread_name_prefix=f"reading-{place}") for place in range(self.processes)
        ]
        """A line before each process: a document's captures go where its pages are known."""
        self._waiting = [0] * self.processes
        self._places: OrderedDict[Hashable, int] = OrderedDict()
        self._lock = Lock()

    async def read(
        self,
        body: bytes,
        *,
        document: Document,
        url: str,
        timestamp: str,
        content_type: str | None,
        home: HomePage | None = None,
    ) -> Reading:
        """Return what a body turned out to be; a process that dies over it is an outcome, never an error."""
        future = self.submit_beside(
            document,
            _read_body,
            body,
            document=document,
            url=url,
            timestamp=timestamp,
            content_type=content_type,
            home=home,
        )
        return await _awaited(future)

    async def read_again(self, arguments: Mapping[str, Any]) -> dict[Way, Reading]:
        """Return what a body turns out to be by each of the other ways; `arguments` are those of `read`."""
        document = arguments["document"]
        futures = {way: self.submit_beside(document, _read_body, **arguments, way=way) for way in OTHER_WAYS}
        return {way: await _awaited(future) for way, future in futures.items()}

    async def read_with_home(self, reading: Reading, document: Document, home: HomePage) -> Reading:
        """Return what `read` gives with a home page, given the reading without one."""
        if reading.verdict is None or reading.verdict.page_class is not PageClass.POLICY:
            return reading
        return await _awaited(self.submit(_read_with_home, reading, document, home))

    @property
    def has_begun(self) -> bool:
        """Whether a process is there that another task would not have to wait for."""
        return any(worker.is_there for worker in self._workers)

    async def run_aside(self, key: Hashable, function: Callable[..., _Result], *args: Any) -> _Result:
        """Return what `run` does, in the process that had the tasks of this key so far; raises the same."""
        return await asyncio.wrap_future(self.submit_beside(key, function, *args))

    def run(self, function: Callable[..., _Result], *args: Any, **kwargs: Any) -> _Result:
        """Return what a function gives in a process of its own; it and its arguments must pickle.

        Raises ExtractionError: `extractor-timeout`, `extractor-memory`, `extractor-crash` when the process
        had to be replaced, what the function itself raised of that class, or `extraction-failed`
        for any other exception.
        """
        return self.submit(function, *args, **kwargs).result()

    def submit(self, function: Callable[..., _Result], *args: Any, **kwargs: Any) -> Future[_Result]:
        """Return the future of `run`, in the process that has the least to do."""
        with self._lock:
            place = self._idlest()
            self._waiting[place] += 1
        return self._lines[place].submit(self._serve, place, function, args, kwargs)

    def submit_beside(
        self, key: Hashable, function: Callable[..., _Result], /, *args: Any, **kwargs: Any
    ) -> Future[_Result]:
        """Return the future of `run`, in the process that had the tasks of this key so far.

        The captures of a document repeat each other, and a process remembers what it has read. Another one
        takes over, for good, when so much stands before that process that waiting would cost more.
        """
        with self._lock:
            place = self._places.get(key)
            idlest = self._idlest()
            if place is None or self._waiting[place] - self._waiting[idlest] > _LONGEST_LEAD:
                place = idlest
            self._places[key] = place
            self._places.move_to_end(key)
            if len(self._places) > _MOST_PLACES:
                self._places.popitem(last=False)
            self._waiting[place] += 1
        return self._lines[place].submit(self._serve, place, function, args, kwargs)

    def _idlest(self) -> int:
        """Return the process with the fewest tasks; of several the one with the fewest documents."""
        if self.processes == 1:
            return 0
        known = Counter(self._places.values())
        return min(range(self.processes), key=lambda place: (self._waiting[place], known[place]))

    def map(
        self,
        function: Callable[..., _Result],
        items: Iterable[_Item],
        *,
        key: Callable[[_Item], Hashable] | None = None,
    ) -> Iterator[Done[_Item, _Result]]:
        """Yield every item with its result, as they come; few are in flight, so any number can be given.

        Items of one `key` go to one process, as in `submit_beside`.
        """
        pending: dict[Future[_Result], _Item] = {}
        for item in items:
            future = (
                self.submit(function, item) if key is None else self.submit_beside(key(item), function, item)
            )
            pending[future] = item
            if len(pending) >= 2 * self.processes:
                yield from _collect(pending)
        while pending:
            yield from _collect(pending)

    def _serve(
        self, place: int, function: Callable[..., _Result], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> _Result:
        """Return the result; an accident is no fact about the page, so the task gets another process."""
        tries = 0
        try:
            while True:
                tries += 1
                try:
                    result: _Result = self._workers[place].run(function, args, kwargs)
                    return result
                except ReaderDiedError as error:
                    if tries >= error.most_tries:
                        raise ExtractionError(f"{error}, {tries} times", outcome=error.outcome) from error
        finally:
            with self._lock:
                self._waiting[place] -= 1

    def shutdown(self) -> None:
        """End every process, also in the middle of a task."""
        for line in self._lines:
            line.shutdown(wait=False, cancel_futures=True)
        for worker in self._workers:
            worker.close()

    async def close(self) -> None:
        """Do what `shutdown` does; awaitable, for those who live in an event loop."""
        self.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown()


async def _awaited(future: Future[Reading]) -> Reading:
    try:
        return await asyncio.wrap_future(future)
    except ExtractionError as error:
        return Reading(outcome=Outcome(error.outcome), reason=str(error))


def _read_body(body: bytes, **facts: Any) -> Reading:
    """Return what `read_body` does; only the child loads the extractors and models behind it."""
    from policy_archive.pipelines.reading.read import read_body

    return read_body(body, **facts)


def _read_with_home(reading: Reading, document: Document, home: HomePage) -> Reading:
    from policy_archive.pipelines.reading.read import read_with_home

    return read_with_home(reading, document, home)


def _collect(pending: dict[Future[_Result], _Item]) -> Iterator[Done[_Item, _Result]]:
    done, _ = wait(pending, return_when=FIRST_COMPLETED)
    for future in done:
        item = pending.pop(future)
        try:
            yield Done(item=item, result=future.result())
        except ExtractionError as error:
            yield Done(item=item, error=error)


@dataclass(frozen=True, kw_only=True)
class _Answer:
    """What the child sends back: a result, or an error in parts, since errors do not pickle well."""

    result: Any = None
    outcome: str | None = None
    message: str = ""


class _Worker:
    """The parent's side of one process: starts it, asks it, kills it, buries it."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._process: BaseProcess | None = None
        self._connection: Connection | None = None
        self._tasks = 0
        self._closed = False

    @property
    def is_there(self) -> bool:
        return self._process is not None

    def run(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return the function's result; raises ExtractionError as `ReadingPool.run` says."""
        try:
            connection = self._start()
        except (EOFError, OSError) as broken:  # no memory, no process to be had, the fork server is gone
            message = f"no reading process could be started: {broken or type(broken).__name__}"
            raise ReaderDiedError(message, outcome=Outcome.EXTRACTOR_CRASH) from broken
        try:
            connection.send((function, args, kwargs))
            if not connection.poll(self._limits.wall_seconds + _PARENT_GRACE_SECONDS):
                raise self._bury(killed=True)
            answer: _Answer = connection.recv()
        except (EOFError, OSError) as broken:
            raise self._bury(killed=False) from broken
        self._tasks += 1
        if self._tasks >= self._limits.tasks_per_process or answer.outcome == Outcome.EXTRACTOR_MEMORY:
            self._stop()
        if answer.outcome == Outcome.EXTRACTOR_MEMORY:
            raise ReaderDiedError(answer.message, outcome=answer.outcome)
        if answer.outcome is not None:
            raise ExtractionError(answer.message, outcome=answer.outcome)
        return answer.result

    def _start(self) -> Connection:
        if self._closed:
            raise ExtractionError("the pool is closed", outcome=Outcome.EXTRACTOR_CRASH)
        if self._connection is not None and self._process is not None and self._process.is_alive():
            return self._connection
        self._stop()
        context = get_context("forkserver")
        # loaded once, in the server that processes are forked from
        context.set_forkserver_preload(["policy_archive.pipelines.reading.warmup"])
        ours, theirs = context.Pipe()
        # Daemons of multiprocessing, as workers of Dask are, may have no children: theirs would outlive them.
        # Ours do not: they end with their connection, and by the clock.
        if current_process().daemon:
            current_process().daemon = False
        self._process = context.Process(target=_serve_tasks, args=(theirs, self._limits), daemon=True)
        try:
            self._process.start()
        except (EOFError, OSError):
            ours.close()
            self._process = None
            raise
        finally:
            theirs.close()
        self._connection, self._tasks = ours, 0
        if self._closed:  # meanwhile: `close` has found no process that could be ended
            self._bury(killed=True)
            raise ExtractionError("the pool is closed", outcome=Outcome.EXTRACTOR_CRASH)
        return ours

    def _bury(self, *, killed: bool) -> ReaderDiedError:
        """Return why the process is gone; the next task gets a new one."""
        process = self._process
        if killed and process is not None:
            process.kill()
        if process is not None:
            process.join(_PARENT_GRACE_SECONDS)
        code = process.exitcode if process is not None else None
        self._stop()
        return _death(code, killed=killed, limits=self._limits)

    def _stop(self) -> None:
        """Let an idle process go: it ends when its connection does."""
        if self._connection is not None:
            self._connection.close()
        if self._process is not None:
            self._process.join(_PARENT_GRACE_SECONDS)
            if self._process.is_alive():
                self._process.kill()
        self._process = self._connection = None

    def close(self) -> None:
        """End the process for good; the thread that waits for it gets the end of the connection."""
        self._closed = True
        process = self._process
        if process is not None:
            # AttributeError, AssertionError: of a process that is being started; who starts it ends it
            with contextlib.suppress(ValueError, OSError, AttributeError, AssertionError):
                process.kill()
                process.join(_PARENT_GRACE_SECONDS)


def _death(code: int | None, *, killed: bool, limits: Limits) -> ReaderDiedError:
    if killed or code in (-signal.SIGXCPU, -signal.SIGALRM):
        message = f"not done after {limits.timeout_seconds:g} s"
        return ReaderDiedError(message, outcome=Outcome.EXTRACTOR_TIMEOUT)
    if code == _NO_ROOM:
        return ReaderDiedError("out of memory", outcome=Outcome.EXTRACTOR_MEMORY)
    message = f"the reading process died (exit status {code})"
    from_outside = code in (None, -signal.SIGKILL, -signal.SIGTERM)
    most_tries = _MOST_TRIES_WHEN_KILLED if from_outside else _MOST_TRIES
    return ReaderDiedError(message, outcome=Outcome.EXTRACTOR_CRASH, most_tries=most_tries)


def _serve_tasks(connection: Connection, limits: Limits) -> None:
    """Answer tasks until the parent closes the connection or dies. Runs in the child."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _limit_memory(limits.memory_bytes)
    # a connection that breaks off means that nobody waits for an answer any more
    with contextlib.suppress(EOFError, OSError):
        while True:
            try:
                function, args, kwargs = connection.recv()
            except MemoryError:  # the rest of the message stands in the pipe: nothing can be answered
                os._exit(_NO_ROOM)
            _limit_time(limits)
            connection.send(_answer(function, args, kwargs))
            signal.setitimer(signal.ITIMER_REAL, 0)


def _answer(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Answer:
    try:
        return _Answer(result=function(*args, **kwargs))
    except ExtractionError as error:
        return _Answer(outcome=error.outcome, message=str(error))
    except MemoryError:
        return _Answer(outcome=Outcome.EXTRACTOR_MEMORY, message="out of memory")
    except Exception as error:  # whatever a page makes a parser raise is that page's outcome
        message = f"{type(error).__name__}: {error}"[:300]
        return _Answer(outcome=Outcome.EXTRACTION_FAILED, message=message)


def _limit_time(limits: Limits) -> None:
    """Have the kernel end this process: by CPU time, and by the clock also if the parent is gone."""
    used = time.process_time()
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(used + limits.timeout_seconds), hard))
    signal.setitimer(signal.ITIMER_REAL, limits.wall_seconds)


def _limit_memory(memory_bytes: int) -> None:
    """Limit address space so that resident memory cannot pass `memory_bytes`; Linux only.

    Libraries reserve far more addresses than they use, so what is reserved already does not count.
    """
    try:
        reserved, resident = (int(pages) for pages in Path("/proc/self/statm").read_text().split()[:2])
    except OSError:
        return
    page = resource.getpagesize()
    limit = max(reserved * page + memory_bytes - resident * page, reserved * page)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
