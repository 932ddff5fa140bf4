"""Opening, refusing, upgrading, waiting: what stands between a corpus and a lost capture."""

from __future__ import annotations

import shutil
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from sqlite_utils import Database

from policy_archive.crawler.core.errors import DiskFullError, StoreError
from policy_archive.pipelines.store.connection import open_reader, open_writer, write
from policy_archive.pipelines.store.names import MIGRATIONS
from policy_archive.pipelines.store.schema import migrations
from policy_archive.pipelines.store.writer import Store
from tests.support import programs
from tests.support.synthetic import PRIVACY, make_capture, make_reading, make_row, store_texts


def test_a_new_file_is_in_wal_mode_with_foreign_keys_and_our_mark(tmp_path: Path) -> None:
    with Store.open(tmp_path / "policies.db") as store:
        pragmas = [
            store.connection.execute(f"pragma {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "foreign_keys", "application_id")
        ]
    assert pragmas == ["wal", 1, 1, 0x504F4C41]


@pytest.mark.parametrize("open_it", [Store.open, open_reader], ids=["writer", "reader"])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no database at all, but long enough to be read as a header " * 20, "is no SQLite database"),
        ("create table other (x)", "of another program"),
    ],
    ids=["text file", "other program"],
)
def test_a_file_that_is_not_ours_is_refused_and_left_alone(
    tmp_path: Path, open_it, content, message: str
) -> None:
    path = tmp_path / "other.db"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        with sqlite3.connect(path) as connection:
            connection.execute(content)
        connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match=message):
        open_it(path)
    assert path.read_bytes() == before


def test_what_is_read_only_is_said_to_be(tmp_path: Path) -> None:
    path = tmp_path / "policies.db"
    Store.open(path).close()
    with (
        closing(open_reader(path)) as connection,
        pytest.raises(StoreError, match="is read-only: what 'policy"),
    ):
        write(connection, lambda c: c.execute("insert into sites (site) values ('x.example')"))


@pytest.mark.parametrize("open_it", [Store.open, open_reader], ids=["writer", "reader"])
def test_a_database_of_a_newer_release_is_refused_and_left_alone(tmp_path: Path, open_it) -> None:
    path = tmp_path / "policies.db"
    with Store.open(path) as store:
        store.connection.execute(
            "insert into _sqlite_migrations (migration_set, name, applied_at) "
            "values ('policy_archive', 'm999_from_the_future', '2030-01-01')"
        )
    with pytest.raises(StoreError, match=r"newer release of policy-archive \(m999"):
        open_it(path)


def test_a_missing_database_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="policy-archive fetch"):
        open_reader(tmp_path / "none.db")
    assert not (tmp_path / "none.db").exists()


def test_the_names_that_readers_know_are_those_of_the_migrations() -> None:
    assert tuple(found.name for found in migrations.pending(Database(memory=True))) == MIGRATIONS


def old_database(path: Path) -> None:
    """Make a database as a release with one migration less would have left it."""
    database = Database(path)
    last = migrations.pending(database)[-1].name
    migrations.apply(database, stop_before=last)
    database.close()


def test_an_older_database_is_copied_then_upgraded(tmp_path: Path) -> None:
    path = tmp_path / "policies.db"
    old_database(path)
    with pytest.raises(StoreError, match="earlier release"):
        open_reader(path)
    with Store.open(path) as store:
        store_texts(store, [("20180101", "Text.\n")])
    (copy,) = tmp_path.glob("policies.db.before-*")
    with sqlite3.connect(copy) as connection:
        assert connection.execute("select count(*) from documents").fetchone() == (0,)
    connection.close()


@pytest.mark.parametrize("fault", ["after-backup:exit", "in-migration:exit", "before-commit:exit"])
def test_an_upgrade_killed_half_way_is_done_by_the_next_start(tmp_path: Path, fault: str) -> None:
    path = tmp_path / "policies.db"
    old_database(path)
    script = f"from policy_archive.pipelines.store.writer import Store; Store.open({str(path)!r})"
    died = programs.run(["-c", script], environment={"POLICY_ARCHIVE_FAULT": fault})
    assert died.returncode == 86
    with Store.open(path) as store:
        store_texts(store, [("20180101", "Text.\n")])
        assert list(store.iter_conservation_faults()) == []


