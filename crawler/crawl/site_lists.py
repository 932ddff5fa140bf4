"""Lists of sites, as people have them: one domain a line, or a table out of a spreadsheet or a ranking.

Tables are parted by commas, semicolons, tabs or bars; rankings are those of Tranco, Alexa, Umbrella, Majestic
and CrUX. What parts the cells and which of them holds the site is learnt from the first lines.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from typing import BinaryIO

from policy_archive.crawler.core.errors import UsageError
from policy_archive.crawler.core.urls import is_address, parse_site, strip_replay
from policy_archive.crawler.discovery.addresses import parse_part, read_address

_DELIMITERS = ("\t", ";", ",", "|")
_MARK = "\ufeff"  # some programs begin their files with it
_LOOKED_AT = 50  # lines from which a table's form is learnt
_SNIFFED_BYTES = 65_536
_CONSISTENT = 0.8  # share of lines that have a delimiter, where it is one
_EXCEL_HINT = re.compile(r"sep=([;,|]?)", re.IGNORECASE)  # a tab at the end is gone by then
"""A first line by which Excel is told what parts the cells."""
_SITE_HEADINGS = (
    "domain", "site", "website", "web site", "host", "hostname", "origin", "homepage", "home page",
    "webseite", "sitio web", "site web", "sito web", "strona", "сайт", "サイト", "网站", "網站", "web",
)  # fmt: skip
_PAGE_HEADINGS = ("url", "uri", "page", "link", "address of policy", "policy", "privacy policy", "terms")
_OTHER_HEADINGS = (
    "company", "name", "organisation", "organization", "firm", "firma", "unternehmen", "société",
    "entreprise", "empresa", "azienda", "bedrijf", "företag", "会社", "公司",
    "country", "sector", "industry", "rank",
)  # fmt: skip
_RANK_HEADING = re.compile(r"\b(global)?rank\b|^(#|no\.?|nr\.?|position)$|^(global|tld)rank$", re.IGNORECASE)
_WORKBOOKS = {
    b"PK\x03\x04": "a workbook (.xlsx, .ods) or another zip file",
    b"\xd0\xcf\x11\xe0": "a workbook (.xls)",
}
_FILE_ENDING = re.compile(r"\.[a-z]{2,5}$", re.IGNORECASE)


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


@dataclass(frozen=True, kw_only=True)
class _Form:
    """How a list is written."""

    delimiter: str | None = None
    """None: each line is one cell."""
    heading: tuple[str, ...] = ()
    """The names of the columns, () for none."""
    column: int | None = None
    """Which cell holds the site, from 0; None: whichever may be one."""
    chosen: bool = False
    """Whether the user named the column, so that no other is looked into."""
    pages: bool = False
    """Whether the column holds pages that are meant themselves."""


def decode_list(file: BinaryIO, *, name: str = "the list") -> Iterator[str]:
    """Return the lines of a list's file, whatever program wrote it: UTF-8, UTF-16, or Windows-1252.

    Read as they are asked for. `name` is the file's in messages.

    Raises UsageError for a workbook: its sheet has to be saved as CSV.
    """
    beginning = file.read(_SNIFFED_BYTES)
    for mark, what in _WORKBOOKS.items():
        if beginning.startswith(mark):
            raise UsageError(
                f"{name} is {what}, no text: save its sheet as CSV "
                "(in a spreadsheet: File, Save as, CSV UTF-8) and give that file."
            )
    rest = iter(partial(file.read, _SNIFFED_BYTES), b"")
    return _lines(chain((beginning,), rest), _encoding_of(beginning))


def _encoding_of(beginning: bytes) -> str:
    if beginning.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    even, odd = beginning[::2].count(0), beginning[1::2].count(0)
    if max(even, odd) > len(beginning) // 4:
        return "utf-16-le" if odd > even else "utf-16-be"
    try:
        _decoder("utf-8", "strict").decode(beginning)  # a character cut at the end is no fault
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _decoder(encoding: str, errors: str) -> io.IncrementalNewlineDecoder:
    return io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(encoding)(errors), translate=True)


def _lines(pieces: Iterable[bytes], encoding: str) -> Iterator[str]:
    decoder = _decoder(encoding, "replace")
    kept = ""
    for piece in pieces:
        *whole, kept = (kept + decoder.decode(piece)).split("\n")
        yield from whole
    kept += decoder.decode(b"", final=True)
    if kept:
        yield kept


def iter_sites(lines: Iterable[str], *, column: str | None = None) -> Iterator[ListedSite | BadLine]:
    """Yield what each line of a list names; each site or page once, in the order of the list.

    Empty lines, comments (`# …`) and a heading are passed over. `column`: the name or the number (from 1)
    of the cell that holds the site; without it a heading tells, or what the cells look like, with addresses
    before bare names. In a table without ranks an address that is a policy's is the page that is meant, as is
    any of a column that `column` names or that is headed `url`; else its site. The old Alexa lists rank pages
    (`example.com/~user`), of which the host is taken.

    Raises UsageError if the list has no such column.
    """
    numbered = ((number, line.lstrip(_MARK).strip()) for number, line in enumerate(lines, 1))
    told = ((number, text) for number, text in numbered if text and not text.startswith("#"))
    first = list(islice(told, _LOOKED_AT))
    form, skipped = _learn([text for _, text in first], column)
    seen: set[tuple[str, str | None]] = set()
    for number, text in chain(first[skipped:], told):
        item = _read_line(number, text, form)
        if isinstance(item, ListedSite):
            if (item.site, item.url) in seen:
                continue
            seen.add((item.site, item.url))
        yield item


# The form of a list


def _learn(texts: list[str], column: str | None) -> tuple[_Form, int]:
    """Return how a list is written, and how many of its first lines say that and name no site."""
    hint = _EXCEL_HINT.fullmatch(texts[0]) if texts else None
    texts = texts[1:] if hint else texts
    delimiter = (hint[1] or "\t") if hint else _find_delimiter(texts)
    rows = [_split(text, delimiter) for text in texts]
    heading = tuple(rows[0]) if rows and _is_heading(rows[0]) else ()
    rows = rows[1:] if heading else rows
    index, pages = _find_column(rows, heading, column)
    form = _Form(delimiter=delimiter, heading=heading, column=index, chosen=column is not None, pages=pages)
    return form, bool(hint) + bool(heading)


def _find_delimiter(texts: list[str]) -> str | None:
    """Return what parts the cells of most lines, as often in each; None for a plain list."""
    counts = {mark: [len(_split(text, mark)) for text in texts] for mark in _DELIMITERS}
    for mark, cells in counts.items():
        parted = [number for number in cells if number > 1]
        if not parted or len(parted) < _CONSISTENT * len(cells):
            continue
        usual = Counter(parted).most_common(1)[0][1]
        regular = mark == "\t" or usual >= len(parted) / 2
        if regular and not _is_part_of_addresses(texts, mark):
            return mark
    return None


def _is_part_of_addresses(texts: list[str], mark: str) -> bool:
    """Return whether a mark stands within addresses, and parts nothing: `https://x.org/0,1518,7.html`."""
    if _is_heading(_split(texts[0], mark)):
        return False
    return 2 * sum(_is_one_address(text, mark) for text in texts) > len(texts)


def _is_one_address(text: str, mark: str) -> bool:
    head, _, rest = text.partition(mark)
    if "://" not in head and not is_address(head):
        return False
    own = rest.strip()
    if not own or own.isdigit() or re.search(r'[\s"]|^[A-Z]', own):
        return False  # a rank, or somebody's name
    return mark == "," or "=" in own or "/" in own or _FILE_ENDING.search(own) is not None


def _split(text: str, delimiter: str | None) -> list[str]:
    """Return the cells of a line."""
    if delimiter is None:
        return [text.strip('"').strip()]
    try:
        cells = next(csv.reader([text], delimiter=delimiter, skipinitialspace=True))
    except csv.Error:  # a lone carriage return, a cell of 131,072 characters: no cells, and no site either
        return [text]
    return [cell.strip() for cell in cells]


def _is_heading(cells: list[str]) -> bool:
    """Return whether a first line names columns: words, none of them a site or a number."""
    if not any(cells) or any(cell.isdigit() or _site_of(cell) for cell in cells):
        return False
    if not {cell.casefold() for cell in cells}.isdisjoint(
        (*_SITE_HEADINGS, *_PAGE_HEADINGS, *_OTHER_HEADINGS)
    ):
        return True
    if len(cells) == 1:
        return "." not in cells[0] and " " not in cells[0]
    # a company whose cell for the site holds no site looks much the same, and is not to be lost in silence
    return all(cell and not re.search(r"[./\d]", cell) for cell in cells)


def _find_column(
    rows: list[list[str]], heading: tuple[str, ...], wanted: str | None
) -> tuple[int | None, bool]:
    """Return which cell holds the site, and whether it is a page's that is meant itself."""
    if wanted is not None:
        return _named_column(rows, heading, wanted), True
    names = [name.casefold() for name in heading]
    for known, pages in ((_PAGE_HEADINGS, True), (_SITE_HEADINGS, False)):
        for name in known:
            if name in names and _holds_sites(rows, names.index(name)):
                return names.index(name), pages
    width = max(map(len, rows), default=0)
    best = max(range(width), key=lambda index: _score(rows, index), default=None)
    return (best if best is not None and width > 1 and any(_score(rows, best)) else None), False


