"""Lines that are no document's: what changes from look to look, names of languages, labels of the page."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from policy_archive.crawler.discovery.words import fold
from policy_archive.data import read_words
from policy_archive.pipelines.extract.dates import find_stated_dates
from policy_archive.pipelines.extract.outline import reading_length

_LONGEST_LINE = 16
"""Words of a line that may pass for one of the page's."""

_LONGEST_TIME = 5
"""Words that say how long ago something was ("Updated 3 years ago")."""

_YEAR_OR_TIME = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)|\d{1,2}:\d\d")


def is_passing(line: str) -> bool:
    """Return whether a line says what changes from look to look, and states no date of the document.

    >>> is_passing("Saturday, May 8, 1999 - lamp lit 0032664 times"), is_passing("Sie sind Besucher 4711")
    (True, True)
    >>> is_passing("Last updated: Monday, May 10, 1999"), is_passing("Effective May 10, 1999")
    (False, False)
    """
    if reading_length(line) > _LONGEST_LINE or not any(character.isdigit() for character in line):
        return False
    words = _words()
    dated = _YEAR_OR_TIME.search(line) is not None
    passing = words["counters"].search(line) or (
        dated and (words["weekdays"].search(line) or words["made"].search(line))
    )
    return bool(passing) and not find_stated_dates(line, language=None)


def is_relative_time(line: str) -> bool:
    """Return whether a line says how long ago something was, and nothing else.

    >>> is_relative_time("Updated 3 years ago"), is_relative_time("We delete it 30 days after you have left.")
    (True, False)
    """
    if reading_length(line) > _LONGEST_TIME or not any(character.isdigit() for character in line):
        return False
    return _words()["relative"].search(line) is not None


def is_label(line: str) -> bool:
    """Return whether a line is one that pages put around or between texts.

    >>> is_label("Advertisement"), is_label("Loading ..."), is_label("Advertising")
    (True, True, False)
    """
    return fold(line) in _labels()


def names_language(name: str) -> bool:
    """Return whether this is the name of a language in itself, with its region or without.

    >>> names_language("Français (Canada)"), names_language("French law")
    (True, False)
    """
    own = fold(name.partition("(")[0])
    return bool(own) and own in _languages()


@cache
def _words() -> dict[str, re.Pattern[str]]:
    lists = read_words("passing-lines")
    return {name: _any_of(words) for name, words in lists.items()}


@cache
def _labels() -> frozenset[str]:
    return frozenset(map(fold, read_words("passing-lines")["labels"]))


@cache
def _languages() -> frozenset[str]:
    return frozenset(map(fold, read_words("languages")["endonyms"]))


def _any_of(words: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern of whole words; of those in scripts without blanks, wherever they stand."""
    spaced = sorted((word for word in words if reading_length(word) == len(word.split())), reverse=True)
    unspaced = [word for word in words if word not in spaced]
    forms = [rf"\b(?:{'|'.join(map(re.escape, spaced))})\b", *map(re.escape, unspaced)]
    return re.compile("|".join(forms), re.IGNORECASE)
