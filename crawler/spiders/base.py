"""What our spiders have in common: a run, from its beginning to the reason that it ends with."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Iterator, Sized
from contextlib import ExitStack, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

from scrapy import Request, Spider, signals
from scrapy.crawler import Crawler
from scrapy.http import Response
from scrapy.settings import BaseSettings
from twisted.python.failure import Failure

from policy_archive.crawler.archive.cdx import MOST_ROWS, dialects_to_try
from policy_archive.crawler.archive.client import ArchiveClient
from policy_archive.crawler.archive.middlewares import (
    build_politeness,
    close_gate,
    gate_keeper,
)
from policy_archive.crawler.archive.rate_gate import Budget, GateClosedError
from policy_archive.crawler.core import defaults
from policy_archive.crawler.core.errors import (
    DamagedError,
    PolicyArchiveError,
    RateLimitedError,
    StoreError,
    UsageError,
)
from policy_archive.crawler.core.events import log_event
from policy_archive.crawler.core.plurals import plural
from policy_archive.crawler.core.records import (
    Capture,
    Document,
    ReadCapture,
    RowState,
)
from policy_archive.crawler.core.timestamps import parse_span
from policy_archive.crawler.core.urls import parse_archive
from policy_archive.crawler.core.vocabularies import RunStatus
from policy_archive.crawler.crawl.corpus import Corpus, load_corpus_class
from policy_archive.crawler.crawl.frontier import FairQueue
from policy_archive.crawler.crawl.progress import build_screen, show_progress
from policy_archive.crawler.crawl.run import (
    KINDS,
    FetchOptions,
    FetchReport,
    Health,
    Tally,
    build_health,
    build_target,
    parse_kinds,
)
from policy_archive.crawler.crawl.site import count_document
from policy_archive.crawler.planning.plan import PlanName, PlanOptions

SITES_AT_ONCE = 32
"""Enough that none waits for another's slow index query, few enough that memory stays flat."""
MOST_IN_FLIGHT = {Budget.INDEX: 1, Budget.REPLAY: 4}  # docs/archive-client.md, “The index” and “Replay”
MOST_IN_FLIGHT_UNLIMITED = {Budget.INDEX: 4, Budget.REPLAY: 8}

log = logging.getLogger(__name__)


