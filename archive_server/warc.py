"""Captures out of WARC files: an index in memory, bodies read when they are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from re import compile as regex
from typing import Any, BinaryIO

from warcio.archiveiterator import ArchiveIterator
from warcio.bufferedreaders import ChunkedDataReader, DecompressingBufferedReader
from warcio.exceptions import ArchiveLoadFailed
from warcio.recordloader import ArcWarcRecord

from policy_archive.archive_server.captures import CapturedAnswer, RecordTooLargeError
from policy_archive.crawler.core.digests import digest_of_pieces
from policy_archive.crawler.core.errors import CdxError, UsageError
from policy_archive.crawler.core.records import CdxRow
from policy_archive.crawler.core.timestamps import parse_timestamp
from policy_archive.crawler.core.urlkeys import urlkey

MOST_BODY_BYTES = 64 * 1024 * 1024
"""Of one record that is served: three times what the crawler takes."""
MOST_HEADER_BYTES = 1024 * 1024
"""Of a record's two blocks of headers: a line without an end unpacks to gigabytes, too."""
_DIGITS = regex("[0-9]+")
_STATUS = regex("[1-5][0-9]{2}")
_PIECE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record lies."""

    path: Path
    offset: int


class _BoundedReader(DecompressingBufferedReader):  # type: ignore[misc]
    """warcio's reader, which gives no line and no piece that is longer than anybody needs."""

    _in_lines = 0

    def readline(self, length: int | None = None) -> bytes:
        line: bytes = super().readline(min(length or MOST_HEADER_BYTES + 1, MOST_HEADER_BYTES + 1))
        self._in_lines += len(line)
        if self._in_lines > MOST_HEADER_BYTES:
            raise ArchiveLoadFailed(f"headers of more than {MOST_HEADER_BYTES // 1024 // 1024} MB")
        return line

    def read(self, length: int | None = None) -> bytes:
        self._in_lines = 0
        if length is None or length > MOST_BODY_BYTES:  # a chunk is asked for whole
            raise _too_large()
        piece: bytes = super().read(length)
        return piece


def _too_large() -> RecordTooLargeError:
    return RecordTooLargeError(f"a record of more than {MOST_BODY_BYTES // 1024 // 1024} MB")


def _open_records(file: BinaryIO) -> ArchiveIterator:
    records = ArchiveIterator(file)
    records.reader = _BoundedReader(file)  # nothing has been read yet
    return records


@dataclass(frozen=True, slots=True)
class WarcFault:
    """What is wrong with a file, one sentence."""

    path: Path
    reason: str


class WarcSource:
    """The captures of some WARC files, gzipped record by record or not.

    A file that ends in the middle of a record gives the records before it, and that one as cut; `faults`
    names it. A file that is no WARC file ends it all with UsageError, or with `forgiving` is a fault, too.
    """

    def __init__(self, paths: Iterable[Path], *, forgiving: bool = False) -> None:
        self.faults: list[WarcFault] = []
        self._forgiving = forgiving
        self._paths = tuple(paths)
        self._places: dict[CdxRow, Place] = {}
        self._originals: dict[str, Place] = {}
        self.left_out = 0
        """Records without an address, a date or a status that could be served."""

    def iter_rows(self) -> Iterator[CdxRow]:
        """Yield a row for every response and revisit record; remembers where each one lies."""
        for path in self._paths:
            try:
                for row, offset in iter_indexed(path, self.faults):
                    if row is None:
                        self.left_out += 1
                        continue
                    place = self._places.setdefault(row, Place(path, offset))
                    if row.mimetype != "warc/revisit":
                        self._originals.setdefault(row.digest, place)
                    yield row
            except UsageError as error:
                if not self._forgiving:
                    raise
                self.faults.append(WarcFault(path, str(error)))

    def holds(self, row: CdxRow) -> bool:
        """Return whether a row is one of these files'."""
        return row in self._places

    def path_of(self, row: CdxRow) -> Path:
        """Return the file that holds a capture."""
        return self._places[row].path

    def load(self, row: CdxRow) -> CapturedAnswer | None:
        """Return the stored answer; that of a revisit has its own headers and the original's body."""
        answer = read_answer(self._places[row])
        if row.mimetype != "warc/revisit":
            return answer
        original = self._originals.get(row.digest)
        return None if original is None else with_original(answer, read_answer(original))


