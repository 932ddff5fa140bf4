"""Which rule kept or dropped each part of a page, for a reader who misses a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lxml.html import HtmlElement

from policy_archive.pipelines.extract.body.choose import Body
from policy_archive.pipelines.extract.conservation import Account
from policy_archive.pipelines.extract.outline import Outline

_SHOWN = 60
"""Characters of a part's beginning."""


@dataclass(frozen=True, slots=True)
class PagePart:
    """A part of a page and what became of it."""

    fate: str
    """kept, dropped (inside the chosen part), outside (of it)."""
    rule: str
    tag: str
    """With id and classes, as in `div#main.text`; '' for lines that went after the tree had been left."""
    words: int
    start: str


def explain(outline: Outline, body: Body, account: Account) -> tuple[PagePart, ...]:
    """Return the parts of a page that a rule decided on, in document order, then what was never read.

    Of what was kept those right inside the chosen part are named, and the chosen part itself.
    """
    fates: dict[HtmlElement, tuple[str, str]] = {}
    children = [child for child, parent in outline.parents.items() if parent is body.root]
    fates.update((child, ("kept", body.kept.get(child, "in-the-body"))) for child in children)
    fates.update(_fates("outside", body.outside))
    fates.update(_fates("dropped", body.dropped))
    fates[body.root] = ("kept", "body")
    if body.title is not None:
        fates[body.title] = ("kept", "title-outside")
    known = sorted(
        (element for element in fates if element in outline.ranges),
        key=lambda element: (outline.ranges[element][0], -outline.ranges[element][1]),
    )
    found = [_part(*fates[element], element, outline) for element in known]
    unread = [
        PagePart("dropped", part.rule, "", part.words, part.start[:_SHOWN])
        for part in account.left_out
        if part.rule == "passing-line" or part.rule.startswith(("not-read", "for-", "hidden-"))
    ]
    return (*found, *unread)


def _fates(fate: str, rules: Mapping[HtmlElement, str]) -> dict[HtmlElement, tuple[str, str]]:
    return {element: (fate, rule) for element, rule in rules.items()}


def _part(fate: str, rule: str, element: HtmlElement, outline: Outline) -> PagePart:
    span = outline.ranges[element]
    start = " ".join(outline.blocks[span[0]].text.split())[:_SHOWN]
    return PagePart(fate, rule, _describe(element), outline.words_in(span), start)


def _describe(element: HtmlElement) -> str:
    name = f"#{element.get('id')}" if element.get("id") else ""
    classes = "".join(f".{one}" for one in (element.get("class") or "").split()[:3])
    return f"{element.tag}{name}{classes}"
