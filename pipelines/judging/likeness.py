"""Whether two pages hold nearly the same text."""

from __future__ import annotations

from policy_archive.pipelines.text import is_word, split_tokens

_SHARE = 0.6
"""Of the runs of words of the longer text that the other must hold: front pages change their news."""
_RUN_WORDS = 3
_CHARACTERS = 200_000
"""Read of each text."""


def is_nearly(text: str, other: str) -> bool:
    """Return whether two Markdown texts are the same but for a part, such as the news of a day.

    >>> is_nearly("a b c d e f g h", "a b c d e f g i"), is_nearly("a b c d", "e f g h"), is_nearly("", "")
    (True, False, False)
    """
    runs, others = _runs(text), _runs(other)
    return bool(runs) and len(runs & others) >= _SHARE * max(len(runs), len(others))


def _runs(text: str) -> set[tuple[str, ...]]:
    words = [token.strip().casefold() for token in split_tokens(text[:_CHARACTERS]) if is_word(token)]
    return set(zip(*(words[place:] for place in range(_RUN_WORDS)), strict=False))
