"""The corpus's own texts, put on a web page, come back byte for byte."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from policy_archive.pipelines.extract.page import transform_page
from policy_archive.pipelines.extract.source.parse import parse_html

PAGE = """<!DOCTYPE html><html><head><title>{title}</title><style>p {{ margin: 0 }}</style></head><body>
<a href="#main">Skip to content</a>
<div id="cookie-banner" class="cookie-consent" role="dialog"><p>We use cookies to give you the best
experience on our site, to measure it, and to show you things that you may like. Read our
<a href="/cookies">cookie policy</a>.</p>
<button>Accept all</button><button>Reject all</button></div>
<header><a href="/"><img src="logo.png" alt="Home"></a><nav><ul><li><a href="/products">Products</a></li>
<li><a href="/pricing">Pricing</a></li><li><a href="/about">About us</a></li></ul></nav></header>
<main id="main">{body}</main>
<footer><ul><li><a href="/privacy">Privacy</a></li><li><a href="/terms">Terms</a></li></ul>
<p>© 2019 Example Ltd. All rights reserved.</p></footer><script>track();</script></body></html>"""

DATED = ["contactually.com-2013-07-11", "intently.co-2018-01-27", "manycontacts.com-2019-04-19"]


def read_reference(shared: Path, name: str) -> tuple[str, str]:
    """Return title and body of a text of the corpus."""
    quote, title, body = (shared / "reference-texts" / f"{name}.md").read_text("utf-8").split("\n\n", 2)
    assert quote.startswith("> ")
    return title.removeprefix("# "), body


def without_trailing_spaces(text: str) -> str:
    return re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE).rstrip("\n") + "\n"


@pytest.mark.parametrize("name", DATED)
def test_a_reference_text_comes_back_from_a_page_with_menus_and_banner(shared: Path, name: str) -> None:
    title, body = read_reference(shared, name)
    html = PAGE.format(title=title, body=MarkdownIt("commonmark").render(body))

    page = transform_page(parse_html(html), url="https://example.com/privacy")

    assert without_trailing_spaces(page.text) == without_trailing_spaces(body)
    assert page.title == title
    assert page.documents_on_page == 1


@pytest.mark.parametrize("name", DATED[:2])
def test_a_reference_text_comes_back_from_tables_and_bare_divs(shared: Path, name: str) -> None:
    title, body = read_reference(shared, name)
    rendered = MarkdownIt("commonmark").render(body).replace("<p>", "<div>").replace("</p>", "</div>")
    html = (
        f"<html><title>{title}</title><body bgcolor=white><table width='100%'><tr>"
        "<td><a href='/'>Home</a><br><a href='/news'>News</a></td>"
        f"<td><font face=Arial>{rendered}</font></td></tr></table></body></html>"
    )

    page = transform_page(parse_html(html), url="http://example.com/privacy.htm")

    assert without_trailing_spaces(page.text) == without_trailing_spaces(body)
