"""Connections to the one SQLite file: made, checked, upgraded; transactions that wait for their turn."""

from __future__ import annotations

import errno
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from policy_archive.crawler.core.cache import SHORT, remembered
from policy_archive.crawler.core.errors import DiskFullError, StoreError, UsageError
from policy_archive.crawler.core.failpoints import point
from policy_archive.pipelines.store.names import APPLICATION_ID, MIGRATION_SET, MIGRATIONS, TABLES
from policy_archive.pipelines.store.packed import NOTICE, is_dense, register

if TYPE_CHECKING:
    from sqlite_utils import Database

BUSY_TIMEOUT_SECONDS = 10.0
"""How long SQLite itself waits for another writer."""
TRANSACTION_TRIES = 7
"""A transaction that found the database locked starts again: about 70 s in all, then it is an error."""

_Result = TypeVar("_Result")


class Connection(sqlite3.Connection):
    """A connection that knows which file it writes to, whatever bears the file's name by now."""

    written_file: tuple[str, int, int] | None = None
    """Path, device and inode; None for a reader."""


_OPENING = (sqlite3.Error, OSError, UnicodeDecodeError)
"""What opening a database raises; the last when SQLite quotes a damaged schema, bytes that are no text."""


def open_writer(path: Path) -> sqlite3.Connection:
    """Return the connection of a writer; the file is made, or upgraded after a copy of it was laid aside.

    WAL, so that readers never wait for a crawl; NORMAL, which in WAL mode
    cannot tear a transaction, only lose the last ones with the power.

    Raises StoreError when the file is not ours, newer than the program, locked or unreadable;
    UsageError when the name would be none of a file.
    """
    check_name(path)
    try:
        connection = _connect(str(path))
        _check_ours(connection, path)
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = normal")
        connection.execute("pragma foreign_keys = on")
        connection.written_file = _identify(str(_path_of(connection)))
        _upgrade(connection, path)
        register(connection)  # last: its views would hide the file's from a migration
    except _OPENING as error:
        raise explain(error, path) from error
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """Return a read-only connection that works while a crawl writes; rows can be read by column name.

    Never `immutable=1`: that ignores the write-ahead log.

    Raises StoreError when there is no such database, or one that is not ours or of another release.
    """
    connection = open_read_only(path)
    try:
        _check_plain(connection, path)
        if not set(_applied(connection)).issuperset(MIGRATIONS):
            raise StoreError(_describe_unready(path))
    except BaseException as error:
        connection.close()
        if isinstance(error, _OPENING):
            raise explain(error, path) from error
        raise
    return connection


@contextmanager
def one_state(connection: sqlite3.Connection) -> Iterator[None]:
    """Let all that is read in the block be of one state of the database, though a crawl writes meanwhile.

    Without it each statement sees what was committed until then: a version is found, and its text is gone. A
    crawl is not kept waiting; what it writes meanwhile stays in the log until the block ends.
    """
    if connection.in_transaction:  # of a block around this one
        yield
        return
    connection.execute("begin")
    try:
        yield
    finally:
        connection.rollback()


def open_read_only(path: Path) -> sqlite3.Connection:
    """Return a read-only connection to a corpus of this release or of an earlier one.

    Raises StoreError when there is no such database, or one that is not ours or newer than the program.
    """
    check_there(path)
    try:
        connection = _connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
        connection.execute("pragma query_only = on")
        _check_ours(connection, path)
        register(connection)
    except _OPENING as error:
        raise explain(error, path) from error
    return connection


def check_name(path: Path) -> None:
    """Raise UsageError for a name that SQLite takes for something else than a file: nothing would be kept."""
    if str(path).lower().startswith((":", "file:")):
        raise UsageError(
            f"{path} is no name for a database: SQLite would not write a file of that name; "
            "name another one with --db"
        )


def check_content(path: Path) -> None:
    """Raise StoreError when a file is there, has content, and begins as no SQLite database does."""
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError:  # none there, or none that we may read: who opens it says so
        return
    if head and head != b"SQLite format 3\0":
        raise StoreError(
            f"{path} is no SQLite database, or a damaged one: name another file, or restore a backup of it"
        )


def check_there(path: Path) -> None:
    """Raise StoreError when there is no such file: not every writer is to make one of a mistyped name."""
    check_name(path)
    if not path.is_file():
        raise StoreError(
            f"there is no database {path}: make one with 'policy-archive fetch example.com --db {path}'"
        )


def _describe_unready(path: Path) -> str:
    if path.stat().st_size == 0:
        return f"{path} is empty: 'policy-archive fetch example.com --db {path}' makes a database of it"
    return f"{path} was made by an earlier release: 'policy-archive update --db {path}' upgrades it"


