"""`policy-archive verify`: is the corpus whole, and is it what the archive holds?"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import click

from policy_archive.crawler.core.errors import StoreError
from policy_archive.crawler.core.events import log_to_stderr
from policy_archive.crawler.core.exit_statuses import ExitStatus
from policy_archive.crawler.core.plurals import plural
from policy_archive.crawler.core.records import ConservationFault
from policy_archive.crawler.core.vocabularies import RunStatus
from policy_archive.crawler.crawl.run import FetchOptions, FetchReport
from policy_archive.pipelines.commands.crawl_options import ArchiveChoice, archive_options
from policy_archive.pipelines.commands.options import db_option, json_option
from policy_archive.pipelines.outputs.bar import show_bar
from policy_archive.pipelines.outputs.rows import format_json, say
from policy_archive.pipelines.store.connection import open_reader, open_writer
from policy_archive.pipelines.store.maintenance.verify import (
    SEARCH_SECONDS,
    check_search_words,
    count_pending,
    count_versions,
    iter_steps,
    list_checks,
)
from policy_archive.pipelines.store.queries import list_unread
from policy_archive.pipelines.store.runlock import read_holder


@dataclass(kw_only=True)
class _Findings:
    """What a verification has found so far; faults are printed as they are found."""

    as_json: bool
    looked_at: dict[str, int] = field(default_factory=dict)
    faults: list[ConservationFault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    is_incomplete: bool = False
    """The archive could not be asked."""

    def add(self, fault: ConservationFault) -> None:
        self.faults.append(fault)
        if not self.as_json:
            say(f"{fault.fault} {fault.id}: {fault.detail}", err=False)


@click.command("verify")
@click.argument(
    "evidence",
    metavar="[FILE.zip]",
    required=False,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@click.option(
    "--tsa-certificate",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="FILE.zip: certificates (PEM) under which its time stamp has to hold.",
)
@click.option(
    "--against-archive",
    "captures",
    type=click.IntRange(min=1),
    metavar="N",
    help="Also fetch N captures again, drawn by lot, and compare their bytes.",
)
@click.option(
    "--thorough", is_flag=True, help="Compare the texts of neighbouring versions anew; give no check a limit."
)
@json_option
@db_option
@archive_options
def verify_command(
    evidence: Path | None,
    tsa_certificate: Path | None,
    captures: int | None,
    thorough: bool,
    as_json: bool,
    database: Path,
    archive: ArchiveChoice,
) -> int:
    """Check that nothing is lost or damaged: a line for each fault, and exit status 1 if there is one.

    Every row of the index has exactly one outcome; every body decodes and has its digest, every text its
    hash; full-text search knows every text; the versions are those that the captures make.

    FILE.zip checks evidence that 'bundle' wrote instead, without a database and a network: every byte,
    every digest, and each text read again from its captured page.

    \b
    Example:
      policy-archive verify --against-archive 20
      policy-archive verify evidence.zip
    """
    if evidence is not None:
        return _check_evidence(evidence, tsa_certificate, as_json=as_json)
    findings = _Findings(as_json=as_json)
    _check_database(database, findings, thorough=thorough)
    _check_search(database, findings, thorough=thorough)
    report: FetchReport | None = None
    if captures is not None:
        options = FetchOptions(
            targets=(),
            database=database,
            **vars(archive),
            command="verify",
            progress="bar" if sys.stderr.isatty() else "off",
        )
        report = _check_against_archive(options, captures, findings)
    _print_end(findings)
    if report is not None and report.status is RunStatus.INTERRUPTED:
        return report.exit_code
    return ExitStatus.FAILED if findings.faults or findings.is_incomplete else ExitStatus.DONE


def _check_evidence(path: Path, certificate: Path | None, *, as_json: bool) -> int:
    from policy_archive.pipelines.outputs.evidence_check import check_evidence  # loads the extractor
    from policy_archive.pipelines.outputs.time_stamps import check_stamp

    check = partial(check_stamp, certificates=certificate) if certificate else None
    report = check_evidence(path, check_stamp=check)
    if as_json:
        click.echo(format_json(asdict(report), indent=2))
    else:
        for fault in report.faults:
            say(f"{fault.part}: {fault.detail}", err=False)
        for note in report.notes:
            say(note)
        say(f"faults: {len(report.faults)}")
    return ExitStatus.FAILED if report.faults else ExitStatus.DONE


def _check_database(database: Path, findings: _Findings, *, thorough: bool) -> None:
    holder = read_holder(database)
    unfolded = 0
    with closing(open_reader(database)) as connection:
        for check, fault in _follow(connection, thorough=thorough):
            findings.looked_at[check] = findings.looked_at.get(check, 0) + 1
            if fault is not None and fault.fault == "versions-stale" and holder is not None:
                unfolded += 1
            elif fault is not None:
                findings.add(fault)
        findings.looked_at["versions"] = count_versions(connection)
        if holder is not None and unfolded:
            findings.notes.append(f"versions of {unfolded} documents are being made by {holder.describe()}")
        if pending := count_pending(connection):
            findings.notes.append(f"{pending} captures have still to be fetched: run the same fetch again")
        unread = list_unread(connection)
        findings.notes += [
            f"{row['site']}: {plural(row['captures'], 'capture')} could not be read ({row['outcome']}): "
            "fetch it again, or re-extract"
            for row in unread
        ]
        findings.is_incomplete |= bool(unread)


def _follow(
    connection: sqlite3.Connection, *, thorough: bool
) -> Iterator[tuple[str, ConservationFault | None]]:
    """Yield the name of each thing's check with its fault, if any; show on a terminal how far that is."""
    with show_bar() as bar:
        tasks: dict[str, Any] = {}
        for step in iter_steps(connection, list_checks(thorough=thorough)):
            if step.check not in tasks:
                tasks[step.check] = bar.add_task(step.check, total=step.total)
            bar.advance(tasks[step.check])
            yield step.check, step.fault


