"""The command line: every command is written beside what it runs; here they are gathered."""

from __future__ import annotations

import errno
import gc
import io
import os
import re
import sqlite3
import sys
from pathlib import Path
from typing import NoReturn

import click

from policy_archive.crawler.core.errors import PolicyArchiveError
from policy_archive.crawler.core.exit_statuses import ExitStatus, describe_exit_statuses
from policy_archive.crawler.core.steering import clean_text
from policy_archive.pipelines.commands.config_file import find_database_argument, read_defaults
from policy_archive.pipelines.commands.options import COMPLETE_VARIABLE, early_db_option

SUMMARIES = {
    # what --help says of each command, known without importing it; a test holds them against the commands
    "fetch": "Find and fetch the whole history of sites' policies.",
    "plan": "Say what a fetch of sites will cost, after one index query each.",
    "runs": "List what was run on a database: requests spent, and of a plan what its sites took since.",
    "watch": "Keep a list of sites for 'update', each with its own interval.",
    "update": "Ask for what is new of the sites watched that are due, or of those named; print what changed.",
    "schedule": "Write what a scheduler needs to run 'update'; nothing is installed.",
    "notify": "Tell chats, mailboxes and programs what changed: try it, see what waits, send it.",
    "changes": "New versions of all sites or of one, the newest first.",
    "status": "How the last runs went, what fails, what is overdue, what waits; exit status 1 if anything is wrong.",  # noqa: E501
    "sites": "The sites of the corpus: what is there of each, since when, what is in doubt, why nothing is.",
    "at": "The texts in force on a day, of all sites or of some: how surely, and those before and after.",
    "history": "One line a version: when it came to be, its words, what changed.",
    "show": "The text of one version, in the corpus format; without a date or number the newest known.",
    "search": 'Find what versions say: words, "phrases", "word forms*", NEAR(sell data, 5), AND, OR, NOT.',
    "phrase": "How many documents say a phrase, year by year, of how many seen; who took it in, who dropped it.",  # noqa: E501
    "cite": "Cite a version, or a change, for a paper or a court: by its capture, with what proves it.",
    "bundle": "Put all that proves a version, or a change, into one zip that proves itself.",
    "diff": "What changed from A to B: words added, removed, sections moved.",
    "documents": "The documents known of a site or of all: kind, years, figures, addresses, whose they are.",
    "extract": "Print the policy on a saved page (HTML, plain text, PDF; also gzipped), or extract many.",
    "re-extract": "Read every stored page again with this release's extractor, and rebuild the versions.",
    "export": "Write versions as files or as a stream for other programs.",
    "import": "Take texts and pages of others into the corpus: corpora, git repositories, files.",
    "bulk": "Read whole collections of web archives, on one machine or many, into Parquet parts for 'import'.",  # noqa: E501
    "merge": "Merge databases, fetched by several machines or people, into the one of --db.",
    "weigh": "Compare the versions that an import left uncompared: words added and removed, what class of change.",  # noqa: E501
    "verify": "Check that nothing is lost or damaged: a line for each fault, and exit status 1 if there is one.",  # noqa: E501
    "backup": "Copy the database to FILE, also while a crawl writes to it.",
    "restore": "Make a BACKUP the database again; its pages are checked first.",
    "compact": "Make the database small: pages and texts are stored as what changed since the one before.",
    "browse": "Read, search and compare the corpus in the web browser, with Datasette.",
    "publish": "Write a static copy of the pages into a folder, for any web server.",
    "serve": "Serve WARC and WACZ files, or folders of them, as a Wayback Machine would.",
    "demo": "Show all of it, offline: fetch, history, show and diff on eleven invented sites.",
    "config": "What the config files say, and what holds: each value and where it comes from.",
    "completion": "Print what makes a shell complete commands, options and sites.",
}

GROUPS = {
    # headings of --help; a test holds that each command stands under one
    "Get policies": ("fetch", "plan", "import", "bulk", "demo"),
    "Read": ("sites", "documents", "history", "show", "at", "diff", "search", "phrase", "cite", "browse"),
    "Keep up to date": ("watch", "update", "schedule", "notify", "changes", "status", "runs"),
    "Take along": ("export", "bundle", "publish", "extract", "serve"),
    "Look after the database": ("verify", "backup", "restore", "compact", "merge", "re-extract", "weigh"),
    "Make it yours": ("config", "completion"),
}

_OBJECTS_BEFORE_CYCLES = 50_000
"""Python looks for circles of objects at each 700 new ones, which takes an eighth of the time of imports."""

_ELSEWHERE = {
    # verbs that need what pipelines may not know stand in their own rooms; a keyword is no module's name
    "browse": "policy_archive.browse.commands.browse",
    "publish": "policy_archive.browse.commands.publish",
    "serve": "policy_archive.archive_server.serve",
    "import": "policy_archive.pipelines.commands.import_",  # the word is Python's
}


def module_of(command: str) -> str:
    """Return the module that a command is written in: one file a verb, of the verb's name."""
    name = command.replace("-", "_")
    return _ELSEWHERE.get(command, f"policy_archive.pipelines.commands.{name}")


