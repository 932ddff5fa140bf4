from __future__ import annotations

import pytest
from lxml import etree
from lxml.html import HtmlElement

from policy_archive.pipelines.extract.page import transform_page
from policy_archive.pipelines.extract.source.parse import DEEPEST, parse_html


def depth_of(tree: HtmlElement) -> int:
    return max(sum(1 for _ in element.iterancestors()) for element in tree.iter())


@pytest.mark.parametrize("levels", [100, 300, 3_000, 100_000])
@pytest.mark.parametrize(
    ("opened", "closed"),
    [("<div>", "</div>"), ("<font>", ""), ("<ul><li>", "</li></ul>"), ("<b><i>", "</i></b>")],
    ids=["divs", "unclosed fonts", "lists", "bold italics"],
)
def test_deep_nesting_loses_no_text(levels: int, opened: str, closed: str) -> None:
    html = f"<html><body>{''.join(f'{opened}w{level} ' for level in range(levels))}the end{closed * levels}"
    tree = parse_html(html)

    assert tree.text_content().split() == [*(f"w{level}" for level in range(levels)), "the", "end"]
    assert depth_of(tree) <= DEEPEST


def test_text_between_deep_elements_keeps_its_order() -> None:
    deep = "<div>" * 400
    html = f"<body>{deep}one<p>two</p>three<b>four</b>five{'</div>six' * 400}"

    assert "".join(parse_html(html).itertext()) == "onetwothreefourfive" + "six" * 400


def test_a_node_of_twelve_megabytes_survives() -> None:
    assert len(parse_html(f"<p>{'word ' * 2_400_000}</p>").text_content()) == 12_000_000


@pytest.mark.parametrize("html", ["", "   ", "<!-- only a comment -->", "\0", "<html></html>"])
def test_an_empty_page_is_a_page_without_text(html: str) -> None:
    page = transform_page(parse_html(html), url="https://x.org/")

    assert (page.text, page.title, page.kept_share) == ("", "", 1.0)


@pytest.mark.parametrize(
    "html",
    [
        "<html><head></head></html><body><p>one</p><p>two</p></body></html>",
        "<html><body><p>one</p></body></html><p>two</p>",
        "<html><body><p>one</p></body></html><html><body><p>two</p></body></html>",
        "<p>one<body><p>two",
    ],
)
def test_what_follows_the_end_of_a_page_is_still_the_page(html: str) -> None:
    assert "".join(parse_html(html).text_content().split()) == "onetwo"


def test_what_no_tree_can_hold_is_dropped_and_the_rest_stays() -> None:
    assert parse_html("<p>a\0b\ud800c\x0bd</p>").text_content() == "abcd"


def test_the_charset_that_a_text_declares_no_longer_matters() -> None:
    html = (
        "<?xml version='1.0' encoding='iso-8859-1'?><html><head><meta charset=latin1></head><body>ü 数</body>"
    )

    assert parse_html(html).text_content().strip() == "ü 数"


EDGES = (0, 1, 8, 9, 11, 12, 14, 31, 55296, 57343, 65534, 65535)
HELD = (10, 32, 39, 127, 310, 5500, 55295, 57344, 65533, 65536, 128512)


@pytest.mark.parametrize("form", ["&#{};", "&#{}", "&#000{};", "&#x{:x};", "&#X00{:X}"])
@pytest.mark.parametrize("code", [*EDGES, *HELD])
def test_a_reference_to_what_no_tree_holds_is_cut(code: int, form: str) -> None:
    tree = parse_html(f"<p>one{form.format(code)} two<p>three")
    assert etree.tostring(tree, encoding="unicode")  # lxml refuses to write it
    held = chr(code) if code in (9, *HELD) else ""
    assert "".join(tree.itertext()) == f"one{held} twothree"


@pytest.mark.parametrize("character", ["\x00", "\x0b", "\x1f", "\ud800", "\ufffe", "\uffff"])
def test_a_character_that_no_tree_holds_is_cut(character: str) -> None:
    for text in (f"one{character}two", f"öne{character}two", f"one{character}two\x07\uffff"):
        tree = parse_html(f"<p>{text}")
        assert "".join(tree.itertext()) == text[:3] + "two"
