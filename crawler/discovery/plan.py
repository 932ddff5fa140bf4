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
from policy_archive.crawler.discovery.home_pages import LINK_DIFFERENTLY, choose_home_rows, uncovered_kinds
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
    PageRequest,
    Purpose,
    SiteEvidence,
    SiteQuery,
    VisitedPage,
)

USUAL_ADDRESSES = 4  # of a kind, asked one by one: the last resort for sites too large to be searched
MOST_FRAMES = 2
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
    pages = () if queries else state.next_pages()
    if not queries and not pages:
        queries = state.address_queries() or state.last_queries()
    done = not queries and not pages
    return DiscoveryPlan(
        queries=queries,
        pages=pages,
        documents=state.documents,
        done=done,
        outcome=state.outcome if done else None,
        reason=state.reason if done else "",
    )


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
        return by_index or {page.outcome for page in self.evidence.pages} == {Outcome.BLOCKED}

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
        """Return the next queries of the normal course: the domain, its host if need be, the home page."""
        if self.is_blocked:
            return ()
        site, kinds = self.evidence.site, self.options.kinds
        if not self.asked(Purpose.DOMAIN):
            return (domain_query(site, kinds),)
        if not self.is_searched and not self.asked(Purpose.HOST):
            return (host_query(site, kinds),)
        if not self.asked(Purpose.HOME):
            return (page_query(f"http://{site}/", Purpose.HOME),)
        return self._queries_of_home_pages()[: self.queries_left]

    def _queries_of_home_pages(self) -> tuple[SiteQuery, ...]:
        """Return queries for the pages that home pages consist of, or redirect to."""
        if not self.missing:
            return ()
        asked = {urlkey(answer.asked.query.url) for answer in self.evidence.asked}
        targets = [target for target in self._further_homes() if urlkey(target) not in asked]
        return tuple(page_query(target, Purpose.FRAME) for target in targets[:MOST_FRAMES])

    def _further_homes(self) -> Iterable[str]:
        for page in self.evidence.pages:
            if page.purpose not in (Purpose.HOME, Purpose.FRAME):
                continue
            frames = [link.url for link in page.links if link.kind is Kind.HOME]
            if page.location:
                frames.append(page.location)
            yield from (url for url in frames if is_on_site(url, self.evidence.site))

    def next_pages(self) -> tuple[PageRequest, ...]:
        """Return captures to read: home pages where documents do not reach, hubs and redirects after them."""
        if self.is_blocked:
            return ()
        hubs = self._hubs()
        # a list of policies is worth more than a third home page without a link
        hubs_first = len(self._pages_read()) >= FIRST_HOMES
        pages = (hubs_first and hubs) or self._home_pages() or hubs or self._redirects()
        # the rows of addresses linked to so far may fill the gap: they are asked for first
        moves = bool(pages) and pages[0].reason == LINK_DIFFERENTLY and not self.address_queries()
        return pages[: self._pages_left(moves=moves)]

    def _pages_read(self) -> list[VisitedPage]:
        return [page for page in self.evidence.pages if page.purpose is not Purpose.POLICY]

    def _pages_left(self, *, moves: bool) -> int:
        most = self.options.most_pages
        if moves:
            most *= 2
        elif self.missing and not self.documents:
            most += most // 2
        return max(0, most - len(self._pages_read()))

    def _home_pages(self) -> tuple[PageRequest, ...]:
        chosen: list[PageRequest] = []
        sure = [document for document in self.documents if document.confidence >= SURE]
        for answer in self.answers(Purpose.HOME, Purpose.FRAME):
            purpose = answer.asked.purpose
            read = tuple(page for page in self.evidence.pages if page.row.urlkey in _keys(answer.rows))
            kinds = self.missing if purpose is Purpose.FRAME else self.wanted
            rows = choose_home_rows(answer.rows, read, sure, kinds)
            chosen += [PageRequest(row=row, purpose=purpose, reason=reason) for row, reason in rows]
        return tuple(chosen)

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
        return tuple(row for answer in self.answers(Purpose.HOME) for row in answer.rows)

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
        rows = self._home_rows()
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
