"""The shares of documents that say some phrases, year by year, as one SVG.

Made on the server, readable without script, in light, dark and on paper: lines differ by dashes, not by
colour alone, and the page has the same figures as a table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby

from policy_archive.pipelines.store.phrases import Phrase
from policy_archive.pipelines.store.queries import Row

_WIDTH, _LEFT, _RIGHT, _HEIGHT = 640, 46, 18, 190
_LEGEND_HEIGHT = 18
_BELOW = 44
_TOPS = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
_DASHES = ("", "7 3", "2 3", "9 3 2 3", "4 4")
_LONGEST_LABEL = 60
_FEWEST_PIXELS_A_YEAR = 38

# Alone, without our stylesheet: the same colours as in policies.css
_STYLE = """<style>
svg { background: #ffffff; color-scheme: light dark; }
text { fill: #4f5761; font: 12px system-ui, sans-serif; } .axis { stroke: #c9c5bd; fill: none; }
.line { fill: none; stroke-width: 2; } .band { opacity: .16; }
.p1 { --ink: #1f5f8b; } .p2 { --ink: #a3430a; } .p3 { --ink: #00664f; } .p4 { --ink: #8a2f74; }
.p5 { --ink: #5c5200; } .line, .dot { stroke: var(--ink); } .dot, .band { fill: var(--ink); }
@media screen and (prefers-color-scheme: dark) {
svg { background: #1a1e22; } text { fill: #a9b2bb; } .axis { stroke: #4a525a; }
.p1 { --ink: #8cc2e8; } .p2 { --ink: #f0a878; } .p3 { --ink: #7fd1b5; } .p4 { --ink: #dda0d0; }
.p5 { --ink: #d9cd6a; } }
</style>"""


@dataclass(frozen=True)
class _Plot:
    """Where a year and a share stand in the picture."""

    years: Sequence[int]
    top_share: float
    legend: int
    """Lines of it."""

    @property
    def top(self) -> int:
        return 12 + _LEGEND_HEIGHT * self.legend

    @property
    def bottom(self) -> int:
        return self.top + _HEIGHT

    def x(self, year: int) -> float:
        span = max(len(self.years) - 1, 1)
        room = _WIDTH - _LEFT - _RIGHT
        if len(self.years) == 1:
            return _LEFT + room / 2
        return round(_LEFT + room * (year - self.years[0]) / span, 1)

    def y(self, share: float) -> float:
        return round(self.bottom - _HEIGHT * share / self.top_share, 1)


def draw_phrases(phrases: Sequence[Phrase], *, alone: bool = False) -> str:
    """Return the picture, '' when no phrase was ever said; `alone`: a file of its own, with its colours."""
    years = phrases[0].years if phrases else []
    if not years:
        return ""
    most = max((row["share_possible"] or 0 for phrase in phrases for row in phrase.years), default=0)
    plot = _Plot([row["year"] for row in years], next(top for top in _TOPS if top >= most), len(phrases))
    parts = [
        *_iter_axes(plot, years),
        *(part for number, phrase in enumerate(phrases) for part in _iter_line(plot, number, phrase)),
    ]
    size = f'viewBox="0 0 {_WIDTH} {plot.bottom + _BELOW}"'
    name = escape(f"Share of documents that say {_list_names(phrases)}, {plot.years[0]} to {plot.years[-1]}")
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{name}">'
    return "\n".join([head, *([_STYLE, f"<title>{name}</title>"] if alone else []), *parts, "</svg>"])


def _list_names(phrases: Sequence[Phrase]) -> str:
    return ", ".join(f"“{_clean(phrase.text)}”" for phrase in phrases)


def _clean(text: str) -> str:
    """Return what XML may hold of a text that somebody typed."""
    return "".join(one for one in text if one.isprintable())


def _iter_axes(plot: _Plot, years: Sequence[Row]) -> Iterator[str]:
    for part in (0, 0.5, 1):
        y = plot.y(plot.top_share * part)
        label = f"{plot.top_share * part * 100:g} %"
        yield f'<path class="axis" d="M{_LEFT} {y}H{_WIDTH - _RIGHT}"/>'
        yield f'<text x="{_LEFT - 6}" y="{y + 4}" text-anchor="end">{label}</text>'
    shown = max(1, (_WIDTH - _LEFT - _RIGHT) // _FEWEST_PIXELS_A_YEAR)
    step = -(-len(years) // shown)
    yield f'<text x="{_LEFT - 6}" y="{plot.bottom + 34}" text-anchor="end">of</text>'
    for index, row in enumerate(reversed(years)):  # the newest year always has its label
        if index % step == 0:
            x = plot.x(row["year"])
            yield f'<text x="{x}" y="{plot.bottom + 18}" text-anchor="middle">{row["year"]}</text>'
            yield f'<text x="{x}" y="{plot.bottom + 34}" text-anchor="middle">{row["documents"]:,}</text>'


def _iter_line(plot: _Plot, number: int, phrase: Phrase) -> Iterator[str]:
    """Yield a phrase's line in the legend, its band up to what is possible, its line and its dots."""
    kind, dash = f"p{number + 1}", _DASHES[number]
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    at = 12 + _LEGEND_HEIGHT * number
    text = _clean(phrase.text)
    label = text if len(text) <= _LONGEST_LABEL else text[: _LONGEST_LABEL - 1] + "…"
    yield f'<g class="{kind}">'
    yield f'<path class="line" d="M{_LEFT} {at}h28"{dashes}/>'
    yield f'<text x="{_LEFT + 36}" y="{at + 4}">{escape(label)}</text>'
    for is_known, group in groupby(phrase.years, key=lambda row: row["share"] is not None):
        rows = list(group)
        if is_known:
            yield from _iter_stretch(plot, rows, dashes)
    yield "</g>"


def _iter_stretch(plot: _Plot, rows: Sequence[Row], dashes: str) -> Iterator[str]:
    low = [f"{plot.x(row['year'])} {plot.y(row['share'])}" for row in rows]
    high = [f"{plot.x(row['year'])} {plot.y(row['share_possible'])}" for row in rows]
    yield f'<path class="band" d="M{"L".join([*low, *reversed(high)])}Z"/>'
    yield f'<path class="line" d="M{"L".join(low)}"{dashes}/>'
    for row, point in zip(rows, low, strict=True):
        x, _, y = point.partition(" ")
        yield f'<circle class="dot" cx="{x}" cy="{y}" r="2.6"><title>{_describe(row)}</title></circle>'


def _describe(row: Row) -> str:
    more = f", at most {row['possible']:,}" if row["possible"] > row["saying"] else ""
    return f"{row['year']}: {row['saying']:,} of {row['documents']:,} documents{more}"
