"""The index of one WARC file, kept on disk as CDXJ: sorted, with where each record lies.

    com,example)/privacy 20180127122821 {"url": …, "mime": …, "status": …, "digest": …, "offset": …}

The first line says of which file it is, the last what it holds: one that belongs to a file as it was, that is
cut or damaged, is made anew. While it is made, no more than a hundred thousand lines are held.
"""

from __future__ import annotations

import hashlib
import heapq
import json
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO

from policy_archive.archive_server.index import quote_key
from policy_archive.archive_server.warc import WarcFault, iter_indexed
from policy_archive.archive_server.warc_files import WarcFile
from policy_archive.crawler.core.records import CdxRow
from policy_archive.crawler.core.safe_files import safe_name

_FORMAT = 2
"""Raised when the same file would be indexed otherwise."""
_META = b"!meta "
_LINES_HELD = 100_000
_FILES_MERGED = 200
"""At a time: each is an open file."""
_EDGE_BYTES = 64 * 1024
_KEPT_SECONDS = 183 * 86_400


@dataclass(frozen=True, kw_only=True)
class KeptIndex:
    """The index of a WARC file."""

    path: Path
    """Of the index."""
    left_out: int
    """Records that cannot be served."""
    faults: tuple[str, ...]
    """What is wrong with the WARC file."""
    is_new: bool
    """It was made now."""

    def iter_lines(self) -> Iterator[bytes]:
        """Yield the lines of captures, sorted, each with its line end."""
        with self.path.open("rb") as file:
            yield from (line for line in file if not line.startswith(_META))


def keep_index(file: WarcFile, folder: Path) -> KeptIndex:
    """Return the index of a WARC file as it is now, from the folder, or made and put there.

    Raises UsageError when it is no WARC file, OSError when the folder cannot be written to.
    """
    # the container's path, for a WACZ is unpacked to another place each time; hashed, for paths are long
    words = f"{file.container.absolute()}\0{file.name}\0{file.path.name}"
    whose = hashlib.sha256(words.encode("utf-8", "surrogatepass"))
    path = folder / f"{safe_name(file.container.name)[:80]}-{whose.hexdigest()[:16]}.cdxj"
    facts = _facts_of(file)
    with suppress(OSError, ValueError, KeyError, TypeError):
        kept = _read_kept(path, facts)
        path.touch()
        return kept
    return _make_index(file, path, facts)


def forget_old(folder: Path) -> None:
    """Delete the indexes of a folder that nobody used for half a year."""
    oldest = time.time() - _KEPT_SECONDS
    for path in folder.glob("*.cdxj"):
        with suppress(OSError):
            if path.stat().st_mtime < oldest:
                path.unlink()


def parse_line(line: bytes) -> tuple[CdxRow, int]:
    """Return the row of a line, and where its record begins in the WARC file; a tab ends what is read."""
    key, timestamp, values = line.split(b" ", 2)
    found = json.loads(values.partition(b"\t")[0])
    return CdxRow(
        urlkey=found.get("key") or key.decode("utf-8", "surrogatepass"),
        timestamp=timestamp.decode("ascii"),
        original=found["url"],
        mimetype=found["mime"],
        statuscode=found["status"],
        digest=found["digest"],
        length=found["length"],
    ), found["offset"]


def place_of(line: bytes) -> tuple[str, str]:
    """Return what a line is sorted by."""
    key, timestamp, _ = line.split(b" ", 2)
    return key.decode("utf-8", "surrogatepass"), timestamp.decode("ascii")


def sort_lines(lines: Iterable[bytes], folder: Path) -> Iterator[bytes]:
    """Yield lines in order; more than a hundred thousand of them wait in files below a folder."""
    remaining = iter(lines)
    spilled: list[Path] = []
    while held := sorted(islice(remaining, _LINES_HELD)):
        following = next(remaining, None)
        if following is None and not spilled:
            yield from held
            return
        spilled.append(_spill(held, folder))
        remaining = chain([] if following is None else [following], remaining)
    yield from merge_files(spilled, folder)


