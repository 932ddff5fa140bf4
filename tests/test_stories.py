"""What people come for, walked on the demo archive as docs/stories.md tells it: commands alone, no SQL."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from policy_archive.archive_server.warc_files import find_warcs
from policy_archive.cli import policy_archive
from policy_archive.pipelines.commands.demo import DEMO
from tests.support.receivers import serve_chat

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def run(demo_database: Path):  # type: ignore[no-untyped-def]
    def run_one(*words: str) -> str:
        command = [*words, "--db", str(demo_database)]
        result = CliRunner().invoke(policy_archive, command, standalone_mode=False)
        assert result.exception is None, result.exception
        return result.stdout

    return run_one


def test_a_lawyer_has_the_texts_in_force_on_a_day_and_those_before(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    missing = {row["site"]: row["reason"] for row in json.loads(run("sites", "--missing", "--json"))}
    assert set(missing) == {"oldmill-inn.example", "stonecrop-walks.example"} and all(missing.values())
    run("at", "2018-05-25", "--kind", "privacy", "--to", str(tmp_path))
    table = list(csv.DictReader(io.StringIO((tmp_path / "at.csv").read_text("utf-8"))))
    assert len({row["site"] for row in table}) == 11
    (row,) = [row for row in table if row["site"] == "tidelock.example"]
    assert (row["certainty"], row["after_stated_updated"]) == ("changed-around", "2018-05-25")
    assert all((tmp_path / row[key]).is_file() for key in ("before_file", "after_file"))
    assert "tidelock-example-privacy-20180528191130" in run(
        "cite", "tidelock.example", "--at", "2018-07-01", "--format", "bibtex"
    )


def test_a_journalist_sees_what_was_deleted_and_when(run) -> None:  # type: ignore[no-untyped-def]
    told = run("diff", "tidelock.example", "v4", "v5", "--removed", "--no-colour")
    assert "changed between 2018-04-12 and 2018-05-28" in told and "[-" in told
    (row,) = json.loads(
        run(
            "search",
            '"call in at Quay House"',
            "--site",
            "tidelock.example",
            "--kind",
            "privacy",
            "--documents",
            "--json",
        )
    )
    assert row["first_captured"] and row["last_captured"]
    assert "between 2018-04-12 and 2018-05-28" in run(
        "cite", "tidelock.example", "--version", "5", "--change"
    )


def test_a_compliance_engineer_is_told_what_matters(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    everything = run("changes", "--all", "--nl").splitlines()
    matters = [json.loads(line) for line in run("changes", "--substantive", "--nl").splitlines()]
    assert 0 < len(matters) < len(everything)
    assert {row["class"] for row in matters} <= {None, "substantive", "rewritten"}


def test_a_compliance_engineer_is_told_in_slack_and_history_is_not(
    demo_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(demo_database, tmp_path / "demo.db")
    with serve_chat("slack") as chat:
        monkeypatch.setenv("SLACK_WEBHOOK", chat.url)
        for words, told in (
            (("notify", "test", "--notify-env", "slack=SLACK_WEBHOOK"), 1),
            (("notify", "send", "--notify-env", "slack=SLACK_WEBHOOK", "--db", str(tmp_path / "demo.db")), 1),
        ):
            result = CliRunner().invoke(policy_archive, words, standalone_mode=False)
            assert (result.exception, len(chat.taken), chat.refused) == (None, told, [])
    words = ["schedule", "cron", "--db", str(tmp_path / "demo.db"), "--", "--notify-env", "SLACK_WEBHOOK"]
    printed = CliRunner().invoke(policy_archive, words, standalone_mode=False).stdout
    assert "SLACK_WEBHOOK" in printed and chat.url not in printed


def test_a_social_scientist_counts_a_phrase_by_year(run) -> None:  # type: ignore[no-untyped-def]
    years = list(csv.DictReader(io.StringIO(run("search", "cookie*", "--years", "--csv"))))
    assert [row["year"] for row in years] == [str(year) for year in range(int(years[0]["year"]), 2025)]
    assert all(int(row["saying"]) <= int(row["documents"]) for row in years)


def test_an_archivist_finds_what_is_in_warc_files_of_their_own(tmp_path: Path) -> None:
    """Two steps, and no site is named: the files say which there are."""
    folder = tmp_path / "crawls"
    for number, warc in enumerate(find_warcs((DEMO,))):
        if warc.name.partition(".")[0] in ("tidelock", "fernway", "stonecrop-walks"):
            place = folder / f"d{number}" / "deep"  # as archivists keep them: folders below folders
            place.mkdir(parents=True)
            shutil.copy(warc, place)
    database = ("--db", str(tmp_path / "mine.db"))
    result = CliRunner().invoke(policy_archive, ["import", str(folder), *database], standalone_mode=False)
    assert result.exception is None
    result = CliRunner().invoke(policy_archive, ["sites", "--json", *database], standalone_mode=False)
    sites = {row["site"]: row for row in json.loads(result.stdout)}
    assert sites["tidelock.example"]["versions"] == 14
    assert sites["fernway.example"]["versions"] >= 1
    shown = CliRunner().invoke(policy_archive, ["show", "tidelock.example", *database], standalone_mode=False)
    assert "tidelock.example.warc.gz" in shown.stdout and "Wayback" not in shown.stdout


def test_a_maintainer_to_be_runs_the_demo_and_a_test(tmp_path: Path) -> None:
    """As CONTRIBUTING.md and README.md have it; a test of its own follows the recipes of the former."""
    assert ".venv/bin/pytest -q tests/" in (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    assert "policy-archive demo" in (ROOT / "README.md").read_text("utf-8")
    program = [sys.executable, "-m", "policy_archive", "demo", "--db", str(tmp_path / "demo.db")]
    shown = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "That was all of it. What to type next:" in shown
    test = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/crawler/core/test_urls.py"]
    done = subprocess.run(test, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_each_of_the_six_is_walked() -> None:
    page = (ROOT / "docs" / "stories.md").read_text("utf-8")
    people = re.findall(r"^\| an? ([a-z -]+):", page, re.MULTILINE)
    walks = [name for name in globals() if name.startswith("test_a")]
    assert len(people) == 6
    for who in people:
        assert any(who.replace(" ", "_").replace("-", "_") in name for name in walks), who
