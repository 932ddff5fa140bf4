"""The dataclasses that cross rooms: frozen, keyword-only, no behaviour beyond their own ids."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from urllib.parse import urlsplit

from policy_archive.crawler.core.stored import (
    CDX_FIELDS as CDX_FIELDS,
)
from policy_archive.crawler.core.stored import (
    EMPTY_BODY_DIGEST as EMPTY_BODY_DIGEST,
)
from policy_archive.crawler.core.stored import (
    POLICY_KINDS as POLICY_KINDS,
)
from policy_archive.crawler.core.stored import (
    CdxRow as CdxRow,
)
from policy_archive.crawler.core.stored import (
    Document as Document,
)
from policy_archive.crawler.core.stored import (
    Kind as Kind,
)
from policy_archive.crawler.core.stored import (
    KnownCapture as KnownCapture,
)
from policy_archive.crawler.core.stored import (
    Outcome as Outcome,
)
from policy_archive.crawler.core.stored import (
    RowDecision as RowDecision,
)
from policy_archive.crawler.core.stored import (
    RowState as RowState,
)
from policy_archive.crawler.core.stored import (
    Trait as Trait,
)
from policy_archive.crawler.core.stored import (
    Version as Version,
)
from policy_archive.crawler.core.stored import (
    content_id as content_id,
)
from policy_archive.crawler.core.vocabularies import AddressSource, OwnerRelation, PageClass

OUTSIDE_ROOT = 1
UNDER_BOILERPLATE = 2
"""Flags of a line's place on its page; a line may have both."""


@dataclass(frozen=True, kw_only=True)
class Address:
    """One address of a document, and how it came to be known."""

    url: str
    """URI-R as first found."""
    source: AddressSource
    evidence: str = ""
    """What proves it, for people: the link's label and page, the redirect ..."""
    confidence: float | None = None
    """0 to 1, that the document stood there."""
    first_seen: str | None = None
    """14 digits of the capture or row that first named it."""
    last_seen: str | None = None
    listed_from: str | None = None
    """The index gave all its rows from here ..."""
    listed_to: str | None = None
    """... to here, 14 digits; None: not asked yet."""


@dataclass(frozen=True, kw_only=True)
class StatedDate:
    """A date that the policy states of itself."""

    kind: str
    """`updated` or `effective`."""
    as_written: str
    """The words of the page ("Last updated: May 25, 2018")."""
    day: date