def _named_column(rows: list[list[str]], heading: tuple[str, ...], wanted: str) -> int:
    names = [name.casefold() for name in heading]
    if wanted.strip().casefold() in names:
        return names.index(wanted.strip().casefold())
    width = max((len(heading), *map(len, rows)))
    if wanted.strip().isdecimal() and 1 <= int(wanted) <= width:
        return int(wanted) - 1
    has = f"it has {', '.join(filter(None, heading))}" if heading else "it has no line of names"
    raise UsageError(f"The list has no column {wanted[:80]!r}: {has}, and {width} columns by number, from 1.")


def _holds_sites(rows: list[list[str]], index: int) -> bool:
    return not rows or _score(rows, index)[0] > 0


def _score(rows: list[list[str]], index: int) -> tuple[int, int]:
    """Return how many cells of a column name a site, and how many of them with an address's marks."""
    cells = [row[index] for row in rows if len(row) > index and _site_of(row[index])]
    return len(cells), sum(_is_marked(cell) for cell in cells)


def _is_marked(cell: str) -> bool:
    """Return whether a cell is an address beyond doubt: `Amazon.com` may be a name."""
    return "://" in cell or cell.lower().startswith("www.") or is_address(cell)


def _site_of(cell: str) -> str | None:
    """Return the site that a cell names, None for a name, a number, an e-mail address."""
    if "." not in cell or ("@" in cell and "://" not in cell):
        return None
    try:
        return parse_site(strip_replay(cell))
    except UsageError:
        return None


