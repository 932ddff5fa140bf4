"""Several documents on one page: found by headings and tables of contents, known by their names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import cast

from lxml import etree
from lxml.html import HtmlElement

from policy_archive.crawler.core.cache import SHORT, remembered
from policy_archive.crawler.core.records import Kind
from policy_archive.crawler.discovery.words import fold, strong_names
from policy_archive.pipelines.extract.outline import HEADINGS, Outline, Span, TextBlock, reading_length

_SMALLEST = 150
"""Words of a document; a section of fewer words under a policy's name points to the policy, it is none."""

_SHARE_UNDER_HEADINGS = 2 / 3
_SHARE_OF_TARGETS = 1 / 2
"""Share of the body that the documents make up. A policy may well have a section named "Cookie policy";
a page of several policies is little else. A table of contents that links to a container proves more."""

_SMALLEST_TARGET = 100
"""Words of the part that an address's fragment points to."""

_LONGEST_NAME = 8
"""Words of a document's name."""


_NAMED = etree.XPath("descendant-or-self::*[@id or @name]")
_UNSPACED = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]")


@dataclass(frozen=True, kw_only=True)
class Part:
    """One document among several on a page."""

    kind: Kind
    span: Span
    """Its blocks."""


def find_parts(within: Span, outline: Outline, tree: HtmlElement) -> tuple[Part, ...]:
    """Return the documents that share a part of a page, in their order; none when there is but one.

    They are the sections under headings of one level, else the targets of links inside the page, that
    bear names of policies of at least two kinds.
    """
    headings = _headings(within, outline)
    for level in sorted({str(heading.tag) for _, heading in headings}):
        parts = _documents(_sections(level, headings, within[1]), outline)
        if _share(parts, within, outline) >= _SHARE_UNDER_HEADINGS:
            return parts
    parts = _documents(_bold_sections(within, outline), outline)
    if _share(parts, within, outline) >= _SHARE_UNDER_HEADINGS:
        return parts
    parts = _documents(_linked_sections(within, outline, tree), outline)
    return parts if _share(parts, within, outline) >= _SHARE_OF_TARGETS else ()


def choose_part(parts: Iterable[Part], kind: Kind | None) -> Span | None:
    """Return the blocks of the first document of the kind asked for, None when none is."""
    if kind in (None, Kind.OTHER, Kind.HOME):
        return None
    return next((part.span for part in parts if part.kind is kind), None)


def find_target(fragment: str, within: Span, outline: Outline, tree: HtmlElement) -> Span | None:
    """Return the blocks that an address's fragment points to: a container, or what follows a heading.

    None when nothing bears that name, or only a few words or nearly the whole do.
    """
    targets = _targets(tree).get(fragment)
    span = _span_of(targets[0], within, outline) if targets else None
    if span is None:
        return None
    words, all_words = outline.words_in(span), outline.words_in(within)
    return span if _SMALLEST_TARGET <= words < all_words * 0.9 else None


@remembered(4_000, longest=SHORT)
def name_kind(name: str) -> Kind | None:
    """Return which kind of policy a heading or a link's text names, None when it names none.

    >>> name_kind("Acme Privacy Policy"), name_kind("Datenschutzerklärung"), name_kind("8. Privacy")
    (<Kind.PRIVACY: 'privacy'>, <Kind.PRIVACY: 'privacy'>, None)
    """
    folded = fold(name)
    if folded in _names():  # Thai names alone are longer than the limit, which counts two characters a word
        return _names()[folded]
    if not folded or folded[0].isdigit() or reading_length(folded) > _LONGEST_NAME:
        return None
    words = folded.split()
    phrases = {" ".join(words[i:j]) for i in range(len(words)) for j in range(i + 2, len(words) + 1)} | {
        folded
    }
    if _UNSPACED.search(folded):
        phrases |= {phrase for phrase in _unspaced_names() if phrase in folded}
    found = [(len(phrase), kind) for phrase in phrases if (kind := _names().get(phrase)) is not None]
    return max(found)[1] if found else None


@cache
def _unspaced_names() -> tuple[str, ...]:
    return tuple(phrase for phrase in _names() if _UNSPACED.match(phrase) and len(phrase) > 2)


