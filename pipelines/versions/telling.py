"""Which lines are never page furniture: dates, amounts, who is responsible, annexes, readers' rights."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import cache
from itertools import groupby

from policy_archive.crawler.core.cache import remembered
from policy_archive.crawler.discovery.words import fold, match_name
from policy_archive.data import read_words

_UNSPACED = re.compile("[\u0590-\u08ff\u0900-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
"""Scripts that set no blanks between words, or glue particles to them: terms are sought anywhere."""
_DATE = re.compile(
    r"(?<![\d.,])(?:1[34]|19|20|25)\d\d(?![\d]|[.,]\d)"  # also of the Solar Hijri and the Buddhist calendar
    r"|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}|\d\s?[年月日년월일]"
)
_VERSION = re.compile(r"(?<!\w)v\.? ?\d", re.IGNORECASE)
_AMOUNT = re.compile(r"[%‰@]|\d{3}")


def has_date_or_version(line: str) -> bool:
    """Return whether a line states a year, a numeric date or a version.

    >>> has_date_or_version("© 2018 Acme"), has_date_or_version("node-12"), has_date_or_version("v2")
    (True, False, True)
    """
    plain = western_digits(line)
    return bool(_DATE.search(plain) or _VERSION.search(plain) or _pattern("version").search(fold_line(line)))


def has_amount(line: str) -> bool:
    """Return whether a line holds an amount of money, a share, a mail address or a number of three digits.

    >>> has_amount("Fee: €5"), has_amount("Room 12")
    (True, False)
    """
    return bool(_AMOUNT.search(western_digits(line))) or has_currency(line)


def has_currency(line: str) -> bool:
    """Return whether a line holds the sign of a currency."""
    return any(unicodedata.category(one) == "Sc" for one in line)


def names_responsible(line: str) -> bool:
    """Return whether a line says who is responsible: roles, companies, and annexes, which bind them.

    >>> [names_responsible(line) for line in ("Data Protection Officer", "Acme GmbH", "Join us")]
    [True, True, False]
    """
    folded = fold_line(line)
    roles = _pattern("responsible").search(folded) or _pattern("annex").search(folded)
    return bool(roles or _company().search(line))


def has_address(line: str) -> bool:
    """Return whether a line holds words of a postal address.

    >>> has_address("12 High Street"), has_address("Musterstraße 1"), has_address("Help & support")
    (True, True, False)
    >>> has_address("〒100-0001")
    True
    """
    return any(sign in line for sign in _signs("address")) or bool(
        _pattern("address").search(fold_line(line))
    )


def names_rights(label: str) -> bool:
    """Return whether a link's words name a policy or a reader's rights, in any language.

    >>> names_rights("Cookie Policy"), names_rights("Ihre Rechte"), names_rights("Products")
    (True, True, False)
    """
    folded = fold_line(label)
    return bool(_pattern("rights").search(folded) or match_name(folded))


def is_count_of_visits(line: str) -> bool:
    """Return whether a line is nothing but a counter of the page's visits and its number.

    >>> is_count_of_visits("Hits: 4711"), is_count_of_visits("We had 12 visitors")
    (True, False)
    """
    return bool(_counters().fullmatch(" ".join(fold_line(line).split())))


def is_command(line: str) -> bool:
    """Return whether a line asks the browser for something, and says nothing else (`Print this page`)."""
    return fold_line(line) in _passing("commands")


def is_credit(line: str) -> bool:
    """Return whether a line begins as those do that say who or what made a site.

    >>> is_credit("Made with Thing 2012"), is_credit("Operated by Acme Ltd")
    (True, False)
    """
    folded = fold_line(line)
    return any(folded.startswith(f"{term} ") for term in _passing("credits"))


@cache
def _passing(key: str) -> frozenset[str]:
    return frozenset(map(fold, read_words("passing-lines")[key]))


@cache
def _counters() -> re.Pattern[str]:
    terms = "|".join(map(re.escape, sorted(_passing("counters"), key=lambda term: -len(term))))
    return re.compile(rf"(?:{terms}) ?[0-9][0-9 ]{{0,15}}|[0-9][0-9 ]{{0,15}}(?:{terms})")


@remembered(20_000, longest=2_000)
def fold_line(line: str) -> str:
    """Return a line as its terms are compared: crawler.discovery.words.fold, remembered."""
    return fold(line)


def western_digits(line: str) -> str:
    """Return a line with ASCII digits in place of those of other scripts."""
    line = unicodedata.normalize("NFKC", line)
    if line.isascii():
        return line
    return "".join(str(unicodedata.decimal(one)) if one.isdecimal() else one for one in line)


@cache
def _company() -> re.Pattern[str]:
    return _compile_parts(read_words("never-furniture")["company"]["forms"], re.escape)


@cache
def _pattern(section: str) -> re.Pattern[str]:
    lists = read_words("never-furniture")[section].values()
    return compile_terms(term for terms in lists for term in terms)


@cache
def _signs(section: str) -> frozenset[str]:
    """Return the terms that folding leaves nothing of: they are sought as they stand."""
    lists = read_words("never-furniture")[section].values()
    return frozenset(term for terms in lists for term in terms if not fold(term.strip("*")))


def compile_terms(terms: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern that finds terms of a word list in a folded line; `*`: any letters.

    >>> bool(compile_terms(["organ* nadzorcz*"]).search("do organu nadzorczego"))
    True
    """
    # of a sign the pattern would be found between any two others
    told = (term for term in dict.fromkeys(term.strip() for term in terms) if fold(term.strip("*")))
    return _compile_parts(told, lambda term: " ".join(map(_any_letters, term.split())))


def _compile_parts(terms: Iterable[str], pattern_of: Callable[[str], str]) -> re.Pattern[str]:
    """Return a pattern of terms: as words of their own, or anywhere in scripts without blanks.

    Bounds are looked at once, and then the terms of one initial: not hundreds of terms at each character.
    """
    bounded: list[str] = []
    anywhere: list[str] = []
    for term in terms:
        (anywhere if _UNSPACED.search(term) else bounded).append(pattern_of(term))
    parts = [rf"(?<!\w)(?:{_by_initial(bounded)})(?!\w)"] if bounded else []
    return re.compile("|".join([*parts, _by_initial(anywhere)] if anywhere else parts))


def _by_initial(patterns: Iterable[str]) -> str:
    """Return the pattern of any of these, those with one initial together, in their order.

    One that begins with any letters keeps its place before and after others: of two that are found at one
    place the first counts.
    """
    alternatives: list[str] = []
    for has_initial, stretch in groupby(patterns, key=lambda pattern: pattern[0] != "\\"):
        if not has_initial:
            alternatives += stretch
            continue
        rests = defaultdict(list)
        for pattern in stretch:
            rests[pattern[0]].append(pattern[1:])
        found = "|".join(f"{initial}(?:{'|'.join(some)})" for initial, some in rests.items())
        alternatives.append(f"(?=[{''.join(rests)}])(?:{found})")
    return "|".join(alternatives)


def _any_letters(word: str) -> str:
    """Return the pattern of one word of a term; `*` at either end stands for any letters."""
    before, after = (r"\w*" if has_star else "" for has_star in (word.startswith("*"), word.endswith("*")))
    return f"{before}{re.escape(fold(word.strip('*')))}{after}"
