"""What a text is made of: paragraphs, headings, lists, quotes, tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

BREAK = "\n"
"""An atom of this text is a hard line break."""


class Mark(NamedTuple):
    """One thing that holds for a run of text."""

    kind: str
    """bold, italic, strike, code, link."""
    target: str = ""
    """Address of a link."""
    title: str = ""
    key: int = 0
    """Tells the marks of two elements apart, however alike."""


Marks = tuple[Mark, ...]


class Inline(NamedTuple):
    """Text without white space at its ends, or white space, or a break; and the marks on it.

    Of a page there are thousands, made and compared: a tuple is three times as quick at both.
    """

    text: str
    marks: Marks


@dataclass(frozen=True, slots=True)
class Paragraph:
    atoms: tuple[Inline, ...]
    place: int = 0
    """Where on the page it stands (places.py); here and below."""


@dataclass(frozen=True, slots=True)
class Heading:
    level: int
    atoms: tuple[Inline, ...]
    place: int = 0


@dataclass(frozen=True, slots=True)
class Item:
    number: int | None
    """None in an unordered list."""
    blocks: tuple[Block, ...]
    set_off: bool = False
    """Its text is a paragraph of its own: an empty line before a list inside it."""


@dataclass(frozen=True, slots=True)
class ItemList:
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Quote:
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Preformatted:
    text: str
    place: int = 0


@dataclass(frozen=True, slots=True)
class Definition:
    """A term, and its definition where that is one paragraph."""

    term: tuple[Inline, ...]
    definition: tuple[Inline, ...]
    place: int = 0


@dataclass(frozen=True, slots=True)
class Table:
    rows: tuple[tuple[tuple[Inline, ...], ...], ...]
    place: int = 0


@dataclass(frozen=True, slots=True)
class Rule:
    pass


Block = Paragraph | Heading | ItemList | Quote | Preformatted | Definition | Table | Rule
