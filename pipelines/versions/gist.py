"""What is stored of a change between two versions, and the few words that tell it.

Apart from `change`, so that commands which only read load nothing that compares texts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from policy_archive.crawler.core.cache import remembered
from policy_archive.crawler.core.plurals import plural
from policy_archive.pipelines.text import strip_links

_EMPHASIS = re.compile(r"[*`]+|(?<!\w)_+|_+(?!\w)")
"""Marks of emphasis and code; an underscore inside a word is its own."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """How one text became the next. Stored as JSON in `versions.change`."""

    words_added: int
    words_removed: int
    share: float
    """Words added and removed, of the words of both texts: 0 to 1."""
    only: tuple[str, ...]
    """`whitespace`, or all that differs: `punctuation` (marks alone: no word was added or removed),
    `case` (of letters), `links`, `dates`; `order` when the same lines stand in another order. Empty when
    words changed."""
    moved: int
    """Lines that stand elsewhere, word for word."""
    sections_added: tuple[str, ...]
    """Headings that are new, as they stand, marks cut."""
    sections_removed: tuple[str, ...]


def change_from_json(text: str) -> Change:
    """Return the change that `versions.change` holds.

    >>> change_from_json('{"words_added": 1, "words_removed": 0, "share": 0.1, "only": [], "moved": 0,'
    ...     '"sections_added": [], "sections_removed": []}').words_added
    1
    """
    return change_from_values(json.loads(text))


def change_from_values(values: Mapping[str, Any]) -> Change:
    """Return a change from its fields, lists in place of tuples."""
    lists: dict[str, Any] = {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
    return Change(**{**values, **lists})


_ONLY_WORDS = {"whitespace": "white space", "case": "letter case"}
_NAMED = 3
"""Sections that a gist names; of more than that the first."""


def describe_change(change: Change) -> str:
    """Return the gist of a change in a few words: "only dates", "3 % of the text; new section “Cookies”"."""
    if change.only == ("order",):
        return "sections moved"
    if change.only:
        return "only " + " and ".join(_ONLY_WORDS.get(word, word) for word in change.only)
    parts = [_describe_share(change.share)]
    parts += _describe_sections("new section", change.sections_added)
    parts += _describe_sections("dropped section", change.sections_removed)
    if change.moved:
        parts.append(f"{plural(change.moved, 'line')} moved")
    return "; ".join(parts)


def _describe_share(share: float) -> str:
    if share >= 0.6:
        return "rewritten"
    return "under 0.1 % of the text" if share < 0.001 else f"{share:.1%} of the text".replace("%", " %")


@remembered(64)  # versions of a document name the same sections again
def name_section(heading: str) -> str:
    """Return a heading of a change as people read it: of links the words alone.

    >>> name_section("8. [Your *rights*](#your-rights)")
    '8. Your rights'
    """
    return " ".join(_EMPHASIS.sub("", strip_links(heading)).split())


def _describe_sections(what: str, headings: tuple[str, ...]) -> list[str]:
    if not headings:
        return []
    named = ", ".join(f"“{name_section(heading)}”" for heading in headings[:_NAMED])
    if len(headings) == 1:
        return [f"{what} {named}"]
    return [f"{len(headings)} {what}s: {named}{' …' if len(headings) > _NAMED else ''}"]
