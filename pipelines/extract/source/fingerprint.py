"""What of a page can matter to its reading: two captures that differ in nothing else are read once.

Captures of one page differ in scripts, nonces, tokens, the names of built files. No part of a reading looks
at those, a few of which are therefore left out by name; all else counts, value by value, so a page that is
taken for an earlier one reads like it.
"""

from __future__ import annotations

import re
from hashlib import blake2b

from lxml import etree
from lxml.html import HtmlElement

from policy_archive.crawler.core.cache import LONGEST, remembered

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


def fingerprint(element: HtmlElement) -> str:
    """Return what stands for all that a reading can see of a page or of a part of it, 40 characters.

    The texts of scripts and styles are left out: whoever reads those has to look for himself. '' for a
    page so large that nothing of it should be kept. The tree is left as it was.
    """
    pieces = _TAG.split(etree.tostring(element, encoding="unicode", with_tail=False))
    for place in range(1, len(pieces), 2):
        tag = pieces[place]
        if " " in tag:
            pieces[place] = _plain(tag)
        if tag.startswith(("<script", "<style")) and _CODE.fullmatch(tag):
            pieces[place + 1] = ""
    source = "".join(pieces)
    if len(source) > LONGEST:
        return ""
    return blake2b(source.encode("utf-8", "surrogatepass"), digest_size=20).hexdigest()


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
