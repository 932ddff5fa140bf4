"""A document's history as one SVG: how long each version was and stood, what kind of change began it, what
lies between two captures, and how often it was captured.

Made on the server, styled by the page's stylesheet, readable without JavaScript; each
version is a link, so that it is reached by keyboard and named by a screen reader. A class of
change has a shape beside its colour: who sees no colours loses nothing.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from html import escape

from policy_archive.crawler.core.plurals import plural
from policy_archive.crawler.core.timestamps import parse_timestamp

_GAP_DAYS = 366
"""No capture for longer than this is shown as a gap."""
_LANES = 3
_LANE_HEIGHT = 13
_FEWEST_MARK_PIXELS = 11
"""Marks nearer to each other than this stand in lanes above each other."""
_FEWEST_LABEL_PIXELS = 17
_LEFT, _RIGHT = 8, 10
_BARS_HEIGHT = 96
_HEAT_HEIGHT = 9
_NUMBERS_Y = 12
_LANES_Y = _NUMBERS_Y + 9
_MONTHS_ARE_NAMED_DAYS = 3 * 366
_NARROWEST_CELL_DAYS = 7
_FEWEST_DAYS = 28
"""A history of less is drawn as if it had this many: days apart, not seconds."""
_MONTH_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SHAPES = {
    "rewritten": "M{x} {top}l6 6l-6 6l-6 -6z",
    "substantive": "M{x} {top}m-5 6a5 5 0 1 0 10 0a5 5 0 1 0 -10 0z",
    "small": "M{x} {top}m-3.5 6a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0z",
    "dates": "M{x} {top}m-4 5h8v2h-8z",
    "links": "M{x} {top}m-3 3h6v6h-6z",
    "returned": "M{x} {top}m4 1v10l-8 -5z",
    "of-page": "M{x} {top}m-1.5 4.5h3v3h-3z",
}
"""Each about its middle, twelve pixels high; the stylesheet fills some and draws round the others."""
MARKS = {
    "rewritten": "rewritten",
    "substantive": "what it says changed",
    "small": "a few words",
    "dates": "dates alone",
    "links": "links alone",
    "returned": "an earlier text again",
    "of-page": "not of the policy itself",
}
"""What the signs above the bars mean, the weightiest first."""


@dataclass(frozen=True, kw_only=True)
class Span:
    """One version on the timeline. Timestamps have 14 digits."""

    number: int | None
    """None for somebody else's text."""
    first: str
    last: str
    changed_after: str | None
    words: int
    label: str
    """What a screen reader says, and a pointer shows."""
    href: str | None
    mark: str | None
    """What kind of change began it, of MARKS; None for what no change began, or a foreign text."""
    tone: str = ""
    """`returned`, `foreign`: a class of the stylesheet."""


@dataclass(frozen=True, kw_only=True)
class Tick:
    """One row of the index. `fetched` ones were read."""

    timestamp: str
    fetched: bool
    junk: bool = False


@dataclass(frozen=True, kw_only=True)
class Mark:
    """Something that happened: the document moved to another address."""

    timestamp: str
    label: str


@dataclass(frozen=True, kw_only=True)
class Gap:
    """A long time without a capture, between two. Timestamps have 14 digits."""

    before: str
    after: str

    @property
    def days(self) -> int:
        return (parse_timestamp(self.after) - parse_timestamp(self.before)).days

    @property
    def words(self) -> str:
        return f"no capture for {self.days:,} days, {_day(self.before)} to {_day(self.after)}"


def find_gaps(stamps: Iterable[str]) -> list[Gap]:
    """Return where more than a year lies between two captures, in order of time."""
    return [
        gap
        for before, after in itertools.pairwise(sorted(stamps))
        if after[:4] > before[:4] and (gap := Gap(before=before, after=after)).days > _GAP_DAYS
    ]


@dataclass(frozen=True, kw_only=True)
class Window:
    """The time that is drawn."""

    start: datetime
    end: datetime

    @property
    def days(self) -> float:
        return (self.end - self.start) / timedelta(days=1)

    def overlaps(self, first: str, last: str) -> bool:
        return parse_timestamp(first) <= self.end and parse_timestamp(last) >= self.start


