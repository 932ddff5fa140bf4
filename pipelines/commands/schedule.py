"""`policy-archive schedule`: writes what the system's own scheduler needs, installs nothing."""

from __future__ import annotations

import shlex
import shutil
import sys
from importlib.metadata import version
from pathlib import Path

import click
from click.core import ParameterSource

from policy_archive.crawler.core.errors import UsageError
from policy_archive.crawler.core.safe_files import write_file
from policy_archive.crawler.core.urls import parse_site
from policy_archive.crawler.planning.due import parse_interval
from policy_archive.pipelines.commands.options import db_option
from policy_archive.pipelines.commands.schedulers import (
    Job,
    Schedule,
    build_cron,
    build_github,
    build_systemd,
)
from policy_archive.pipelines.commands.update import update_command


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
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write the files there.  [default: print them]",
)
@db_option
def schedule_command(
    scheduler: str, update_arguments: tuple[str, ...], every: str, folder: Path | None, database: Path
) -> None:
    """Write what a scheduler needs to run 'update'; nothing is installed.

    Options of 'update' follow after --.

    \b
    Example:
        policy-archive schedule systemd --to . -- --contact me@example.org
    """
    _check_arguments(update_arguments)
    job = Job(
        program=_find_program(),
        arguments=update_arguments,
        database=database.resolve(),
        every=parse_interval(every),
    )
    schedule = _build(scheduler, job)
    if folder is None:
        _print_files(schedule)
    else:
        for name, text in schedule.files.items():
            written = write_file(folder / name, [text], within=folder)
            click.echo(f"{'wrote' if written else 'unchanged:'} {folder / name}", err=True)
    where = shlex.quote(str(folder.resolve())) if folder else "DIR"
    click.echo(f"Nothing is installed. {schedule.says} To install:", err=True)
    click.echo(f"  {schedule.install.replace('{folder}', where)}", err=True)


def _check_arguments(arguments: tuple[str, ...]) -> None:
    """Refuse now what 'update' would refuse every night."""
    context = update_command.make_context("update", list(arguments))
    if context.get_parameter_source("database") is ParameterSource.COMMANDLINE:
        raise UsageError("--db is an option of 'schedule': give it before the --.")
    for site in context.params["sites"]:
        parse_site(site)


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
