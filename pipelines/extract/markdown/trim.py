"""Lines at the edges of a text that are the page's: the day it is, visitors counted, menus."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from policy_archive.pipelines.extract.blocks import (
    BREAK,
    Block,
    Heading,
    Inline,
    ItemList,
    Paragraph,
    Quote,
    Rule,
    Table,
)
from policy_archive.pipelines.extract.outline import PROSE_WORDS, reading_length
from policy_archive.pipelines.extract.passing import is_label, is_passing

_LONGEST_LINE = 16
"""Words beside the links of a menu."""

_LONGEST_HEAD = 60
"""Words before the first heading; more are a text without headings, or one that begins before them."""

_LONGEST_LABEL = 6
"""Words that say nothing where they stand alone below the last rule."""

_SENTENCE_END = re.compile(r"[.!?:;。！？：]$")


@dataclass(frozen=True, slots=True)
class Trimmed:
    """Pieces, and those that went."""

    pieces: tuple[Block, ...]
    dropped: tuple[Block, ...]


def split_rim(pieces: Sequence[Block]) -> Trimmed:
    """Return what `trim_rim` leaves, and what it takes away."""
    kept = trim_rim(pieces)
    ids = set(map(id, kept))
    return Trimmed(kept, tuple(piece for piece in pieces if id(piece) not in ids))


def trim_rim(pieces: Sequence[Block]) -> tuple[Block, ...]:
    """Return the pieces without the page's own lines before the first heading and after the last words.

    Where no prose is left without them, they stay: a page of a few lines is what it is.
    """
    pieces = _without_rules(pieces)
    trimmed = _without_rules(_trim_tail(_trim_head(pieces)))
    return trimmed if any(map(_is_prose, trimmed)) else pieces


def _is_prose(piece: Block) -> bool:
    return reading_length(_plain(piece)) >= PROSE_WORDS or isinstance(piece, ItemList | Quote | Table)


def _without_rules(pieces: Sequence[Block]) -> tuple[Block, ...]:
    """Return the pieces without rules at either end: those part the text from what stood around it."""
    said = [index for index, piece in enumerate(pieces) if not isinstance(piece, Rule)]
    return tuple(pieces[said[0] : said[-1] + 1]) if said else ()


def _trim_head(pieces: Sequence[Block]) -> tuple[Block, ...]:
    title = next((index for index, piece in enumerate(pieces) if isinstance(piece, Heading)), 0)
    head = pieces[:title]
    if not all(isinstance(piece, Paragraph | Rule) for piece in head):
        return tuple(pieces)
    if sum(reading_length(_plain(piece)) for piece in head) > _LONGEST_HEAD:
        return tuple(pieces)
    kept = (piece for piece in head if not isinstance(piece, Rule) and not _is_no_opening(piece))
    return (*kept, *pieces[title:])


def _is_no_opening(piece: Block) -> bool:
    line = _plain(piece)
    return is_passing(line) or is_label(line) or _is_menu(piece)


def _trim_tail(pieces: Sequence[Block]) -> tuple[Block, ...]:
    rule = max((index for index, piece in enumerate(pieces) if isinstance(piece, Rule)), default=None)
    if rule and all(_is_no_ending(piece) for piece in pieces[rule + 1 :]):
        pieces = pieces[:rule]
    end = len(pieces)
    while end and (is_passing(_plain(pieces[end - 1])) or is_label(_plain(pieces[end - 1]))):
        end -= 1
    if end > 1 and _is_jump(pieces[end - 1]) and not _is_jump(pieces[end - 2]):
        end -= 1
    return tuple(pieces[:end])


def _is_jump(piece: Block) -> bool:
    """Return whether this is a lone link within the page: back to its top. Several are contents."""
    if not isinstance(piece, Paragraph) or not _plain(piece):
        return False
    targets = {mark.target for atom in piece.atoms for mark in atom.marks if mark.kind == "link"}
    linked = all(
        any(mark.kind == "link" for mark in atom.marks) or not atom.text.strip() for atom in piece.atoms
    )
    return linked and len(targets) == 1 and next(iter(targets)).startswith("#")


def _is_no_ending(piece: Block) -> bool:
    """Return whether this is a line below the last rule that is no sentence and gives no number.

    A label, or links.
    """
    line = _plain(piece)
    if is_passing(line) or is_label(line) or _is_menu(piece):
        return True
    label = not any(character.isdigit() for character in line) and not _SENTENCE_END.search(line)
    return isinstance(piece, Paragraph) and label and reading_length(line) <= _LONGEST_LABEL


def _is_menu(piece: Block) -> bool:
    """Return whether this is a paragraph most of whose lines are links away from the page, and that says
    little besides.
    """
    if not isinstance(piece, Paragraph):
        return False
    lines = [_shares(line) for line in _lines(piece)]
    words, linked = (sum(shares) for shares in zip(*lines, strict=True))
    links = sum(linked * 2 >= words > 0 for words, linked in lines)
    return links * 2 >= len(lines) and words - linked <= _LONGEST_LINE


def _lines(paragraph: Paragraph) -> list[list[Inline]]:
    lines: list[list[Inline]] = [[]]
    for atom in paragraph.atoms:
        if atom.text == BREAK:
            lines.append([])
        else:
            lines[-1].append(atom)
    return [line for line in lines if line] or [[]]


def _shares(atoms: Iterable[Inline]) -> tuple[int, int]:
    """Return the number of words, and of those in links away from the page."""
    counts = [(reading_length(atom.text), _leads_away(atom)) for atom in atoms]
    return sum(count for count, _ in counts), sum(count for count, linked in counts if linked)


def _leads_away(atom: Inline) -> bool:
    return any(mark.kind == "link" and not mark.target.startswith(("#", "mailto:")) for mark in atom.marks)


def _plain(piece: Block) -> str:
    """Return the text of a paragraph without its marks, '' of anything else."""
    if not isinstance(piece, Paragraph):
        return ""
    return " ".join("".join(atom.text for atom in piece.atoms).split())
