"""What of a page can matter to its reading: two captures that differ in nothing else are read once.

Captures of one page differ in scripts, nonces, tokens, the names of built files. No part of a reading looks
at those, a few of which are therefore left out by name; all else counts, value by value, so a page that is
taken for an earlier one reads like it.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import cast

from lxml import etree
from lxml.html import HtmlElement

from policy_archive.crawler.core.cache import LONGEST, remembered

_COUNT = etree.XPath("count(descendant-or-self::*)")
_TAG = re.compile(r"(<!--.*?(?:-->|\Z)|<\?.*?(?:\?>|\Z)|<[^>]*(?:>|\Z))", re.DOTALL)
"""Of a tree as lxml writes it, which escapes `<`, `>` and quotes in values, `<` and `>` in texts.
What does not end, which lxml never writes, goes to the end: sought from each mark, that was quadratic."""
_UNREAD = re.compile(
    r" (data-(?!(?:cfemail|href|url|link)=)[^\s=]+|nonce|integrity|crossorigin|srcset|imagesrcset|sizes"
    r"|aria-(?:expanded|controls|labelledby|describedby|owns|activedescendant))=\"[^\"]*\""
)
"""Attributes of any element whose values nobody reads; that they are there, somebody may."""
_VALUE = re.compile(r" (value)=\"[^\"]*\"")
_HIDDEN = re.compile(r" type=\"hidden\"", re.IGNORECASE)
_ADDRESS = re.compile(r" (content|href|src)=\"[^\"]*\"")
_READ_META = re.compile(r" http-equiv=| (?:name|property)=\"(?:og:title|og:url|twitter:url)\"", re.IGNORECASE)
_READ_LINK = re.compile(r" rel=\"[^\"]*(?:canonical|alternate|privacy|terms)", re.IGNORECASE)
_CODE = re.compile(r"<(?:script|style)(?:>| [^>]*(?<!/)>)")
_LONGEST_TAG = 2_000
"""Characters of a tag that is kept."""


class Fingerprint:
    """What stands for all that a reading can see of a page or of a part of it: equal where that is equal.

    It is worked out when it is first held against another one, of a page with as many elements: of pages
    that are read once, never.
    """

    __slots__ = ("_digest", "_elements", "_source")

    def __init__(self, source: bytes, elements: int) -> None:
        self._source = source
        self._elements = elements
        self._digest = b""

    @property
    def digest(self) -> bytes:
        """20 bytes; b'' for a page so large that nothing of it should be kept."""
        if self._source:
            self._digest = _digest_of(self._source.decode())
            self._source = b""
        return self._digest

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fingerprint) and self.digest == other.digest

    def __hash__(self) -> int:
        return self._elements


def fingerprint(element: HtmlElement) -> Fingerprint | None:
    """Return what stands for all that a reading can see of a page or of a part of it.

    The texts of scripts and styles are left out: whoever reads those has to look for himself. None for a
    page so large that nothing of it should be kept. The tree is left as it was.
    """
    source = etree.tostring(element, encoding="utf-8", with_tail=False)
    found = Fingerprint(source, int(cast("float", _COUNT(element))))
    return found if len(source) <= LONGEST or found.digest else None


def _digest_of(source: str) -> bytes:
    pieces = _TAG.split(source)
    for place in range(1, len(pieces), 2):
        tag = pieces[place]
        if " " in tag:
            pieces[place] = _plain(tag)
        if tag.startswith(("<script", "<style")) and _CODE.fullmatch(tag):
            pieces[place + 1] = ""
    source = "".join(pieces)
    return b"" if len(source) > LONGEST else blake2b(source.encode(), digest_size=20).digest()


@remembered(16_000, longest=_LONGEST_TAG)
def _plain(tag: str) -> str:
    """Return a tag without the values that nobody reads."""
    if tag.startswith(("<!--", "<?")):
        return tag[:2]
    tag = _UNREAD.sub(r" \1", tag)
    name = tag[1 : tag.index(" ")]
    if name == "input":
        return _VALUE.sub(r" \1", tag) if _HIDDEN.search(tag) else tag
    if (
        name == "script"
        or (name == "meta" and not _READ_META.search(tag))
        or (name == "link" and not _READ_LINK.search(tag))
    ):
        return _ADDRESS.sub(r" \1", tag)
    return tag
