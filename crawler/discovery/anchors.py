"""What on a page leads elsewhere, and what a reader is told of it: anchors, frames, forms, raw markup."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, cast
from urllib.parse import urldefrag, urljoin, urlsplit

from lxml import etree
from lxml.html import document_fromstring

from policy_archive.crawler.core.cache import remembered
from policy_archive.crawler.core.urls import original_address
from policy_archive.crawler.discovery.addresses import read_segment

LONGEST_KNOWN = 1_000  # characters of an address or a label that is remembered
LONGEST_MARKUP = 200_000  # characters of a script or a raw element that are read as markup

_XHTML = "{http://www.w3.org/1999/xhtml}"
_XLINK = "{http://www.w3.org/1999/xlink}href"
_NEW_WINDOW = re.compile(
    r"[(\[]?(this link )?opens? in (a )?new (browser )?(window|tab)[)\]]?", re.IGNORECASE
)
_REFRESH = re.compile(r"^\s*+[0-9.]*+\s*+[;,]\s*+(?:url\s*+=)?\s*+['\"]?([^'\"]+)", re.IGNORECASE)
QUOTED_PAGE = re.compile(r"""['"]([\w.~%/:?=&+-]*[./?][\w.~%/:?=&+-]+)['"]""")
"""An address in a script's call: `openWindow('legal/privacy.html', 400)`."""
_SCRIPTED = etree.XPath(
    "//*[@onclick or @data-href or @data-url or @data-link]"
    "[not(self::a or self::area or self::script or self::form)]"
)
_ESCAPED_CHARACTER = re.compile(r"(?<!\\)\\++u([0-9a-fA-F]{4})")
_ESCAPES = re.compile(r"(?<!\\)\\++(?=[\"'/])")
"""Both look at a run of backslashes from its first alone: from each, 200,000 of them took three minutes."""
_NO_CHARACTER = re.compile(r"[\ud800-\udfff\x00-\x08]")
_JOINED = re.compile(r"(['\"])\s{0,20}\+\s{0,20}\1")
_DATA_ADDRESSES = ("data-href", "data-url", "data-link")
_OPENS = re.compile(r"location|open|navigate|href|popup|window", re.IGNORECASE)
"""A handler that leads to another page; others count clicks and open menus."""


@dataclass(frozen=True)
class Anchor:
    """Something on a page that leads elsewhere."""

    url: str
    labels: tuple[str, ...]
    place: str
    pictures: tuple[str, ...] = ()
    """What the files of its pictures are called."""
    among_policies: bool = False
    """Whether links beside it name policies as well: a footer, and no list of subjects."""
    among_food: bool = False
    """Whether links beside it name sweets."""


def elements(tree: Any, *names: str) -> Iterator[Any]:
    """Yield the elements of these names, in document order, as HTML and as XHTML has them."""
    yield from tree.iter(*names, *(_XHTML + name for name in names))


def base_of(tree: Any, url: str) -> str:
    """Return the address from which the page's relative ones start."""
    for element in elements(tree, "base"):
        href = (element.get("href") or "").strip()
        if href:
            return join(href, url) or url
    return url


@remembered(8_000, longest=LONGEST_KNOWN)
def join(href: str, base: str) -> str | None:
    """Return the absolute URI-R of an address as it stands on a page, None when it leads to no page."""
    href = href.strip()
    try:
        absolute = original_address(urljoin(base, original_address(href)))
        parts = urlsplit(absolute)
        host = parts.hostname or ""
        if "@" in parts.netloc and not parts.path.strip("/"):
            return None  # an e-mail address that lost its `mailto:`
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or "." not in host or _is_archive(host):
        return None
    return _without_idle_fragment(absolute)


def _is_archive(host: str) -> bool:
    return host == "archive.org" or host.endswith(".archive.org")


