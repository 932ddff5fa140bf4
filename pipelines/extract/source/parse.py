"""Text of a page → lxml tree that keeps all text and is never deeper than recursion can walk."""

from __future__ import annotations

import re
from html import escape
from typing import cast

from lxml import etree
from lxml.html import HtmlComment, HtmlElement, HTMLParser, document_fromstring

from policy_archive.pipelines.extract.source.reveal import reveal

DEEPEST = 150
"""Levels kept. 418 real policy pages have at most 47; 1990s pages with unclosed <font> have thousands."""

_PARSER_LIMIT = 2000
"""libxml2 2.14 drops, without a word, what lies more than 2048 levels deep, `huge_tree` or not."""

_CLASSES = etree.ElementDefaultClassLookup(element=HtmlElement, comment=HtmlComment)
"""What lxml makes of a node. Its own rule for HTML asks Python of each node that is touched whether it is a
field or a form, which have a class of their own there that nobody here looks at."""

_AT_DEEPEST = etree.XPath("/*" * DEEPEST)
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_REFERENCE = re.compile(r"&#(?:[xX]0*([0-9a-fA-F]{1,6})|0*([0-9]{1,7}));?")
_LOST_REFERENCE = re.compile(
    r"&#(?:[xX]0*(?:1?[0-9a-fA-F](?![0-9a-fA-F])|[dD][89a-fA-F]|[fF]{3}[eEfF])"
    r"|0*(?:(?:[12]?[0-9]|3[01])(?![0-9])|5[5-7][0-9]|6553[45]))"
)
"""The beginning of every reference that no tree can hold, and of a few that one can."""
_CONTROL_BYTES = bytes(code for code in range(32) if _NOT_XML.match(chr(code)))
_CDATA = "<![CDATA["
_ENDS = re.compile(r"</(?:html|body)\s*>", re.IGNORECASE)
"""Browsers read on after these; libxml2 loses what follows `</html>`, which some pages close in the head."""

