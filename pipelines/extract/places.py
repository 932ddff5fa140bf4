"""Where on its page a piece of text stands: what a later judge of changes cannot read off the text."""

from __future__ import annotations

from collections.abc import Sequence

from lxml.html import HtmlElement

from policy_archive.crawler.core.records import OUTSIDE_ROOT, UNDER_BOILERPLATE
from policy_archive.pipelines.extract.outline import Outline

_BOILERPLATE_TAGS = frozenset(("nav", "footer", "aside", "dialog", "header", "form", "menu"))
_ROOT_SHARE = 0.9
"""Of the text's words: the deepest element with as many is its root."""
_WHOLE_TEXT_SHARE = 0.5
"""A tag around more of the text's words is around the document: old pages stand in one form."""


class Places:
    """Tells the place of elements; `kept` says which blocks of the outline are in the text."""

    def __init__(self, outline: Outline, kept: Sequence[bool]) -> None:
        self._words = [0]
        for block, is_kept in zip(outline.blocks, kept, strict=True):
            self._words.append(self._words[-1] + (block.words if is_kept else 0))
        self._outline = outline
        self._root = self._find_root()
        self._known: dict[HtmlElement, int] = {}

    def _share(self, element: HtmlElement) -> float:
        start, end = self._outline.ranges.get(element, (0, 0))
        return (self._words[end] - self._words[start]) / max(1, self._words[-1])

    def _find_root(self) -> HtmlElement | None:
        whole = [element for element in self._outline.ranges if self._share(element) >= _ROOT_SHARE]
        return max(whole, key=lambda element: sum(1 for _ in element.iterancestors()), default=None)

    def within(self, element: HtmlElement) -> tuple[object, ...]:
        """Return all that the places in an element hang on, beside its tree: equal for equal places."""
        inside = list(element.iter())
        small = [self._is_small(one) for one in element.iter(*_BOILERPLATE_TAGS)]
        return (self.of(element), inside.index(self._root) if self._root in inside else -1, small)

    def _is_small(self, element: HtmlElement) -> bool:
        return element.tag in _BOILERPLATE_TAGS and self._share(element) <= _WHOLE_TEXT_SHARE

    def of(self, element: HtmlElement | None) -> int:
        """Return the flags of an element's place: OUTSIDE_ROOT, UNDER_BOILERPLATE, both or 0."""
        if element is None:
            return OUTSIDE_ROOT
        if element not in self._known:
            around = 0 if element is self._root else self.of(element.getparent())
            self._known[element] = around | (UNDER_BOILERPLATE if self._is_small(element) else 0)
        return self._known[element]
