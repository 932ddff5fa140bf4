"""What tells whether a database was written to since it was last looked at."""

from __future__ import annotations

import hashlib
import time
import uuid
from pathlib import Path

_SETTLED_NANOSECONDS = 100_000_000
"""Ten times the step of the slowest clock that a kernel writes into files."""


def read_mark(path: Path) -> str:
    """Return 24 hex digits that every commit changes; the same for every connection and process.

    `pragma data_version` is true for one connection alone. Here it is read from what all of them share: size
    and time of the file and of its write-ahead log. A file that was written to just now gets a mark that
    nothing else has: a second commit within one step of the clock would leave its time as it is.
    Asked *before* something is read, a mark never names a state newer than what was read.

    No file is opened here. Closing one, or its `-shm`, would take from SQLite every lock that this process
    has on it (sqlite.org/howtocorrupt.html, 2.2), and readers would read what a crawl is overwriting.
    """
    digest = hashlib.sha256()
    now = time.time_ns()
    for file in (path, path.with_name(f"{path.name}-wal")):
        try:
            found = file.stat()
        except FileNotFoundError:
            continue
        digest.update(f"{found.st_ino} {found.st_size} {found.st_mtime_ns};".encode())
        if found.st_mtime_ns + _SETTLED_NANOSECONDS > now:
            digest.update(uuid.uuid4().bytes)
    return digest.hexdigest()[:24]


def read_changed_at(path: Path) -> float:
    """Return when the database was written to last, in seconds since 1970."""
    changed_at = path.stat().st_mtime
    try:
        return max(changed_at, path.with_name(f"{path.name}-wal").stat().st_mtime)
    except FileNotFoundError:
        return changed_at
