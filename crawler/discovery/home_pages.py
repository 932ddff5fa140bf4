"""Which captures of a home page to read: where the documents found do not reach, and between moves.

Replay leads from any instant to the capture nearest to it, which costs a twentieth of an index query: so
captures are looked for where one is wanted (`seek_home_page`). Where an archive does not lead there, the
index lists them all, and `choose_home_rows` chooses among them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from itertools import pairwise

from policy_archive.crawler.core.records import CdxRow, Kind, Outcome
from policy_archive.crawler.core.timestamps import (
    YEAR_SECONDS,
    format_timestamp,
    parse_timestamp,
    seconds_between,
)
from policy_archive.crawler.core.urlkeys import urlkey
from policy_archive.crawler.discovery.index import may_be_text
from policy_archive.crawler.discovery.records import AnswerState, FoundDocument, Looked, VisitedPage

WIDEST_GAP_SECONDS = 2 * YEAR_SECONDS
"""A document without a capture for longer may have stood elsewhere meanwhile."""
SEEN_GAP_SECONDS = YEAR_SECONDS
"""The same, where a look costs no index query, of a document that was captured often before and after."""
OFTEN = 10
"""Captures that a gap would have held at the pace of those before and after it."""
LINK_DIFFERENTLY = "between home pages that link differently"
"""Why a capture is read between two: the policy moved, and a missed address is years of it lost."""
NARROW_SECONDS = YEAR_SECONDS / 2
"""A move is not looked for more closely: the index rows of both addresses date it."""

FIRST_INSTANT = "19900101000000"
"""Before every capture: nearest to it is the first one."""
STEPS = (timedelta(days=30), timedelta(days=120), timedelta(days=365))
"""How far from a capture that was no page the next is looked for: a redirect from http to https has the
page's own key, and mostly the page within twice the first step; a year of errors needs the last."""
LAST_PAGE, FIRST_PAGE = "last home page", "first home page"
"""Why a capture at an end of time is read, whatever else was: without it years have no address."""
MOST_LOOKS = 16  # of one page: each stretch without a capture costs up to three, and stretches are few


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


@dataclass(frozen=True, kw_only=True)
class HomeStep:
    """What to do next about one page that is read for its links; nothing in it: enough is known."""

    looks: tuple[tuple[str, str], ...] = ()
    """(instant of 14 digits, reason)."""
    rows: tuple[tuple[CdxRow, str], ...] = ()
    """(capture to read, reason)."""
    is_unshown: bool = False
    """Replay names no capture that is a page, or does not say: the index has to be asked."""


def seek_home_page(
    looks: Sequence[Looked],
    read: Sequence[VisitedPage],
    documents: Sequence[FoundDocument],
    kinds: Sequence[Kind],
    now: str,
) -> HomeStep:
    """Return which instants of one page to look at, and which captures found so far to read.

    The same as `choose_home_rows` without a list of captures: the last, the first, then middles. `looks`
    are those at this page, `read` what was read of it; `now`: 14 digits of an instant behind all captures.
    """
    if not kinds:
        return HomeStep()
    return _Seeking(tuple(looks), tuple(read), tuple(documents), tuple(kinds), now).step()


