"""Discovery of one site, with archive and store: nothing is asked twice, what is found is written down."""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator
from contextlib import aclosing
from dataclasses import asdict, dataclass, replace

from policy_archive.crawler.archive.cdx import IndexPage, IndexQuery
from policy_archive.crawler.archive.replay import Nearest
from policy_archive.crawler.core.errors import BlockedError, CdxError
from policy_archive.crawler.core.events import log_event
from policy_archive.crawler.core.records import (
    Address,
    CdxRow,
    Document,
    Kind,
    Outcome,
    PlannedCapture,
    PolicyLink,
    ReadCapture,
)
from policy_archive.crawler.core.timestamps import utc_now
from policy_archive.crawler.core.urlkeys import urlkey
from policy_archive.crawler.crawl.corpus import IndexCache, SiteStore
from policy_archive.crawler.discovery.records import (
    AnswerState,
    AskedQuery,
    DiscoveryOptions,
    DiscoveryPlan,
    FoundAddress,
    FoundDocument,
    Look,
    Looked,
    PageRequest,
    Purpose,
    SiteEvidence,
    SiteQuery,
    VisitedPage,
)
from policy_archive.crawler.discovery.run import discover_site

_TOO_MUCH = frozenset({413, 414, 431, 504, None})
"""Statuses of a question that is too long for a server, or takes it too long; None: no answer at all."""
log = logging.getLogger(__name__)


