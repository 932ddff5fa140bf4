"""The surroundings of what a search found, cut out of the text here.

Not by `snippet()` of SQLite's full-text index: it takes time by the square of the hits in one text, and hears
no time limit meanwhile.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from policy_archive.pipelines.store.search_text import fold, fold_with_places, plain_text

_SCANNED = 300_000
"""Characters of a text that are looked through."""
_MOST_MATCHES = 400
_BEFORE = 90
_WIDTH = 260
"""Characters of a snippet, as many as 36 words have, and of those before what was found."""
_SENTENCE = 420
"""Characters of a sentence that are shown: lawyers write long ones."""
_MOST_LINES = 40
# a word in small letters behind it goes on with the sentence: it was an abbreviation
_SENTENCE_END = re.compile(
    r"(?:(?<![.!?])[.!?]++[\"'”’»)\]]*+(?=\s++(?![a-zà-ÿ]))|[。！？]++[」』”）]*+)\s*+"
)
BEGIN, END = "\x01", "\x02"
"""Stand around what was found: no text holds them."""


@dataclass(frozen=True, order=True)
class _Match:
    start: int
    end: int
    phrase: int


def cut_snippet(markdown: str, needles: Sequence[str]) -> str:
    """Return the stretch of a text where most of what was asked for stands, each between BEGIN and END.

    `needles`: patterns of search_syntax.parse_query. As a reader sees the text, and in Unicode's NFKC, as it
    is searched; an ellipsis stands where it goes on.

    >>> cut_snippet("We do **not** [sell](/x). Ever.", ["sell"]).replace(BEGIN, "<").replace(END, ">")
    'We do not <sell>. Ever.'
    """
    text = " ".join(unicodedata.normalize("NFKC", plain_text(markdown[:_SCANNED])).split())
    folded, place = fold_with_places(text)
    matches = sorted(_iter_matches(folded, place, needles))[:_MOST_MATCHES]
    found = max(matches, key=lambda one: (_count_near(matches, one), -one.start), default=None)
    start = _start_of_word(text, found.start - _BEFORE) if found else 0
    end = _end_of_word(text, start + _WIDTH)
    goes_on = end < len(text) or len(markdown) > _SCANNED
    return f"{'…' if start else ''}{_mark(text, start, end, matches)}{'…' if goes_on else ''}"


def cut_sentence(markdown: str, needles: Sequence[str]) -> str:
    """Return the sentence where what was asked for stands first, as cut_snippet shows it.

    Only the line that holds it is read as a reader sees it: 50,000 words take a millisecond or two.

    >>> cut_sentence("Ever. We do **not** [sell](/x). Never.", ["sell"]).replace(BEGIN, "<").replace(END, ">")
    'We do not <sell>.'
    """
    found = list(_iter_lines_with(markdown, needles))
    found.sort(key=lambda line: line.startswith("#"))  # a sentence says more than a heading
    # where a link or emphasis begins within it every line is read: a pattern does not see through them
    for line in chain(found, markdown.split("\n")):
        text = " ".join(unicodedata.normalize("NFKC", plain_text(line)).split())
        shown, place = fold_with_places(text)
        matches = sorted(_iter_matches(shown, place, needles))
        if matches:  # else it stands in an address, which no reader sees
            return _cut_around(text, matches)
    return cut_snippet(markdown, needles)


def _iter_lines_with(markdown: str, needles: Sequence[str]) -> Iterator[str]:
    """Yield the lines in which a pattern is found first; folding keeps every end of line."""
    folded, lines = fold(markdown), markdown.split("\n")
    if folded.count("\n") + 1 != len(lines):
        return
    starts = [
        found.start() for needle in needles for found in islice(re.finditer(needle, folded), _MOST_LINES)
    ]
    for number in dict.fromkeys(folded.count("\n", 0, start) for start in sorted(starts)):
        yield lines[number]


def _cut_around(text: str, matches: Sequence[_Match]) -> str:
    first = matches[0]
    ends = [end.end() for end in _SENTENCE_END.finditer(text)]
    start = max((end for end in ends if end <= first.start), default=0)
    end = min((end for end in ends if end >= first.end), default=len(text))
    before = first.start - _SENTENCE // 3
    after = start + _SENTENCE if start >= before else first.start + _SENTENCE * 2 // 3
    cut_start = start if start >= before else _start_of_word(text, before)
    cut_end = end if end <= after else _end_of_word(text, max(after, first.end))
    shown = _mark(text, cut_start, cut_end, [one for one in matches if one.start >= cut_start]).strip()
    return f"{'…' if cut_start > start else ''}{shown}{'…' if cut_end < end else ''}"


def unmark(snippet: str) -> str:
    """Return a snippet without BEGIN and END."""
    return snippet.replace(BEGIN, "").replace(END, "")


def mark_all(text: str, needles: Sequence[str]) -> str:
    """Return a text as it is with BEGIN and END around all that was asked for."""
    folded, place = fold_with_places(text)
    return _mark(text, 0, len(text), sorted(_iter_matches(folded, place, needles)))


def _iter_matches(folded: str, place: Callable[[int], int], needles: Sequence[str]) -> Iterator[_Match]:
    for number, needle in enumerate(needles):
        for found in islice(re.finditer(needle, folded), _MOST_MATCHES):
            yield _Match(place(found.start()), place(found.end()), number)


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
            parts += [text[position : one.start], BEGIN, text[one.start : one.end], END]
            position = one.end
    return "".join((*parts, text[position:end]))
