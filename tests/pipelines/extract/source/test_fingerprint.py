"""What a page is known again by: all that a reading looks at, and nothing that changes at each load."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from lxml import etree

from policy_archive.pipelines.extract.source.fingerprint import Fingerprint, fingerprint
from policy_archive.pipelines.extract.source.parse import parse_html

ROOT = Path(__file__).parents[4]
URL = "https://x.example/privacy"
ROOMS = ("crawler/discovery", "pipelines/extract")
PAGE = """<html><head><meta name="description" content="A"><link rel="stylesheet" href="/a.css">
<script src="/a.js">go("a")</script><style>p {{ color: red }}</style></head>
<body id="top"><p class="first">We keep <a href="/letters" title="All">letters</a>.</p>{more}</body></html>"""


def seen(more: str = "", page: str = PAGE) -> Fingerprint | None:
    return fingerprint(parse_html(page.format(more=more)))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param('content="A"', 'content="B"', id="description"),
        pytest.param("/a.css", "/b.css", id="stylesheet"),
        pytest.param("/a.js", "/b.js", id="script's address"),
        pytest.param('go("a")', 'go("b") &lt; &gt; <b>', id="script's text"),
        pytest.param("red", "blue", id="style"),
    ],
)
def test_what_nobody_reads_does_not_count(one: str, other: str) -> None:
    assert seen(page=PAGE.replace(one, other)) == seen()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("We keep", "We sell", id="a word"),
        pytest.param("We keep", "We  keep", id="a blank"),
        pytest.param('"first"', '"last"', id="a class"),
        pytest.param('"top"', '"end"', id="an id"),
        pytest.param('"/letters"', '"/parcels"', id="a target"),
        pytest.param('"All"', '"None"', id="a title"),
        pytest.param('rel="stylesheet" href="/a.css"', 'rel="canonical" href="/a.css"', id="what a link is"),
        pytest.param("<p class", "<div class", id="a tag"),
        pytest.param('name="description"', 'property="og:title"', id="what a meta is"),
        pytest.param("</body>", "<input type='submit' value='Send'></body>", id="a button"),
        pytest.param("</body>", "<!-- a --></body>", id="a comment where none was"),
    ],
)
def test_what_a_reading_looks_at_counts(one: str, other: str) -> None:
    assert one in PAGE
    assert seen(page=PAGE.replace(one, other)) != seen()


@pytest.mark.parametrize(
    "text",
    [
        'write data-x="{0}" into the page',
        "&lt;script nonce=&quot;{0}&quot;&gt;{0}&lt;/script&gt;",
        "&lt;meta content=&quot;{0}&quot;&gt;",
        "<a title='data-x=\"{0}\"'>here</a>",
        '<a title="&gt;&lt;script&gt;{0}">here</a>',
        "<p>a</p><!-- <script> --><p>{0}</p><!-- </script> -->",
        "<script-less>{0}</script-less>",
        "<textarea><script>{0}</textarea>",
        "<script></script>{0}",
    ],
)
def test_a_text_that_looks_like_markup_is_text(text: str) -> None:
    assert seen(text.format("one")) != seen(text.format("two"))


def test_of_canonical_links_and_of_what_the_page_is_called_the_values_count() -> None:
    for tag in (
        '<link rel="canonical" href="{0}">',
        '<link rel="alternate" hreflang="de" href="{0}">',
        '<meta property="og:title" content="{0}">',
        '<meta http-equiv="Refresh" content="{0}">',
        '<img src="{0}">',
        '<a onclick="{0}">Terms</a>',
        '<option value="{0}">',
        '<li value="{0}">',
    ):
        assert seen(tag.format("1")) != seen(tag.format("2")), tag
        assert seen(tag.format("1")) == seen(tag.format("1"))


def test_every_data_attribute_that_the_code_names_counts() -> None:
    names = {
        name
        for room in ROOMS
        for path in (ROOT / room).rglob("*.py")
        if path.name != "fingerprint.py"
        for name in re.findall(r"[\"@ ](data-[a-z-]+)(?=[\"\] ])", path.read_text("utf-8"))
    }
    assert {"data-cfemail", "data-href"} <= names
    for name in names:
        assert seen(f'<p {name}="1">') != seen(f'<p {name}="2">'), name
    assert seen('<p data-load="1">') == seen('<p data-load="2">') != seen("<p>")


def test_the_tree_is_left_as_it_was_and_a_page_too_large_is_not_kept() -> None:
    tree = parse_html(PAGE.format(more=""))
    before = etree.tostring(tree)
    found = fingerprint(tree)
    assert found is not None
    assert len(found.digest) == 20
    assert etree.tostring(tree) == before
    assert seen("x" * 500_000) is None
    assert seen(f"<script>{'x' * 500_000}</script>") is not None


def test_equal_pages_are_one_key_and_others_are_not() -> None:
    known = {(URL, seen()): "page", (URL, seen("<p>More</p>")): "longer"}
    assert known[URL, seen(page=PAGE.replace("red", "blue"))] == "page"
    assert (URL, seen(page=PAGE.replace("We keep", "We sell"))) not in known
    assert (URL, None) not in known