def with_original(answer: CapturedAnswer, original: CapturedAnswer) -> CapturedAnswer:
    """Return the answer of a revisit with the body that it had before."""
    if not answer.headers:
        return original
    return replace(answer, body=original.body, is_cut=original.is_cut)


def iter_indexed(path: Path, faults: list[WarcFault]) -> Iterator[tuple[CdxRow | None, int]]:
    """Yield the row of each capture, None for one that cannot be served, and where it lies."""
    with _naming(path), path.open("rb") as file:
        records = _open_records(file)
        for record in _captures_of(records):
            digest = _digest_of(record)
            # asking for offset or length reads the record to its end: last of all
            offset = records.get_record_offset()
            row = _row_of(record, digest, records.get_record_length())
            _note_cut(record, row, path, faults)
            yield row, offset


def iter_answers(
    path: Path, faults: list[WarcFault]
) -> Iterator[tuple[CdxRow | None, int, CapturedAnswer | None]]:
    """Yield what `iter_indexed` does, and the answer of each capture, None when it is larger than is served.

    The file is read once. Of a revisit the answer has no body.
    """
    with _naming(path), path.open("rb") as file:
        records = _open_records(file)
        for record in _captures_of(records):
            body, digest = _read_whole(record)
            offset = records.get_record_offset()
            row = _row_of(record, digest, records.get_record_length())
            _note_cut(record, row, path, faults)
            yield row, offset, None if body is None else _answer_of(record, body)


def parse_answer(content: bytes) -> tuple[CdxRow | None, CapturedAnswer | None]:
    """Return row and answer of the one record that these bytes are, as `iter_answers` does.

    Raises UsageError when they are no record of a capture.
    """
    with _naming(Path("the record")):
        records = _open_records(BytesIO(content))
        for record in _captures_of(records):
            body, digest = _read_whole(record)
            row = _row_of(record, digest, records.get_record_length())
            return row, None if body is None else _answer_of(record, body)
    raise UsageError("no capture begins there")


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Make of whatever warcio raises over hostile files a sentence; it cannot go on then."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        if "non-chunked gzip" in str(error):
            remedy = "gunzip it, or run 'warcio recompress' on it"
            raise UsageError(
                f"{path.name} is gzipped as one piece, not record by record: {remedy}."
            ) from error
        raise UsageError(f"{path} is no WARC file, or a damaged one: name another one.") from error


def _captures_of(records: ArchiveIterator) -> Iterator[ArcWarcRecord]:
    return (record for record in records if record.rec_type in ("response", "revisit"))


def _note_cut(record: ArcWarcRecord, row: CdxRow | None, path: Path, faults: list[WarcFault]) -> None:
    if row is not None and _is_cut(record):
        place = f"the record of {row.original} at {row.timestamp}"
        faults.append(WarcFault(path, f"cut in {place}: no text is taken from that"))


def _is_cut(record: ArcWarcRecord) -> bool:
    """Return whether bytes of a record, read to its end, are missing, by the file or the crawler's word."""
    left = getattr(record.raw_stream, "limit", 0)  # of warcio's LimitReader: promised and not come
    return left > 0 or record.rec_headers.get_header("WARC-Truncated") is not None


