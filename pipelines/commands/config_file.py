"""The config files: what a person would type each time, and where each value came from.

Two files in TOML, each optional: the user's, and one beside the database. A key is an option's long name
without its dashes; on top it holds for every command that has the option, in a command's table for that one.

Precedence: command line, environment, the file beside the database, the user's file, the built-in default.
click itself asks in this order: what is read here becomes its `default_map`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from policy_archive.crawler.core.defaults import DATABASE
from policy_archive.crawler.core.errors import PolicyArchiveError, UsageError
from policy_archive.pipelines.commands.options import DATABASE_VARIABLE

CONFIG_VARIABLE = "POLICY_ARCHIVE_CONFIG"
"""Names the user's file where it is not in the system's folder for such files."""
PROJECT_FILE = "policy-archive.toml"
SHARED = ("db", "archive", "dialect", "index-rate", "replay-rate", "contact", "max-requests-per-day")
"""Keys that may stand on top: they mean the same for every command. All others stand in a command's table."""
_WITHHELD = ("notify", "smtp", "help", "version")
"""How the names of options begin that no file gives: addresses of channels are secrets, and a program that a
file in a folder names would be run for whoever works there. --version of `show` chooses one of many.
"""
_BARE_COMMANDS = ("config", "completion")
"""Work whatever the files say: by them one finds out what is wrong."""


@dataclass(frozen=True)
class Layer:
    """One config file that is there."""

    path: Path
    name: str
    """`project file` or `user file`."""
    values: Mapping[str, Any]
    """As TOML has them: keys on top, and a mapping a command."""


@dataclass(frozen=True)
class Found:
    """A value of a file, for one option."""

    value: Any
    layer: Layer
    key: str
    """As it stands in the file: `archive`, `fetch.precision`."""


def user_file() -> Path:
    """Return where the user's file is or would be."""
    if named := os.environ.get(CONFIG_VARIABLE):
        return Path(named).expanduser()
    from platformdirs import user_config_path

    return user_config_path("policy-archive", appauthor=False) / "config.toml"


def project_file(database: Path) -> Path:
    """Return where the file beside a database is or would be."""
    return database.parent / PROJECT_FILE


def read_layers(given: Path | None) -> list[Layer]:
    """Return the files that are there, the one that goes first in front.

    `given`: the database that the command line names. Without one the environment's counts, the user file's,
    the default.

    Raises UsageError for a file that is no TOML or cannot be read.
    """
    user = _read_user_file()
    project = _read_layer(project_file(_choose_database(given, user)), "project file")
    return [layer for layer in (project, user) if layer is not None]


def find_database(given: Path | None) -> Path:
    """Return the database beside which the project file stands."""
    return _choose_database(given, _read_user_file())


def _read_user_file() -> Layer | None:
    return _read_layer(user_file(), "user file", must_be_there=CONFIG_VARIABLE in os.environ)


def _choose_database(given: Path | None, user: Layer | None) -> Path:
    named = user.values.get("db") if user else None
    of_user = user.path.parent / Path(named).expanduser() if user and isinstance(named, str) else None
    return given or Path(os.environ.get(DATABASE_VARIABLE) or of_user or DATABASE)


def _read_layer(path: Path, name: str, *, must_be_there: bool = False) -> Layer | None:
    try:
        text = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        if not must_be_there:
            return None
        raise UsageError(
            f"{path}, which {CONFIG_VARIABLE} names, is not there: write it, or unset it."
        ) from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from error
    import tomllib  # only where a file is: readers need not wait for it

    try:
        return Layer(path=path, name=name, values=tomllib.loads(text.decode("utf-8-sig")))
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not in UTF-8: save it as UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path} is no TOML: {error}. A line is like: contact = 'me@example.org'") from error


# What holds for a command


def read_defaults(
    ctx: click.Context, command: click.Command, arguments: Sequence[str], early: Path | None
) -> dict[str, Any]:
    """Return what the files say for a command, as click's `default_map` of it.

    `ctx`: of the program, before the command's own is made. `arguments`: what follows the command's name.
    `early`: --db where it stands before that.

    Raises UsageError that names file and key when a key is unknown or its value cannot be meant.
    """
    if command.name in _BARE_COMMANDS or {"--help", "-h"} & set(arguments):
        return {}
    layers = read_layers(find_database_argument(arguments) or early)
    check_keys(ctx, layers, tables=(command.name or "",))
    return _build_map(ctx, command, layers, ())


def find_database_argument(arguments: Iterable[str]) -> Path | None:
    """Return what --db says among arguments that nobody has parsed yet; the last one, as click has it.

    >>> find_database_argument(["x.org", "--db", "a.db"]), find_database_argument(["x"])
    (PosixPath('a.db'), None)
    """
    found = None
    words = iter(arguments)
    for word in words:
        if word == "--":
            break
        if word == "--db":
            found = next(words, found)
        elif word.startswith("--db="):
            found = word.removeprefix("--db=")
    return Path(found) if found else None