class RunSpider(Spider):
    """A run, from its lock to its last words; what it does is `work`, which each spider writes."""

    client_class = ArchiveClient
    alone = True
    """Whether no other run may be under way on the database."""

    def __init__(self, *, options: FetchOptions, store: Corpus) -> None:
        super().__init__()
        self.options = options
        self.store = store
        self.targets = iter(options.targets)
        """The targets that no worker has taken yet."""
        self.tally = Tally(sites=len(options.targets) if isinstance(options.targets, Sized) else None)
        self.run_id: int | None = None
        self.unfinished: set[Document] = set()
        self._status, self._reason = RunStatus.DONE, ""
        self._failure: PolicyArchiveError | None = None
        self.archive: ArchiveClient
        """Ready when `start` has begun."""
        self._queue: FairQueue[Request] = FairQueue(MOST_IN_FLIGHT)
        self._tasks: list[asyncio.Task[None]] = []
        self._lock = ExitStack()
        self._health: Health | None = None

    @classmethod
    def update_settings(cls, settings: BaseSettings) -> None:
        """Give the archive its one name; refuse what cannot be meant before anything is opened."""
        super().update_settings(settings)
        archive_url = parse_archive(settings["POLICY_ARCHIVE_URL"])
        settings.set("POLICY_ARCHIVE_URL", archive_url, priority="cmdline")
        build_politeness(settings)

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:
        options = kwargs.pop("options", None) or parse_arguments(crawler, **kwargs)
        corpus = load_corpus_class(crawler.settings)
        with ExitStack() as held:
            if cls.alone:
                held.enter_context(corpus.hold(options.database, f"policy-archive {options.command}"))
            spider = cls(options=options, store=corpus.open(options.database))
            spider._lock = held.pop_all()
        spider._set_crawler(crawler)
        crawler.signals.connect(spider.on_scraped, signals.item_scraped)
        crawler.signals.connect(spider.on_item_error, signals.item_error)
        crawler.signals.connect(spider.on_answer_error, signals.spider_error)
        crawler.signals.connect(spider.on_closed, signals.engine_stopped)
        return spider

    # The run

    async def start(self) -> AsyncIterator[Request]:
        """Yield what the sites want asked, one site after the other, until all of them are done."""
        self._begin()
        self._tasks = [asyncio.create_task(self._crawl_sites()), *self._start_progress()]
        try:
            while (request := await self._queue.get()) is not None:
                yield request
        finally:  # Scrapy ends it early when the user stops the crawl
            close_gate(self)
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start_progress(self) -> Iterator[asyncio.Task[None]]:
        screen = build_screen(self.options.progress)
        if screen is not None:
            pace = build_politeness(self.settings).replay_per_second or None
            gate = gate_keeper(self.crawler).gate
            yield asyncio.create_task(show_progress(screen, self.tally, gate.blocked_seconds, pace))

    def _begin(self) -> None:
        archive_url = self.settings["POLICY_ARCHIVE_URL"]
        unlimited = build_politeness(self.settings).is_unlimited
        self._queue = FairQueue(MOST_IN_FLIGHT_UNLIMITED if unlimited else MOST_IN_FLIGHT)
        self.archive = self.client_class(
            archive_url=archive_url,
            dialects=dialects_to_try(archive_url, self.settings["POLICY_DIALECT"]),
            queue=self._queue,
            tell_problem=self.tally.note_problem,
            most_rows=self.settings["POLICY_MOST_INDEX_ROWS"] or MOST_ROWS,
            leads_to_nearest=self.settings.getbool("POLICY_NEAREST"),
        )
        arguments = {"archive": archive_url, "plan": self.options.plan, "kinds": self.options.kinds}
        if self.alone:
            self.store.close_dead_runs()
        self.store.channels = self.options.channels
        self.store.archive = archive_url
        self.run_id = self.store.start_run(self.options.command, arguments)
        log_event(log, "run-started", f"run {self.run_id} begins", run=self.run_id, archive=archive_url)

    async def _crawl_sites(self) -> None:
        """Crawl all sites, some at once; an error that no site can get over ends the run."""
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(SITES_AT_ONCE):
                    group.create_task(self.work())
        except* GateClosedError:
            pass
        except* RateLimitedError as errors:
            self.stop(RunStatus.INCOMPLETE, str(errors.exceptions[0]))
        except* PolicyArchiveError as errors:
            self._fail_run(errors.exceptions[0])
        except* Exception as errors:
            log.exception("the crawl broke off")
            self.stop(RunStatus.FAILED, repr(errors.exceptions[0]))
        finally:
            self._queue.close()

    async def work(self) -> None:
        """Do a share of the run's work: SITES_AT_ONCE workers take it in turn. The hook of each spider."""
        raise NotImplementedError

    def stop(self, status: RunStatus, reason: str) -> None:
        """End the run: what is in flight is finished and stored, nothing more is asked."""
        if self._status is RunStatus.DONE:
            self._status, self._reason = status, reason
        close_gate(self)
        self._queue.close()

    def closed(self, reason: str) -> None:
        """Note that Scrapy's own program was told to stop: Ctrl-C during `scrapy crawl`."""
        if reason == "shutdown":
            self.stop(RunStatus.INTERRUPTED, "stopped by hand")

    def _fail_run(self, error: BaseException) -> None:
        """End the run by an error that it cannot get over; the first one is what it says it died of."""
        if self._failure is None and isinstance(error, PolicyArchiveError):
            self._failure = error
        self.stop(RunStatus.FAILED, str(error))

    def on_closed(self) -> None:
        """Write down how the run ended, as far as that is possible; the last thing that happens."""
        self._count_requests()
        try:
            with self.store.explained(self.options.database):
                for document in self.unfinished:
                    with suppress(DamagedError):  # its site says so
                        count_document(self.store, self.tally, document, self.store.fold_versions(document))
                self._check_books()
                if self.run_id is not None:
                    self._finish_run(self.run_id)
        except StoreError as error:  # a full disk takes no last words
            self._fail_run(error)
        finally:
            self.store.close()
            self._lock.close()

    def _finish_run(self, run_id: int) -> None:
        targets = self.options.targets
        self._health = build_health(
            self.tally,
            due=len(targets) if isinstance(targets, Sized) else self.tally.sites_done,
            versions_new=self.store.count_news(run_id),
            versions_passed_over=self.store.count_news_passed_over(run_id),
            longest_failing=self.store.list_failing(),
        )
        report = self.report()
        self.store.finish_run(
            run_id,
            report.status,
            report.reason,
            index_requests=self.tally.index_requests,
            replay_requests=self.tally.replay_requests,
            health=asdict(self._health),
        )
        facts = {"run": run_id, "status": report.status, "reason": report.reason, **asdict(self._health)}
        log_event(log, "run-finished", f"run {run_id}: {report.status}", **facts)

    def _check_books(self) -> None:
        """Make a run whose books do not balance a failed one: every row has exactly one outcome.

        Rows that are still to be fetched are normal where this run was stopped, or an earlier one.
        """
        faults = [fault for fault in self.store.iter_conservation_faults() if fault.fault != "pending"]
        if faults:
            first = f"{faults[0].fault} {faults[0].id} ({faults[0].detail})"
            self._status, self._reason = (
                RunStatus.FAILED,
                f"the books do not balance: {len(faults)} faults, first {first}",
            )
        pending = self.tally.states[RowState.PENDING]
        if pending and self._status is RunStatus.DONE:
            self._status, self._reason = RunStatus.INCOMPLETE, f"{pending} captures have still to be fetched"

    def report(self) -> FetchReport:
        """Return how the run ended, or how it stands."""
        status, reason = self._status, self._reason
        failed = sum(n for outcome, n in self.tally.outcomes.items() if outcome.leaves_run_incomplete)
        if status is RunStatus.DONE and (failed or self.tally.problems):
            status = RunStatus.INCOMPLETE
            unhad = f"{plural(failed, 'capture')} could not be had or read: run the same command again"
            reason = self.tally.problems[0] if self.tally.problems else unhad
        return FetchReport(
            status=status,
            reason=reason,
            tally=self.tally,
            seconds=self.tally.seconds,
            run_id=self.run_id,
            health=self._health,
            failure=self._failure if status is RunStatus.FAILED else None,
        )

    def _count_requests(self) -> None:
        requests = gate_keeper(self.crawler).requests
        self.tally.note_requests(index=requests[Budget.INDEX], replay=requests[Budget.REPLAY])

    # Captures

    def on_scraped(self, item: object) -> None:
        """Count a capture that is stored, and tell the site that waits for it."""
        if isinstance(item, ReadCapture):
            self.archive.settle(item)
            self.tally.note_capture(item)

    def on_item_error(self, item: object, failure: Failure) -> None:
        """Tell the site that its capture could not be read or stored."""
        capture = item.capture if isinstance(item, ReadCapture) else item
        if isinstance(capture, Capture):
            self.archive.fail(capture, failure.value)

    def on_answer_error(self, failure: Failure, response: Response | Failure) -> None:
        """Tell the site that waits that its answer cannot be made sense of."""
        self.archive.fail_answer(failure, response)


