"""Where a file lies: on this machine, or at an address that fsspec knows (https://, s3://, gs://)."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from policy_archive.crawler.core.errors import UsageError

_ADDRESS = re.compile("[a-z][a-z0-9+.-]+://")


def is_address(place: str) -> bool:
    """Return whether a place is an address, not a path."""
    return _ADDRESS.match(place) is not None


def read_facts(place: str) -> tuple[int, str]:
    """Return size and what changes with the bytes: time of the last write, or entity tag.

    Raises UsageError when there is no such file.
    """
    if not is_address(place):
        try:
            found = Path(place).stat()
        except OSError as error:
            raise UsageError(f"'{place}' cannot be read: {error.strerror}.") from error
        return found.st_size, str(found.st_mtime_ns)
    files, path = _open_files(place)
    with _naming(place):
        info = files.info(path)
        tags = (info.get(name) for name in ("ETag", "etag", "LastModified", "last_modified", "mtime"))
        return int(info.get("size") or 0), next((str(tag) for tag in tags if tag), "")


@contextmanager
def open_place(place: str) -> Iterator[Path]:
    """Give a file on this machine: the one that is there, or a copy for as long as the block lasts.

    Raises UsageError when it cannot be had.
    """
    if not is_address(place):
        yield Path(place)
        return
    files, path = _open_files(place)
    with tempfile.TemporaryDirectory(prefix="policy-archive-") as folder:
        copy = Path(folder) / place.rpartition("/")[2].partition("?")[0]
        with _naming(place):
            files.get_file(path, str(copy))
        yield copy


def read_range(place: str, offset: int, length: int) -> bytes:
    """Return some bytes of a file at an address; raises UsageError."""
    files, path = _open_files(place)
    with _naming(place):
        content: bytes = files.cat_file(path, start=offset, end=offset + length)
    return content[:length]


def _open_files(place: str) -> tuple[Any, str]:
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise UsageError(
            f"'{place}' is an address, which needs fsspec: pip install 'policy-archive[cluster]'."
        ) from error
    try:
        files, path = url_to_fs(place)
    except (ImportError, ValueError) as error:  # s3:// wants s3fs, gs:// gcsfs: it says so
        raise UsageError(f"'{place}' cannot be opened: {error}") from error
    return files, path


@contextmanager
def _naming(place: str) -> Iterator[None]:
    """Make of whatever a store of files raises a sentence with its address."""
    try:
        yield
    except Exception as error:  # each store has errors of its own
        reason = str(error).split("\n")[0][:200] or type(error).__name__
        raise UsageError(f"'{place}' cannot be read: {reason}") from error
