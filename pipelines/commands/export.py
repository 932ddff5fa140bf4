"""The command export: versions as files for other programs."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from policy_archive.crawler.core.errors import NotKnownError, UsageError
from policy_archive.crawler.core.plurals import plural
from policy_archive.crawler.core.stored import POLICY_KINDS, Kind
from policy_archive.crawler.core.timestamps import parse_day, parse_span
from policy_archive.pipelines.commands.options import FolderPath, OutputPath, db_option
from policy_archive.pipelines.commands.site_names import sites_argument
from policy_archive.pipelines.exchange.export.exporter import Exported, ExportOptions
from policy_archive.pipelines.exchange.export.release import export_release
from policy_archive.pipelines.exchange.export.release_metadata import Release
from policy_archive.pipelines.exchange.export.tables import TABLES
from policy_archive.pipelines.exchange.formats import FORMATS
from policy_archive.pipelines.outputs.bar import follow
from policy_archive.pipelines.outputs.rows import say
from policy_archive.pipelines.store import queries
from policy_archive.pipelines.store.connection import open_reader
from policy_archive.pipelines.store.selection import Selection, Slice
from policy_archive.pipelines.versions.classes import ChangeClass

_FORMATS_HELP = "\n".join(f"  {name:<17} {form.what}" for name, form in FORMATS.items())
_OLD_NAMES = {"md": "markdown"}
"""What earlier releases called a format."""
_CHOICES = {
    "table": "table",
    "html": "html",
    "grid": "half_yearly",
    "no_homes": "homes",
    "raw_csv": "raw_csv",
}
"""Options that some formats alone have, by name: the field of ExportOptions that each sets."""
_OF_RELEASE = ("title", "authors", "licence", "release_version")


class _FormatName(click.Choice[str]):
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return super().convert(_OLD_NAMES.get(value, value), param, ctx)


@click.command(
    "export",
    help="""Write versions as files or as a stream for other programs.

    \b
    FORMATS
    {formats}

    What is there already and has not changed is left alone; a file appears whole or not at all.
    docs/exchange.md describes every table and column.

    \b
    Example:
      policy-archive export tidelock.example --to corpus --db demo.db
      policy-archive export --all --to history.git --format git --db demo.db
      policy-archive export --all --to tables --format csv --kind privacy --from 2016 --db demo.db
      policy-archive export --all --to - --format jsonl --table changes --class substantive --db demo.db
      policy-archive export --all --at 2018-05-25 --to corpus --db demo.db
      policy-archive export --all --release dataset --author "Jane Doe" --licence CC-BY-4.0 --db demo.db
    """.replace("{formats}", _FORMATS_HELP.replace("\n", "\n    ").lstrip()),
)
@sites_argument
@click.option("--all", "everything", is_flag=True, help="Export every site of the corpus.")
@click.option(
    "--release",
    metavar="DIR",
    type=FolderPath(),
    help="Write a whole data set to publish instead: tables, dictionary, metadata, checksums.",
)
@click.option("--title", default=Release.title, show_default=True, help="--release: what it is called.")
@click.option("--author", "authors", multiple=True, metavar="NAME", help="--release: who made it.")
@click.option(
    "--licence",
    default="",
    metavar="SPDX",
    help="--release: of what was compiled, not of the texts: CC-BY-4.0 …",
)
@click.option(
    "--release-version", default="", help="--release: its version.  [default: newest capture's day]"
)
@click.option(
    "--to",
    "target",
    metavar="PATH",
    type=OutputPath(stream=True, folder=True),
    help="Folder or file to write; - writes to stdout (git, jsonl, csv, warc).",
)
@click.option(
    "--format", "form", type=_FormatName(list(FORMATS)), default="markdown", show_default=True, metavar="NAME"
)
@click.option(
    "--kind",
    "kinds",
    type=click.Choice([kind.value for kind in POLICY_KINDS]),
    multiple=True,
    help="Only documents of a kind.",
)
@click.option("--language", metavar="CODE", help="Only versions in a language: en, de, ja …")
@click.option("--from", "since", metavar="DATE", help="Only versions seen on this day or later.")
@click.option("--to-date", "until", metavar="DATE", help="Only versions seen on this day or earlier.")
@click.option(
    "--class",
    "classes",
    type=click.Choice([one.value for one in ChangeClass]),
    multiple=True,
    help="Only versions that a change of this class made.",
)
@click.option(
    "--at",
    "day",
    metavar="DATE",
    help="Only the versions that were in force on that day for certain, as 'at' tells them.",
)
@click.option(
    "--table",
    type=click.Choice(list(TABLES)),
    default="versions",
    show_default=True,
    help="jsonl and csv on stdout: which table.",
)
@click.option("--html", is_flag=True, help="git: the pages, too, on the branch policy_html.")
@click.option(
    "--grid",
    type=click.Choice(["versions", "half-yearly"]),
    default="versions",
    show_default=True,
    help="princeton-leuven: a row a version, or one a half-year, as that corpus has it.",
)
@click.option("--no-homes", is_flag=True, help="warc, wacz: without the home pages that led to the policies.")
@click.option(
    "--raw-csv", is_flag=True, help="Leave CSV cells alone that a spreadsheet would run as a formula."
)
@db_option
@click.pass_context
def export_command(
    ctx: click.Context,
    sites: tuple[str, ...],
    everything: bool,
    release: Path | None,
    title: str,
    authors: tuple[str, ...],
    licence: str,
    release_version: str,
    target: Path | None,
    form: str,
    kinds: tuple[str, ...],
    language: str | None,
    since: str | None,
    until: str | None,
    classes: tuple[str, ...],
    day: str | None,
    table: str,
    html: bool,
    grid: str,
    no_homes: bool,
    raw_csv: bool,
    database: Path,
) -> None:
    if bool(sites) == everything:
        raise UsageError("name the sites to export, or --all.")
    if (target is None) == (release is None):
        raise UsageError("say where to write: --to PATH, or --release DIR for a data set to publish.")
    _refuse_idle(ctx, form, release=release is not None, stream=str(target) == "-")
    with closing(open_reader(database)) as connection:
        chosen = None if everything else [queries.find_site(connection, site) for site in sites]
        first, last = parse_span(since, until, names=("--from", "--to-date"))
        selection = Selection(
            sites=chosen,
            kinds=[Kind(kind) for kind in kinds],
            language=language,
            first_day=first,
            last_day=last,
            classes=[ChangeClass(one) for one in classes],
            day=parse_day(day, end=True) if day else None,
        )
        corpus = Slice(connection, selection)
        total = corpus.count_versions()
        # the table of sites says of each why nothing was found: it needs no version
        if not total and not (str(target) == "-" and table == "sites" and form in ("jsonl", "csv")):
            raise NotKnownError(_say_nothing(selection))
        options = ExportOptions(
            raw_csv=raw_csv,
            table=table,
            html=html,
            half_yearly=grid == "half-yearly",
            homes=not no_homes,
            follow=lambda items: follow(items, "exporting", total=total, unit="versions"),
        )
        if release is not None:
            said = Release(title=title, authors=authors, licence=licence, version=release_version)
            written = export_release(corpus, release, options, said)
        else:
            assert target is not None
            written = _write(form, corpus, target, options)
    place = "" if str(target) == "-" else f" to {target or release}"
    say(f"{plural(written.versions, 'version')} written{place}.")
    for note in written.notes:
        say(f"  {note}")


def _refuse_idle(ctx: click.Context, form: str, *, release: bool, stream: bool) -> None:
    """Raise UsageError for an option that was typed and that what is written has not.

    What a config file gives holds for the formats that have it, and is no mistake beside others.
    """
    options = {option.name: option.opts[0] for option in ctx.command.params}
    typed = {
        name: option
        for name, option in options.items()
        if name and ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
    }
    if release:
        for name in ("form", *_CHOICES):
            if name in typed:
                raise UsageError(
                    f"{typed[name]} is of --to: a --release has all tables and forms that it has."
                )
        return
    for name in _OF_RELEASE:
        if name in typed:
            raise UsageError(
                f"{typed[name]} is of a data set to publish: give --release DIR in place of --to."
            )
    for name, field in _CHOICES.items():
        heeds = FORMATS[form].stream_heeds if stream else FORMATS[form].heeds
        if name in typed and field not in heeds:
            raise UsageError(f"{typed[name]} is not of {form}{_where(stream)}: it goes with {_who(field)}.")


def _where(stream: bool) -> str:
    return " on stdout" if stream else " in files"


def _who(field: str) -> str:
    """Return the formats that heed a choice, as one would type them."""
    heeding = [name for name, form in FORMATS.items() if field in form.heeds]
    if heeding:
        return f"--format {' or '.join(heeding)}"
    streams = [name for name, form in FORMATS.items() if field in form.stream_heeds]
    return f"--to - and --format {' or '.join(streams)}"


def _say_nothing(selection: Selection) -> str:
    if not selection.takes_all:
        why = "no version is what these filters ask for; 'policy-archive history SITE' shows what there is"
    elif selection.sites is None:
        why = "the corpus holds no version yet"
    else:
        why = f"no version of {', '.join(selection.sites)} is known; 'policy-archive sites' says why"
    return f"nothing was written: {why}."


def _write(name: str, corpus: Slice, target: Path, options: ExportOptions) -> Exported:
    form = FORMATS[name]
    if str(target) == "-":
        if form.stream is None:
            streams = ", ".join(other for other, one in FORMATS.items() if one.stream)
            raise UsageError(f"{name} is no stream: name a {form.target} with --to ({streams} are streams).")
        if sys.stdout.isatty() and name in ("git", "warc"):
            raise UsageError(f"{name} is not for a terminal: send it to a program or a file.")
        written = form.stream(corpus, sys.stdout.buffer, options)
        sys.stdout.buffer.flush()
        return written
    if form.target == "file" and target.is_dir():
        raise UsageError(f"'{target}' is a folder, and {name} writes one file: name that.")
    if form.target == "folder" and target.is_file():
        raise UsageError(f"'{target}' is a file, and {name} writes a folder: name another one.")
    return form.write(corpus, target, options)
