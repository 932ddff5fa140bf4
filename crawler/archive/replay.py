"""Pure: what kind of answer is this replay response?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from re import compile as regex
from urllib.parse import SplitResult, urljoin, urlsplit

from policy_archive.crawler.archive.cdx import Dialect
from policy_archive.crawler.archive.content_coding import CodingError, Unwrapped, split_codings, unwrap_body
from policy_archive.crawler.archive.refusals import is_absence, is_redirect_notice, is_refusal
from policy_archive.crawler.core.digests import body_digest
from policy_archive.crawler.core.errors import CdxError
from policy_archive.crawler.core.numbers import parse_count
from policy_archive.crawler.core.records import CdxRow, Outcome
from policy_archive.crawler.core.timestamps import (
    DAY_SECONDS,
    format_timestamp,
    repair_timestamp,
    seconds_between,
)
from policy_archive.crawler.core.urlkeys import DEFAULT_PORTS
from policy_archive.crawler.core.urls import build_uri_m, replay_prefix, same_page, split_uri_m

TOLERANCE_SECONDS = 24 * 3600.0  # nearest captures within a day, EDGI wayback `_client.get_memento`
MAX_HOPS = 5
_LONGEST_MESSAGE_BYTES = 1024 * 1024
"""What the archive itself has to say is shorter; a longer page is none of its messages."""

_LINK = regex(r"<([^<>]*)>\s*+;([^<]*)")
"""One link of a Link header: where it leads, and its parameters, up to the next one.

The semicolon keeps `<g>` within an address that was captured with such characters from being a link."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One HTTP answer of an archive."""

    url: str
    """That was asked."""
    status: int
    headers: Mapping[str, str]
    """Lower-case names; repeated ones joined by a comma."""
    body: bytes
    """As it came, content codings still on."""
    cut_short: bool = False
    """The connection closed before the announced end."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """What was asked for, and of whom."""

    row: CdxRow
    archive_url: str
    dialect: Dialect = Dialect.WAYBACK
    asked: tuple[str, ...] = ()
    """Addresses asked for this capture so far, the last one included."""
    tolerance_seconds: float = TOLERANCE_SECONDS


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """What an answer turned out to be; its fields mean what those of `Capture` mean."""

    outcome: Outcome | None = None
    """None: a body to be read, or `follow` says where to go on."""
    reason: str = ""
    follow: str | None = None
    """URI-M of the nearest capture, near enough to be asked for next."""
    http_status: int | None = None
    served_timestamp: str | None = None
    served_original: str | None = None
    location: str | None = None
    content_type: str | None = None
    body: bytes | None = None
    digest_matches: bool | None = None


def decode_header(value: bytes) -> str:
    """Return a header's text: UTF-8, or Latin-1 where it is not."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def classify_answer(answer: Answer, question: Question) -> Replayed:
    """Return what an answer is.

    `memento-datetime` decides: with it the answer is a capture, whatever its
    status; without it the archive itself speaks.
    """
    if "memento-datetime" in answer.headers:
        return _classify_capture(answer, question)
    return _classify_message(answer, question)


def is_archive_fault(answer: Answer) -> bool:
    """Return whether the archive itself failed, so that asking again may help.

    A captured 503 is no fault, and neither is that a site is not shown. A web page
    of the archive's own is one, where rows or a capture should be: it is being mended.
    """
    if "memento-datetime" in answer.headers:
        return False
    if answer.status != 200:
        return answer.status >= 500 or answer.status == 429
    if "text/html" not in answer.headers.get("content-type", ""):
        return False
    text = _text_of(answer)
    return text.lstrip()[:1] == "<" and not (is_refusal(text) or is_redirect_notice(text))


def _text_of(answer: Answer) -> str:
    """Return what the archive itself says, all of it: its own sentence stands below scripts and menus."""
    try:
        codings = split_codings(answer.headers.get("content-encoding", ""))
        body = unwrap_body(answer.body, codings, max_bytes=_LONGEST_MESSAGE_BYTES).body
    except CodingError:
        body = b""
    return body.decode("utf-8", "replace").lstrip("\ufeff")