class LazyGroup(click.Group):
    """Imports a command's module when it is asked for: `history` need not load a browser."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep what follows the command's name: click forgets it before the group's callback is called."""
        rest = super().parse_args(ctx, args)
        ctx.obj = tuple(rest)
        return rest

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(SUMMARIES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in SUMMARIES:
            return None
        from importlib import import_module

        command = getattr(import_module(module_of(cmd_name)), f"{cmd_name.replace('-', '_')}_command")
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; a mistyped one is answered with the nearest."""
        if args and args[0] not in SUMMARIES and not args[0].startswith("-"):
            from difflib import get_close_matches

            nearest = get_close_matches(args[0], SUMMARIES, n=1, cutoff=0.5)
            starting = [name for name in SUMMARIES if name.startswith(args[0])]
            meant = next(iter(starting or nearest), None)
            hint = f" Did you mean '{meant}'?" if meant else " --help lists the commands."
            ctx.fail(f"No such command '{args[0]}'.{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands of --help as click does, without importing all of them for it."""
        room = formatter.width - 6 - max(map(len, SUMMARIES))
        for heading, names in GROUPS.items():
            with formatter.section(heading):
                formatter.write_dl([(name, _shorten(SUMMARIES[name], room)) for name in names])


def _shorten(summary: str, width: int) -> str:
    """Return a command's one line, cut to so many columns by click's own rule."""
    return click.Command(None, help=summary).get_short_help_str(width)


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=f"{describe_exit_statuses()} docs/cli-reference.md says more of each.",
)
@early_db_option
@click.version_option(package_name="policy-archive")
@click.pass_context
def policy_archive(ctx: click.Context, early_database: Path | None) -> None:
    """The history of a website's policies, out of the Wayback Machine into one SQLite file."""
    if ctx.default_map is None and ctx.invoked_subcommand in SUMMARIES:
        command = policy_archive.get_command(ctx, ctx.invoked_subcommand)
        assert command is not None
        defaults = read_defaults(ctx, command, ctx.obj, early_database)
        ctx.default_map = {ctx.invoked_subcommand: defaults}


def main() -> None:
    """Run the command line; every expected failure is one sentence on stderr.

    Ends the process with an ExitStatus.
    """
    gc.set_threshold(_OBJECTS_BEFORE_CYCLES, 20, 100)
    _replace_closed_streams()
    _check_system()
    try:
        sys.exit(policy_archive(standalone_mode=False, complete_var=COMPLETE_VARIABLE) or ExitStatus.DONE)
    except click.ClickException as error:
        shown = io.StringIO()
        error.show(file=shown)
        click.echo(clean_text(_say_plainly(shown.getvalue())), err=True, nl=False)
        sys.exit(error.exit_code)
    except click.Abort:
        click.echo("Interrupted: what was finished is kept, and nothing is left half done.", err=True)
        sys.exit(ExitStatus.INTERRUPTED)
    except PolicyArchiveError as error:
        _end(str(error), error.exit_status)
    except OSError as error:
        status = ExitStatus.DISK_FULL if error.errno == errno.ENOSPC else ExitStatus.FAILED
        _end(": ".join(str(part) for part in (error.filename, error.strerror or error) if part), status)
    except sqlite3.DatabaseError as error:
        from policy_archive.pipelines.store.connection import explain, is_of_file

        if not is_of_file(error):
            raise
        told = explain(error, "the database")
        _end(str(told), told.exit_status)


def _end(message: str, status: ExitStatus) -> NoReturn:
    message = clean_text(_name_database(message, sys.argv[1:]))
    if {"--json", "--nl"} & set(sys.argv):  # who asked for JSON reads the failure as JSON, too
        import json

        click.echo(json.dumps({"error": message, "exit_status": status}, ensure_ascii=False), err=True)
    else:
        click.echo(f"Error: {message}", err=True)
    sys.exit(status)


def _name_database(message: str, arguments: list[str]) -> str:
    """Return a message whose commands to type next name the database that was given, too.

    >>> print(_name_database("'policy-archive fetch x.org' fetches it.", ["show", "x.org", "--db", "a.db"]))
    'policy-archive fetch x.org --db a.db' fetches it.
    """
    given = find_database_argument(arguments)
    if given is None:
        return message
    name = f'"{given}"' if " " in str(given) else str(given)
    return re.sub(
        r"'(policy-archive (?!backup)(?![^']*--db)[^']+)'(?!, process)", rf"'\1 --db {name}'", message
    )


_RANGE = re.compile(r"(?<!\S)(\S++) is not in the range x>=?(\S+?)\.")


def _say_plainly(message: str) -> str:
    """Return click's words for what a number is not as people say it.

    >>> _say_plainly("Invalid value for '--limit': 0 is not in the range x>=1.")
    "Invalid value for '--limit': 0 is too small: write 1 or more."
    """
    message = message.replace("is not a valid float range.", "is no number.")
    message = message.replace("is not a valid integer range.", "is no whole number.")
    return _RANGE.sub(lambda found: f"{found[1]} is too small: write {found[2]} or more.", message)


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
        sys.exit(ExitStatus.FAILED)


def _replace_closed_streams() -> None:
    """Let a program that was started without stdout or stderr (`>&-`) write to nowhere."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115 (till the end)


if __name__ == "__main__":
    main()
