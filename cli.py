"""The command line: every command is written beside what it runs; here they are gathered."""

from __future__ import annotations

import errno
import os
import sqlite3
import sys
from typing import NoReturn

import click

from policy_archive.crawler.core.errors import DiskFullError, PolicyArchiveError

COMMANDS = {
    # command: module that holds a click command of that name (`re-extract` is `re_extract_command`)
    "fetch": "policy_archive.pipelines.commands.fetch",
    "plan": "policy_archive.pipelines.commands.plan",
    "runs": "policy_archive.pipelines.commands.plan",
    "watch": "policy_archive.pipelines.commands.watch",
    "update": "policy_archive.pipelines.commands.update",
    "schedule": "policy_archive.pipelines.commands.schedule",
    "changes": "policy_archive.pipelines.commands.changes",
    "status": "policy_archive.pipelines.commands.status",
    "history": "policy_archive.pipelines.commands.read",
    "show": "policy_archive.pipelines.commands.read",
    "diff": "policy_archive.pipelines.commands.read",
    "documents": "policy_archive.pipelines.commands.read",
    "extract": "policy_archive.pipelines.commands.extract",
    "re-extract": "policy_archive.pipelines.commands.extract",
    "export": "policy_archive.pipelines.commands.export",
    "verify": "policy_archive.pipelines.commands.verify",
    "backup": "policy_archive.pipelines.commands.maintain",
    "restore": "policy_archive.pipelines.commands.maintain",
    "compact": "policy_archive.pipelines.commands.maintain",
    "browse": "policy_archive.browse.commands",
    "publish": "policy_archive.browse.commands",
    "serve": "policy_archive.archive_server.commands",
    "demo": "policy_archive.pipelines.commands.demo",
}


class LazyGroup(click.Group):
    """Imports a command's module when it is asked for: `history` need not load a browser."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        from importlib import import_module

        command = getattr(import_module(COMMANDS[cmd_name]), f"{cmd_name.replace('-', '_')}_command")
        assert isinstance(command, click.Command)
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="policy-archive")
def policy_archive() -> None:
    """The history of a website's policies, out of the Wayback Machine into one SQLite file."""


def main() -> None:
    """Run the command line; every expected failure is one sentence on stderr.

    Exit status: 0 done, 1 failed or incomplete, 2 usage, 74 disk full, 75 database in use, 130 interrupted.
    """
    _replace_closed_streams()
    _check_system()
    try:
        sys.exit(policy_archive(standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        click.echo("Interrupted: what was finished is kept, and nothing is left half done.", err=True)
        sys.exit(130)
    except PolicyArchiveError as error:
        _end(str(error), error.exit_status)
    except OSError as error:
        status = DiskFullError.exit_status if error.errno == errno.ENOSPC else 1
        _end(": ".join(str(part) for part in (error.filename, error.strerror or error) if part), status)
    except sqlite3.DatabaseError as error:
        from policy_archive.pipelines.store.connection import explain, is_of_file

        if not is_of_file(error):
            raise
        told = explain(error, "the database")
        _end(str(told), told.exit_status)


def _end(message: str, status: int) -> NoReturn:
    from policy_archive.pipelines.outputs.table import clean_for_terminal

    click.echo(f"Error: {clean_for_terminal(message)}", err=True)
    sys.exit(status)


def _check_system() -> None:
    """End in a sentence on Windows, where the locks and limits that this stands on do not exist."""
    try:
        import fcntl  # noqa: F401
        import resource  # noqa: F401
    except ImportError:
        print(
            "Error: policy-archive runs on Linux and macOS; on Windows, run it inside WSL "
            "(https://learn.microsoft.com/windows/wsl)",
            file=sys.stderr,
        )
        sys.exit(1)


def _replace_closed_streams() -> None:
    """Let a program that was started without stdout or stderr (`>&-`) write to nowhere."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115 (till the end)


if __name__ == "__main__":
    main()
