"""No word of a page is lost without a rule that says so."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy_archive.crawler.core.errors import ExtractionError
from policy_archive.crawler.core.records import Document, Kind, Outcome
from policy_archive.pipelines.extract.conservation import LeftOut, account_for, find_lost_share
from policy_archive.pipelines.extract.extraction import extract
from policy_archive.pipelines.extract.markdown.build import build_pieces
from policy_archive.pipelines.extract.markdown.render import render
from policy_archive.pipelines.extract.page import transform_page
from policy_archive.pipelines.extract.source.parse import parse_html
from policy_archive.pipelines.reading.read import read_body

PAGES = Path(__file__).parents[4] / "shared"

TAGS = """p div span b i a sup q ul ol li dl dt dd table tr td th caption form center font pre blockquote h2
    h4 section button textarea select option noscript label details summary footer nav aside code u my-tag br
    hr""".split()
WORDS = [
    "alpha",
    "beta ",
    " gamma",
    "data[1]",
    "x_y",
    "a*b*c",
    "](z)",
    "1.",
    "é",
    "個人",
    "\\",
    "<",
    "don’t",
    "ad",
    "e\u0301",
    "\u200dﬁ\u200c",
    "\u3000",
]

nodes = st.deferred(
    lambda: st.one_of(
        st.sampled_from(WORDS),
        st.tuples(st.sampled_from(TAGS), st.lists(nodes, max_size=4)),
    )
)


def write(node: object) -> str:
    if isinstance(node, str):
        return node.replace("<", "&lt;")
    assert isinstance(node, tuple)
    tag, children = node
    return f"<{tag} href='/a_b'>{''.join(map(write, children))}</{tag}>"


@given(st.lists(nodes, max_size=8))
def test_no_word_of_any_tree_is_lost(parts: list[object]) -> None:
    body = parse_html(f"<body>{''.join(map(write, parts))}</body>").find("body")
    assert body is not None
    text = render(build_pieces(body, link_mark=lambda _: None))
    assert account_for(body, text, dropped={}).lost == ()


@given(st.lists(nodes, max_size=8))
def test_no_word_of_any_page_is_lost_without_a_rule(parts: list[object]) -> None:
    prose = "<p>We keep the letters that our members send us for as long as the club stands.</p>"
    html = f"<body><h1>Privacy</h1>{prose}{''.join(map(write, parts))}{prose}</body>"
    assert transform_page(parse_html(html), url="https://x.example/").lost_share == 0


@given(st.lists(nodes, max_size=8), st.lists(st.sampled_from(WORDS), max_size=8))
def test_the_share_is_the_same_whether_all_is_told_or_not(parts: list[object], text: list[str]) -> None:
    body = parse_html(f"<body>{''.join(map(write, parts))}</body>").find("body")
    assert body is not None
    passing = [LeftOut("passing-line", 0, "beta gamma")]
    written = "".join(text)
    share = find_lost_share(body, written, dropped={}, also=passing)
    assert share == account_for(body, written, dropped={}, also=passing).lost_share


def test_a_lost_word_is_seen_and_its_share_given() -> None:
    body = parse_html("<body><p>We keep <b>letters</b> and parcels.</p><script>var a</script></body>").find(
        "body"
    )
    assert body is not None
    account = account_for(body, "We keep parcels.\n", dropped={})
    assert account.lost == ("letters", "and")
    assert account.lost_share == 2 / 5  # the script has no words
    assert [(part.rule, part.words) for part in account.left_out] == [("not-read: script", 2)]


def test_a_word_that_stands_elsewhere_too_is_missed_all_the_same() -> None:
    body = parse_html("<body><p>Letters and letters.</p></body>").find("body")
    assert body is not None
    assert account_for(body, "Letters and.\n", dropped={}).lost == ("letters",)


def test_words_joined_or_parted_are_not_lost() -> None:
    body = parse_html("<body>un<b>believ</b>able <i>10<sup>6</sup></i> a<wbr>b</body>").find("body")
    assert body is not None
    assert account_for(body, "un**believ**able _10^6_ ab\n", dropped={}).lost == ()


def test_words_joined_and_parted_at_once_are_not_lost() -> None:
    body = parse_html("<body>alpha<button></button>alpha<u>\\</u>beta </body>").find("body")
    assert body is not None
    assert account_for(body, "alphaalpha_\\\\_ beta\n", dropped={}).lost == ()


def test_a_page_whose_words_all_run_together_is_accounted_for() -> None:
    body = parse_html("<body>" + "".join(f"<x-a>w{n}x</x-a>" for n in range(20_000)) + "</body>").find("body")
    assert body is not None
    assert account_for(body, "".join(f"w{n}x" for n in range(20_000)), dropped={}).lost == ()


def test_a_reading_that_lost_words_is_marked() -> None:
    prose = "We keep your personal data, such as your name, for as long as the law asks of us. " * 4
    html = f"<html><title>Privacy policy</title><body><h1>Privacy policy</h1><p>{prose}</p></body>".encode()
    whole = extract(
        html, url="https://x.example/privacy", timestamp="20200101000000", content_type="text/html"
    )
    assert whole.outcome is Outcome.TEXT
    assert replace(whole, lost_share=0.01).outcome is Outcome.INCOMPLETE_TEXT
    assert Outcome.INCOMPLETE_TEXT.is_text
    reading = read_body(
        html,
        document=Document(site="x.example", kind=Kind.PRIVACY),
        url="https://x.example/privacy",
        timestamp="20200101000000",
        content_type="text/html",
    )
    assert reading.outcome is Outcome.TEXT


def _real_pages() -> list[Path]:
    return sorted(PAGES.glob("extraction/dev/*.html.gz")) + sorted(PAGES.glob("real-pages/dev/**/*.html.gz"))


@pytest.mark.skipif(not _real_pages(), reason="the shared sets of real pages are not here")
def test_no_word_of_a_real_page_is_lost_without_a_rule() -> None:
    lost = {}
    for path in _real_pages()[::10]:
        try:
            extraction = extract(
                gzip.decompress(path.read_bytes()), url="", timestamp="", content_type="text/html"
            )
        except ExtractionError:
            continue
        if extraction.lost_share:
            lost[path.name] = extraction.lost_share
    assert json.dumps(lost) == "{}"