def whole_years(first: int, last: int) -> Window:
    """Return the time from the first of January of a year to the end of another."""
    return Window(start=datetime(first, 1, 1, tzinfo=UTC), end=datetime(last + 1, 1, 1, tzinfo=UTC))


@dataclass(frozen=True, kw_only=True)
class History:
    """All that a picture shows."""

    spans: Sequence[Span]
    ticks: Sequence[Tick]
    marks: Sequence[Mark] = ()
    title: str = ""
    year_address: Callable[[int], str] | None = None
    """Where a year on the axis leads, to be seen alone; None where it leads nowhere."""

    @property
    def stamps(self) -> list[str]:
        return [tick.timestamp for tick in self.ticks] + [
            stamp for span in self.spans for stamp in (span.first, span.last)
        ]


def draw_timeline(
    history: History, *, window: Window | None = None, width: int = 960, links: bool = True
) -> str:
    """Return the SVG, '' when nothing is known.

    `window` is the time shown, else from the first capture to the last. Without `links` it is one picture
    with one name, for where a list beside it has the links.
    """
    stamps = history.stamps
    if not stamps:
        return ""
    shown = window or _whole_time(min(stamps), max(stamps))
    return "\n".join(_Picture(history=history, window=shown, width=width, links=links).draw())


def draw_sign(mark: str) -> str:
    """Return the sign of a kind of change, of MARKS, as a picture of its own."""
    shape = _SHAPES[mark].format(x=0, top=0)
    return (
        '<svg class="sign-key" viewBox="-7 -0.5 14 13" aria-hidden="true">'
        f'<path class="sign {mark}" d="{shape}"/></svg>'
    )


def _whole_time(first: str, last: str) -> Window:
    """Return the time of all captures and a little around, so that the first and last are not on the edge."""
    start, end = parse_timestamp(first), parse_timestamp(last)
    missing = timedelta(days=_FEWEST_DAYS) - (end - start)
    around = max((end - start) * 0.012, missing / 2, timedelta(0))
    return Window(start=start - around, end=end + around)


