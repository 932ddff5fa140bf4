"""Which captures of a home page to read: where the documents found do not reach, and between moves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from policy_archive.crawler.core.records import CdxRow, Kind
from policy_archive.crawler.core.timestamps import YEAR_SECONDS, seconds_between
from policy_archive.crawler.core.urlkeys import urlkey
from policy_archive.crawler.discovery.index import may_be_text
from policy_archive.crawler.discovery.records import FoundDocument, VisitedPage

WIDEST_GAP_SECONDS = 2 * YEAR_SECONDS
"""A document without a capture for longer may have stood elsewhere meanwhile."""
LINK_DIFFERENTLY = "between home pages that link differently"
"""Why a capture is read between two: the policy moved, and a missed address is years of it lost."""
NARROW_SECONDS = YEAR_SECONDS / 2
"""A move is not looked for more closely: the index rows of both addresses date it."""


def choose_home_rows(
    rows: Sequence[CdxRow],
    read: Sequence[VisitedPage],
    documents: Sequence[FoundDocument],
    kinds: Sequence[Kind],
) -> list[tuple[CdxRow, str]]:
    """Return the captures of a home page to read next, with reasons; [] when enough is known.

    The last comes first, whatever is known: it names the address of today, and that of yesterday may have
    ended months ago. Then the first, unless the documents reach back to it, then the
    middle between two that link differently, or between links and a stretch that nothing covers.
    """
    usable = _usable(rows)
    fresh = [row for row in usable if row not in {page.row for page in read}]
    if not fresh or not kinds:
        return []
    ends = _ends(usable, read, documents, kinds)
    return ends or _middle(fresh, read, documents, kinds)


def _usable(rows: Sequence[CdxRow]) -> list[CdxRow]:
    """Return rows that may be a page with links; where there are none, redirects."""
    ordered = sorted(rows, key=lambda row: row.timestamp)
    pages = [row for row in ordered if row.statuscode in ("200", "-") and may_be_text(row)]
    return pages or [row for row in ordered if row.statuscode.startswith("3")][-1:]


def _ends(
    usable: Sequence[CdxRow],
    read: Sequence[VisitedPage],
    documents: Sequence[FoundDocument],
    kinds: Sequence[Kind],
) -> list[tuple[CdxRow, str]]:
    if len(read) >= 2 or (read and len(usable) == 1):
        return []
    first, last = usable[0], usable[-1]
    done = {page.row for page in read}
    wanted = [(last, "last home page")]
    if any(not _reaches(documents, kind, first.timestamp) for kind in kinds):
        wanted.append((first, "first home page"))
    return [(row, reason) for row, reason in dict(wanted).items() if row not in done]


def _reaches(documents: Sequence[FoundDocument], kind: Kind, timestamp: str) -> bool:
    """Return whether a main document of the kind is known within a year of a time."""
    return any(abs(seconds_between(time, timestamp)) <= YEAR_SECONDS for time in _times(documents, kind))


def _times(documents: Sequence[FoundDocument], kind: Kind) -> list[str]:
    """Return times at which the main document of a kind was seen."""
    times: set[str] = set()
    for document in documents:
        if document.document.kind is not kind or document.document.name:
            continue
        for address in document.addresses:
            times |= {time for time in (address.first_seen, address.last_seen) if time}
            times |= {row.timestamp for row in address.rows if row.statuscode in ("200", "-")}
    return sorted(times)


def _middle(
    fresh: Sequence[CdxRow],
    read: Sequence[VisitedPage],
    documents: Sequence[FoundDocument],
    kinds: Sequence[Kind],
) -> list[tuple[CdxRow, str]]:
    """Return the capture in the middle of the widest stretch that is worth a look, at most one."""
    stretches = [
        stretch for kind in kinds for stretch in _stretches(read, _times(documents, kind), kind, fresh)
    ]
    for earlier, later, reason in sorted(stretches, key=lambda s: -seconds_between(s[0], s[1])):
        inside = [row for row in fresh if earlier < row.timestamp < later]
        if inside:
            return [(inside[len(inside) // 2], reason)]
    return []


def _stretches(
    read: Sequence[VisitedPage], times: Sequence[str], kind: Kind, fresh: Sequence[CdxRow]
) -> Iterable[tuple[str, str, str]]:
    """Yield (from, to, reason) of times in which a policy may have stood elsewhere."""
    pages = sorted(read, key=lambda page: page.row.timestamp)
    if not times:
        # no link on any page read so far: halve the widest stretch, whatever it is
        marks = [fresh[0].timestamp, *(p.row.timestamp for p in pages), fresh[-1].timestamp]
        yield from ((a, b, "between home pages without a link") for a, b in pairwise(sorted(set(marks))))
        return
    for one, other in pairwise(pages):
        start, end = one.row.timestamp, other.row.timestamp
        if seconds_between(start, end) <= NARROW_SECONDS:
            continue
        differ = _targets(one, kind) != _targets(other, kind)
        if differ and _has_gap(times, start, end):
            yield start, end, LINK_DIFFERENTLY


def _targets(page: VisitedPage, kind: Kind) -> frozenset[str]:
    return frozenset(urlkey(link.url) for link in page.links if link.kind is kind)


def _has_gap(times: Sequence[str], start: str, end: str) -> bool:
    """Return whether the document was unseen for long somewhere between two times."""
    marks = [start, *(time for time in times if start < time < end), end]
    return any(seconds_between(a, b) > WIDEST_GAP_SECONDS for a, b in pairwise(marks))


def uncovered_kinds(
    documents: Sequence[FoundDocument], home_rows: Sequence[CdxRow], kinds: Sequence[Kind]
) -> frozenset[Kind]:
    """Return the kinds whose main document was not seen for long while the home page was captured."""
    pages = sorted(row.timestamp for row in home_rows if row.statuscode in ("200", "-"))
    uncovered = set()
    for kind in kinds:
        times = _times(documents, kind)
        if not times or (pages and pages[-1] > times[-1] and _has_gap(times, times[-1], pages[-1])):
            uncovered.add(kind)
    return frozenset(uncovered)
