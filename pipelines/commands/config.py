"""`policy-archive config`: what the config files say, and what holds."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from click import types
from click.core import ParameterSource

from policy_archive.crawler.core.errors import UsageError
from policy_archive.pipelines.commands import config_file
from policy_archive.pipelines.commands.options import db_option, early_db_option, row_options
from policy_archive.pipelines.outputs.rows import format_json, print_rows


@click.group(name="config")
@early_db_option
def config_command(early_database: Path | None) -> None:
    """What the config files say, and what holds: each value and where it comes from.

    Two files in TOML: the user's, and policy-archive.toml beside the database, which goes first. Keys on top
    hold for every command, those in a command's table, as [fetch], for that one. An option or the environment
    goes before both.

    \b
    Example:
        policy-archive config show
        policy-archive config show fetch --json
    """


@config_command.command("show")
@click.argument("command", required=False)
@db_option
@row_options
@click.pass_context
def show_command(ctx: click.Context, command: str | None, database: Path, row_format: str) -> None:
    """Each value that holds, and where it comes from; of a COMMAND all of its options.

    \b
    Example:
        policy-archive config show
        policy-archive config show update --csv
    """
    root = ctx.find_root()
    group = root.command
    assert isinstance(group, click.Group)
    names = group.list_commands(root)
    if command is not None and command not in names:
        raise UsageError(f"there is no command '{command}': --help lists them.")
    layers = config_file.read_layers(_given(ctx, database))
    config_file.check_keys(root, layers, tables=names)
    chosen = [command] if command else names
    rows = [row for name in chosen for row in _iter_rows(root, group, name, layers)]
    if command is None:
        rows = _merge(rows)
    print_rows(rows, row_format, cells=_cells)


def _iter_rows(
    root: click.Context, group: click.Group, name: str, layers: list[config_file.Layer]
) -> Iterator[dict[str, Any]]:
    command = group.get_command(root, name)
    assert command is not None
    pairs: list[tuple[tuple[str, ...], click.Command]] = [((name,), command)]
    if isinstance(command, click.Group):
        pairs = [((name, inner), found) for inner, found in command.commands.items()]
    for names, one in pairs:
        for key, option in config_file.iter_keys(one):
            yield _describe(root, option, ".".join((*names, key)), config_file.find_value(layers, names, key))


def _describe(
    root: click.Context, option: click.Option, key: str, found: config_file.Found | None
) -> dict[str, Any]:
    """Return the row of an option: its value as it holds now, and whose it is."""
    variable = option.envvar if isinstance(option.envvar, str) else None
    if variable and os.environ.get(variable):
        return _row(key, os.environ[variable], "environment", variable)
    if found is not None:
        value = config_file.read_value(root, option, found)
        return _row(found.key, value, found.layer.name, str(found.layer.path))
    value = _plain(option.get_default(root))
    words = _find_words(option) if value in (None, "") else None
    if words and value is None and isinstance(option.type, types.FloatParamType):
        value, words = float(words), None
    return _row(key, value, "default", None, meaning=words)


def _row(
    key: str, value: Any, source: str, place: str | None, *, meaning: str | None = None
) -> dict[str, Any]:
    return {"key": key, "value": value, "source": source, "place": place, "meaning": meaning}


def _find_words(option: click.Option) -> str | None:
    """Return what an option's help says that holds without it, "one a core"; None where it does not say."""
    found = re.search(r"\[default: (.+?)\]", option.help or "")
    return found[1] if found else None


def _plain(value: Any) -> Any:
    """Return a default as JSON has it; None where the option has none and the program decides."""
    if isinstance(value, list | tuple):
        return [str(one) for one in value]
    return value if isinstance(value, bool | int | float | str) else None


def _merge(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what holds for all commands once, under its bare key, and of the tables what somebody set."""
    merged: dict[str, dict[str, Any]] = {}
    for row in rows:
        bare = row["key"].rpartition(".")[2]
        is_own = row["key"] != bare and row["source"].endswith("file")
        if is_own:
            merged.setdefault(row["key"], row)
        elif bare in config_file.SHARED:
            merged.setdefault(bare, row | {"key": bare})
    order = {key: number for number, key in enumerate(config_file.SHARED)}
    return sorted(merged.values(), key=lambda row: (order.get(row["key"], len(order)), row["key"]))


def _cells(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "Key": row["key"],
        "Value": _shown(row["value"], row["meaning"]),
        "From": row["source"],
        "Where": row["place"] or "",
    }


def _shown(value: Any, meaning: str | None) -> str:
    if value in (None, ""):
        return meaning or "not set"
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(value) if isinstance(value, list) else str(value)


@config_command.command("path")
@click.option("--project", is_flag=True, help="The file beside the database in place of the user's.")
@click.option("--json", "as_json", is_flag=True, help="Print both as JSON, and whether they are there.")
@db_option
@click.pass_context
def path_command(ctx: click.Context, project: bool, as_json: bool, database: Path) -> None:
    """Where the user's config file is, or would be.

    \b
    Example:
        policy-archive config path --json
    """
    user = config_file.user_file()
    if not (as_json or project):
        click.echo(user)  # also of a file that cannot be read: here one learns which to mend
        return
    beside = config_file.project_file(config_file.find_database(_given(ctx, database))).absolute()
    if as_json:
        files = {"user": user, "project": beside}
        told = {name: {"path": str(path), "is_there": path.is_file()} for name, path in files.items()}
        click.echo(format_json(told, indent=2))
    else:
        click.echo(beside)


def _given(ctx: click.Context, database: Path) -> Path | None:
    """Return --db where it was typed: else files and environment say which it is."""
    return database if ctx.get_parameter_source("database") is ParameterSource.COMMANDLINE else None
