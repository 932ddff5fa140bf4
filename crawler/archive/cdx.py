"""Queries to an archive's index: built and checked with waybackpy, paged, parsed. No I/O."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from re import compile as regex
from typing import Any
from urllib.parse import urlsplit

from waybackpy.cdx_api import WaybackMachineCDXServerAPI
from waybackpy.cdx_snapshot import CDXSnapshot
from waybackpy.cdx_utils import full_url
from waybackpy.exceptions import WaybackError

from policy_archive.crawler.archive.refusals import is_refusal, says_no_captures
from policy_archive.crawler.core.archives import ARCHIVES
from policy_archive.crawler.core.errors import (
    BlockedError,
    CdxError,
    PolicyArchiveError,
    RateLimitedError,
    UsageError,
)
from policy_archive.crawler.core.numbers import parse_count
from policy_archive.crawler.core.records import CDX_FIELDS, CdxRow
from policy_archive.crawler.core.timestamps import format_timestamp, repair_timestamp, utc_now

ROWS_A_PAGE = 25_000  # waybackpy's own; one query of 24 a minute should carry much
PYWB_ROWS_A_PAGE = 100_000  # pywb has no resume keys and stops here by itself, pywb warcserver/index/query.py
LONGEST_EMPTY_RUN = 50  # pages without rows but with a key: seen one after another, never for ever

_PYWB_NAMES = {"url": "original", "mime": "mimetype", "status": "statuscode"}
_TO_PYWB = {ours: theirs for theirs, ours in _PYWB_NAMES.items()}
_FILTER = regex(r"(~?!?|!~)(urlkey|timestamp|original|mimetype|statuscode|digest|length):(.*)")
_ADDRESS = regex(r"https?://[^\x00-\x20\x7f]{3,}")
_TABLE_END = regex(r"\]\s*\]\s*\Z")
_DIGEST = regex("[A-Z2-7]{32}")
_SURROGATE = regex("[\ud800-\udfff]")


class Dialect(StrEnum):
    """How an index is asked and how it answers."""

    WAYBACK = "wayback"
    PYWB = "pywb"


@dataclass(frozen=True, kw_only=True)
class IndexQuery:
    """One question to the index; a page of the answer is asked for by `IndexReader`."""

    url: str
    """URI-R, host or domain, as `match_type` wants it; not escaped."""
    match_type: str = "exact"
    """exact, prefix, host or domain."""
    from_timestamp: str | None = None
    """1 to 14 digits, inclusive."""
    to_timestamp: str | None = None
    """1 to 14 digits, inclusive: 2004 means all of 2004."""
    filters: tuple[str, ...] = ()
    """`[~][!]field:regex` as the Wayback Machine has them, all must hold. The regex matches the whole
    field; with `~` it may stand anywhere in it."""
    collapse: tuple[str, ...] = ()
    """`field` or `field:N`: of neighbours with equal field, or equal first N characters, only the first.
    A wish: pywb has no such thing and sends all."""
    rows_a_page: int | None = None
    """None: as many as the dialect allows."""


@dataclass(frozen=True, kw_only=True)
class IndexPage:
    """One answer of the index, read."""

    rows: tuple[CdxRow, ...]
    resume_key: str | None = None
    """Opaque; None on the last page."""
    malformed: int = 0
    """Lines that are no rows, left out."""
    repaired: int = 0
    """Rows whose timestamp was mended."""
    duplicates: int = 0
    """Rows that stood there already, left out."""


def dialects_to_try(archive_url: str, wish: str = "auto") -> tuple[Dialect, ...]:
    """Return the dialects that an archive may speak, likeliest first.

    >>> dialects_to_try("http://127.0.0.1:8080/dev")[0].value
    'pywb'
    """
    if wish != "auto":
        return (Dialect(wish),)
    named = next((one for one in ARCHIVES.values() if one.url == archive_url), None)
    if named:
        return (Dialect(named.dialect),)
    # a pywb is named with its collection, a Wayback Machine by its host alone
    both = (Dialect.PYWB, Dialect.WAYBACK)
    return both if urlsplit(archive_url).path.strip("/") else both[::-1]


def build_query_url(
    archive_url: str, query: IndexQuery, dialect: Dialect, resume_key: str | None = None
) -> str:
    """Return the address of one page of the index's answer.

    Raises UsageError if waybackpy refuses the query.
    """
    base = archive_url.rstrip("/")
    if dialect is Dialect.PYWB:
        return full_url(f"{base}/cdx", _pywb_payload(query))
    payload = _checked_payload(query)
    payload |= {
        "output": "json",
        # without urlkey the old server's resume keys break
        "fl": ",".join(CDX_FIELDS),
        # without a limit the old server cuts silently, and gives no key
        "limit": str(query.rows_a_page or ROWS_A_PAGE),
        "showResumeKey": "true",
    }
    if resume_key is not None:
        payload["resumeKey"] = resume_key
    return full_url(f"{base}/cdx/search/cdx", payload)


def _checked_payload(query: IndexQuery) -> dict[str, str]:
    try:
        api = WaybackMachineCDXServerAPI(
            query.url,
            start_timestamp=query.from_timestamp,
            end_timestamp=query.to_timestamp,
            filters=list(query.filters),
            collapses=list(query.collapse),
            match_type=None if query.match_type == "exact" else query.match_type,
            gzip="",  # waybackpy means it the other way round: only None asks for an uncompressed answer
        )
    except WaybackError as error:
        raise UsageError(f"The index cannot be asked for '{query.url}': {error}") from error
    # always named: without it an address that ends in `*` is asked for as a prefix
    payload = {"matchType": query.match_type}
    api.add_payload(payload)
    return payload


def _pywb_payload(query: IndexQuery) -> dict[str, str]:
    payload = _checked_payload(IndexQuery(**{**vars(query), "filters": (), "collapse": ()}))
    payload |= {f"filter{i}": pywb_filter(text) for i, text in enumerate(query.filters)}
    return payload | {"output": "json", "limit": str(query.rows_a_page or PYWB_ROWS_A_PAGE)}


def pywb_filter(text: str) -> str:
    """Return a Wayback filter as pywb writes it: other field names, regex from the start only.

    Raises UsageError if it is no filter.

    >>> pywb_filter("!statuscode:5.."), pywb_filter("~urlkey:privacy")
    ('!~status:(?:5..)$', '~urlkey:.*(?:privacy)')
    """
    match = _FILTER.fullmatch(text)
    if not match:
        raise UsageError(f"'{text}' is no index filter: write [~][!]field:regex.")
    marks, name, pattern = match.groups()
    whole = f".*(?:{pattern})" if "~" in marks else f"(?:{pattern})$"
    return f"{'!' * ('!' in marks)}~{_TO_PYWB.get(name, name)}:{whole}"


MOST_ROWS = 1_000_000
"""Of one query; an index may send new resume keys for ever. So many rows took 1,389 MB of memory while their
document was planned, 327 MB of database and 197 s of CPU (bench/attacks.py index, measured 2026-11)."""


@dataclass(kw_only=True)
class IndexReader:
    """Pages through the answer to one query: `next_url`, then `read` what came, until `next_url` is None."""

    archive_url: str
    query: IndexQuery
    dialect: Dialect
    most_rows: int = MOST_ROWS
    rows: int = 0
    malformed: int = 0
    duplicates: int = 0
    stopped: str = ""
    """Why paging ended before the index said so; '' when it did not."""
    _key: str | None = None
    _done: bool = False
    _keys: set[str] = field(default_factory=set)
    _tail: frozenset[CdxRow] = frozenset()
    _empty_pages: int = 0

    @property
    def next_url(self) -> str | None:
        """Address of the next page, None when there is none."""
        if self._done:
            return None
        return build_query_url(self.archive_url, self.query, self.dialect, self._key)

    def read(self, status: int, body: bytes) -> IndexPage:
        """Return the page, without rows that the page before ended with, and move on.

        Raises as `parse_index_answer` does; the reader then stays where it was.
        """
        page = parse_index_answer(status, body, url=self.next_url or "")
        fresh = tuple(row for row in page.rows if row not in self._tail)
        duplicates = page.duplicates + len(page.rows) - len(fresh)
        self._count(len(fresh), page.malformed, duplicates)
        self._advance(page, len(fresh))
        return IndexPage(
            rows=fresh,
            resume_key=page.resume_key,
            malformed=page.malformed,
            repaired=page.repaired,
            duplicates=duplicates,
        )

    def _count(self, rows: int, malformed: int, duplicates: int) -> None:
        self.rows += rows
        self.malformed += malformed
        self.duplicates += duplicates

    def _advance(self, page: IndexPage, fresh: int) -> None:
        self._tail = _last_group(page.rows) or self._tail
        self._empty_pages = 0 if page.rows else self._empty_pages + 1
        key = page.resume_key
        self._done = key is None
        if key is None:
            self._note_cut(page)
        elif key in self._keys:
            self._stop("the index repeated a resume key" if fresh else "")
        elif self._empty_pages > LONGEST_EMPTY_RUN:
            self._stop("the index sent page after page without rows")
        elif self.rows >= self.most_rows:
            self._stop(f"the index sent more than {self.most_rows:,} rows")
        else:
            self._keys.add(key)
            self._key = key

    def _stop(self, reason: str) -> None:
        self._done = True
        self.stopped = reason

    def _note_cut(self, page: IndexPage) -> None:
        limit = self.query.rows_a_page or PYWB_ROWS_A_PAGE
        if self.dialect is Dialect.PYWB and len(page.rows) + page.duplicates >= limit:
            self.stopped = f"this archive lists no more than {limit} rows"


def _last_group(rows: tuple[CdxRow, ...]) -> frozenset[CdxRow]:
    """Return the rows of the last second: the next page may begin with that second again."""
    if not rows:
        return frozenset()
    last = rows[-1]
    return frozenset(r for r in rows if (r.urlkey, r.timestamp) == (last.urlkey, last.timestamp))


def parse_index_answer(status: int, body: bytes, *, url: str = "") -> IndexPage:
    """Return the rows of an index's answer: JSON arrays, JSON lines, CDXJ or text.

    Status is looked at first, text second, so that a failed answer
    never looks like an empty one.

    Raises BlockedError if the archive does not show the site,
    RateLimitedError on 429, CdxError on all else that is no answer.
    """
    text = body.decode("utf-8", "replace").lstrip("\ufeff")
    if status == 404 and says_no_captures(text):  # pywb's way to say none
        return IndexPage(rows=())
    if status != 200 or text.lstrip()[:1] == "<":
        raise _explain_failure(status, text, url)
    page = _collect(_split_answer(text, url))
    if page.malformed and not page.rows:
        raise _explain_failure(status, text, url)
    return page


def _explain_failure(status: int, text: str, url: str) -> PolicyArchiveError:
    """Return what an answer without rows means: a row may well hold the same words."""
    words = _first_words(text)
    if is_refusal(text):
        return BlockedError(f"The archive does not show this site: {words}", url=url)
    if status == 429:
        return RateLimitedError(f"The index asked us to wait: {url}")
    if status != 200:
        return CdxError(f"The index answered {status}: {words} ({url})", url=url, status=status)
    return CdxError(f"The index answered no row that can be read: {words} ({url})", url=url, status=200)


def _first_words(text: str) -> str:
    return " ".join(text.split())[:160] or "nothing"


@dataclass(frozen=True, kw_only=True)
class _Lines:
    lines: Iterable[Mapping[str, str] | None]
    """Fields by our names; None for a line that is no row."""
    resume_key: str | None = None


def _split_answer(text: str, url: str) -> _Lines:
    if not text.strip():
        return _Lines(lines=())
    if text.lstrip().startswith("["):
        return _split_arrays(text, url)
    lines, key = _split_key(text)
    if text.lstrip().startswith("{"):
        return _Lines(lines=map(_object_fields, lines))
    return _Lines(lines=map(_text_fields, lines), resume_key=key)


def _split_arrays(text: str, url: str) -> _Lines:
    table = _load_table(text, url)
    key = None
    if len(table) >= 2 and table[-2] == [] and isinstance(table[-1], list) and len(table[-1]) == 1:
        key, table = str(table[-1][0]), table[:-2]
    names = CDX_FIELDS
    if table and isinstance(table[0], list) and "urlkey" in table[0] and "timestamp" in table[0]:
        names, table = tuple(table[0]), table[1:]
    return _Lines(lines=(_array_fields(names, row) for row in table), resume_key=key)


def _load_table(text: str, url: str) -> list[Any]:
    """Return the rows; where hostile text in one of them breaks the JSON, None stands for that one.

    Raises CdxError if the end is missing.
    """
    try:
        return list(json.loads(text, strict=False))
    except (ValueError, RecursionError) as error:
        if not _TABLE_END.search(text, max(0, len(text) - 10)):
            raise CdxError(
                f"The index's answer is cut short: {error} ({url})", url=url, status=200
            ) from error
    lines = text.strip()[1:-1].split("\n")  # both servers write a row a line
    return [_load_row(line) for line in lines if line.strip(" \r,")]


def _load_row(line: str) -> object:
    try:
        return json.loads(line.strip().rstrip(","), strict=False)
    except (ValueError, RecursionError):
        return None


def _array_fields(names: tuple[str, ...], row: object) -> Mapping[str, str] | None:
    if not isinstance(row, list) or len(row) != len(names):
        return None
    return {name: str(value) for name, value in zip(names, row, strict=True)}


def _split_key(text: str) -> tuple[list[str], str | None]:
    """Return the lines, and the resume key that stands alone after an empty line."""
    lines = text.removesuffix("\n").split("\n")
    if len(lines) >= 2 and not lines[-2].strip() and lines[-1].strip():
        return lines[:-2], lines[-1].strip()
    return [line for line in lines if line.strip()], None


def _text_fields(line: str) -> Mapping[str, str] | None:
    parts = line.rstrip("\r").split(" ", 2)
    if len(parts) == 3 and parts[2].startswith("{"):  # CDXJ: key, time, JSON
        fields = _object_fields(parts[2])
        return None if fields is None else {**fields, "urlkey": parts[0], "timestamp": parts[1]}
    values = line.rstrip("\r").split(" ")
    return dict(zip(CDX_FIELDS, values, strict=True)) if len(values) == len(CDX_FIELDS) else None


def _object_fields(line: str) -> Mapping[str, str] | None:
    try:
        item = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(item, dict):
        return None
    return dict.fromkeys(CDX_FIELDS, "-") | {_PYWB_NAMES.get(str(k), str(k)): str(v) for k, v in item.items()}


def _collect(answer: _Lines) -> IndexPage:
    latest = format_timestamp(utc_now() + timedelta(days=1))
    rows: dict[CdxRow, None] = {}
    lines = malformed = repaired = 0
    for fields in answer.lines:
        lines += 1
        try:
            row = _row_of(fields, latest)
        except Exception:  # whatever breaks our reading of a line is that line's fault
            malformed += 1
            continue
        repaired += fields is not None and row.timestamp != fields["timestamp"]
        rows[row] = None
    return IndexPage(
        rows=tuple(rows),
        resume_key=answer.resume_key,
        malformed=malformed,
        repaired=repaired,
        duplicates=lines - malformed - len(rows),
    )


def _row_of(fields: Mapping[str, str] | None, latest: str) -> CdxRow:
    """Return the row, checked before waybackpy's snapshot type sees it: that raises on one bad timestamp.

    Raises CdxError if it is no row.
    """
    if fields is None or not set(CDX_FIELDS) <= set(fields):
        raise CdxError("a line of the index has not its seven fields")
    if ")" not in fields["urlkey"] or not _ADDRESS.fullmatch(fields["original"]):
        raise CdxError("a line of the index names no address")
    if any(map(_SURROGATE.search, fields.values())):  # JSON may write half a character, nobody can store it
        raise CdxError("a line of the index is no text")
    timestamp = repair_timestamp(fields["timestamp"])
    if timestamp > latest:
        raise CdxError(f"a line of the index is of the future: {timestamp}")
    snapshot = CDXSnapshot({**fields, "timestamp": timestamp[:12] + min(timestamp[12:], "59")})
    return CdxRow(
        urlkey=sys.intern(snapshot.urlkey),  # a page's rows have much in common
        timestamp=timestamp,
        original=sys.intern(snapshot.original),
        mimetype=sys.intern(snapshot.mimetype or "-"),
        statuscode=snapshot.statuscode if _is_status(snapshot.statuscode) else "-",
        digest=_digest_of(snapshot.digest),
        length=_length_of(snapshot.length),
    )


def _is_status(text: str) -> bool:
    return len(text) == 3 and text.isascii() and text.isdigit()


def _digest_of(text: str) -> str:
    bare = text.removeprefix("sha1:").upper()
    return bare if _DIGEST.fullmatch(bare) else "-"


def _length_of(text: str) -> int | None:
    """Return the length; `-` and the negative ones that the archive really prints are unknown."""
    return parse_count(text)