# The archive speaks


def _classify_message(answer: Answer, question: Question) -> Replayed:
    location = answer.headers.get("location")
    if 300 <= answer.status < 400 and location:
        return _classify_nearest(_join(answer.url, location), question)
    text = _text_of(answer)
    if is_refusal(answer.headers.get("x-archive-wayback-runtime-error", "") + text):
        return Replayed(outcome=Outcome.BLOCKED, reason="the archive does not show this site")
    if answer.status == 404:
        return Replayed(outcome=Outcome.NOT_ARCHIVED, reason="the archive does not hold this capture")
    if answer.status == 200 and is_redirect_notice(text):
        return Replayed(outcome=Outcome.REDIRECT, reason="the archive showed its page about a redirect")
    reason = f"the archive answered {answer.status}, and not with a capture"
    return Replayed(outcome=Outcome.ARCHIVE_ERROR, reason=reason)


@dataclass(frozen=True, kw_only=True)
class Nearest:
    """Which capture of a page an archive has nearest to an instant."""

    timestamp: str | None = None
    """14 digits; None where `outcome` says why there is no capture."""
    original: str = ""
    outcome: Outcome | None = None
    """`not-archived`, `blocked`, or `archive-error`: the archive did not say."""
    reason: str = ""


def classify_nearest(answer: Answer, url: str, archive_url: str) -> Nearest:
    """Return which capture the answer to a dated address names: the one it leads to, or the one it is.

    Only the Wayback Machine's own words say that a page is not archived at all: any other archive's 404
    may mean that it has nothing of that very second.
    """
    if "memento-datetime" in answer.headers:
        return _name_nearest(_served_timestamp(answer), _served_original(answer) or url, url)
    location = answer.headers.get("location")
    if 300 <= answer.status < 400 and location:
        found = on_archive(_join(answer.url, location), archive_url)
        timestamp, original = (found and split_uri_m(found)) or (None, _short(location))
        return _name_nearest(timestamp, original, url)
    text = _text_of(answer)
    if is_refusal(answer.headers.get("x-archive-wayback-runtime-error", "") + text):
        return Nearest(outcome=Outcome.BLOCKED, reason="the archive does not show this site")
    if answer.status == 404 and is_absence(text):
        return Nearest(outcome=Outcome.NOT_ARCHIVED, reason="the archive has no capture of this page")
    reason = f"the archive answered {answer.status}, and named no capture"
    return Nearest(outcome=Outcome.ARCHIVE_ERROR, reason=reason)


def first_capture(answer: Answer, url: str, archive_url: str) -> Nearest | None:
    """Return the first capture of a page as the answer that is one of its captures names it, if it does.

    By its Link header, RFC 7089: `<URI-M>; rel="first memento"`.
    """
    for link in _LINK.finditer(answer.headers.get("link", "")):
        if {"first", "memento"} <= _relations(link[2]):
            found = on_archive(link[1], archive_url)
            timestamp, original = (found and split_uri_m(found)) or (None, "")
            nearest = _name_nearest(timestamp, original, url)
            return nearest if nearest.timestamp else None
    return None


def _name_nearest(timestamp: str | None, original: str, url: str) -> Nearest:
    if timestamp and _is_whole(timestamp) and same_page(original, url):
        return Nearest(timestamp=timestamp, original=original)
    reason = f"the archive named no capture of the page: {_short(original)} of {timestamp}"
    return Nearest(outcome=Outcome.ARCHIVE_ERROR, reason=reason)


def _is_whole(timestamp: str) -> bool:
    """Return whether a time can be asked for as it is: all 14 digits, and an instant."""
    try:
        return repair_timestamp(timestamp) == timestamp
    except CdxError:
        return False


