"""Captures out of WARC files whose index lies on disk: of a million records no row is held in memory."""

from __future__ import annotations

import mmap
import os
import tempfile
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar, overload

from policy_archive.archive_server.captures import CapturedAnswer
from policy_archive.archive_server.cdxj import (
    forget_old,
    keep_index,
    merge_files,
    parse_line,
    place_of,
    sort_lines,
)
from policy_archive.archive_server.index import Index, quote_key
from policy_archive.archive_server.warc import Place, WarcFault, read_answer, with_original
from policy_archive.archive_server.warc_files import WarcFile
from policy_archive.crawler.core.records import CdxRow

_Seen = TypeVar("_Seen")
_REVISIT = b'"mime": "warc/revisit"'


def find_index_folder() -> Path:
    """Return where indexes of WARC files are kept: POLICY_ARCHIVE_STATE, else the user's cache."""
    if state := os.environ.get("POLICY_ARCHIVE_STATE"):
        return Path(state) / "cdxj"
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "policy-archive" / "cdxj"


class _Lines(Sequence[_Seen]):
    """The lines of a file, each as a function sees it; only those that are asked for are read."""

    def __init__(self, file: mmap.mmap | bytes, starts: Sequence[int], see: Callable[[bytes], _Seen]) -> None:
        self._file, self._starts, self._see = file, starts, see

    def __len__(self) -> int:
        return len(self._starts) - 1

    @overload
    def __getitem__(self, at: int) -> _Seen: ...
    @overload
    def __getitem__(self, at: slice) -> list[_Seen]: ...
    def __getitem__(self, at: int | slice) -> _Seen | list[_Seen]:
        if isinstance(at, slice):
            return [self[number] for number in range(*at.indices(len(self)))]
        if not 0 <= at < len(self):
            raise IndexError(at)
        return self._see(self._file[self._starts[at] : self._starts[at + 1]])


class KeptSource:
    """The captures of some WARC files; use it in a `with` block, for which their indexes are put together.

    `folder`: where the index of each file is kept from run to run.
    """

    def __init__(self, files: Sequence[WarcFile], folder: Path) -> None:
        self._files = tuple(files)
        self._folder = folder
        self._stack = ExitStack()
        self.faults: list[WarcFault] = []
        self.left_out = 0
        """Records without an address, a date or a status that could be served."""
        self.made = 0
        """Indexes that were not kept, or not of the file as it is now."""

    def __enter__(self) -> KeptSource:
        try:
            self._open()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _open(self) -> None:
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="policy-archive-")))
        parts = [self._write_part(number, folder) for number in range(len(self._files))]
        lines = self._map(merge_files(parts, folder), folder / "rows")
        self.rows: Sequence[CdxRow] = _Lines(*lines, lambda line: parse_line(line)[0])
        self._places = _Lines(*lines, place_of)
        self._found = _Lines(*lines, self._parse_place)
        originals = self._map(sort_lines(_iter_originals(folder / "rows"), folder), folder / "digests")
        self._digests = _Lines(*originals, lambda line: line.split(b" ", 1)[0].decode())
        self._originals = _Lines(*originals, lambda line: self._parse_place(line.split(b" ", 1)[1])[1])
        self.index = Index.of_sorted(self.rows, self._places)
        forget_old(self._folder)

    def _write_part(self, number: int, folder: Path) -> Path:
        """Write the lines of a file's index, and behind each of which file it is; return where."""
        file = self._files[number]
        kept = keep_index(file, self._folder)
        self.left_out += kept.left_out
        self.made += kept.is_new
        self.faults += [WarcFault(file.path, reason) for reason in kept.faults]
        part = folder / f"part-{number}"
        with part.open("wb") as written:
            written.writelines(b"%b\t%d\n" % (line[:-1], number) for line in kept.iter_lines())
        return part

    def _map(self, lines: Iterable[bytes], path: Path) -> tuple[mmap.mmap | bytes, Sequence[int]]:
        """Write lines; return the file and where each of them begins, both of the disk."""
        at = 0
        with path.open("wb") as file, path.with_suffix(".starts").open("wb") as starts:
            for line in lines:
                starts.write(at.to_bytes(8, "little"))
                at += file.write(line)
            starts.write(at.to_bytes(8, "little"))
        if not at:
            return b"", array("Q", [0])
        return self._open_map(path), memoryview(self._open_map(path.with_suffix(".starts"))).cast("Q")

    def _open_map(self, path: Path) -> Any:
        with path.open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def _parse_place(self, line: bytes) -> tuple[CdxRow, Place]:
        row, offset = parse_line(line)
        return row, Place(self._files[int(line.rpartition(b"\t")[2])].path, offset)

    def iter_rows(self) -> Iterator[CdxRow]:
        """Yield the rows in order."""
        return iter(self.rows)

    def load(self, row: CdxRow) -> CapturedAnswer | None:
        """Return the stored answer; that of a revisit has its own headers and the original's body."""
        at = bisect_left(self._places, place := (quote_key(row.urlkey), row.timestamp))
        while self._places[at] == place:
            found, where = self._found[at]
            if found == row:
                break
            at += 1
        answer = read_answer(where)
        if row.mimetype != "warc/revisit":
            return answer
        at = bisect_left(self._digests, row.digest)
        is_there = at < len(self._digests) and self._digests[at] == row.digest
        return with_original(answer, read_answer(self._originals[at])) if is_there else None


def _iter_originals(rows: Path) -> Iterator[bytes]:
    """Yield the lines of captures with bodies, behind the digest of each; none where no revisit needs it."""
    with rows.open("rb") as lines:
        if not any(_REVISIT in line for line in lines):
            return
        lines.seek(0)
        for line in lines:
            if _REVISIT not in line:
                yield parse_line(line)[0].digest.encode() + b" " + line