@dataclass(kw_only=True)
class _Picture:
    history: History
    window: Window
    width: int
    links: bool

    def __post_init__(self) -> None:
        lanes = self.lanes
        self.bars_y = _LANES_Y + (1 + max(lanes.values(), default=0)) * _LANE_HEIGHT + 4
        self.base_y = self.bars_y + _BARS_HEIGHT
        self.heat_y = self.base_y + 6
        self.read_y = self.heat_y + _HEAT_HEIGHT + 1
        self.axis_y = self.read_y + 6

    @cached_property
    def spans(self) -> list[Span]:
        return [span for span in self.history.spans if self.window.overlaps(span.first, span.last)]

    @cached_property
    def ticks(self) -> list[Tick]:
        return [tick for tick in self.history.ticks if self.window.overlaps(tick.timestamp, tick.timestamp)]

    @cached_property
    def most_words(self) -> int:
        return max((span.words for span in self.spans), default=0) or 1

    @cached_property
    def xs(self) -> list[float]:
        """Where each version begins; what begins before the window, at its left edge."""
        return [self.x(span.first) for span in self.spans]

    @cached_property
    def lanes(self) -> dict[int, int]:
        """The lane of each version's sign, from 0, the lowest; none for what begins before the window."""
        ends = [float("-inf")] * _LANES
        lanes = {}
        for index, span in enumerate(self.spans):
            if span.mark and parse_timestamp(span.first) >= self.window.start:
                x = self.xs[index]
                free = (lane for lane in range(_LANES) if x - ends[lane] >= _FEWEST_MARK_PIXELS)
                lane = next(free, min(range(_LANES), key=lambda one: ends[one]))
                ends[lane], lanes[index] = x, lane
        return lanes

    def x(self, timestamp: str) -> float:
        return self.x_of(parse_timestamp(timestamp))

    def x_of(self, instant: datetime) -> float:
        whole = (self.window.end - self.window.start).total_seconds() or 1.0
        share = min(max((instant - self.window.start).total_seconds() / whole, 0.0), 1.0)
        return round(_LEFT + share * (self.width - _LEFT - _RIGHT), 1)

    def draw(self) -> Iterator[str]:
        role = "group" if self.links else "img"
        yield (
            f'<svg class="timeline" viewBox="0 0 {self.width} {self.axis_y + 22}" role="{role}" '
            f'aria-label="{escape(self.history.title)}">'
        )
        yield '<g aria-hidden="true">'
        yield from self._draw_scale()
        yield from self._draw_captures()
        yield from self._draw_intervals()
        yield "</g>"
        yield from self._draw_axis()
        numbered = self._choose_numbered()
        for index, span in enumerate(self.spans):
            yield from self._draw_span(index, span, is_numbered=index in numbered)
        yield from self._draw_moves()
        yield "</svg>"

    def _draw_scale(self) -> Iterator[str]:
        right = self.width - _RIGHT
        half = self.bars_y + _BARS_HEIGHT // 2
        yield f'<path class="grid" d="M{_LEFT} {self.bars_y}H{right}M{_LEFT} {half}H{right}"/>'
        yield f'<line class="axis" x1="{_LEFT}" y1="{self.base_y}" x2="{right}" y2="{self.base_y}"/>'

    def _draw_axis(self) -> Iterator[str]:
        dates = [(self.x_of(instant), words) for instant, words in _iter_dates(self.window)]
        ticks = "".join(f"M{x} {self.axis_y}v4" for x, _ in dates)
        line = f"M{_LEFT} {self.axis_y}H{self.width - _RIGHT}{ticks}"
        yield f'<path class="axis" aria-hidden="true" d="{line}"/>'
        right_of_last = float("-inf")
        for x, words in dates:
            length = 7 * len(words)
            if x < right_of_last or x + length + 4 > self.width:
                continue
            right_of_last = x + length + 8
            label = f'<text class="year" x="{x + 2}" y="{self.axis_y + 15}"{{}}>{words}</text>'
            address = self.history.year_address
            if address and self.links and words.isdigit():
                yield (
                    f'<a class="zoom" href="{escape(address(int(words)))}" '
                    f'aria-label="{words} alone">{label.format("")}</a>'
                )
            else:
                yield label.format(' aria-hidden="true"')

    def _draw_captures(self) -> Iterator[str]:
        """Draw how many captures there are of each month (of each week, where weeks are wide enough), where
        one was read, and where there is none for long."""
        for gap in find_gaps(tick.timestamp for tick in self.history.ticks):
            if self.window.overlaps(gap.before, gap.after):
                x, end = self.x(gap.before), self.x(gap.after)
                yield (
                    f'<rect class="gap" x="{x}" y="{self.heat_y}" width="{round(end - x, 1)}" '
                    f'height="{_HEAT_HEIGHT}"><title>{gap.words}</title></rect>'
                )
        cells = _iter_cells(self.window, [tick.timestamp for tick in self.ticks])
        for start, stop, count in cells:
            x, width = self.x_of(start), self.x_of(stop) - self.x_of(start) - 0.4
            days = f"{start:%Y-%m-%d} to {stop - timedelta(days=1):%Y-%m-%d}"
            yield (
                f'<rect class="heat h{_heat(count)}" x="{x}" y="{self.heat_y}" '
                f'width="{max(round(width, 1), 0.8)}" height="{_HEAT_HEIGHT}">'
                f"<title>{days}: {plural(count, 'capture')}</title></rect>"
            )
        yield from self._draw_read()

    def _draw_read(self) -> Iterator[str]:
        """Draw one mark a pixel: a thousand captures must not make a page of a megabyte."""
        for style in ("read", "junk"):
            chosen = (tick for tick in self.ticks if (tick.junk if style == "junk" else tick.fetched))
            places = (self.x(tick.timestamp) for tick in chosen)
            columns = sorted({round(x): x for x in places}.values())
            if columns:
                path = "".join(f"M{x} {self.read_y}v4" for x in columns)
                yield f'<path class="capture {style}" d="{path}"/>'

    def _choose_numbered(self) -> set[int]:
        """Return the versions whose numbers have room, the weightiest changes first."""
        order = {name: rank for rank, name in enumerate(MARKS)}
        ranked = sorted(
            (index for index, span in enumerate(self.spans) if span.number),
            key=lambda index: (order.get(self.spans[index].mark or "", 0), index),
        )
        taken: list[float] = []
        chosen = set()
        for index in ranked:
            x = self.xs[index]
            room = _FEWEST_LABEL_PIXELS + 6 * (len(str(self.spans[index].number)) - 1)
            if all(abs(x - other) >= room for other in taken):
                taken.append(x)
                chosen.add(index)
        return chosen

    def _draw_span(self, index: int, span: Span, *, is_numbered: bool) -> Iterator[str]:
        x, end = self.xs[index], self.x(span.last)
        # what is seen for a moment is still seen, and does not hide what comes next
        width = max(round(end - x, 1), 2.5)
        height = max(round(_BARS_HEIGHT * span.words / self.most_words, 1), 2)
        label = escape(span.label)
        if self.links:
            yield f'<a href="{escape(span.href)}"' if span.href else '<g role="img"'
            yield f' aria-label="{label}">'
        yield (
            f'<rect class="version {span.tone}" x="{x}" y="{round(self.base_y - height, 1)}" width="{width}" '
            f'height="{height}"><title>{label}</title></rect>'
        )
        if span.mark and index in self.lanes:
            top = self.bars_y - 4 - (self.lanes[index] + 1) * _LANE_HEIGHT
            shape = _SHAPES[span.mark].format(x=x, top=top)
            yield f'<path class="sign {span.mark}" d="{shape}"><title>{label}</title></path>'
        if is_numbered:
            anchor = "end" if x > self.width - 20 else "start" if x < 12 else "middle"
            yield f'<text class="number" x="{x}" y="{_NUMBERS_Y}" text-anchor="{anchor}">{span.number}</text>'
        if self.links:
            yield "</a>" if span.href else "</g>"

    def _draw_intervals(self) -> Iterator[str]:
        for span in self.history.spans:
            if span.changed_after and self.window.overlaps(span.changed_after, span.first):
                start, x = self.x(span.changed_after), self.x(span.first)
                yield (
                    f'<rect class="interval" x="{start}" y="{self.bars_y}" '
                    f'width="{max(round(x - start, 1), 1)}" height="{_BARS_HEIGHT}"/>'
                )

    def _draw_moves(self) -> Iterator[str]:
        for mark in self.history.marks:
            if self.window.overlaps(mark.timestamp, mark.timestamp):
                x, label = self.x(mark.timestamp), escape(mark.label)
                named = f' role="img" aria-label="{label}"' if self.links else ""
                yield (
                    f'<g class="move"{named}><line x1="{x}" y1="{self.bars_y}" x2="{x}" y2="{self.base_y}"/>'
                    f'<path d="M{x} {self.base_y - 1}l4 6h-8z"/><title>{label}</title></g>'
                )


