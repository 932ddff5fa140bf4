"""What people type into the search box, as a query that SQLite's full-text index takes."""

from __future__ import annotations

import re

from crawler.errors import UsageError

_TOKEN = re.compile(
    r"""
    (?P<near>NEAR\((?P<inner>[^()]*?)(?:,\s*(?P<distance>[0-9]{1,3}))?\s*\))
    | "(?P<phrase>[^"]*)"(?P<phrase_prefix>\*?)
    | (?P<paren>[()])
    | (?P<word>[^\s"()]+)
    """,
    re.VERBOSE,
)
_OPERATORS = ("AND", "OR", "NOT")


def build_match(text: str) -> str:
    """Return an FTS5 expression for words, "phrases", prefix*, NEAR(a b, 5), AND, OR, NOT.

    Every word is quoted, so that nothing typed is read as a column or an operator by accident.

    Raises UsageError with a sentence when it cannot be meant.

    >>> build_match('"do not sell" child*')
    '"do not sell" "child"*'
    """
    if text.count('"') % 2:
        raise UsageError("A quotation mark has no partner: put one at both ends of the phrase.")
    parts = [_build_part(match) for match in _TOKEN.finditer(text)]
    parts = [part for part in parts if part]
    _check_shape(parts)
    return " ".join(parts)


def _build_part(match: re.Match[str]) -> str:
    if match["near"]:
        words = " ".join(_quote(word) for word in match["inner"].replace('"', " ").split())
        return f"NEAR({words}, {match['distance'] or 10})" if words else ""
    if match["phrase"] is not None:
        return _quote(match["phrase"]) + match["phrase_prefix"] if _has_word(match["phrase"]) else ""
    if match["paren"]:
        return match["paren"]
    return _build_word(match["word"])


def _build_word(word: str) -> str:
    if word in _OPERATORS:
        return word
    prefix = "*" if word.endswith("*") else ""
    return _quote(word.rstrip("*")) + prefix if _has_word(word) else ""


def _quote(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _has_word(text: str) -> bool:
    return any(character.isalnum() for character in text)


def _check_shape(parts: list[str]) -> None:
    terms = [part for part in parts if part not in (*_OPERATORS, "(", ")")]
    if not terms:
        raise UsageError("Type at least one word to search for.")
    if parts.count("(") != parts.count(")"):
        raise UsageError("A bracket has no partner.")
    if parts[0] in _OPERATORS or parts[-1] in _OPERATORS:
        raise UsageError("AND, OR and NOT stand between two words.")
