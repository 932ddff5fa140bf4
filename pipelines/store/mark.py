"""What tells whether a database was written to since it was last looked at."""

from __future__ import annotations

import hashlib
from pathlib import Path

_INDEX_HEADER_BYTES = 48
"""Of the write-ahead log's index (sqlite.org/walformat.html, 2.1): a counter of transactions, and the
checksum of the last one."""


def read_mark(path: Path) -> str:
    """Return 24 hex digits that every commit changes; the same for every connection and process.

    `pragma data_version` is true for one connection alone. Here it is read from what all of them share: the
    head of the log's index, and size and time of the file, into which the log goes now and then.
    Asked *before* something is read, it never names a state newer than what was read.
    """
    digest = hashlib.sha256()
    for file in (path, path.with_name(f"{path.name}-wal")):
        try:
            found = file.stat()
        except FileNotFoundError:
            continue
        digest.update(f"{found.st_ino} {found.st_size} {found.st_mtime_ns};".encode())
    try:
        with path.with_name(f"{path.name}-shm").open("rb") as index:
            digest.update(index.read(_INDEX_HEADER_BYTES))
    except FileNotFoundError:
        pass  # nobody has it open, or it is not in WAL mode
    return digest.hexdigest()[:24]


def read_changed_at(path: Path) -> float:
    """Return when the database was written to last, in seconds since 1970."""
    files = (path, path.with_name(f"{path.name}-wal"))
    return max(file.stat().st_mtime for file in files if file.exists())
