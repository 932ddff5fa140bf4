"""Ctrl-C and a closed terminal: one sentence, status 130, nothing half."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from policy_archive.archive_server import faults
from policy_archive.archive_server.server import ArchiveServer
from tests.support.generated import crawl, generate
from tests.support.processes import (
    RATES,
    assert_sound,
    content_of,
    finish,
    start_program,
    wait_until,
)


@pytest.fixture(scope="module")
def archive() -> Iterator[ArchiveServer]:
    with ArchiveServer(source=generate(12)) as archive:
        yield archive


@pytest.fixture
def database(archive: ArchiveServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("POLICY_ARCHIVE_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("POLICY_ARCHIVE_URL", archive.url)
    monkeypatch.setenv("POLICY_ARCHIVE_DB", str(tmp_path / "policies.db"))
    archive.faults = []
    assert crawl(archive.url, tmp_path / "policies.db").status == "done"
    return tmp_path / "policies.db"


def stop_at(name: str, number: signal.Signals, *arguments: str) -> tuple[int, str, str]:
    """Run a command up to a named place, send it a signal there, and return how it ended."""
    process = start_program(*arguments, environment={"POLICY_ARCHIVE_FAULT": f"{name}:sleep"})
    assert process.stderr is not None
    assert process.stderr.readline() == f"asleep {name}\n"
    process.send_signal(number)
    return finish(process)


COMPACTION = ("in-compact-body", "in-compact-text", "after-vacuum")


@pytest.mark.parametrize("name", COMPACTION)
def test_a_compaction_that_is_stopped_says_so_and_the_next_ends_it(database: Path, name: str) -> None:
    before = content_of(database)
    status, _, err = stop_at(name, signal.SIGINT, "compact")
    assert (status, err.strip().count("\n")) == (130, 0)
    assert "Interrupted" in err
    assert content_of(database) == before
    assert_sound(database)
    assert finish(start_program("compact"))[0] == 0
    assert content_of(database) == before
    assert_sound(database)


def test_a_compaction_whose_terminal_is_closed_leaves_nothing_half(database: Path) -> None:
    before = content_of(database)
    assert stop_at("in-compact-text", signal.SIGHUP, "compact")[0] == -signal.SIGHUP
    assert content_of(database) == before
    assert_sound(database)


def test_a_backup_that_is_stopped_says_so_and_leaves_no_file(database: Path, tmp_path: Path) -> None:
    status, _, err = stop_at("in-backup", signal.SIGINT, "backup", str(tmp_path / "copy.db"))
    assert (status, err.strip().count("\n")) == (130, 0)
    assert "Interrupted" in err
    assert not list(tmp_path.glob("copy.db*"))


def test_a_backup_whose_terminal_is_closed_is_no_backup(database: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    assert stop_at("in-backup", signal.SIGHUP, "backup", str(copy))[0] == -signal.SIGHUP
    assert not copy.exists()
    assert finish(start_program("backup", str(copy)))[0] == 0
    assert not list(tmp_path.glob("copy.db?*"))
    assert_sound(copy)


def stop_in_flight(archive: ArchiveServer, number: signal.Signals, *arguments: str) -> tuple[int, str, str]:
    """Run a command until it waits for the archive, and send it a signal then."""
    archive.faults = [faults.Slow(seconds=5)]  # so long that no answer comes before the signal
    asked = len(archive.log)
    process = start_program(*arguments, *RATES)
    try:
        wait_until(lambda: len(archive.log) > asked)
        process.send_signal(number)
        return finish(process)
    except subprocess.TimeoutExpired:
        process.kill()
        raise


def test_a_comparison_with_the_archive_that_is_stopped_says_so(
    archive: ArchiveServer, database: Path
) -> None:
    before = content_of(database)
    status, _, err = stop_in_flight(archive, signal.SIGINT, "verify", "--against-archive", "12")
    assert status == 130, err
    assert "the archive: stopped by hand" in err
    assert "Traceback" not in err
    assert content_of(database) == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_update_that_is_stopped_says_how_to_go_on(
    archive: ArchiveServer, database: Path, number: signal.Signals
) -> None:
    before = content_of(database)
    status, _, err = stop_in_flight(archive, number, "update", "x.example")
    assert status == 130, err
    assert re.search(r"^Go on with: .* update x\.example ", err, re.MULTILINE)
    assert "Traceback" not in err
    assert_sound(database)
    assert content_of(database) == before


def test_a_forecast_that_is_stopped_says_so(archive: ArchiveServer, database: Path) -> None:
    status, _, err = stop_in_flight(archive, signal.SIGINT, "plan", "y.example", "z.example")
    assert status == 130, err
    assert "Traceback" not in err
