"""Links in scripts: menus of the 2000s, data of an application, moves to another page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from policy_archive.crawler.discovery.addresses import has_page_ending
from policy_archive.crawler.discovery.anchors import (
    LONGEST_MARKUP,
    Anchor,
    elements,
    iter_anchors,
    join,
    parse_markup,
    unescape_script,
)
from policy_archive.crawler.discovery.words import fold, match_name

MOST_SCRIPT_LINKS = 20  # a page of an application names a few; thousands are somebody's data
SURE_NAME = 0.9
"""Strength from which a text in a script is a label: a policy's whole name."""

_SCRIPT_MOVE = re.compile(r"""location(?:\.href)?\s*(?:=|\.replace\(|\.assign\()\s*["']([^"'\s]+)["']""")
_SCRIPT_ADDRESS = re.compile(r"""["'](https?://[^"'\s<>]{4,200}|/[^"'\s<>/][^"'\s<>]{1,150})["']""")
_GROUP = re.compile(r"[\[({]([^\[\](){}]{8,600})[\])}]")
"""What stands in one pair of brackets: an entry of a menu, an object, a call."""
_TEXT = re.compile(r"\"([^\"]{1,300})\"|'([^']{1,300})'")
_ADDRESS = re.compile(r"(?:https?://|/)?[\w.~%/?=&+:#-]{0,200}[./?][\w.~%/?=&+:#-]{1,200}")
_LONGEST_LABEL = 80  # characters


def iter_labelled(tree: Any, base: str) -> Iterator[Anchor]:
    """Yield what scripts name: markup in their texts, and pairs of a policy's whole name and an address."""
    found = 0
    for text in _scripts(tree):
        for anchor in (*_in_markup(text, base), *_in_groups(text, base)):
            yield anchor
            found += 1
            if found >= MOST_SCRIPT_LINKS:
                return


def iter_addresses(tree: Any, base: str) -> Iterator[str]:
    """Yield the addresses in scripts: an application's page has no anchors before its scripts have run."""
    for text in _scripts(tree):
        for match in _SCRIPT_ADDRESS.finditer(text):
            target = join(match[1], base)
            if target:
                yield target


def iter_moves(tree: Any, base: str) -> Iterator[str]:
    """Yield where scripts send the reader who is to see another page."""
    for element in elements(tree, "script"):
        for match in _SCRIPT_MOVE.finditer((element.text or "")[:LONGEST_MARKUP]):
            target = join(match[1], base)
            if target:
                yield target


def _scripts(tree: Any) -> Iterator[str]:
    for element in elements(tree, "script"):
        if element.text and not element.text.isspace():
            yield unescape_script(element.text)


def _in_markup(text: str, base: str) -> Iterator[Anchor]:
    inner = parse_markup(text)
    if inner is None:
        return
    for anchor in iter_anchors(inner, base):
        if any(_is_name(label) for label in anchor.labels):
            yield Anchor(anchor.url, anchor.labels, "script", anchor.pictures)


def _in_groups(text: str, base: str) -> Iterator[Anchor]:
    """Yield the addresses that stand beside a policy's name: the next one after it, or the only one."""
    for group in _GROUP.finditer(text):
        texts = [match[1] or match[2] for match in _TEXT.finditer(group[1])]
        if len(texts) < 2:
            continue
        pages = {index: one for index, one in enumerate(texts) if _is_page(one)}
        for index, label in enumerate(texts) if pages else ():
            after = [one for place, one in pages.items() if place > index]
            address = after[0] if after else next(iter(pages.values())) if len(pages) == 1 else None
            if index in pages or address is None or not _is_name(label):
                continue
            target = join(address, base)
            if target:
                yield Anchor(target, (label,), "script")


def _is_page(text: str) -> bool:
    return bool(_ADDRESS.fullmatch(text)) and has_page_ending(text)


def _is_name(label: str) -> bool:
    if not 2 < len(label) <= _LONGEST_LABEL:
        return False
    return any(match.strength >= SURE_NAME for match in match_name(fold(label)))
