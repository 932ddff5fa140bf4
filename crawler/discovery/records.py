"""What discovery is told of a site, and what it answers: frozen records, no behaviour."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from policy_archive.crawler.archive.cdx import IndexQuery
from policy_archive.crawler.core.records import CdxRow, Document, Kind, Outcome, PolicyLink
from policy_archive.crawler.core.vocabularies import AddressSource, SiteOutcome


class Purpose(StrEnum):
    """Why the index is asked, or a page is read."""

    DOMAIN = "domain"
    """All keys of the domain and its hosts that hold a policy word."""
    HOST = "host"
    """The same on the main host alone: where the domain is too large to be searched."""
    PREFIX = "prefix"
    """Keys below one usual path: where the host is too large as well."""
    USUAL = "usual"
    """One usual address: where nothing else has helped."""
    ADDRESS = "address"
    """One address that a page links to or a redirect leads to: all its rows."""
    HOME = "home"
    """The home page, for its links."""
    FRAME = "frame"
    """A frame of the home page, for its links."""
    HUB = "hub"
    """A page that lists policies ("Legal"), for its links."""
    REDIRECT = "redirect"
    """A captured redirect, for where it leads."""
    POLICY = "policy"
    """A policy's own page: the crawl reads it anyway, so that its links cost no request."""


class AnswerState(StrEnum):
    """What came of asking the index."""

    COMPLETE = "complete"
    CUT = "cut"
    """More rows than we read; those that came are the first by key."""
    TOO_SLOW = "too-slow"
    """504 or no answer in time, on every try."""
    BLOCKED = "blocked"
    """The archive does not show this site."""
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class SiteQuery:
    """A question to the index, and why."""

    purpose: Purpose
    query: IndexQuery
    most_pages: int = 1
    """Pages of the answer to read at the most; what is beyond makes the answer `cut`."""


@dataclass(frozen=True, kw_only=True)
class AskedQuery:
    """A question with its answer."""

    asked: SiteQuery
    state: AnswerState
    rows: tuple[CdxRow, ...] = ()
    ranked: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """What was worked out of the rows, for a planner that is shown them in every round; goes with them."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """A question to replay, a twentieth of one to the index: which capture is nearest to an instant?"""

    purpose: Purpose
    """HOME or FRAME."""
    url: str
    timestamp: str
    """14 digits of the instant."""
    reason: str


@dataclass(frozen=True, kw_only=True)
class Looked:
    """A look with its answer."""

    asked: Look
    state: AnswerState
    """`complete`, `blocked`, or `failed`: replay did not say, so that the index has to be asked."""
    row: CdxRow | None = None
    """The capture, its type, status and digest unknown (`-`); None: the page is not archived, or the
    archive did not say."""


@dataclass(frozen=True, kw_only=True)
class PageRequest:
    """A capture to be fetched for its links, or for where it redirects."""

    row: CdxRow
    purpose: Purpose
    reason: str


@dataclass(frozen=True, kw_only=True)
class VisitedPage:
    """A visited page: a capture that was asked for: with links, with a location, or with neither."""

    row: CdxRow
    purpose: Purpose
    outcome: Outcome | None = None
    links: tuple[PolicyLink, ...] = ()
    location: str | None = None
    """URI-R that a captured redirect leads to."""


@dataclass(frozen=True, kw_only=True)
class SiteEvidence:
    """All that is known of a site so far."""

    site: str
    asked: tuple[AskedQuery, ...] = ()
    pages: tuple[VisitedPage, ...] = ()
    looks: tuple[Looked, ...] = ()
    known: tuple[FoundDocument, ...] = ()
    """Documents of earlier runs: an address that belongs to one stays there, so that names last."""


@dataclass(frozen=True, kw_only=True)
class DiscoveryOptions:
    """What this run wants of discovery."""

    kinds: frozenset[Kind] = frozenset({Kind.PRIVACY})
    most_pages: int = 4
    """Captures of home pages, hubs and redirects a site; half as many again where nothing is found."""
    most_queries: int = 10
    """Index queries a site; one in the normal case."""
    most_documents: int = 12
    """Documents a kind, best first; language versions of large sites go into the hundreds."""
    has_nearest: bool = True
    """Replay of an instant leads to the nearest capture; where not, the index lists those of home pages."""
    now: str = "29991231235959"
    """14 digits of an instant behind all captures, the same all day long."""


@dataclass(frozen=True, kw_only=True)
class FoundAddress:
    """One address of a document."""

    url: str
    urlkey: str
    source: AddressSource
    evidence: str
    """One sentence for people."""
    confidence: float
    first_seen: str | None = None
    """14 digits of the first capture that shows it, or page that links to it."""
    last_seen: str | None = None
    listed: bool = False
    """True: `rows` are all that the index has of it, no further query is needed."""
    rows: tuple[CdxRow, ...] = ()


@dataclass(frozen=True, kw_only=True)
class FoundDocument:
    """A policy of the site, followed through its addresses."""

    document: Document
    confidence: float
    addresses: tuple[FoundAddress, ...]
    """In order of time."""


@dataclass(frozen=True, kw_only=True)
class DiscoveryPlan:
    """What to ask next, and what was found."""

    queries: tuple[SiteQuery, ...] = ()
    looks: tuple[Look, ...] = ()
    pages: tuple[PageRequest, ...] = ()
    documents: tuple[FoundDocument, ...] = ()
    done: bool = False
    """True exactly when neither queries nor looks nor pages are left."""
    outcome: SiteOutcome | None = None
    """None while not done."""
    reason: str = ""
