"""What trafilatura takes for the body of a page, read off block by block."""

from __future__ import annotations

import logging
import re

from lxml import etree
from lxml.html import Element, HtmlElement
from trafilatura import bare_extraction

from policy_archive.crawler.core.cache import remembered
from policy_archive.pipelines.extract.outline import HEADINGS, Outline

# It logs every page without a body as an error; such pages are looked at by the caller.
logging.getLogger("trafilatura").setLevel(logging.CRITICAL)

_NUMBER = re.compile("⸢([0-9]+)⸣")
_KEPT_ATTRIBUTES = ("class", "id", "role", "itemprop")
_TEXT_HOLDERS = HEADINGS | {"p", "li", "td", "th", "dd", "dt", "blockquote", "pre", "caption", "summary"}


def choose_blocks(outline: Outline) -> frozenset[int]:
    """Return the numbers of the blocks that trafilatura takes for the body; none when it finds no body.

    It gets a lean copy of the page, one element a block, each block's text led by its number: so its
    choice can be read off exactly, and costs a third of a run on the whole page.
    """
    copy = _lean_copy(outline)
    return _choose(etree.tostring(copy), copy=copy)


@remembered(64)
def _choose(_: bytes, /, *, copy: HtmlElement) -> frozenset[int]:
    """Return the numbers of the blocks chosen in a copy; two of equal source hold the same."""
    document = bare_extraction(
        copy, fast=True, favor_recall=True, include_comments=False, with_metadata=False
    )
    body = getattr(document, "body", None)
    if body is None:
        return frozenset()
    return frozenset(int(number) for text in body.itertext() for number in _NUMBER.findall(text))


def _lean_copy(outline: Outline) -> HtmlElement:
    root = Element("html")
    copies: dict[HtmlElement, HtmlElement] = {}
    for number, block in enumerate(outline.blocks):
        holder = _copy_of(block.holder, outline, copies, root)
        if holder.tag not in _TEXT_HOLDERS or len(holder) or holder.text:
            holder = etree.SubElement(holder, "p")
        text = " ".join(block.text.replace("⸢", "").split())
        _fill(holder, f"⸢{number}⸣", text, block.linked / block.words)
    return root


def _copy_of(
    element: HtmlElement, outline: Outline, copies: dict[HtmlElement, HtmlElement], root: HtmlElement
) -> HtmlElement:
    if element in copies:
        return copies[element]
    parent = outline.parents.get(element)
    above = root if parent is None else _copy_of(parent, outline, copies, root)
    attributes = {name: value for name in _KEPT_ATTRIBUTES if (value := element.get(name))}
    # trafilatura reads no fields; those of the outline hold text
    tag = "div" if element.tag == "textarea" else element.tag
    try:
        copies[element] = etree.SubElement(above, tag, attributes)
    except (
        ValueError
    ):  # markup that is none made a tag that is no name: `<HTTP-EQUIV="PRAGMA">`, `<td"width=5>`
        copies[element] = etree.SubElement(above, "div", attributes)
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
