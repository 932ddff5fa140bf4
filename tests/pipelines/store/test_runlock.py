"""Two runs never meet on one database, and a dead one stands in nobody's way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from policy_archive.crawler.core.errors import InUseError, StoreError
from policy_archive.pipelines.store.runlock import STALE_SECONDS, hold_lock, lock_path, read_holder
from policy_archive.pipelines.store.writer import Store
from tests.support import programs

ROOT = Path(__file__).resolve().parents[3]
HOLD = """
import sys, time
from pathlib import Path
from policy_archive.pipelines.store.runlock import hold_lock
with hold_lock(Path(sys.argv[1]), "policy-archive update"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "policies.db"


@contextmanager
def another_run(database: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(database)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def leave_behind(database: Path, **changes: object) -> None:
    """Write what a run of another machine left in the lock file."""
    holder = {
        "pid": 4711,
        "host": "elsewhere",
        "machine": "another kernel",
        "since": "2026-01-01T00:00:00Z",
        "command": "policy-archive update",
        "heartbeat": time.time(),
    }
    lock_path(database).write_text(json.dumps(holder | changes))


def test_the_second_is_told_who_holds_it(database: Path) -> None:
    with another_run(database) as process, pytest.raises(InUseError) as caught, hold_lock(database, "fetch"):
        pass
    for word in ("policy-archive update", f"process {process.pid}", os.uname().nodename, "since 20"):
        assert word in str(caught.value)


def test_a_holder_that_was_killed_is_taken_over(database: Path) -> None:
    with another_run(database) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert read_holder(database) is None
    with hold_lock(database, "policy-archive fetch") as before:
        assert before is not None
        assert before.pid == process.pid
        holder = read_holder(database)
        assert holder is not None
        assert (holder.pid, holder.command) == (os.getpid(), "policy-archive fetch")


def test_it_is_given_back(database: Path) -> None:
    for _ in range(2):
        with hold_lock(database, "fetch") as before:
            assert before is None
    with another_run(database):
        pass
    assert lock_path(database).exists()


def test_a_run_that_ends_with_an_error_gives_it_back(database: Path) -> None:
    with pytest.raises(ZeroDivisionError), hold_lock(database, "fetch"):
        _ = 1 / 0
    assert read_holder(database) is None


def test_a_process_may_take_it_once_more(database: Path) -> None:
    with hold_lock(database, "fetch"):
        with hold_lock(database, "fetch"):
            pass
        assert read_holder(database) is not None
        with another_process_refused(database):
            pass


@contextmanager
def another_process_refused(database: Path) -> Iterator[None]:
    refused = subprocess.run(
        [sys.executable, "-c", HOLD, str(database)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert "InUseError" in refused.stderr
    yield


def test_the_database_is_one_whatever_it_is_called(database: Path, tmp_path: Path) -> None:
    database.touch()
    link = tmp_path / "link.db"
    link.symlink_to(database)
    with another_run(database), pytest.raises(InUseError), hold_lock(link, "fetch"):
        pass


def test_another_machine_that_shows_signs_of_life_is_respected(database: Path) -> None:
    leave_behind(database)
    assert read_holder(database) is not None
    with pytest.raises(InUseError, match="process 4711 on elsewhere"), hold_lock(database, "fetch"):
        pass


@pytest.mark.parametrize("off", [-1.0, 1.0])
def test_another_machine_that_has_been_silent_is_taken_over(database: Path, off: float) -> None:
    leave_behind(database, heartbeat=time.time() + off * (STALE_SECONDS + 1))
    assert read_holder(database) is None
    with hold_lock(database, "fetch") as before:
        assert before is not None
        assert before.host == "elsewhere"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": 1}', "\x00" * 50])
def test_a_file_that_says_nothing_is_no_obstacle(database: Path, content: str) -> None:
    lock_path(database).write_text(content)
    assert read_holder(database) is None
    with hold_lock(database, "fetch") as before:
        assert before is None


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="is there such a folder"), hold_lock(tmp_path / "no" / "x.db", "f"):
        pass


@pytest.mark.parametrize("command", [("fetch", "x.example"), ("update", "x.example"), ("re-extract",)])
def test_every_command_that_crawls_or_rewrites_leaves_with_75(
    database: Path, command: tuple[str, ...]
) -> None:
    Store.open(database).close()
    with another_run(database):
        second = programs.run(["cli.py", *command, "--db", str(database)])
    assert second.returncode == 75
    assert "is in use: 'policy-archive update', process" in second.stderr
    assert second.stdout == ""


def test_a_run_that_died_is_noted_by_the_next(database: Path) -> None:
    with Store.open(database) as store:
        store.start_run("update")
        store.start_run("plan")
        assert store.close_dead_runs() == 1
        rows = store.connection.execute("select command, status, reason from runs order by id").fetchall()
    assert [tuple(row) for row in rows] == [
        ("update", "interrupted", "the process died"),
        ("plan", "running", ""),
    ]
