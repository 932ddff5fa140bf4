"""Lists of sites: one domain a line, or CSV with a rank (Tranco, Alexa, Umbrella, Majestic, CrUX)."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import TypeVar

from policy_archive.crawler.core.errors import UsageError
from policy_archive.crawler.core.urls import is_address, parse_site, strip_replay
from policy_archive.crawler.discovery.addresses import parse_part

_DELIMITERS = (",", "\t", ";")
_MARK = "\ufeff"  # some programs begin their files with it

_Item = TypeVar("_Item")


@dataclass(frozen=True, kw_only=True)
class ListedSite:
    """One line that names a site."""

    number: int
    """Of the line, from 1."""
    site: str
    """As `parse_site` returns it."""
    url: str | None = None
    """The line's page, when it names one and not a bare site; never in a ranked list."""
    rank: int | None = None


@dataclass(frozen=True, kw_only=True)
class BadLine:
    """One line that names no site."""

    number: int
    text: str
    reason: str
    """One sentence for people."""


def iter_sites(lines: Iterable[str]) -> Iterator[ListedSite | BadLine]:
    """Yield what each line of a list names; each site or page once, in the order of the list.

    Empty lines, comments (`# …`) and a heading are passed over. In a line of several
    cells the site is the first that may be one, its rank the first whole number; the old
    Alexa lists rank pages (`example.com/~user`), of which the host is taken.
    """
    seen: set[tuple[str, str | None]] = set()
    for number, line in zip(count(1), lines, strict=False):
        text = line.lstrip(_MARK).strip()
        if not text or text.startswith("#"):
            continue
        item = _read_line(number, text)
        if isinstance(item, BadLine):
            if number == 1 and _is_heading(text):
                continue
        elif (item.site, item.url) in seen:
            continue
        else:
            seen.add((item.site, item.url))
        yield item


def _read_line(number: int, text: str) -> ListedSite | BadLine:
    cells = _split(text)
    rank = next((int(cell) for cell in cells if cell.isascii() and cell.isdigit()), None)
    name = strip_replay(max(cells, key=lambda cell: ("." in cell, not cell.isdigit())))
    try:
        site = parse_site(name)
        page = parse_part(name) if len(cells) == 1 and is_address(name) else None
    except UsageError as error:
        return BadLine(number=number, text=text[:80], reason=str(error))
    return ListedSite(number=number, site=site, url=page, rank=rank)


def _split(text: str) -> list[str]:
    """Return the cells of a line; an address is one cell, though it may hold commas."""
    if is_address(text) and "://" in text.partition(",")[0]:
        head = text.partition(",")
        if not head[2].strip().isdigit():
            return [text]
    delimiter = next((mark for mark in _DELIMITERS if mark in text), None)
    if delimiter is None:
        return [text]
    try:
        cells = next(csv.reader([text], delimiter=delimiter))
    except csv.Error:  # a lone carriage return, a cell of 131,072 characters: no cells, and no site either
        return [text]
    return [cell.strip() for cell in cells if cell.strip()] or [text]


def _is_heading(text: str) -> bool:
    """Return whether a first line names columns: words, none of them with a dot or a digit alone."""
    return not any("." in cell or cell.isdigit() for cell in _split(text))
