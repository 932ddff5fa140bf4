"""The one writer of a corpus: every method is one transaction, and doing it twice changes nothing."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from policy_archive.crawler.core.errors import ExtractionError, StoreError
from policy_archive.crawler.core.events import log_event
from policy_archive.crawler.core.records import (
    Address,
    Capture,
    CdxRow,
    Channel,
    ConservationFault,
    Document,
    HomePage,
    KeptAnswer,
    Kind,
    KnownCapture,
    Origin,
    Outcome,
    Owner,
    PolicyLink,
    Reading,
    RowDecision,
    RowState,
    StoredCapture,
)
from policy_archive.crawler.core.timestamps import now_iso, utc_now
from policy_archive.crawler.core.urlkeys import urlkey
from policy_archive.crawler.core.vocabularies import AddressSource, RunStatus, SiteOutcome
from policy_archive.crawler.planning.due import Failing
from policy_archive.pipelines.store import captures, imports, index_cache, queries, weighing
from policy_archive.pipelines.store import versions as folding
from policy_archive.pipelines.store.bodies import load_home_near
from policy_archive.pipelines.store.connection import explained, open_writer, write
from policy_archive.pipelines.store.imports import ImportedCapture
from policy_archive.pipelines.store.invariants import CONSERVATION_SQL
from policy_archive.pipelines.store.monitoring import news, outbox, watches
from policy_archive.pipelines.store.rereading import Rereading, iter_rereadings
from policy_archive.pipelines.store.rows import ROW_COLUMNS, parse_row, read_known
from policy_archive.pipelines.store.runlock import hold_lock

if TYPE_CHECKING:
    from policy_archive.crawler.crawl.corpus import Corpus
    from policy_archive.pipelines.extract.body.ways import Way
    from policy_archive.pipelines.reading.pool import ReadingPool

log = logging.getLogger(__name__)


class Store:
    """An open corpus. Close it, or use it in a `with` block."""

    is_news = True
    """Whether versions that become known are news; False for captures that were somebody's already."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.run_id: int | None = None
        """Run that captures are stored for; set by start_run."""
        self.archive: str | None = None
        """Base address of the archive that is asked: whose rows, answers and captures are stored from now on;
        None: nobody's, and what is known of all of them is read."""
        self.channels: tuple[Channel, ...] = ()
        """Who is to be told of versions that become known."""
        self.reader: ReadingPool | None = None
        """Processes that read, lent by who has some, to read small texts again."""

    @classmethod
    def open(cls, path: Path | str) -> Self:
        """Return the corpus in that file, made or upgraded if need be; raises StoreError."""
        return cls(open_writer(Path(path)))

    @staticmethod
    def hold(database: Path, command: str) -> AbstractContextManager[object]:
        """Return a block in which no other run may use the file; entering raises InUseError."""
        return hold_lock(database, command)

    @staticmethod
    def explained(path: Path | str) -> AbstractContextManager[None]:
        """Return a block in which SQLite's errors that are the file's fault are raised as StoreError."""
        return explained(path)

    def close(self) -> None:
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Sites, documents, addresses

    def add_site(self, site: str, *, rank: int | None = None) -> None:
        """Make a site known; a rank replaces an unknown one."""
        self._execute(
            "insert into sites (site, rank) values (?, ?) "
            "on conflict (site) do update set rank = excluded.rank where excluded.rank is not null",
            (site, rank),
        )

    def set_site_outcome(
        self,
        site: str,
        outcome: SiteOutcome,
        reason: str = "",
        *,
        checked: bool = False,
        searched: bool = False,
    ) -> None:
        """Note what the crawl of a site ended with (`sites.outcome`), now.

        `checked`: an update did it, so that its watch begins a new interval;
        `searched`: its policies were looked for anew.
        """

        def work(connection: sqlite3.Connection) -> None:
            watches.write_outcome(connection, site, outcome, reason, now=now_iso())
            watches.write_check(connection, site, outcome, checked=checked, searched=searched, now=now_iso())

        write(self.connection, work)

    def add_document(
        self, document: Document, *, owner: Owner | None = None, confidence: float | None = None
    ) -> str:
        """Return the document's id; its site is made known with it. What is given replaces what was there."""

        def work(connection: sqlite3.Connection) -> str:
            connection.execute("insert or ignore into sites (site) values (?)", (document.site,))
            connection.execute(
                "insert into documents (id, site, kind, name) values (?, ?, ?, ?) on conflict do nothing",
                (document.id, document.site, document.kind, document.name),
            )
            if owner is not None:
                connection.execute(
                    "update documents set owner = ?, owner_name = ?, owner_reason = ? where id = ?",
                    (owner.relation, owner.name, owner.reason, document.id),
                )
            if confidence is not None:
                connection.execute(
                    "update documents set confidence = ? where id = ?", (confidence, document.id)
                )
            return document.id

        return write(self.connection, work)

    def add_address(self, document: Document, address: Address) -> None:
        """Make an address of a document known; what it already had stays, its years of sight grow."""
        self._execute(
            """insert into addresses
                (document_id, urlkey, url, source, evidence, confidence, first_seen, last_seen)
            values (?, ?, ?, ?, ?, ?, ?, ?)
            on conflict (document_id, urlkey) do update set
                confidence = coalesce(max(confidence, excluded.confidence), confidence, excluded.confidence),
                first_seen = coalesce(min(first_seen, excluded.first_seen), first_seen, excluded.first_seen),
                last_seen = coalesce(max(last_seen, excluded.last_seen), last_seen, excluded.last_seen)""",
            (
                document.id,
                urlkey(address.url),
                address.url,
                address.source,
                address.evidence,
                address.confidence,
                address.first_seen,
                address.last_seen,
            ),
        )

    def documents_of(self, site: str) -> list[Document]:
        """Return a site's documents, main ones first; empty when the site is not known."""
        rows = self.connection.execute(
            "select site, kind, name from documents where site = ? order by name, kind", (site,)
        )
        return [Document(site=row["site"], kind=Kind(row["kind"]), name=row["name"]) for row in rows]

    def addresses_of(self, document: Document) -> list[Address]:
        """Return a document's addresses, oldest sight first."""
        rows = self.connection.execute(
            """select url, source, evidence, confidence, first_seen, last_seen, listed_from, listed_to
            from addresses left join listings on listings.document_id = addresses.document_id
                and listings.urlkey = addresses.urlkey and archive = ?
            where addresses.document_id = ? order by first_seen, addresses.urlkey""",
            (self.archive or "", document.id),
        )
        return [Address(**{**row, "source": AddressSource(row["source"])}) for row in rows]

    def home_near(self, site: str, timestamp: str) -> HomePage | None:
        """Return the stored home page of a site that was captured nearest to an instant (14 digits)."""
        return load_home_near(self.connection, site, timestamp)

    def links_of(self, document: Document) -> list[tuple[CdxRow, PolicyLink]]:
        """Return every policy link found on a document's captures, with the capture, in order of time."""
        return captures.read_links(self.connection, document)

    # Index rows and captures

    def add_rows(self, document: Document, rows: Iterable[CdxRow]) -> int:
        """Store index rows before anything is fetched; return how many of them are new."""
        values = [captures.row_values(document, row, self.archive) for row in rows]
        taken = [(self.archive, one[0], self.archive) for one in values]

        def work(connection: sqlite3.Connection) -> int:
            before = connection.total_changes
            connection.executemany(captures.INSERT_ROW, values)
            new = connection.total_changes - before
            if new < len(values):
                connection.executemany(captures.TAKE_ROW, taken)
            return new

        return write(self.connection, work)

    def mark_listed(self, document: Document, url: str, *, start: str, end: str) -> None:
        """Note that the archive's index gave all rows of an address from `start` to `end` (14 digits).

        What a clock that ran ahead noted of days to come is forgotten.
        """
        today = utc_now().strftime("%Y%m%d235959")
        self._execute(
            """insert into listings (document_id, urlkey, archive, listed_from, listed_to, listed_at)
            values (?, ?, ?, ?, ?, ?)
            on conflict (document_id, urlkey, archive) do update set
                listed_from = min(listed_from, excluded.listed_from),
                listed_to = iif(listed_to <= ?, max(listed_to, excluded.listed_to), excluded.listed_to),
                listed_at = excluded.listed_at""",
            (document.id, urlkey(url), self.archive or "", start, end, now_iso(), today),
        )

    def known_captures(self, document: Document) -> list[KnownCapture]:
        """Return all that is known of a document's rows, in order of time: the planner is told nothing else.

        Texts that others read are left out: next to ours each would look like a change, and cost requests.
        So are rows that another archive listed and nobody asked it for yet: they are not asked of this one,
        and where they stand is decided in a run that asks theirs.
        """
        return read_known(self.connection, document, of_others=False, archive=self.archive)

    def list_seams(self, document: Document) -> frozenset[tuple[str, str]]:
        """Return the first and the last capture that others' texts were imported of, (14 digits, urlkey)."""
        return imports.read_seams(self.connection, document)

    def iter_outcomes(self, document: Document) -> Iterator[tuple[CdxRow, Outcome, str | None]]:
        """Yield a document's fetched rows with outcome and captured redirect's target, in order of time."""
        rows = self.connection.execute(
            f"select {ROW_COLUMNS}, outcome, location from captures "  # noqa: S608 (a constant)
            "where document_id = ? and outcome is not null order by timestamp, original, digest",
            (document.id,),
        ).fetchall()
        for row in rows:
            yield parse_row(row), Outcome(row["outcome"]), row["location"]

    def count_states(self, document: Document) -> dict[RowState, int]:
        """Return how many of a document's rows are in each state."""
        rows = self.connection.execute(
            "select state, count(*) from captures where document_id = ? group by state", (document.id,)
        )
        return {RowState(state): number for state, number in rows}

    def record_capture(self, capture: Capture, reading: Reading | None = None) -> bool:
        """Store what came of one capture: row, body, text, search entry, extraction, links; all or nothing.

        Returns False, and changes nothing, when the row already has a final
        outcome: a capture that is delivered twice counts once. A row that the
        index did not list (a frame, a redirect's target) is added.
        """

        def work(connection: sqlite3.Connection) -> bool:
            return captures.write_capture(connection, capture, reading, self.run_id, self.archive)

        return write(self.connection, work)

    @classmethod
    def open_for_import(cls, path: Path | str) -> Self:
        """Return what `open` does, set for many thousand texts at a time.

        32 MB of the indexes are held, and the log is emptied into the file each 32 MB.
        """
        store = cls.open(path)
        store.connection.execute("pragma cache_size = -32000")
        store.connection.execute("pragma wal_autocheckpoint = 8000")
        return store

    def import_captures(self, batch: Sequence[ImportedCapture]) -> list[str]:
        """Store captures out of files, all or none of the batch; return what came of each.

        `imported`, `known` (it had come already), or `other-text` (another text of the very capture did).
        """

        def work(connection: sqlite3.Connection) -> list[str]:
            return imports.write_batch(connection, batch, self.run_id)

        return write(self.connection, work)

    def fold_imported(self) -> Iterator[int]:
        """Give the documents that texts were imported of their versions; yields how many are done.

        What changed between those is for `weigh_imported`: of each change neither words nor class are known.
        """
        yield from weighing.fold_imported(self.connection, self.run_id)

    def count_taken(self) -> tuple[int, int]:
        """Return how many documents this connection was given imports of, and how many versions they have."""
        return imports.count_taken(self.connection)

    def weigh_imported(self, pool: ReadingPool) -> Iterator[int]:
        """Compare what imports left, many documents in other processes; yields how many are done."""
        done = 0
        for site, documents, found in self._iter_weighed(pool):
            self._write_site(site, found, of_site=False)
            done += len(documents)
            yield done

    def _iter_weighed(self, pool: ReadingPool) -> Iterator[tuple[str, Sequence[Document], folding.SiteFold]]:
        sites = weighing.iter_unweighed(self.connection)
        if queries.count_unweighed(self.connection) < weighing.WORTH_A_PROCESS:
            for site, documents in sites:
                yield site, documents, folding.build_site(self.connection, site, documents)
            return
        tasks = iter(lambda: list(islice(sites, weighing.SITES_A_TASK)), [])
        for task in pool.map(partial(weighing.build_aside, self._path), tasks):
            # without a result: longer than a process may take, a document of many long texts
            found = task.result or weighing.build_sites(self.connection, task.item)
            for (site, documents), (_, one) in zip(task.item, found, strict=True):
                yield site, documents, one

    @property
    def _path(self) -> Path:
        rows = self.connection.execute("pragma database_list")
        return next(Path(row["file"]) for row in rows if row["name"] == "main")

    def import_rows(self, document: Document, rows: Sequence[tuple[CdxRow, Origin]]) -> int:
        """Store the index of files, each row with its file; return how many rows are new."""

        def work(connection: sqlite3.Connection) -> int:
            return imports.write_rows(connection, document, rows)

        return write(self.connection, work)

    def read_known(self, document: Document) -> list[KnownCapture]:
        """Return all that is known of a document's rows, whoever read their texts, in order of time."""
        return read_known(self.connection, document)

    def iter_imported(self, origin_ids: Collection[str]) -> Iterator[sqlite3.Row]:
        """Yield `outcome`, `run_id` and number (`captures`) of the captures that were taken from files."""
        yield from imports.select_outcomes(self.connection, origin_ids)

    def count_imported(self, origin_ids: Collection[str]) -> tuple[int, int]:
        """Return how many documents have captures from files, and how many versions these have."""
        return imports.count_documents(self.connection, origin_ids)

    def record_reading(self, document: Document, row: CdxRow, reading: Reading) -> None:
        """Store a new reading of a body that is stored already (another extractor, another judge)."""

        def work(connection: sqlite3.Connection) -> None:
            captures.write_reading(connection, row.id_in(document.id), reading)

        write(self.connection, work)

    async def reread_small(self, document: Document) -> int:
        """Read again what is too small beside its neighbours in time; return how many texts changed."""
        if self.reader is None:
            return 0
        changed = 0
        for one in list(iter_rereadings(self.connection, document, self.addresses_of(document))):
            changed += self._record_rereading(document, one, await self.reader.read_again(one.arguments))
        return changed

    def _record_rereading(self, document: Document, one: Rereading, readings: Mapping[Way, Reading]) -> bool:
        """Store what came of reading a page again; return whether its text changed."""
        row, concluded = one.small.reading.row, one.conclude(readings)
        if isinstance(concluded, Reading):
            self.record_reading(document, row, concluded)
            return True
        if one.small.reading.outcome.is_text:
            self._execute("update captures set reason = ? where id = ?", (concluded, row.id_in(document.id)))
        return False

    def reopen_failed(self, document: Document, *, most_tries: int = 5) -> int:
        """Make rows that failed at this archive, but may not another day, pending again; return how many."""
        marks = ",".join("?" * len(Outcome.retryable()))
        return self._execute(
            # only the question marks are put in by hand
            f"update captures set state = 'pending', state_reason = 'asked again', outcome = null "  # noqa: S608
            f"where document_id = ? and origin is null and tries < ? and outcome in ({marks}) "
            "and coalesce(archive, ?) is coalesce(?, archive)",
            (document.id, most_tries, *Outcome.retryable(), self.archive, self.archive),
        )

    def count_accidents(self, document: Document) -> int:
        """Return how many captures are without a reading, for their reader died over them."""
        marks = ",".join("?" * len(Outcome.accidents()))
        (count,) = self.connection.execute(
            f"select count(*) from captures where document_id = ? and outcome in ({marks})",  # noqa: S608 (marks)
            (document.id, *Outcome.accidents()),
        ).fetchone()
        return int(count)

    def record_decisions(self, document: Document, decisions: Mapping[CdxRow, RowDecision]) -> int:
        """Store the planner's state of every row that is not fetched; return how many rows changed."""

        def work(connection: sqlite3.Connection) -> int:
            before = connection.total_changes
            values = (
                captures.decision_values(document, row, decision)
                for row, decision in decisions.items()
                if decision.state is not RowState.FETCHED
            )
            connection.executemany(captures.UPDATE_DECISION, values)
            return connection.total_changes - before

        return write(self.connection, work)

    def fold_versions(self, document: Document, *, of_site: bool = True) -> int:
        """Rebuild a document's versions from its stored captures; return how many there are.

        Versions that were not known before become news in the same transaction, and are put into
        the outbox for the run's `channels`. `of_site=False`: another extractor made them, nobody is told.
        """
        found = folding.build_versions(self.connection, document, judge_afresh=not of_site)
        return self._write_versions(document, found, of_site=of_site)

    async def fold_site(self, site: str, documents: Sequence[Document]) -> dict[Document, int]:
        """Do what `fold_versions` does for documents of a site, and judge all its changes by all its pages.

        The comparing is done by a reader, or in a thread: other sites go on meanwhile. Returns the numbers
        of versions.
        """
        try:
            ((_, found),) = await self._build_aside([(site, documents)])
        except StoreError:  # the file is gone from its place, which the run's end says; its rows are at hand
            found = folding.build_site(self.connection, site, documents)
        return self._write_site(site, found, of_site=True)

    async def _build_aside(
        self, sites: Sequence[tuple[str, Sequence[Document]]]
    ) -> list[tuple[str, folding.SiteFold]]:
        # a run that read nothing has nothing to compare either, and need not start a reader for that
        if self.reader is not None and self.reader.has_begun:
            # what it lacks the time or memory for, or does not find, a thread tries and says
            with contextlib.suppress(ExtractionError):
                return await self.reader.run_aside("comparing", weighing.build_aside, self._path, sites)
        return await asyncio.to_thread(weighing.build_aside, self._path, sites)

    def judge_site(self, site: str, documents: Sequence[Document] = ()) -> None:
        """Judge the changes of all documents of a site by all its pages; the versions of `documents` are
        rebuilt first, those of others are as they were folded."""
        self._write_site(site, folding.build_site(self.connection, site, documents), of_site=True)

    def _write_site(self, site: str, found: folding.SiteFold, *, of_site: bool) -> dict[Document, int]:
        counts = {
            document: self._write_versions(document, rows, of_site=of_site)
            for document, rows in found.folded.items()
        }
        if found.mark is None and not found.judged:
            return counts

        def work(connection: sqlite3.Connection) -> None:
            for document, rows in found.judged.items():
                folding.replace_versions(connection, document, rows)
            if found.mark is not None:
                folding.write_mark(connection, site, found.mark)

        write(self.connection, work)
        return counts

    def _write_versions(self, document: Document, found: Sequence[tuple[Any, ...]], *, of_site: bool) -> int:
        of_site = of_site and self.is_news

        def work(connection: sqlite3.Connection) -> tuple[int, list[int]]:
            count = folding.replace_versions(connection, document, found)
            connection.execute("delete from unweighed where document_id = ?", (document.id,))
            new = news.write_news(connection, document, run_id=self.run_id, of_site=of_site, now=now_iso())
            if of_site:
                outbox.enqueue(connection, new, self.channels, now=now_iso())
            return count, new

        count, new = write(self.connection, work)
        if of_site and log.isEnabledFor(logging.INFO):
            self._log_news(new)
        return count

    def _log_news(self, news_ids: list[int]) -> None:
        for new in news.select_told(self.connection, news_ids):
            said = f"{new['site']}: version {new['version']} of {new['first_captured']}"
            facts = {name: new[name] for name in ("site", "kind", "name", "version", "url", "first_captured")}
            log_event(log, "version-new", said, **facts)

    # Runs

    def start_run(
        self, command: str, arguments: Mapping[str, object] | None = None, *, forecast: object = None
    ) -> int:
        """Return the id of a new run; captures stored from now on belong to it."""

        def work(connection: sqlite3.Connection) -> int | None:
            return connection.execute(
                "insert into runs (command, arguments, started_at, forecast) values (?, ?, ?, ?)",
                (command, json.dumps(arguments or {}, default=str), now_iso(), _json_or_null(forecast)),
            ).lastrowid

        self.run_id = write(self.connection, work)
        assert self.run_id is not None
        return self.run_id

    def close_dead_runs(self) -> int:
        """Note of runs that never ended that they died; return how many. Only who holds the lock may ask."""
        return self._execute(
            "update runs set status = :died, reason = 'the process died', finished_at = :now "
            "where status = :running "
            "and command in ('fetch', 'update', 're-extract', 'compact', 'import', 'weigh')",
            {"died": RunStatus.INTERRUPTED, "running": RunStatus.RUNNING, "now": now_iso()},
        )

    def record_forecast(self, run_id: int, forecast: object) -> None:
        """Note what a run found out about the cost of a fetch."""
        self._execute("update runs set forecast = ? where id = ?", (_json_or_null(forecast), run_id))

    def finish_run(
        self,
        run_id: int,
        status: RunStatus,
        reason: str = "",
        *,
        index_requests: int = 0,
        replay_requests: int = 0,
        health: object = None,
    ) -> None:
        """Note how a run ended, and its health line."""
        self._execute(
            "update runs set finished_at = ?, status = ?, reason = ?, index_requests = ?, "
            "replay_requests = ?, health = ? where id = ?",
            (now_iso(), status, reason, index_requests, replay_requests, _json_or_null(health), run_id),
        )

    def iter_conservation_faults(self) -> Iterator[ConservationFault]:
        """Yield every row that breaks the books: none after a complete run.

        A row that is still to be fetched is the fault `pending`, so that an
        interrupted run can tell those from the ones that must never be.
        """
        for row in self.connection.execute(CONSERVATION_SQL):
            yield ConservationFault(**dict(row))

    def count_news(self, run_id: int) -> int:
        """Return how many versions became known in a run, but for those that are passed over."""
        return news.count_news(self.connection, run_id)

    def count_news_passed_over(self, run_id: int) -> int:
        """Return how many became known that lists and messages pass over: they are not the policy's own."""
        return news.count_passed_over(self.connection, news.NewsFilter(run_id=run_id))

    def list_failing(self) -> list[Failing]:
        """Return the sites whose runs fail, the longest failing first."""
        return watches.list_failing(self.connection)

    def sample_captures(self, number: int) -> list[StoredCapture]:
        """Return captures with a body, drawn by lot."""
        return captures.sample_stored(self.connection, number)

    # The index's answers

    def recall_answer(self, site: str, question: str) -> KeptAnswer | None:
        """Return the answer that a question got earlier on this day (UTC), None when it got none."""
        return index_cache.recall_answer(self.connection, site, self.archive or "", question)

    def keep_answer(self, site: str, question: str, state: str, rows: Sequence[CdxRow]) -> None:
        """Store an answer in place of the one of an earlier day."""
        index_cache.keep_answer(self.connection, site, self.archive or "", question, state, rows)

    def _execute(self, sql: str, values: tuple[Any, ...] | dict[str, Any]) -> int:
        """Return how many rows one statement changed, in a transaction of its own."""
        return write(self.connection, lambda connection: connection.execute(sql, values).rowcount)


if TYPE_CHECKING:
    _implements: type[Corpus] = Store  # mypy holds the store to the crawler's ports


def _json_or_null(value: object) -> str | None:
    return None if value is None else json.dumps(value, default=str)
