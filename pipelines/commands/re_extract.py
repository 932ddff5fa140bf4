"""The command re-extract."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from policy_archive.crawler.core.exit_statuses import ExitStatus
from policy_archive.crawler.core.vocabularies import RunStatus
from policy_archive.pipelines.commands.options import db_option, json_option
from policy_archive.pipelines.outputs.bar import follow
from policy_archive.pipelines.outputs.rows import format_json, print_rows, say
from policy_archive.pipelines.reading.pool import ReadingPool
from policy_archive.pipelines.store.connection import check_there
from policy_archive.pipelines.store.maintenance.reextract import (
    DocumentReport,
    count_steps,
    prune_extractions,
    read_again,
)
from policy_archive.pipelines.store.runlock import hold_lock
from policy_archive.pipelines.store.writer import Store


@click.command("re-extract")
@click.option("--all", "everything", is_flag=True, help="Read again also what this release has read already.")
@click.option("--prune", is_flag=True, help="Then delete the texts of earlier extractors.")
@click.option("--processes", type=click.IntRange(min=1), help="Pages read at a time.  [default: one a core]")
@json_option
@db_option
def re_extract_command(
    everything: bool, prune: bool, processes: int | None, as_json: bool, database: Path
) -> int:
    """Read every stored page again with this release's extractor, and rebuild the versions.

    The old texts stay, labelled with their extractor, until --prune. Each document gets a line: how many
    texts the extractor changed (the stored pages are the same), and how many changes are the site's. A
    run that was stopped goes on where it was.

    \b
    Example:
      policy-archive re-extract --db policies.db
    """
    from policy_archive.pipelines.extract.extraction import current_extractors

    check_there(database)
    lock = hold_lock(database, "policy-archive re-extract")
    with lock, Store.open(database) as store, ReadingPool(processes) as pool:
        store.close_dead_runs()
        run_id = store.start_run("re-extract", {"everything": everything, "prune": prune})
        total = count_steps(store.connection)
        read = read_again(store, pool, extractors=current_extractors(), everything=everything)
        steps = follow(read, "pages", total=total)
        reports = [step for step in steps if isinstance(step, DocumentReport)]
        pruned = prune_extractions(store) if prune else 0
        store.finish_run(run_id, RunStatus.DONE)
    _print_reports(reports, pruned, as_json=as_json)
    return ExitStatus.FAILED if any(report.lost or report.unread for report in reports) else ExitStatus.DONE


def _print_reports(reports: list[DocumentReport], pruned: int, *, as_json: bool) -> None:
    if as_json:
        click.echo(format_json([_report_row(report) for report in reports], indent=2))
    else:
        print_rows([_report_row(report) for report in reports if report.captures], "table")
    lost = sum(len(report.lost) for report in reports)
    texts = sum(report.texts_changed for report in reports)
    captures = sum(report.captures for report in reports)
    click.echo(
        f"{captures} texts read again: {texts} changed by the extractor, {lost} lost; "
        f"{pruned} older extractions deleted",
        err=True,
    )
    for report in reports:
        for loss in report.lost:
            say(f"lost: {report.document.site} {report.document.kind} {loss}")
        for one in report.unread:
            say(f"not read again: {report.document.site} {report.document.kind} {one}")


def _report_row(report: DocumentReport) -> dict[str, Any]:
    fields = asdict(report)
    document = fields.pop("document")
    row: dict[str, Any] = document | fields | {"lost": len(report.lost), "unread": len(report.unread)}
    return row