def merge_files(files: list[Path], folder: Path) -> Iterator[bytes]:
    """Yield the lines of sorted files in order; many files are first merged into fewer."""
    while len(files) > _FILES_MERGED:
        files = [*files[_FILES_MERGED:], _spill(_merge(files[:_FILES_MERGED]), folder)]
    yield from _merge(files)


def _merge(files: list[Path]) -> Iterator[bytes]:
    with ExitStack() as stack:
        opened: list[BinaryIO] = [stack.enter_context(path.open("rb")) for path in files]
        yield from heapq.merge(*opened)


def _spill(lines: Iterable[bytes], folder: Path) -> Path:
    with tempfile.NamedTemporaryFile(dir=folder, prefix="sorted-", delete=False) as file:
        file.writelines(lines)
    return Path(file.name)


def _facts_of(file: WarcFile) -> dict[str, Any]:
    """Return what tells a file from one that bears its name later: size, time, and its two ends."""
    size, digest = file.path.stat().st_size, hashlib.sha256()
    with file.path.open("rb") as content:
        digest.update(content.read(_EDGE_BYTES))
        content.seek(max(size - _EDGE_BYTES, 0))
        digest.update(content.read(_EDGE_BYTES))
    return {
        "format": _FORMAT,
        "file": file.name,
        "bytes": size,
        "changed": file.container.stat().st_mtime_ns,
        "ends": digest.hexdigest(),
    }


def _read_kept(path: Path, facts: dict[str, Any]) -> KeptIndex:
    """Return a kept index. Raises ValueError when it is another file's, cut, or damaged."""
    digest, before = hashlib.sha256(), b""
    with path.open("rb") as file:
        if json.loads(_meta_in(file.readline())) != facts:
            raise ValueError("of another file")
        for line in file:
            digest.update(before)
            before = line
    end = json.loads(_meta_in(before))
    if end["sha256"] != digest.hexdigest():
        raise ValueError("damaged")
    return KeptIndex(path=path, left_out=end["left_out"], faults=tuple(end["faults"]), is_new=False)


def _meta_in(line: bytes) -> bytes:
    if not (line.startswith(_META) and line.endswith(b"\n")):
        raise ValueError("cut")
    return line.removeprefix(_META)


def _make_index(file: WarcFile, path: Path, facts: dict[str, Any]) -> KeptIndex:
    path.parent.mkdir(parents=True, exist_ok=True)
    faults: list[WarcFault] = []
    left_out = 0

    def iter_lines() -> Iterator[bytes]:
        nonlocal left_out
        for row, offset in iter_indexed(file.path, faults):
            if row is None:
                left_out += 1
            else:
                yield _write_line(row, offset, file.name)

    digest = hashlib.sha256()
    with tempfile.TemporaryDirectory(dir=path.parent, prefix="unfinished-") as folder:
        unfinished = Path(folder) / "index"
        with unfinished.open("wb") as index:
            index.write(_META + json.dumps(facts).encode() + b"\n")
            for line in sort_lines(iter_lines(), Path(folder)):
                index.write(line)
                digest.update(line)
            said = tuple(fault.reason for fault in faults)
            end = {"sha256": digest.hexdigest(), "left_out": left_out, "faults": said}
            index.write(_META + json.dumps(end).encode() + b"\n")
        unfinished.replace(path)
    return KeptIndex(path=path, left_out=left_out, faults=said, is_new=True)


def _write_line(row: CdxRow, offset: int, name: str) -> bytes:
    key = quote_key(row.urlkey)
    values = {
        "url": row.original,
        "mime": row.mimetype,
        "status": row.statuscode,
        "digest": row.digest,
        "length": row.length,
        "offset": offset,
        "filename": name,
    } | ({} if key == row.urlkey else {"key": row.urlkey})
    return f"{key} {row.timestamp} ".encode("utf-8", "surrogatepass") + json.dumps(values).encode() + b"\n"
