"""The index: which rows match a query, in which order, and where the next page begins."""

from __future__ import annotations

import base64
import re
import zlib
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from urllib.parse import quote_plus, unquote_plus

from policy_archive.crawler.core.records import CDX_FIELDS, CdxRow
from policy_archive.crawler.core.urlkeys import urlkey

_BLANK = re.compile("[\0-\x20\x7f]")
MAXIMUM_ROWS = 150_000
"""`queryMaxLimit` of internetarchive/wayback, wayback-cdx-server-servlet.xml."""


class BadQueryError(Exception):
    """The query cannot be meant: answered with 400 and this sentence."""


@dataclass(frozen=True, kw_only=True)
class Query:
    """A search, as the parameters of /cdx/search/cdx give it."""

    url: str
    match_type: str = "exact"
    from_timestamp: str = ""
    to_timestamp: str = ""
    filters: tuple[str, ...] = ()
    collapse: tuple[str, ...] = ()
    limit: int = 0
    """0: all; negative: the last ones."""
    offset: int = 0
    sort: str = "regular"
    closest: str = ""
    resume_key: str = ""


Line = tuple[str, ...]
"""A row as it is printed: seven fields in the order of CDX_FIELDS."""


@dataclass(frozen=True, kw_only=True)
class Page:
    """An answer of the index before it is written down."""

    lines: tuple[Line, ...]
    next_key: str | None = None
    """Set when the limit cut the answer."""


class Index:
    """All rows, ordered by urlkey and timestamp."""

    def __init__(self, rows: Iterable[CdxRow]) -> None:
        self.rows: Sequence[CdxRow] = sorted(rows, key=_place_of)
        self._places: Sequence[tuple[str, str]] = [_place_of(row) for row in self.rows]

    @classmethod
    def of_sorted(cls, rows: Sequence[CdxRow], places: Sequence[tuple[str, str]]) -> Index:
        """Return an index of rows that are in order; no copy is made. `places`: their keys and times."""
        index = cls(())
        index.rows, index._places = rows, places
        return index

    def captures_of(self, key: str) -> list[CdxRow]:
        """Return the rows of one urlkey, oldest first."""
        key = quote_key(key)
        first, last = bisect_left(self._places, (key,)), bisect_left(self._places, (f"{key}\0",))
        return list(self.rows[first:last])

    def search(self, query: Query) -> Page:
        """Return the lines that match, and the key of the next page when the limit was reached.

        Order of work as in internetarchive/wayback: offset, dates, filters,
        collapse, limit.

        Raises BadQueryError for a filter, collapse or limit that cannot be read.
        """
        lines = _collapse(self._iter_matching(query), query.collapse)
        if query.limit < 0:
            return Page(lines=tuple(deque(lines, -query.limit)))
        limit = query.limit or MAXIMUM_ROWS
        page = tuple(islice(lines, limit))
        return Page(lines=page, next_key=build_new_key(page[-1]) if len(page) == limit else None)

    def _iter_matching(self, query: Query) -> Iterator[Line]:
        tests = [_parse_filter(text) for text in query.filters]
        for row in islice(self._iter_ordered(query), query.offset, None):
            line = format_line(row)
            if _within(row.timestamp, query) and all(test(line) for test in tests):
                yield line

    def _iter_ordered(self, query: Query) -> Iterator[CdxRow]:
        first, last = self._range_of(query)
        if query.sort == "reverse":
            return (self.rows[number] for number in range(last - 1, first - 1, -1))
        if query.sort == "closest":
            near = sorted(
                range(first, last), key=lambda number: _distance(self._places[number][1], query.closest)
            )
            return (self.rows[number] for number in near)
        if query.resume_key:
            first = max(first, self._resume_at(query))
        return (self.rows[number] for number in range(first, last))

    def _range_of(self, query: Query) -> tuple[int, int]:
        low, high = _key_range(query)
        return bisect_left(self._places, (low,)), bisect_left(self._places, (high,))

    def _resume_at(self, query: Query) -> int:
        """Return the number of the first row behind a resume key.

        The new key names the last row's second as it is: that second is given
        again, since rows of it may be left, unless it alone would fill the page.
        """
        key, timestamp = read_key(query.resume_key)
        again = bisect_left(self._places, (key, timestamp))
        behind = bisect_right(self._places, (key, timestamp))
        return behind if behind - again >= (query.limit or MAXIMUM_ROWS) else again


def _place_of(row: CdxRow) -> tuple[str, str]:
    return quote_key(row.urlkey), row.timestamp


def quote_key(key: str) -> str:
    """Return a key without blanks, which part the fields of an index: only what is no address has some.

    >>> quote_key("com,example)/a"), quote_key("no address")
    ('com,example)/a', 'no%20address')
    """
    return _BLANK.sub(lambda match: f"%{ord(match[0]):02X}", key)


