"""The surroundings of what a search found, cut out of the text here.

Not by `snippet()` of SQLite's full-text index: it takes time by the square of the hits in one text, and hears
no time limit meanwhile.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_SCANNED = 300_000
"""Characters of a text that are looked through."""
_MOST_MATCHES = 400
_BEFORE = 90
_WIDTH = 260
"""Characters of a snippet, as many as 36 words have, and of those before what was found."""
_PHRASE = re.compile(r'"((?:[^"]|"")*)"(\*?)')
_WORD = re.compile(r"[^\W_]+")


class _Folds(dict[int, str]):
    """One character for one, as the index takes them: lower case, without the marks of letters."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        base = unicodedata.normalize("NFD", character)[:1].lower()
        self[code] = base if len(base) == 1 else character
        return self[code]


_FOLDS = _Folds()


@dataclass(frozen=True, order=True)
class _Match:
    start: int
    end: int
    phrase: int


def cut_snippet(text: str, match: str) -> str:
    """Return the stretch of a text where most phrases of an FTS5 expression stand, each between two marks.

    The marks are U+0001 and U+0002, which no text holds; an ellipsis stands where the text goes on.

    >>> cut_snippet("We do not sell. Ever.", '"SELL"').replace("\\x01", "<").replace("\\x02", ">")
    'We do not <sell>. Ever.'
    """
    head = text[:_SCANNED]
    matches = sorted(_iter_matches(head.translate(_FOLDS), match))[:_MOST_MATCHES]
    found = max(matches, key=lambda one: (_count_near(matches, one), -one.start), default=None)
    start = _start_of_word(head, found.start - _BEFORE) if found else 0
    end = _end_of_word(text, start + _WIDTH)
    return f"{'…' if start else ''}{_mark(text, start, end, matches)}{'…' if end < len(text) else ''}"


def _iter_matches(folded: str, match: str) -> Iterator[_Match]:
    for number, phrase in enumerate(_PHRASE.finditer(match)):
        words = _WORD.findall(phrase[1].translate(_FOLDS))
        if not words:
            continue
        # what stands between words is eaten whole, so that no stretch is looked at twice
        inner = r"[\W_]++".join(map(re.escape, words))
        pattern = rf"(?<![^\W_]){inner}" + (r"[^\W_]*+" if phrase[2] else r"(?![^\W_])")
        for count, found in enumerate(re.finditer(pattern, folded)):
            if count >= _MOST_MATCHES:
                break
            yield _Match(found.start(), found.end(), number)


def _count_near(matches: Sequence[_Match], first: _Match) -> int:
    """Return how many phrases stand within a snippet that begins near a match."""
    last = first.start + _WIDTH - _BEFORE
    return len({one.phrase for one in matches if first.start <= one.start and one.end <= last})


def _start_of_word(text: str, at: int) -> int:
    if at <= 0:
        return 0
    blank = re.compile(r"\s").search(text, at, at + 40)
    return blank.end() if blank else at


def _end_of_word(text: str, at: int) -> int:
    if at >= len(text):
        return len(text)
    blank = re.compile(r"\s").search(text, at, at + 40)
    return blank.start() if blank else at


def _mark(text: str, start: int, end: int, matches: Sequence[_Match]) -> str:
    parts, position = [], start
    for one in matches:
        if one.start >= position and one.end <= end:
            parts += [text[position : one.start], "\x01", text[one.start : one.end], "\x02"]
            position = one.end
    return "".join((*parts, text[position:end]))
