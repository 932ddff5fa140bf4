"""`policy-archive fetch` as a process: its table, its exit status, Ctrl-C, kill -9."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from policy_archive.archive_server import faults
from policy_archive.archive_server.server import ArchiveServer
from tests.support import programs
from tests.support.generated import POLICY, URL, crawl, generate, read
from tests.support.programs import ROOT, Program

from ...support.patience import PATIENCE

CHILD = """
import sys, types
from pathlib import Path
root, archive_url, database = sys.argv[1:]
sys.path.insert(0, root)
sys.modules["tests"] = tests = types.ModuleType("tests")  # other packages are called so as well
tests.__path__ = [root + "/tests"]
from tests.support.generated import crawl
crawl(archive_url, Path(database))
"""
CONTENT = "select id, timestamp, state, outcome, body_digest, verified from captures order by id"


@pytest.fixture
def archive() -> Iterator[ArchiveServer]:
    with ArchiveServer(source=generate(24)) as server:
        yield server


def start(archive: ArchiveServer, database: Path, *arguments: str) -> Program:
    fixed = ("--archive", archive.url, "--index-rate", "0", "--replay-rate", "0", "--db", str(database))
    return programs.start(["cli.py", "fetch", *arguments, *fixed])


def wait_for(archive: ArchiveServer, requests: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while len(archive.log) < requests:
        assert time.monotonic() < deadline, "the crawl does not begin"
        time.sleep(0.01)


def test_the_table_at_the_end_adds_up(archive: ArchiveServer, database: Path) -> None:
    process = start(archive, database, URL, "--plan", "all", "--json")
    out, err = process.communicate(timeout=PATIENCE)
    report = json.loads(out)
    assert process.returncode == 0, err
    assert report["captures_listed"] == report["captures_fetched"] == 24
    assert report["requests"] == {"index": 1, "replay": 24}


def test_the_rows_add_up_in_a_second_run_too(database: Path) -> None:
    with ArchiveServer(source=generate(24, words=POLICY)) as archive:
        for before in (0, 1):
            out, err = start(archive, database, URL, "--json").communicate(timeout=PATIENCE)
            report = json.loads(out)
            parts = (report["captures_fetched"], report["captures_fetched_before"])
            listed = sum(parts) + sum(report["captures_skipped"].values())
            assert listed == report["captures_listed"] == 24, err
            assert bool(parts[1]) == bool(before)
    assert report["health"]["versions_new"] == 0 < report["versions"]
    assert "history" in err and f"--db {database}" in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "Nothing to do"),
        (("not a domain",), "is no domain"),
        (("example.com", "--from", "soon"), "is no date"),
        (("example.com", "--from", "2019", "--to", "2010"), "swap them"),
    ],
)
def test_what_cannot_be_meant_is_said_in_one_sentence(
    archive: ArchiveServer, database: Path, arguments: tuple[str, ...], words: str
) -> None:
    process = start(archive, database, *arguments)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert words in err
    assert "Traceback" not in err
    assert not archive.log


def test_a_dry_run_asks_nothing_and_writes_nothing(archive: ArchiveServer, database: Path) -> None:
    process = start(archive, database, URL, "--dry-run")
    out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert URL in out
    assert not archive.log
    assert not database.exists()


def test_ctrl_c_finishes_what_is_in_flight_and_tells_how_to_go_on(
    archive: ArchiveServer, database: Path
) -> None:
    archive.faults = [faults.Slow(seconds=0.2, when=faults.replay)]
    process = start(archive, database, URL, "--plan", "all")
    wait_for(archive, 9)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, err
    assert "policy-archive fetch" in err
    fetched = read(database, "select count(*) from captures where state = 'fetched'")[0][0]
    assert 0 < fetched == sum(entry.kind == "replay" for entry in archive.log) < 24
    assert read(database, "select status from runs") == [("interrupted",)]


def test_ctrl_c_twice_ends_at_once(archive: ArchiveServer, database: Path) -> None:
    archive.faults = [faults.Slow(seconds=2 * PATIENCE, when=faults.replay)]
    process = start(archive, database, URL, "--plan", "all")
    wait_for(archive, 1)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE)  # what is in flight would take longer
    assert process.returncode in (-signal.SIGINT, 130)


@pytest.mark.parametrize("requests", [1, 6, 15])
def test_killed_at_any_moment_a_second_run_ends_as_an_undisturbed_one(
    archive: ArchiveServer, database: Path, tmp_path: Path, requests: int
) -> None:
    undisturbed = tmp_path / "undisturbed.db"
    crawl(archive.url, undisturbed)
    archive.log.clear()
    archive.faults = [faults.Slow(seconds=0.05)]
    process = programs.start(["-c", CHILD, ROOT, archive.url, database])
    wait_for(archive, requests)
    process.kill()
    process.communicate(timeout=PATIENCE)
    archive.faults = []
    report = crawl(archive.url, database)
    assert report.status == "done"
    assert read(database, CONTENT) == read(undisturbed, CONTENT)
    assert read(database, "select version, text_sha256 from versions") == read(
        undisturbed, "select version, text_sha256 from versions"
    )


@pytest.mark.parametrize(
    ("url", "arguments", "kinds"),
    [
        ("https://www.x.example/terms", (), {"terms"}),
        ("https://www.x.example/terms", ("--kind", "privacy"), {"privacy"}),
        # that says nothing, and is not archived: the site is searched for what it is always searched for
        ("https://www.x.example/p?id=3", (), {"other", "privacy"}),
    ],
)
def test_a_given_page_is_of_the_kind_that_is_stated_or_that_its_address_says(
    archive: ArchiveServer, database: Path, url: str, arguments: tuple[str, ...], kinds: set[str]
) -> None:
    process = start(archive, database, url, *arguments)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    assert {kind for (kind,) in read(database, "select kind from documents where kind != 'home'")} == kinds


def test_sites_come_from_a_file_with_ranks(archive: ArchiveServer, database: Path, tmp_path: Path) -> None:
    listed = tmp_path / "sites.csv"
    listed.write_text("rank,domain\n1,x.example\n2,not a domain\n\n3,nowhere.example\n")
    process = start(archive, database, "--sites", str(listed))
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 65, err
    assert "line 3 left out" in err
    assert err.rstrip().endswith("sites.csv: 2 of 3 companies; left out: line 3")
    assert read(database, "select site, rank from sites order by rank") == [
        ("x.example", 1),
        ("nowhere.example", 3),
    ]
    assert read(database, "select outcome from sites where rank = 3") == [("not-archived",)]
