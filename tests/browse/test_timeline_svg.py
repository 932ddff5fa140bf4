from __future__ import annotations

from datetime import date
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from policy_archive.browse.timeline_svg import Mark, Span, Tick, draw_timeline, find_gaps
from tests.support.hostile import HOSTILE

_STAMPS = st.dates(date(1996, 1, 1), date(2030, 1, 1)).map(lambda day: f"{day:%Y%m%d}120000")


def _span(number: int | None, first: str, last: str, **others: str | None) -> Span:
    given = {
        "changed_after": None,
        "label": f"Version {number}",
        "href": f"/v/{number}",
        "tone": "odd",
        **others,
    }
    return Span(number=number, first=first, last=last, **given)  # type: ignore[arg-type]


def _read(svg: str) -> etree._Element:
    return etree.fromstring(svg)


def test_each_version_is_a_link_with_words() -> None:
    spans = [_span(1, "20100101000000", "20110101000000"), _span(2, "20120101000000", "20130101000000")]
    links = _read(draw_timeline(spans, [], [], title="t")).findall(".//a")
    assert [(link.get("href"), link.get("aria-label")) for link in links] == [
        ("/v/1", "Version 1"),
        ("/v/2", "Version 2"),
    ]


def test_somebody_elses_text_has_words_and_no_link() -> None:
    svg = _read(
        draw_timeline(
            [_span(None, "20100101000000", "20110101000000", href=None, tone="foreign")], [], [], title="t"
        )
    )
    assert svg.find(".//a") is None
    assert svg.find(".//rect[@class='version foreign']/title").text == "Version None"


def test_nothing_known_draws_nothing() -> None:
    assert draw_timeline([], [], [], title="t") == ""


def test_hostile_words_stay_words() -> None:
    for construct in HOSTILE.values():
        span = _span(1, "20100101000000", "20110101000000", label=construct, href=f"/{construct}")
        marks = [Mark(timestamp="20100601000000", label=construct)]
        svg = _read(draw_timeline([span], [], marks, title=construct))
        assert svg.get("aria-label").split() == construct.split()
        assert {element.tag for element in svg.iter()} <= {
            "svg",
            "g",
            "a",
            "rect",
            "text",
            "line",
            "path",
            "title",
        }


@settings(max_examples=40)
@given(st.lists(_STAMPS, min_size=1, max_size=20))
def test_everything_is_drawn_inside_the_picture(stamps: list[str]) -> None:
    ticks = [Tick(timestamp=stamp, fetched=True) for stamp in stamps]
    spans = [_span(i, a, b) for i, (a, b) in enumerate(pairwise(sorted(stamps)), start=1)]
    svg = _read(draw_timeline(spans, ticks, [], title="t"))
    width = float(svg.get("viewBox").split()[2])
    found = svg.findall(".//rect")
    assert all(0 <= float(rect.get("x")) <= width for rect in found)
    assert len(svg.findall(".//a")) == len(spans)


def test_a_gap_is_more_than_a_year_without_a_capture() -> None:
    stamps = ["20100101000000", "20130601000000", "20131231000000", "20110101000000"]
    assert [gap.words for gap in find_gaps(stamps)] == ["no capture for 882 days, 2011-01-01 to 2013-06-01"]


def test_a_thousand_captures_of_one_day_are_one_mark() -> None:
    ticks = [Tick(timestamp=f"20100101{i // 60:02}{i % 60:02}00", fetched=True) for i in range(1_000)]
    assert len(draw_timeline([], ticks, [], title="t")) < 4_000
