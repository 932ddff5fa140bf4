"""The keys of the rows that commands print stand in docs/schema.md, and no others do."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from policy_archive.cli import SUMMARIES, policy_archive

PAGE = (Path(__file__).parents[1] / "docs" / "schema.md").read_text("utf-8")
SECTIONS = {
    section.split("\n", 1)[0]: section
    for section in re.split(r"^### Keys of ", PAGE.partition("\n# Rows that commands print")[2], flags=re.M)[
        1:
    ]
}
ASKED = {
    "sites": ["sites"],
    "documents": ["documents"],
    "history": ["history tidelock.example --all", "history tidelock.example --coverage"],
    "changes": ["changes --all"],
    "runs": ["runs"],
    "watch list": ["watch list"],
    "config show": ["config show"],
    "at": ["at 2018-07-01"],
    "cite": ["cite tidelock.example"],
    "search": ["search cookie", "search cookie --documents", "search cookie --years"],
    "phrase": ["phrase cookie", "phrase cookie --documents"],
}
WRITTEN_ELSEWHERE = {"before_file", "file", "after_file"}
"""Keys of files that --to writes."""
ELSEWHERE = {"notify test", "notify waiting", "notify send", "bulk status"}
"""Commands whose keys are held by the tests of their room: they need somebody to be told, or parts."""


def iter_row_commands(name: str, command: click.Command) -> Iterator[str]:
    """Yield the commands that have --nl: those that print rows."""
    if isinstance(command, click.Group):
        for inner, one in command.commands.items():
            yield from iter_row_commands(f"{name} {inner}", one)
    elif any("--nl" in option.opts for option in command.params):
        yield name


def documented(section: str) -> tuple[set[str], bool]:
    """Return the keys of a section, and whether columns of `policy_versions` are among its keys."""
    cells = re.findall(r"^\| (`.*?) \|", section.partition("\n### Words")[0], flags=re.M)
    keys = {key for cell in cells for key in re.findall(r"`([\w-]+)`", cell)}
    of_versions = re.search(r"columns of `policy_versions`", section) is not None
    if re.search(r"`before_version` …", section):
        entry = "first_captured last_captured stated_updated stated_effective words title replay_url"
        keys |= {f"{side}_{name}" for side in ("before", "after") for name in entry.split()}
    return keys, of_versions


def view_columns() -> set[str]:
    section = PAGE.partition("\n## policy_versions\n")[2].partition("\n## ")[0]
    return set(re.findall(r"^\| `(\w+)` \|", section, flags=re.M))


def test_every_command_that_prints_rows_has_all_formats_and_a_section() -> None:
    context = click.Context(policy_archive)
    commands = [(name, policy_archive.get_command(context, name)) for name in SUMMARIES]
    found = {row for name, one in commands if one for row in iter_row_commands(name, one)}
    assert found == {*ASKED, *ELSEWHERE}
    assert found <= set(SECTIONS)
    for name in found:
        words = name.split()
        told = CliRunner().invoke(policy_archive, [*words, "--help"]).output
        assert "--json" in told and "--nl" in told and "--csv" in told


@pytest.mark.parametrize("name", ASKED)
def test_the_keys_of_its_rows_are_those_of_the_page(demo_database: Path, tmp_path: Path, name: str) -> None:
    database = tmp_path / "demo.db"
    shutil.copy(demo_database, database)
    add = ["watch", "add", "tidelock.example", "--db", str(database)]
    CliRunner().invoke(policy_archive, add, standalone_mode=False)
    keys, of_versions = documented(SECTIONS[name])
    printed: set[str] = set()
    for typed in ASKED[name]:
        words = [*typed.split(), "--nl", "--db", str(database)]
        result = CliRunner().invoke(policy_archive, words, standalone_mode=False)
        assert result.exception is None, result.exception
        lines = result.stdout.splitlines()
        assert lines, typed
        printed |= set(json.loads(lines[0]))
    assert printed - keys - (view_columns() if of_versions else set()) == set()
    assert keys - printed - WRITTEN_ELSEWHERE == set()
