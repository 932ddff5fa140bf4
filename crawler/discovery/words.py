"""The word lists of `data/words`, read once, and what a label says by them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from policy_archive.crawler.core.cache import SHORT, remembered
from policy_archive.crawler.core.records import POLICY_KINDS, Kind
from policy_archive.data import read_words

LONGEST_LABEL = 24  # words; what is longer is a sentence or a headline, no name of a document
GERMAN = str.maketrans(
    {
        "ä": "ae",
        "ö": "oe",
        "ü": "ue",
        "å": "aa",
        "ø": "oe",
        "Ä": "Ae",
        "Ö": "Oe",
        "Ü": "Ue",
        "Å": "Aa",
        "Ø": "Oe",
    }
)
"""How umlauts and their Scandinavian kin are written where they cannot be."""

_LEAST_LETTERS = 3  # `a g b`
_LONGEST_PHRASE = 8  # words
_LONGEST_NAME = 10  # words: what is longer tells what a page holds, or that it is to be read
_BARE = str.maketrans({"ı": "i", "đ": "d", "ø": "o", "ł": "l", "æ": "ae", "œ": "oe"})
"""Letters whose strokes Unicode does not part from them."""
_MARKS = re.compile("[\u0300-\u036f]")  # accents of Latin, Greek and Cyrillic; kana keep theirs
_NO_WORD = re.compile(r"[^\w&]+|_")
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_LETTERS = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ffa-z0-9]")
"""Letters that spell words, in scripts without blanks or among them: three say what one other does."""
_NAME_REST = 8  # characters beside a name where words have no blanks: "…について", a company's name
_SUBJECT_REST = 2  # beside a name that is a subject of sentences, too: "隐私计算" is no policy
_NO_NAME = "\u25a0"  # stands for a character that belongs to no name
_LABEL_REST = 20  # what has more is a sentence


@dataclass(frozen=True, kw_only=True)
class NameMatch:
    """A policy's name that was found in some words."""

    kind: Kind
    languages: tuple[str, ...]
    """ISO 639-1, of the lists that hold the phrase."""
    phrase: str
    strength: float
    """0 to 1: 0.95 the name alone, less with other words around it."""
    leftover: tuple[str, ...] = ()
    """Words beside names, fillers and qualifiers."""


@remembered(20_000, longest=SHORT)
def fold(text: str) -> str:
    """Return words as they are compared: lower case, no accents, no punctuation, one blank between.

    >>> fold("  Política de PRIVACIDADE »"), fold("KULLANIM KOŞULLARI")
    ('politica de privacidade', 'kullanim kosullari')
    """
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    plain = unicodedata.normalize("NFKC", _MARKS.sub("", plain)).translate(_BARE)
    return " ".join(_NO_WORD.sub(" ", plain).split())


def glue(text: str) -> str:
    """Return folded words without blanks: `privacypolicy`."""
    return text.replace(" ", "")


@cache
def strong_names() -> Mapping[str, tuple[tuple[Kind, str], ...]]:
    """Return folded phrase → the kinds and languages that use it, in the order of `POLICY_KINDS`.

    With each phrase its spelling without umlauts ("datenschutzerklaerung"); who looks for a policy's link and
    who looks for its heading know the same names.
    """
    found: dict[str, list[tuple[Kind, str]]] = {}
    for kind, language, entry in _name_lists():
        for phrase in entry["strong"]:
            for spelling in dict.fromkeys((fold(phrase), fold(phrase.translate(GERMAN)))):
                found.setdefault(spelling, []).append((kind, language))
    return {phrase: tuple(dict.fromkeys(uses)) for phrase, uses in found.items()}


@cache
def _words_of_names() -> frozenset[str]:
    """Return a word of each name, its longest: where none of them stands there is no name."""
    return frozenset(max(phrase.split(), key=len) for phrase in strong_names())


