"""Named rules: an ordered list of them decides on a part of a page, the first that holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from lxml.html import HtmlElement

Page = TypeVar("Page")


class Subject(NamedTuple):
    """A part of a page, and how a rule comes upon it."""

    element: HtmlElement
    bulk: HtmlElement | None = None
    """The box with nearly all prose that it stands beside, where that is asked."""
    after: bool = False
    """It is looked at from the end of the document."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of a part, and by which rule."""

    name: str
    keeps: bool


@dataclass(frozen=True, slots=True)
class Rule(Generic[Page]):
    """A test with a name; where it holds, the part is kept or dropped and no further rule is asked."""

    name: str
    keeps: bool
    test: Callable[[Page, Subject], bool]


def decide(rules: Iterable[Rule[Page]], page: Page, subject: Subject) -> Decision | None:
    """Return the decision of the first rule that holds, None where none does."""
    for rule in rules:
        if rule.test(page, subject):
            return Decision(rule.name, rule.keeps)
    return None
