"""What a shell may complete where a command takes a site: those of the database that would be read."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from policy_archive.crawler.core.errors import PolicyArchiveError
from policy_archive.pipelines.commands.config_file import find_value, read_layers
from policy_archive.pipelines.store.connection import open_reader
from policy_archive.pipelines.store.queries import list_site_names

_Command = TypeVar("_Command", bound=Callable[..., Any])
_MOST = 500
"""Names that a shell is given: more than that nobody looks through."""


def site_argument(command: _Command) -> _Command:
    """Add SITE, which may be left out; shells complete it."""
    return click.argument("site", required=False, shell_complete=complete_sites)(command)


def sites_argument(command: _Command) -> _Command:
    """Add any number of sites; shells complete them."""
    argument = click.argument("sites", nargs=-1, metavar="[SITE]...", shell_complete=complete_sites)
    return argument(command)


def complete_sites(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Return the sites that begin so; none where no database can be read: a shell asks in silence."""
    try:
        with closing(open_reader(_find_database(ctx))) as connection:
            names = list_site_names(connection)
    except (PolicyArchiveError, OSError, sqlite3.Error):
        return []
    return [name for name in names if name.startswith(incomplete.lower())][:_MOST]


def _find_database(ctx: click.Context) -> Path:
    """Return the database that the command would read; nobody applied a config file while a shell asks."""
    database: Path = ctx.params["database"]
    if ctx.get_parameter_source("database") is not ParameterSource.DEFAULT:
        return database
    found = find_value(read_layers(None), (ctx.command.name or "",), "db")
    return database if found is None else found.layer.path.parent / Path(str(found.value)).expanduser()
