"""Archived Markdown to HTML that is safe to show: no HTML of the page's own, an allow-list behind it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

from policy_archive.pipelines.store.snippets import BEGIN, END, mark_all

_TAGS = {
    *("p", "br", "hr", "blockquote", "pre", "code", "strong", "em", "s", "a"),
    *("ul", "ol", "li", "h1", "h2", "h3", "h4", "h5", "h6"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
_HEADINGS = {f"h{level}": {"id"} for level in range(1, 7)}
_ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}, **_HEADINGS}
_NO_SIGNS = {ord(sign): None for sign in (BEGIN, END)}
_SLUG = re.compile(r"[^\w]+")

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
    hits: int = 0
    """Places that are marked, with the ids `hit-1`, `hit-2` …"""


def _build_parser() -> MarkdownIt:
    # linkify off: an address that was no link on the page is none here
    return MarkdownIt("commonmark", {"html": False, "linkify": False}).enable(["table", "strikethrough"])


_PARSER = _build_parser()


def render_markdown(text: str, *, needles: Sequence[str] = ()) -> RenderedText:
    """Return HTML of a version's Markdown, headings with anchors, everything live taken out.

    What one of the needles finds (patterns of the search's syntax) is marked, where no link or emphasis
    begins or ends within it.
    """
    tokens = _PARSER.parse(text.translate(_NO_SIGNS) if needles else text)
    headings = tuple(_anchor_headings(tokens))
    if needles:
        _mark_hits(tokens, needles)
    html = _PARSER.renderer.render(tokens, _PARSER.options, {})
    clean = _SANITISER.clean(html)
    hits = itertools.count(1)
    if needles:
        # only now, so that no mark can stand anywhere but in words that were found safe
        clean = re.sub(BEGIN, lambda _: f'<mark id="hit-{next(hits)}">', clean).replace(END, "</mark>")
    return RenderedText(html=clean, headings=headings, hits=next(hits) - 1)


def _mark_hits(tokens: Sequence[Token], needles: Sequence[str]) -> None:
    for token in tokens:
        for child in token.children or []:
            if child.type == "text":
                child.content = mark_all(child.content, needles)


def _anchor_headings(tokens: list[Token]) -> list[Heading]:
    """Give each heading an id of its own and return them in order."""
    found: list[Heading] = []
    taken: set[str] = set()
    for opening, inline in itertools.pairwise(tokens):
        if opening.type != "heading_open":
            continue
        text = _plain_text(inline)
        # "s-" keeps a heading from taking an id that the page itself uses
        anchor = _free_anchor(f"s-{_SLUG.sub('-', text.lower()).strip('-')[:60]}", taken)
        opening.attrSet("id", anchor)
        found.append(Heading(level=int(opening.tag[1]), text=text, anchor=anchor))
    return found


def _plain_text(inline: Token) -> str:
    parts = (child.content for child in inline.children or [] if child.type in ("text", "code_inline"))
    return " ".join("".join(parts).split())


def _free_anchor(wanted: str, taken: set[str]) -> str:
    anchor, count = wanted, 1
    while anchor in taken:
        count += 1
        anchor = f"{wanted}-{count}"
    taken.add(anchor)
    return anchor