def format_line(row: CdxRow) -> Line:
    """Return the seven fields as text, `-` for an unknown length."""
    length = "-" if row.length is None else str(row.length)
    return (row.urlkey, row.timestamp, row.original, row.mimetype, row.statuscode, row.digest, length)


def build_key(url: str) -> str:
    """Return the urlkey of whatever a client sent.

    Raises BadQueryError if it is no address.
    """
    key = urlkey(url)
    if ")" not in key:
        raise BadQueryError(f"bad url: {url}")
    return key


def _key_range(query: Query) -> tuple[str, str]:
    """Return the urlkeys between which the rows lie, the second excluded."""
    key = quote_key(build_key(query.url))
    host = key.partition(")")[0]
    match query.match_type:
        case "exact":
            return key, f"{key}\0"
        case "prefix":
            # the canonical form drops a closing slash, but a prefix means it
            key += "/" if query.url.endswith("/") and not key.endswith("/") else ""
            return key, f"{key}\U0010ffff"
        case "host":
            return f"{host})", f"{host}*"
        case "domain":
            return f"{host})", f"{host}-"
    raise BadQueryError(f"unknown matchType: {query.match_type}")


def _within(timestamp: str, query: Query) -> bool:
    """Return whether a timestamp lies in the dates asked for; `to=2004` means the whole year."""
    end = query.to_timestamp
    return timestamp >= query.from_timestamp and (not end or timestamp <= end or timestamp.startswith(end))


def _distance(timestamp: str, closest: str) -> int:
    wanted = closest.ljust(14, "0")[:14]
    return abs(int(timestamp) - int(wanted)) if wanted.isdigit() else 0


def _parse_filter(text: str) -> Callable[[Line], bool]:
    """Return the test of `[!][~]field:pattern`.

    The pattern matches the whole field; with `~` it is a substring; without a
    field the whole line is meant; `!` negates.
    """
    flags = re.match("[!~]*", text)
    prefix = flags[0] if flags else ""
    field, colon, pattern = text[len(prefix) :].partition(":")
    number = _field_number(field) if colon else None
    wanted = pattern if colon else text[len(prefix) :]
    negated = "!" in prefix
    if "~" in prefix:
        return lambda line: (wanted in _subject(line, number)) != negated
    try:
        expression = re.compile(wanted)
    except re.error as error:
        raise BadQueryError(f"bad filter: {text}") from error
    return lambda line: bool(expression.fullmatch(_subject(line, number))) != negated


def _subject(line: Line, number: int | None) -> str:
    return " ".join(line) if number is None else line[number]


def _field_number(field: str) -> int:
    if field in CDX_FIELDS:
        return CDX_FIELDS.index(field)
    if field.isdigit() and int(field) < len(CDX_FIELDS):
        return int(field)
    raise BadQueryError(f"unknown field: {field}")


def _collapse(lines: Iterator[Line], collapsers: tuple[str, ...]) -> Iterator[Line]:
    """Return the lines whose collapse fields all differ from those of the line before."""
    cuts = [_parse_collapse(text) for text in collapsers]
    if not cuts:
        return lines
    return _iter_changed(lines, cuts)


def _iter_changed(lines: Iterator[Line], cuts: list[tuple[int, int | None]]) -> Iterator[Line]:
    before: list[str | None] = [None] * len(cuts)
    for line in lines:
        now = [line[number][:length] for number, length in cuts]
        if all(new != old for new, old in zip(now, before, strict=True)):
            yield line
        before = [*now]


def _parse_collapse(text: str) -> tuple[int, int | None]:
    field, colon, length = text.partition(":")
    if colon and not length.isdigit():
        raise BadQueryError(f"bad collapse: {text}")
    return _field_number(field), int(length) if colon else None


def build_new_key(line: Line) -> str:
    """Return a resume key as printed since 2026: base64url of the deflated urlkey and timestamp."""
    return base64.urlsafe_b64encode(zlib.compress(f"{line[0]} {line[1]}".encode())).decode()


def build_old_key(line: Line) -> str:
    """Return a resume key as the Java server printed it: form-encoded, last character plus one."""
    timestamp = line[1][:-1] + chr(ord(line[1][-1]) + 1)
    return quote_plus(f"{line[0]} {timestamp}")


def read_key(key: str) -> tuple[str, str]:
    """Return urlkey and timestamp of a resume key in either form.

    Raises BadQueryError if it is none.
    """
    try:
        text = zlib.decompress(base64.urlsafe_b64decode(key)).decode()
    except (ValueError, zlib.error):
        text = unquote_plus(key)
    urlkey_part, space, timestamp = text.partition(" ")
    if not space:
        raise BadQueryError("bad resumeKey")
    return urlkey_part, timestamp