def _classify_nearest(found: str, question: Question) -> Replayed:
    """Return whether to follow the archive to the nearest capture that it has."""
    target = on_archive(found, question.archive_url)
    if target is None:
        reason = f"the archive sent us to another host: {_short(found)}"
        return Replayed(outcome=Outcome.OFF_ARCHIVE, reason=reason)
    memento = split_uri_m(target)
    if memento is None:
        reason = f"the archive sent us to a page that is no capture: {_short(target)}"
        return Replayed(outcome=Outcome.ARCHIVE_ERROR, reason=reason)
    timestamp, original = memento
    drift = _drift_seconds(question.row, timestamp)
    if drift is None or drift > question.tolerance_seconds:
        return _drifted(timestamp, original, drift)
    if not same_page(original, question.row.original):
        return _other_page(Replayed(served_timestamp=timestamp, served_original=original))
    # built anew: the way there may have lost `id_`, or hold what HTTP forbids
    follow = build_uri_m(question.archive_url, timestamp, original)
    if follow in question.asked or len(question.asked) > MAX_HOPS:
        return Replayed(outcome=Outcome.REDIRECT_LOOP, reason="the archive sends us round in a circle")
    return Replayed(follow=follow)


def on_archive(url: str, archive_url: str) -> str | None:
    """Return the address on the archive that was named, in its scheme; None when it is another host's.

    The Wayback Machine writes http and https into Location as it pleases.

    >>> on_archive("http://web.archive.org/web/2018/http://x.org/", "https://web.archive.org")
    'https://web.archive.org/web/2018/http://x.org/'
    >>> on_archive("https://web.archive.org@evil.example/web/2018/x", "https://web.archive.org")
    """
    ours = urlsplit(archive_url)
    try:
        theirs = urlsplit(url)
        same_place = (theirs.hostname, _port_of(theirs)) == (ours.hostname, _port_of(ours))
    except ValueError:
        return None
    if theirs.scheme not in DEFAULT_PORTS or "@" in theirs.netloc or not same_place:
        return None
    return f"{ours.scheme}://{ours.netloc}{url.partition('://')[2].removeprefix(theirs.netloc)}"


def _port_of(parts: SplitResult) -> int | None:
    """Return a port, None for the usual one of the scheme: the archive takes http and https for the same."""
    return None if parts.port == DEFAULT_PORTS.get(parts.scheme) else parts.port


def _join(base: str, location: str) -> str:
    try:
        return urljoin(base, location.strip())
    except ValueError:
        return location


def _drift_seconds(row: CdxRow, timestamp: str) -> float | None:
    try:
        return abs(seconds_between(row.timestamp, timestamp))
    except CdxError:
        return None


def _drifted(timestamp: str, original: str, drift: float | None) -> Replayed:
    days = "an unknown time" if drift is None else f"{drift / DAY_SECONDS:.1f} days"
    return Replayed(
        outcome=Outcome.DRIFT,
        reason=f"the archive has only a capture {days} away",
        served_timestamp=timestamp if len(timestamp) == 14 else None,
        served_original=original,
    )


def _other_page(facts: Replayed) -> Replayed:
    reason = f"the archive has another page there: {_short(facts.served_original or '')}"
    return _with(facts, outcome=Outcome.DRIFT, reason=reason)


def _with(facts: Replayed, **changes: object) -> Replayed:
    return Replayed(**{**vars(facts), **changes})


def _short(url: str) -> str:
    return repr(url[:120])


# A capture


def _classify_capture(answer: Answer, question: Question) -> Replayed:
    served = _served_timestamp(answer) or question.row.timestamp
    original = _served_original(answer)
    drift = _drift_seconds(question.row, served)
    if drift is None or drift > question.tolerance_seconds:
        return _drifted(served, original or question.row.original, drift)
    facts = Replayed(
        http_status=answer.status,
        served_timestamp=served,
        served_original=original,
        content_type=answer.headers.get("content-type"),
    )
    if original and not same_page(original, question.row.original):
        return _other_page(facts)
    if 300 <= answer.status < 400 and answer.headers.get("location"):
        return _classify_redirect(answer, question, facts)
    if answer.status != 200 and not (answer.status in (203, 206) and answer.body):
        return _with(facts, outcome=Outcome.ERROR_PAGE, reason=f"the site answered {answer.status} that day")
    return _read_body(answer, question, facts)


