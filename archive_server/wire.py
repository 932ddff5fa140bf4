"""HTTP/1.1 on the wire: requests parsed by httptools, answers written byte by byte.

Written here and not left to a server library because the archive's faults
(cut bodies, doubled headers, broken framing, resets) are what such a library prevents.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus

from httptools import HttpParserError, HttpRequestParser

from policy_archive.archive_server.answers import Answer, Request

_IDLE_SECONDS = 120


class _Collector:
    """What httptools calls while it reads; finished requests pile up in `requests`."""

    def __init__(self, peer: str, connection: int) -> None:
        self.peer = peer
        self.connection = connection
        self.requests: list[Request] = []
        self.parser = HttpRequestParser(self)

    def on_message_begin(self) -> None:
        self._target = b""
        self._headers: dict[str, str] = {}

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_message_complete(self) -> None:
        self.requests.append(
            Request(
                method=self.parser.get_method().decode(),
                target=self._target.decode("utf-8", "replace"),
                headers=self._headers,
                peer=self.peer,
                connection=self.connection,
                monotonic=time.monotonic(),
            )
        )


class Wire:
    """One listening socket; every request goes to `respond`, every answer back in order."""

    def __init__(self, respond: Callable[[Request], Answer]) -> None:
        self._respond = respond
        self._connections = 0
        self._server: asyncio.Server | None = None
        self._address = ("127.0.0.1", 0)
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def listen(self, host: str, port: int) -> int:
        """Start listening; return the port."""
        self._server = await asyncio.start_server(self._serve, host, port, backlog=512)
        port = self._server.sockets[0].getsockname()[1]
        self._address = (host, port)
        return port

    async def close(self) -> None:
        """Stop listening and drop every connection."""
        self._stop_listening()
        # A connection that was accepted at this very moment is a task of the loop's own for some turns
        # before it is one of ours: ended before that, it would stay open.
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            for writer in list(self._open):
                _reset(writer)
            for task in list(self._tasks):
                task.cancel()
            await asyncio.wait(others, timeout=0.01)

    def _stop_listening(self) -> None:
        if self._server:
            self._server.close()
            self._server = None
        for writer in list(self._open):
            _reset(writer)

    async def _refuse_for(self, seconds: float) -> None:
        """Let connections be refused for a while, as a firewall block looks from outside."""
        if self._server is None:
            return
        self._stop_listening()
        await asyncio.sleep(seconds)
        await self.listen(*self._address)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._open.add(writer)
        self._connections += 1
        collector = _Collector(writer.get_extra_info("peername")[0], self._connections)
        try:
            with suppress(ConnectionError, TimeoutError, asyncio.CancelledError, HttpParserError):
                await self._answer_all(reader, writer, collector)
        finally:
            self._open.discard(writer)
            self._tasks.discard(task)
            writer.close()

    async def _answer_all(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, collector: _Collector
    ) -> None:
        while data := await asyncio.wait_for(reader.read(65536), _IDLE_SECONDS):
            collector.parser.feed_data(data)
            while collector.requests:
                request = collector.requests.pop(0)
                if not await self._deliver(request, self._respond(request), writer):
                    return

    async def _deliver(self, request: Request, answer: Answer, writer: asyncio.StreamWriter) -> bool:
        """Send one answer; return whether the connection may be used again."""
        if answer.delay_seconds:
            await asyncio.sleep(answer.delay_seconds)
        if answer.refuse_seconds:
            task = asyncio.create_task(self._refuse_for(answer.refuse_seconds))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return False
        if answer.reset:
            _reset(writer)
            return False
        writer.write(encode_answer(answer, head_only=request.method == "HEAD"))
        await writer.drain()
        last = answer.cut_at is not None or answer.framing == "close"
        return not last and request.headers.get("connection", "").lower() != "close"


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with a TCP reset, not with a polite FIN."""
    connection = writer.get_extra_info("socket")
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def encode_answer(answer: Answer, *, head_only: bool = False) -> bytes:
    """Return the answer's bytes, cut where it is to be cut."""
    reason = answer.reason or _reason_of(answer.status)
    lines = [f"HTTP/1.1 {answer.status} {reason}"]
    lines += [f"{name}: {value}" for name, value in answer.headers]
    body = answer.body
    if answer.framing == "length":
        lines.append(f"content-length: {len(body)}")
    elif answer.framing == "chunked":
        lines.append("transfer-encoding: chunked")
    else:
        lines.append("connection: close")
    head = "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape")
    if head_only:
        return head
    return head + _frame(answer, body[: answer.cut_at])


def _frame(answer: Answer, body: bytes) -> bytes:
    if answer.framing != "chunked":
        return body
    end = b"" if answer.cut_at is not None else b"0\r\n\r\n"
    return b"%x\r\n%b\r\n" % (len(body), body) + end if body else end


def _reason_of(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
