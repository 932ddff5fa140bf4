"""Terms of many languages filed under concepts; a text is read once and each concept's hits are counted."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path

from policy_archive.data import DATA, read_word_file
from policy_archive.pipelines.text import CHARACTERS_A_WORD, blank_common_signs

# scripts that do not part words by spaces, glue particles to them, or write vowels as marks that \w
# does not match
_GLUED = "\u0590-\u08ff\u0900-\u0dff\u0e00-\u0eff\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_WORD = re.compile(rf"[^\W{_GLUED}]+")
_NO_WORD = {code: " " for code in range(128) if not (chr(code).isalnum() or chr(code) == "_")}
"""The same in ASCII, where splitting at blanks takes a third of the time."""
_STARRED_WORD = re.compile(r"[^\W_]+\*?")
_GLUED_CHARACTER = re.compile(f"[{_GLUED}]")
_UNSPACED = re.compile("[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]")

Rest = tuple[tuple[str, bool], ...]
"""The further words of a term, each with whether any ending may follow."""
_MOST_KNOWN = 100_000
"""Words that are looked up once; a long crawl meets ever new ones."""


class _Entry:
    """All that may begin with one word."""

    __slots__ = ("concepts", "phrases", "seconds")

    def __init__(self) -> None:
        self.concepts: dict[str, None] = {}  # a set in one order: sums over what was counted depend on it
        self.phrases: list[tuple[Rest, str]] = []
        self.seconds: tuple[frozenset[str], tuple[str, ...]] | None = None
        """The second words of phrases, and the beginnings of such, once somebody asked."""

    def add(self, other: _Entry) -> None:
        self.concepts |= other.concepts
        self.phrases += other.phrases

    def may_go_on(self, word: str) -> bool:
        """Return whether a phrase has this as its second word: hardly ever, and most phrases need no look."""
        if self.seconds is None:
            seconds = [rest[0] for rest, _ in self.phrases]
            self.seconds = (
                frozenset(second for second, _ in seconds),
                tuple(second for second, open_ended in seconds if open_ended),
            )
        whole, beginnings = self.seconds
        return word in whole or word.startswith(beginnings)


class Lexicon:
    """Concepts by term. `count` is what it is for."""

    def __init__(self, terms: dict[str, list[str]]) -> None:
        self.concepts = tuple(terms)
        self._words: dict[str, _Entry] = {}
        self._stems: dict[str, _Entry] = {}
        self._glued: dict[str, list[tuple[str, str]]] = {}
        """By their first glued character: a menu of languages has few of them, the lists thousands."""
        self._found = _Found(self._look_up)
        for concept, concept_terms in terms.items():
            for term in concept_terms:
                self._file(term, concept)
        self._longest_stem = max(map(len, self._stems), default=0)

    def _file(self, term: str, concept: str) -> None:
        if first_glued := _GLUED_CHARACTER.search(term):
            self._glued.setdefault(first_glued[0], []).append((term.rstrip("*"), concept))
            return
        words = [(word.rstrip("*"), word.endswith("*")) for word in _STARRED_WORD.findall(term)]
        (first, open_ended), rest = words[0], tuple(words[1:])
        entry = (self._stems if open_ended else self._words).setdefault(first, _Entry())
        if rest:
            entry.phrases.append((rest, concept))
        else:
            entry.concepts[concept] = None

    def count(self, text: str) -> Counter[str]:
        """Return the hits of each concept in a text; concepts without a hit are absent."""
        return Counter(self.hits_in(text))

    def hits_in(self, text: str) -> dict[str, int]:
        """Return what `count` does, of a sentence in half the time."""
        folded = fold(blank_common_signs(text))  # no term has one
        hits: dict[str, int] = {}
        words = iter_words(folded)
        found, last = self._found, len(words) - 1
        for place, word in enumerate(words):
            entry = found[word]
            if entry is None:
                continue
            for concept in entry.concepts:
                hits[concept] = hits.get(concept, 0) + 1
            if entry.phrases and place < last and entry.may_go_on(words[place + 1]):
                for rest, concept in entry.phrases:
                    if _follows(words, place + 1, rest):
                        hits[concept] = hits.get(concept, 0) + 1
        if not folded.isascii():
            self._count_glued(folded, hits)
        return hits

    def _count_glued(self, folded: str, hits: dict[str, int]) -> None:
        for character in dict.fromkeys(_GLUED_CHARACTER.findall(folded)):
            for term, concept in self._glued.get(character, ()):
                found = folded.count(term)
                if found:
                    hits[concept] = hits.get(concept, 0) + found

    def _look_up(self, word: str) -> _Entry | None:
        matching = [self._words[word]] if word in self._words else []
        stems = (word[:end] for end in range(1, min(len(word), self._longest_stem) + 1))
        matching += [self._stems[stem] for stem in stems if stem in self._stems]
        if not matching:
            return None
        entry = _Entry()
        for match in matching:
            entry.add(match)
        return entry


class _Found(dict[str, "_Entry | None"]):
    """What was looked up, word by word; a word that is there costs no call."""

    def __init__(self, look_up: Callable[[str], _Entry | None]) -> None:
        super().__init__()
        self._look_up = look_up

    def __missing__(self, word: str) -> _Entry | None:
        if len(self) > _MOST_KNOWN:
            self.clear()
        self[word] = entry = self._look_up(word)
        return entry


def _follows(words: list[str], place: int, rest: Rest) -> bool:
    if place + len(rest) > len(words):
        return False
    for offset, (expected, open_ended) in enumerate(rest):
        word = words[place + offset]
        if word != expected and not (open_ended and word.startswith(expected)):
            return False
    return True


def fold(text: str) -> str:
    """Return text as terms are compared: composed, case folded.

    Accents and marks stay: they tell terms of one language from another's, and "404 - " is one. Names of
    policies are compared without either (`discovery.words.fold`), dates where they stand (`extract.dates`).
    """
    return text.lower() if text.isascii() else unicodedata.normalize("NFC", text).casefold()


def iter_words(folded: str) -> list[str]:
    """Return the words of a folded text, those of scripts that glue or do not part words left out."""
    if folded.isascii():
        return folded.translate(_NO_WORD).split()
    return _WORD.findall(folded)


def lexical_length(text: str) -> float:
    """Return the length of a text in words, in scripts without spaces by the number of characters."""
    words = float(len(text.split()))
    return words if text.isascii() else words + len(_UNSPACED.findall(text)) / CHARACTERS_A_WORD


@cache
def load_lexicon(name: str) -> Lexicon:
    """Return the lexicon in `data/words/<name>.toml`: concept → language → terms."""
    return read_lexicon(DATA / "words" / f"{name}.toml")


def read_lexicon(path: Path, *, without: frozenset[str] = frozenset()) -> Lexicon:
    """Return the lexicon of a file, the lines of some languages left out (to measure what they are worth)."""
    concepts = read_word_file(path)
    return Lexicon(
        {
            concept: [
                fold(term) for language, terms in lines.items() if language not in without for term in terms
            ]
            for concept, lines in concepts.items()
        }
    )
