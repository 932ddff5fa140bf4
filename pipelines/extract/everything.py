"""All that a reader sees of a page, line by line: what the lines of its site's policies are held against."""

from __future__ import annotations

from lxml.html import HtmlElement

from policy_archive.pipelines.extract.characters import normalize_text
from policy_archive.pipelines.extract.markdown.build import build_pieces
from policy_archive.pipelines.extract.markdown.render import render

_MOST_LINES, _LONGEST_LINE = 2_000, 2_000
"""Beyond are no pages but lists of a whole stock, and no lines that pages share."""


def read_lines(tree: HtmlElement) -> tuple[str, ...]:
    """Return the lines of a whole page as Markdown, without links, each once, in order; the tree stays."""
    body = tree.find("body")
    pieces = build_pieces(tree if body is None else body, link_mark=lambda _: None)
    lines = (line for line in normalize_text(render(pieces)).split("\n") if 0 < len(line) <= _LONGEST_LINE)
    return tuple(dict.fromkeys(lines))[:_MOST_LINES]
