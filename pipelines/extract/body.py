"""Which part of a page is its body: trafilatura chooses, its choice is mapped back, checked and grown."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree
from lxml.html import Element, HtmlElement
from trafilatura import bare_extraction

from pipelines.extract.outline import HEADINGS, Outline

# It logs every page without a body as an error; such pages are looked at here.
logging.getLogger("trafilatura").setLevel(logging.CRITICAL)


@dataclass(frozen=True, kw_only=True)
class Body:
    """The chosen part of a page."""

    root: HtmlElement
    dropped: frozenset[HtmlElement]
    """Elements inside the root that are no part of the body."""
    title: HtmlElement | None
    """The page's first heading, when it stands outside the root."""


Span = tuple[int, int]


def choose_body(tree: HtmlElement, outline: Outline) -> Body:
    """Return the part of a page that holds the document."""
    body = tree.find("body")
    page = body if body is not None else tree
    chosen = guide(outline)
    root = _match(page, outline, chosen)
    root = _grow(root, page, outline)
    return Body(root=root, dropped=frozenset(), title=_title_outside(outline, root))


_MARK = re.compile("⸢([0-9]+)⸣")
_KEPT_ATTRIBUTES = ("class", "id", "role", "itemprop")
_TEXT_HOLDERS = frozenset(
    (*HEADINGS, "p", "li", "td", "th", "dd", "dt", "blockquote", "pre", "caption", "summary")
)


def guide(outline: Outline) -> frozenset[int]:
    """Return the numbers of the blocks that trafilatura takes for the body.

    It gets a lean copy of the page, one element a block, each block's text led by its number:
    so its choice can be read off exactly, and costs a third of a run on the whole page.
    """
    document = bare_extraction(
        _lean_copy(outline), fast=True, favor_recall=True, include_comments=False, with_metadata=False
    )
    body = getattr(document, "body", None)
    if body is None:
        return frozenset()
    return frozenset(int(number) for text in body.itertext() for number in _MARK.findall(text))


def _lean_copy(outline: Outline) -> HtmlElement:
    root = Element("html")
    copies: dict[HtmlElement, HtmlElement] = {}
    for number, block in enumerate(outline.blocks):
        holder = _copy_of(block.holder, outline, copies, root)
        if holder.tag not in _TEXT_HOLDERS or len(holder) or holder.text:
            holder = etree.SubElement(holder, "p")
        _fill(
            holder, f"⸢{number}⸣", " ".join(block.text.replace("⸢", "").split()), block.linked / block.words
        )
    return root


def _copy_of(
    element: HtmlElement, outline: Outline, copies: dict[HtmlElement, HtmlElement], root: HtmlElement
) -> HtmlElement:
    if element in copies:
        return copies[element]
    parent = next((ancestor for ancestor in element.iterancestors() if ancestor in outline.ranges), None)
    above = root if parent is None else _copy_of(parent, outline, copies, root)
    attributes = {name: value for name in _KEPT_ATTRIBUTES if (value := element.get(name))}
    copies[element] = etree.SubElement(above, element.tag, attributes)
    return copies[element]


def _fill(holder: HtmlElement, mark: str, text: str, linked_share: float) -> None:
    """Put a block's text into its copy, so much of it inside a link as was linked."""
    if linked_share == 0:
        holder.text = mark + text
        return
    words = text.split(" ")
    cut = int(len(words) * linked_share)
    link = etree.SubElement(holder, "a", href="/")
    if linked_share >= 1:
        link.text = mark + text
    else:
        holder.text = f"{mark}{' '.join(words[cut:])} "
        link.text = " ".join(words[:cut])


def _match(page: HtmlElement, outline: Outline, chosen: frozenset[int]) -> HtmlElement:
    """Return the container whose words agree best (F1) with the chosen blocks; without any, the page."""
    total = sum(outline.blocks[number].words for number in chosen)
    if not total:
        return page
    sums = [0]
    for number, block in enumerate(outline.blocks):
        sums.append(sums[-1] + (block.words if number in chosen else 0))
    best, best_score = page, -1.0
    for element, (start, end) in outline.ranges.items():
        score = (sums[end] - sums[start]) / (outline.words_in((start, end)) + total)
        if score > best_score or (score == best_score and _is_inside(element, best)):
            best, best_score = element, score
    return best


def _is_inside(element: HtmlElement, other: HtmlElement) -> bool:
    return any(ancestor is other for ancestor in element.iterancestors())


def _grow(root: HtmlElement, page: HtmlElement, outline: Outline) -> HtmlElement:
    """Return the highest ancestor whose added text is at least half prose."""
    grown = root
    for ancestor in _ancestors(root, page):
        if ancestor not in outline.ranges:
            continue
        inner, outer = outline.ranges[root], outline.ranges[ancestor]
        added = outline.words_in(outer) - outline.words_in(inner)
        prose = outline.prose_in(outer) - outline.prose_in(inner)
        if prose * 2 >= added:
            grown = ancestor
    return grown


def _ancestors(root: HtmlElement, page: HtmlElement) -> Iterator[HtmlElement]:
    if root is page:
        return
    for ancestor in root.iterancestors():
        yield ancestor
        if ancestor is page:
            return


def _title_outside(outline: Outline, root: HtmlElement) -> HtmlElement | None:
    """Return the page's first h1 when the root has none."""
    if root.tag == "h1" or root.find(".//h1") is not None:
        return None
    return next((element for element in outline.ranges if element.tag == "h1"), None)
