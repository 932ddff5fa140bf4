"""Text that a reader sees and a parser passes over: shadow roots, frames' sources, noscript."""

from __future__ import annotations

from collections.abc import Callable

from lxml.html import HtmlElement

from policy_archive.pipelines.extract.outline import SKIPPED, reading_length

_SHORTEST = 50
"""Words of a noscript that may be the page's text; fewer say that the page needs scripts."""


def reveal(tree: HtmlElement, parse: Callable[[str], HtmlElement]) -> None:
    """Make plain boxes of a tree's declarative shadow roots, its frames' `srcdoc`, and of noscript.

    A noscript counts only where it says more than all of the page besides. `parse` reads a frame's source.
    """
    for template in list(tree.iter("template")):
        if template.get("shadowrootmode") or template.get("shadowroot"):
            template.tag = "div"
    for frame in list(tree.iter("iframe")):
        body = parse(source).find("body") if (source := frame.get("srcdoc")) else None
        if body is not None:
            frame.tag = "div"
            frame.text = body.text
            frame[:] = list(body)
    hidden = [element for element in tree.iter("noscript") if _words(element, within=True) >= _SHORTEST]
    if hidden and sum(_words(element, within=True) for element in hidden) > _words(tree):
        for element in hidden:
            element.tag = "div"


def _words(element: HtmlElement, *, within: bool = False) -> int:
    """Return the words that a reader sees in an element; `within`: the element itself is seen."""
    if not isinstance(element.tag, str) or (not within and element.tag in SKIPPED):
        return 0
    own = reading_length(element.text or "")
    return own + sum(_words(child) + reading_length(child.tail or "") for child in element)
