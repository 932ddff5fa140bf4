"""The answer comes, but not whole, not as labelled, or not to be unpacked."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import brotlicffi
import zstandard

from policy_archive.archive_server.answers import Answer, Request
from policy_archive.archive_server.faults.base import Fault, Proceed, When, replay


@dataclass(kw_only=True)
class Truncated(Fault):
    """Part of the body is sent, then the connection closes.

    `how` says what the client could tell it by: `length` (Content-Length
    promises more), `chunked` (no last chunk), `close` (nothing but
    x-archive-orig-content-length), `silent` (a Content-Length that fits what is sent).
    """

    share: float = 0.5
    how: str = "length"

    def answer(self, request: Request, proceed: Proceed) -> Answer:
        answer = proceed(request)
        cut_at = int(len(answer.body) * self.share)
        if self.how == "silent":
            return replace(answer, body=answer.body[:cut_at])
        return replace(answer, cut_at=cut_at, framing=self.how)


@dataclass(kw_only=True)
class Disconnect(Fault):
    """The connection closes after so many bytes of the body, 0: right after the headers."""

    at_byte: int = 0

    def answer(self, request: Request, proceed: Proceed) -> Answer:
        return replace(proceed(request), cut_at=self.at_byte)


@dataclass(kw_only=True)
class Gzip(Fault):
    """Packed for transport and labelled so: no fault, but what the archive does for who accepts it."""

    def answer(self, request: Request, proceed: Proceed) -> Answer:
        answer = proceed(request)
        if "gzip" not in request.headers.get("accept-encoding", ""):
            return answer
        return _relabel(answer, gzip.compress(answer.body, mtime=0), "gzip")


@dataclass(kw_only=True)
class DoubleGzip(Fault):
    """Gzip within gzip, and only one of them in the headers."""

    when: When = replay

    def answer(self, request: Request, proceed: Proceed) -> Answer:
        answer = proceed(request)
        return _relabel(answer, gzip.compress(gzip.compress(answer.body, mtime=0), mtime=0), "gzip")


@dataclass(kw_only=True)
class RawGzip(Fault):
    """Gzip that no header tells of: a client has to look at the first bytes."""

    when: When = replay

    def answer(self, request: Request, proceed: Proceed) -> Answer:
        answer = proceed(request)
        return _relabel(answer, gzip.compress(answer.body, mtime=0))


@dataclass(kw_only=True)
class EmptyContentEncoding(Fault):
    """An empty content-encoding beside `gzip`: joined they read `, gzip`, and clients do not decode."""

    when: When = replay

    def answer(self, request: Request, proceed: Proceed) -> Answer:
        answer = proceed(request)
        return _relabel(answer, gzip.compress(answer.body, mtime=0), "", "gzip")


@dataclass(kw_only=True)
class WrongContentEncoding(Fault):
    """Content-Encoding names what the body is not packed with."""

    encoding: str = "br"
    when: When = replay

    def answer(self, request: Request, proceed: Proceed) -> Answer:
        answer = proceed(request)
        return _relabel(answer, answer.body, self.encoding)


@dataclass(kw_only=True)
class DamagedGzip(Fault):
    """Gzip whose bytes were cut (`share` below 1) or changed in the middle, delivered as if whole."""

    share: float = 1.0
    when: When = replay

    def answer(self, request: Request, proceed: Proceed) -> Answer:
        answer = proceed(request)
        packed = bytearray(gzip.compress(answer.body, mtime=0))
        if self.share >= 1:
            packed[len(packed) // 2] ^= 0xFF
        return _relabel(answer, bytes(packed[: int(len(packed) * self.share)]), "gzip")


@dataclass(kw_only=True)
class Bomb(Fault):
    """A small body that unpacks to a large one: `megabytes` of spaces.

    `encoding` is gzip, deflate, br or zstd; `members` splits a gzip one, so that no member alone is large.
    """

    megabytes: int = 210
    encoding: str = "gzip"
    members: int = 1
    when: When = replay

    def answer(self, request: Request, proceed: Proceed) -> Answer:
        packed = _pack_spaces(self.megabytes // self.members, self.encoding) * self.members
        return _relabel(proceed(request), packed, self.encoding)


@cache
def _pack_spaces(megabytes: int, encoding: str) -> bytes:
    packer = _build_packer(encoding)
    chunk = b" " * 1_000_000
    return b"".join([packer.pack(chunk) for _ in range(megabytes)]) + packer.finish()


@dataclass(frozen=True)
class _Packer:
    pack: Callable[[bytes], bytes]
    finish: Callable[[], bytes]


def _build_packer(encoding: str) -> _Packer:
    match encoding:
        case "gzip" | "deflate":
            deflate = zlib.compressobj(9, wbits=31 if encoding == "gzip" else 15)
            return _Packer(deflate.compress, deflate.flush)
        case "br":
            br = brotlicffi.Compressor()
            return _Packer(br.compress, br.finish)
        case "zstd":
            zstd = zstandard.ZstdCompressor().compressobj()
            return _Packer(zstd.compress, zstd.flush)
    raise ValueError(f"no such encoding: {encoding}")


@dataclass(kw_only=True)
class MissingCharset(Fault):
    """Content-Type without its charset, as old servers sent it."""

    when: When = replay

    def answer(self, request: Request, proceed: Proceed) -> Answer:
        answer = proceed(request)
        headers = tuple(
            (name, value.partition(";")[0] if name.lower().endswith("content-type") else value)
            for name, value in answer.headers
        )
        return replace(answer, headers=headers)


@dataclass(kw_only=True)
class Body(Fault):
    """Another body in the capture's place: hostile HTML, a block page, whatever a test needs."""

    body: bytes
    content_type: str | None = None
    status: int | None = None
    """A captured one: memento-datetime stays."""
    when: When = replay

    def answer(self, request: Request, proceed: Proceed) -> Answer:
        answer = proceed(request)
        headers = answer.headers
        if self.content_type is not None:
            headers = (*answer.without("content-type"), ("Content-Type", self.content_type))
        return replace(answer, body=self.body, headers=headers, status=self.status or answer.status)


def _relabel(answer: Answer, body: bytes, *encodings: str) -> Answer:
    headers = answer.without("content-encoding")
    return replace(answer, body=body, headers=(*headers, *(("Content-Encoding", name) for name in encodings)))
