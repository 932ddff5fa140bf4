"""The command compact."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from policy_archive.crawler.core.vocabularies import RunStatus
from policy_archive.pipelines.commands.options import db_option, json_option
from policy_archive.pipelines.outputs.bar import follow
from policy_archive.pipelines.outputs.rows import format_json
from policy_archive.pipelines.store.connection import check_there
from policy_archive.pipelines.store.maintenance.compact import (
    Sizes,
    compact_document,
    give_back_space,
    list_documents,
    measure_sizes,
)
from policy_archive.pipelines.store.runlock import hold_lock
from policy_archive.pipelines.store.writer import Store


@click.command("compact")
@click.option("--no-vacuum", is_flag=True, help="Leave the space that becomes free inside the file.")
@json_option
@db_option
def compact_command(no_vacuum: bool, as_json: bool, database: Path) -> None:
    """Make the database small: pages and texts are stored as what changed since the one before.

    Nothing is lost and nothing reads differently; `policy_versions` stays plain SQL. A run that was stopped
    goes on where it was. The last step rewrites the file, which takes its size once more on the disk.

    \b
    Example:
      policy-archive compact --db policies.db
    """
    check_there(database)
    with hold_lock(database, "compact"), Store.open(database) as store:
        run_id = store.start_run("compact")
        before = measure_sizes(store.connection)
        documents = list_documents(store.connection)
        for document in follow(documents, "compacted", total=len(documents), unit="documents"):
            compact_document(store.connection, document)
        if not no_vacuum:
            give_back_space(store.connection)
        store.finish_run(run_id, RunStatus.DONE)
        after = measure_sizes(store.connection)
    _print_sizes(before, after, as_json=as_json)


def _print_sizes(before: Sizes, after: Sizes, *, as_json: bool) -> None:
    sizes = {"before": asdict(before), "after": asdict(after)}
    if as_json:
        click.echo(format_json(sizes, indent=2))
        return
    for name in ("bodies", "texts", "file"):
        was, now = sizes["before"][name], sizes["after"][name]
        share = f" ({now / was:.1%})" if was else ""
        click.echo(f"{name:8}{was:>16,} → {now:>14,} bytes{share}")
