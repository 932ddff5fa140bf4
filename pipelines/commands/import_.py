"""The command import: texts and pages of others, taken into the corpus."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from policy_archive.crawler.core.errors import UsageError
from policy_archive.crawler.core.exit_statuses import ExitStatus
from policy_archive.crawler.core.plurals import plural
from policy_archive.crawler.core.records import POLICY_KINDS, Kind
from policy_archive.crawler.core.timestamps import parse_day
from policy_archive.crawler.core.urls import parse_site
from policy_archive.crawler.core.vocabularies import RunStatus
from policy_archive.pipelines.commands.options import db_option, json_option
from policy_archive.pipelines.commands.run import progress_style
from policy_archive.pipelines.commands.weigh import weigh_all
from policy_archive.pipelines.exchange.imported import Stated
from policy_archive.pipelines.exchange.sources import SourceFormat, Sources
from policy_archive.pipelines.outputs.bar import show_bar
from policy_archive.pipelines.outputs.rows import format_json, say
from policy_archive.pipelines.reading.pool import ReadingPool
from policy_archive.pipelines.store.monitoring.health import describe_unweighed
from policy_archive.pipelines.store.queries import count_unweighed
from policy_archive.pipelines.store.runlock import hold_lock
from policy_archive.pipelines.store.writer import Store

if TYPE_CHECKING:
    from policy_archive.pipelines.exchange.intake import ImportReport

_SHOWN_FAULTS = 20
_SHOWN_EVERY = 50
"""Items between two looks at the bar, which takes as long as a tenth of one."""


@click.command("import")
@click.argument(
    "paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path)
)
@click.option(
    "--as",
    "form",
    type=click.Choice([one.value for one in SourceFormat]),
    help="What it is.  [default: guessed]",
)
@click.option("--site", help="Whose text it is, where the file does not say.")
@click.option(
    "--kind",
    type=click.Choice([kind.value for kind in POLICY_KINDS]),
    help="What it is, where the file does not say.",
)
@click.option("--date", "day", metavar="DATE", help="Of when it is: 2018, 2018-05 or 2018-05-25.")
@click.option("--licence", default="", help="Licence of the source, kept with what comes from it.")
@click.option("--attribution", default="", help="Whom the source wants named, kept likewise.")
@click.option("--strict", is_flag=True, help="Exit with 1 when a single item cannot be imported.")
@click.option("--dry-run", is_flag=True, help="Say what would be imported, and write nothing.")
@click.option(
    "--later", is_flag=True, help="Leave what changed between the versions for 'weigh', which takes longer."
)
@click.option(
    "--processes",
    type=click.IntRange(min=1),
    help="Pages read, and documents compared, at a time.  [default: one a core]",
)
@json_option
@db_option
def import_command(
    paths: tuple[Path, ...],
    form: str | None,
    site: str | None,
    kind: str | None,
    day: str | None,
    licence: str,
    attribution: str,
    strict: bool,
    dry_run: bool,
    later: bool,
    processes: int | None,
    as_json: bool,
    database: Path,
) -> int:
    """Take texts and pages of others into the corpus: corpora, git repositories, files.

    WARC and WACZ files, in which sites and policies are looked for, and parts of 'bulk read';
    Princeton-Leuven (files, git, SQLite); Open Terms Archive (versions, snapshots, dataset zips,
    declarations); Markdown, plain text. What cannot be imported is named with the reason, and never stops
    the rest: docs/exchange.md lists the reasons. A second import changes nothing.

    \b
    Example:
      policy-archive import corpus/ --dry-run
      policy-archive import crawl.wacz
      policy-archive import parts/
      policy-archive import policy.txt --site example.com --kind privacy --date 2020-11-16
      policy-archive import declarations/ versions.bundle
    """
    from policy_archive.pipelines.exchange.intake import ImportReport  # loads the readers
    from policy_archive.pipelines.exchange.parts import import_parts
    from policy_archive.pipelines.exchange.web_archives import import_archives

    sources = Sources(
        paths=paths,
        stated=Stated(
            site=parse_site(site) if site else None,
            kind=Kind(kind) if kind else None,
            timestamp=f"{parse_day(day):%Y%m%d}000000" if day else None,
            dated_by=f"given {day}" if day else "",
            licence=licence,
            attribution=attribution,
        ),
        form=SourceFormat(form) if form else None,
    )
    report = ImportReport()
    crawl = None
    with ExitStack() as stack:
        if not dry_run:
            stack.enter_context(hold_lock(database, "policy-archive import"))
        _take_items(sources, report, None if dry_run else database, processes, later=later)
        crawled = {import_archives: sources.list_web_archives(), import_parts: sources.list_parts()}
        for import_files, files in crawled.items():
            if files and (crawl is None or not crawl.exit_code):
                crawl = import_files(
                    files,
                    database,
                    report,
                    kinds=(Kind(kind),) if kind else POLICY_KINDS,
                    stated=sources.stated,
                    progress=progress_style(log_json=False),
                    dry_run=dry_run,
                )
    of_home_alone = crawl is not None and not (report.documents or report.failed)
    if not report.addresses and (not report.outcomes or of_home_alone):
        raise UsageError("Nothing in it can be imported: no text, page, declaration or policy was found.")
    _print_report(report, dry_run=dry_run, as_json=as_json)
    if crawl is not None and crawl.exit_code:
        return crawl.exit_code
    useless = report.failed and report.failed == report.outcomes.total() and not report.addresses
    return ExitStatus.FAILED if useless or (strict and report.failed) else ExitStatus.DONE


def _take_items(
    sources: Sources, report: ImportReport, database: Path | None, processes: int | None, *, later: bool
) -> None:
    """Take texts, pages and declarations into the corpus, or without one count them."""
    from policy_archive.pipelines.exchange.intake import Intake, read_declared  # loads the readers

    with ExitStack() as stack:
        pool = stack.enter_context(ReadingPool(processes))
        store = None
        if database is not None:
            store = stack.enter_context(Store.open_for_import(database))
            store.close_dead_runs()
            named = {"names": [path.name for path in sources.paths], "as": sources.form}
            run_id = store.start_run("import", named)
            sources.known = read_declared(store)
        intake = Intake(store, pool, report)
        _show_done("import", intake.take(sources.iter_items()), "items")
        _show_done("versions", intake.fold(), "documents")
        if store is not None:
            if not later:
                weigh_all(store, pool)
            report.unweighed = count_unweighed(store.connection)
            store.finish_run(run_id, RunStatus.DONE)


def _show_done(word: str, steps: Iterable[int], unit: str) -> None:
    with show_bar(unit) as bar:
        task = bar.add_task(word, total=None)
        for done in steps:
            if done % _SHOWN_EVERY == 0:
                bar.update(task, completed=done)


def _print_report(report: ImportReport, *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        summary = vars(report) | {"faults": [asdict(fault) for fault in report.faults]}
        click.echo(format_json(summary, indent=2))
    for fault in report.faults[:_SHOWN_FAULTS]:
        say(f"{fault.name}: {fault.outcome}: {fault.reason}")
    if report.failed > _SHOWN_FAULTS:
        click.echo(f"… and {report.failed - _SHOWN_FAULTS} more; --json names them", err=True)
    counts = ", ".join(f"{number} {outcome}" for outcome, number in sorted(report.outcomes.items()))
    said = "would be: " if dry_run else ""
    addresses = plural(report.addresses, "declared address", "declared addresses")
    versions = "" if dry_run else f", {plural(report.versions, 'version')}"
    if report.unweighed:
        click.echo(describe_unweighed(report.unweighed), err=True)
    click.echo(
        f"{said}{counts or 'no texts'}; {addresses}; {plural(report.documents, 'document')}{versions}",
        err=True,
    )