@cache
def _pieces(list_name: str, *, unspaced: bool) -> Mapping[str, tuple[Kind, str]]:
    """Return piece → kind and language of one list, for scripts with blanks between words or without."""
    return {
        glue(fold(phrase)) if unspaced else fold(phrase): (kind, language)
        for kind, language, entry in reversed(list(_name_lists()))
        for phrase in entry[list_name]
        if bool(_UNSPACED.search(phrase)) is unspaced
    }


@cache
def _piece_pattern(list_name: str, *, unspaced: bool) -> re.Pattern[str]:
    """Return what finds the pieces of one list, the longest first."""
    pieces = sorted(_pieces(list_name, unspaced=unspaced), key=lambda piece: -len(piece))
    return re.compile("|".join(re.escape(piece) for piece in pieces if len(piece) > 1))


def _name_lists() -> Iterable[tuple[Kind, str, Mapping[str, Any]]]:
    names = read_words("policy-names")
    for kind in POLICY_KINDS:
        for language, entry in names[kind].items():
            yield kind, language, entry


@cache
def _folded(file: str, section: str, key: str) -> frozenset[str]:
    return frozenset(fold(word) for word in read_words(file)[section][key])


def fillers() -> frozenset[str]:
    """Return words that may stand beside a name without a meaning of their own."""
    return _folded("policy-qualifiers", "fillers", "words")


def is_no_policy(label: str) -> bool:
    """Return whether a folded label names a switch, an account, a recipe; `Privacy settings` is no policy.

    >>> is_no_policy("privacy settings"), is_no_policy("accept all cookies now"), is_no_policy("cookies")
    (True, True, False)
    """
    if label in _folded("policy-names", "not", "phrases"):
        return True
    words = label.split()
    if not _folded("policy-names", "not", "seals").isdisjoint(words):
        return True
    if any(f" {licence} " in f" {label} " for licence in _folded("policy-names", "not", "licences")):
        return True
    if len(words) > LONGEST_LABEL or _folded("policy-names", "not", "verbs").isdisjoint(words):
        return False
    return speaks_of_cookies(words)


def is_subject(label: str) -> bool:
    """Return whether a folded label is a policy's name that is a subject of other pages, too (`privacy`)."""
    return label in _folded("policy-names", "not", "subjects")


def kinds_of_name(label: str) -> frozenset[Kind]:
    """Return the kinds of a folded label that is a policy's whole name."""
    return frozenset(kind for kind, _ in strong_names().get(label, ()))


def kinds_beyond_subjects(label: str) -> frozenset[Kind]:
    """Return the kinds of a folded label that is a policy's whole name and no subject; terms are none."""
    kinds = kinds_of_name(label)
    return kinds if not is_subject(label) or Kind.TERMS in kinds else frozenset()


def names_food(label: str) -> bool:
    """Return whether a folded label names sweets or a kitchen: cookies beside it are baked."""
    return not _folded("policy-names", "not", "food").isdisjoint(label.split())


def unspread(label: str) -> str:
    """Return a folded label whose letters stand apart (`p r i v a c y`) as the name that they spell.

    >>> unspread("t e r m s o f u s e"), unspread("a b c")
    ('terms of use', 'a b c')
    """
    letters = label.split()
    if len(letters) < _LEAST_LETTERS or any(len(letter) > 1 for letter in letters):
        return label
    return _glued_names().get(glue(label), label)


@cache
def _glued_names() -> Mapping[str, str]:
    return {glue(phrase): phrase for phrase in strong_names()}


@cache
def _cookie_names() -> frozenset[str]:
    """Return single words that mean cookies."""
    lists = (entry["strong"] for kind, _, entry in _name_lists() if kind is Kind.COOKIES)
    return frozenset(word for phrases in lists for word in map(fold, phrases) if " " not in word)


def speaks_of_cookies(words: Iterable[str]) -> bool:
    """Return whether one of some folded words means cookies."""
    return any("cookie" in word or word in _cookie_names() or "クッキー" in word for word in words)