def is_corpus(path: Path) -> bool:
    """Return whether a file is a corpus of ours; False also when it cannot be read."""
    try:
        return _has_our_id(path.resolve().as_uri(), path.stat().st_mtime_ns)
    except (sqlite3.Error, OSError):
        return False


@remembered(64, longest=SHORT)
def _has_our_id(uri: str, changed_at: int) -> bool:
    # asked of SQLite, for the file's own header may be older than the write-ahead log
    with closing(_connect(f"{uri}?mode=ro", uri=True)) as connection:
        (application_id,) = connection.execute("pragma application_id").fetchone()
        return bool(application_id == APPLICATION_ID)


def is_dense_file(path: Path) -> bool:
    """Return whether a file is a corpus whose texts are packed; False also when it cannot be read."""
    try:
        return _is_dense(path.resolve().as_uri(), path.stat().st_mtime_ns)
    except (sqlite3.Error, OSError):
        return False


@remembered(64, longest=SHORT)
def _is_dense(uri: str, changed_at: int) -> bool:
    with closing(_connect(f"{uri}?mode=ro", uri=True)) as connection:
        return is_dense(connection)


def write(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], _Result]) -> _Result:
    """Return what `work` returns, done in one transaction: all of it is stored, or nothing.

    BEGIN IMMEDIATE: a transaction that reads first and writes later is refused
    at once when another writer came between, whatever the time-out says. When the
    lock cannot be had the whole of `work` runs again, so it must only write here.

    Raises StoreError (DiskFullError) when it cannot be stored, also because the
    file was deleted, moved or replaced: what is written then reaches nobody.
    """
    check_same_file(connection)
    result = _write_in_turn(connection, work)
    check_same_file(connection)
    return result


def check_same_file(connection: sqlite3.Connection) -> None:
    """Raise StoreError when the name of a writer's file stands for another file by now, or for none.

    SQLite goes on writing to the file that it opened, and would say that all is well.
    """
    written = getattr(connection, "written_file", None)
    if written is None or _identify(written[0]) == written:
        return
    raise StoreError(
        f"{written[0]} was deleted, moved or replaced while this ran: what was stored since then "
        "is not in it; put the file back, or restore a backup, then run the same command again"
    )


def _identify(path: str) -> tuple[str, int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116 (asked twice a transaction: no Path is built for it)
    except OSError:
        return None
    return path, found.st_dev, found.st_ino


def _write_in_turn(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], _Result]) -> _Result:
    for tries_left in reversed(range(TRANSACTION_TRIES)):
        try:
            return _transact(connection, work)
        except (sqlite3.DatabaseError, OSError) as error:
            if isinstance(error, sqlite3.DatabaseError) and not is_of_file(error):
                raise
            if not (tries_left and _is_locked(error)):
                raise explain(error, _path_of(connection)) from error
            time.sleep(0.1)
    raise AssertionError("unreachable")


def _transact(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], _Result]) -> _Result:
    connection.execute("begin immediate")
    try:
        result = work(connection)
        point("before-commit")
        connection.execute("commit")
    except BaseException:
        # a full disk has rolled back already: a second rollback would hide the cause
        if connection.in_transaction:
            connection.execute("rollback")
        raise
    point("after-commit")
    return result


def _connect(target: str, *, uri: bool = False) -> Connection:
    connection = sqlite3.connect(
        target, uri=uri, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None, factory=Connection
    )
    connection.row_factory = sqlite3.Row
    return connection


def _wrap(connection: sqlite3.Connection) -> Database:
    from sqlite_utils import Database  # it loads numpy where there is one, which no reader needs

    return Database(connection, recursive_triggers=False, execute_plugins=False)


def _applied(connection: sqlite3.Connection) -> list[str]:
    """Return the names of the migrations that made this database, in order; none of an empty one."""
    if connection.execute("select 1 from sqlite_master where name = '_sqlite_migrations'").fetchone() is None:
        return []
    rows = connection.execute(
        "select name from _sqlite_migrations where migration_set = ? order by rowid", (MIGRATION_SET,)
    )
    return [row["name"] for row in rows]


def _check_ours(connection: sqlite3.Connection, path: Path) -> None:
    (application_id,) = connection.execute("pragma application_id").fetchone()
    (tables,) = connection.execute("select count(*) from sqlite_master").fetchone()
    if application_id == APPLICATION_ID:
        _check_not_newer(connection, path)
    elif tables or application_id:
        raise StoreError(f"{path} is a SQLite file of another program: name another one with --db")


