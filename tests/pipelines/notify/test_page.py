"""docs/alerts.md: its commands are commands, and its limits those of the code."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from policy_archive.cli import policy_archive
from policy_archive.pipelines.notify.channels import FORMAT_NAMES
from policy_archive.pipelines.notify.formats import FORMATS, discord, plain, slack, teams

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "alerts.md").read_text("utf-8")
BLOCKS = "\n".join(re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL))
COMMANDS = re.findall(r"^policy-archive ([^#\n]*)", BLOCKS, re.MULTILINE)


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_of_the_page_is_one(line: str) -> None:
    command: click.Command = policy_archive
    words = shlex.split(line)
    while isinstance(command, click.Group):
        found = command.get_command(click.Context(command), words.pop(0))
        assert found is not None
        command = found
    command.make_context("policy-archive", words)


def test_the_page_has_commands_and_every_format() -> None:
    assert len(COMMANDS) >= 6
    for name in FORMATS:
        assert re.search(rf"^\| {name} \|", PAGE, re.MULTILINE)
    assert set(FORMATS) == set(FORMAT_NAMES)


@pytest.mark.parametrize(
    ("format_name", "limit"),
    [
        ("slack", slack.LONGEST_HEADER),
        ("slack", slack.LONGEST_TEXT),
        ("teams", teams.LONGEST_BYTES),
        ("discord", discord.LONGEST_CONTENT),
        ("discord", discord.LONGEST_TITLE),
        ("discord", discord.LONGEST_DESCRIPTION),
        ("text", plain.LONGEST),
    ],
)
def test_the_limits_of_the_page_are_those_of_the_code(format_name: str, limit: int) -> None:
    (line,) = re.findall(rf"^\| {format_name} \|.*$", PAGE, re.MULTILINE)
    assert str(limit) in line.replace(",", "")