def _without_idle_fragment(url: str) -> str:
    """Drop a fragment that names no part of a page: none, the top, a script's route."""
    if "#" not in url:
        return url
    bare, fragment = urldefrag(url)
    idle = fragment.lower() in ("", "top", "main", "content", "footer", "header", "page", "!")
    return bare if idle or not re.fullmatch(r"[\w.:-]+", fragment) else url


def iter_anchors(tree: Any, base: str) -> Iterator[Anchor]:
    """Yield all that leads elsewhere: in the page, in its raw texts, and in what its scripts write."""
    yield from _markup_anchors(tree, base)
    for raw in _raw_texts(tree):
        inner = parse_markup(raw)
        if inner is not None:
            yield from _markup_anchors(inner, base)


def _raw_texts(tree: Any) -> Iterator[str]:
    """Yield markup that the tree holds as text: what old browsers showed instead, what scripts write."""
    for element in elements(tree, "noframes", "noscript"):
        yield element.text or ""
    yield from map(unescape_script, _writing_scripts(tree))


def _writing_scripts(tree: Any) -> Iterator[str]:
    texts = (element.text or "" for element in elements(tree, "script"))
    return (text for text in texts if "document.write" in text)


def writes_markup(tree: Any) -> bool:
    """Return whether scripts of a page write a part of it."""
    return next(_writing_scripts(tree), None) is not None


def parse_markup(text: str) -> Any:
    """Return a tree of markup that stood in a text, None where it holds no link."""
    if not re.search(r"<a(?:rea)?\s", text, re.IGNORECASE):
        return None
    try:
        return document_fromstring(f"<div>{text[:LONGEST_MARKUP]}</div>")
    except (etree.LxmlError, ValueError):
        return None


def unescape_script(text: str) -> str:
    r"""Return a script with its escaped quotes and slashes as they are meant, its joined strings joined.

    >>> unescape_script(r'"\/legal\u002Fprivacy"'), unescape_script("'<a href=' + '\"/x\">'")
    ('"/legal/privacy"', '\'<a href="/x">\'')
    """
    text = text[:LONGEST_MARKUP]
    if "\\u" in text:
        text = _ESCAPED_CHARACTER.sub(lambda match: chr(int(match[1], 16)), text)
    text = _NO_CHARACTER.sub("", text)
    if "\\" in text:
        text = _ESCAPES.sub("", text)
    return _JOINED.sub("", text) if "+" in text else text


def _markup_anchors(tree: Any, base: str) -> Iterator[Anchor]:
    for element in elements(tree, "a", "area"):
        yield from _anchor(element, "href", base, place_of(element))
        yield from _anchor(element, _XLINK, base, place_of(element))
        yield from _scripted_anchor(element, base)
    for element in elements(tree, "option"):
        if QUOTED_PAGE.fullmatch(f"'{(element.get('value') or '').strip()}'"):
            yield from _anchor(element, "value", base, "a")
    for element in cast("list[Any]", _SCRIPTED(tree)):
        yield from _button_anchor(element, base)
    for element in elements(tree, "form"):
        yield from _form_anchor(element, base)
    for element in elements(tree, "frame"):
        yield from _anchor(element, "src", base, "frame")
    for element in elements(tree, "iframe"):
        yield from _anchor(element, "src", base, "iframe")
    for element in elements(tree, "meta"):
        if (element.get("http-equiv") or "").lower() == "refresh":
            match = _REFRESH.match(element.get("content") or "")
            target = join(match[1], base) if match else None
            if target:
                yield Anchor(target, (), "meta")


def _scripted_anchor(element: Any, base: str) -> Iterator[Anchor]:
    """Yield what a link opens by a script, where its own address is none: pop-ups of the 2000s."""
    href = (element.get("href") or "").strip()
    if href and not href.startswith("#") and not href.lower().startswith("javascript:"):
        return
    told = next(filter(None, (element.get(name) for name in _DATA_ADDRESSES)), "")
    match = QUOTED_PAGE.search(element.get("onclick") or "") or QUOTED_PAGE.search(href)
    target = join(match[1], base) if match else join(told, base) if told else None
    if target:
        yield _told(element, target, "a")


