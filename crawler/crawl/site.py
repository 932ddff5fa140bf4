"""The crawl of one site, told in order: find its documents, list their rows, ask for captures."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol
from urllib.parse import urldefrag, urlsplit

from policy_archive.crawler.archive.cdx import IndexPage, IndexQuery
from policy_archive.crawler.archive.replay import Nearest
from policy_archive.crawler.core.errors import BlockedError, CdxError, DamagedError, UsageError
from policy_archive.crawler.core.events import log_event
from policy_archive.crawler.core.failpoints import point
from policy_archive.crawler.core.plurals import plural
from policy_archive.crawler.core.records import (
    EMPTY_BODY_DIGEST,
    Address,
    CdxRow,
    Document,
    Kind,
    KnownCapture,
    Outcome,
    Owner,
    PlannedCapture,
    ReadCapture,
)
from policy_archive.crawler.core.timestamps import format_timestamp, parse_timestamp, utc_now
from policy_archive.crawler.core.urlkeys import urlkey
from policy_archive.crawler.core.urls import parse_site, same_page
from policy_archive.crawler.core.vocabularies import AddressSource, SiteOutcome
from policy_archive.crawler.crawl.corpus import IndexCache, SiteStore
from policy_archive.crawler.crawl.run import FetchOptions, Tally, Target
from policy_archive.crawler.crawl.site_discovery import SiteDiscovery
from policy_archive.crawler.discovery.addresses import read_address, read_fragment
from policy_archive.crawler.discovery.records import DiscoveryPlan
from policy_archive.crawler.planning.due import INDEX_LAG, find_live_key
from policy_archive.crawler.planning.plan import PlanOptions, plan_captures

MOST_MOVES = 10
"""Addresses that redirects may add to a document: a chain that never ends is no history."""

CAPTURES_AT_ONCE = 64
"""Of one document under way or in the queue: more than go over the wire, few enough to keep memory flat."""
MOST_ROUNDS = 4
"""Of searching a site and reading what was found."""
EARLIEST = "19900101000000"


log = logging.getLogger(__name__)


class Archive(Protocol):
    """What a site's crawl asks questions of; the spider answers them."""

    def iter_pages(self, site: str, query: IndexQuery) -> AsyncGenerator[IndexPage, None]:
        """Yield the pages of the index's answer; raises CdxError, BlockedError, RateLimitedError."""
        ...

    @property
    def has_nearest(self) -> bool:
        """Whether replay of any instant leads to the nearest capture."""
        ...

    async def find_nearest(self, site: str, url: str, timestamp: str) -> Nearest:
        """Return which capture of an address is nearest; raises RateLimitedError when the run has to end."""
        ...

    async def fetch_capture(self, document: Document, planned: PlannedCapture) -> ReadCapture:
        """Return one capture, read and stored; raises RateLimitedError when the run has to end."""
        ...