def test_a_locked_database_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "policies.db"
    with Store.open(path) as store:
        store.add_document(PRIVACY)
        store.connection.execute("pragma busy_timeout = 20")  # so that whole transactions start again
        holder = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        holder.execute("begin immediate")
        release = threading.Timer(0.25, lambda: holder.execute("rollback"))
        release.start()
        started = time.monotonic()
        assert store.record_capture(make_capture(make_row("20180101")), make_reading("Text.\n"))
        assert time.monotonic() - started > 0.2
        release.join()
        holder.close()


def test_a_database_locked_for_good_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "policies.db"
    with Store.open(path) as store:
        store.connection.execute("pragma busy_timeout = 1")
        holder = sqlite3.connect(path, isolation_level=None)
        holder.execute("begin immediate")
        with pytest.raises(StoreError, match="locked by another program"):
            store.add_document(PRIVACY)
        holder.close()


def test_a_full_disk_keeps_what_was_committed_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    with Store.open(tmp_path / "policies.db") as store:
        store_texts(store, [("20180101", "Text.\n")])
        (pages,) = store.connection.execute("pragma page_count").fetchone()
        store.connection.execute(f"pragma max_page_count = {pages + 2}")
        big = make_capture(make_row("20190101"), body=bytes(range(256)) * 400 + b"x" * 9)
        text = "".join(f"Sentence {number} of a long policy.\n" for number in range(9000))
        with pytest.raises(DiskFullError, match="everything committed is kept"):
            store.record_capture(big, make_reading(text))
        assert [known.row.timestamp[:4] for known in store.known_captures(PRIVACY)] == ["2018"]
        store.connection.execute("pragma max_page_count = 1000000")
        assert store.record_capture(big, make_reading(text))
        assert store.connection.execute("pragma quick_check").fetchone()[0] == "ok"


def test_a_reader_sees_what_is_committed_and_cannot_write(tmp_path: Path) -> None:
    path = tmp_path / "policies.db"
    with Store.open(path) as store:
        store_texts(store, [("20180101", "One.\n")])
        reader = open_reader(path)
        reader.execute("begin")
        assert reader.execute("select count(*) from policy_versions").fetchone()[0] == 1
        store_texts(store, [("20190101", "Two.\n")])
        assert reader.execute("select count(*) from policy_versions").fetchone()[0] == 1
        reader.execute("commit")
        assert reader.execute("select count(*) from policy_versions").fetchone()[0] == 2
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            reader.execute("delete from versions")
        reader.close()


def test_a_copy_taken_in_the_middle_of_a_write_opens_whole(tmp_path: Path) -> None:
    path = tmp_path / "policies.db"
    with Store.open(path) as store:
        store_texts(store, [("20180101", "One.\n")])
        store.connection.execute("begin immediate")
        store.connection.execute("update captures set outcome = 'lost'")
        for file in tmp_path.glob("policies.db*"):  # what a power cut would leave
            shutil.copy(file, tmp_path / file.name.replace("policies", "copy"))
        store.connection.execute("rollback")
    with Store.open(tmp_path / "copy.db") as copy:
        assert copy.connection.execute("pragma quick_check").fetchone()[0] == "ok"
        assert list(copy.iter_conservation_faults()) == []
        assert len(copy.known_captures(PRIVACY)) == 1


def test_a_schema_that_is_no_text_any_more_is_damage(tmp_path: Path) -> None:
    """Found by fuzzing: SQLite quotes the schema in its message, and Python cannot read that."""
    path = tmp_path / "policies.db"
    Store.open(path).close()
    whole = path.read_bytes()
    assert whole.count(b"tablecapturescaptures") == 1
    path.write_bytes(whole.replace(b"tablecapturescaptures", b"tablec\xe7ptures\xffaptures"))
    for opened in (open_reader, open_writer):
        with pytest.raises(StoreError, match="damaged"):
            opened(path)
