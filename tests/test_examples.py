"""The examples of --help run as they stand, offline, on the demo's sites; what is printed has plain words."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from policy_archive.cli import GROUPS, SUMMARIES, policy_archive
from policy_archive.crawler.core.records import Outcome, RowState
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
