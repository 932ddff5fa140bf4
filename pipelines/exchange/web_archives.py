"""WARC, ARC and WACZ files, in: served to our own crawl as an archive would, so that sites, policies and
captures are found in them as anywhere else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from policy_archive.archive_server.server import ArchiveServer
from policy_archive.archive_server.warc import WarcSource
from policy_archive.archive_server.warc_files import WarcFile, unpack_warcs
from policy_archive.crawler.core.errors import UsageError
from policy_archive.crawler.core.records import (
    Capture,
    CdxRow,
    Document,
    KeptAnswer,
    Kind,
    KnownCapture,
    Origin,
    Outcome,
    Reading,
)
from policy_archive.crawler.core.urls import registrable_domain
from policy_archive.crawler.core.vocabularies import RunStatus, SiteOutcome
from policy_archive.crawler.crawl.run import FetchOptions, FetchReport, Target
from policy_archive.crawler.planning.plan import PlanName, PlanOptions
from policy_archive.pipelines.exchange.imported import ImportOutcome, Refusal, Stated
from policy_archive.pipelines.exchange.intake import ImportReport
from policy_archive.pipelines.store.writer import Store

_MAY_BE_PAGE = ("text/", "application/xhtml", "application/pdf", "warc/revisit", "unk")


def import_archives(
    paths: Sequence[Path],
    database: Path,
    report: ImportReport,
    *,
    kinds: tuple[Kind, ...],
    stated: Stated,
    progress: str = "off",
    dry_run: bool = False,
) -> FetchReport | None:
    """Take the policies of web archives into a corpus, and add to the report what came of it.

    A file that cannot be read is a fault, the rest goes on. Returns how the crawl ended, None without one.

    Sites are found in them unless `stated` names one. All captures are wanted, for the files may
    be gone tomorrow; what the corpus has of other archives is neither asked for nor changed.
    """

    def note_fault(path: Path, error: UsageError) -> None:
        refuse(report, path.name, ImportOutcome.UNREADABLE, str(error))

    with unpack_warcs(paths, on_fault=note_fault) as files:
        source = WarcSource((file.path for file in files), forgiving=True)
        names = {file.path: file.name for file in files}
        with ArchiveServer(source=source) as archive:
            rows = archive.archive.index.rows
            for fault in source.faults:
                cut = "cut in" in fault.reason
                outcome = ImportOutcome.TRUNCATED if cut else ImportOutcome.UNREADABLE
                refuse(report, names[fault.path], outcome, fault.reason)
            sites = [stated.site] if stated.site else find_sites(rows)
            if not sites:
                return None
            if dry_run:
                report.outcomes[ImportOutcome.IMPORTED] += len(rows)
                return None
            origins = {file.path: _origin_of(file, stated) for file in files}
            crawled = Files(holds=source.holds, origin_of=lambda row: origins[source.path_of(row)])
            crawl = crawl_files(archive.url, database, sites, kinds, crawled, progress)
    count_crawl(report, crawl, database, {origin.id for origin in origins.values()})
    return crawl


def find_sites(rows: Iterable[CdxRow]) -> list[str]:
    """Return the sites of which there are pages, by name."""
    hosts = {
        ".".join(reversed(row.urlkey.partition(")")[0].split(",")))
        for row in rows
        if row.statuscode in ("200", "-") and row.mimetype.startswith(_MAY_BE_PAGE)
    }
    return sorted({registrable_domain(host.partition(":")[0]) for host in hosts if "." in host})


def refuse(report: ImportReport, name: str, outcome: ImportOutcome, reason: str) -> None:
    """Add a fault to the report."""
    report.outcomes[outcome] += 1
    report.faults.append(Refusal(name=name, outcome=outcome, reason=reason))


def _origin_of(file: WarcFile, stated: Stated) -> Origin:
    with file.container.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    return Origin(
        format="wacz" if file.container.name.lower().endswith(".wacz") else "warc",
        name=file.name,
        digest=f"sha256:{digest}",
        licence=stated.licence,
        attribution=stated.attribution,
    )


@dataclass(frozen=True, kw_only=True)
class Files:
    """The files that a crawl goes through, by the rows of their captures."""

    holds: Callable[[CdxRow], bool]
    origin_of: Callable[[CdxRow], Origin]


def crawl_files(
    archive_url: str,
    database: Path,
    sites: Sequence[str],
    kinds: tuple[Kind, ...],
    crawled: Files,
    progress: str,
    *,
    settings: tuple[tuple[str, object], ...] = (),
) -> FetchReport:
    """Crawl files that a server of ours serves, into a corpus; returns how that ended."""
    from policy_archive.crawler.runner import run_fetch  # loads Scrapy

    class ImportingStore(FilesStore):
        files = crawled

    options = FetchOptions(
        targets=tuple(Target(site=site) for site in sites),
        kinds=kinds,
        database=database,
        plan=PlanOptions(plan=PlanName.ALL),
        archive_url=archive_url,
        index_per_minute=0,
        replay_per_second=0,
        progress=progress,
        command="import",
        # queries cost nothing here, and the files' own index tells digests of home pages, too
        settings=(("POLICY_STORE", ImportingStore), ("POLICY_NEAREST", False), *settings),
    )
    return run_fetch(options)


class FilesStore(Store):
    """A corpus into which web archives are imported: what it knows of other archives is left as it is.

    The crawl asks a server of ours; nothing of that is kept, for its address is gone in a moment. Each
    capture has the file that it came from instead.
    """

    is_news = False
    files: Files

    def start_run(
        self, command: str, arguments: Mapping[str, object] | None = None, *, forecast: object = None
    ) -> int:
        self.archive = None
        return super().start_run(command, arguments, forecast=forecast)

    def add_rows(self, document: Document, rows: Iterable[CdxRow]) -> int:
        return self.import_rows(document, [(row, self._origin(row)) for row in rows])

    def record_capture(self, capture: Capture, reading: Reading | None = None) -> bool:
        held = replace(
            capture, origin=self._origin(capture.row), replay_url="", requests=0, elapsed_seconds=None
        )
        return super().record_capture(held, reading)

    def _origin(self, row: CdxRow) -> Origin:
        return self.files.origin_of(row)

    def known_captures(self, document: Document) -> list[KnownCapture]:
        known = self.read_known(document)
        return [capture for capture in known if self.files.holds(capture.row)]

    def list_seams(self, document: Document) -> frozenset[tuple[str, str]]:
        return frozenset()

    def reopen_failed(self, document: Document, *, most_tries: int = 5) -> int:
        return 0

    def mark_listed(self, document: Document, url: str, *, start: str, end: str) -> None:
        """Note nothing: what other archives have of the address has still to be listed."""

    def recall_answer(self, site: str, question: str) -> KeptAnswer | None:
        return None

    def keep_answer(self, site: str, question: str, state: str, rows: Sequence[CdxRow]) -> None:
        """Keep nothing: the answer is that of the files alone."""

    def set_site_outcome(
        self,
        site: str,
        outcome: SiteOutcome,
        reason: str = "",
        *,
        checked: bool = False,
        searched: bool = False,
    ) -> None:
        """Note a site that a policy was found of; that files hold none of it says nothing."""
        if outcome is SiteOutcome.FOUND:
            super().set_site_outcome(site, outcome, reason)


def count_crawl(report: ImportReport, crawl: FetchReport, database: Path, origin_ids: set[str]) -> None:
    """Add what came of the captures: those that this run stored, and those that were there."""
    with Store.open(database) as store:
        for row in store.iter_imported(origin_ids):
            outcome = Outcome(row["outcome"])
            if outcome is Outcome.TRUNCATED:
                continue  # the file was named already
            if row["run_id"] != crawl.run_id:
                report.outcomes[ImportOutcome.KNOWN] += row["captures"]
            elif outcome.is_text or outcome is Outcome.HOME:
                report.outcomes[ImportOutcome.IMPORTED] += row["captures"]
            else:
                report.outcomes[ImportOutcome.NO_POLICY] += row["captures"]
        documents, versions = store.count_imported(origin_ids)
        report.documents += documents
        report.versions += versions
    if crawl.status is not RunStatus.DONE:
        reason = f"{crawl.status}: {crawl.reason}"
        report.faults.append(Refusal(name="the run", outcome=ImportOutcome.UNREADABLE, reason=reason))
