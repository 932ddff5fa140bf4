"""Replay: which capture an address means, and how the archive serves it."""

from __future__ import annotations

import re
import zlib
from bisect import bisect_left
from collections.abc import Sequence
from email.utils import format_datetime, parsedate_to_datetime
from urllib.parse import unquote, urljoin

from policy_archive.archive_server.answers import Answer, Request, build_text
from policy_archive.archive_server.captures import CapturedAnswer, CaptureSource, RecordTooLargeError
from policy_archive.archive_server.index import BadQueryError, Index, build_key
from policy_archive.crawler.core.cache import SHORT, remembered
from policy_archive.crawler.core.errors import PolicyArchiveError
from policy_archive.crawler.core.records import CdxRow
from policy_archive.crawler.core.timestamps import format_timestamp, parse_timestamp, seconds_between

_ADDRESS = re.compile(r"/web/(?:([0-9]{1,14})((?:[a-z]{2}[0-9]*_)*)/)?(.+)")
_PASSED = ("content-type", "content-encoding", "content-disposition", "content-range")
NOT_ARCHIVED = (
    "<!DOCTYPE html><html><head><title>Internet Archive Wayback Machine</title></head><body>"
    "<h2>Hrm.</h2><p>The Wayback Machine has not archived that URL.</p></body></html>"
)
LOCATION_FORMS = ("absolute", "path", "scheme-relative")


def answer_replay(request: Request, index: Index, source: CaptureSource) -> Answer:
    """Return a capture, a redirect to the nearest one, or the archive's 404.

    Every modifier is served as `id_` is: bytes as captured.
    """
    match = _ADDRESS.fullmatch(request.target)
    if not match:
        return build_text(404, NOT_ARCHIVED)
    asked, modifier, target = match.groups()
    url = read_target(target)
    rows = _captures_of(index, url)
    if not rows:
        return build_text(404, NOT_ARCHIVED)
    if asked is None:
        return _pass_time_gate(request, rows)
    row = choose_row(rows, asked, url)
    if row.timestamp != asked:
        return redirect_to_nearest(request, row, modifier)
    try:
        captured = source.load(row)
    except RecordTooLargeError as error:
        return build_text(502, f"<h2>This capture is not served: {error}</h2>")
    if captured is None:
        return build_text(404, "<h2>Missing original for revisit record</h2>")
    return _serve(request, row, captured, modifier, rows)


def read_target(target: str) -> str:
    """Return the address that stands behind the timestamp: quoted or raw, one slash mended, scheme added."""
    if re.match("https?%3a", target, re.IGNORECASE):
        target = unquote(target)
    mended = re.sub(r"^(https?):/+", r"\1://", target)
    return mended if re.match("https?://", mended) else f"http://{mended}"


def _captures_of(index: Index, url: str) -> list[CdxRow]:
    try:
        return index.captures_of(_cached_key(url))
    except BadQueryError:  # what is no address was never archived
        return []


@remembered(65536, longest=SHORT)
def _cached_key(url: str) -> str:
    return build_key(url)


def choose_row(rows: Sequence[CdxRow], asked: str, url: str) -> CdxRow:
    """Return the row of that second (that very address first), else the nearest in time.

    Fewer than 14 digits mean the latest capture within that period.
    """
    if len(asked) < 14:
        within = [row for row in rows if row.timestamp.startswith(asked)]
        return within[-1] if within else choose_row(rows, asked.ljust(14, "0"), url)
    timestamps = [row.timestamp for row in rows]
    at = bisect_left(timestamps, asked)
    same = [row for row in rows[at:] if row.timestamp == asked]
    if same:
        return next((row for row in same if row.original == url), same[0])
    return min(rows[max(at - 1, 0) : at + 1], key=lambda row: _gap_seconds(row.timestamp, asked))


def _gap_seconds(one: str, other: str) -> float:
    try:
        return abs(seconds_between(one, other))
    except PolicyArchiveError:  # `2018` filled up with zeros is no date
        return abs(int(one) - int(other))