@dataclass(frozen=True, kw_only=True)
class Extraction:
    """The text of one body, and what the reader should know about how good it is."""

    text: str
    """Markdown, body alone: no block quote, no `# title` line; ends with one newline."""
    title: str
    """The page's title as it stands, entities resolved, white space folded; '' when it has none."""
    language: str | None
    """ISO 639-1, None when it cannot be told."""
    language_confidence: float
    """0 to 1."""
    words: int
    stated_dates: tuple[StatedDate, ...]
    kept_share: float
    """Share of the page's visible prose that the text holds, 0 to 1."""
    replacement_characters: int
    """U+FFFD that decoding put in."""
    charset: str
    """The charset that the bytes were read with."""
    hidden_text_used: bool
    documents_on_page: int
    """Top-level policy documents seen on the page; 1 in the normal case."""
    extractor: str
    """Names and versions, `policy-archive/0.2.0.t3 trafilatura/2.3.1`; `.t3` counts the changes of texts."""
    frame_url: str | None = None
    """Main frame of a frameset: the text is there, in a further capture."""
    lost_share: float = 0.0
    """Share of the words of the chosen part of the page that are neither in the text nor were left out by a
    named rule, 0 to 1; more than 0 is a fault of the extractor."""
    line_places: tuple[int, ...] = ()
    """Where on the page each line of `text.split("\\n")[:-1]` stands, 0 for within the document:
    OUTSIDE_ROOT beside the deepest element that holds nine tenths of the text's words, UNDER_BOILERPLATE
    inside a nav, footer, aside, dialog, header, form or menu that holds at most half of them. Plain text
    and PDF: all 0."""

    @property
    def outcome(self) -> Outcome:
        """Return the outcome of a capture whose text this is and is wanted."""
        return Outcome.INCOMPLETE_TEXT if self.lost_share else Outcome.TEXT

    @property
    def text_sha256(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a page is."""

    page_class: PageClass
    kind: Kind | None
    """Of a policy; None for everything else."""
    probability: float
    """That page_class is right, 0 to 1."""
    reason: str


@dataclass(frozen=True, kw_only=True)
class Owner:
    """Whose policy a text is."""

    relation: OwnerRelation
    name: str | None
    reason: str


@dataclass(frozen=True, kw_only=True)
class PolicyLink:
    """A link on a page that promises a policy."""

    url: str
    """URI-R, absolute, replay address undone."""
    kind: Kind
    label: str
    """Link text, title, aria-label or image alt, white space folded."""
    place: str
    """a, area, frame, meta, script."""
    language: str | None
    """Of the word that matched, ISO 639-1."""
    confidence: float
    """0 to 1."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a body turned out to be: made in the worker process, stored with the capture."""

    outcome: Outcome
    reason: str = ""
    extraction: Extraction | None = None
    """None when no text could be had."""
    verdict: Verdict | None = None
    owner: Owner | None = None
    links: tuple[PolicyLink, ...] = ()
    lines: tuple[str, ...] | None = None
    """Of a home page: all that a reader sees of it, as Markdown without links. None: of other pages."""


@dataclass(frozen=True, kw_only=True)
class Origin:
    """The file that a capture was imported from."""

    format: str
    """princeton-leuven, ota-versions, warc …"""
    name: str
    """The file's own name, or its path within a repository or a zip; never a folder of the importer's."""
    digest: str
    """`sha256:` and hex of the file, or `git:` and the commit that it was taken from."""
    licence: str = ""
    """What the source says of its licence; '' when it says nothing."""
    attribution: str = ""
    """Whom the source wants named."""

    @property
    def id(self) -> str:
        return content_id(self.format, self.name, self.digest)


@dataclass(frozen=True, kw_only=True)
class HomePage:
    """A stored capture of a site's home page."""

    body: bytes
    """As captured."""
    url: str
    timestamp: str
    """14 digits."""
    content_type: str | None
    """As captured, parameters included."""


@dataclass(frozen=True, kw_only=True)
class Capture:
    """What came of asking replay for one planned capture. The item that the spider yields."""

    document: Document
    row: CdxRow
    outcome: Outcome | None
    """None: a body that has still to be extracted and judged."""
    reason: str = ""
    """One sentence for people; '' when the outcome says it all."""
    http_status: int | None = None
    """Of the captured answer."""
    served_timestamp: str | None = None
    """14 digits that the archive really served; None when it served no capture."""
    served_original: str | None = None
    """The URI-R really captured, from `Link rel=original`."""
    location: str | None = None
    """URI-R that a captured redirect points to."""
    content_type: str | None = None
    """As captured, parameters included."""
    body: bytes | None = None
    """Decoded from all transfer and content encodings."""
    digest_matches: bool | None = None
    """True: SHA-1 of the body equals the index's digest. None: nothing to compare."""
    replay_url: str = ""
    fetched_at: datetime | None = None
    """Aware UTC, our clock."""
    elapsed_seconds: float | None = None
    requests: int = 1
    """Requests spent on it, redirects and retries included."""
    origin: Origin | None = None
    """The file that it was imported from; None: an archive was asked."""
    dated_by: str = ""
    """What its time is taken from when nobody captured it then: `given`, `front-matter` or `statement`, and
    the date as far as it goes (`statement 2023-09`). '' : it is the capture's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCapture:
    """One capture that the planner wants next."""

    row: CdxRow
    reason: str
    """first, last, bisect, max-gap, neighbour-of-junk, grid ..."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to fetch next, and where every row stands."""

    next: tuple[PlannedCapture, ...]
    """Independent of each other; empty when the plan is complete."""
    decisions: Mapping[CdxRow, RowDecision]
    """One for every row given."""


@dataclass(frozen=True, kw_only=True)
class ReadCapture:
    """A capture and what its body was read as: what the crawl gets back."""

    capture: Capture
    reading: Reading | None
    """None when there was no body to read: the capture's own outcome says why."""
    stored: bool = False
    """False after the store: it had come already."""


@dataclass(frozen=True, kw_only=True)
class StoredCapture:
    """A capture whose body the corpus holds."""

    document: Document
    row: CdxRow
    body_digest: str


@dataclass(frozen=True, kw_only=True)
class KeptAnswer:
    """An answer of the index."""

    state: str
    rows: tuple[CdxRow, ...]


@dataclass(frozen=True, kw_only=True)
class Channel:
    """Where news is told. Its target is not stored: addresses hold secrets, and databases are passed on."""

    kind: str
    """command, url or mail."""
    target: str = field(repr=False)
    """A command line, or an address of http(s) or smtp(s)."""
    format: str = "json"
    """How the message is written: json, slack, teams, discord, text, mail."""
    identity: str = ""
    """What is hashed in place of a target whose hash would tell a weak password; '': the target."""
    called: str = ""
    """What it is called in messages and in the database; '': by its host, or its program."""
    since: date | None = None
    """Versions first captured on this day or later are told; None: those new since the site was first
    fetched whole."""
    substantive: bool = False
    """Only changes that matter are told, and first versions."""
    min_words: int = 0
    """Only changes of at least so many words are, and first versions."""

    @property
    def id(self) -> str:
        return content_id(self.kind, self.identity or self.target)

    @property
    def label(self) -> str:
        """Return what the channel is called in messages and in the database."""
        if self.called:
            return self.called
        if self.kind == "command":
            return f"command {Path((shlex.split(self.target) or [''])[0]).name}"
        return f"{self.kind} {urlsplit(self.target).hostname or ''}"


@dataclass(frozen=True, kw_only=True)
class ConservationFault:
    """One thing in the database that must not be."""

    fault: str
    """`pending` is normal until a run is complete; every other one is never."""
    id: str
    """Of the capture; of the text or `document version` when the fault is theirs."""
    detail: str