@dataclass(frozen=True, kw_only=True)
class LawMention:
    """Laws on personal data that some words name."""

    name: str
    """Of the first one, folded."""
    rest: str
    """The words without the laws' names, folded."""
    alone: bool
    """Whether nothing else is said."""
    document: bool
    """Whether all that is said besides is that it is a notice or the like."""
    doubtful: bool
    """Whether the name is something else as well (`AVG`, a program)."""
    languages: tuple[str, ...]


@remembered(20_000, longest=SHORT)
def find_laws(words: str) -> LawMention | None:
    """Return the laws that folded words name, None where they name none or are a policy's own name.

    >>> find_laws("pipeda notice").document, find_laws("general data protection regulation").alone
    (True, True)
    >>> find_laws("privacy act statement") is None
    True
    """
    if not _may_name_laws(words) or (words in strong_names() and words not in _laws()):
        return None
    named = [match[0] for match in _law_pattern().finditer(words)]
    if not named:
        return None
    rest = " ".join(_law_pattern().sub(" ", words).split())
    beside = set(rest.split())
    documents = _folded("policy-names", "laws", "documents")
    connectives = _folded("policy-names", "laws", "connectives")
    alone = beside <= connectives
    return LawMention(
        name=named[0],
        rest=rest,
        alone=alone,
        document=not alone
        and not leftover_words(rest, documents | connectives)
        and not beside.isdisjoint(documents),
        doubtful=set(named) <= _folded("policy-names", "laws", "doubtful"),
        languages=tuple(language for _, language in strong_names().get(named[0], ())),
    )


@cache
def _laws() -> frozenset[str]:
    return _folded("policy-names", "laws", "names") | _folded("policy-names", "laws", "doubtful")


def _may_name_laws(words: str) -> bool:
    """Return whether a label is as short as a name and holds the beginning of a law's: a quick look."""
    own = words.split()
    if len(own) > LONGEST_LABEL:
        return False
    return not _laws_first_words().isdisjoint(own) or bool(_UNSPACED.search(words))


@cache
def _laws_first_words() -> frozenset[str]:
    return frozenset(law.partition(" ")[0] for law in _laws())


@cache
def _law_pattern() -> re.Pattern[str]:
    names = sorted(_laws(), key=lambda name: -len(name))
    pieces = (re.escape(name) if _UNSPACED.search(name) else rf"\b{re.escape(name)}\b" for name in names)
    return re.compile("|".join(pieces))


def is_generic(label: str) -> bool:
    """Return whether a folded label says nothing of its own (`click here`)."""
    return label in _folded("policy-names", "not", "generic")


@cache
def _qualifiers() -> Mapping[str, str]:
    names = read_words("policy-qualifiers")["names"]
    return {fold(word): name for name, words in names.items() for word in words}


@cache
def _words_of_qualifiers() -> frozenset[str]:
    """Return a word of each, its longest."""
    return frozenset(max(phrase.split(), key=len) for phrase in _qualifiers())


@remembered(20_000, longest=SHORT)
def find_qualifiers(words: str) -> tuple[tuple[str, ...], frozenset[str]]:
    """Return the names of what folded words narrow a document to, and the words that said so.

    >>> find_qualifiers("childrens privacy policy")[0]
    ('children',)
    """
    names: dict[str, None] = {}
    used: set[str] = set()
    may_stand = not _words_of_qualifiers().isdisjoint(words.split())
    for phrase in _phrases_of(words.split()) if may_stand else ():
        name = _qualifiers().get(phrase)
        if name and not used & set(phrase.split()):
            names[name] = None
            used |= set(phrase.split())
    if _UNSPACED.search(words):
        glued = glue(words)
        names |= {name: None for piece, name in _unspaced_qualifiers() if piece in glued}
    return tuple(names), frozenset(used)


@cache
def _unspaced_qualifiers() -> tuple[tuple[str, str], ...]:
    return tuple((piece, name) for piece, name in _qualifiers().items() if _UNSPACED.search(piece))


