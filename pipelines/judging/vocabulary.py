"""Words of a few languages with what each says of a page, learnt from real policies and other pages.

Where no list knows a text's language the vocabulary says nothing, and the concepts alone do.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from policy_archive.data import DATA
from policy_archive.pipelines.judging.lexicon import fold, iter_words, lexical_length
from policy_archive.pipelines.text import blank_common_signs

_LEAST_KNOWN = 0.6
"""Share of a text's words that its language's list knows: English policies have nine tenths, front pages full
of names three quarters, German pages a tenth, and short ones above an English footer half."""
_FULL_WORDS = 60
"""Known words from which a text's score counts in full: a few words say little."""


NO_VOCABULARY_SCORE: Mapping[str, float] = {}
"""The score of a text in a language that has no list."""


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """A multinomial logistic regression on the words of each of a few languages."""

    classes: tuple[str, ...]
    languages: Mapping[str, Mapping[str, tuple[float, ...]]]
    """Word → weight for each class, in the order of `classes`; words without weight are but known."""

    def score(self, text: str) -> Mapping[str, float]:
        """Return how much a text's words speak for each class; empty in a language without list."""
        counts = count_words(text)
        words = self._words_of(counts, lexical_length(text))
        if words is None:
            return NO_VOCABULARY_SCORE
        known = _known_of(counts, words)
        scale = scale_of(known)
        totals = [0.0] * len(self.classes)
        places = range(len(totals))
        for word, count in known.items():
            row, damped = words[word], damp(count)
            for place in places:
                totals[place] += row[place] * damped
        return {name: total * scale for name, total in zip(self.classes, totals, strict=True)}

    def _words_of(self, counts: Counter[str], total: float) -> Mapping[str, tuple[float, ...]] | None:
        shares = {
            name: sum(_known_of(counts, words).values()) / max(total, 1)
            for name, words in self.languages.items()
        }
        best = max(shares, key=shares.__getitem__, default="")
        return self.languages[best] if shares.get(best, 0.0) >= _LEAST_KNOWN else None


def count_words(text: str) -> Counter[str]:
    """Return the words of a text, folded, with how often each stands there."""
    return Counter(iter_words(fold(blank_common_signs(text))))


def _known_of(counts: Counter[str], words: Mapping[str, object]) -> dict[str, int]:
    return {word: count for word, count in counts.items() if word in words}


def damp(count: int) -> float:
    """Return what a word counts that stands so often in a text: a policy repeats itself."""
    return _DAMPED[count] if count < len(_DAMPED) else 1.0 + math.log(count)


_DAMPED = (0.0, *(1.0 + math.log(count) for count in range(1, 256)))
"""The first of them, of which a long text has a thousand."""


def _square(count: int) -> float:
    return _SQUARES[count] if count < len(_SQUARES) else damp(count) ** 2


_SQUARES = tuple(damped**2 for damped in _DAMPED)


def scale_of(counts: Mapping[str, int]) -> float:
    """Return what the damped counts of a text are multiplied by, so that its length does not matter."""
    norm = math.sqrt(sum(map(_square, counts.values())))
    return min(1.0, sum(counts.values()) / _FULL_WORDS) / (norm or 1.0)


@cache
def load_vocabulary() -> Vocabulary:
    """Return the words that ship with the program (data/judge/README.md says how they were learnt)."""
    return read_vocabulary(DATA / "judge" / "vocabulary.json")


def read_vocabulary(path: Path) -> Vocabulary:
    """Return the vocabulary in a file that bench/judge.py wrote."""
    stored = json.loads(path.read_text("utf-8"))
    return Vocabulary(
        classes=tuple(stored["classes"]),
        languages={
            language: {word: tuple(row) for word, row in words.items()}
            for language, words in stored["languages"].items()
        },
    )
