"""What a task reads: the captures of a web archive, or of rows of an index, one after the other."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from policy_archive.archive_server.captures import CapturedAnswer
from policy_archive.archive_server.warc import WarcFault, iter_answers, parse_answer
from policy_archive.archive_server.warc_files import unpack_warcs
from policy_archive.crawler.core.errors import UsageError
from policy_archive.crawler.core.records import CdxRow
from policy_archive.pipelines.bulk.job import Job
from policy_archive.pipelines.bulk.places import is_address, open_place

_MOST_RECORD_BYTES = 256 << 20
"""Of one record that rows of an index point to, as it is stored."""
MOST_ROWS = 2_000
"""Of an index, in one task."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """A capture, and where it lies."""

    row: CdxRow
    answer: CapturedAnswer | None
    """None: larger than anything that is served."""
    file: str
    offset: int


@dataclass(kw_only=True)
class Input:
    """The captures of a job, for as long as a `with` block lasts; its facts are whole when all were read."""

    job: Job
    files: dict[str, tuple[str, str]] = field(default_factory=dict)
    """As `PartFacts` has them."""
    faults: list[tuple[str, str]] = field(default_factory=list)
    left_out: int = 0
    digest: str = ""
    """SHA-256 of the bytes that are read, hex."""
    _stack: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Input:
        """Raises UsageError or OSError when it cannot be opened."""
        try:
            self._path = self._stack.enter_context(open_place(self.job.place))
            self._take_digest()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _take_digest(self) -> None:
        with self._path.open("rb") as file:
            if self.job.span is None:
                self.digest = hashlib.file_digest(file, "sha256").hexdigest()
            else:
                start, end = self.job.span
                file.seek(start)
                self._lines = file.read(end - start)
                self.digest = hashlib.sha256(self._lines).hexdigest()

    def iter_captures(self) -> Iterator[Found]:
        """Yield the captures; raises UsageError when there is none before the file ends to be readable."""
        return self._iter_archive() if self.job.span is None else self._iter_rows()

    def _iter_archive(self) -> Iterator[Found]:
        is_wacz = self.job.name.lower().endswith(".wacz")
        with unpack_warcs([self._path]) as warcs:
            for warc in warcs:
                # where a file is fetched from elsewhere its own name is the job's
                name = f"{self.job.name}: {warc.name.partition(': ')[2]}" if is_wacz else self.job.name
                self.files[name] = ("wacz" if is_wacz else "warc", f"sha256:{self.digest}")
                yield from self._iter_warc(warc.path, name)

    def _iter_warc(self, path: Path, name: str) -> Iterator[Found]:
        faults: list[WarcFault] = []
        count = 0
        try:
            for row, offset, answer in iter_answers(path, faults):
                count += 1
                if row is None:
                    self.left_out += 1
                else:
                    yield Found(row=row, answer=answer, file=name, offset=offset)
        except UsageError as error:
            reason = str(error).replace(str(path), name).replace(path.name, name)
            if not count:
                raise UsageError(reason) from error
            faults.append(WarcFault(path, f"damaged behind its capture {count}: the rest is lost"))
        self.faults += [(name, fault.reason) for fault in faults]

    def _iter_rows(self) -> Iterator[Found]:
        wanted = sorted(self._iter_places(), key=lambda one: (one[0], one[1]))
        for file, offset, length in wanted:
            self.files.setdefault(file, ("warc", f"cdxj:{self.digest}"))
            try:
                row, answer = parse_answer(_read_range(self.job.base, file, offset, length))
            except (UsageError, OSError) as error:
                self.faults.append((file, f"no capture at {offset}: {_say(error)}"))
                continue
            if row is None:
                self.left_out += 1
            else:
                yield Found(row=row, answer=answer, file=file, offset=offset)

    def _iter_places(self) -> Iterator[tuple[str, int, int]]:
        for line in self._lines.splitlines():
            if not line.strip() or line.startswith(b"!"):
                continue
            try:
                yield parse_place(line)
            except (ValueError, KeyError, TypeError, AttributeError):
                self.faults.append(
                    (self.job.name, f"no row of a CDXJ: {line[:60].decode('utf-8', 'replace')}")
                )


def parse_place(line: bytes) -> tuple[str, int, int]:
    """Return file, offset and length of the record that a line of a CDXJ is of; raises ValueError, KeyError.

    >>> parse_place(b'org,x)/ 20200101000000 {"filename": "a.warc.gz", "offset": "7", "length": "99"}')
    ('a.warc.gz', 7, 99)
    """
    values: dict[str, Any] = json.loads(line[line.index(b"{") :])
    return str(values["filename"]), int(values["offset"]), int(values["length"])


def split_index(path: Path) -> Iterator[tuple[int, int, int, int]]:
    """Yield where the rows of each task begin and end in an index: bytes, then numbers of lines from 1.

    Raises UsageError when its first row is none of a CDXJ.
    """
    start = at = 0
    first = number = 1
    checked = False
    with path.open("rb") as file:
        for line in file:
            if not checked and line.strip() and not line.startswith(b"!"):
                _check_index(line, path)
                checked = True
            at += len(line)
            number += 1
            if number - first == MOST_ROWS:
                yield start, at, first, number - 1
                start, first = at, number
    if at > start:
        yield start, at, first, number - 1


def _check_index(line: bytes, path: Path) -> None:
    try:
        parse_place(line)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"'{path.name}' is no CDXJ whose rows say filename, offset and length: gunzip it, or index your "
            "files anew."
        ) from error


def _read_range(base: str, name: str, offset: int, length: int) -> bytes:
    """Return the bytes of one record; raises UsageError or OSError."""
    if not 0 < length <= _MOST_RECORD_BYTES or offset < 0:
        raise UsageError(f"a record of {length:,} bytes at {offset:,}")
    parts = PurePosixPath(name)
    if parts.is_absolute() or ".." in parts.parts:
        raise UsageError("it leads out of the folder of the files (--base)")
    if is_address(base):
        from policy_archive.pipelines.bulk.places import read_range

        return read_range(f"{base.rstrip('/')}/{name}", offset, length)
    with (Path(base) / name).open("rb") as file:
        file.seek(offset)
        return file.read(length)


def _say(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error).rstrip(".")
