"""Parts of `bulk read`, in: the crawl of the web archives that they were made of, without reading twice.

The crawl finds sites, policies and captures in the parts as in any archive, so that the versions are those of
importing the archives themselves. What it wants read is looked up: a reading is a function of the body, its
address, its time and the document. What nobody read as that document, or another release read, is read anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zstandard

from policy_archive.archive_server.captures import CapturedAnswer, RecordTooLargeError
from policy_archive.archive_server.server import ArchiveServer
from policy_archive.archive_server.warc import MOST_BODY_BYTES, with_original
from policy_archive.crawler.core.digests import body_digest
from policy_archive.crawler.core.records import CdxRow, Document, HomePage, Kind, Origin, Reading, Trait
from policy_archive.crawler.crawl.run import FetchReport
from policy_archive.pipelines.bulk.as_json import parse_reading
from policy_archive.pipelines.bulk.job import describe_code
from policy_archive.pipelines.bulk.part import iter_part, read_facts
from policy_archive.pipelines.exchange.imported import ImportOutcome, Stated
from policy_archive.pipelines.exchange.intake import ImportReport
from policy_archive.pipelines.exchange.web_archives import Files, count_crawl, crawl_files, find_sites, refuse
from policy_archive.pipelines.reading.pool import ReadingPool

_ROW = ("urlkey", "timestamp", "original", "mimetype", "statuscode", "digest", "length")
_ANSWER = ("file", "http_status", "http_reason", "headers", "is_cut", "body")
_READ = ("site", "kind", "content_type", "body_digest", "reading", "text")


@dataclass(frozen=True, slots=True)
class _Piece:
    """Where some bytes lie in the spool."""

    offset: int
    length: int


class PartSource:
    """The captures of some parts, as `WarcSource` has those of WARC files; use it in a `with` block.

    What a crawl may ask for is copied into a file that can be read at any place, which Parquet cannot.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = tuple(paths)
        self._stack = ExitStack()
        self.faults: list[tuple[str, str]] = []
        """A part, or a file that one was made of, and what is wrong with it."""
        self.files: dict[str, tuple[str, str]] = {}
        """The files that the parts were made of: format and digest."""
        self.left_out = 0
        self._end = 0
        self.is_stale = False
        """Another release read some of it: its readings are not taken."""
        self._answers: dict[CdxRow, tuple[str, _Piece | None]] = {}
        self._originals: dict[str, CdxRow] = {}
        self._readings: dict[bytes, _Piece] = {}

    def __enter__(self) -> PartSource:
        self._spool = self._stack.enter_context(tempfile.TemporaryFile(prefix="policy-archive-"))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def iter_rows(self) -> Iterator[CdxRow]:
        """Yield a row for every capture; remembers where its answer and its reading lie."""
        code = describe_code()
        for path in self._paths:
            try:
                facts = read_facts(path)
                self.files |= facts.files
                self.faults += facts.faults
                self.left_out += facts.left_out
                is_ours = facts.code == code
                self.is_stale |= not is_ours
                for values in iter_part(path, [*_ROW, *_ANSWER, *_READ]):
                    yield self._take(dict(zip((*_ROW, *_ANSWER, *_READ), values, strict=True)), is_ours)
            except ValueError as error:
                self.faults.append((path.name, str(error)))
        self._spool.flush()

    def _take(self, values: dict[str, Any], is_ours: bool) -> CdxRow:
        if any(not isinstance(values[name], str) for name in (*_ROW[:-1], "file")):
            raise ValueError("a row does not say what was captured")
        row = CdxRow(**{name: values[name] for name in _ROW})
        if row not in self._answers:
            self._answers[row] = (values["file"], self._spool_answer(values))
            if row.mimetype != "warc/revisit":
                self._originals.setdefault(row.digest, row)
        if is_ours and values["reading"] and values["body_digest"]:
            key = _key(values["body_digest"], row.original, row.timestamp, values["content_type"],
                       values["site"], values["kind"])  # fmt: skip
            if key not in self._readings:
                self._readings[key] = self._write(
                    json.dumps([values["reading"], values["text"] or ""]).encode()
                )
        return row

    def _spool_answer(self, values: dict[str, Any]) -> _Piece | None:
        if values["body"] is None:
            return None
        head = json.dumps([values[name] for name in ("http_status", "http_reason", "headers", "is_cut")])
        return self._write(head.encode() + b"\n" + values["body"])

    def _write(self, content: bytes) -> _Piece:
        piece = _Piece(self._end, len(content))
        self._spool.write(content)
        self._end += len(content)
        return piece

    def _read(self, piece: _Piece) -> bytes:
        # by place: the server and the crawl ask from threads of their own
        return os.pread(self._spool.fileno(), piece.length, piece.offset)

    def holds(self, row: CdxRow) -> bool:
        """Return whether a row is one of these parts'."""
        return row in self._answers

    def file_of(self, row: CdxRow) -> str:
        """Return the name of the file that held a capture."""
        return self._answers[row][0]

    def load(self, row: CdxRow) -> CapturedAnswer | None:
        """Return the stored answer; that of a revisit has its own headers and the original's body."""
        answer = self._load(row)
        if row.mimetype != "warc/revisit":
            return answer
        original = self._originals.get(row.digest)
        return None if original is None else with_original(answer, self._load(original))

    def _load(self, row: CdxRow) -> CapturedAnswer:
        piece = self._answers[row][1]
        if piece is None:
            raise RecordTooLargeError("a picture, a film, a program, or too large: its body was not kept")
        try:
            return _parse_answer(self._read(piece))
        except (ValueError, TypeError, zstandard.ZstdError) as error:
            raise RecordTooLargeError(f"a damaged capture: {error}") from error

    def find_reading(
        self, body: bytes, *, document: Document, url: str, timestamp: str, content_type: str | None
    ) -> Reading | None:
        """Return what a body was read as, by this very release, as that document; None: nobody did."""
        key = _key(body_digest(body), url, timestamp, content_type, document.site, document.kind)
        piece = self._readings.get(key)
        if piece is None:
            return None
        written, text = json.loads(self._read(piece))
        try:
            return parse_reading(written, text)
        except ValueError:
            return None  # damaged, or somebody's own: the page is read


