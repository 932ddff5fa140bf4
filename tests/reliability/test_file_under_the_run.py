"""The database's file deleted, moved, replaced or backed up over while it is in use: never in silence."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from policy_archive.archive_server.captures import CapturedAnswer
from policy_archive.archive_server.server import ArchiveServer
from policy_archive.crawler.core.records import CdxRow
from policy_archive.pipelines.store.runlock import hold_lock
from policy_archive.pipelines.store.writer import Store
from tests.support.generated import GeneratedSource
from tests.support.processes import assert_sound, content_of, finish, start_crawl, start_program
from tests.support.synthetic import store_texts


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLICY_ARCHIVE_STATE", str(tmp_path / "state"))


def build(path: Path, *texts: str) -> Path:
    with Store.open(path) as store:
        store_texts(store, [(f"{2000 + number}0101", text) for number, text in enumerate(texts)])
    return path


def leave_log_behind(path: Path) -> None:
    """Make it a database whose last writer was killed: its log is there, and in it what it wrote last."""
    with Store.open(path) as store:
        store_texts(store, [("20400101", "written last")])
        parts = [one for one in path.parent.glob(f"{path.name}*") if not one.name.endswith(".lock")]
        for part in parts:
            shutil.copy(part, part.with_name(f"kept {part.name}"))
    for part in parts:
        part.with_name(f"kept {part.name}").replace(part)
    assert path.with_name(f"{path.name}-wal").stat().st_size


def backup(source: Path, target: Path, *options: str) -> tuple[int, str]:
    status, _, err = finish(start_program("backup", str(target), "--db", str(source), *options))
    assert "Traceback" not in err
    return status, err


def test_a_backup_onto_a_database_whose_run_was_killed_is_the_backup(tmp_path: Path) -> None:
    source = build(tmp_path / "source.db", "one", "two", "three")
    target = build(tmp_path / "target.db", *(f"text {number}" for number in range(30)))
    leave_log_behind(target)
    assert backup(source, target, "--force")[0] == 0
    assert content_of(target) == content_of(source)
    assert_sound(target, complete=False)
    assert not target.with_name("target.db-wal").exists()


def test_a_log_without_its_database_is_no_place_for_a_backup(tmp_path: Path) -> None:
    source = build(tmp_path / "source.db", "one")
    target = build(tmp_path / "target.db", "two", "three")
    leave_log_behind(target)
    target.unlink()
    status, err = backup(source, target)
    assert status == 2
    assert "target.db-wal is there already" in err
    assert backup(source, target, "--force")[0] == 0
    assert content_of(target) == content_of(source)


def test_a_backup_onto_a_database_in_use_is_refused(tmp_path: Path) -> None:
    source, target = build(tmp_path / "source.db", "one"), build(tmp_path / "target.db", "two")
    before = content_of(target)
    with hold_lock(target, "policy-archive fetch"):
        status, err = backup(source, target, "--force")
    assert (status, "is in use: 'policy-archive fetch'" in err) == (75, True), err
    with Store.open(target):  # some other program that has it open, and no lock of ours
        status, err = backup(source, target, "--force")
    assert (status, "is open in another program" in err) == (75, True), err
    assert content_of(target) == before


def test_a_backup_is_restored_over_whatever_was_there(tmp_path: Path) -> None:
    database = build(tmp_path / "policies.db", "one", "two")
    copy = tmp_path / "copy.db"
    assert backup(database, copy)[0] == 0
    kept = content_of(database)
    leave_log_behind(database)
    assert content_of(database) != kept
    arguments = ("restore", str(copy), "--db", str(database))
    assert finish(start_program(*arguments))[0] == 2  # it is there already
    assert finish(start_program(*arguments, "--force"))[0] == 0
    assert content_of(database) == kept
    assert_sound(database, complete=False)
    database.write_bytes(b"SQLite format 3\0" + bytes(9000))
    assert finish(start_program(*arguments, "--force"))[0] == 0
    assert content_of(database) == kept


def test_no_other_file_is_restored(tmp_path: Path) -> None:
    database, other = build(tmp_path / "policies.db", "one"), tmp_path / "other.db"
    before = content_of(database)
    other.write_text("notes")
    for source in (other, tmp_path / "none.db"):
        status, _, err = finish(start_program("restore", str(source), "--db", str(database), "--force"))
        assert (status, err.count("\n")) == (1, 1), err
    with closing(sqlite3.connect(tmp_path / "foreign.db")) as connection:
        connection.execute("create table t (x)")
    assert finish(start_program("restore", str(tmp_path / "foreign.db"), "--db", str(database), "--force"))[0]
    assert content_of(database) == before


class Meddling(GeneratedSource):
    """Does something to the file when the fifth capture is asked for."""

    meddle: Callable[[], object]
    asked = 0

    def load(self, row: CdxRow) -> CapturedAnswer:
        self.asked += 1
        if self.asked == 5:
            self.meddle()
        return super().load(row)


def replace(database: Path) -> None:
    other = build(database.with_name("other.db"), "another")
    other.replace(database)


@pytest.mark.parametrize(
    "meddle",
    [Path.unlink, lambda path: path.rename(path.with_name("moved.db")), replace],
    ids=["deleted", "moved", "replaced"],
)
def test_a_run_notices_what_was_done_to_its_file(tmp_path: Path, meddle: Callable[[Path], object]) -> None:
    database = tmp_path / "policies.db"
    source = _meddling(20, lambda: meddle(database))
    with ArchiveServer(source=source) as archive:
        status, out, err = finish(start_crawl(archive, database))
    assert status == 1, (out, err)
    assert "was deleted, moved or replaced" in out + err
    assert "Traceback" not in err


def _meddling(captures: int, meddle: Callable[[], object]) -> Meddling:
    source = Meddling()
    source.meddle = meddle
    for number in range(captures):
        source.add(f"{2001 + number}0115120000", f"<p>Our policy of edition {number}.".encode())
    return source


@pytest.mark.parametrize("name", [":memory:", "FILE:x?mode=memory"])
@pytest.mark.parametrize(
    "command", ["fetch x.example", "history x.example", "watch add x.example", "compact"]
)
def test_a_name_that_is_no_file_is_one_sentence(name: str, command: str) -> None:
    status, out, err = finish(start_program(*command.split(), "--db", name))
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    assert "is no name for a database" in err


@pytest.fixture
def read_only_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder that nobody may write to, not even root, with a database in it."""
    folder = tmp_path / "sealed"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("needs to be root, to mount a disk that is read-only")
    try:
        build(folder / "policies.db", "one")
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_reader_in_a_read_only_folder_is_told_what_can_be_read_there(read_only_folder: Path) -> None:
    status, _, err = finish(
        start_program("history", "x.example", "--db", str(read_only_folder / "policies.db"))
    )
    assert status == 1
    assert "read-only: what 'policy-archive backup' writes can be read there" in err


def test_a_backup_that_is_not_there_is_asked_for_by_its_name(tmp_path: Path) -> None:
    status, _, err = finish(
        start_program("restore", str(tmp_path / "gone.db"), "--db", str(tmp_path / "p.db"))
    )
    assert status == 1
    assert err.strip().startswith(f"Error: there is no backup {tmp_path / 'gone.db'}")
    assert not (tmp_path / "p.db").exists()


@pytest.mark.parametrize(
    "name", ["a;b.db", "a?mode=memory.db", "a#b.db", "a%41.db", "a&b \u00fc.db", "a\nb.db", "-dash.db"]
)
def test_a_database_may_have_any_name_that_a_file_can_have(tmp_path: Path, name: str) -> None:
    database = build(tmp_path / name, "one", "two")
    for words in (["documents"], ["backup", str(tmp_path / f"copy of {name}")], ["verify"]):
        status, _, err = finish(start_program(*words, "--db", str(database)))
        assert status == 0, err
    assert content_of(tmp_path / f"copy of {name}") == content_of(database)
    assert {path.name for path in tmp_path.glob("*.db")} == {name, f"copy of {name}"}
