"""The command compact."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from policy_archive.crawler.core.errors import StoreError, UsageError
from policy_archive.crawler.core.exit_statuses import ExitStatus
from policy_archive.crawler.core.plurals import plural
from policy_archive.crawler.core.vocabularies import RunStatus
from policy_archive.pipelines.commands.options import db_option, json_option
from policy_archive.pipelines.outputs.bar import follow
from policy_archive.pipelines.outputs.rows import format_json, say
from policy_archive.pipelines.store.connection import check_there
from policy_archive.pipelines.store.maintenance.compact import (
    Sizes,
    Texts,
    compact_document,
    end_texts,
    give_back_space,
    list_documents,
    measure_sizes,
    texts_of,
)
from policy_archive.pipelines.store.maintenance.dense import begin_dense
from policy_archive.pipelines.store.packed import NOTICE
from policy_archive.pipelines.store.runlock import hold_lock
from policy_archive.pipelines.store.writer import Store


@click.command("compact")
@click.option(
    "--dense",
    is_flag=True,
    help="Pack the texts too, to a quarter: plain SQL, DuckDB and R can no longer read them.",
)
@click.option("--readable", is_flag=True, help="Take packed texts back to plain SQL.")
@click.option("--no-vacuum", is_flag=True, help="Leave the space that becomes free inside the file.")
@json_option
@db_option
def compact_command(dense: bool, readable: bool, no_vacuum: bool, as_json: bool, database: Path) -> int:
    """Make the database small: pages and texts are stored as what changed since the one before.

    Nothing is lost and nothing reads differently; `policy_versions` stays plain SQL. A run that was stopped
    goes on where it was. The last step rewrites the file, which takes its size once more on the disk.

    With --dense the texts are packed as well. This program, its pages and Python with one line more read them
    as ever, other tools no longer; the table `read_me_first` of the file says so. The file stays dense, also
    for what is fetched later, until --readable gives the same texts back.

    \b
    Example:
      policy-archive compact --db policies.db
      policy-archive compact --dense --db large.db
    """
    if dense and readable:
        raise UsageError("give --dense or --readable, not both.")
    check_there(database)
    with hold_lock(database, "compact"), Store.open(database) as store:
        was = texts_of(store.connection)
        texts = Texts.DENSE if dense else Texts.READABLE if readable else was
        if said := _describe(was, texts):
            say(said)
        run_id = store.start_run("compact", {"texts": texts})
        before = measure_sizes(store.connection)
        if texts is Texts.DENSE:
            begin_dense(store.connection)
        documents = list_documents(store.connection)
        for document in follow(documents, "compacted", total=len(documents), unit="documents"):
            compact_document(store.connection, document, texts)
        left = end_texts(store.connection, texts)
        if not no_vacuum:
            give_back_space(store.connection)
        reason = f"{plural(len(left), 'text')} did not unpack" if left else ""
        store.finish_run(run_id, RunStatus.FAILED if left else RunStatus.DONE, reason)
        after = measure_sizes(store.connection)
    _print_sizes(before, after, as_json=as_json)
    if left:
        raise StoreError(
            f"{reason}, {left[0]} first: the database stays dense; 'policy-archive verify' names them, "
            "a backup may have them"
        )
    return ExitStatus.DONE


def _describe(was: Texts, texts: Texts) -> str:
    """Return what becomes of who reads the file with other tools; '' where nothing changes for them."""
    if texts is Texts.DENSE and was is Texts.READABLE:
        return (
            "The texts are packed: plain SQL, DuckDB and R read them no longer. policy-archive, its pages "
            f"and Python with one line more do; the table {NOTICE} says how, '--readable' takes it back."
        )
    if texts is Texts.DENSE:
        return "This database is dense: new texts are packed, too ('--readable' takes all of them back)."
    if was is Texts.DENSE:
        return "The texts go back to plain SQL, which takes some five times their space."
    return ""


def _print_sizes(before: Sizes, after: Sizes, *, as_json: bool) -> None:
    sizes = {"before": asdict(before), "after": asdict(after)}
    if as_json:
        click.echo(format_json(sizes, indent=2))
        return
    for name in ("bodies", "texts", "file"):
        was, now = sizes["before"][name], sizes["after"][name]
        share = f" ({now / was:.1%})" if was else ""
        click.echo(f"{name:8}{was:>16,} → {now:>14,} bytes{share}")
