"""Random documents, rendered to Markdown and read back by a Markdown reader, keep text and structure."""

from __future__ import annotations

import re
from html import escape
from typing import Any

import lxml.html
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml.html import HtmlElement
from markdown_it import MarkdownIt

from policy_archive.pipelines.extract.links import LinkReader
from policy_archive.pipelines.extract.markdown.build import build_pieces
from policy_archive.pipelines.extract.markdown.render import render
from policy_archive.pipelines.extract.source.parse import parse_html

Node = tuple[Any, ...]

WORDS = st.sampled_from(
    "data we 3.1 1. - + # * a*b snake_case_name _x_ ** [1] (a) <b> &amp; `code` ~~no~~ | 50% “we” l’avis"
    " 数据 を § http://x.org ! = === --- \\ >".split()
)
TEXT = st.lists(WORDS, min_size=1, max_size=5).map(" ".join)
PLAIN = st.tuples(st.just("text"), TEXT)
MARKED = st.tuples(st.sampled_from(["strong", "em"]), st.lists(PLAIN, min_size=1, max_size=1))
LINK = st.tuples(st.just("a"), st.lists(PLAIN | MARKED, min_size=1, max_size=2))
INLINE = st.lists(PLAIN | MARKED | LINK, min_size=1, max_size=4)
PARAGRAPH = st.tuples(st.just("p"), INLINE)
HEADING = st.tuples(st.sampled_from(["h1", "h2", "h3", "h6"]), INLINE)
TABLE = st.integers(2, 3).flatmap(
    lambda columns: st.lists(
        st.lists(INLINE, min_size=columns, max_size=columns), min_size=2, max_size=3
    ).map(lambda rows: ("table", rows))
)


def flat(item: tuple[Node, list[Node]]) -> list[Node]:
    return [item[0], *item[1]]


BLOCK = st.recursive(
    PARAGRAPH | HEADING,
    lambda inner: st.one_of(
        st.tuples(
            st.sampled_from(["ul", "ol"]),
            st.lists(
                st.tuples(st.just("li"), st.tuples(PARAGRAPH, st.lists(inner, max_size=2)).map(flat)),
                min_size=1,
                max_size=3,
            ),
        ),
        st.tuples(st.just("blockquote"), st.lists(inner, min_size=1, max_size=3)),
    ),
    max_leaves=8,
)  # fmt: skip
DOCUMENT = st.lists(BLOCK | TABLE, min_size=1, max_size=5)


def to_html(node: Node) -> str:
    tag, content = node
    if tag == "text":
        return escape(content)
    if tag == "table":
        cells = [[" ".join(map(to_html, cell)) for cell in row] for row in content]
        rows = [
            "".join(f"<{'td' if index else 'th'}>{cell}" for cell in row) for index, row in enumerate(cells)
        ]
        return f"<table><tr>{'<tr>'.join(rows)}</table>"
    inner = (" " if tag in ("p", "h1", "h2", "h3", "h6", "strong", "em", "a") else "").join(
        map(to_html, content)
    )
    return f'<a href="https://x.org/a">{inner}</a>' if tag == "a" else f"<{tag}>{inner}</{tag}>"


def outline(element: HtmlElement) -> list[Any]:
    """Return a tree as nested lists of tags and texts, without white space and without paragraphs' tags."""
    found: list[Any] = []
    add_text(found, element.text)
    for child in element:
        if child.tag in ("p", "thead", "tbody", "div"):
            inner = outline(child)
            if found and inner and isinstance(found[-1], str) and isinstance(inner[0], str):
                found.append("¶")
            found += inner
        elif child.tag == "br":
            pass
        else:
            tag = {"b": "strong", "th": "td"}.get(str(child.tag), str(child.tag))
            found.append([tag, *outline(child)])
        add_text(found, child.tail)
    return found


def add_text(found: list[Any], text: str | None) -> None:
    squeezed = re.sub(r"\s+", "", text or "")
    if squeezed and found and isinstance(found[-1], str) and found[-1] != "¶":
        found[-1] += squeezed
    elif squeezed:
        found.append(squeezed)


def to_markdown(html: str) -> str:
    tree = parse_html(f"<body>{html}</body>")
    body = tree.find("body")
    assert body is not None
    return render(build_pieces(body, link_mark=LinkReader(tree, "").mark))


def read_back(markdown: str) -> HtmlElement:
    html = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(markdown)
    return lxml.html.fragment_fromstring(html, create_parent="div")


@settings(max_examples=150)
@given(DOCUMENT)
def test_a_document_read_back_from_markdown_has_the_same_text_and_structure(document: list[Node]) -> None:
    html = "\n".join(map(to_html, document))
    markdown = to_markdown(html)

    assert outline(read_back(markdown)) == outline(lxml.html.fragment_fromstring(html, create_parent="div"))


@settings(max_examples=50)
@given(DOCUMENT)
def test_rendering_ends_lines_cleanly_and_does_not_depend_on_the_run(document: list[Node]) -> None:
    html = "\n".join(map(to_html, document))
    markdown = to_markdown(html)

    assert markdown == to_markdown(html)
    assert markdown.endswith("\n") and not markdown.endswith("\n\n")
    assert "\0" not in markdown
    assert not re.search(r"[^ >] \n", markdown)  # two blanks are a break, one is dirt
