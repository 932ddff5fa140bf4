"""Lines that stand on a site's other pages: the site's, if their place says so, and never what matters."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy_archive.crawler.core.records import OUTSIDE_ROOT, UNDER_BOILERPLATE
from policy_archive.pipelines.versions.classes import ChangeClass
from policy_archive.pipelines.versions.elsewhere import SeenPage, SiteLines
from policy_archive.pipelines.versions.frame import Run, classify_changes

SPANS = (("20180101000000", "20181231000000"), ("20190101000000", "20191231000000"))
SENTENCE = "We collect your name and your address when you order, and keep both as long as the law asks."
CORE = tuple(f"{SENTENCE} Point {word}." for word in ("one", "two", "three", "four", "five", "six", "seven"))
BANNER = "You are reading the shop in a browser that is older than our shop can stand."


def make_run(tail: list[str], place: int, span: tuple[str, str]) -> Run:
    text = "".join(f"{line}\n" for line in (*CORE, *tail))
    places = (0,) * len(CORE) + (place,) * len(tail)
    return Run(text=text, text_sha256=text, places=places, language="en", first=span[0], last=span[1])


def home(*lines: str, day: str = "20190601000000") -> SeenPage:
    return SeenPage(document_id="home", span=(day, day), lines=lines, is_home=True)


def sister(*lines: str, place: int = OUTSIDE_ROOT, text: tuple[str, ...] = ()) -> SeenPage:
    return SeenPage(
        document_id="terms",
        span=SPANS[1],
        lines=(*text, *lines),
        places=(0,) * len(text) + (place,) * len(lines),
    )


def judge(tail: list[str], *pages: SeenPage, place: int = OUTSIDE_ROOT) -> ChangeClass | None:
    """Return the class of the change by which a tail comes to a document of a site with these pages."""
    runs = [make_run([], place, SPANS[0]), make_run(tail, place, SPANS[1])]
    own = [
        SeenPage(document_id="privacy", span=span, lines=run.text.split("\n"), places=run.places)
        for run, span in zip(runs, SPANS, strict=True)
    ]
    return classify_changes(runs, SiteLines([*pages, *own]).around("privacy"))[1]


case = pytest.param
PAGE = ChangeClass.PAGE
MENU = ["News", "Shops", "Careers", "Help"]


CLUB, CHOICE = "Join our club", "Do not sell my data"
MAIL, ADDRESS = "Write to privacy@shop.example", "Shop Ltd, 12 High Street"
BESIDE, FOOTER = OUTSIDE_ROOT, UNDER_BOILERPLATE


@pytest.mark.parametrize(
    ("tail", "pages", "place", "found"),
    [
        case([CLUB], [], BESIDE, None, id="nothing is known of the site"),
        case([CLUB], [home(CLUB)], BESIDE, PAGE, id="beside the text, on the home page"),
        case([CLUB], [home(CLUB)], 0, None, id="one line within the text"),
        case([CLUB], [home("- **Join** our club")], BESIDE, PAGE, id="marks are none of it"),
        case([CLUB], [home(CLUB, day="20160101000000")], BESIDE, None, id="years before"),
        case([CLUB], [home(CLUB, day="20201201000000")], BESIDE, PAGE, id="within a year"),
        case([BANNER], [home(BANNER)], BESIDE, PAGE, id="prose beside the text"),
        case([BANNER], [home(BANNER)], 0, None, id="prose within the text"),
        case([BANNER], [sister(BANNER)], BESIDE, None, id="prose of two policies"),
        case([CLUB], [sister(CLUB)], BESIDE, PAGE, id="beside both policies"),
        case([CLUB], [sister(CLUB, place=0)], BESIDE, None, id="within the other policy"),
        case([CLUB], [sister(CLUB)], 0, None, id="within this policy"),
        case([CHOICE], [home(CHOICE)], BESIDE, None, id="rights"),
        case([MAIL], [home(MAIL)], BESIDE, None, id="mail"),
        case([ADDRESS], [home(ADDRESS)], BESIDE, None, id="an address"),
        case(["# Contact"], [home("Contact")], BESIDE, None, id="a heading"),
        case(["Effective May 2019"], [home("Effective May 2019")], BESIDE, None, id="a date"),
        case(MENU, [home(*MENU)], 0, PAGE, id="the menu of the home page, within the text"),
        case(MENU[:3], [home(*MENU)], 0, None, id="too few for a menu"),
        case(["Our partners are:", *MENU], [home(*MENU)], 0, None, id="a list that a label opens"),
        case(["## Partners", *MENU], [home(*MENU)], 0, None, id="a list that a heading opens"),
        case([CLUB, "We sell your data to our partners."], [home(CLUB)], BESIDE, None,
            id="one line more"),
        case([CLUB], [home(CLUB, *CORE)], BESIDE, None, id="a front page of policy"),
        case([CLUB], [sister(CLUB, text=CORE)], BESIDE, None, id="two of one page"),
        case([CLUB], [sister(CLUB, place=FOOTER)], BESIDE, PAGE, id="its footer"),
    ],
)  # fmt: skip
def test_what_stands_elsewhere_is_of_the_page_where_its_place_says_so(tail, pages, place, found) -> None:
    assert judge(tail, *pages, place=place) is found


def test_pages_in_any_order_give_the_same_answers() -> None:
    pages = [home("a b"), home("a b", day="20120101000000"), sister("c d"), sister("e f", place=0)]
    asked = [
        tuple(
            (around.on_home(key, SPANS[1]), around.beside_others(key, SPANS[1]))
            for key in ("a b", "c d", "e f", "g h")
        )
        for order in permutations(pages)
        for around in [SiteLines(order).around("privacy")]
    ]
    assert set(asked) == {((True, False), (False, True), (False, False), (False, False))}


DAYS = st.dates(date(2000, 1, 1), date(2030, 1, 1))


@given(st.lists(st.tuples(DAYS, st.integers(0, 900)), max_size=8), DAYS, st.integers(0, 900))
def test_a_line_stands_elsewhere_if_a_page_of_the_time_holds_it(pages, day: date, length: int) -> None:
    spans = [(one, one + timedelta(days=days)) for one, days in pages]
    seen = [
        SeenPage(document_id="home", span=(written(first), written(last)), lines=["a"], is_home=True)
        for first, last in spans
    ]
    end = day + timedelta(days=length)
    year = timedelta(days=366)
    wanted = any(first <= end + year and last >= day - year for first, last in spans)
    assert SiteLines(seen).around("privacy").on_home("a", (written(day), written(end))) is wanted


def written(day: date) -> str:
    return f"{day:%Y%m%d}000000"
