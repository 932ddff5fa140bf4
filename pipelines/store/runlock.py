"""One run at a time on a database: who comes second is told who holds it, who died holds it no longer."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from policy_archive.crawler.core.errors import InUseError, StoreError
from policy_archive.crawler.core.timestamps import now_iso, seconds_now
from policy_archive.pipelines.store.connection import check_content, check_name

HEARTBEAT_SECONDS = 20.0
STALE_SECONDS = 180.0
"""So long after its last heartbeat another machine's run counts as dead; clocks may differ by less."""

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_held: set[Path] = set()


@dataclass(frozen=True, kw_only=True)
class Holder:
    """Who runs on a database."""

    pid: int
    host: str
    machine: str
    """Tells one running kernel from another: containers of one machine share it, whatever their names."""
    since: str
    """ISO 8601 UTC."""
    command: str
    heartbeat: float
    """Seconds since 1970, by the holder's clock."""

    def describe(self) -> str:
        """Return the holder in a few words."""
        return f"'{self.command}', process {self.pid} on {self.host}, since {self.since}"


def lock_path(database: Path) -> Path:
    """Return the file beside a database that its run holds locked."""
    database = database.resolve()
    return database.with_name(f"{database.name}.lock")


@contextmanager
def hold_lock(database: Path, command: str) -> Iterator[Holder | None]:
    """Hold the database for one run; yields the dead holder that it was taken over from, or None.

    The system frees the lock when its process ends, however it ends. A file system that is
    shared by machines may not pass locks on: there the holder's heartbeat counts. A process
    that holds the lock already may take it once more.

    Raises InUseError, which says who holds it; UsageError when the name would be none of a file.
    """
    check_name(database)
    path = lock_path(database)
    if path in _held:
        yield None
        return
    check_content(database)  # before a lock is laid beside a file that is none of ours
    descriptor = _open(path, database)
    try:
        before = _take(descriptor, database)
        _held.add(path)
        stop = threading.Event()
        beat = threading.Thread(target=_beat, args=(descriptor, command, stop), name="run-lock", daemon=True)
        _write(descriptor, _describe_self(command))
        beat.start()
        try:
            yield before
        finally:
            stop.set()
            beat.join()
            _held.discard(path)
            os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def read_holder(database: Path) -> Holder | None:
    """Return who runs on a database now, None when nobody does."""
    path = lock_path(database)
    if not path.exists():
        return None
    if path in _held:
        return _parse(path.read_bytes())
    descriptor = os.open(path, os.O_RDONLY)
    try:
        holder = _read(descriptor)
        if _try_lock(descriptor, shared=True):
            return holder if holder and _lives_elsewhere(holder) else None
        return holder
    finally:
        os.close(descriptor)


def _open(path: Path, database: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise StoreError(
            f"{database} cannot be opened: is there such a folder, and may you write to it?"
        ) from error


def _take(descriptor: int, database: Path) -> Holder | None:
    """Lock the file; return whose it was if they never gave it back."""
    taken = _try_lock(descriptor)
    holder = _read(descriptor)
    if taken and not (holder and _lives_elsewhere(holder)):
        return holder
    who = holder.describe() if holder else "another process"
    raise InUseError(f"{database} is in use: {who}. Try again when it has ended.")


def _try_lock(descriptor: int, *, shared: bool = False) -> bool:
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lives_elsewhere(holder: Holder) -> bool:
    """Return whether it is a living process of another machine, whose lock may not be seen from here."""
    return holder.machine != _machine() and abs(seconds_now() - holder.heartbeat) < STALE_SECONDS


def _beat(descriptor: int, command: str, stop: threading.Event) -> None:
    holder = _describe_self(command)
    while not stop.wait(HEARTBEAT_SECONDS):
        _write(descriptor, Holder(**asdict(holder) | {"heartbeat": seconds_now()}))


def _describe_self(command: str) -> Holder:
    return Holder(
        pid=os.getpid(),
        host=socket.gethostname(),
        machine=_machine(),
        since=now_iso(),
        command=command,
        heartbeat=seconds_now(),
    )


@cache
def _machine() -> str:
    try:
        return _BOOT_ID.read_text("ascii").strip()
    except OSError:
        return socket.gethostname()


def _write(descriptor: int, holder: Holder) -> None:
    content = json.dumps(asdict(holder)).encode()
    os.pwrite(descriptor, content, 0)
    os.ftruncate(descriptor, len(content))


def _read(descriptor: int) -> Holder | None:
    return _parse(os.pread(descriptor, 65_536, 0))


def _parse(content: bytes) -> Holder | None:
    try:
        return Holder(**json.loads(content))
    except (ValueError, TypeError):  # empty: given back; torn: its writer died
        return None