def may_be_main(name: str) -> bool:
    """Return whether a document of this name is the site's main one where there is no other."""
    qualifiers = read_words("policy-qualifiers")
    return name in qualifiers["main_if_alone"] or name not in qualifiers["names"]


def _phrases_of(words: list[str]) -> Iterable[str]:
    """Yield runs of words, longest first, left to right."""
    for length in range(min(_LONGEST_PHRASE, len(words)), 0, -1):
        for start in range(len(words) - length + 1):
            yield " ".join(words[start : start + length])


def match_name(words: str, *, known: frozenset[str] = frozenset()) -> tuple[NameMatch, ...]:
    """Return the policies that folded words name, strongest first, one a kind.

    `known` are words that belong to the site's own name and so say nothing.

    >>> [(m.kind.value, m.strength) for m in match_name(fold("Terms of Use and Privacy Policy"))]
    [('terms', 0.9), ('privacy', 0.9)]
    """
    if not words or len(words.split()) > LONGEST_LABEL:
        return ()
    found = _match_whole(words) or _match_words(words, known) or _match_pieces(words)
    best: dict[Kind, NameMatch] = {}
    for match in sorted(found, key=lambda match: -match.strength):
        best.setdefault(match.kind, match)
    privacy = best.get(Kind.PRIVACY)
    if privacy and Kind.COOKIES not in best and speaks_of_cookies(words.split()):
        best[Kind.COOKIES] = replace(privacy, kind=Kind.COOKIES)  # "privacy and cookies policy" is both
    return tuple(best.values())


def _match_whole(words: str) -> list[NameMatch]:
    uses = strong_names().get(words) or strong_names().get(_glued_if_unspaced(words), ())
    return [
        NameMatch(kind=kind, languages=_languages(uses, kind), phrase=words, strength=0.95)
        for kind in dict.fromkeys(kind for kind, _ in uses)
    ]


def _glued_if_unspaced(words: str) -> str:
    return glue(words) if _UNSPACED.search(words) else words


def _languages(uses: Iterable[tuple[Kind, str]], kind: Kind) -> tuple[str, ...]:
    return tuple(language for used, language in uses if used is kind)


def _match_words(words: str, known: frozenset[str]) -> list[NameMatch]:
    """Return names that stand in a label as words: the longest first, none over another."""
    taken: set[str] = set()
    hits: list[str] = []
    if _words_of_names().isdisjoint(words.split()):
        return []  # nine labels in ten
    for phrase in _phrases_of(words.split()):
        if phrase in strong_names() and not taken & set(phrase.split()):
            hits.append(phrase)
            taken |= set(phrase.split())
    if not hits:
        return []
    leftover = leftover_words(words, taken | known)
    return [
        NameMatch(
            kind=kind,
            languages=_languages(strong_names()[phrase], kind),
            phrase=phrase,
            strength=_strength(phrase, leftover) if len(words.split()) <= _LONGEST_NAME else 0.4,
            leftover=leftover,
        )
        for phrase in hits
        for kind in dict.fromkeys(kind for kind, _ in strong_names()[phrase])
    ]


def leftover_words(words: str, taken: Iterable[str]) -> tuple[str, ...]:
    """Return the words that neither a name, nor a filler, nor a qualifier, nor a number accounts for."""
    _, qualifying = find_qualifiers(words)
    accounted = set(taken) | fillers() | qualifying
    return tuple(word for word in words.split() if word not in accounted and not _is_mere_number(word))


def _is_mere_number(word: str) -> bool:
    return word == "&" or bool(re.fullmatch(r"[0-9]+|[a-f0-9]{8,}|v?[0-9.]{1,5}", word))


def _strength(phrase: str, leftover: tuple[str, ...]) -> float:
    """Return how surely a label with these other words names the document.

    One word in the midst of others is mostly part of a sentence ("Betty's cookies").
    """
    if not leftover:
        return 0.9
    if is_subject(phrase):
        return 0.4  # "Data Privacy Week"
    if not _folded("policy-addresses", "ignore", "words").isdisjoint(leftover):
        return 0.35  # "Privacy policy generator"
    if " " in phrase and len(leftover) <= 3:
        return 0.75
    return 0.4


