"""A page's tree → the text of the document on it, in the corpus's Markdown."""

from __future__ import annotations

from dataclasses import dataclass

from lxml.html import HtmlElement

from crawler.records import Kind
from pipelines.extract.body import Body, choose_body
from pipelines.extract.links import LinkReader
from pipelines.extract.outline import Outline, outline_page
from pipelines.extract.render import render
from pipelines.extract.structure import build_pieces


@dataclass(frozen=True, kw_only=True)
class PageText:
    """What a page says, and how well it was got hold of."""

    text: str
    """Markdown, one newline at the end; '' when the page holds no text."""
    title: str
    """The page's <title>, white space folded; '' when it has none."""
    kept_share: float
    """Share of the page's visible prose that the text holds, 0 to 1."""
    hidden_text_used: bool
    documents_on_page: int
    frame_url: str | None
    """Main frame of a frameset: the text is there."""


def transform_page(tree: HtmlElement, *, url: str, kind: Kind | None = None) -> PageText:
    """Return the text of the document that a page holds. The tree is left as it was.

    `url` is the page's address, '' when unknown; `kind` is the kind of document wanted, for pages
    that hold several.
    """
    outline = outline_page(tree)
    body = choose_body(tree, outline)
    links = LinkReader(tree, url)
    pieces = build_pieces(body.root, dropped=body.dropped, link_mark=links.mark)
    if body.title is not None:
        pieces = (*build_pieces(body.title, link_mark=links.mark), *pieces)
    return PageText(
        text=render(pieces),
        title=read_title(tree),
        kept_share=_kept_share(body, outline),
        hidden_text_used=False,
        documents_on_page=1,
        frame_url=None,
    )


def read_title(tree: HtmlElement) -> str:
    """Return the page's <title>, white space folded; '' when it has none."""
    for element in tree.iter("title"):
        if next(element.iterancestors("svg"), None) is None:
            return " ".join("".join(element.itertext()).split())
    return ""


def _kept_share(body: Body, outline: Outline) -> float:
    total = outline.prose[-1]
    if not total or body.root not in outline.ranges:
        return 1.0 if not total else 0.0
    kept = outline.prose_in(outline.ranges[body.root])
    dropped = sum(
        outline.prose_in(outline.ranges[element]) for element in body.dropped if element in outline.ranges
    )
    return (kept - dropped) / total
