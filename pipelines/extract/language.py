"""The language that a text is written in."""

from __future__ import annotations

import re
from functools import cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier  # type: ignore[import-untyped]

from policy_archive.crawler.core.cache import remembered
from policy_archive.pipelines.text import cut_targets

_SAMPLE_CHARACTERS = 4000
_MIN_CHARACTERS = 20
_MIN_CONFIDENCE = 0.6
_NOT_PROSE = re.compile(r"<?https?://\S+|[^\s@]{1,64}+@\S+|[\d|*#>_`\[\]()-]+")


@remembered(64)
def identify_language(text: str) -> tuple[str | None, float]:
    """Return (ISO 639-1 code, confidence 0 to 1) of a Markdown text.

    The code is None for a text too short or too mixed to tell; the confidence
    is then that of the best guess. The middle of the text is read as well as
    its beginning, where menus and addresses stand.

    >>> identify_language("Wir nehmen den Schutz Ihrer persönlichen Daten ernst.")[0]
    'de'
    """
    prose = " ".join(_NOT_PROSE.sub(" ", cut_targets(_sample(text))).split())
    if len(prose.encode()) < _MIN_CHARACTERS:
        return None, 0.0
    language, confidence = _identifier().classify(prose)
    return (language if confidence >= _MIN_CONFIDENCE else None), round(confidence, 3)


def _sample(text: str) -> str:
    if len(text) <= 2 * _SAMPLE_CHARACTERS:
        return text
    middle = (len(text) - _SAMPLE_CHARACTERS) // 2
    return text[:_SAMPLE_CHARACTERS] + " " + text[middle : middle + _SAMPLE_CHARACTERS]


@cache
def _identifier() -> LanguageIdentifier:
    """Return the model, held to languages that have an ISO 639-1 code: the others are mostly its mistakes."""
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages([label for label in identifier.labels if len(label) == 2])
    return identifier