def _parse_answer(content: bytes) -> CapturedAnswer:
    head, _, packed = content.partition(b"\n")
    status, reason, headers, is_cut = json.loads(head)
    if (
        not 0 <= zstandard.frame_content_size(packed) <= MOST_BODY_BYTES
    ):  # it is believed, and room made for it
        raise ValueError("larger than anything that is read")
    return CapturedAnswer(
        status=int(status),
        reason=reason or "",
        headers=tuple((str(name), str(value)) for name, value in json.loads(headers)),
        body=zstandard.ZstdDecompressor().decompress(packed),
        is_cut=bool(is_cut),
    )


def _key(*facts: str | None) -> bytes:
    return hashlib.blake2b(json.dumps(facts).encode("utf-8", "surrogatepass"), digest_size=16).digest()


class KnownReadings(ReadingPool):
    """A pool that reads only what the parts do not know."""

    source: PartSource

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
        """Return what `ReadingPool.read` does."""
        known = self.source.find_reading(
            body, document=document, url=url, timestamp=timestamp, content_type=content_type
        )
        if known is None or Trait.ACCIDENT in known.outcome.traits:
            return await super().read(
                body, document=document, url=url, timestamp=timestamp, content_type=content_type, home=home
            )
        if home is None or document.kind is Kind.HOME:
            return known
        return await self.read_with_home(known, document, home)


def import_parts(
    paths: Sequence[Path],
    database: Path,
    report: ImportReport,
    *,
    kinds: tuple[Kind, ...],
    stated: Stated,
    progress: str = "off",
    dry_run: bool = False,
) -> FetchReport | None:
    """Take the policies of parts into a corpus as `import_archives` does those of web archives."""
    with PartSource(paths) as parts, ArchiveServer(source=parts) as archive:
        rows = archive.archive.index.rows
        for file, reason in parts.faults:
            cut = ": cut in" in f": {reason}"
            refuse(report, file, ImportOutcome.TRUNCATED if cut else ImportOutcome.UNREADABLE, reason)
        sites = [stated.site] if stated.site else find_sites(rows)
        if not sites:
            return None
        if dry_run:
            report.outcomes[ImportOutcome.IMPORTED] += len(rows)
            return None
        origins = {
            name: Origin(
                format=form, name=name, digest=digest, licence=stated.licence, attribution=stated.attribution
            )
            for name, (form, digest) in parts.files.items()
        }

        class PartsPool(KnownReadings):
            source = parts

        crawl = crawl_files(
            archive.url,
            database,
            sites,
            kinds,
            Files(holds=parts.holds, origin_of=lambda row: origins[parts.file_of(row)]),
            progress,
            settings=(("READING_POOL", PartsPool),),
        )
    count_crawl(report, crawl, database, {origin.id for origin in origins.values()})
    return crawl
