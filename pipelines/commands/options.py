"""Click options that several commands share: one home for each name, default and environment variable.

What only commands that crawl take is in `crawl_options`: a command that reads need not load a crawl.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from policy_archive.crawler.core.defaults import DATABASE
from policy_archive.crawler.core.records import POLICY_KINDS

_Command = TypeVar("_Command", bound=Callable[..., Any])

db_option = click.option(
    "--db",
    "database",
    type=click.Path(dir_okay=False, path_type=Path),
    default=DATABASE,
    envvar="POLICY_ARCHIVE_DB",
    show_default=True,
    show_envvar=True,
    help="SQLite file of the corpus.",
)

sites_option = click.option(
    "--sites",
    "sites_file",
    type=click.File("r", encoding="utf-8", errors="replace"),  # a line that is none is named and left out
    metavar="FILE",
    help="Also the sites in a file: one domain a line, or CSV with a rank (1,example.com); - is stdin.",
)

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def document_options(command: _Command) -> _Command:
    """Add --kind and --name, which choose among a site's documents."""
    for option in (
        click.option(
            "--name", help="Name of a document beside the main one of its kind ('documents' lists them)."
        ),
        click.option(
            "--kind",
            type=click.Choice([kind.value for kind in POLICY_KINDS]),
            help="Kind of document.  [default: privacy, or what there is]",
        ),
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
