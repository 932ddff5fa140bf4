"""`policy-archive demo`: the whole program on an archive that ships with it, without a network."""

from __future__ import annotations

import shlex
import tempfile
from pathlib import Path

import click

from policy_archive.archive_server.server import ArchiveServer
from policy_archive.archive_server.warc_files import find_warcs
from policy_archive.data import DATA
from policy_archive.pipelines.commands.typed import typed

DEMO = DATA / "demo"
STAR = "tidelock.example"
"""The site that the demo shows; it moved its policy, took a change back, and gained a GDPR text."""


@click.command("demo")
@click.option(
    "--db",
    "database",
    type=click.Path(dir_okay=False, path_type=Path),
    help="SQLite file to fetch into.  [default: a new one in a temporary folder]",
)
@click.pass_context
def demo_command(ctx: click.Context, database: Path | None) -> None:
    """Show all of it, offline: fetch, history, show and diff on eleven invented sites.

    \b
    Example:
      policy-archive demo --db demo.db
    """
    database = database or Path(tempfile.mkdtemp(prefix="policy-archive-")) / "demo.db"
    warcs = find_warcs((DEMO,))
    with ArchiveServer(warcs) as archive:
        _say(
            f"An archive of {len(warcs)} invented sites, {len(archive.archive.index.rows)} captures from "
            f"{_years(archive)}, now answers at {archive.url} as the Wayback Machine would. "
            "Nothing leaves this machine."
        )
        _say("1. Find the sites' policies, fetch what tells their versions apart, store the texts.")
        _run(ctx, "fetch", *_build_fetch(archive.url, str(database)))
    for caption, arguments in _build_tour(str(database)):
        _say(caption)
        _run(ctx, *arguments)
    _say_what_next(str(database))


def _shorten(path: Path) -> str:
    """Return the path as one would type it from here."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _years(archive: ArchiveServer) -> str:
    years = [row.timestamp[:4] for row in archive.archive.index.rows]
    return f"{min(years)} to {max(years)}"


def _build_fetch(archive_url: str, database: str) -> tuple[str, ...]:
    no_limits = ("--index-rate", "0", "--replay-rate", "0")
    sites = _shorten(DEMO / "sites.txt")
    return ("--sites", sites, "--kind", "all", "--archive", archive_url, *no_limits, "--db", database)


def _build_tour(database: str) -> list[tuple[str, tuple[str, ...]]]:
    db = ("--db", database)
    return [
        (f"2. What was found on {STAR}, and where it stood.", ("documents", STAR, *db)),
        (
            "3. Every version of its privacy policy. A change lies between two captures, and no day is "
            "invented; one text came back.",
            ("history", STAR, *db),
        ),
        (
            "4. What changed when the General Data Protection Regulation came: words, not lines.",
            ("diff", STAR, "2018-04-30", "2018-06-30", *db),
        ),
        (
            "5. The text in force on a day, in the format of the Princeton-Leuven corpus.",
            ("show", STAR, "--at", "2013-07-01", *db),
        ),
    ]


def _run(ctx: click.Context, *arguments: str) -> None:
    """Run a command of this program as if it had been typed, without config files, and show it."""
    click.secho(f"$ policy-archive {shlex.join(arguments)}", fg="green")
    group = ctx.find_root().command
    failed = group.main(list(arguments), prog_name="policy-archive", standalone_mode=False, default_map={})
    if failed:
        ctx.exit(failed)
    click.echo()


def _say(text: str) -> None:
    click.secho(click.wrap_text(text, width=88), bold=True)
    click.echo()


def _say_what_next(database: str) -> None:
    db = ("--db", database)
    _say("That was all of it. What to type next:")
    for command, gloss in (
        (typed("sites", *db), "all sites, and why two have no policy"),
        (typed("at", "2018-05-25", *db), "the texts in force that day, and how surely"),
        (typed("search", '"we do not sell"', "--documents", *db), "who says so, since when, until when"),
        (typed("show", "hoshizora-bunko.example", *db), "a policy in Japanese"),
        (typed("history", "nordhafen-versand.example", "--kind", "terms", *db), "terms, one a PDF"),
        (typed("serve", _shorten(DEMO)), "the archive again, for fetches of your own"),
        (typed("fetch", "example.com"), "a real site, from web.archive.org, politely"),
    ):
        click.echo(f"  {click.style(command, fg='green')}\n      {gloss}")
