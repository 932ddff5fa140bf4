"""One page of a collection read: nobody says whose policy it is, or of which kind, so its address does."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from policy_archive.archive_server.captures import CapturedAnswer
from policy_archive.crawler.core.failpoints import point
from policy_archive.crawler.core.records import CdxRow, Kind, Outcome, Reading
from policy_archive.crawler.core.urls import registrable_domain
from policy_archive.crawler.discovery.addresses import read_address

_NO_PAGE = (
    "image/", "audio/", "video/", "font/", "model/", "text/css", "text/javascript", "text/csv",
    "application/javascript", "application/x-javascript", "application/json", "application/zip",
    "application/x-shockwave-flash", "application/font",
)  # fmt: skip
"""Types that are neither read nor kept: in them a crawl looks for nothing, either."""


@dataclass(frozen=True, kw_only=True)
class Page:
    """A captured answer that is to be read."""

    site: str
    kind: Kind | None
    """What the address promises; None: nothing."""
    url: str
    timestamp: str
    content_type: str | None
    codings: str
    """The header Content-Encoding."""
    body: bytes
    """As the archive stores it."""


@dataclass(frozen=True, kw_only=True)
class PageRead:
    """What a page was read as."""

    reading: Reading
    kind: Kind
    """Of the document that it was read as."""
    body_digest: str
    """Of the body that was read, all codings undone; '' when they could not be."""
    cpu_seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class NotRead:
    """Why a capture is not read."""

    outcome: Outcome | None
    """None: nothing is wrong with it."""
    reason: str
    keep_body: bool = False
    """A crawl may ask for it."""


def sort_capture(row: CdxRow, answer: CapturedAnswer | None, *, policies_only: bool) -> Page | NotRead:
    """Return the page that a capture holds, or why it is not read."""
    if answer is None:
        return NotRead(outcome=Outcome.TOO_LARGE, reason="larger than anything that is read")
    if row.mimetype == "warc/revisit":
        return NotRead(outcome=None, reason="a revisit: its body is an earlier capture's", keep_body=True)
    if not row.statuscode.startswith("2"):
        is_redirect = row.statuscode.startswith("3")
        outcome = Outcome.REDIRECT if is_redirect else Outcome.ERROR_PAGE
        return NotRead(outcome=outcome, reason=f"status {row.statuscode}", keep_body=True)
    if row.mimetype.startswith(_NO_PAGE):
        return NotRead(outcome=Outcome.NOT_TEXT, reason=row.mimetype)
    if answer.is_cut:
        return NotRead(outcome=Outcome.TRUNCATED, reason="the record is cut", keep_body=True)
    kind = guess_kind(row.original)
    if policies_only and kind is None:
        return NotRead(outcome=None, reason="left out: its address promises no policy")
    return Page(
        site=registrable_domain((urlsplit(row.original).hostname or "").lower()),
        kind=kind,
        url=row.original,
        timestamp=row.timestamp,
        content_type=answer.header("content-type"),
        codings=answer.header("content-encoding") or "",
        body=answer.body,
    )


def guess_kind(url: str) -> Kind | None:
    """Return the kind of document that an address promises, HOME for a site's front page.

    >>> [guess_kind(f"https://x.example{path}") for path in ("/privacy", "/", "/shop")]
    [<Kind.PRIVACY: 'privacy'>, <Kind.HOME: 'home'>, None]
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if parts.path in ("", "/") and not parts.query:
        return Kind.HOME
    hint = read_address(url)
    return hint.kind if hint else None


def read_page(page: Page) -> PageRead:
    """Return what a page is read as; for a process that may die.

    Where the address says nothing, or not what the page turns out to be, it is read again as that.
    """
    point(f"page-{page.url.rpartition('/')[2]}")
    start = time.process_time()
    read = _read_unpacked(page)
    return replace(read, cpu_seconds=time.process_time() - start)


def _read_unpacked(page: Page) -> PageRead:
    from policy_archive.crawler.archive.content_coding import CodingError, split_codings, unwrap_body
    from policy_archive.crawler.core.digests import body_digest
    from policy_archive.pipelines.reading.read import read_unknown

    kind = page.kind or Kind.OTHER
    try:
        body = unwrap_body(page.body, split_codings(page.codings)).body
    except CodingError as error:
        reading = Reading(outcome=error.outcome, reason=error.reason)
        return PageRead(reading=reading, kind=kind, body_digest="")
    kind, reading = read_unknown(
        body,
        site=page.site,
        kind=kind,
        sure=page.kind is not None,
        url=page.url,
        timestamp=page.timestamp,
        content_type=page.content_type,
    )
    return PageRead(reading=reading, kind=kind, body_digest=body_digest(body))