@dataclass(kw_only=True)
class SiteCrawl:
    """One site on its way through the run. What matters is in the store: it may be dropped at any moment."""

    target: Target
    options: FetchOptions
    store: SiteStore
    index_cache: IndexCache
    archive: Archive
    tally: Tally
    unfinished: set[Document]
    """Documents whose versions have still to be counted, over all sites."""
    _new_rows: Counter[Document] = field(default_factory=Counter)
    """Rows that the index has shown for the first time."""
    _given_up: set[Document] = field(default_factory=set)
    """Documents of which it was said that captures are not asked for again."""

    @property
    def site(self) -> str:
        return self.target.site

    @property
    def _kinds(self) -> tuple[Kind, ...]:
        return self.target.kinds or self.options.kinds

    async def run(self) -> None:
        """Crawl the site to its end, and note what came of it."""
        self.store.add_site(self.site, rank=self.target.rank)
        try:
            self.conclude(*await self._crawl())
        except BlockedError as error:
            self.conclude(SiteOutcome.BLOCKED, str(error))
        except CdxError as error:
            self.conclude(SiteOutcome.ARCHIVE_ERROR, str(error))
        except (UsageError, DamagedError) as error:
            # an address that the index cannot be asked for, a text that is lost, is no other site's fault
            self.conclude(SiteOutcome.FAILED, str(error))

    async def _crawl(self) -> tuple[SiteOutcome, str]:
        """Return the site's outcome with its reason."""
        if self.target.url is not None:
            return await self._crawl_given(self.target.url)
        return await (self._crawl_site() if self.target.discover else self._crawl_known())

    def conclude(self, outcome: SiteOutcome, reason: str) -> None:
        """Note what came of the site."""
        searched = self.target.discover and self.target.url is None
        self.store.set_site_outcome(
            self.site, outcome, reason, checked=self.options.ask_again, searched=searched
        )
        self.tally.note_site(outcome)
        if outcome.is_failure:
            self.tally.note_problem(f"{self.site}: {reason}")
        said = f"{self.site}: {outcome}"
        log_event(log, "site-done", said, site=self.site, outcome=outcome, reason=reason)

    # Documents

    async def _crawl_given(self, url: str) -> tuple[SiteOutcome, str]:
        """Crawl a page that was given; where the archive has nothing of it, what the site has of its kind."""
        document = self._given_document(url)
        await self._crawl_document(document)
        outcome, reason = self._describe(document)
        if outcome is SiteOutcome.NOT_ARCHIVED and not self._is_limit_reached():
            outcome, reason = await self._search_instead(url, document)
        if document in self.unfinished:
            await self._count([document])
        return outcome, reason

    async def _search_instead(self, url: str, given: Document) -> tuple[SiteOutcome, str]:
        """Search the site for a given page's kind, and say what was found in the page's place."""
        kinds = (given.kind,) if self.target.kind or read_address(url) else self.options.kinds
        search = replace(self, target=replace(self.target, url=None, kinds=kinds, discover=True))
        outcome, reason = await search._crawl_site()
        sought = f"{url} is not archived; {self.site} was searched for its policies ({', '.join(kinds)})"
        if outcome is not SiteOutcome.FOUND:
            nothing = outcome is SiteOutcome.NOTHING_FOUND
            return (SiteOutcome.NOT_ARCHIVED if nothing else outcome), f"{sought}: {reason}"
        found = self._addresses_with_text(kinds)
        said = f"{sought}: found {', '.join(found[:3])}" if found else f"{sought}: {reason}"
        self.tally.note_notice(f"{self.site}: {said}")
        return outcome, said

    def _addresses_with_text(self, kinds: Iterable[Kind]) -> list[str]:
        """Return the site's addresses of these kinds at which a policy was read."""
        seen: dict[str, str] = {}
        for document in self.store.documents_of(self.site):
            known = self.store.known_captures(document) if document.kind in kinds else ()
            for capture in known:
                if capture.outcome is not None and capture.outcome.is_text:
                    seen[capture.row.urlkey] = max(capture.row.original, seen.get(capture.row.urlkey, ""))
        return sorted(seen.values())

    async def _crawl_site(self) -> tuple[SiteOutcome, str]:
        """Find the site's documents and crawl them; return the site's outcome with its reason.

        Their pages link to further documents and addresses, so that it is searched again
        until nothing new turns up.
        """
        search = SiteDiscovery(
            site=self.site,
            kinds=frozenset(self._kinds),
            store=self.store,
            index_cache=self.index_cache,
            pages_of=self._pages,
            find_nearest=partial(self.archive.find_nearest, self.site) if self.archive.has_nearest else None,
            fetch_capture=self.archive.fetch_capture,
            ask_again=self.options.ask_again,
        )
        self._reopen(search.home)  # a page whose reader died may hold the only link
        documents: dict[Document, None] = {}
        seen: set[tuple[Document, str]] = set()
        for _ in range(MOST_ROUNDS):
            self.tally.note_searching(self.site, begins=True)
            try:
                plan = await search.run(documents)
            finally:
                self.tally.note_searching(self.site, begins=False)
            # a document whose pages turned out to be no policies is no longer found, but stays read
            documents |= dict.fromkeys(search.write_down(plan, (EARLIEST, self._span()[1])))
            addresses = {(d, urlkey(a.url)) for d in documents for a in self.store.addresses_of(d)}
            if addresses <= seen:
                break
            changed = {document for document, _ in addresses - seen}
            seen |= addresses
            await asyncio.gather(*(self._crawl_document(d) for d in documents if d in changed))
        await self._count(documents)
        return self._conclude_search(plan, documents)

    async def _crawl_known(self) -> tuple[SiteOutcome, str]:
        """Ask for what is new of the documents that hold policies: one index query each, where they live."""
        known = [d for d in self.store.documents_of(self.site) if d.kind in self._kinds]
        live = [document for document in known if self._live_addresses(document)]
        await asyncio.gather(*(self._crawl_document(document) for document in live))
        await self._count(live)
        return SiteOutcome.FOUND, ""

    def _live_addresses(self, document: Document) -> list[Address]:
        """Return the address where the document's newest text stood; nothing when it has no text."""
        addresses = {urlkey(address.url): address for address in self.store.addresses_of(document)}
        key = find_live_key(self.store.known_captures(document), addresses)
        return [addresses[key]] if key else []

    def _conclude_search(self, plan: DiscoveryPlan, documents: Iterable[Document]) -> tuple[SiteOutcome, str]:
        """Return the site's outcome: what was found counts only if one of its pages is a policy."""
        assert plan.outcome is not None  # a search that ended is done
        outcomes = Counter(known.outcome for d in documents for known in self.store.known_captures(d))
        if plan.outcome is not SiteOutcome.FOUND or any(outcome and outcome.is_text for outcome in outcomes):
            return plan.outcome, plan.reason
        if outcomes[Outcome.FOREIGN]:
            return SiteOutcome.FOUND, "none of the site's own: somebody else's policy stands in its place"
        if outcomes[Outcome.BLOCKED]:
            return SiteOutcome.BLOCKED, "the archive does not show this site"
        if not any(outcome for outcome in outcomes):
            return plan.outcome, plan.reason
        return (
            SiteOutcome.NOTHING_FOUND,
            f"no policy found: {_say_outcomes(outcomes)} where one was looked for",
        )

    async def _count(self, documents: Iterable[Document]) -> None:
        folded = await self.store.fold_site(self.site, tuple(documents))
        for document, versions in folded.items():
            count_document(self.store, self.tally, document, versions)
            self.unfinished.discard(document)

    def _describe(self, document: Document) -> tuple[SiteOutcome, str]:
        known = self.store.known_captures(document)
        if not known:
            return SiteOutcome.NOT_ARCHIVED, "the index has no captures of this address"
        outcomes = {capture.outcome for capture in known}
        if any(outcome and (outcome.is_text or outcome is Outcome.FOREIGN) for outcome in outcomes):
            return SiteOutcome.FOUND, ""
        if Outcome.BLOCKED in outcomes:
            return SiteOutcome.BLOCKED, "the archive does not show this site"
        return SiteOutcome.NOTHING_FOUND, "none of the captures that were asked for holds a policy"

    def _given_document(self, url: str) -> Document:
        """Return the document that a given address belongs to: one known by it, or a new one."""
        part = urldefrag(url)[1]
        for document in self.store.documents_of(self.site):
            alike = [a.url for a in self.store.addresses_of(document) if same_page(url, a.url)]
            # who names no part means the page, who names one means none that was taken for the page
            if alike and (not part or part in {urldefrag(one)[1] for one in alike}):
                return document
        document = self._new_document(url)
        self.store.add_document(document)
        self.store.add_address(document, Address(url=url, source=AddressSource.GIVEN, confidence=1.0))
        return document

    def _new_document(self, url: str) -> Document:
        reading = read_address(url)
        kind = self.target.kind or read_fragment(url) or (reading.kind if reading else Kind.OTHER)
        taken = {document.name for document in self.store.documents_of(self.site) if document.kind is kind}
        parts = urlsplit(url)
        path = f"{parts.path}#{parts.fragment}" if parts.fragment else parts.path
        name = path.strip("/") if "" in taken else ""
        return Document(site=self.site, kind=kind, name=name)

    # One document

    def _reopen(self, document: Document) -> None:
        """Let captures that failed be asked again; say once which are not, as often as they were tried."""
        self.store.reopen_failed(document)
        left = self.store.count_accidents(document)
        if left and document not in self._given_up:
            self._given_up.add(document)
            self.tally.note_problem(
                f"{self.site}: {plural(left, 'capture')} could not be read however often it was tried: "
                "try policy-archive re-extract"
            )

    async def _crawl_document(self, document: Document) -> None:
        """List, plan, fetch, and again, until the plan is empty; then count the versions."""
        self.unfinished.add(document)
        await self._list_addresses(document)
        self._reopen(document)
        asked: set[CdxRow] = set()
        owners: Counter[Owner] = Counter()
        settled = False
        while not settled:
            while wanted := self._plan(document, asked) or self._moves(document, asked):
                asked.update(planned.row for planned in wanted)
                self.tally.note_planned(len(wanted), site=self.site)
                leads = await self._fetch_all(document, wanted)
                owners.update(_owners_of(leads))
                await self._follow(document, leads)
            # texts that change so raise new questions
            settled = not (asked and await self.store.reread_small(document))
        if owners:
            self.store.add_document(document, owner=max(owners, key=owners.__getitem__))

    async def _fetch_all(self, document: Document, wanted: Sequence[PlannedCapture]) -> list[_FollowUp]:
        """Fetch captures, and return in their order what they lead to; of their bodies nothing is kept."""
        leads: dict[CdxRow, _FollowUp] = {}
        turns = iter(wanted)

        async def fetch_in_turn() -> None:
            for planned in turns:
                leads[planned.row] = _lead_of(await self.archive.fetch_capture(document, planned))

        await asyncio.gather(*(fetch_in_turn() for _ in range(min(CAPTURES_AT_ONCE, len(wanted)))))
        return [leads[planned.row] for planned in wanted]

    def _plan(self, document: Document, asked: set[CdxRow]) -> tuple[PlannedCapture, ...]:
        """Return what the planner wants next, with every row's state written down."""
        known = self.store.known_captures(document)
        options = replace(self._plan_options(known), seams=self.store.list_seams(document))
        plan = plan_captures(known, options)
        self.store.record_decisions(document, plan.decisions)
        return tuple(planned for planned in plan.next if planned.row not in asked)

    def _moves(self, document: Document, asked: set[CdxRow]) -> tuple[PlannedCapture, ...]:
        """Return redirects that would show where a given page went, the first after its last text.

        A page that was searched for is followed by discovery, which asks for such rows itself.
        """
        is_searched = self.target.url is None and self.target.discover
        if is_searched or self._is_limit_reached():
            return ()
        if not (self.target.url or self._new_rows[document]):
            return ()
        known = self.store.known_captures(document)
        last_text = max(
            (k.row.timestamp for k in known if k.outcome is not None and k.outcome.is_text), default=""
        )
        tails = [k for k in known if k.row.timestamp > last_text and _redirects(k)]
        first = {k.row.urlkey: k for k in reversed(tails)}
        return tuple(
            PlannedCapture(row=k.row, reason="where it went")
            for k in first.values()
            if k.outcome is None and k.row not in asked
        )

    def _is_limit_reached(self) -> bool:
        limit = self.options.plan.max_requests
        return limit is not None and self.tally.planned >= limit

    def _plan_options(self, known: Iterable[KnownCapture]) -> PlanOptions:
        """Return the options with the run's limit on requests as what is left of it for this document.

        An update does not go back behind the first capture fetched: so far the user wanted it.
        """
        options = self.options.plan
        fetched = [capture.row.timestamp for capture in known if capture.outcome is not None]
        if not self.target.discover and fetched:
            options = replace(options, since=parse_timestamp(min(fetched)).date())
        if options.max_requests is None:
            return options
        asked = len(fetched)
        return replace(options, max_requests=asked + max(0, options.max_requests - self.tally.planned))

    # The index

    async def _list_addresses(self, document: Document) -> None:
        """List what the index has of a document; an update asks only where the document lives."""
        list_them = self.store.addresses_of if self.target.discover else self._live_addresses
        for address in list_them(document):
            await self._list_address(document, address)

    async def _list_address(self, document: Document, address: Address) -> None:
        """Store the rows of an address, or those that came since it was last asked for."""
        start, end = self._span()
        if not self.target.discover:
            start = address.listed_from or start  # what the first fetch left out is not wanted later
        wanted_from = self._unlisted_from(document, address, start, end)
        if wanted_from is None:
            return
        query = IndexQuery(url=urldefrag(address.url)[0], from_timestamp=wanted_from, to_timestamp=end)
        async for page in self._pages(query):
            self._new_rows[document] += self.store.add_rows(document, page.rows)
            point("after-index")
        self.store.mark_listed(document, address.url, start=start, end=end)

    def _span(self) -> tuple[str, str]:
        """Return first and last second of interest; whole days, so that a run's start changes nothing."""
        plan = self.options.plan
        today = utc_now().date()
        last = min(plan.until or today, today)  # what is to come is not listed yet, whoever asks for it
        start = plan.since.strftime("%Y%m%d000000") if plan.since else EARLIEST
        return start, last.strftime("%Y%m%d235959")

    def _unlisted_from(self, document: Document, address: Address, start: str, end: str) -> str | None:
        """Return from where the index has still to be asked, None when all is listed.

        A day that was listed is listed: a second run on it asks nothing. Later runs
        look back a while, because indexes learn of captures late: to the newest capture known,
        after which there is nothing to be listed twice, or further.
        """
        if not address.listed_from or not address.listed_to or address.listed_from > start:
            return start
        if address.listed_to > utc_now().strftime("%Y%m%d235959"):  # by a clock that ran ahead
            return start
        if address.listed_to >= end and not self.options.ask_again:
            return None
        overlap = format_timestamp(parse_timestamp(min(address.listed_to, end)) - INDEX_LAG)
        key = urlkey(address.url)
        known = (k.row for k in self.store.known_captures(document) if k.row.urlkey == key)
        return max(start, min(overlap, max((row.timestamp for row in known), default=start)))

    async def _pages(self, query: IndexQuery) -> AsyncGenerator[IndexPage, None]:
        async with aclosing(self.archive.iter_pages(self.site, query)) as pages:
            async for page in pages:
                self.tally.note_malformed(page.malformed)
                yield page

    # What captures lead to

    async def _follow(self, document: Document, leads: Iterable[_FollowUp]) -> None:
        """Go where the captures lead: into a frame, or to where the document moved."""
        for lead in leads:
            if lead.location:
                await self._follow_redirect(document, lead.row, lead.location)
            if lead.frame_url:
                planned = PlannedCapture(row=_row_of_frame(lead.frame_url, lead.row), reason="frame")
                await self.archive.fetch_capture(document, planned)

    async def _follow_redirect(self, document: Document, row: CdxRow, target: str) -> None:
        """Take the target of a captured redirect for a further address of the document."""
        addresses = self.store.addresses_of(document)
        moves = sum(address.source is AddressSource.REDIRECT for address in addresses)
        if moves >= MOST_MOVES or not _may_be_the_same_document(target, self.site):
            return
        if any(same_page(target, address.url) for address in addresses):
            return
        evidence = f"redirected from {row.original} on {row.timestamp}"
        address = Address(
            url=target, source=AddressSource.REDIRECT, evidence=evidence, first_seen=row.timestamp
        )
        self.store.add_address(document, address)
        await self._list_address(document, address)