@dataclass(frozen=True)
class _Seeking:
    looks: tuple[Looked, ...]
    read: tuple[VisitedPage, ...]
    documents: tuple[FoundDocument, ...]
    kinds: tuple[Kind, ...]
    now: str

    @cached_property
    def found(self) -> dict[str, CdxRow | None]:
        """Instant → the capture nearest to it."""
        return {looked.asked.timestamp: looked.row for looked in self.looks}

    @cached_property
    def pages(self) -> tuple[VisitedPage, ...]:
        return tuple(page for page in self.read if is_page(page))

    @cached_property
    def no_pages(self) -> frozenset[CdxRow]:
        return frozenset(page.row for page in self.read if not is_page(page))

    def step(self) -> HomeStep:
        if any(looked.state is AnswerState.FAILED for looked in self.looks):
            return HomeStep(is_unshown=True)
        ends = self._ends()
        if ends is not None:
            return ends
        if self.found[self.now] is None:
            return HomeStep()
        # who leads elsewhere has no page: where it leads is looked at next
        if not any(map(_leads_elsewhere, self.read)) and any(map(self._is_lost, (self.now, FIRST_INSTANT))):
            return HomeStep(is_unshown=True)
        return self._middle() if self.pages and len(self.looks) < MOST_LOOKS else HomeStep()

    def _is_lost(self, end: str) -> bool:
        """Return whether an end of time was looked at, and nothing near it is a page."""
        if self.found.get(end) is None:
            return False
        nearest = (self.found.get(moment) for moment in self._moments(end, -1 if end == self.now else 1))
        return all(row is None or row in self.no_pages for row in nearest)

    def _ends(self) -> HomeStep | None:
        """Return what is left to do about the last and the first page, None for nothing."""
        if self.now in self.found and self.found[self.now] is None:
            return None
        last = self._next(self._moments(self.now, -1))
        if last is not None:
            return _step_to(last, LAST_PAGE)
        # after the last one: its answer names the first, which costs no look then
        first = None if self._reaches_first() else self._next(self._moments(FIRST_INSTANT, 1))
        return None if first is None else _step_to(first, FIRST_PAGE)

    def _reaches_first(self) -> bool:
        """Return whether documents of all kinds are known from the first capture of the page on."""
        first = self.found.get(FIRST_INSTANT)
        return first is not None and all(
            _reaches(self.documents, kind, first.timestamp, NARROW_SECONDS) for kind in self.kinds
        )

    def _moments(self, end: str, direction: int) -> Iterator[str]:
        """Yield an end of time, and instants behind what turned out to be no page there."""
        yield end
        row = self.found.get(end)
        if row is not None:
            at = parse_timestamp(row.timestamp)
            yield from (format_timestamp(at + direction * step) for step in STEPS)

    def _next(self, moments: Iterable[str], span: tuple[str, str] | None = None) -> str | CdxRow | None:
        """Return the instant to look at or the capture to read for a page of these moments.

        None if that is done, or there is none. `span`: only captures between two times will do.
        """
        for moment in moments:
            if moment not in self.found:
                return moment
            row = self.found[moment]
            if row is not None and span and not span[0] < row.timestamp < span[1]:
                return None  # what lies between them would be nearer
            if row is None or row in self.no_pages:
                continue
            return None if any(page.row == row for page in self.pages) else row
        return None

    def _middle(self) -> HomeStep:
        """Return what to do about the widest stretch that is worth a look, and has a capture."""
        known = {row.timestamp for row in self.found.values() if row and row not in self.no_pages}
        ends = (min(known), max(known))
        stretches = [
            stretch
            for kind in self.kinds
            for stretch in _stretches(self.pages, _times(self.documents, kind), kind, ends, is_paced=True)
        ]
        # moves first: of a kind that no page links to there are fewer pages to read
        stretches.sort(key=lambda one: (one[2] != LINK_DIFFERENTLY, -seconds_between(one[0], one[1])))
        for earlier, later, reason in stretches:
            wanted = self._next(_parts(earlier, later), (earlier, later))
            if wanted is not None:
                return _step_to(wanted, reason)
            if reason == LINK_DIFFERENTLY and self._is_full_of_no_pages(earlier, later):
                return HomeStep(is_unshown=True)
        return HomeStep()

    def _is_full_of_no_pages(self, earlier: str, later: str) -> bool:
        """Return whether all looks between two times led to redirects or errors: the index knows better."""
        rows = [self.found.get(moment) for moment in _parts(earlier, later)]
        return all(row is not None and row in self.no_pages for row in rows)


def _step_to(wanted: str | CdxRow, reason: str) -> HomeStep:
    """Return the step of looking at an instant, or of reading a capture."""
    if isinstance(wanted, str):
        return HomeStep(looks=((wanted, reason),))
    return HomeStep(rows=((wanted, reason),))


