"""A full disk, a held lock, a reader that stays open: nothing committed is lost, and the user is told."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from policy_archive.archive_server import faults
from policy_archive.archive_server.server import ArchiveServer
from policy_archive.crawler.core.errors import DiskFullError
from policy_archive.pipelines.store.connection import open_reader
from policy_archive.pipelines.store.maintenance.backup import copy_database
from policy_archive.pipelines.store.writer import Store
from tests.support.generated import GeneratedSource, crawl, generate, outcomes, read
from tests.support.processes import (
    CRAWL,
    ROOT,
    assert_sound,
    content_of,
    finish,
    start_crawl,
    start_program,
)

from ..support.patience import PATIENCE

DISK_FULL = 74  # EX_IOERR, sysexits.h


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLICY_ARCHIVE_STATE", str(tmp_path / "state"))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder with room for 8 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("needs to be root, to mount a disk of 8 MB")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def large_pages(captures: int) -> GeneratedSource:
    """Return captures whose bodies do not compress: 300 kB each."""
    source = GeneratedSource()
    for number in range(captures):
        source.add(
            f"{2001 + number // 12}{number % 12 + 1:02}15120000", b"<p>" + os.urandom(150_000).hex().encode()
        )
    return source


def test_a_crawl_on_a_full_disk_keeps_what_was_committed_and_goes_on_when_there_is_room(
    small_disk: Path, tmp_path: Path
) -> None:
    database, ballast = small_disk / "policies.db", small_disk / "ballast"
    with ArchiveServer(source=large_pages(20)) as archive:
        ballast.write_bytes(bytes(6 << 20))
        status, _, err = finish(start_crawl(archive, database))
        assert status == DISK_FULL, err
        assert "Traceback" not in err
        stored = read(database, "select count(*) from captures where outcome is not null")[0][0]
        assert 0 < stored < 20
        assert_sound(database, complete=False)
        ballast.unlink()
        with closing(open_reader(database)) as connection:  # 8 MB are too few for all: a larger disk
            copy_database(connection, tmp_path / "policies.db")
        report = crawl(archive.url, tmp_path / "policies.db")
        assert (report.status, report.tally.fetched) == ("done", 20 - stored)
    assert outcomes(tmp_path / "policies.db") == ["text"] * 20
    assert_sound(tmp_path / "policies.db")


def test_the_program_says_that_the_disk_is_full_and_what_to_do(small_disk: Path) -> None:
    (small_disk / "ballast").write_bytes(bytes((8 << 20) - 150_000))
    with ArchiveServer(source=large_pages(5)) as archive:
        process = start_program(
            "fetch",
            "https://www.x.example/privacy",
            "--db",
            str(small_disk / "policies.db"),
            "--archive",
            archive.url,
            "--index-rate",
            "0",
            "--replay-rate",
            "0",
        )
        status, _, err = finish(process)
    assert status == DISK_FULL, err
    assert "is full" in err
    assert "Traceback" not in err


def test_a_disk_that_fills_at_a_named_place_ends_the_run_with_its_own_status(tmp_path: Path) -> None:
    with ArchiveServer(source=generate(8)) as archive:
        process = start_crawl(
            archive, tmp_path / "policies.db", environment={"POLICY_ARCHIVE_FAULT": "after-text:enospc:4"}
        )
        status, out, err = finish(process)
        assert status == DISK_FULL, err
        assert "is full" in out
        assert_sound(tmp_path / "policies.db", complete=False)
        assert crawl(archive.url, tmp_path / "policies.db").status == "done"
    assert outcomes(tmp_path / "policies.db") == ["text"] * 8


def test_a_backup_on_a_full_disk_leaves_nothing_half(small_disk: Path, tmp_path: Path) -> None:
    database = tmp_path / "policies.db"
    with ArchiveServer(source=large_pages(80)) as archive:
        crawl(archive.url, database)
    assert database.stat().st_size > 8 << 20
    with closing(open_reader(database)) as connection, pytest.raises(DiskFullError):
        copy_database(connection, small_disk / "copy.db")
    assert list(small_disk.iterdir()) == []


def test_a_file_that_may_not_grow_ends_the_run_in_one_sentence(tmp_path: Path) -> None:
    """Where no disk can be mounted, a limit on the size of files stands in for a full one."""
    database = tmp_path / "policies.db"
    Store.open(database).close()
    limits = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (900_000, resource.RLIM_INFINITY))"
    with ArchiveServer(source=large_pages(20)) as archive:
        command = [
            sys.executable,
            "-W",
            "ignore",
            "-c",
            f"{limits}\n{CRAWL}",
            str(ROOT),
            archive.url,
            database,
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
        assert done.stdout.startswith("failed "), done.stderr
        assert "Traceback" not in done.stderr
        assert_sound(database, complete=False)
        assert crawl(archive.url, database).status == "done"


def test_a_database_that_is_locked_for_a_while_costs_nothing(tmp_path: Path) -> None:
    database = tmp_path / "policies.db"
    with ArchiveServer(source=generate(12), faults=[faults.Slow(seconds=0.1)]) as archive:
        process = start_crawl(archive, database)
        deadline = time.monotonic() + PATIENCE
        while len(archive.log) < 4 and time.monotonic() < deadline:
            time.sleep(0.02)
        with closing(sqlite3.connect(database, timeout=PATIENCE, isolation_level=None)) as holder:
            holder.execute("begin immediate")
            time.sleep(30)
            holder.execute("rollback")
        status, out, err = finish(process)
    assert (status, out.split()[0], err) == (0, "done", "")
    assert outcomes(database) == ["text"] * 12
    assert_sound(database)


@pytest.mark.parametrize("table", ["extractions", "captures", "versions"])
def test_a_damaged_page_that_a_crawl_comes_upon_is_said_in_a_sentence(tmp_path: Path, table: str) -> None:
    database = tmp_path / "policies.db"
    with ArchiveServer(source=generate(3)) as archive:
        crawl(archive.url, database)
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("pragma wal_checkpoint(truncate)")
        (page,) = connection.execute("select rootpage from sqlite_master where name = ?", (table,)).fetchone()
    with database.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xff" * 4096)
    with ArchiveServer(source=generate(12)) as archive:
        rates = ("--archive", archive.url, "--index-rate", "0", "--replay-rate", "0", "--plan", "all")
        status, _, err = finish(
            start_program("fetch", "https://www.x.example/privacy", "--db", str(database), *rates)
        )
    assert status == 1
    assert "damaged" in err
    assert "restore a backup" in err
    assert "Traceback" not in err


def test_a_reader_that_stays_open_hinders_nobody_and_the_log_shrinks_when_it_goes(tmp_path: Path) -> None:
    database = tmp_path / "policies.db"
    with ArchiveServer(source=generate(3)) as archive:
        crawl(archive.url, database)
    reader = open_reader(database)
    reader.execute("begin")
    before = reader.execute("select count(*) from policy_versions").fetchone()[0]
    with ArchiveServer(source=large_pages(15)) as archive:
        report = crawl(archive.url, database)
    assert report.status == "done"
    assert reader.execute("select count(*) from policy_versions").fetchone()[0] == before
    reader.execute("commit")
    reader.close()
    with ArchiveServer(source=generate(4)) as archive:
        crawl(archive.url, database)
    log = database.with_name("policies.db-wal")
    assert not log.exists() or log.stat().st_size < 1 << 20
    assert_sound(database)


def test_a_copy_taken_at_any_moment_of_a_crawl_opens_whole(tmp_path: Path) -> None:
    """What a power cut leaves: the file and its log, in the middle of whatever was being written."""
    database = tmp_path / "policies.db"
    copies = []
    with ArchiveServer(source=generate(24), faults=[faults.Slow(seconds=0.02)]) as archive:
        crawling = threading.Thread(target=crawl, args=(archive.url, database))
        crawling.start()
        while crawling.is_alive():
            folder = tmp_path / f"copy{len(copies)}"
            folder.mkdir()
            for file in (database, database.with_name("policies.db-wal")):
                if file.exists():
                    shutil.copy(file, folder / file.name)
            copies.append(folder / "policies.db")
            time.sleep(0.05)
        crawling.join()
        good = [copy for copy in copies if copy.exists() and is_whole(copy)]
        assert len(good) >= 3
        assert crawl(archive.url, good[len(good) // 2]).status == "done"
    assert content_of(good[len(good) // 2]) == content_of(database)


def is_whole(copy: Path) -> bool:
    """Return whether a copy, repaired from its log, passes every check; one without tables does not count."""
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("pragma quick_check").fetchone()[0] == "ok"
        if not connection.execute("select 1 from sqlite_master where name = 'news'").fetchone():
            return False
    assert_sound(copy, complete=False)
    return True