def _pass_time_gate(request: Request, rows: Sequence[CdxRow]) -> Answer:
    wanted = request.headers.get("accept-datetime")
    if wanted is None:
        return redirect_to_nearest(request, rows[-1], "")
    try:
        asked = format_timestamp(parsedate_to_datetime(wanted))
    except ValueError:
        return build_text(400, "bad Accept-Datetime\n", "text/plain")
    return redirect_to_nearest(request, choose_row(rows, asked, ""), "")


def redirect_to_nearest(request: Request, row: CdxRow, modifier: str) -> Answer:
    """Return the 302 to a capture of another time: no memento-datetime, the reason in a header."""
    location = f"{request.archive_url}/web/{row.timestamp}{modifier}/{row.original}"
    headers = (
        ("Content-Type", "text/plain"),
        ("x-archive-redirect-reason", f"found capture at {row.timestamp}"),
        ("Location", location),
    )
    return Answer(status=302, headers=headers)


def _serve(
    request: Request, row: CdxRow, captured: CapturedAnswer, modifier: str, rows: Sequence[CdxRow]
) -> Answer:
    headers = [(name, value) for name, value in captured.headers if name.lower() in _PASSED]
    location = captured.header("location")
    if location is not None:
        headers.append(("Location", rewrite_location(request, row, modifier, location)))
    original = [(f"x-archive-orig-{name.lower()}", value) for name, value in captured.headers]
    if captured.is_cut:  # what any client of the archive's can tell a cut body by
        length = "x-archive-orig-content-length"
        announced = (length, str(len(captured.body) + 1))
        original = [*(pair for pair in original if pair[0] != length), announced]
    headers += original
    headers += [
        ("memento-datetime", _http_date(row)),
        ("link", _link(request.archive_url, row, rows)),
        ("x-archive-src", "local.warc.gz"),
        ("cache-control", "max-age=1800"),
    ]
    return Answer(status=captured.status, reason=captured.reason, headers=tuple(headers), body=captured.body)


def rewrite_location(request: Request, row: CdxRow, modifier: str, location: str) -> str:
    """Return a captured Location within the archive, in one of its three forms.

    Which one is settled by the address itself, so that a crawl meets them all.
    """
    target = urljoin(row.original, location)
    path = f"/web/{row.timestamp}{modifier}/{target}"
    form = LOCATION_FORMS[zlib.crc32(target.encode()) % len(LOCATION_FORMS)]
    if form == "path":
        return path
    base = request.archive_url
    return (base.removeprefix("http:") if form == "scheme-relative" else base) + path


def _http_date(row: CdxRow) -> str:
    return format_datetime(parse_timestamp(row.timestamp), usegmt=True)


def _link(base: str, row: CdxRow, rows: Sequence[CdxRow]) -> str:
    """Return the Link header: `original` is the address really captured, mementos are in view form."""
    items = [
        f'<{row.original}>; rel="original"',
        f'<{base}/web/timemap/link/{row.original}>; rel="timemap"; type="application/link-format"',
        f'<{base}/web/{row.original}>; rel="timegate"',
        *(_memento(base, *named) for named in ((rows[0], "first"), (row, ""), (rows[-1], "last"))),
    ]
    return ", ".join(items)


def _memento(base: str, row: CdxRow, place: str) -> str:
    return (
        f'<{base}/web/{row.timestamp}/{row.original}>; rel="{f"{place} memento".strip()}"; '
        f'datetime="{_http_date(row)}"'
    )


def answer_timemap(request: Request, index: Index) -> Answer:
    """Return /web/timemap/link/URL: every capture of an address, as RFC 7089 lists them."""
    url = read_target(request.target.removeprefix("/web/timemap/link/"))
    rows = _captures_of(index, url)
    if not rows:
        return build_text(404, NOT_ARCHIVED)
    base = request.archive_url
    items = [f'<{url}>; rel="original"', f'<{base}/web/{url}>; rel="timegate"']
    items += [_memento(base, row, "first" if row is rows[0] else "") for row in rows]
    return build_text(200, ",\n".join(items) + "\n", "application/link-format")
