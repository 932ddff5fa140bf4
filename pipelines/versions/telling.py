"""Which lines are never page furniture: dates, amounts, who is responsible, annexes, readers' rights."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache

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
    forms = read_words("never-furniture")["company"]["forms"]
    return re.compile(
        "|".join(_bounded(re.escape(form), form) for form in sorted(forms, key=len, reverse=True))
    )


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
    return re.compile("|".join(_iter_alternatives(terms)))


def _iter_alternatives(terms: Iterable[str]) -> Iterable[str]:
    for term in dict.fromkeys(term.strip() for term in terms):
        if not fold(term.strip("*")):
            continue  # a sign: its pattern would be found between any two others
        yield _bounded(" ".join(map(_any_letters, term.split())), term)


def _any_letters(word: str) -> str:
    """Return the pattern of one word of a term; `*` at either end stands for any letters."""
    before, after = (r"\w*" if has_star else "" for has_star in (word.startswith("*"), word.endswith("*")))
    return f"{before}{re.escape(fold(word.strip('*')))}{after}"


def _bounded(pattern: str, term: str) -> str:
    return pattern if _UNSPACED.search(term) else rf"(?<!\w){pattern}(?!\w)"
