"""The examples of --help run as they stand, offline, on the demo's sites; what is printed has plain words."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from policy_archive.archive_server.server import ArchiveServer
from policy_archive.archive_server.warc_files import find_warcs
from policy_archive.cli import GROUPS, SUMMARIES, policy_archive
from policy_archive.crawler.core.records import Outcome, RowState
from policy_archive.data import DATA
from policy_archive.pipelines.outputs.words import OUTCOMES, STATES

DOCUMENTED = Path(__file__).parents[1] / "docs" / "schema.md"


def _iter_examples() -> list[str]:
    """Return the examples that name the demo's database."""
    context = click.Context(policy_archive)
    commands = [policy_archive.get_command(context, name) for name in SUMMARIES]
    lines = [line.strip() for one in commands if one for line in (one.help or "").splitlines()]
    return [line for line in lines if line.startswith("policy-archive ") and "--db demo.db" in line]


@pytest.mark.parametrize("example", _iter_examples())
def test_an_example_of_the_help_runs_as_it_stands(
    demo_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, example: str
) -> None:
    shutil.copy(demo_database, tmp_path / "demo.db")
    monkeypatch.chdir(tmp_path)
    words = shlex.split(re.sub(r" > \S+$", "", example))[1:]
    result = CliRunner().invoke(policy_archive, words, standalone_mode=False)
    assert result.exception is None, result.exception
    assert result.output


def test_there_are_examples_of_every_command_that_reads() -> None:
    shown = {example.split()[1] for example in _iter_examples()}
    assert shown >= {*GROUPS["Read"], "changes", "runs", "export"} - {"browse"}


def test_each_command_stands_under_one_heading() -> None:
    listed = [name for names in GROUPS.values() for name in names]
    assert sorted(listed) == sorted(SUMMARIES)
    told = CliRunner().invoke(policy_archive, ["--help"]).output
    for heading in GROUPS:
        assert f"{heading}:" in told


@pytest.mark.parametrize(
    ("typed", "meant"), [("hist", "history"), ("serach", "search"), ("site", "sites"), ("delete", None)]
)
def test_a_mistyped_command_is_answered_with_the_nearest(typed: str, meant: str | None) -> None:
    result = CliRunner().invoke(policy_archive, [typed])
    assert result.exit_code == 2
    assert (f"Did you mean '{meant}'?" if meant else "No such command 'delete'.") in result.output


def test_each_stored_value_has_plain_words_which_stand_in_the_glossary() -> None:
    assert set(STATES) == set(RowState) and set(OUTCOMES) == set(Outcome)
    glossary = DOCUMENTED.read_text("utf-8").partition("### Words for stored values")[2]
    for value, words in (*STATES.items(), *OUTCOMES.items()):
        assert f"| `{value}` | {words} |" in glossary
    for words in (*STATES.values(), *OUTCOMES.values()):
        assert not re.search("narrow|bracket|unplanned|flapping|foreign", words)


ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "docs/upkeep.md", "docs/reliability.md")


def _iter_documented(page: str) -> list[str]:
    """Return the commands of a page's shell blocks, without what is said of them."""
    blocks = re.findall(r"^```(?:sh)?\n(.*?)^```", (ROOT / page).read_text("utf-8"), re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    typed = [line for line in lines if line.startswith("policy-archive ")]
    return [shlex.join(shlex.split(line, comments=True)) for line in typed]


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_tells_to_type_runs_offline_as_it_stands(
    demo_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    """Each command in turn, in one folder, on the demo's corpus and archive; `browse` alone does not end."""
    shutil.copy(demo_database, tmp_path / "policies.db")
    for name in ("sites.csv", "tranco.csv"):
        (tmp_path / name).write_text("1,tidelock.example\n")
    (tmp_path / "page.html").write_text("<h1>Privacy Policy</h1><p>We keep your data for ninety days.</p>")
    (tmp_path / "crawls").mkdir()
    shutil.copy(DATA / "demo" / "oldmill-inn.example.warc.gz", tmp_path / "crawls")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("POLICY_ARCHIVE_STATE", str(tmp_path / "state"))
    Path("policy-archive.toml").write_text("index-rate = 0\nreplay-rate = 0\n")
    commands = [typed for typed in _iter_documented(page) if typed.split()[1] != "browse"]
    assert len(commands) >= 5
    with ArchiveServer(find_warcs((DATA / "demo",))) as archive:
        monkeypatch.setenv("POLICY_ARCHIVE_URL", archive.url)
        for typed in commands:
            result = CliRunner().invoke(policy_archive, shlex.split(typed)[1:], standalone_mode=False)
            assert result.exception is None, (typed, result.exception)
            assert result.return_value in (None, 0) or "status" in typed, (typed, result.output)


READING = (
    "sites", "documents", "history tidelock.example --all", "history tidelock.example --coverage",
    "history oldmill-inn.example --include-foreign", "history lantern-radio.example --all", "changes --all",
    "at 2018", "status", "runs", "search cookie", "search cookie --documents", "phrase cookie",
    "watch list", "cite tidelock.example --change", "diff tidelock.example --removed",
)  # fmt: skip


@pytest.mark.parametrize("typed", READING)
def test_nothing_that_people_read_has_a_word_of_the_table_of_stored_values(
    demo_database: Path, tmp_path: Path, typed: str
) -> None:
    """Stored words are for programs (--json): people are told the plain ones."""
    shutil.copy(demo_database, tmp_path / "demo.db")
    words = [*typed.split(), "--db", str(tmp_path / "demo.db")]
    result = CliRunner().invoke(policy_archive, words, standalone_mode=False)
    assert result.exception is None, result.exception
    printed = re.sub(r"--include-foreign", "", result.output)
    assert printed
    bare = r"bracketed|narrow|unplanned|flapping|foreign|seen late|same-digest|error-page|not-a-policy"
    assert not re.search(rf"\b(?:{bare})\b", printed), printed
