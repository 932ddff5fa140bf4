"""`policy-archive demo` and `policy-archive serve` as a stranger runs them."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from cli import policy_archive
from data import DATA

ROOT = Path(__file__).resolve().parent.parent.parent


def run_cli(*arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cli", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=timeout)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    database = tmp_path_factory.mktemp("demo") / "demo.db"
    return run_cli("demo", "--db", str(database)), database


def test_the_demo_shows_all_of_it_and_ends_well(
    demo: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    run, _ = demo
    assert run.returncode == 0, run.stderr
    for command in (
        "fetch --sites",
        "documents tidelock",
        "history tidelock",
        "diff tidelock",
        "show tidelock",
    ):
        assert f"$ policy-archive {command}" in run.stdout
    assert "privacy@tidelock.example" in run.stdout
    assert "of version" in run.stdout, "the text that came back"
    assert run.stdout.rstrip().endswith("politely")


def test_the_database_of_the_demo_holds_versions_of_many_sites(
    demo: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    with sqlite3.connect(demo[1]) as connection:
        found = dict(
            connection.execute(
                "select site, count(*) from policy_versions where kind = 'privacy' group by site"
            )
        )
    connection.close()
    assert found["tidelock.example"] >= 5
    assert found["hoshizora-bunko.example"] >= 2


def test_serve_answers_until_it_is_told_to_stop() -> None:
    command = [sys.executable, "-m", "cli", "serve", str(DATA / "demo")]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        answer = httpx.get(
            f"{url}/cdx/search/cdx?url=tidelock.example&limit=1", headers={"user-agent": "test"}, timeout=10
        )
        process.send_signal(signal.SIGTERM)
        _, messages = process.communicate(timeout=10)
    assert answer.text.startswith("example,tidelock)/ 20030412091500 ")
    assert process.returncode == 0
    assert "index 200 /cdx/search/cdx?url=tidelock.example&limit=1" in messages


def test_serve_says_when_a_folder_holds_no_warc_files(tmp_path: Path) -> None:
    result = CliRunner().invoke(policy_archive, ["serve", str(tmp_path)])
    assert result.exit_code != 0
    assert "holds no WARC files" in str(result.exception)