def _redirects(known: KnownCapture) -> bool:
    """Return whether a row is a redirect, by what was fetched or by the index."""
    row = known.row
    is_empty_revisit = row.digest == EMPTY_BODY_DIGEST and row.statuscode == "-"
    return known.outcome is Outcome.REDIRECT or row.statuscode.startswith("3") or is_empty_revisit


@dataclass(frozen=True, slots=True, kw_only=True)
class _FollowUp:
    """What of a stored capture matters for going on."""

    row: CdxRow
    location: str | None
    """Where a captured redirect points to."""
    frame_url: str | None
    owner: Owner | None
    owner_weight: int


def _lead_of(read: ReadCapture) -> _FollowUp:
    """Return what a capture leads to."""
    capture, reading = read.capture, read.reading
    return _FollowUp(
        row=capture.row,
        location=capture.location if capture.outcome is Outcome.REDIRECT else None,
        frame_url=reading.extraction.frame_url if reading and reading.extraction else None,
        owner=reading.owner if reading else None,
        owner_weight=reading.outcome.owner_weight if reading else 0,
    )


def _owners_of(leads: Iterable[_FollowUp]) -> dict[Owner, int]:
    """Return whose policies captures hold, each with its weight."""
    owners: Counter[Owner] = Counter()
    for lead in leads:
        if lead.owner is not None and lead.owner_weight:
            owners[lead.owner] += lead.owner_weight
    return owners


def _say_outcomes(outcomes: Counter[Outcome | None]) -> str:
    said = [f"{number} {outcome.value}" for outcome, number in outcomes.most_common() if outcome]
    return ", ".join(said[:4])


def count_document(store: SiteStore, tally: Tally, document: Document, versions: int) -> None:
    """Add what is known of a document to the tally, its versions folded."""
    tally.note_document(versions=versions, states=store.count_states(document))


def _row_of_frame(url: str, frameset: CdxRow) -> CdxRow:
    """Return a row for a frame's page at the frameset's time: the index was not asked for it."""
    unknown = {"mimetype": "-", "statuscode": "-", "digest": "-"}
    return CdxRow(urlkey=urlkey(url), timestamp=frameset.timestamp, original=url, length=None, **unknown)


def _may_be_the_same_document(url: str, site: str) -> bool:
    """Return whether a redirect's target may be the policy: on the same site, and not its home page."""
    try:
        return parse_site(url) == site and urlsplit(url).path.strip("/") != ""
    except UsageError:
        return False