def is_page(page: VisitedPage) -> bool:
    """Return whether a capture was read as a page with links, or may be one that could not be read."""
    outcome = page.outcome
    return outcome is None or not (
        outcome is Outcome.REDIRECT or outcome.is_unseen or outcome.shows_no_policy
    )


def _leads_elsewhere(page: VisitedPage) -> bool:
    return page.location is not None and urlkey(page.location) != page.row.urlkey


_PARTS = (0.5, 0.25, 0.75, 0.125, 0.375, 0.625, 0.875)


def _parts(earlier: str, later: str) -> Iterator[str]:
    """Yield the middle between two times, then the middles of halves and of quarters: 14 digits each.

    The later ones are looked at where the captures nearest to the earlier ones are no pages: of some sites'
    home pages two captures of three are redirects to https or errors.
    """
    start, end = parse_timestamp(earlier), parse_timestamp(later)
    yield from (format_timestamp(start + (end - start) * part) for part in _PARTS)


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
    wanted = [(last, LAST_PAGE)]
    if any(not _reaches(documents, kind, first.timestamp) for kind in kinds):
        wanted.append((first, FIRST_PAGE))
    return [(row, reason) for row, reason in dict(wanted).items() if row not in done]


def _reaches(
    documents: Sequence[FoundDocument], kind: Kind, timestamp: str, within_seconds: float = YEAR_SECONDS
) -> bool:
    """Return whether a main document of the kind is known so near to a time."""
    return any(abs(seconds_between(time, timestamp)) <= within_seconds for time in _times(documents, kind))


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
        stretch
        for kind in kinds
        for stretch in _stretches(
            read, _times(documents, kind), kind, (fresh[0].timestamp, fresh[-1].timestamp)
        )
    ]
    for earlier, later, reason in sorted(stretches, key=lambda s: -seconds_between(s[0], s[1])):
        inside = [row for row in fresh if earlier < row.timestamp < later]
        if inside:
            return [(inside[len(inside) // 2], reason)]
    return []


def _stretches(
    read: Sequence[VisitedPage],
    times: Sequence[str],
    kind: Kind,
    ends: tuple[str, str],
    *,
    is_paced: bool = False,
) -> Iterable[tuple[str, str, str]]:
    """Yield (from, to, reason) of times in which a policy may have stood elsewhere."""
    pages = sorted(read, key=lambda page: page.row.timestamp)
    if not times:
        # no link on any page read so far: halve the widest stretch, whatever it is
        marks = [*ends, *(page.row.timestamp for page in pages)]
        yield from ((a, b, "between home pages without a link") for a, b in pairwise(sorted(set(marks))))
        return
    for one, other in pairwise(pages):
        start, end = one.row.timestamp, other.row.timestamp
        if seconds_between(start, end) <= NARROW_SECONDS:
            continue
        differ = _targets(one, kind) != _targets(other, kind)
        if differ and _has_gap(times, start, end, is_paced=is_paced):
            yield start, end, LINK_DIFFERENTLY


def _targets(page: VisitedPage, kind: Kind) -> frozenset[str]:
    return frozenset(urlkey(link.url) for link in page.links if link.kind is kind)


def _has_gap(times: Sequence[str], start: str, end: str, *, is_paced: bool = False) -> bool:
    """Return whether the document was unseen for long somewhere between two times.

    `is_paced`: where it was captured often otherwise, a shorter time is long.
    """
    marks = [start, *(time for time in times if start < time < end), end]
    gaps = [seconds_between(a, b) for a, b in pairwise(marks)]
    if max(gaps) > WIDEST_GAP_SECONDS or not is_paced or len(times) < OFTEN:
        return max(gaps) > WIDEST_GAP_SECONDS
    pace = sorted(seconds_between(a, b) for a, b in pairwise(times))[(len(times) - 1) // 2]
    return max(gaps) > max(SEEN_GAP_SECONDS, OFTEN * pace)


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
