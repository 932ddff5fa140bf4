"""A copy of a database that is whole, taken while others write to it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path

from policy_archive.crawler.core.errors import InUseError, StoreError, UsageError
from policy_archive.crawler.core.failpoints import point
from policy_archive.pipelines.store.connection import check_name, error_code, explain
from policy_archive.pipelines.store.runlock import hold_lock, lock_path

PAGES_A_STEP = 4096
"""16 MB at SQLite's usual page: progress is seen after each step."""
_SIDE_FILES = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside a database; it plays the log of an earlier file over whatever bears the name."""


def copy_database(
    connection: sqlite3.Connection,
    target: Path,
    *,
    overwrite: bool = False,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> int:
    """Write one moment of an open database to a file; return its bytes. It is there whole or not at all.

    `on_progress` gets the bytes done and the bytes in all. A read transaction holds the moment:
    without it SQLite begins anew at each write of another process.

    Raises UsageError when the file is there already, InUseError when another process has it open,
    StoreError (DiskFullError) when it cannot be written.
    """
    check_name(target)
    if not overwrite:
        _check_free(target)
    _check_other_file(connection, target)
    unfinished = target.with_name(f"{target.name}.unfinished")
    try:
        # where no run ever was there is no lock, and none is left to lie beside a backup
        with hold_lock(target, "backup") if lock_path(target).exists() else nullcontext():
            unfinished.unlink(missing_ok=True)
            with _one_moment(connection):
                _copy(connection, unfinished, on_progress)
            point("in-backup")
            _sync(unfinished)
            _close_earlier(target)
            unfinished.replace(target)
            _sync(target.absolute().parent)
    except (sqlite3.Error, OSError) as error:
        raise explain(error, target) from error
    finally:  # also when the user stops it
        unfinished.unlink(missing_ok=True)
    return target.stat().st_size


def _check_free(target: Path) -> None:
    for path in (target, *_side_files(target)):
        if path.exists():
            raise UsageError(f"{path} is there already: name another file, or give --force.")


def _side_files(database: Path) -> list[Path]:
    database = database.resolve()
    return [database.with_name(database.name + suffix) for suffix in _SIDE_FILES]


def _close_earlier(target: Path) -> None:
    """Leave nothing beside the file that is to be replaced: its log goes into it, or away with it.

    Raises InUseError when another process has it open: that one would write into the new file.
    """
    if target.exists():
        try:
            with closing(sqlite3.connect(target.absolute(), timeout=0, isolation_level=None)) as earlier:
                # leaving WAL, and locking the file, is refused as long as anybody else has it open
                earlier.execute("pragma journal_mode = delete")
                earlier.execute("begin exclusive")
                earlier.execute("rollback")
        except sqlite3.OperationalError as error:
            if error_code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise InUseError(
                    f"{target} is open in another program: end that, or name another file"
                ) from error
        except sqlite3.DatabaseError:  # no database, or a damaged one: it goes as a whole
            pass
    for path in _side_files(target):
        path.unlink(missing_ok=True)


def _check_other_file(connection: sqlite3.Connection, target: Path) -> None:
    source = Path(connection.execute("pragma database_list").fetchone()["file"])
    if target.exists() and target.samefile(source):
        raise UsageError(f"{target} is the database itself: name another file.")


@contextmanager
def _one_moment(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("begin")
    try:
        connection.execute("select count(*) from sqlite_master").fetchone()  # now the moment is chosen
        yield
    finally:
        connection.execute("commit")


def _copy(connection: sqlite3.Connection, path: Path, on_progress: Callable[[int, int], None]) -> None:
    (page,) = connection.execute("pragma page_size").fetchone()

    def show(status: int, remaining: int, total: int) -> None:
        on_progress((total - remaining) * page, total * page)

    with closing(sqlite3.connect(path)) as copy:
        copy.execute("pragma journal_mode = off")  # what breaks off is thrown away whole
        connection.backup(copy, pages=PAGES_A_STEP, sleep=0, progress=show)
        copy.execute("pragma journal_mode = delete")  # one file, nothing beside it
        (verdict,) = copy.execute("pragma quick_check(1)").fetchone()
        if verdict != "ok":
            where = " ".join(verdict.split())
            raise StoreError(f"the copy is damaged ({where}): run 'policy-archive verify' on the original")


def _sync(path: Path) -> None:
    """Have the system write a file, or a folder's list of files, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