@dataclass(kw_only=True)
class SiteDiscovery:
    """Where a site's policies are. May be run again when their pages have been read: those link on."""

    site: str
    kinds: frozenset[Kind]
    store: SiteStore
    index_cache: IndexCache
    pages_of: Callable[[IndexQuery], AsyncGenerator[IndexPage, None]]
    find_nearest: Callable[[str, str], Awaitable[Nearest]] | None
    """Which capture of an address is nearest to an instant (14 digits); None where replay does not say."""
    fetch_capture: Callable[[Document, PlannedCapture], Awaitable[ReadCapture]]
    ask_again: bool = False
    """Ask the index also for what it was asked for earlier today."""
    _evidence: SiteEvidence | None = None

    @property
    def home(self) -> Document:
        """The document under which pages are kept that were read for their links alone."""
        return Document(site=self.site, kind=Kind.HOME)

    async def run(self, documents: Iterable[Document] = ()) -> DiscoveryPlan:
        """Return what was found; the pages of `documents` count as read.

        Raises CdxError and RateLimitedError when the archive gives no answer.
        """
        evidence = self._evidence or SiteEvidence(site=self.site, known=tuple(self._iter_known()))
        pages = (*(page for page in evidence.pages if not _is_of_policy(page)), *self._iter_read(documents))
        options = DiscoveryOptions(
            kinds=self.kinds,
            has_nearest=self.find_nearest is not None,
            now=utc_now().strftime("%Y%m%d235959"),
        )
        plan, self._evidence = await discover_site(
            replace(evidence, pages=pages), options, ask=self._ask, look=self._look, read=self._read
        )
        return plan

    def _iter_known(self) -> Iterator[FoundDocument]:
        """Yield the documents of earlier runs: an address stays with its document."""
        for document in self.store.documents_of(self.site):
            if document.kind is not Kind.HOME:
                addresses = tuple(_found_address(a) for a in self.store.addresses_of(document))
                yield FoundDocument(document=document, confidence=1.0, addresses=addresses)

    def _iter_read(self, documents: Iterable[Document]) -> Iterator[VisitedPage]:
        for document in documents:
            links = self._links_by_row(document)
            for row, outcome, location in self.store.iter_outcomes(document):
                is_redirect = outcome is Outcome.REDIRECT
                yield VisitedPage(
                    row=row,
                    purpose=Purpose.REDIRECT if is_redirect else Purpose.POLICY,
                    outcome=outcome,
                    links=tuple(links[row]),
                    location=location,
                )

    def _links_by_row(self, document: Document) -> defaultdict[CdxRow, list[PolicyLink]]:
        links: defaultdict[CdxRow, list[PolicyLink]] = defaultdict(list)
        for row, link in self.store.links_of(document):
            links[row].append(link)
        return links

    async def _ask(self, asked: SiteQuery) -> AskedQuery:
        """Return the index's answer, from the store when it gave one today."""
        question = json.dumps(asdict(asked), sort_keys=True)
        kept = None if self.ask_again else self.index_cache.recall_answer(self.site, question)
        if kept is not None:
            return AskedQuery(asked=asked, state=AnswerState(kept.state), rows=kept.rows)
        state, rows = await self._ask_archive(asked)
        if state is not AnswerState.FAILED:
            self.index_cache.keep_answer(self.site, question, state, rows)
        return AskedQuery(asked=asked, state=state, rows=rows)

    async def _ask_archive(self, asked: SiteQuery) -> tuple[AnswerState, tuple[CdxRow, ...]]:
        rows: list[CdxRow] = []
        pages = 0
        try:
            async with aclosing(self.pages_of(asked.query)) as answer:
                async for page in answer:
                    rows += page.rows
                    pages += 1
                    if pages >= asked.most_pages and page.resume_key is not None:
                        return AnswerState.CUT, tuple(rows)
        except BlockedError:
            return AnswerState.BLOCKED, ()
        except CdxError as error:
            return (AnswerState.TOO_SLOW if error.status in _TOO_MUCH else AnswerState.FAILED), ()
        return AnswerState.COMPLETE, tuple(rows)

    async def _look(self, look: Look) -> Looked:
        """Return replay's answer, from the store when it gave one today."""
        asked = {"purpose": look.purpose, "url": look.url, "nearest_to": look.timestamp}
        question = json.dumps(asked, sort_keys=True)
        kept = None if self.ask_again else self.index_cache.recall_answer(self.site, question)
        if kept is not None:
            return Looked(asked=look, state=AnswerState(kept.state), row=next(iter(kept.rows), None))
        state, row = await self._look_at_archive(look)
        if state is not AnswerState.FAILED:
            self.index_cache.keep_answer(self.site, question, state, [row] if row else [])
        return Looked(asked=look, state=state, row=row)

    async def _look_at_archive(self, look: Look) -> tuple[AnswerState, CdxRow | None]:
        assert self.find_nearest is not None  # else nothing is looked at
        found = await self.find_nearest(look.url, look.timestamp)
        if found.outcome is Outcome.BLOCKED:
            return AnswerState.BLOCKED, None
        if found.outcome is Outcome.NOT_ARCHIVED:
            return AnswerState.COMPLETE, None
        if found.timestamp is None:
            said = f"{self.site}: the index is asked for captures of {look.url}: {found.reason}"
            log_event(log, "look-failed", said, site=self.site, url=look.url, reason=found.reason)
            return AnswerState.FAILED, None
        return AnswerState.COMPLETE, _row_of_home(found.original, found.timestamp)

    async def _read(self, request: PageRequest) -> VisitedPage:
        """Return a page read for its links, from the store when it was read before.

        The same second of the same address is the same capture, however much its row is known to say.
        """
        self.store.add_document(self.home)
        wanted = request.row
        for row, outcome, location in self.store.iter_outcomes(self.home):
            if (row.original, row.timestamp) == (wanted.original, wanted.timestamp):
                links = tuple(self._links_by_row(self.home)[row])
                return VisitedPage(
                    row=wanted, purpose=request.purpose, outcome=outcome, links=links, location=location
                )
        planned = PlannedCapture(row=request.row, reason=request.reason)
        read = await self.fetch_capture(self.home, planned)
        return VisitedPage(
            row=request.row,
            purpose=request.purpose,
            outcome=read.reading.outcome if read.reading else read.capture.outcome,
            links=read.reading.links if read.reading else (),
            location=read.capture.location,
        )

    def write_down(self, plan: DiscoveryPlan, span: tuple[str, str]) -> list[Document]:
        """Store what was found, with the rows that are known already; return the documents."""
        for found in plan.documents:
            self.store.add_document(found.document, confidence=found.confidence)
            for address in found.addresses:
                self.store.add_address(found.document, _address(address))
                self.store.add_rows(found.document, address.rows)
                if address.listed:
                    start, end = span
                    self.store.mark_listed(found.document, address.url, start=start, end=end)
        return [found.document for found in plan.documents]


def _row_of_home(url: str, timestamp: str) -> CdxRow:
    """Return a row for a capture that replay named: of what the index says, it tells time and address."""
    unknown = {"mimetype": "-", "statuscode": "-", "digest": "-"}
    return CdxRow(urlkey=urlkey(url), timestamp=timestamp, original=url, length=None, **unknown)


def _is_of_policy(page: VisitedPage) -> bool:
    return page.purpose is Purpose.POLICY


def _address(found: FoundAddress) -> Address:
    return Address(
        url=found.url,
        source=found.source,
        evidence=found.evidence,
        confidence=found.confidence,
        first_seen=found.first_seen,
        last_seen=found.last_seen,
    )


def _found_address(address: Address) -> FoundAddress:
    return FoundAddress(
        url=address.url,
        urlkey=urlkey(address.url),
        source=address.source,
        evidence=address.evidence,
        confidence=address.confidence or 0.0,
        first_seen=address.first_seen,
        last_seen=address.last_seen,
    )
