"""The archive as a context manager: `with ArchiveServer(warcs, faults=[...]) as archive: archive.url`."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import TracebackType

from policy_archive.archive_server.answers import Answer, Request, build_text
from policy_archive.archive_server.captures import CaptureSource
from policy_archive.archive_server.cdx import EditPage, answer_index
from policy_archive.archive_server.faults.base import Fault, edit_with, wrap
from policy_archive.archive_server.index import Index
from policy_archive.archive_server.log import LogEntry
from policy_archive.archive_server.replay import answer_replay, answer_timemap
from policy_archive.archive_server.warc import WarcSource
from policy_archive.archive_server.wire import Wire
from policy_archive.crawler.core.errors import UsageError
from policy_archive.crawler.core.hosts import why_refused


class Archive:
    """The archive without a network: a request in, an answer out."""

    def __init__(
        self, source: CaptureSource, faults: Iterable[Fault] = (), *, index: Index | None = None
    ) -> None:
        self.source = source
        self.index = index or Index(source.iter_rows())
        self.faults: tuple[Fault, ...] = tuple(faults)

    def respond(self, request: Request) -> Answer:
        """Return the answer, as the faults that strike this request make it; the first named is outermost."""
        striking = [fault for fault in self.faults if fault.strikes(request)]
        return wrap(striking, partial(self._answer, edit_page=edit_with(striking)))(request)

    def _answer(self, request: Request, edit_page: EditPage) -> Answer:
        if not request.headers.get("user-agent"):
            return build_text(400, "Bad Request: a User-Agent is required\n", "text/plain")
        if request.method not in ("GET", "HEAD"):
            return build_text(405, "Method Not Allowed\n", "text/plain")
        if request.path.startswith("/web/timemap/link/"):
            return answer_timemap(request, self.index)
        if request.kind == "index":
            return answer_index(request, self.index, edit_page)
        return answer_replay(request, self.index, self.source)


class ArchiveServer:
    """Serves WARC files, or any other source of captures, on 127.0.0.1 from a thread of its own.

    `faults` may be replaced while it runs. Requests are in `log`, oldest first,
    as they were answered.
    """

    def __init__(
        self,
        warc_paths: Iterable[Path] = (),
        *,
        source: CaptureSource | None = None,
        index: Index | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        faults: Iterable[Fault] = (),
        on_request: Callable[[LogEntry], None] | None = None,
        allowed_hosts: Collection[str] | None = None,
    ) -> None:
        self.archive = Archive(source or WarcSource(warc_paths), faults, index=index)
        self.log: list[LogEntry] = []
        self._host, self._port = host, port
        self._on_request = on_request
        self._allowed_hosts = allowed_hosts
        self._loop = asyncio.new_event_loop()
        self._wire = Wire(self._respond)
        self._thread = threading.Thread(target=self._loop.run_forever, name="archive-server", daemon=True)

    @property
    def url(self) -> str:
        """Base address, for `--archive`; known once the server runs."""
        return f"http://{self._host}:{self._port}"

    @property
    def left_out(self) -> int:
        """How many records of the WARC files cannot be served."""
        return getattr(self.archive.source, "left_out", 0)

    @property
    def faults(self) -> Sequence[Fault]:
        """What goes wrong."""
        return self.archive.faults

    @faults.setter
    def faults(self, faults: Iterable[Fault]) -> None:
        self.archive.faults = tuple(faults)

    def __enter__(self) -> ArchiveServer:
        self._thread.start()
        listening = self._wire.listen(self._host, self._port)
        try:
            self._port = asyncio.run_coroutine_threadsafe(listening, self._loop).result(timeout=10)
        except OSError as error:
            where = f"{self._host}:{self._port}"
            raise UsageError(f"{where} cannot be used ({error.strerror}): choose another --port.") from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._wire.close(), self._loop).result(timeout=10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()

    def _respond(self, request: Request) -> Answer:
        reason = "" if self._allowed_hosts is None else why_refused(request.headers, self._allowed_hosts)
        answer = build_text(403, reason, "text/plain") if reason else self.archive.respond(request)
        entry = LogEntry(
            monotonic=request.monotonic,
            at=datetime.now(UTC),
            kind=request.kind,
            path=request.target,
            status=0 if answer.reset or answer.refuse_seconds else answer.status,
            connection=request.connection,
            peer=request.peer,
            user_agent=request.headers.get("user-agent", ""),
        )
        self.log.append(entry)
        if self._on_request:
            self._on_request(entry)
        return answer
