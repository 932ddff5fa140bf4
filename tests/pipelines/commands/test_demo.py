"""`policy-archive demo` and `policy-archive serve` as a stranger runs them."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from policy_archive.archive_server.server import ArchiveServer
from policy_archive.cli import policy_archive
from policy_archive.crawler.core.errors import UsageError
from policy_archive.data import DATA

from ...support.patience import PATIENCE

ROOT = Path(__file__).resolve().parent.parent.parent


def run_cli(*arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "policy_archive", *arguments]
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


def test_the_demo_finds_every_document_and_nearly_every_version_that_there_is(
    demo: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    connection = sqlite3.connect(demo[1])
    found = set(connection.execute("select site, kind, timestamp from policy_versions"))
    connection.close()
    expected = {
        (site["site"], document["kind"], version["first"])
        for site in json.loads((DATA / "demo" / "truth.json").read_text("utf-8"))["sites"]
        for document in site["documents"]
        for version in document["versions"]
    }
    assert len(expected) > 40
    assert {version[:2] for version in expected} <= {version[:2] for version in found}
    assert len(expected & found) >= 0.95 * len(expected), expected - found


def test_serve_answers_until_it_is_told_to_stop() -> None:
    command = [sys.executable, "-m", "policy_archive", "serve", str(DATA / "demo")]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        answer = httpx.get(
            f"{url}/cdx/search/cdx?url=tidelock.example&limit=1",
            headers={"user-agent": "test"},
            timeout=PATIENCE,
        )
        process.send_signal(signal.SIGTERM)
        _, messages = process.communicate(timeout=PATIENCE)
    assert answer.text.startswith("example,tidelock)/ 20030412091500 ")
    assert process.returncode == 0
    assert "index 200 /cdx/search/cdx?url=tidelock.example&limit=1" in messages


def test_serve_says_what_is_no_warc_file(tmp_path: Path) -> None:
    (tmp_path / "notes.warc").write_text("hello\n")
    result = CliRunner().invoke(policy_archive, ["serve", str(tmp_path)], standalone_mode=False)
    assert isinstance(result.exception, UsageError)
    assert "notes.warc is no WARC file" in str(result.exception)


def test_serve_says_that_a_port_is_taken(demo_warcs: list[Path]) -> None:
    with ArchiveServer(demo_warcs[:1]) as archive:
        taken = archive.url.rpartition(":")[2]
        words = ["serve", str(demo_warcs[0]), "--port", taken]
        result = CliRunner().invoke(policy_archive, words, standalone_mode=False)
    assert isinstance(result.exception, UsageError)
    assert f"127.0.0.1:{taken} cannot be used" in str(result.exception)


def test_serve_says_when_a_folder_holds_no_warc_files(tmp_path: Path) -> None:
    result = CliRunner().invoke(policy_archive, ["serve", str(tmp_path)])
    assert result.exit_code != 0
    assert "holds no WARC files" in str(result.exception)
