"""How much a change of the policy's own text matters: dates, a small edit, substantive, rewritten."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from policy_archive.data import read_words
from policy_archive.pipelines.text import cut_addresses, is_word, split_tokens, strip_links
from policy_archive.pipelines.versions.change import classify_change, cut_dates
from policy_archive.pipelines.versions.classes import ChangeClass
from policy_archive.pipelines.versions.diff import Diff, LineKind
from policy_archive.pipelines.versions.gist import Change
from policy_archive.pipelines.versions.telling import (
    compile_terms,
    fold_line,
    has_address,
    names_responsible,
    western_digits,
)

SMALL_WORDS = 10
"""An edit of at most so many words, added and removed together, may be small."""
REWRITTEN_SHARE = 0.6
"""From this share of the words of both texts on a text is another one."""
_DATE_LINE_WORDS = 12
"""Where a day stands in more words than these beside it, it is part of what is said."""

_SENTENCE = re.compile(r"(?<=[.!?;:])\s+|(?<=[。！？；])|\n")
_NUMBER = re.compile(r"\d+(?:[.,:/'’]\d+)*")
_WEIGHTY_MARKS = re.compile(r"[%‰@#]")


def weigh_change(diff: Diff, change: Change | None = None) -> ChangeClass:
    """Return how much a change of the policy's own text matters; `change` is its kind, where that is known.

    A change of a negation, a modal verb, a number, an amount, of who is responsible or where to write is
    never small. Dates are those that a line announces; a day inside a sentence is a number.
    """
    change = change or classify_change(diff)
    if diff.is_coarse or change.share >= REWRITTEN_SHARE:
        return ChangeClass.REWRITTEN if change.share >= REWRITTEN_SHARE else ChangeClass.SUBSTANTIVE
    edit = _gather_edit(diff)
    if change.only and "dates" in change.only:
        return ChangeClass.DATES if _are_announced(edit) else ChangeClass.SUBSTANTIVE
    if _is_weighty(edit):
        return ChangeClass.SUBSTANTIVE
    if change.only:
        return ChangeClass.LINKS if "links" in change.only else ChangeClass.SMALL
    is_short = change.words_added + change.words_removed <= SMALL_WORDS
    has_sections = change.sections_added or change.sections_removed
    return ChangeClass.SMALL if is_short and not has_sections else ChangeClass.SUBSTANTIVE


@dataclass(frozen=True, kw_only=True)
class _Edit:
    """The sentences of either text that the other does not have, links and their targets cut."""

    old: tuple[str, ...]
    new: tuple[str, ...]
    lines: tuple[str, ...]
    """The lines that they stand in, of both texts."""


def _gather_edit(diff: Diff) -> _Edit:
    kinds = (LineKind.CHANGED, LineKind.ADDED, LineKind.REMOVED)
    changed = [line for line in diff.lines if line.kind in kinds]
    sides = {
        side: ["".join(span.text for span in getattr(line, side)) for line in changed] for side in _SIDES
    }
    old, new = (Counter(_iter_sentences(sides[side])) for side in _SIDES)
    return _Edit(
        old=tuple((old - new).elements()),
        new=tuple((new - old).elements()),
        lines=tuple(line for side in _SIDES for line in sides[side] if line),
    )


_SIDES = ("old", "new")


def _iter_sentences(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        plain = strip_links(line)
        for sentence in _SENTENCE.split(plain):
            if words := " ".join(sentence.split()):
                yield words


def _are_announced(edit: _Edit) -> bool:
    """Return whether each day that changed stands in a line that says little else, and nothing weighty."""
    for sentence in (*edit.old, *edit.new):
        rest = cut_dates(sentence).replace("1970", " ")
        words = sum(map(is_word, split_tokens(rest)))
        if words > _DATE_LINE_WORDS or any(_terms(kind).search(fold_line(rest)) for kind in _KINDS):
            return False
    return True


_KINDS = ("negation", "modal")


def _is_weighty(edit: _Edit) -> bool:
    """Return whether one of the things changed that no edit of is small."""
    return (
        any(_count_terms(kind, edit.old) != _count_terms(kind, edit.new) for kind in _KINDS)
        or _count_numbers(edit.old) != _count_numbers(edit.new)
        or _count_marks(edit.old) != _count_marks(edit.new)
        or any(names_responsible(one) or has_address(one) or "@" in one for one in (*edit.old, *edit.new))
    )


def _count_terms(kind: str, sentences: Iterable[str]) -> Counter[str]:
    return Counter(found for one in sentences for found in _terms(kind).findall(fold_line(one)))


def _count_numbers(sentences: Iterable[str]) -> Counter[str]:
    cut = (cut_addresses(western_digits(one)) for one in sentences)
    return Counter(number for one in cut for number in _NUMBER.findall(one))


def _count_marks(sentences: Iterable[str]) -> Counter[str]:
    return Counter(
        mark
        for one in sentences
        for mark in one
        if _WEIGHTY_MARKS.match(mark) or unicodedata.category(mark) == "Sc"
    )


@cache
def _terms(kind: str) -> re.Pattern[str]:
    lists = read_words("weighty-words")[kind].values()
    return compile_terms(term for terms in lists for term in terms)