def _button_anchor(element: Any, base: str) -> Iterator[Anchor]:
    """Yield what an element leads to that is no link: `<span data-href=…>`, a button with a handler."""
    told = next(filter(None, (element.get(name) for name in _DATA_ADDRESSES)), "")
    handler = element.get("onclick") or ""
    match = QUOTED_PAGE.search(handler) if not told and _OPENS.search(handler) else None
    told = match[1] if match else told
    target = join(told, base) if told else None
    if target and element.find(".//a") is None:
        yield _told(element, target, "a")


def _form_anchor(element: Any, base: str) -> Iterator[Anchor]:
    """Yield where a form leads that is nothing but a button: links of pages that wanted buttons."""
    action = element.get("action")
    fields = list(elements(element, "input", "button", "select", "textarea"))
    shown = [one for one in fields if (one.get("type") or "").lower() != "hidden"]
    target = join(action, base) if action and len(shown) == 1 else None
    if target and (shown[0].get("type") or "").lower() in ("submit", "button", "image"):
        yield replace(_told(shown[0], target, "a"), pictures=())


def place_of(element: Any) -> str:
    """Return an element's name, without its namespace."""
    return str(element.tag).rpartition("}")[2]


def _anchor(element: Any, attribute: str, base: str, place: str) -> Iterator[Anchor]:
    href = element.get(attribute)
    target = join(href, base) if href and not href.strip().startswith("#") else None
    if target:
        yield _told(element, target, place)


def _told(element: Any, target: str, place: str) -> Anchor:
    """Return a link with what a reader is told of it."""
    pictures = list(_pictures_in(element)) if len(element) else []
    return Anchor(target, tuple(_labels_of(element, pictures)), place, tuple(_words_of(pictures)))


def _labels_of(element: Any, pictures: list[Any]) -> Iterator[str]:
    """Yield what a reader is told of a link: text, title, aria-label, pictures' alt."""
    candidates = [
        " ".join(_own_text(element)) if len(element) else element.text,
        element.get("aria-label"),
        element.get("title"),
        element.get("alt"),
        element.get("name"),
        element.get("value") if place_of(element) in ("input", "button") else None,
    ]
    for image in pictures:
        candidates += [image.get("alt"), image.get("title")]
    for candidate in filter(None, candidates):
        if "open" in candidate.lower():
            candidate = _NEW_WINDOW.sub(" ", candidate)
        label = " ".join(candidate.split())
        if label:
            yield label


def _own_text(element: Any) -> Iterator[str]:
    """Yield the texts of a link up to the next link within: one that was never closed ends there."""
    if element.find(".//a") is None:
        yield from element.itertext()
        return
    for event, node in etree.iterwalk(element, events=("start", "end")):
        if event == "start":
            if node is not element and _is_link(node):
                return
            if isinstance(node.tag, str):
                yield node.text or ""
        elif node is not element:
            yield node.tail or ""


def _is_link(element: Any) -> bool:
    # no etree.QName: it refuses names that lxml's own parser lets through, as of a tag that lost its ">"
    return isinstance(element.tag, str) and place_of(element) == "a" and "href" in element.attrib


def _pictures_in(element: Any) -> Iterator[Any]:
    """Yield the pictures that are a link's own, none of a link that an unclosed one holds."""
    for image in elements(element, "img", "input"):
        if (
            next((node for node in image.iterancestors() if node is element or _is_link(node)), None)
            is element
        ):
            yield image


def _words_of(pictures: list[Any]) -> Iterator[str]:
    """Yield the words that the file names of a link's pictures are made of."""
    for image in pictures:
        words = read_segment((image.get("src") or "").rpartition("/")[2])
        if words:
            yield words
