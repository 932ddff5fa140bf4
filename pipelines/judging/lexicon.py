"""Terms of many languages filed under concepts; a text is read once and each concept's hits are counted."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import cache
from pathlib import Path

from policy_archive.data import DATA, read_word_file
from policy_archive.pipelines.text import CHARACTERS_A_WORD

# scripts that do not part words by spaces, glue particles to them, or write vowels as marks that \w
# does not match
_GLUED = "\u0590-\u08ff\u0900-\u0dff\u0e00-\u0eff\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_WORD = re.compile(rf"[^\W{_GLUED}]+")
_STARRED_WORD = re.compile(r"[^\W_]+\*?")
_GLUED_CHARACTER = re.compile(f"[{_GLUED}]")
_UNSPACED = re.compile("[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]")

Rest = tuple[tuple[str, bool], ...]
"""The further words of a term, each with whether any ending may follow."""


class _Entry:
    """All that may begin with one word."""

    __slots__ = ("concepts", "phrases")

    def __init__(self) -> None:
        self.concepts: dict[str, None] = {}  # a set in one order: sums over what was counted depend on it
        self.phrases: list[tuple[Rest, str]] = []

    def add(self, other: _Entry) -> None:
        self.concepts |= other.concepts
        self.phrases += other.phrases


class Lexicon:
    """Concepts by term. `count` is what it is for."""

    def __init__(self, terms: dict[str, list[str]]) -> None:
        self.concepts = tuple(terms)
        self._words: dict[str, _Entry] = {}
        self._stems: dict[str, _Entry] = {}
        self._glued: dict[str, list[tuple[str, str]]] = {}
        """By their first glued character: a menu of languages has few of them, the lists thousands."""
        self._found: dict[str, _Entry | None] = {}
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
        folded = fold(text)
        hits: Counter[str] = Counter()
        words = _WORD.findall(folded)
        for place, word in enumerate(words):
            entry = self._entry(word)
            if entry is not None:
                for concept in entry.concepts:
                    hits[concept] += 1
                for rest, concept in entry.phrases:
                    if _follows(words, place + 1, rest):
                        hits[concept] += 1
        self._count_glued(folded, hits)
        return hits

    def _count_glued(self, folded: str, hits: Counter[str]) -> None:
        for character in dict.fromkeys(_GLUED_CHARACTER.findall(folded)):
            for term, concept in self._glued.get(character, ()):
                found = folded.count(term)
                if found:
                    hits[concept] += found

    def _entry(self, word: str) -> _Entry | None:
        try:
            return self._found[word]
        except KeyError:
            pass
        if len(self._found) > 100_000:  # a long crawl meets ever new words
            self._found.clear()
        self._found[word] = entry = self._look_up(word)
        return entry

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
    return unicodedata.normalize("NFC", text).casefold()


def iter_words(folded: str) -> list[str]:
    """Return the words of a folded text, those of scripts that glue or do not part words left out."""
    return _WORD.findall(folded)


def lexical_length(text: str) -> float:
    """Return the length of a text in words, in scripts without spaces by the number of characters."""
    return len(text.split()) + len(_UNSPACED.findall(text)) / CHARACTERS_A_WORD


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