def _row_of(record: ArcWarcRecord, digest: str, length: int) -> CdxRow | None:
    original = record.rec_headers.get_header("WARC-Target-URI") or ""
    date = record.rec_headers.get_header("WARC-Date") or ""
    timestamp = "".join(_DIGITS.findall(date))[:14]
    try:
        parse_timestamp(timestamp)
        key = urlkey(original)
    except (CdxError, ValueError):
        return None
    revisit = record.rec_type == "revisit"
    http = record.http_headers
    if http and not (revisit or _STATUS.fullmatch(http.get_statuscode())):
        return None
    content_type = (http.get_header("Content-Type") if http else None) or "unk"
    return CdxRow(
        urlkey=key,
        timestamp=timestamp,
        original=original,
        mimetype="warc/revisit" if revisit else content_type.partition(";")[0].strip().lower(),
        statuscode="-" if revisit or not http else http.get_statuscode(),
        digest=digest,
        length=length,
    )


def _digest_of(record: ArcWarcRecord) -> str:
    stated = record.rec_headers.get_header("WARC-Payload-Digest")
    if stated:
        return str(stated).rpartition(":")[2]
    try:
        return digest_of_pieces(_iter_body(record))
    except RecordTooLargeError:  # it is not served either
        return "-"


def _read_whole(record: ArcWarcRecord) -> tuple[bytes | None, str]:
    """Return body and digest; None for a body beyond MOST_BODY_BYTES, whose digest is known all the same."""
    stated = record.rec_headers.get_header("WARC-Payload-Digest")
    pieces: list[bytes] = []
    total = 0

    def iter_kept() -> Iterator[bytes]:
        nonlocal total
        for piece in _iter_body(record):
            total += len(piece)
            if total <= MOST_BODY_BYTES:
                pieces.append(piece)
            else:
                pieces.clear()
            yield piece

    try:
        digest = digest_of_pieces(iter_kept())
    except RecordTooLargeError:
        return None, str(stated).rpartition(":")[2] if stated else "-"
    while record.raw_stream.read(_PIECE_BYTES):  # behind the last chunk
        pass
    digest = str(stated).rpartition(":")[2] if stated else digest
    return (b"".join(pieces) if total <= MOST_BODY_BYTES else None), digest


def read_answer(place: Place) -> CapturedAnswer:
    """Return the answer that lies in a place. Raises RecordTooLargeError."""
    with place.path.open("rb") as file:
        file.seek(place.offset)
        record = next(iter(_open_records(file)))
        body = _stored_body(record)
        while record.raw_stream.read(_PIECE_BYTES):  # behind the last chunk
            pass
        return _answer_of(record, body)


def _answer_of(record: ArcWarcRecord, body: bytes) -> CapturedAnswer:
    """Return the answer of a record that is read to its end."""
    http, is_cut = record.http_headers, _is_cut(record)
    if http is None:
        return CapturedAnswer(status=200, reason="OK", headers=(), body=body, is_cut=is_cut)
    code, _, reason = http.statusline.partition(" ")
    return CapturedAnswer(
        status=int(code) if _STATUS.fullmatch(code) else 200,
        reason=reason,
        headers=tuple(http.headers),
        body=body,
        is_cut=is_cut,
    )


def _stored_body(record: ArcWarcRecord) -> bytes:
    """Return the body without its chunking.

    Raises RecordTooLargeError beyond MOST_BODY_BYTES: 2 GB fit into a gzip of 2 MB.
    """
    pieces: list[bytes] = []
    total = 0
    for piece in _iter_body(record):
        total += len(piece)
        if total > MOST_BODY_BYTES:
            raise _too_large()
        pieces.append(piece)
    return b"".join(pieces)


def _iter_body(record: ArcWarcRecord) -> Iterator[bytes]:
    """Yield the body without its chunking, in pieces; `content_stream` would also undo content encodings."""
    stream = _open_body(record)
    while piece := stream.read(_PIECE_BYTES):
        yield bytes(piece)


def _open_body(record: ArcWarcRecord) -> Any:
    http = record.http_headers
    if http and (http.get_header("Transfer-Encoding") or "").lower() == "chunked":
        return ChunkedDataReader(record.raw_stream, decomp_type=None)
    return record.raw_stream
