"""A site in an archive, written down in a test: discovery's questions answered out of a real index."""

from __future__ import annotations

import asyncio
import hashlib
from base64 import b32encode
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from urllib.parse import urljoin

from policy_archive.archive_server.index import Index, Query
from policy_archive.archive_server.replay import choose_row
from policy_archive.crawler.core.records import CdxRow, Kind, Outcome
from policy_archive.crawler.core.urlkeys import urlkey
from policy_archive.crawler.discovery.links import find_policy_links
from policy_archive.crawler.discovery.records import (
    AnswerState,
    AskedQuery,
    DiscoveryOptions,
    DiscoveryPlan,
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
from policy_archive.pipelines.extract.source.parse import parse_html


@dataclass(kw_only=True)
class ArchivedSite:
    """Captures, and what went over the counter."""

    site: str
    bodies: dict[CdxRow, str] = field(default_factory=dict)
    failing: dict[Purpose, AnswerState] = field(default_factory=dict)
    """Kinds of question that the index does not answer."""
    unshown: AnswerState | None = None
    """What replay says of every look, in place of a capture."""
    has_nearest: bool = True
    asked: list[SiteQuery] = field(default_factory=list)
    looked: list[Look] = field(default_factory=list)
    """Looks that cost a request."""
    named: set[str] = field(default_factory=set)
    """Addresses whose first capture is known from another one's answer."""
    read: list[PageRequest] = field(default_factory=list)

    def capture(
        self, timestamp: str, url: str, html: str = "<p>text", *, to: str = "", status: str = ""
    ) -> None:
        """Put a capture into the archive; `to` makes it a redirect."""
        body = to or f"{html}<!-- {timestamp} {url} -->"
        row = CdxRow(
            urlkey=urlkey(url),
            timestamp=timestamp.ljust(8, "1").ljust(14, "0"),
            original=url,
            mimetype="text/html",
            statuscode=status or ("301" if to else "200"),
            digest=b32encode(hashlib.sha1(body.encode()).digest()).decode(),
            length=len(body),
        )
        self.bodies[row] = to or html

    def captures(self, url: str, years: Collection[int], html: str = "<p>text") -> None:
        """Put a capture a year into the archive."""
        for year in years:
            self.capture(f"{year}0601", url, html)

    def discover(
        self,
        kinds: Collection[Kind] = (Kind.PRIVACY,),
        known: tuple[FoundDocument, ...] = (),
        judged: Mapping[str, Outcome] = MappingProxyType({}),
    ) -> DiscoveryPlan:
        """Return the finished plan; `judged` says of addresses what the crawl read there before."""
        options = DiscoveryOptions(kinds=frozenset(kinds), has_nearest=self.has_nearest)
        pages = tuple(
            VisitedPage(row=row, purpose=Purpose.POLICY, outcome=judged[row.original])
            for row in self.bodies
            if row.original in judged
        )
        evidence = SiteEvidence(site=self.site, known=known, pages=pages)
        plan, _ = asyncio.run(
            discover_site(evidence, options, ask=self._ask, look=self._look, read=self._read)
        )
        return plan

    async def _ask(self, asked: SiteQuery) -> AskedQuery:
        self.asked.append(asked)
        state = self.failing.get(asked.purpose)
        if state is not None:
            return AskedQuery(asked=asked, state=state)
        query = asked.query
        page = Index(self.bodies).search(
            Query(
                url=query.url,
                match_type=query.match_type,
                filters=query.filters,
                collapse=query.collapse,
            )
        )
        rows = {(row.urlkey, row.timestamp, row.original): row for row in self.bodies}
        found = tuple(rows[line[0], line[1], line[2]] for line in page.lines)
        return AskedQuery(asked=asked, state=AnswerState.COMPLETE, rows=found)

    async def _look(self, look: Look) -> Looked:
        rows = Index(self.bodies).captures_of(urlkey(look.url))
        named = rows and look.timestamp <= rows[0].timestamp and look.url in self.named
        if not named:
            self.looked.append(look)
        if self.unshown is not None:
            return Looked(asked=look, state=self.unshown)
        if not rows:
            return Looked(asked=look, state=AnswerState.COMPLETE)
        self.named.add(look.url)  # its captures name the first, whoever reads one
        nearest = choose_row(rows, look.timestamp, look.url)
        told = replace(nearest, mimetype="-", statuscode="-", digest="-", length=None)
        return Looked(asked=look, state=AnswerState.COMPLETE, row=told)

    async def _read(self, wanted: PageRequest) -> VisitedPage:
        self.read.append(wanted)
        at = (wanted.row.original, wanted.row.timestamp)
        captured = next(row for row in self.bodies if (row.original, row.timestamp) == at)
        body = self.bodies[captured]
        row, purpose = wanted.row, wanted.purpose
        if captured.statuscode.startswith("3"):
            location = urljoin(row.original, body)
            return VisitedPage(row=row, purpose=purpose, outcome=Outcome.REDIRECT, location=location)
        if captured.statuscode[:1] in "45":
            return VisitedPage(row=row, purpose=purpose, outcome=Outcome.ERROR_PAGE)
        links = find_policy_links(parse_html(body), url=row.original)
        return VisitedPage(row=row, purpose=purpose, outcome=Outcome.HOME, links=links)

    def purposes(self) -> list[str]:
        """Return why the index was asked, in order."""
        return [query.purpose.value for query in self.asked]


def shown(plan: DiscoveryPlan) -> dict[str, list[str]]:
    """Return `kind name` → addresses, as a test compares them."""
    return {
        f"{found.document.kind.value} {found.document.name}".strip(): [a.url for a in found.addresses]
        for found in plan.documents
    }
