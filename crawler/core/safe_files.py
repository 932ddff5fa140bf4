"""Files that are there whole or not at all, under names that cannot leave their folder."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from policy_archive.crawler.core.errors import DiskFullError, PolicyArchiveError
from policy_archive.crawler.core.failpoints import point

LONGEST_NAME = 100
"""Characters; file systems take 255 bytes, and a name gets an ending."""
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?")


class ExportError(PolicyArchiveError):
    """A file cannot be written where it should be."""


def safe_name(text: str) -> str:
    """Return a name for one folder or file: what could mean something to a file system is %-escaped.

    Capitals are escaped, for two names must differ where case does not count. Names that
    are too long keep their start and get a hash.

    >>> safe_name("intently.co"), safe_name("../x"), safe_name("CON"), safe_name("-rf")
    ('intently.co', '%2E.%2Fx', '%43%4F%4E', '%2Drf')
    """
    name = "".join(char if re.fullmatch("[a-z0-9._-]", char) else _escape(char) for char in text)
    if name[:1] in (".", "-", "") or _RESERVED.fullmatch(name):
        name = _escape(name[:1]) + name[1:]
    if name.endswith("."):
        name = name[:-1] + _escape(".")
    if len(name) > LONGEST_NAME:
        name = f"{name[:60]}-{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"
    return name


def _escape(char: str) -> str:
    if not char:
        return "%00"
    escaped = quote(char, safe="", errors="surrogatepass")
    return escaped if escaped != char else f"%{ord(char):02X}"


def site_folder(target: Path, site: str) -> Path:
    """Return where a site's files go: under its first one, two and three characters.

    >>> site_folder(Path("corpus"), "intently.co").as_posix()
    'corpus/i/in/int/intently.co'
    """
    name = safe_name(site)
    return target.joinpath(*(name[:length] for length in (1, 2, 3)), name)


def write_file(path: Path, chunks: Iterable[str | bytes], *, within: Path) -> bool:
    """Write a file whole or not at all; return False when it already held this.

    Raises ExportError when a link would lead it out of the folder `within`.
    """
    with build_file(path, within=within) as built, built.open() as file:
        for chunk in chunks:
            file.write(chunk if isinstance(chunk, bytes) else chunk.encode("utf-8", "surrogatepass"))
    return built.is_new


class BuiltFile:
    """A file that is being made, beside the one whose place it takes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        """Empty at first; another program may write it, too."""
        self.is_new = True
        """In the end: whether the place held something else before."""

    def open(self) -> BinaryIO:
        """Open it for writing; no link that somebody put in its place is followed."""
        descriptor = os.open(self.path, os.O_WRONLY | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0))
        return open(descriptor, "wb")  # noqa: PTH123 (a descriptor)


@contextmanager
def build_file(path: Path, *, within: Path) -> Iterator[BuiltFile]:
    """Give a file to be made; when the block ends well it takes the place of `path`, else it is gone.

    Raises ExportError when a link would lead it out of the folder `within`, or it cannot be written,
    DiskFullError.
    """
    try:
        if not path.parent.resolve().is_relative_to(within.resolve()):
            raise ExportError(f"{path.parent} leads out of {within}: remove the link, or export elsewhere")
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".{path.name}.unfinished")
        unfinished.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
        os.close(os.open(unfinished, flags, 0o644))
        built = BuiltFile(unfinished)
        try:
            yield built
            with unfinished.open("rb") as file:
                os.fsync(file.fileno())
            point("before-rename")
            built.is_new = not _holds_same(path, unfinished)
            if built.is_new:
                unfinished.replace(path)  # a link that stands there is replaced, not followed
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        if error.errno == 28:  # ENOSPC
            raise DiskFullError(f"the disk of {within} is full: free some space and export again") from error
        raise ExportError(f"{path} cannot be written: {error.strerror or error}") from error


def _holds_same(path: Path, other: Path) -> bool:
    if path.is_symlink() or not path.is_file() or path.stat().st_size != other.stat().st_size:
        return False
    with path.open("rb") as one, other.open("rb") as two:
        while chunk := one.read(1 << 16):
            if chunk != two.read(1 << 16):
                return False
    return True
