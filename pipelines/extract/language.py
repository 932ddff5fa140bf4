"""The language that a text is written in."""

from __future__ import annotations

import re
from functools import cache

from policy_archive.crawler.core.cache import remembered
from policy_archive.pipelines.extract.language_model import LanguageModel, load_model
from policy_archive.pipelines.text import cut_targets

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
    language, confidence = model().classify(prose)
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


@cache
def model() -> LanguageModel:
    """Return the model that languages are told by."""
    return load_model()