def _iter_dates(window: Window) -> Iterator[tuple[datetime, str]]:
    """Yield what the axis names: years; in less than three of them months too, the year in place of
    January and beside the first month."""
    is_short = window.days < _MONTHS_ARE_NAMED_DAYS
    step = next((n for n in (1, 2, 3) if window.days / 30.4 / n <= 18), 6) if is_short else 12
    is_first = True
    for year in range(window.start.year, window.end.year + 1):
        for month in range(1, 13, step):
            instant = datetime(year, month, 1, tzinfo=UTC)
            if not window.start <= instant < window.end:
                continue
            name = _MONTH_NAMES[month - 1]
            yield instant, str(year) if month == 1 else f"{name} {year}" if is_first else name
            is_first = False


def _iter_cells(window: Window, stamps: Sequence[str]) -> Iterator[tuple[datetime, datetime, int]]:
    """Yield (start, end, captures) of every month that has some; of every week in less than 18 months."""
    if window.days > 550:
        for month, count in sorted(Counter(stamp[:6] for stamp in stamps).items()):
            start = datetime(int(month[:4]), int(month[4:]), 1, tzinfo=UTC)
            yield start, (start + timedelta(days=31)).replace(day=1), count
        return
    weeks = Counter(parse_timestamp(stamp).date().toordinal() // _NARROWEST_CELL_DAYS for stamp in stamps)
    for week, count in sorted(weeks.items()):
        day = datetime.fromordinal(week * _NARROWEST_CELL_DAYS).replace(tzinfo=UTC)
        yield day, day + timedelta(days=_NARROWEST_CELL_DAYS), count


def _heat(count: int) -> int:
    """Return how dark a cell is, 1 to 4."""
    return 1 + sum(count > step for step in (1, 4, 15))


def _day(timestamp: str) -> str:
    return parse_timestamp(timestamp).date().isoformat()
