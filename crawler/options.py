"""Click options that several commands share: one home for each name, default and environment variable."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

DEFAULT_ARCHIVE = "https://web.archive.org"
DEFAULT_DATABASE = "policies.db"

_Command = TypeVar("_Command", bound=Callable[..., Any])

db_option = click.option(
    "--db",
    "database",
    type=click.Path(dir_okay=False, path_type=Path),
    default=DEFAULT_DATABASE,
    envvar="POLICY_ARCHIVE_DB",
    show_default=True,
    show_envvar=True,
    help="SQLite file of the corpus.",
)

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def archive_options(command: _Command) -> _Command:
    """Add what every command that speaks to an archive takes."""
    for option in reversed(
        (
            click.option(
                "--archive",
                "archive_url",
                metavar="BASE_URL",
                default=DEFAULT_ARCHIVE,
                envvar="POLICY_ARCHIVE_URL",
                show_default=True,
                show_envvar=True,
                help="Archive to ask: a Wayback Machine, or a pywb collection (http://host:port/collection).",
            ),
            click.option(
                "--dialect",
                type=click.Choice(["auto", "wayback", "pywb"]),
                default="auto",
                show_default=True,
                help="How the archive's index speaks; auto asks it.",
            ),
            click.option(
                "--index-rate",
                type=click.FloatRange(min=0),
                metavar="PER_MINUTE",
                help="Index queries a minute at the most; 0 = no limit, for an archive of your own. "
                "[default: 24]",
            ),
            click.option(
                "--replay-rate",
                type=click.FloatRange(min=0),
                metavar="PER_SECOND",
                help="Captures a second at the most; 0 = no limit. [default: 8]",
            ),
            click.option(
                "--contact",
                metavar="EMAIL_OR_URL",
                envvar="POLICY_ARCHIVE_CONTACT",
                show_envvar=True,
                help="Added to the User-Agent, so that the archive can reach you.",
            ),
        )
    ):
        command = option(command)
    return command


def row_options(command: _Command) -> _Command:
    """Add --json, --nl and --csv; the command gets `row_format`: table, json, nl or csv."""
    for name in ("csv", "nl", "json"):
        command = click.option(
            f"--{name}",
            "row_format",
            flag_value=name,
            help={
                "json": "Print a JSON array.",
                "nl": "Print JSON, one object a line.",
                "csv": "Print CSV.",
            }[name],
        )(command)
    return click.option("--table", "row_format", flag_value="table", default="table", hidden=True)(command)