def _check_plain(connection: sqlite3.Connection, path: Path) -> None:
    """Raise StoreError when somebody put a program (a view, a computed column) where a table of ours stands.

    It may never end, or make values of a gigabyte: no corpus that we wrote has one.
    """
    found = connection.execute(_NO_PLAIN_TABLE).fetchone()
    if found is not None:
        raise StoreError(f"{path} is no corpus of ours: its '{found[0]}' is no plain table")


_NO_PLAIN_TABLE = f"""
select name from sqlite_master where name in {(*TABLES, NOTICE)} and type in ('table', 'view')
and (type = 'view' or sql like 'create virtual %'
    or exists (select 1 from pragma_table_xinfo(sqlite_master.name) where hidden > 1))
"""  # noqa: S608 (names of ours)


def _check_not_newer(connection: sqlite3.Connection, path: Path) -> None:
    unknown = [name for name in _applied(connection) if name not in MIGRATIONS]
    if unknown:
        raise StoreError(
            f"{path} was written by a newer release of policy-archive ({unknown[-1]}): upgrade the program; "
            "nothing was changed"
        )


def _upgrade(connection: sqlite3.Connection, path: Path) -> None:
    """Apply the migrations that are missing, all in one transaction; an existing database is copied first."""
    applied = _applied(connection)
    if set(applied).issuperset(MIGRATIONS):
        return
    if applied:
        _lay_copy_aside(connection, path.with_name(f"{path.name}.before-{applied[-1]}"))
        point("after-backup")
    write(connection, _migrate)


def _migrate(connection: sqlite3.Connection) -> None:
    # sqlite-utils loads them where they are, .3 and .1 s for types that no migration has
    with _without("pandas"), _without("numpy"):
        from policy_archive.pipelines.store.schema import migrations

    # a second writer may have done it while this one waited for the lock: then nothing is pending
    migrations.apply(_wrap(connection))
    point("in-migration")


@contextmanager
def _without(module: str) -> Iterator[None]:
    """Let what is imported in the block find no such module, unless it is loaded already."""
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[module]


def _lay_copy_aside(connection: sqlite3.Connection, copy: Path) -> None:
    unfinished = copy.with_name(f"{copy.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    target = sqlite3.connect(unfinished)
    try:
        connection.backup(target)
    finally:
        target.close()
    unfinished.replace(copy)


def explain(error: Exception, path: Path | str) -> StoreError:
    """Return our error for one of SQLite's or the system's: one sentence that says what to do.

    `path` may be words, where nobody knows which database it was.
    """
    if getattr(error, "errno", None) == errno.ENOSPC or error_code(error) == sqlite3.SQLITE_FULL:
        return DiskFullError(
            f"the disk of {path} is full: everything committed is kept; free some space, "
            "then run the same command again"
        )
    if _is_locked(error):
        return StoreError(f"{path} is locked by another program: try again when that has ended")
    if error_code(error) in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return StoreError(f"{path} is no SQLite database, or a damaged one ({error}): restore a backup of it")
    if error_code(error) == sqlite3.SQLITE_CANTOPEN and not _lies_in_read_only_folder(path):
        return StoreError(f"{path} cannot be opened: is there such a folder, and may you write to it?")
    if error_code(error) in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN):
        return StoreError(
            f"{path} or its folder is read-only: what 'policy-archive backup' writes can be read there"
        )
    return StoreError(f"{path}: {error}")


def _lies_in_read_only_folder(path: Path | str) -> bool:
    """Return whether a database is there, but not what readers of a write-ahead log must write beside it."""
    return os.path.isfile(path) and not os.access(Path(path).absolute().parent, os.W_OK)  # noqa: PTH113


@contextmanager
def explained(path: Path | str) -> Iterator[None]:
    """Raise our error (StoreError) for one of SQLite's in the block that is the file's fault, not ours."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        if not is_of_file(error):
            raise
        raise explain(error, path) from error


def is_of_file(error: sqlite3.Error) -> bool:
    """Return whether it is the file, the disk or another program that is at fault, and no statement of
    ours.
    """
    return error_code(error) in _OF_FILE


_OF_FILE = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_READONLY,
    }
)


def error_code(error: Exception) -> int:
    """Return SQLite's primary error code; the extended one says more than is needed here.

    A text that is no UTF-8 is damage as any other, but Python says so itself, and without a code.
    """
    if isinstance(error, UnicodeDecodeError) or str(error).startswith("Could not decode to UTF-8"):
        return sqlite3.SQLITE_CORRUPT
    return (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF


def _is_locked(error: Exception) -> bool:
    return error_code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _path_of(connection: sqlite3.Connection) -> Path:
    return Path(connection.execute("pragma database_list").fetchone()["file"])
