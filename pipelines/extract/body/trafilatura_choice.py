"""What trafilatura takes for the body of a page, read off block by block."""

from __future__ import annotations

import logging
import re

from lxml import etree
from lxml.html import HtmlElement, HTMLParser
from trafilatura import bare_extraction

from policy_archive.crawler.core.cache import remembered
from policy_archive.pipelines.extract.outline import HEADINGS, Outline
from policy_archive.pipelines.extract.source.parse import with_plain_elements

# It logs every page without a body as an error; such pages are looked at by the caller.
logging.getLogger("trafilatura").setLevel(logging.CRITICAL)

_PARSER = with_plain_elements(HTMLParser())
_NUMBER = re.compile("⸢([0-9]+)⸣")
_KEPT_ATTRIBUTES = ("class", "id", "role", "itemprop")
_TEXT_HOLDERS = HEADINGS | {"p", "li", "td", "th", "dd", "dt", "blockquote", "pre", "caption", "summary"}


def choose_blocks(outline: Outline) -> frozenset[int]:
    """Return the numbers of the blocks that trafilatura takes for the body; none when it finds no body.

    It gets a lean copy of the page, one element a block, as many letters in it as the block has, led by its
    number: so its choice can be read off exactly, and costs a quarter of a run on the whole page.
    """
    copy = _lean_copy(outline)
    return _choose(etree.tostring(copy), copy=copy)


@remembered(64)
def _choose(_: bytes, /, *, copy: HtmlElement) -> frozenset[int]:
    """Return the numbers of the blocks chosen in a copy; two of equal source hold the same."""
    # "txt" is what it does not write: of a body asked for as Python's it makes a text as well
    document = bare_extraction(
        copy,
        fast=True,
        favor_recall=True,
        include_comments=False,
        with_metadata=False,
        output_format="txt",
    )
    body = getattr(document, "body", None)
    if body is None:
        return frozenset()
    return frozenset(map(int, _NUMBER.findall("\n".join(body.itertext()))))


def _lean_copy(outline: Outline) -> HtmlElement:
    root = _PARSER.makeelement("html")
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
    given = element.keys()
    # in this order, whatever the page's: some of trafilatura's patterns look at the first one alone
    attributes = {name: value for name in _KEPT_ATTRIBUTES if name in given and (value := element.get(name))}
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
    """Put as many letters as a block has into its copy, as many of them inside a link as were linked."""
    linked = None
    if linked_share >= 1:
        linked = mark + _letters(text, holder)
    elif linked_share:
        words = text.split(" ")
        cut = int(len(words) * linked_share)
        holder.text = f"{mark}{_letters(' '.join(words[cut:]), holder)} "
        linked = _letters(" ".join(words[:cut]), holder)
    else:
        holder.text = mark + _letters(text, holder)
    if linked is not None:
        etree.SubElement(holder, "a", href="/").text = linked


def _letters(text: str, holder: HtmlElement) -> str:
    """Return a text of equal length without blanks: of all that trafilatura reads it takes the length alone.

    It folds the blanks of a text again for each box around it, which took a fifth of its time. Two things of
    a text it looks at: whether it is code, and which characters are not printed, which it leaves out.
    """
    return text if holder.tag == "pre" or not text.isprintable() else "x" * len(text)