# A line


def _read_line(number: int, text: str, form: _Form) -> ListedSite | BadLine:
    cells = _split(text, form.delimiter)
    if form.delimiter is None and not _site_of(cells[0]):
        cells = next(filter(_any_site, (_split(text, mark) for mark in _DELIMITERS)), cells)
    name = _choose(cells, form)
    if not name:
        reason = f"its cell of the column {_describe_column(form)} is empty."
        return BadLine(number=number, text=text[:80], reason=reason)
    rank = _rank_of(cells, form)
    try:
        site = parse_site(name)
        page = parse_part(name) if _means_page(name, form, rank) else None
    except UsageError as error:
        return BadLine(number=number, text=text[:80], reason=str(error))
    return ListedSite(number=number, site=site, url=page, rank=rank)


def _any_site(cells: list[str]) -> bool:
    return any(map(_site_of, cells))


def _choose(cells: list[str], form: _Form) -> str:
    """Return the cell that names the site, or should; '' where that is empty."""
    own = cells[form.column] if form.column is not None and form.column < len(cells) else ""
    if form.chosen or (own and _site_of(own)):
        return strip_replay(own)
    named = [cell for cell in cells if _site_of(cell)]
    if form.column is None or len(named) == 1:
        return strip_replay(max(named or cells, key=lambda cell: ("." in cell, not cell.isdigit())))
    return strip_replay(own)


def _describe_column(form: _Form) -> str:
    index = form.column or 0
    return repr(form.heading[index]) if index < len(form.heading) else str(index + 1)


def _rank_of(cells: list[str], form: _Form) -> int | None:
    """Return a line's rank: the first whole number, in a table with a heading one that it calls so."""
    for index, cell in enumerate(cells):
        called = index < len(form.heading) and _RANK_HEADING.search(form.heading[index])
        if cell.isascii() and cell.isdigit() and (called or not form.heading) and index != form.column:
            return int(cell)
    return None


def _means_page(name: str, form: _Form, rank: int | None) -> bool:
    if not is_address(name) or rank is not None:
        return False
    address = name if "://" in name else f"https://{name}"
    return form.delimiter is None or form.pages or read_address(address) is not None