def parse_arguments(
    crawler: Crawler,
    *,
    site: str = "",
    db: str | None = None,
    kind: str = "privacy",
    plan: str = PlanName.CHANGES,
    **rest: str,
) -> FetchOptions:
    """Return the options that `scrapy crawl policy -a …` means; `from` and `to` are taken too.

    Raises UsageError if they cannot be meant.
    """
    since, until = parse_span(rest.pop("from", None), rest.pop("to", None))
    if rest:
        raise UsageError(f"'{next(iter(rest))}' is no argument: site, db, kind, plan, from and to are.")
    if not site:
        raise UsageError("Nothing to do: name a site with -a site=example.com.")
    return FetchOptions(
        targets=tuple(build_target(text) for text in site.split(",")),
        kinds=parse_kinds(_check_choice(name, (*KINDS, "all")) for name in kind.split(",")),
        database=Path(db or defaults.DATABASE),
        plan=PlanOptions(
            plan=PlanName(_check_choice(plan, [name.value for name in PlanName])), since=since, until=until
        ),
        archive_url=crawler.settings["POLICY_ARCHIVE_URL"],
    )


def _check_choice(name: str, choices: Collection[str]) -> str:
    if name not in choices:
        raise UsageError(f"'{name}' is none of {', '.join(choices)}.")
    return name