_OF_HEAD = frozenset("title meta link base script style template noscript object bgsound isindex".split())
_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9]*")
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*+)((?:\"[^\"]*\"|'[^']*'|[^'\"<>])*+)>")
_INLINE = frozenset("a abbr b big code em font i s small span strike strong sub sup tt u".split())
_NEVER_NESTED = frozenset(
    """html head body title meta link base script style template textarea
    p br hr img input h1 h2 h3 h4 h5 h6""".split()
)


def with_plain_elements(parser: HTMLParser) -> HTMLParser:
    """Return a parser, set so that its elements are all of one class, whatever their tag."""
    parser.set_element_class_lookup(_CLASSES)
    return parser


def undo_cdata(text: str) -> str:
    """Return the source of an XHTML page with its CDATA sections as text; to HTML they are comments.

    >>> undo_cdata("<p><![CDATA[you & we]]></p>")
    '<p>you &amp; we</p>'
    """
    before, *sections = text.split(_CDATA)
    return before + "".join(map(_escape_section, sections))


def _escape_section(text: str) -> str:
    """Return what follows the beginning of a section; one without an end is left as it is."""
    section, end, rest = text.partition("]]>")
    return escape(section, quote=False) + rest if end else _CDATA + text


def parse_html(text: str) -> HtmlElement:
    """Return the page's tree, its root `html`, at most DEEPEST levels deep; every piece of text is in it.

    An empty or blank text gives an empty page. Characters that no tree can hold (NUL, lone
    surrogates) are dropped.
    """
    clean = _clean(text)
    tree = _parse(clean)
    if _elements_at_deepest(tree) and _depth(tree) >= _PARSER_LIMIT:
        tree = _parse(_unnest(clean))
    _flatten(tree)
    reveal(tree, lambda inner: _parse(_clean(inner)))
    _flatten(tree)
    return tree


def _clean(text: str) -> str:
    """Return the source without what no tree can hold.

    What stands around a reference that was cut may be one itself then (`&&#0;#0;`): around a blank, none.
    """
    once = _ENDS.sub("", _drop_characters(text.replace("\f", " ")))
    if _LOST_REFERENCE.search(once) is None:
        return once
    once = _REFERENCE.sub(_keep_reference, once)
    return _REFERENCE.sub(lambda match: _keep_reference(match) or " ", once)


def _drop_characters(text: str) -> str:
    """Return a text without characters that no tree can hold; most have none, which bytes tell sooner."""
    try:
        encoded = text.encode()
    except UnicodeEncodeError:  # half a pair
        return _NOT_XML.sub("", text)
    if len(encoded.translate(None, _CONTROL_BYTES)) == len(encoded) and "\ufffe" not in text:
        return text if "\uffff" not in text else text.replace("\uffff", "")
    return _NOT_XML.sub("", text)


def _keep_reference(match: re.Match[str]) -> str:
    """Return a reference to a character, '' when no tree can hold it: lxml refuses to write it again."""
    code = int(match[1], 16) if match[1] else int(match[2])
    return "" if code < 0x20000 and _NOT_XML.match(chr(code)) else match[0]


def _parse(text: str) -> HtmlElement:
    if not text.strip():
        text = "<html><body></body></html>"
    parser = with_plain_elements(HTMLParser(huge_tree=True, encoding="utf-8", remove_pis=True))
    try:
        tree = document_fromstring(text.encode(), parser=parser, ensure_head_body=True)
    except etree.ParserError:  # a page of comments only
        return _parse("")
    _empty_head(tree)
    return tree


def _empty_head(tree: HtmlElement) -> None:
    """Put what libxml2 left in the head, and browsers have in the body, there.

    It knows no elements of HTML5: where a page leaves the tag of its body out, `<main>` does not begin one.
    """
    head, body = tree.find("head"), tree.find("body")
    if head is None or body is None:
        return
    children = list(head)
    here = next((n for n, child in enumerate(children) if _begins_body(child)), len(children))
    moved = children[here:]
    if not moved:
        return
    loose, body.text = body.text, None
    for place, child in enumerate(moved):
        body.insert(place, child)  # with the text after it
    moved[-1].tail = (moved[-1].tail or "") + (loose or "") or None


def _begins_body(element: HtmlElement) -> bool:
    return isinstance(element.tag, str) and (
        element.tag not in _OF_HEAD or bool(element.tail and element.tail.strip())
    )


def _depth(tree: HtmlElement) -> int:
    depth = deepest = 0
    for event, _ in etree.iterwalk(tree, events=("start", "end")):
        depth += 1 if event == "start" else -1
        deepest = max(deepest, depth)
    return deepest


def _unnest(text: str) -> str:
    """Return the source, containers turned into paragraphs, inline tags dropped: nothing left to nest."""
    return _TAG.sub(_unnest_tag, text)


def _unnest_tag(match: re.Match[str]) -> str:
    slash, name = match[1], match[2].lower()
    if name in _NEVER_NESTED:
        return match[0]
    if name in _INLINE:
        return ""
    return "</p>" if slash else "<p>"


def _flatten(tree: HtmlElement) -> None:
    """Lay the descendants of every element at the deepest level side by side, in document order."""
    for element in _elements_at_deepest(tree):
        descendants = list(element.iterdescendants())
        if not descendants:
            continue
        pieces = _linear_pieces(element)
        for child in list(element):
            element.remove(child)
        element.extend(pieces)


def _elements_at_deepest(tree: HtmlElement) -> list[HtmlElement]:
    """Return the elements at level DEEPEST; libxml2 counts the levels, of nearly every page in vain."""
    return cast("list[HtmlElement]", _AT_DEEPEST(tree))


def _copy(node: HtmlElement) -> HtmlElement:
    """Return a childless copy; a tag or attributes that are no names (`<div<b>`) are left out."""
    try:
        return node.makeelement(node.tag, node.attrib)
    except ValueError:
        name = _NAME.match(node.tag)
        return node.makeelement(name[0] if name else "span")


def _linear_pieces(element: HtmlElement) -> list[HtmlElement]:
    """Return childless copies of all descendants; the text after one stands in a <span> of its own."""
    pieces = []
    for event, node in etree.iterwalk(element, events=("start", "end")):
        if node is element or not isinstance(node.tag, str):
            continue
        if event == "start":
            piece = _copy(node)
            piece.text = node.text
            pieces.append(piece)
        elif node.tail:
            tail = node.makeelement("span")
            tail.text = node.tail
            pieces.append(tail)
    return pieces
