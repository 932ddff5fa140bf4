"""Which WARC files a user means: files, folders below folders, and those packed into WACZ files."""

from __future__ import annotations

import errno
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from policy_archive.crawler.core.errors import UsageError

WARC_SUFFIXES = (".warc", ".warc.gz", ".arc", ".arc.gz")
SUFFIXES = (*WARC_SUFFIXES, ".wacz")
_MOST_TIMES = 20
"""That a WACZ may grow when unpacked: its WARC files are stored as they are, a bomb grows a thousandfold."""


@dataclass(frozen=True, kw_only=True)
class WarcFile:
    """One WARC file, where it lies now and what it is called."""

    path: Path
    name: str
    """Its own, or that of the WACZ and its own within that: `crawl.wacz: data.warc.gz`."""
    container: Path
    """The file that the user has: the WARC file itself, or the WACZ."""


def is_web_archive(path: str | Path) -> bool:
    """Return whether a file's name is that of a WARC, ARC or WACZ file."""
    return str(path).lower().endswith(SUFFIXES)


def find_warcs(places: Sequence[Path]) -> list[Path]:
    """Return the files named, and the WARC and WACZ files in and below the folders named, by name.

    Raises UsageError if a folder holds none.
    """
    found: list[Path] = []
    for place in places:
        if not place.is_dir():
            found.append(place)
            continue
        inside = sorted(path for path in place.rglob("*") if is_web_archive(path) and path.is_file())
        if not inside:
            raise UsageError(f"'{place}' holds no WARC files: name a folder with *.warc.gz or *.wacz in it.")
        found += inside
    return found


@contextmanager
def unpack_warcs(
    paths: Sequence[Path], *, on_fault: Callable[[Path, UsageError], None] | None = None
) -> Iterator[list[WarcFile]]:
    """Give the WARC files, those of WACZ files unpacked for as long as the block lasts.

    Raises UsageError for a WACZ that is none, is damaged, or holds no WARC file; `on_fault` takes it instead.
    """
    with tempfile.TemporaryDirectory(prefix="policy-archive-") as folder:
        files: list[WarcFile] = []
        for number, path in enumerate(paths):
            if path.name.lower().endswith(".wacz"):
                try:
                    files += _unpack(path, Path(folder) / str(number))
                except UsageError as error:
                    if on_fault is None:
                        raise
                    on_fault(path, error)
            else:
                files.append(WarcFile(path=path, name=path.name, container=path))
        yield files


def _unpack(wacz: Path, folder: Path) -> list[WarcFile]:
    folder.mkdir()
    room = _MOST_TIMES * wacz.stat().st_size
    files = []
    try:
        with zipfile.ZipFile(wacz) as archive:
            members = [one for one in archive.infolist() if one.filename.lower().endswith(WARC_SUFFIXES)]
            for number, member in enumerate(members):
                own = member.filename.rpartition("/")[2]
                room -= member.file_size
                if room < 0:
                    raise UsageError(
                        f"'{wacz.name}' unpacks to more than {_MOST_TIMES} times its size: not read."
                    )
                target = folder / f"{number}{''.join(s for s in WARC_SUFFIXES if own.lower().endswith(s))}"
                with archive.open(member) as packed, target.open("wb") as unpacked:
                    shutil.copyfileobj(packed, unpacked)
                files.append(WarcFile(path=target, name=f"{wacz.name}: {own}", container=wacz))
    except UsageError:
        raise
    except Exception as error:  # zipfile and what it unpacks with raise a dozen kinds for damaged files
        if isinstance(error, OSError) and error.errno != errno.EINVAL:
            raise  # a full disk is no fault of the file; a place before its beginning is
        raise UsageError(f"'{wacz.name}' is no WACZ file, or a damaged one: {error}") from error
    if not files:
        raise UsageError(f"'{wacz.name}' holds no WARC file in its folder archive/.")
    return files
