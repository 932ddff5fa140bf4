"""Content codings undone (gzip, deflate, br, zstd, one within another), under a limit on what comes out."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass

import brotlicffi
import zstandard

from policy_archive.crawler.core.records import Outcome

MAX_BODY_BYTES = 20 * 1024 * 1024
"""Of a body with every coding undone: the largest of 1,606 real captures has 0.4 MB; bombs end here."""
MAX_LAYERS = 4  # transport, captured, and the one that was left on; more is a bomb
MAX_MEMBERS = 10_000
"""Pieces of one gzip stream; a server that flushes after each line of a page makes some hundreds."""
_CHUNK_BYTES = 64 * 1024
_FIRST_SLICE_BYTES = 256
_GZIP = b"\x1f\x8b"
_ZLIB = (b"x\x01", b"x\x9c", b"x\xda")
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f]")


class CodingError(Exception):
    """A coded body cannot be undone; `outcome` says why."""

    def __init__(self, outcome: Outcome, reason: str) -> None:
        super().__init__(reason)
        self.outcome = outcome
        self.reason = reason


@dataclass(frozen=True, kw_only=True)
class Unwrapped:
    """A body and the stages it went through."""

    layers: tuple[bytes, ...]
    """From the bytes on the wire to the plain body; one alone when nothing was coded."""

    @property
    def body(self) -> bytes:
        return self.layers[-1]


def split_codings(header: str) -> tuple[str, ...]:
    """Return the codings of a Content-Encoding header, in the order they were put on.

    Empty ones are the archive's own fault and left out.

    >>> split_codings(", gzip")
    ('gzip',)
    """
    names = (name.strip().lower().removeprefix("x-") for name in header.split(","))
    return tuple(name for name in names if name not in ("", "identity"))


def unwrap_body(body: bytes, codings: Sequence[str], *, max_bytes: int = MAX_BODY_BYTES) -> Unwrapped:
    """Return the body with every coding undone, those named and those that the bytes betray.

    Archives name a coding that is not there and leave one on that they
    do not name: a body that does not begin as its coding would, but
    reads as a page, is taken as it is; gzip is sniffed for. Sites wrote
    charsets, `none` and `8bit` where a coding belongs.

    Raises CodingError: truncated, bad-encoding or too-large.
    """
    layers = [body]
    for name in reversed(codings):
        if not layers[-1] or _is_plain(layers[-1], name):
            break
        if name not in _STEPS and layers[-1].startswith(_GZIP):
            continue
        layers.append(_undo(name, layers[-1], max_bytes))
    while (inner := _undo_unnamed(layers[-1], max_bytes)) is not None:
        if len(layers) > MAX_LAYERS:
            raise CodingError(Outcome.TOO_LARGE, f"compressed {MAX_LAYERS} times over")
        layers.append(inner)
    if len(layers[-1]) > max_bytes:
        raise _too_large(max_bytes)
    return Unwrapped(layers=tuple(layers))


def _undo_unnamed(body: bytes, max_bytes: int) -> bytes | None:
    """Return what a coding holds that nobody named, None for a body that is plain."""
    if body.startswith(_GZIP):
        return _undo("gzip", body, max_bytes)
    if body[:2] in _ZLIB:
        try:
            return _undo("deflate", body, max_bytes)
        except CodingError as error:
            if error.outcome is Outcome.TOO_LARGE:
                raise
    return None  # two bytes are a weak sign: the body may be what it seems


def _is_plain(body: bytes, name: str) -> bool:
    """Return whether the bytes are a page already, whatever the header says: markup, or text."""
    head = body[:256]
    if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"<", b"%") and b"\x00" not in head:
        return True
    # gzip begins with three control characters; of br and deflate a short one may have none
    return (name == "gzip" or name not in _STEPS) and not _CONTROL.search(head)


def _undo(name: str, body: bytes, max_bytes: int) -> bytes:
    """Return a body without one coding; raises CodingError: truncated, bad-encoding or too-large."""
    steps = _STEPS.get(name)
    if steps is None:
        raise CodingError(Outcome.BAD_ENCODING, f"content coding '{name}' is not known")
    parts: list[bytes] = []
    total = 0
    try:
        for part in steps(body, max_bytes):
            total += len(part)
            if total > max_bytes:
                raise _too_large(max_bytes)
            parts.append(part)
    except (zlib.error, brotlicffi.error, zstandard.ZstdError) as error:
        raise CodingError(Outcome.BAD_ENCODING, f"{name}: {error}") from error
    return b"".join(parts)


def _too_large(max_bytes: int) -> CodingError:
    return CodingError(Outcome.TOO_LARGE, f"more than {max_bytes // 1024 // 1024} MB when decompressed")


def _cut_short(name: str) -> CodingError:
    return CodingError(Outcome.TRUNCATED, f"the {name} stream ends too early")


def _gunzip(body: bytes, max_bytes: int) -> Iterator[bytes]:
    """Yield the members' content; what follows the last member is junk and left out."""
    if not body.startswith(_GZIP):
        raise CodingError(Outcome.BAD_ENCODING, "gzip: not a gzip stream")
    start = members = 0
    while body.startswith(_GZIP, start):
        members += 1
        if members > MAX_MEMBERS:  # each costs time and need not hold a byte
            raise CodingError(Outcome.TOO_LARGE, f"gzip in more than {MAX_MEMBERS:,} pieces")
        start = yield from _inflate_with(zlib.decompressobj(zlib.MAX_WBITS | 16), body, start, "gzip")