def _match_pieces(words: str) -> list[NameMatch]:
    """Return names by pieces of words: whole names where the script has no blanks, else mere hints."""
    if _UNSPACED.search(words):
        glued = _compound_pattern().sub(lambda match: _NO_NAME * len(match[0]), glue(words))
        names = list(_iter_names(glued))
        if names:
            taken = "".join(name.phrase for name in names)
            return [_in_unspaced(one, glued, taken, name=0.8, label=0.45) for one in names]
        found = _find_piece("weak", glued, unspaced=True)
        if found:
            return [_in_unspaced(found, glued, found.phrase, name=0.55, label=0.35)]
    found = _find_piece("weak", words, unspaced=False)
    return [replace(found, strength=0.55 if len(words.split()) <= 6 else 0.35)] if found else []


@cache
def _compound_pattern() -> re.Pattern[str]:
    """Return what finds words that hold a name's characters and mean something else: 服务器 has no 服务."""
    compounds = sorted(map(glue, _folded("policy-names", "not", "compounds")), key=lambda word: -len(word))
    return re.compile("|".join(map(re.escape, compounds)))


def _iter_names(glued: str) -> Iterator[NameMatch]:
    """Yield the names that stand in words without blanks, none over another: `用户协议与隐私政策` has two."""
    for match in _piece_pattern("strong", unspaced=True).finditer(glued):
        kind, language = _pieces("strong", unspaced=True)[match[0]]
        yield NameMatch(kind=kind, languages=(language,), phrase=match[0], strength=0.0)


def _in_unspaced(found: NameMatch, glued: str, taken: str, *, name: float, label: float) -> NameMatch:
    """Return a piece with the strength that what stands around it leaves: none in a sentence.

    `taken` are the characters of this name and of others beside it.
    """
    rest = glued
    for filler in _unspaced_fillers():
        rest = rest.replace(filler, "") if filler not in taken else rest
    size = max(0.0, _size_of(rest) - _size_of(taken))
    if any(word in rest for word in _unspaced_else()):
        name = label  # "利用規約の作り方"
    most = _SUBJECT_REST if found.phrase in _glued_subjects() else _NAME_REST
    strength = name if size <= most else label if size <= _LABEL_REST else 0.0
    return replace(found, strength=strength)


def _size_of(text: str) -> float:
    return len(text) - len(_LETTERS.findall(text)) * 2 / 3


@cache
def _glued_subjects() -> frozenset[str]:
    """Return the subjects as pieces are compared: folding parts what marks stand above."""
    return frozenset(map(glue, _folded("policy-names", "not", "subjects")))


@cache
def _unspaced_else() -> frozenset[str]:
    return frozenset(map(glue, _folded("policy-addresses", "ignore", "unspaced_words")))


@cache
def _unspaced_fillers() -> tuple[str, ...]:
    words = (glue(word) for word in _folded("policy-qualifiers", "fillers", "unspaced"))
    return tuple(sorted(words, key=lambda word: (-len(word), word)))


def _find_piece(list_name: str, words: str, *, unspaced: bool) -> NameMatch | None:
    match = _piece_pattern(list_name, unspaced=unspaced).search(words)
    if match is None:
        return None
    kind, language = _pieces(list_name, unspaced=unspaced)[match[0]]
    return NameMatch(kind=kind, languages=(language,), phrase=match[0], strength=0.0)


def group_of(words: str) -> str:
    """Return the name of an `other` policy that folded words mean, or '' when they fit none."""
    for name, pieces in read_words("policy-addresses")["groups"].items():
        for piece in map(fold, pieces):
            if (piece in words.split()) if len(piece) <= 4 else (piece in words):
                return str(name)
    return ""
