from __future__ import annotations

import re
from datetime import date
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from policy_archive.browse.timeline_svg import (
    MARKS,
    History,
    Mark,
    Span,
    Tick,
    draw_sign,
    draw_timeline,
    find_gaps,
    whole_years,
)
from tests.support.hostile import HOSTILE

_STAMPS = st.dates(date(1996, 1, 1), date(2030, 1, 1)).map(lambda day: f"{day:%Y%m%d}120000")


def _span(number: int | None, first: str, last: str, **others: Any) -> Span:
    given: dict[str, Any] = {
        "changed_after": None,
        "words": 100,
        "label": f"Version {number}",
        "href": f"/v/{number}",
        "mark": "substantive" if number and number > 1 else None,
        **others,
    }
    return Span(number=number, first=first, last=last, **given)


def _read(svg: str) -> etree._Element:
    return etree.fromstring(svg)


def _draw(
    *spans: Span, ticks: tuple[Tick, ...] = (), marks: tuple[Mark, ...] = (), **how: Any
) -> etree._Element:
    return _read(draw_timeline(History(spans=spans, ticks=ticks, marks=marks, title="t"), **how))


def _edges(rect: etree._Element) -> tuple[float, float]:
    return float(rect.get("x")), float(rect.get("x")) + float(rect.get("width"))


def _years(svg: etree._Element) -> list[str]:
    return [text.text for text in svg.findall(".//text[@class='year']")]


def test_each_version_is_a_link_with_words() -> None:
    links = _draw(
        _span(1, "20100101000000", "20110101000000"), _span(2, "20120101000000", "20130101000000")
    ).findall(".//a")
    assert [(link.get("href"), link.get("aria-label")) for link in links] == [
        ("/v/1", "Version 1"),
        ("/v/2", "Version 2"),
    ]


def test_a_bar_is_as_high_as_the_version_is_long_and_as_wide_as_it_stood() -> None:
    svg = _draw(
        _span(1, "20100101000000", "20110101000000", words=500),
        _span(2, "20110101000000", "20130101000000", words=1_000),
    )
    short, long = svg.findall(".//rect[@class='version ']")
    assert float(long.get("height")) == 2 * float(short.get("height"))
    assert float(long.get("width")) == pytest.approx(2 * float(short.get("width")), rel=0.01)
    bottoms = {float(bar.get("y")) + float(bar.get("height")) for bar in (short, long)}
    assert len(bottoms) == 1


def test_the_interval_of_change_reaches_from_the_capture_before_to_the_first_with_the_new_text() -> None:
    svg = _draw(
        _span(1, "20100101000000", "20110101000000"),
        _span(2, "20120101000000", "20130101000000", changed_after="20110101000000"),
    )
    (interval,) = map(_edges, svg.findall(".//rect[@class='interval']"))
    before, after = map(_edges, svg.findall(".//rect[@class='version ']"))
    assert interval == pytest.approx((before[1], after[0]), abs=0.2)


def test_every_class_of_change_has_a_shape_of_its_own_beside_its_colour() -> None:
    outlines = {re.sub(r"^M\S+ ", "", _read(draw_sign(mark)).find(".//path").get("d")) for mark in MARKS}
    assert len(outlines) == len(MARKS)


def test_somebody_elses_text_has_words_and_no_link() -> None:
    svg = _draw(_span(None, "20100101000000", "20110101000000", href=None, tone="foreign"))
    assert svg.find(".//a") is None
    assert svg.find(".//rect[@class='version foreign']/title").text == "Version None"


def test_nothing_known_draws_nothing() -> None:
    assert draw_timeline(History(spans=[], ticks=[])) == ""


def test_hostile_words_stay_words() -> None:
    for construct in HOSTILE.values():
        span = _span(1, "20100101000000", "20110101000000", label=construct, href=f"/{construct}")
        marks = [Mark(timestamp="20100601000000", label=construct)]
        history = History(
            spans=[span],
            ticks=[],
            marks=marks,
            title=construct,
            year_address=lambda year, said=construct: f"{said}{year}",
        )
        svg = _read(draw_timeline(history))
        assert svg.get("aria-label").split() == construct.split()
        allowed = {"svg", "g", "a", "rect", "text", "line", "path", "title"}
        assert {element.tag for element in svg.iter()} <= allowed


