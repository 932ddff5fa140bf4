"""`policy-archive schedule`: writes what the system's own scheduler needs, installs nothing."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource
from platformdirs import user_config_path

from policy_archive.crawler.core.errors import UsageError
from policy_archive.crawler.core.safe_files import write_file
from policy_archive.crawler.core.urls import parse_site
from policy_archive.crawler.planning.due import parse_interval
from policy_archive.pipelines.commands.alert_options import read_asked
from policy_archive.pipelines.commands.options import FolderPath, db_option
from policy_archive.pipelines.commands.schedulers import (
    Job,
    Schedule,
    build_cron,
    build_github,
    build_systemd,
)
from policy_archive.pipelines.commands.update import update_command
from policy_archive.pipelines.notify.channels import strip_format
from policy_archive.pipelines.outputs.rows import say


@click.command(name="schedule")
@click.argument("scheduler", type=click.Choice(["systemd", "cron", "github"]))
@click.argument("update_arguments", nargs=-1, type=click.UNPROCESSED, metavar="[-- UPDATE_OPTION...]")
@click.option(
    "--every",
    default="1d",
    show_default=True,
    metavar="TIME",
    help="How often to see what is due: 1h, 6h, 1d, 1w, 1mo.",
)
@click.option(
    "--to",
    "folder",
    type=FolderPath(),
    metavar="DIR",
    help="Write the files there.  [default: print them]",
)
@db_option
def schedule_command(
    scheduler: str, update_arguments: tuple[str, ...], every: str, folder: Path | None, database: Path
) -> None:
    """Write what a scheduler needs to run 'update'; nothing is installed.

    Options of 'update' follow after --. Addresses of channels are secrets and stand in no file that is
    written: --notify-env names variables, and it is said where to put them.

    \b
    Example:
        policy-archive schedule systemd --to . -- --contact me@example.org --notify-env SLACK_WEBHOOK
    """
    params, carried = _read_arguments(update_arguments)
    for option in carried:
        say(f"from the environment, which a scheduler has not: {option}")
    for name in _NOT_CARRIED:
        if os.environ.get(name):
            say(f"{name} is set here, a scheduler has it not: set it there, too")
    job = Job(
        program=_find_program(),
        arguments=(*_with_whole_paths(update_arguments), *carried),
        database=database.resolve(),
        every=_parse_every(every),
        variables=[strip_format(text) for text in params["notify_variables"]],
        files=[strip_format(text) for text in params["notify_files"]],
        environment_file=user_config_path("policy-archive", appauthor=False) / "environment",
    )
    schedule = _build(scheduler, job)
    if folder is None:
        _print_files(schedule)
    else:
        for name, text in schedule.files.items():
            written = write_file(folder / name, [text], within=folder)
            click.echo(f"{'wrote' if written else 'unchanged:'} {folder / name}", err=True)
    for sentence in schedule.needs:
        say(sentence)
    where = shlex.quote(str(folder.resolve())) if folder else "DIR"
    click.echo(f"Nothing is installed. {schedule.says} To install:", err=True)
    click.echo(f"  {schedule.install.replace('{folder}', where)}", err=True)


_CARRIED = {"archive_url": "--archive", "contact": "--contact", "base_url": "--base-url"}
"""Parameters of 'update' that may come from the environment here, which a scheduler does not have."""

_NOT_CARRIED = ("POLICY_ARCHIVE_STATE", "POLICY_ARCHIVE_CONFIG")
"""Variables that 'update' minds, and that are no option of it."""


def _parse_every(text: str) -> timedelta:
    try:
        return parse_interval(text)
    except UsageError:
        raise UsageError(f"--every '{text}' is none of a scheduler's: write 1h, 6h, 1d, 1w or 1mo.") from None


def _read_arguments(arguments: tuple[str, ...]) -> tuple[dict[str, Any], list[str]]:
    """Return what 'update' makes of its options, and options for what it takes from the environment here.

    Raises UsageError now for what 'update' would refuse every night.
    """
    context = update_command.make_context("update", list(arguments))
    params = context.params
    if context.get_parameter_source("database") is ParameterSource.COMMANDLINE:
        raise UsageError("--db is an option of 'schedule': give it before the --.")
    for site in params["sites"]:
        parse_site(site)
    read_asked(params).check()
    carried = [
        f"{option}={params[name]}"
        for name, option in _CARRIED.items()
        if context.get_parameter_source(name) is ParameterSource.ENVIRONMENT and params[name]
    ]
    return params, carried


def _with_whole_paths(arguments: tuple[str, ...]) -> tuple[str, ...]:
    """Return the options with the files of addresses named from the root: a scheduler runs elsewhere."""
    words = list(arguments)
    for index, word in enumerate(words):
        option, is_one_word, value = word.partition("=")
        if option == "--notify-file" and is_one_word:
            words[index] = f"{option}={_whole(value)}"
        elif word == "--notify-file" and index + 1 < len(words):
            words[index + 1] = _whole(words[index + 1])
    return tuple(words)


def _whole(text: str) -> str:
    path = strip_format(text)
    return f"{text.removesuffix(path)}{Path(path).resolve()}"


def _build(scheduler: str, job: Job) -> Schedule:
    if scheduler == "github":
        return build_github(job, release=version("policy-archive"))
    return build_systemd(job) if scheduler == "systemd" else build_cron(job)


def _print_files(schedule: Schedule) -> None:
    for name, text in schedule.files.items():
        if len(schedule.files) > 1:
            click.echo(f"# {name}")
        click.echo(text)


def _find_program() -> tuple[str, ...]:
    """Return how this program is called by one who has no PATH of ours."""
    beside = shutil.which("policy-archive", path=str(Path(sys.executable).parent))
    found = beside or shutil.which("policy-archive")
    return (found,) if found else (sys.executable, "-m", "policy_archive")