@cache
def _names() -> dict[str, Kind]:
    return {phrase: uses[0][0] for phrase, uses in strong_names().items()}


def _documents(sections: Iterable[tuple[str, Span]], outline: Outline) -> tuple[Part, ...]:
    """Return the sections that bear a policy's name, if they are of two kinds or more and stand apart."""
    parts = tuple(
        Part(kind=kind, span=span)
        for name, span in sections
        if outline.words_in(span) >= _SMALLEST and (kind := name_kind(name)) is not None
    )
    in_order = sorted(parts, key=lambda part: part.span)
    overlap = any(one.span[1] > other.span[0] for one, other in pairwise(in_order))
    return () if overlap or len({part.kind for part in parts}) < 2 else parts


def _share(parts: Iterable[Part], within: Span, outline: Outline) -> float:
    return sum(outline.words_in(part.span) for part in parts) / max(1, outline.words_in(within))


def _sections(
    level: str, headings: Sequence[tuple[int, HtmlElement]], end: int
) -> Iterator[tuple[str, Span]]:
    """Yield the headings of one level, each with the blocks up to the next of its level or above."""
    for index, (start, heading) in enumerate(headings):
        if heading.tag == level:
            following = (begin for begin, other in headings[index + 1 :] if str(other.tag) <= level)
            yield heading.text_content(), (start, next(following, end))


def _bold_sections(within: Span, outline: Outline) -> Iterator[tuple[str, Span]]:
    """Yield the lines all in bold, each with the blocks up to the next of them.

    Up to the next of any name: a section "Privacy" of the terms is no document that reaches to their end.
    """
    starts = [number for number in range(*within) if _is_bold_line(outline.blocks[number])]
    for start, end in pairwise([*starts, within[1]]):
        yield outline.blocks[start].text, (start, end)


def _is_bold_line(block: TextBlock) -> bool:
    if block.words > _LONGEST_NAME:
        return False
    words = block.text.split()
    return any(bold.text_content().split() == words for bold in block.holder.iter("b", "strong"))


def _headings(within: Span, outline: Outline) -> list[tuple[int, HtmlElement]]:
    found = [
        (span[0], element)
        for element, span in outline.ranges.items()
        if element.tag in HEADINGS and within[0] <= span[0] < within[1]
    ]
    return sorted(found, key=lambda pair: pair[0])


def _linked_sections(within: Span, outline: Outline, tree: HtmlElement) -> Iterator[tuple[str, Span]]:
    """Yield the containers that links inside the page point to, each with the link's text."""
    fragments = ((link, (link.get("href") or "").partition("#")[2]) for link in tree.iter("a"))
    named = [
        (name, fragment)
        for link, fragment in fragments
        if fragment and name_kind(name := link.text_content()) is not None
    ]
    targets = _targets(tree) if named else {}
    for name, fragment in named:
        for target in targets.pop(fragment, ()):
            if target in outline.ranges and _is_within(outline.ranges[target], within):
                yield name, outline.ranges[target]


def _targets(tree: HtmlElement) -> dict[str, list[HtmlElement]]:
    """Return what links inside the page can point to, by name."""
    targets: dict[str, list[HtmlElement]] = {}
    for element in cast("list[HtmlElement]", _NAMED(tree)):
        for name in {element.get("id"), element.get("name")}:
            if name:
                targets.setdefault(name, []).append(element)
    return targets


def _span_of(target: HtmlElement, within: Span, outline: Outline) -> Span | None:
    """Return the blocks of a target: its own, or its section when it is a heading or only marks a place."""
    holder = target
    while holder not in outline.ranges or outline.words_in(outline.ranges[holder]) < 1:
        following = holder.getnext()
        holder = holder.getparent() if following is None else following
        if holder is None:
            return None
    heading = next((node for node in (holder, *holder.iterancestors()) if node.tag in HEADINGS), None)
    span = outline.ranges[holder] if heading is None else outline.ranges.get(heading)
    if span is None or not _is_within(span, within):
        return None
    if heading is None:
        return span
    return next(
        section
        for _, section in _sections(str(heading.tag), _headings(within, outline), within[1])
        if section[0] == span[0]
    )


def _is_within(inner: Span, outer: Span) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1]