def _inflate(body: bytes, max_bytes: int) -> Iterator[bytes]:
    """Yield what deflate means: zlib by the standard, raw by what servers did."""
    raw = body[:1] == b"" or body[0] & 0x0F != 8 or int.from_bytes(body[:2], "big") % 31 != 0
    inflater = zlib.decompressobj(-zlib.MAX_WBITS if raw else zlib.MAX_WBITS)
    yield from _inflate_with(inflater, body, 0, "deflate")


def _inflate_with(
    inflater: zlib._Decompress, body: bytes, start: int, name: str
) -> Generator[bytes, None, int]:
    """Yield what a stream that begins at `start` holds; return where it ends.

    In slices, small ones first: zlib copies what it leaves of its input at each call, and after each
    stream. Given a whole body it would copy that once for every member and every 64 KB that come out.
    """
    size = _FIRST_SLICE_BYTES
    while not inflater.eof:
        data = body[start : start + size]
        if not data:
            yield inflater.flush()
            break
        start += len(data)
        while data and not inflater.eof:
            yield inflater.decompress(data, _CHUNK_BYTES)
            data = inflater.unconsumed_tail
        size = min(2 * size, _CHUNK_BYTES)
    if not inflater.eof:
        raise _cut_short(name)
    return start - len(inflater.unused_data)


def _unbrotli(body: bytes, max_bytes: int) -> Iterator[bytes]:
    decompressor = brotlicffi.Decompressor()
    chunk = body
    while not decompressor.is_finished():
        part = decompressor.process(chunk, output_buffer_limit=_CHUNK_BYTES)
        chunk = b""
        if not part:
            raise _cut_short("br")
        yield part


def _unzstd(body: bytes, max_bytes: int) -> Iterator[bytes]:
    decompressor = zstandard.ZstdDecompressor(max_window_size=8 * 1024 * 1024).decompressobj()
    for start in range(0, len(body), 4096):  # small steps: one call may expand without limit
        yield decompressor.decompress(body[start : start + 4096])
        if decompressor.eof:
            return
    raise _cut_short("zstd")


_STEPS: dict[str, Callable[[bytes, int], Iterator[bytes]]] = {
    "gzip": _gunzip,
    "deflate": _inflate,
    "br": _unbrotli,
    "zstd": _unzstd,
}
