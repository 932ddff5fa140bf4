"""Texts that are too small beside their neighbours in time: which they are, and which way of reading wins.

All of it is a function of the set of a document's first readings, in order of time: captures that arrive in
another order get the same texts. A first reading that left out most of its page never is a neighbour,
so that no verdict hangs on another.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from policy_archive.crawler.core.records import CdxRow, Outcome, Reading
from policy_archive.pipelines.extract.body.ways import OTHER_WAYS, Way
from policy_archive.pipelines.text import is_word, split_tokens

_SMALL_SHARE = 1 / 3
"""Of a neighbour's words: a text with fewer is looked at."""
_KEPT_SHARE = 1 / 2
"""Of the page's prose: a text that holds less of it may not be all of the document."""
_PAGE_SHARE = 1 / 2
"""Of a neighbour's words: a page with less prose has become small itself."""
_AGREEMENT = 0.6
"""F1 of the words of a text and its neighbour's from which it is the same document. Two policies of two
companies reach .4, half of a policy and the whole of it .67."""


@dataclass(frozen=True, kw_only=True)
class FirstReading:
    """What a capture was read as at first, by the way that is the first for every page."""

    row: CdxRow
    outcome: Outcome
    """The capture's own; of one that was read again, that of the way that won."""
    text_sha256: str
    words: int
    kept_share: float
    """Share of the page's prose that the text holds, 0 to 1."""

    @property
    def is_doubtful(self) -> bool:
        """Return whether the page holds more prose that was left out than was kept."""
        return self.kept_share < _KEPT_SHARE

    @property
    def page_words(self) -> float:
        """Words that the whole page has, about; of a text without prose nothing is known."""
        return self.words / self.kept_share if self.kept_share else float("inf")


@dataclass(frozen=True, kw_only=True)
class SmallText:
    """A text that is small beside its neighbours, though its page is as large as theirs."""

    reading: FirstReading
    neighbours: tuple[FirstReading, ...]
    """The nearest before and the nearest after that are larger, or the one there is."""

    @property
    def finding(self) -> str:
        """What a reader of the text should know, without what came of it."""
        times = " and ".join(one.row.timestamp for one in self.neighbours)
        words = max(one.words for one in self.neighbours)
        return f"at first {self.reading.words:,} words where its neighbours of {times} have {words:,}"


def find_small(readings: Iterable[FirstReading]) -> list[SmallText]:
    """Return the texts that are too small, in order of time; the order of `readings` does not matter."""
    ordered = sorted(readings, key=lambda one: (one.row.timestamp, one.row.original, one.row.digest))
    whole = [one for one in ordered if one.outcome.is_text and not one.is_doubtful]
    small = []
    for one in ordered:
        if not one.is_doubtful or not one.outcome.may_be_short:
            continue
        larger = [
            other
            for other in whole
            if one.words < other.words * _SMALL_SHARE and one.page_words >= other.words * _PAGE_SHARE
        ]
        before = [other for other in larger if other.row.timestamp <= one.row.timestamp][-1:]
        after = [other for other in larger if other.row.timestamp > one.row.timestamp][:1]
        if before or after:
            small.append(SmallText(reading=one, neighbours=(*before, *after)))
    return small


def choose_way(text: str, readings: Mapping[Way, Reading], neighbours: Sequence[str]) -> Way:
    """Return which way of reading a page wins: the first, unless another agrees better with the neighbours.

    `text` is the first way's, `readings` the others', `neighbours` the texts of the captures around it.
    Of two that agree as well the one that stands first in OTHER_WAYS wins.
    """
    around = [_words_of(neighbour) for neighbour in neighbours]
    best, most = Way.CHOSEN, max(_AGREEMENT, _agreement(text, around))
    for way in OTHER_WAYS:
        reading = readings.get(way)
        if reading is None or reading.extraction is None or not reading.outcome.is_text:
            continue
        agreement = _agreement(reading.extraction.text, around)
        if agreement > most:
            best, most = way, agreement
    return best


def _agreement(text: str, around: Iterable[Counter[str]]) -> float:
    words = _words_of(text)
    return max(
        (2 * (words & one).total() / max(1, words.total() + one.total()) for one in around), default=0.0
    )


def _words_of(text: str) -> Counter[str]:
    return Counter(filter(is_word, split_tokens(text.casefold())))
