"""What to ask next of a site, cheapest first, and when enough is known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urldefrag, urlsplit

from policy_archive.crawler.core.records import CdxRow, Kind, Outcome
from policy_archive.crawler.core.urlkeys import urlkey
from policy_archive.crawler.core.vocabularies import SiteOutcome
from policy_archive.crawler.discovery.documents import SURE, find_documents
from policy_archive.crawler.discovery.home_pages import (
    FIRST_PAGE,
    LAST_PAGE,
    LINK_DIFFERENTLY,
    HomeStep,
    choose_home_rows,
    is_page,
    seek_home_page,
    uncovered_kinds,
)
from policy_archive.crawler.discovery.index import (
    Candidate,
    address_query,
    candidates_of,
    domain_query,
    host_query,
    is_on_site,
    page_query,
    prefix_queries,
    usual_queries,
)
from policy_archive.crawler.discovery.records import (
    AnswerState,
    AskedQuery,
    DiscoveryOptions,
    DiscoveryPlan,
    FoundDocument,
    Look,
    PageRequest,
    Purpose,
    SiteEvidence,
    SiteQuery,
    VisitedPage,
)

USUAL_ADDRESSES = 4  # of a kind, asked one by one: the last resort for sites too large to be searched
MOST_FRAMES = 2  # of one round
FIRST_HOMES = 2  # the last and the first capture of the home page

_ALWAYS_WANTED = (Kind.PRIVACY, Kind.TERMS)
"""Kinds that nearly every site has, so that their lack is worth further questions."""


def plan_discovery(evidence: SiteEvidence, options: DiscoveryOptions) -> DiscoveryPlan:
    """Return what to ask next of a site, and the documents found so far.

    Pure: asked again with every answer, until `done`. Sources in order: one search of the domain's
    index (host, prefixes, usual addresses where that is too slow), captures of the home page,
    frames and hubs on it, captured redirects.
    """
    state = _Discovery(evidence, options)
    queries = state.next_queries()
    looks, pages = ((), ()) if queries else state.next_visits()
    if not queries and not looks and not pages:
        queries = state.address_queries() or state.last_queries()
    done = not queries and not looks and not pages
    return DiscoveryPlan(
        queries=queries,
        looks=looks,
        pages=pages,
        documents=state.documents,
        done=done,
        outcome=state.outcome if done else None,
        reason=state.reason if done else "",
    )


@dataclass(frozen=True)
class _Home:
    """A page that is read for its links."""

    url: str
    purpose: Purpose


@dataclass(frozen=True)
class _Discovery:
    evidence: SiteEvidence
    options: DiscoveryOptions

    # -- what is known ----------------------------------------------------------------------------

    @cached_property
    def documents(self) -> tuple[FoundDocument, ...]:
        return find_documents(self.evidence, self.options)

    @cached_property
    def candidates(self) -> tuple[Candidate, ...]:
        return candidates_of(self.evidence.asked, self.evidence.site)

    @cached_property
    def wanted(self) -> tuple[Kind, ...]:
        """Kinds asked for that a site can be expected to have."""
        always = tuple(kind for kind in _ALWAYS_WANTED if kind in self.options.kinds)
        return always or tuple(self.options.kinds)

    @cached_property
    def missing(self) -> tuple[Kind, ...]:
        """Wanted kinds without a convincing main document."""
        found = {d.document.kind for d in self.documents if d.confidence >= SURE and not d.document.name}
        return tuple(kind for kind in self.wanted if kind not in found)

    def answers(self, *purposes: Purpose) -> tuple[AskedQuery, ...]:
        return tuple(answer for answer in self.evidence.asked if answer.asked.purpose in purposes)

    def asked(self, *purposes: Purpose) -> bool:
        return bool(self.answers(*purposes))

    @property
    def is_blocked(self) -> bool:
        """The index says so, or replay does for every page that was asked for."""
        by_index = any(answer.state is AnswerState.BLOCKED for answer in self.evidence.asked)
        outcomes = {page.outcome for page in self.evidence.pages}
        if any(looked.state is AnswerState.BLOCKED for looked in self.evidence.looks):
            outcomes.add(Outcome.BLOCKED)
        return by_index or outcomes == {Outcome.BLOCKED}

    @property
    def queries_left(self) -> int:
        return max(0, self.options.most_queries - len(self.evidence.asked))

    @property
    def is_searched(self) -> bool:
        """True when one search of the index went through."""
        searches = self.answers(Purpose.DOMAIN, Purpose.HOST)
        return any(answer.state is AnswerState.COMPLETE for answer in searches)

    # -- what to ask next -------------------------------------------------------------------------

    def next_queries(self) -> tuple[SiteQuery, ...]:
        """Return the next queries of the normal course: the domain, its host if need be.

        The index lists captures of the home page and its frames where replay cannot lead there.
        """
        if self.is_blocked:
            return ()
        site, kinds = self.evidence.site, self.options.kinds
        if not self.asked(Purpose.DOMAIN):
            return (domain_query(site, kinds),)
        if not self.is_searched and not self.asked(Purpose.HOST):
            return (host_query(site, kinds),)
        listed = [page for page in self._homes() if self._asks_index(page)]
        queries = [page_query(page.url, page.purpose) for page in listed if not self._answers_of(page)]
        if queries and self.options.has_nearest:
            # rows of the addresses that pages linked to may fill the gap that could not be looked into
            queries = list(self.address_queries()) or queries
        return tuple(queries[:MOST_FRAMES])[: self.queries_left]

    def _homes(self) -> tuple[_Home, ...]:
        """Return the pages read for their links: the home page, and what it consists of or redirects to.

        The latter are new as long as a kind is missing; those of a finished search stay.
        """
        home = _Home(f"http://{self.evidence.site}/", Purpose.HOME)
        begun = {urlkey(looked.asked.url) for looked in self.evidence.looks}
        begun |= {urlkey(answer.asked.query.url) for answer in self.evidence.asked}
        frames = {urlkey(url): _Home(url, Purpose.FRAME) for url in reversed([*self._further_homes()])}
        frames.pop(urlkey(home.url), None)
        ordered = list(reversed(frames.items()))
        new = [frame for key, frame in ordered if key not in begun]
        return (
            home,
            *(frame for key, frame in ordered if key in begun),
            *(new[:MOST_FRAMES] if self.missing else ()),
        )

    def _further_homes(self) -> Iterable[str]:
        for page in self.evidence.pages:
            if page.purpose not in (Purpose.HOME, Purpose.FRAME):
                continue
            frames = [link.url for link in page.links if link.kind is Kind.HOME]
            if page.location:
                frames.append(page.location)
            yield from (url for url in frames if is_on_site(url, self.evidence.site))

    def _asks_index(self, home: _Home) -> bool:
        return not self.options.has_nearest or self._step(home).is_unshown

    def _answers_of(self, home: _Home) -> tuple[AskedQuery, ...]:
        """Return the index's lists of a page's captures: one or none."""
        key = urlkey(home.url)
        asked = self.answers(Purpose.HOME, Purpose.FRAME)
        return tuple(answer for answer in asked if urlkey(answer.asked.query.url) == key)

    @cached_property
    def _steps(self) -> dict[_Home, HomeStep]:
        return {}

    def _step(self, home: _Home) -> HomeStep:
        """Return what replay is to be asked of a page next."""
        if home not in self._steps:
            looks = [one for one in self.evidence.looks if urlkey(one.asked.url) == urlkey(home.url)]
            rows = {looked.row for looked in looks}
            read = [page for page in self.evidence.pages if page.row in rows]
            kinds = self._kinds_of(home)
            self._steps[home] = seek_home_page(looks, read, self._sure, kinds, self.options.now)
        return self._steps[home]

    def _kinds_of(self, home: _Home) -> tuple[Kind, ...]:
        return self.missing if home.purpose is Purpose.FRAME else self.wanted

    @cached_property
    def _sure(self) -> tuple[FoundDocument, ...]:
        return tuple(document for document in self.documents if document.confidence >= SURE)

    def next_visits(self) -> tuple[tuple[Look, ...], tuple[PageRequest, ...]]:
        """Return instants to look at and captures to read.

        Home pages where documents do not reach, hubs and redirects after them.
        """
        if self.is_blocked:
            return (), ()
        hubs = self._hubs()
        # a list of policies is worth more than a third home page without a link
        hubs_first = len(self._pages_read()) >= FIRST_HOMES and self._pages_left(moves=False) > 0
        looks, pages = ((), hubs) if hubs_first and hubs else self._home_visits()
        if not looks:
            pages = pages or hubs or self._redirects()
        # the rows of addresses linked to so far may fill the gap: they are asked for first
        reasons = [visit.reason for visit in looks] + [visit.reason for visit in pages]
        moves = reasons[:1] == [LINK_DIFFERENTLY] and not self.address_queries()
        left = self._pages_left(moves=moves)
        if reasons[:1] in ([LAST_PAGE], [FIRST_PAGE]):
            left = max(left, 1)  # what was looked at in vain keeps nobody from an end
        return looks[:left], pages[:left]

    def _pages_read(self) -> list[VisitedPage]:
        """Return what was read of pages; redirects and errors that replay led to are no use to anyone."""
        chance = {looked.row for looked in self.evidence.looks}
        read = {
            (page.row.original, page.row.timestamp): page  # what replay named, the index may list as well
            for page in self.evidence.pages
            if page.purpose is not Purpose.POLICY and (page.row not in chance or is_page(page))
        }
        return list(read.values())

    def _pages_left(self, *, moves: bool) -> int:
        most = self.options.most_pages
        if moves:
            most *= 2
        elif self.missing and not self.documents:
            most += most // 2
        elif self.missing and self.options.has_nearest and not self.answers(Purpose.HOME):
            most -= 1  # pages that link to one kind would link to the other, if the site had it
        return max(0, most - len(self._pages_read()) - self._looks_in_vain())

    def _looks_in_vain(self) -> int:
        """Return how many looks led to a capture that an earlier one had led to: nothing lies between."""
        rows = [(one.asked.purpose, one.row) for one in self.evidence.looks if one.row is not None]
        return len(rows) - len(set(rows))

    def _home_visits(self) -> tuple[tuple[Look, ...], tuple[PageRequest, ...]]:
        looks: list[Look] = []
        pages: list[PageRequest] = []
        for home in self._homes():
            listed = self._answers_of(home)
            step = self._step(home) if self.options.has_nearest and not listed else HomeStep()
            rows = [*step.rows, *self._choose_rows(home, listed)]
            pages += [PageRequest(row=row, purpose=home.purpose, reason=reason) for row, reason in rows]
            looks += [
                Look(purpose=home.purpose, url=home.url, timestamp=timestamp, reason=reason)
                for timestamp, reason in step.looks
            ]
        return tuple(looks), tuple(pages)

    def _choose_rows(self, home: _Home, listed: Iterable[AskedQuery]) -> Iterable[tuple[CdxRow, str]]:
        """Yield captures to read of those that the index listed."""
        for answer in listed:
            keys = _keys(answer.rows)
            read = [page for page in self._pages_read() if page.row.urlkey in keys]
            yield from choose_home_rows(answer.rows, read, self._sure, self._kinds_of(home))

    def _hubs(self) -> tuple[PageRequest, ...]:
        """Return a page that lists policies, when the home pages name none of the wanted kind."""
        if not self.missing:
            return ()
        read = {page.row.urlkey for page in self.evidence.pages}
        hubs = [c for c in self.candidates if c.reading.names in (("legal",), ("policies",)) and c.shown]
        unread = [c.shown[-1] for c in hubs if c.urlkey not in read and c.reading.exactness >= 0.9]
        return tuple(
            PageRequest(row=row, purpose=Purpose.HUB, reason="a page that lists policies")
            for row in unread[:1]
        )

    def _redirects(self) -> tuple[PageRequest, ...]:
        """Return captured redirects of a wanted policy's address that nothing known follows."""
        uncovered = uncovered_kinds(self.documents, self._home_rows(), self.wanted)
        read = {page.row.urlkey for page in self.evidence.pages if page.purpose is Purpose.REDIRECT}
        rows: list[CdxRow] = []
        for candidate in self.candidates:
            tail = candidate.rows[-1]
            moved = tail.statuscode.startswith("3") and candidate.reading.exactness >= 0.8
            if moved and candidate.reading.kind in uncovered and candidate.urlkey not in read:
                rows.append(tail)
        return tuple(
            PageRequest(row=row, purpose=Purpose.REDIRECT, reason="where the policy went") for row in rows[:1]
        )

    def _home_rows(self) -> tuple[CdxRow, ...]:
        """Return the known captures of the home page, without those that were read and are no page."""
        no_page = {page.row for page in self.evidence.pages if not is_page(page)}
        looks = (looked.row for looked in self.evidence.looks if looked.asked.purpose is Purpose.HOME)
        found = {row.timestamp: row for row in looks if row is not None and row not in no_page}
        listed = (row for answer in self.answers(Purpose.HOME) for row in answer.rows)
        return (*found.values(), *listed)

    def address_queries(self) -> tuple[SiteQuery, ...]:
        """Return queries for addresses that are known by a link or a redirect alone."""
        asked = {urlkey(a.asked.query.url) for a in self.answers(Purpose.ADDRESS)}
        unlisted = [
            address
            for document in self.documents
            for address in document.addresses
            if not address.listed and address.urlkey not in asked
        ]
        ordered = sorted(unlisted, key=lambda address: -address.confidence)
        return tuple(address_query(urldefrag(address.url)[0]) for address in ordered)[: self.queries_left]

    def last_queries(self) -> tuple[SiteQuery, ...]:
        """Return what is left for sites too large to be searched, whose home pages did not help."""
        if self.is_blocked or self.is_searched or not self.missing or not self.queries_left:
            return ()
        site = self.evidence.site
        if not self.asked(Purpose.PREFIX):
            return prefix_queries(site, self.missing)[: self.queries_left]
        if all(answer.state is AnswerState.COMPLETE for answer in self.answers(Purpose.PREFIX)):
            return ()
        asked = {answer.asked.query.url for answer in self.answers(Purpose.USUAL)}
        usual = [query for kind in self.missing for query in usual_queries(site, kind, USUAL_ADDRESSES)]
        return tuple(query for query in usual if query.query.url not in asked)[: self.queries_left]

    # -- how it ended -----------------------------------------------------------------------------

    @property
    def outcome(self) -> SiteOutcome:
        if self.is_blocked:
            return SiteOutcome.BLOCKED
        if self.documents:
            return SiteOutcome.FOUND
        states = {answer.state for answer in self.evidence.asked}
        if AnswerState.COMPLETE not in states:
            return SiteOutcome.ARCHIVE_ERROR
        rows = any(answer.rows for answer in self.evidence.asked)
        rows = rows or any(looked.row for looked in self.evidence.looks)
        return SiteOutcome.NOTHING_FOUND if rows else SiteOutcome.NOT_ARCHIVED

    @property
    def reason(self) -> str:
        """Return one sentence for people."""
        if self.outcome is SiteOutcome.BLOCKED:
            return "the archive does not show this site"
        if self.outcome is SiteOutcome.FOUND:
            return _count_documents(self.documents)
        if self.outcome is SiteOutcome.ARCHIVE_ERROR:
            return "the index gave no answer: run again later"
        return f"no policy found: {self._index_sentence()}; {self._home_sentence()}"

    def _index_sentence(self) -> str:
        if not self.is_searched:
            return "the site is too large for the index to be searched"
        number = sum(len(a.rows) for a in self.answers(Purpose.DOMAIN, Purpose.HOST))
        return (
            f"none of {number} captures with a policy word in their address is one"
            if number
            else ("no address with a policy word in it")
        )

    def _home_sentence(self) -> str:
        rows = [*self._home_rows(), *(looked.row for looked in self.evidence.looks if looked.row)]
        if not rows:
            return "home page not archived"
        years = f"{min(r.timestamp for r in rows)[:4]}-{max(r.timestamp for r in rows)[:4]}"
        read = [page for page in self.evidence.pages if page.purpose in (Purpose.HOME, Purpose.FRAME)]
        elsewhere = [
            p.location for p in read if p.location and not is_on_site(p.location, self.evidence.site)
        ]
        if elsewhere:
            return f"home page archived {years}, it redirects to {urlsplit(elsewhere[-1]).hostname}"
        number = f"{len(read)} capture{'s' if len(read) != 1 else ''} read"
        return f"home page archived {years}, {number}, no link matched"


def _keys(rows: Iterable[CdxRow]) -> frozenset[str]:
    return frozenset(row.urlkey for row in rows)


def _count_documents(documents: tuple[FoundDocument, ...]) -> str:
    names = [f"{d.document.kind.value} {d.document.name}".strip() for d in documents]
    shown = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
    return f"{len(names)} document{'s' if len(names) != 1 else ''}: {shown}"