def _build_map(
    ctx: click.Context, command: click.Command, layers: list[Layer], above: tuple[str, ...]
) -> dict[str, Any]:
    here = (*above, command.name or "")
    built: dict[str, Any] = {}
    for key, option in iter_keys(command):
        found = find_value(layers, here, key)
        if found is not None and option.name is not None:
            built[option.name] = read_value(ctx, option, found)
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            built[name] = _build_map(ctx, inner, layers, here)
    return built


def iter_keys(command: click.Command) -> Iterator[tuple[str, click.Option]]:
    """Yield the options of a command that a file may give, each with its key."""
    for option in command.params:
        if not isinstance(option, click.Option) or option.hidden:
            continue
        key = max(option.opts, key=len).lstrip("-")
        chooses = option.is_flag and not option.is_bool_flag  # --csv, --nl: what this run prints
        if not chooses and not key.startswith(_WITHHELD) and not _is_early(option):
            yield key, option


def _is_early(option: click.Option) -> bool:
    return (
        "--db" in option.opts and option.envvar != DATABASE_VARIABLE
    )  # of a group, or of the demo's own file


def find_value(layers: list[Layer], command: tuple[str, ...], key: str) -> Found | None:
    """Return the value that goes first: a file's table of the command before what stands on top of it."""
    for layer in layers:
        table: Any = layer.values
        for name in command:
            table = table.get(name) if isinstance(table, Mapping) else None
        if isinstance(table, Mapping) and key in table:
            return Found(table[key], layer, ".".join((*command, key)))
        if key in SHARED and key in layer.values:
            return Found(layer.values[key], layer, key)
    return None


def read_value(ctx: click.Context, option: click.Option, found: Found) -> Any:
    """Return a file's value as the option would have it, checked; a relative path is one beside its file.

    Raises UsageError that names the file and the key.
    """
    try:
        value = _shape(option, found)
        option.process_value(ctx, value)
    except click.BadParameter as error:
        raise UsageError(f"{found.layer.path}: {found.key}: {error.message}") from None
    except PolicyArchiveError as error:
        raise UsageError(f"{found.layer.path}: {found.key}: {error}") from error
    return value


def _shape(option: click.Option, found: Found) -> Any:
    value = found.value
    if isinstance(value, Mapping) or isinstance(value, bool) is not option.is_flag:
        wanted = "true or false" if option.is_flag else "one value, not true, false or a table"
        raise click.BadParameter(f"write {wanted}.")
    if isinstance(value, list) and not option.multiple:
        raise click.BadParameter("write one value, not several.")
    if option.multiple:
        return [str(one) for one in (value if isinstance(value, list) else [value])]
    if isinstance(option.type, click.Path):
        return str(found.layer.path.parent / Path(str(value)).expanduser())
    return value if isinstance(value, bool) else str(value)


# Keys that are none


def check_keys(ctx: click.Context, layers: Iterable[Layer], *, tables: Iterable[str]) -> None:
    """Refuse keys and tables that mean nothing; only `tables` are looked into, for that loads a command.

    Raises UsageError, a sentence that names the nearest key that there is.
    """
    group = ctx.find_root().command
    assert isinstance(group, click.Group)
    names = group.list_commands(ctx)
    looked_into = set(tables)
    for layer in layers:
        for key, value in layer.values.items():
            if isinstance(value, Mapping):
                if key not in names:
                    raise UsageError(
                        f"{layer.path}: there is no command '{key}' to have a table.{_meant(key, names)}"
                    )
                if key in looked_into and (command := group.get_command(ctx, key)) is not None:
                    _check_table(layer, command, value, (key,))
            elif key not in SHARED:
                raise UsageError(f"{layer.path}: {_describe_unknown(ctx, group, key)}")


def _check_table(
    layer: Layer, command: click.Command, table: Mapping[str, Any], names: tuple[str, ...]
) -> None:
    keys = [key for key, _ in iter_keys(command)]
    inner = command.commands if isinstance(command, click.Group) else {}
    for key, value in table.items():
        if isinstance(value, Mapping) and key in inner:
            _check_table(layer, inner[key], value, (*names, key))
        elif key not in keys:
            told = f"[{'.'.join(names)}] has no key '{key}'.{_meant(key, [*keys, *inner])}"
            raise UsageError(f"{layer.path}: {_withheld(key) or told}")


def _withheld(key: str) -> str:
    if key.startswith(_WITHHELD[:2]):
        told = "is read from no config file, for who is told may be secret: give it as an option"
        return f"'{key}' {told} or by the environment."
    return ""


def _describe_unknown(ctx: click.Context, group: click.Group, key: str) -> str:
    if told := _withheld(key):
        return told
    owners = []
    for name in group.list_commands(ctx):
        command = group.get_command(ctx, name)
        if command is not None and key in dict(iter_keys(command)):
            owners.append(name)
    if owners:
        return f"'{key}' stands in a command's table: [{'], ['.join(owners)}]."
    return f"there is no key '{key}'.{_meant(key, SHARED)}"


def _meant(typed: str, names: Iterable[str]) -> str:
    from difflib import get_close_matches

    names = list(names)
    nearest = get_close_matches(typed.replace("_", "-"), names, n=1, cutoff=0.5)
    return f" Did you mean '{nearest[0]}'?" if nearest else f" There are: {', '.join(names)}."
