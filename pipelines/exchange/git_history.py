"""Git repositories and bundles, read by the git program: files as every commit left them.

Repositories are other people's: nothing of their configuration that names a program is obeyed, files
are asked for by hash alone, and no path of theirs touches the disk.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from policy_archive.crawler.core.errors import UsageError
from policy_archive.pipelines.exchange.git_program import SAFE, start_git
from policy_archive.pipelines.exchange.imported import MOST_FILE_BYTES, ImportOutcome, RefusedError

_COMMIT = re.compile(r"([0-9a-f]{40,64})\x1f(-?[0-9]+)\x1f(.*)", re.DOTALL)
_CHANGE = re.compile(r"\n?:[0-7]{6} ([0-7]{6}) [0-9a-f]+ ([0-9a-f]{40,64}) ([A-Z])[0-9]*")
_FILES = ("100644", "100755")
_LONGEST_FIELD = 1 << 16
"""Bytes of a message or path that are kept; what looks for a line in a message finds it there."""
_BUNDLE = b"# v"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChange:
    """One file as one commit left it."""

    commit: str
    written_at: int
    """By the author's clock, seconds since 1970."""
    message: str
    path: str
    """Within the repository."""
    blob: str
    """Hash of its content."""


class GitRepository:
    """An open repository; use it in a `with` block."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name
        self._blobs: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> GitRepository:
        return self

    def __exit__(self, *_: object) -> None:
        if self._blobs is not None:
            assert self._blobs.stdin is not None
            assert self._blobs.stdout is not None
            with suppress(BrokenPipeError):  # it died, and has been missed already
                self._blobs.stdin.close()
            self._blobs.stdout.close()
            self._blobs.wait()

    def iter_changes(self) -> Generator[FileChange, None, None]:
        """Yield every file that a commit wrote, the oldest commit first; deletions are passed over.

        Raises UsageError when git cannot read the repository.
        """
        # what ends with a NUL can hold none: no message or path of theirs can pass for a line of git's own
        form = "--format=%H%x1f%at%x1f%B"
        plain = ("--raw", "-z", "--no-abbrev", "--no-renames", "--no-ext-diff")
        arguments = ["log", "--reverse", *plain, form, "HEAD", "--"]
        process = self._start(arguments)
        assert process.stdout is not None
        try:
            yield from _iter_changes(_iter_fields(process.stdout))
        finally:  # also when nobody wants the rest
            process.stdout.close()
            status = process.wait()
        if status != 0:
            raise UsageError(f"git cannot read '{self._name}': is it a repository with commits?")

    def read(self, blob: str) -> bytes | None:
        """Return a file's content by its hash; None when it is larger than MOST_FILE_BYTES or missing."""
        if self._blobs is None:
            self._blobs = self._start(["cat-file", "--batch"], is_asked=True)
        assert self._blobs.stdin is not None
        assert self._blobs.stdout is not None
        self._blobs.stdin.write(f"{blob}\n".encode())
        self._blobs.stdin.flush()
        head = self._blobs.stdout.readline().split()
        if len(head) != 3:
            return None
        size = int(head[2])
        content = _read_exactly(self._blobs.stdout, size, keep=size <= MOST_FILE_BYTES)
        self._blobs.stdout.read(1)
        return content

    def load(self, blob: str) -> bytes:
        """Return a file's content by its hash; raises RefusedError where there is none to be had."""
        content = self.read(blob)
        if content is None:
            raise RefusedError(ImportOutcome.TOO_LARGE, f"more than {MOST_FILE_BYTES:,} bytes, or missing")
        return content

    def _start(self, arguments: list[str], *, is_asked: bool = False) -> subprocess.Popen[bytes]:
        options = ["-C", str(self._folder), "--no-pager", "--no-replace-objects", *SAFE]
        return start_git([*options, *arguments], is_asked=is_asked)


def _read_exactly(stream: IO[bytes], size: int, *, keep: bool) -> bytes | None:
    pieces = []
    while size > 0:
        piece = stream.read(min(size, 1 << 20))
        if not piece:
            return None
        size -= len(piece)
        if keep:
            pieces.append(piece)
    return b"".join(pieces) if keep else None


def _iter_fields(stream: IO[bytes]) -> Iterator[str]:
    """Yield what stands between NULs, each no longer than _LONGEST_FIELD."""
    kept = b""
    while piece := stream.read(1 << 16):
        first, *more = piece.split(b"\0")
        kept += first[: _LONGEST_FIELD - len(kept)]
        for field in more:
            yield kept.decode("utf-8", "replace")
            kept = field[:_LONGEST_FIELD]
    yield kept.decode("utf-8", "replace")


def _iter_changes(fields: Iterator[str]) -> Iterator[FileChange]:
    """Yield the files that commits wrote: of each commit one field, of each file two, change and path."""
    commit = None
    for field in fields:
        if change := _CHANGE.fullmatch(field):
            path = next(fields, "")
            mode, blob, status = change.groups()
            if commit is not None and mode in _FILES and status in "AM":
                yield FileChange(
                    commit=commit[1], written_at=_seconds(commit[2]), message=commit[3], path=path, blob=blob
                )
        else:
            commit = _COMMIT.fullmatch(field)


def _seconds(digits: str) -> int:
    """Return a commit's time; beyond what any calendar has, where there are more digits."""
    return int(digits[:20])


def is_bundle(head: bytes) -> bool:
    """Return whether a file that begins like this is a git bundle."""
    return head.startswith(_BUNDLE) and b"git bundle" in head[:20]


def is_repository(folder: Path) -> bool:
    """Return whether a folder is a repository, bare or with files."""
    return (folder / ".git").exists() or ((folder / "HEAD").is_file() and (folder / "objects").is_dir())


@contextmanager
def open_repository(path: Path) -> Iterator[GitRepository]:
    """Give a repository, or a bundle that is unpacked into a temporary folder; raises UsageError."""
    if path.is_dir():
        with GitRepository(path, path.name) as repository:
            yield repository
        return
    with tempfile.TemporaryDirectory(prefix="policy-archive-") as folder:
        target = Path(folder) / "bundle.git"
        arguments = [*SAFE, "clone", "--quiet", "--bare", "--", str(path.absolute()), str(target)]
        process = start_git(arguments)
        process.communicate()
        if process.returncode != 0:
            raise UsageError(f"git cannot read the bundle '{path.name}': it is damaged, or not whole.")
        with GitRepository(target, path.name) as repository:
            yield repository
