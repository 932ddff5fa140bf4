"""Killed at every named place and at random ones, a crawl ends as if nothing had happened."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from policy_archive.archive_server import faults
from policy_archive.archive_server.server import ArchiveServer
from policy_archive.crawler.core.failpoints import EXIT_STATUS
from tests.crawler.core.test_failpoints import OF_A_CRAWL, OF_AN_UPGRADE
from tests.reliability.test_upkeep import OF_BACKUP, OF_COMPACTION, OF_DENSE, OF_MERGE
from tests.support.generated import crawl, generate
from tests.support.processes import LOAD, ROOT, assert_sound, content_of, finish, start_crawl

from ..support.patience import PATIENCE

OF_A_FETCH = ("after-index", "after-fetch", *OF_A_CRAWL)
OF_A_SEARCH = ("after-look",)  # tests/crawler/crawl/test_home_pages.py
OF_AN_EXPORT = ("before-rename",)  # tests/pipelines/exchange/test_files.py
OF_BULK_READING = ("bulk-row", "bulk-before-rename", "bulk-before-note")  # tests/pipelines/bulk/test_read.py
OF_A_NOTICE = ("before-delivery", "after-delivery")  # tests/pipelines/test_notify.py
KILLS = 40


@pytest.fixture(scope="module")
def archive() -> Iterator[ArchiveServer]:
    with ArchiveServer(source=generate(12)) as archive:
        yield archive


@pytest.fixture(scope="module")
def undisturbed(archive: ArchiveServer, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[object, ...]]:
    database = tmp_path_factory.mktemp("undisturbed") / "policies.db"
    assert crawl(archive.url, database).status == "done"
    return content_of(database)


def test_every_named_place_is_walked_by_some_test() -> None:
    written = {
        name
        for room in ("crawler", "pipelines")
        for path in (ROOT / room).rglob("*.py")
        for name in re.findall(r'\bpoint\("([a-z-]+)"\)', path.read_text())
    }
    assert written == {
        *OF_A_FETCH,
        *OF_A_SEARCH,
        *OF_AN_UPGRADE,
        *OF_AN_EXPORT,
        *OF_A_NOTICE,
        *OF_BULK_READING,
        *OF_COMPACTION,
        *OF_DENSE,
        *OF_BACKUP,
        *OF_MERGE,
    }


@pytest.mark.parametrize("name", OF_A_FETCH)
def test_a_fetch_killed_there_is_ended_by_the_next(
    archive: ArchiveServer, database: Path, undisturbed: list[tuple[object, ...]], name: str
) -> None:
    passing = 1 if name in ("after-index", "in-fold") else 4
    status, _, err = finish(
        start_crawl(archive, database, environment={"POLICY_ARCHIVE_FAULT": f"{name}:exit:{passing}"})
    )
    assert status == EXIT_STATUS, err
    asked = len(archive.log)
    assert_sound(database, complete=False)
    report = crawl(archive.url, database)
    assert (report.status, content_of(database)) == ("done", undisturbed)
    assert_sound(database)
    assert len(archive.log) - asked <= 13  # an index query and what was missing, nothing twice


def test_a_log_that_was_deleted_after_a_kill_costs_what_it_held_and_no_more(
    archive: ArchiveServer, database: Path, undisturbed: list[tuple[object, ...]]
) -> None:
    fault = {"POLICY_ARCHIVE_FAULT": "after-fetch:exit:4"}
    status, _, err = finish(start_crawl(archive, database, environment=fault))
    assert status == EXIT_STATUS, err
    left = [database.with_name(f"{database.name}{ending}") for ending in ("-wal", "-shm")]
    assert any(path.exists() for path in left)
    for path in left:
        path.unlink(missing_ok=True)
    assert crawl(archive.url, database).status == "done"
    assert content_of(database) == undisturbed
    assert_sound(database)


KILLER = f"""{LOAD}
import os, random, signal, time
kills, url, database = int(sys.argv[2]), sys.argv[3], Path(sys.argv[4])
chance = random.Random(20261122)
for _ in range(kills):
    child = os.fork()
    if not child:
        crawl(url, database)
        os._exit(0)
    time.sleep(chance.uniform(0.2, 0.9))
    os.kill(child, signal.SIGKILL)
    if os.waitpid(child, 0)[1] != signal.SIGKILL:
        print("ended before")
        for end in ("", "-wal", "-shm"):  # on a fast machine: there must be something left to kill
            Path(f"{{database}}{{end}}").unlink(missing_ok=True)
"""


def test_killed_again_and_again_at_random_it_comes_to_the_same_end(
    archive: ArchiveServer, database: Path, undisturbed: list[tuple[object, ...]]
) -> None:
    """Kill the crawl KILLS times; progress is kept from one to the next, and one that ended begins anew."""
    archive.faults = [faults.Slow(seconds=0.4)]
    try:
        command = [sys.executable, "-W", "ignore", "-c", KILLER, str(ROOT), str(KILLS), archive.url, database]
        killer = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True)
    finally:
        archive.faults = []
    assert killer.stdout.count("ended before") < KILLS / 2
    assert crawl(archive.url, database).status == "done"
    assert content_of(database) == undisturbed
    assert_sound(database)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_costs_nothing_that_was_stored(
    archive: ArchiveServer, database: Path, undisturbed: list[tuple[object, ...]], number: signal.Signals
) -> None:
    archive.faults = [faults.Slow(seconds=0.2, when=faults.replay)]
    try:
        asked = len(archive.log)
        process = start_crawl(archive, database)
        while len(archive.log) < asked + 7:
            time.sleep(0.02)
        process.send_signal(number)
        status, out, err = finish(process)
    finally:
        archive.faults = []
    if number == signal.SIGHUP:  # the terminal was closed: nobody is left to finish for
        assert status == -signal.SIGHUP
    else:
        assert (status, out.split()[0]) == (130, "interrupted"), err
    assert_sound(database, complete=False)
    assert crawl(archive.url, database).status == "done"
    assert content_of(database) == undisturbed