@settings(max_examples=40)
@given(st.lists(_STAMPS, min_size=1, max_size=20), st.sampled_from([960, 360]))
def test_everything_is_drawn_inside_the_picture(stamps: list[str], width: int) -> None:
    ticks = tuple(Tick(timestamp=stamp, fetched=True) for stamp in stamps)
    spans = [_span(i, a, b) for i, (a, b) in enumerate(pairwise(sorted(stamps)), start=1)]
    svg = _draw(*spans, ticks=ticks, width=width)
    found = svg.findall(".//rect")
    assert all(0 <= float(rect.get("x")) <= width for rect in found)
    assert all(float(rect.get("y")) >= 0 for rect in found)
    assert len(svg.findall(".//a")) == len(spans)


@settings(max_examples=30)
@given(st.lists(_STAMPS, min_size=2, max_size=40, unique=True), st.integers(1996, 2030))
def test_a_window_shows_what_stood_in_it_and_nothing_else(stamps: list[str], year: int) -> None:
    spans = [_span(i, a, b) for i, (a, b) in enumerate(pairwise(sorted(stamps)), start=1)]
    svg = _draw(*spans, window=whole_years(year, year))
    shown = {link.get("aria-label") for link in svg.findall(".//a")}
    # the last instant of a window is the first of the next year
    stood = {span.label for span in spans if span.first < f"{year + 1}" and span.last > f"{year}"}
    assert shown == stood


def test_one_year_has_months_and_thirty_have_years_that_do_not_overlap() -> None:
    months = _years(_draw(_span(1, "20250215000000", "20251120000000")))
    assert months[0] == "Mar 2025" and months[1:] == ["Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov"]
    assert "2026" in _years(_draw(_span(1, "20250215000000", "20260520000000")))
    for width in (960, 360):
        svg = _draw(_span(1, "19960215000000", "20260520000000"), width=width)
        places = [float(text.get("x")) for text in svg.findall(".//text[@class='year']")]
        assert len(places) >= 6 and all(b - a >= 30 for a, b in pairwise(places))


def test_of_a_hundred_and_twenty_versions_signs_stand_beside_each_other_and_numbers_have_room() -> None:
    months = [f"{2000 + number // 6}{1 + number % 6 * 2:02}" for number in range(120)]
    spans = [
        _span(number, f"{month}01000000", f"{month}20000000") for number, month in enumerate(months, start=1)
    ]
    svg = _draw(*spans)
    outlines = [path.get("d") for path in svg.findall(".//path[@class='sign substantive']")]
    signs = [tuple(map(float, re.findall(r"[\d.]+", outline)[:2])) for outline in outlines]
    assert len(signs) == 119
    for x, y in signs:
        near = [other for other in signs if other != (x, y) and other[1] == y and abs(other[0] - x) < 10]
        assert not near
    numbers = [float(text.get("x")) for text in svg.findall(".//text[@class='number']")]
    assert len(numbers) >= 30 and all(b - a >= 17 for a, b in pairwise(sorted(numbers)))


def test_captures_are_counted_by_month_in_many_years_and_by_week_in_one() -> None:
    long = tuple(Tick(timestamp=f"{year}0301000000", fetched=False) for year in range(2000, 2020))
    cells = _draw(ticks=(*long, long[0])).findall(".//rect[@class='heat h1']/title")
    assert cells[0].text == "2001-03-01 to 2001-03-31: 1 capture"
    week = tuple(Tick(timestamp=f"201003{day:02}000000", fetched=False) for day in range(1, 30))
    counted = [cell.text.split(": ")[1] for cell in _draw(ticks=week).findall(".//rect/title")]
    assert counted[1:-1] == ["7 captures"] * 3


def test_a_gap_is_more_than_a_year_without_a_capture() -> None:
    stamps = ["20100101000000", "20130601000000", "20131231000000", "20110101000000"]
    assert [gap.words for gap in find_gaps(stamps)] == ["no capture for 882 days, 2011-01-01 to 2013-06-01"]


def test_a_thousand_captures_of_one_day_are_one_mark() -> None:
    ticks = [Tick(timestamp=f"20100101{i // 60:02}{i % 60:02}00", fetched=True) for i in range(1_000)]
    assert len(draw_timeline(History(spans=[], ticks=ticks))) < 4_000
