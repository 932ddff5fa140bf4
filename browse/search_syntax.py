"""What people type into the search box, as a query that SQLite's full-text index takes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from policy_archive.crawler.core.errors import UsageError

_TOKEN = re.compile(
    r"""
    (?P<near>NEAR\((?P<inner>[^()]*?)(?:,\s*+(?P<distance>[0-9]{1,3})\s*+)?\))
    | "(?P<phrase>[^"]*)"(?P<phrase_prefix>\*?)
    | (?P<paren>[()])
    | (?P<word>[^\s"()]+)
    """,
    re.VERBOSE,
)
MOST_TERMS = 16
"""Words and phrases of one search: SQLite's full-text index hears no time limit while it looks at one text,
and 600 common words kept it for 38 s."""
_MOST_NEAR = 5
_MOST_CHARACTERS = 500
_OPERATORS = ("AND", "OR", "NOT")
_PLAIN = str.maketrans("“”„\x00", '""" ')


def build_match(text: str) -> str:
    """Return an FTS5 expression for words, "phrases", prefix*, NEAR(a b, 5), AND, OR, NOT.

    Every word is quoted, so that nothing typed is read as a column or an operator by accident. What
    stands side by side is joined by AND, which a bracket needs spelled out.

    Raises UsageError with a sentence when it cannot be meant.

    >>> build_match('"do not sell" child*')
    '"do not sell" AND "child"*'
    """
    if len(text) > _MOST_CHARACTERS:
        raise UsageError(f"That is too long to search for: {_MOST_CHARACTERS} characters at the most.")
    text = text.translate(_PLAIN)
    if text.count('"') % 2:
        raise UsageError("A quotation mark has no partner: put one at both ends of the phrase.")
    parts = [_build_part(match) for match in _TOKEN.finditer(text)]
    parts = [part for part in parts if part]
    if sum(part not in (*_OPERATORS, "(", ")") for part in parts) > MOST_TERMS:
        raise UsageError(f"Those are too many words: search for {MOST_TERMS} at the most, or for a phrase.")
    if not any(part not in (*_OPERATORS, "(", ")") for part in parts):
        raise UsageError("Type at least one word to search for.")
    return " ".join(_iter_joined(parts))


def _build_part(match: re.Match[str]) -> str:
    if match["near"]:
        if len(match["inner"].split()) > _MOST_NEAR:
            raise UsageError(f"NEAR takes {_MOST_NEAR} words at the most.")
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


def _iter_joined(parts: list[str]) -> Iterator[str]:
    """Yield the parts with the ANDs that were left out; raises UsageError where they do not fit together."""
    depth, joined = 0, False  # joined: a term stands here, so that an operator may follow
    for index, part in enumerate(parts):
        if part == "AND" and parts[index + 1 : index + 2] == ["NOT"]:
            continue  # "AND NOT" is said, NOT alone is meant
        if part in (*_OPERATORS, ")") and not joined:
            raise UsageError("AND, OR, NOT and a closing bracket stand behind a word.")
        if part not in (*_OPERATORS, ")") and joined:
            yield "AND"
        depth += {"(": 1, ")": -1}.get(part, 0)
        if depth < 0:
            break
        joined = part not in (*_OPERATORS, "(")
        yield part
    if depth:
        raise UsageError("A bracket has no partner.")
    if not joined:
        raise UsageError("AND, OR and NOT stand between two words.")