def _served_timestamp(answer: Answer) -> str | None:
    """Return the time that the archive says it served: by the header, or else by the address."""
    try:
        instant = parsedate_to_datetime(answer.headers["memento-datetime"])
        return format_timestamp(instant if instant.tzinfo else instant.replace(tzinfo=UTC))
    except (ValueError, OverflowError):  # no date, or one whose zone leads out of the calendar
        memento = split_uri_m(answer.url)
        return memento[0] if memento and len(memento[0]) == 14 else None


def _served_original(answer: Answer) -> str | None:
    links = _LINK.finditer(answer.headers.get("link", ""))
    return next((link[1] for link in links if "original" in _relations(link[2])), None)


def _relations(parameters: str) -> set[str]:
    """Return the relations that a link's parameters name."""
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "rel":
            relations = value.strip().removeprefix('"').replace(",", '"').partition('"')[0]
            return set(relations.lower().split())
    return set()


def _classify_redirect(answer: Answer, question: Question, facts: Replayed) -> Replayed:
    target = captured_location(answer, question)
    if target is None:
        reason = f"the capture leads out of the archive: {_short(answer.headers['location'])}"
        return _with(facts, outcome=Outcome.OFF_ARCHIVE, reason=reason)
    if target.partition("#")[0] in (question.row.original, facts.served_original):
        return _with(facts, outcome=Outcome.REDIRECT_LOOP, location=target, reason="redirects to itself")
    return _with(facts, outcome=Outcome.REDIRECT, location=target, reason="redirected that day")


def captured_location(answer: Answer, question: Question) -> str | None:
    """Return the URI-R that a captured redirect points to, None when it leads out of the archive.

    The Wayback Machine rewrites Location to a replay address, absolute, as a
    path or without its scheme; pywb leaves `id_` answers as they were captured.
    """
    found = _join(answer.url, answer.headers["location"])
    target = on_archive(found, question.archive_url)
    prefix = replay_prefix(question.archive_url)
    memento = split_uri_m(target) if target and target.startswith(f"{prefix}/") else None
    if memento:
        return memento[1].replace("%23", "#")
    if question.dialect is not Dialect.PYWB:
        return None
    captured = _join(question.row.original, answer.headers["location"])
    return captured if captured.startswith(("http://", "https://")) else None


# A body


def _read_body(answer: Answer, question: Question, facts: Replayed) -> Replayed:
    try:
        unwrapped = unwrap_body(answer.body, split_codings(answer.headers.get("content-encoding", "")))
    except CodingError as error:
        outcome = Outcome.TRUNCATED if answer.cut_short else error.outcome
        kept = None if outcome is Outcome.TOO_LARGE else answer.body
        return _with(facts, outcome=outcome, reason=error.reason, body=kept)
    matches = _matches_digest(unwrapped, question.row)
    facts = _with(facts, body=unwrapped.body, digest_matches=matches)
    reason = _truncation(answer, unwrapped, matches)
    if reason:
        return _with(facts, outcome=Outcome.TRUNCATED, reason=reason)
    if not unwrapped.body.strip():
        return _with(facts, outcome=Outcome.EMPTY, reason="the capture has no body")
    return facts


def _matches_digest(unwrapped: Unwrapped, row: CdxRow) -> bool | None:
    """Return whether any stage of the body has the index's digest, which is of the bytes in the WARC."""
    if row.digest == "-":
        return None
    # the plain body first: nearly always it is the one
    return any(body_digest(layer) == row.digest for layer in reversed(unwrapped.layers))


def _truncation(answer: Answer, unwrapped: Unwrapped, digest_matches: bool | None) -> str:
    """Return how the body is known to be cut short, '' when it is not.

    The length that the site announced counts coded bytes; where the site sent
    none coded, fewer bytes are a cut, be it at crawl time or on the way to us.
    """
    if answer.cut_short and not digest_matches:
        return "the connection closed before the end"
    announced = answer.headers.get("x-archive-orig-content-length", "")
    was_coded = split_codings(answer.headers.get("x-archive-orig-content-encoding", ""))
    longest = max(map(len, unwrapped.layers))
    length = parse_count(announced)
    if length is not None and not was_coded and longest < length:
        return f"{longest} of {announced} bytes"
    return ""
