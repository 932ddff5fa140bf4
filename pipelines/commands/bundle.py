"""The command bundle: evidence of a version or a change in one file."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from pathlib import Path

import click

from policy_archive.crawler.core.errors import NotKnownError, UsageError
from policy_archive.pipelines.commands.options import OutputPath, db_option, document_options, version_options
from policy_archive.pipelines.commands.show import find_version
from policy_archive.pipelines.commands.site_names import site_argument
from policy_archive.pipelines.exchange.corpus_format import describe_document
from policy_archive.pipelines.outputs.evidence import write_evidence
from policy_archive.pipelines.outputs.rows import say
from policy_archive.pipelines.outputs.time_stamps import request_stamp
from policy_archive.pipelines.store import queries
from policy_archive.pipelines.store.connection import open_reader


@click.command("bundle")
@site_argument
@version_options
@click.option("--change", is_flag=True, help="The change that made that version: both texts, both captures.")
@document_options
@click.option(
    "--to",
    "target",
    required=True,
    metavar="FILE.zip",
    type=OutputPath(),
    help="Where to write it.",
)
@click.option(
    "--timestamp-url",
    "authority",
    metavar="URL",
    help="Have the digests stamped by an RFC 3161 authority; only a SHA-256 is sent there.",
)
@db_option
def bundle_command(
    site: str | None,
    day: str | None,
    number: int | None,
    change: bool,
    kind: str | None,
    name: str | None,
    target: Path,
    authority: str | None,
    database: Path,
) -> None:
    """Put all that proves a version, or a change, into one zip that proves itself.

    Texts, captured pages (WACZ), differences, intervals, digests, how the text was read, a page for people.
    'policy-archive verify FILE.zip' checks it, without a database and without a network. The newest version
    unless --at or --version says which.

    \b
    Example:
      policy-archive bundle tidelock.example --at 2018-07-01 --change --to evidence.zip --db demo.db
    """
    if day is not None and number is not None:
        raise UsageError("give one of --at and --version.")
    with closing(open_reader(database)) as connection:
        document = queries.find_document(connection, site, kind=kind, name=name)
        chosen = find_version(connection, document, day=day, number=number)["version"]
        if change and chosen == 1:
            raise NotKnownError(
                f"version 1 of the {describe_document(document)} is the first known: no change made it."
            )
        numbers = (chosen - 1, chosen) if change else (chosen,)
        stamp = partial(request_stamp, authority) if authority else None
        notes = write_evidence(connection, document, numbers, target, stamp=stamp)
    what = "the change to version" if change else "version"
    say(f"{what} {chosen} of the {describe_document(document)} written to {target}.")
    for note in notes:
        say(f"  {note}")