def _check_search(database: Path, findings: _Findings, *, thorough: bool) -> None:
    """Check the words of the full-text index; SQLite lets only a writer do that."""
    try:
        with closing(open_writer(database)) as connection:
            done = check_search_words(connection, seconds=None if thorough else SEARCH_SECONDS)
    except StoreError as error:
        findings.notes.append(f"full-text search: its entries were counted, its words not checked: {error}")
    except sqlite3.DatabaseError as error:
        findings.add(ConservationFault(fault="search-differs", id="texts_search", detail=str(error)))
    else:
        if not done:
            findings.notes.append(
                f"full-text search: its entries were counted, its words not checked to the end within "
                f"{SEARCH_SECONDS:.0f} s; --thorough takes its time, and keeps writers out for as long"
            )


def _check_against_archive(options: FetchOptions, captures: int, findings: _Findings) -> FetchReport:
    from policy_archive.crawler.runner import run_spider
    from policy_archive.crawler.spiders.recheck import SAMPLE_SETTING, RecheckSpider

    settings = ((SAMPLE_SETTING, captures),)
    with log_to_stderr():
        spider = asyncio.run(
            run_spider(RecheckSpider, FetchOptions(**{**vars(options), "settings": settings}))
        )
    for fault in spider.faults:
        findings.add(fault)
    findings.looked_at["archive"] = spider.equal + len(spider.faults)
    for outcome, number in spider.not_had.items():
        findings.notes.append(f"{number} captures could not be compared: {outcome}")
    report = spider.report()
    if report.status is not RunStatus.DONE or not findings.looked_at["archive"]:
        findings.is_incomplete = True
        findings.notes.append(f"the archive: {report.reason or 'no capture could be compared'}")
    return report


def _print_end(findings: _Findings) -> None:
    if findings.as_json:
        end = {
            "looked_at": findings.looked_at,
            "faults": [asdict(fault) for fault in findings.faults],
            "notes": findings.notes,
        }
        click.echo(format_json(end, indent=2))
        return
    for note in findings.notes:
        say(note)
    looked_at = ", ".join(f"{name} {number:,}" for name, number in findings.looked_at.items())
    click.echo(f"looked at: {looked_at}; faults: {len(findings.faults)}", err=True)
