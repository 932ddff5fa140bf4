"""A document's history as one SVG: captures, versions, intervals of change, address moves, gaps.

Made on the server, styled by the page's stylesheet, readable without JavaScript; each
version is a link, so that it is reached by keyboard and named by a screen reader.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape

from policy_archive.crawler.core.timestamps import parse_timestamp

_WIDTH = 960
_LEFT, _RIGHT = 12, 12
_AXIS_Y, _VERSION_Y, _VERSION_HEIGHT, _CAPTURE_Y, _HEIGHT = 96, 34, 30, 74, 118
_GAP_DAYS = 366
"""No capture for longer than this is shown as a gap."""
_FEWEST_LABEL_PIXELS = 22


@dataclass(frozen=True, kw_only=True)
class Span:
    """One version on the timeline. Timestamps have 14 digits."""

    number: int | None
    """None for somebody else's text."""
    first: str
    last: str
    changed_after: str | None
    label: str
    """What a screen reader says, and a pointer shows."""
    href: str | None
    tone: str
    """odd, even, returned, foreign: a class of the stylesheet."""


@dataclass(frozen=True, kw_only=True)
class Tick:
    """One row of the index. `fetched` ones are drawn stronger."""

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
class _Scale:
    start: datetime
    end: datetime

    def x(self, timestamp: str) -> float:
        return self.x_of(parse_timestamp(timestamp))

    def x_of(self, instant: datetime) -> float:
        whole = (self.end - self.start).total_seconds() or 1.0
        share = (instant - self.start).total_seconds() / whole
        return round(_LEFT + share * (_WIDTH - _LEFT - _RIGHT), 1)


def draw_timeline(spans: Sequence[Span], ticks: Sequence[Tick], marks: Sequence[Mark], *, title: str) -> str:
    """Return the SVG, or '' when nothing is known."""
    stamps = [tick.timestamp for tick in ticks]
    stamps += [stamp for span in spans for stamp in (span.first, span.last)]
    if not stamps:
        return ""
    scale = _whole_years(min(stamps), max(stamps))
    parts = [
        f'<svg class="timeline" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="group" aria-label="{escape(title)}">',
        '<g aria-hidden="true">',
        *_draw_axis(scale),
        *_draw_gaps(scale, ticks),
        *_draw_ticks(scale, ticks),
        "</g>",
        *(part for span in spans for part in _draw_span(scale, span)),
        *_draw_marks(scale, marks),
        "</svg>",
    ]
    return "\n".join(parts)


def _whole_years(first: str, last: str) -> _Scale:
    start, end = int(first[:4]), int(last[:4]) + 1
    return _Scale(start=datetime(start, 1, 1, tzinfo=UTC), end=datetime(end, 1, 1, tzinfo=UTC))


def _draw_axis(scale: _Scale) -> Iterable[str]:
    yield f'<line class="axis" x1="{_LEFT}" y1="{_AXIS_Y}" x2="{_WIDTH - _RIGHT}" y2="{_AXIS_Y}"/>'
    years = range(scale.start.year, scale.end.year + 1)
    every = -(-len(years) // 16)  # at most 16 labels, whatever the span
    for year in years:
        x = scale.x_of(datetime(year, 1, 1, tzinfo=UTC))
        yield f'<line class="axis" x1="{x}" y1="{_AXIS_Y}" x2="{x}" y2="{_AXIS_Y + 5}"/>'
        if (year - scale.start.year) % every == 0 and year < scale.end.year:
            yield f'<text class="year" x="{x + 2}" y="{_AXIS_Y + 17}">{year}</text>'


def _draw_gaps(scale: _Scale, ticks: Sequence[Tick]) -> Iterable[str]:
    for gap in find_gaps(tick.timestamp for tick in ticks):
        x, end = scale.x(gap.before), scale.x(gap.after)
        yield (
            f'<rect class="gap" x="{x}" y="{_CAPTURE_Y - 7}" width="{round(end - x, 1)}" height="14">'
            f"<title>{gap.words}</title></rect>"
        )


def _draw_ticks(scale: _Scale, ticks: Sequence[Tick]) -> Iterable[str]:
    """Draw one mark a pixel: a thousand captures must not make a page of a megabyte."""
    strongest: dict[tuple[int, str], float] = {}
    for tick in ticks:
        style = "junk" if tick.junk else "fetched" if tick.fetched else "known"
        x = scale.x(tick.timestamp)
        strongest.setdefault((round(x), style), x)
    for style in ("known", "junk", "fetched"):
        columns = sorted(x for (_, kind), x in strongest.items() if kind == style)
        if columns:
            path = "".join(f"M{x} {_CAPTURE_Y - 5}v10" for x in columns)
            yield f'<path class="capture {style}" d="{path}"/>'


def _draw_span(scale: _Scale, span: Span) -> Iterable[str]:
    x, end = scale.x(span.first), scale.x(span.last)
    width = max(round(end - x, 1), 3)
    if span.changed_after:
        start = scale.x(span.changed_after)
        yield (
            f'<rect class="interval" x="{start}" y="{_VERSION_Y + 11}" '
            f'width="{max(round(x - start, 1), 0.5)}" height="8"/>'
        )
    label = escape(span.label)
    yield f'<a href="{escape(span.href)}" aria-label="{label}">' if span.href else f'<g aria-label="{label}">'
    yield (
        f'<rect class="version {span.tone}" x="{x}" y="{_VERSION_Y}" width="{width}" '
        f'height="{_VERSION_HEIGHT}" rx="2"><title>{label}</title></rect>'
    )
    if span.number and width >= _FEWEST_LABEL_PIXELS:
        yield f'<text class="number" x="{x + 5}" y="{_VERSION_Y + 20}">{span.number}</text>'
    yield "</a>" if span.href else "</g>"


def _draw_marks(scale: _Scale, marks: Sequence[Mark]) -> Iterable[str]:
    for mark in marks:
        x = scale.x(mark.timestamp)
        yield (
            f'<g class="move" aria-label="{escape(mark.label)}"><path d="M{x} 20l5 -8h-10z"/>'
            f'<line x1="{x}" y1="20" x2="{x}" y2="{_AXIS_Y}"/><title>{escape(mark.label)}</title></g>'
        )


def _day(timestamp: str) -> str:
    return parse_timestamp(timestamp).date().isoformat()
