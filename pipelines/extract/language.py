"""The language that a text is written in."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from typing import Any

import numpy
from py3langid.langid import MODEL_FILE, LanguageIdentifier  # type: ignore[import-untyped]

from policy_archive.crawler.core.cache import remembered
from policy_archive.pipelines.text import cut_targets

LONGEST_SEQUENCE = 6
"""Bytes of the longest feature that the model has."""
_SAMPLE_CHARACTERS = 4000
_MIN_CHARACTERS = 20
_MIN_CONFIDENCE = 0.6
_NOT_PROSE = re.compile(r"<?https?://\S+|[^\s@]{1,64}+@\S+|[\d|*#>_`\[\]()-]+")
_NO_MAIL = re.compile(r"<?https?://\S+|[\d|*#>_`\[\]()-]+")
"""The same for what holds no @: addresses of mail are sought from every letter."""


@remembered(64)
def identify_language(text: str) -> tuple[str | None, float]:
    """Return (ISO 639-1 code, confidence 0 to 1) of a Markdown text.

    The code is None for a text too short or too mixed to tell; the confidence
    is then that of the best guess. The middle of the text is read as well as
    its beginning, where menus and addresses stand.

    >>> identify_language("Wir nehmen den Schutz Ihrer persönlichen Daten ernst.")[0]
    'de'
    """
    prose = prose_of(cut_targets(_sample(text)))
    if len(prose.encode()) < _MIN_CHARACTERS:
        return None, 0.0
    language, confidence = load_identifier().classify(prose)
    return (language if confidence >= _MIN_CONFIDENCE else None), round(confidence, 3)


def prose_of(sample: str) -> str:
    """Return a text without what is of no language; nothing of that has a blank in it."""
    if "@" in sample:
        sample = " ".join(_NOT_PROSE.sub(" ", word) if "@" in word else word for word in sample.split())
    return " ".join(_NO_MAIL.sub(" ", sample).split())


def _sample(text: str) -> str:
    if len(text) <= 2 * _SAMPLE_CHARACTERS:
        return text
    middle = (len(text) - _SAMPLE_CHARACTERS) // 2
    return text[:_SAMPLE_CHARACTERS] + " " + text[middle : middle + _SAMPLE_CHARACTERS]


class _Identifier(LanguageIdentifier):  # type: ignore[misc]  # py3langid has no types
    """The library's, a few times as fast, of which all numbers are its own.

    Its automaton knows sequences of LONGEST_SEQUENCE bytes at most (a test holds that): the state after a
    byte hangs on so many bytes up to it alone, so all bytes of a text are walked at once, and not one by one.
    The weights of a feature lie side by side.
    """

    nb_ptc: Any

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._moves = numpy.asarray(self.tk_nextmove)
        self._rows = numpy.asarray(self._rowbase, dtype=numpy.intp)
        self._outputs = numpy.asarray(self.tk_output)

    def set_languages(self, langs: Any = None) -> None:
        super().set_languages(langs)
        self.nb_ptc = numpy.ascontiguousarray(self.nb_ptc)
        self._full_model = self.nb_ptc, self.nb_pc, self.nb_classes  # nobody asks for the others again

    def _raw_score(self, text: bytes) -> Any:
        features = self._features(text)
        if not features:
            return super()._raw_score(text)
        return self._sparse_score(Counter(features), self.nb_ptc)

    def _features(self, text: bytes) -> list[int]:
        """Return what the automaton tells of a text, in order: the sum over them is one of floats."""
        letters = numpy.frombuffer(text, dtype=numpy.uint8)
        padded = numpy.concatenate((numpy.zeros(LONGEST_SEQUENCE - 1, dtype=numpy.uint8), letters))
        states = numpy.zeros(len(letters), dtype=numpy.intp)
        for place in range(LONGEST_SEQUENCE):
            states = self._moves[self._rows[states] + padded[place : place + len(letters)]]
            # before the text's first byte nothing was read
            states[: LONGEST_SEQUENCE - 1 - place] = 0
        told = self._outputs[states]
        return list(told[told >= 0].tolist())


@cache
def load_identifier() -> LanguageIdentifier:
    """Return the model, held to languages that have an ISO 639-1 code: the others are mostly its mistakes."""
    identifier = _Identifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages([label for label in identifier.labels if len(label) == 2])
    return identifier
