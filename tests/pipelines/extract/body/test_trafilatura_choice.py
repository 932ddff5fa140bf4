"""What trafilatura is given of a page is enough for its choice: tags, names, the lengths of texts."""

from __future__ import annotations

import copy
import gzip
import re
from pathlib import Path

import pytest
from lxml.html import HtmlElement, fromstring
from trafilatura import bare_extraction

from policy_archive.pipelines.extract.body.trafilatura_choice import choose_blocks
from policy_archive.pipelines.extract.outline import outline_page
from policy_archive.pipelines.extract.source.parse import parse_html

PAGES = Path(__file__).parents[5] / "shared" / "extraction" / "dev"

_SENTENCE = "We keep the letters that our members send us for as long as the club stands."
_PARTS = {
    "prose": f"<div class='text'><h1>Privacy</h1><p>{_SENTENCE}</p><p>{_SENTENCE} {_SENTENCE}</p></div>",
    "menu": "<nav><ul>"
    + "<li><a href='/a'>Print</a></li><li><a href='/b'>About us</a></li>" * 4
    + "</ul></nav>",
    "share": "<div><p>Facebook</p><p>E-Mail</p><p>Mehr zum Thema: x</p></div>",
    "links": f"<div><p><a href='/x'>{_SENTENCE}</a> More.</p><p>{_SENTENCE} <a href='/y'>Print</a></p></div>",
    "table": f"<table><tr><th>Who</th><th>Why</th></tr><tr><td>Ads Ltd</td><td>{_SENTENCE}</td></tr></table>",
    "code": '<pre>{ "a": 1 }</pre><pre>As it was typed in 1996</pre>',
    "quote": f"<blockquote>{_SENTENCE}</blockquote><q>Twitter</q>",
    "unseen": f"<div>{_SENTENCE.replace(' ', chr(0x200B))} {chr(0xF0B7)} ab</div>",
    "twice": f"<p>{_SENTENCE}</p><p>{_SENTENCE}</p>",
}


def _choice(tree: HtmlElement, *, letters: bool) -> set[str]:
    """Return the numbers of the texts chosen of a page, each led by its number; `letters`: of "x" alone."""
    tree = copy.deepcopy(tree)
    for number, element in enumerate(tree.iter()):
        element.tail = None
        text = " ".join((element.text or "").split())
        if text and isinstance(element.tag, str):
            as_it_is = element.tag == "pre" or not text.isprintable() or not letters
            element.text = f"⸢{number}⸣" + (text if as_it_is else "x" * len(text))
    found = bare_extraction(tree, fast=True, favor_recall=True, include_comments=False, output_format="txt")
    body = getattr(found, "body", None)
    return set(re.findall("⸢([0-9]+)⸣", "".join(body.itertext()))) if body is not None else set()


@pytest.mark.parametrize("name", _PARTS)
def test_of_a_text_the_length_alone_decides(name: str) -> None:
    for parts in ([name], ["prose", name], [name, "prose", "menu"]):
        tree = fromstring(f"<html><body>{''.join(_PARTS[part] for part in parts)}</body></html>")
        assert _choice(tree, letters=True) == _choice(tree, letters=False)


@pytest.mark.skipif(not PAGES.is_dir(), reason="the shared sets of real pages are not here")
def test_of_a_real_page_the_lengths_alone_decide() -> None:
    paths = sorted(PAGES.glob("*.html.gz"))[::50]
    assert paths
    for path in paths:
        tree = parse_html(gzip.decompress(path.read_bytes()).decode("utf-8", "replace"))
        assert _choice(tree, letters=True) == _choice(tree, letters=False), path.name


def test_a_page_in_other_words_of_the_same_lengths_has_the_same_blocks_chosen() -> None:
    html = f"<body>{''.join(_PARTS.values())}</body>"
    chosen = choose_blocks(outline_page(parse_html(html)))
    assert chosen
    assert choose_blocks(outline_page(parse_html(html.replace("letters", "parcels")))) == chosen
