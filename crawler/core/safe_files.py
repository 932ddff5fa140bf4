"""Files that are there whole or not at all, under names that cannot leave their folder."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
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


def write_file(path: Path, chunks: Iterable[str], *, within: Path) -> bool:
    """Write a file whole or not at all; return False when it already held this.

    Raises ExportError when a link would lead it out of the folder `within`.
    """
    try:
        if not path.parent.resolve().is_relative_to(within.resolve()):
            raise ExportError(f"{path.parent} leads out of {within}: remove the link, or export elsewhere")
        path.parent.mkdir(parents=True, exist_ok=True)
        return _replace(path, chunks)
    except OSError as error:
        if error.errno == 28:  # ENOSPC
            raise DiskFullError(f"the disk of {within} is full: free some space and export again") from error
        raise ExportError(f"{path} cannot be written: {error.strerror}") from error


def _replace(path: Path, chunks: Iterable[str]) -> bool:
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(
        unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o644
    )
    try:
        with open(descriptor, "w", encoding="utf-8", errors="surrogatepass", newline="") as file:  # noqa: PTH123
            file.writelines(chunks)
            file.flush()
            os.fsync(file.fileno())
        point("before-rename")
        if _holds_same(path, unfinished):
            return False
        unfinished.replace(path)  # a link that stands there is replaced, not followed
    finally:
        unfinished.unlink(missing_ok=True)
    return True


def _holds_same(path: Path, other: Path) -> bool:
    if path.is_symlink() or not path.is_file() or path.stat().st_size != other.stat().st_size:
        return False
    with path.open("rb") as one, other.open("rb") as two:
        while chunk := one.read(1 << 16):
            if chunk != two.read(1 << 16):
                return False
    return True


class CountedLines:
    """Lines that count themselves while they are written."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = lines
        self.count = 0

    def __iter__(self) -> Iterator[str]:
        for line in self.lines:
            self.count += 1
            yield line
