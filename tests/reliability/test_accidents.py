"""Readers that die are no facts about pages: the pages are read again, and what is left is said."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from policy_archive.archive_server.server import ArchiveServer
from policy_archive.crawler.core.records import Document, Kind, Outcome
from policy_archive.data import DATA
from policy_archive.pipelines.reading.pool import ReadingPool
from tests.support.processes import finish, start_program
from tests.support.programs import Program

from ..support.patience import PATIENCE

SITE = "copperlane.example"
RATES = ("--index-rate", "0", "--replay-rate", "0")
CONTENT = (
    "select document_id, timestamp, original, state, outcome, text_sha256 from captures "
    "left join extractions on capture_id = captures.id and current order by captures.id"
)
VERSIONS = "select site, kind, name, timestamp, text_sha256 from policy_versions order by 1, 2, 3, 4"


@pytest.fixture(scope="module")
def archive() -> Iterator[ArchiveServer]:
    with ArchiveServer([DATA / "demo" / f"{SITE}.warc.gz"]) as server:
        yield server


def start(archive: ArchiveServer, database: Path) -> Program:
    return start_program("fetch", SITE, "--kind", "all", "--plan", "all", "--archive", archive.url, *RATES,
                         "--db", str(database))  # fmt: skip


def content_of(database: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(database)) as connection:
        return [*connection.execute(CONTENT), *connection.execute(VERSIONS)]


@pytest.fixture(scope="module")
def undisturbed(archive: ArchiveServer, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[object, ...]]:
    database = tmp_path_factory.mktemp("undisturbed") / "policies.db"
    status, _, err = finish(start(archive, database))
    assert status == 0, err
    return content_of(database)


def children_of(pid: int) -> list[int]:
    """Return the processes whose parent this is, whichever of its threads started them."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(stat.parent.name))
    return found


def readers_of(process: Program) -> list[int]:
    """Return the processes that read: children of the server that they are forked from."""
    return [reader for server in children_of(process.pid) for reader in children_of(server)]


@pytest.mark.parametrize("seed", range(3))
def test_readers_killed_at_random_cost_nothing(
    archive: ArchiveServer, tmp_path: Path, undisturbed: list[tuple[object, ...]], seed: int
) -> None:
    chance, database, killed = random.Random(seed), tmp_path / "policies.db", 0
    process = start(archive, database)
    while process.poll() is None:
        for reader in readers_of(process)[: 1 if killed < 12 else 0]:
            with suppress(ProcessLookupError):
                os.kill(reader, signal.SIGKILL)
                killed += 1
        time.sleep(chance.uniform(0.01, 0.15))
    status, _, err = finish(process)
    assert killed
    if status:  # one page met it six times: said, and mended by the next run
        assert "could not be had or read" in err
        status, _, err = finish(start(archive, database))
    assert status == 0, err
    assert content_of(database) == undisturbed


def test_readers_that_always_die_end_the_run_incomplete_and_the_next_run_mends_it(
    archive: ArchiveServer, tmp_path: Path, undisturbed: list[tuple[object, ...]]
) -> None:
    database = tmp_path / "policies.db"
    process = start(archive, database)
    while process.poll() is None:
        for reader in readers_of(process):
            with suppress(ProcessLookupError):
                os.kill(reader, signal.SIGKILL)
        time.sleep(0.005)
    status, _, err = finish(process)
    assert status == 1
    assert "could not be had or read" in err
    with closing(sqlite3.connect(database)) as connection:
        (lost,) = connection.execute(
            "select count(*) from captures where outcome = 'extractor-crash'"
        ).fetchone()
    assert lost
    status, out, _ = finish(start_program("status", "--json", "--db", str(database)))
    said = json.loads(out)
    assert status == 1
    assert [row["outcome"] for row in said["unread"]] == ["extractor-crash"]
    assert any(f"{SITE} could not be read (extractor-crash)" in complaint for complaint in said["complaints"])
    _, out, err = finish(start_program("verify", "--db", str(database)))
    assert "could not be read (extractor-crash)" in out + err
    status, _, err = finish(start(archive, database))
    assert status == 0, err
    assert content_of(database) == undisturbed


@pytest.mark.parametrize("what", ["text", "home"])
def test_what_is_given_up_ends_no_run_in_silence(archive: ArchiveServer, tmp_path: Path, what: str) -> None:
    database = tmp_path / "policies.db"
    assert finish(start(archive, database))[0] == 0
    with closing(sqlite3.connect(database)) as connection:
        connection.execute(
            "update captures set outcome = 'extractor-crash', tries = 5 where id = "
            "(select min(id) from captures where outcome = ?)",
            (what,),
        )
        connection.commit()
    status, _, err = finish(start(archive, database))
    assert status == 1
    assert "1 capture could not be read however often it was tried" in err
    assert finish(start_program("verify", "--db", str(database)))[0] == 1


def test_a_page_that_kills_its_reader_is_tried_a_bounded_number_of_times() -> None:
    with ReadingPool(1) as pool:
        tried = pool.submit(eval, "__import__('os')._exit(3)")
        error = tried.exception(timeout=PATIENCE)
    assert Outcome(getattr(error, "outcome", "")) is Outcome.EXTRACTOR_CRASH
    assert str(error).endswith(", 2 times")


def test_a_pool_that_was_closed_leaves_an_accident_and_no_fact() -> None:
    document = Document(site=SITE, kind=Kind.PRIVACY)
    pool = ReadingPool(1)
    pool._workers[0].close()
    read = pool.read(b"<p>x", document=document, url="", timestamp="20180101000000", content_type=None)
    reading = asyncio.run(read)
    pool.shutdown()
    assert reading.outcome.is_accident
