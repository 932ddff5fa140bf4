"""Archived Markdown to HTML that is safe to show: no HTML of the page's own, an allow-list behind it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from html import escape

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

from policy_archive.browse.anchors import Anchors
from policy_archive.pipelines.store.snippets import BEGIN, END, mark_all

_TAGS = {
    *("p", "br", "hr", "blockquote", "pre", "code", "strong", "em", "s", "a"),
    *("ul", "ol", "li", "h1", "h2", "h3", "h4", "h5", "h6"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
_NAMED = {name: {"id"} for name in ("p", "li", "tr", *(f"h{level}" for level in range(1, 7)))}
_ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}, **_NAMED}
_PLACE, _END_OF_PLACE = "\x03", "\x04"
"""Stand around the number of a paragraph (of a heading: `h` and its number) where its link will be."""
_NO_SIGNS = {ord(sign): None for sign in (BEGIN, END, _PLACE, _END_OF_PLACE)}
_PLACED = re.compile(f"{_PLACE}(h?)([0-9]+){_END_OF_PLACE}")

_LEADS_OUT = re.compile("https?://|mailto:", re.IGNORECASE)


def _keep_attribute(tag: str, name: str, value: str) -> str | None:
    """Return the value, None for an address that would lead into this site: no page meant it."""
    return None if name == "href" and not _LEADS_OUT.match(value) else value


# Images are dropped (the corpus drops them too) and no scheme but these leaves the page.
_SANITISER = nh3.Cleaner(
    tags=_TAGS,
    attributes=_ATTRIBUTES,
    url_schemes={"http", "https", "mailto"},
    link_rel="nofollow noopener noreferrer",
    strip_comments=True,
    attribute_filter=_keep_attribute,
)


@dataclass(frozen=True, kw_only=True)
class Heading:
    """One heading of a text, for its table of contents."""

    level: int
    text: str
    anchor: str


@dataclass(frozen=True, kw_only=True)
class RenderedText:
    """A text as HTML, with its own headings."""

    html: str
    headings: tuple[Heading, ...]
    paragraphs: tuple[str, ...]
    """Their words, in order: the first has the id `p1`. Items of lists and rows of tables are paragraphs."""
    hits: int = 0
    """Places that are marked, with the ids `hit-1`, `hit-2` …"""


@dataclass(frozen=True, kw_only=True)
class TextLinks:
    """Where paragraphs and headings of a text lead."""

    paragraph: str
    """What stands before `#p12`; a `{}` in it is the paragraph's number."""
    section: Callable[[str], str | None] | None = None
    """The address of a heading's history, by its anchor."""


def _build_parser() -> MarkdownIt:
    # linkify off: an address that was no link on the page is none here
    return MarkdownIt("commonmark", {"html": False, "linkify": False}).enable(["table", "strikethrough"])


_PARSER = _build_parser()


def render_markdown(
    text: str, *, needles: Sequence[str] = (), links: TextLinks | None = None
) -> RenderedText:
    """Return HTML of a version's Markdown, headings and paragraphs with ids, everything live taken out.

    What one of the needles finds (patterns of the search's syntax) is marked, where no link or emphasis
    begins or ends within it.
    """
    tokens = _PARSER.parse(text.translate(_NO_SIGNS))
    headings = tuple(_anchor_headings(tokens, placed=links is not None))
    paragraphs = tuple(_number_paragraphs(tokens, placed=links is not None))
    if needles:
        _mark_hits(tokens, needles)
    html = _PARSER.renderer.render(tokens, _PARSER.options, {})
    clean = _SANITISER.clean(html)
    hits = itertools.count(1)
    if needles:
        # only now, so that no mark can stand anywhere but in words that were found safe
        clean = re.sub(BEGIN, lambda _: f'<mark id="hit-{next(hits)}">', clean).replace(END, "</mark>")
    if links:
        clean = _PLACED.sub(partial(_show_link, links, headings), clean)
    return RenderedText(html=clean, headings=headings, paragraphs=paragraphs, hits=next(hits) - 1)


def _show_link(links: TextLinks, headings: Sequence[Heading], place: re.Match[str]) -> str:
    number = int(place[2])
    if place[1]:
        heading = headings[number]
        address = links.section and links.section(heading.anchor)
        label = escape(f"History of the section {heading.text}")
        shown = (
            f' <a class="story" href="{escape(address)}" aria-label="{label}">history</a>' if address else ""
        )
        return f'{shown}<a class="pl" href="#{heading.anchor}" aria-label="Link to this section">¶</a>'
    address = escape(links.paragraph.replace("{}", str(number)))
    return f'<a class="pl" href="{address}#p{number}" aria-label="Paragraph {number}">¶</a>'


def _number_paragraphs(tokens: Sequence[Token], *, placed: bool) -> Iterator[str]:
    """Give each paragraph, item and row of a table an id, and yield its words."""
    numbers = itertools.count(1)
    row: Token | None = None
    cells: list[Token] = []
    for index, token in enumerate(tokens):
        if token.type == "tr_open":
            row, cells = token, []
        elif token.type == "inline" and row is not None:
            cells.append(token)
        elif token.type == "tr_close" and row is not None:
            yield _name_paragraph(row, cells, next(numbers), placed=placed)
            row = None
        elif token.type == "paragraph_open":
            # a paragraph of a list without blank lines is no element: its item is
            named = tokens[index - 1] if token.hidden else token
            if not token.hidden or named.type == "list_item_open":
                yield _name_paragraph(named, [tokens[index + 1]], next(numbers), placed=placed)


def _name_paragraph(named: Token, inlines: Sequence[Token], number: int, *, placed: bool) -> str:
    words = " | ".join(filter(None, map(_plain_text, inlines)))
    named.attrSet("id", f"p{number}")
    if placed and inlines:
        _place(inlines[-1], str(number))
    return words


def _place(inline: Token, number: str) -> None:
    """Put the place of a link at the end of a line."""
    sign = Token("text", "", 0)
    sign.content = f"{_PLACE}{number}{_END_OF_PLACE}"
    inline.children = [*(inline.children or []), sign]


def _mark_hits(tokens: Sequence[Token], needles: Sequence[str]) -> None:
    for token in tokens:
        for child in token.children or []:
            if child.type == "text" and not child.content.startswith(_PLACE):
                child.content = mark_all(child.content, needles)


def _anchor_headings(tokens: list[Token], *, placed: bool) -> list[Heading]:
    """Give each heading an id of its own and return them in order."""
    found: list[Heading] = []
    anchors = Anchors()
    for opening, inline in itertools.pairwise(tokens):
        if opening.type != "heading_open":
            continue
        text = _plain_text(inline)
        anchor = anchors.name(text)
        opening.attrSet("id", anchor)
        if placed:
            _place(inline, f"h{len(found)}")
        found.append(Heading(level=int(opening.tag[1]), text=text, anchor=anchor))
    return found


def _plain_text(inline: Token) -> str:
    parts = (child.content for child in inline.children or [] if child.type in ("text", "code_inline"))
    return " ".join("".join(parts).split())
