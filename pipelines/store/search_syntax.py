"""What people type into a search, as a query that SQLite's full-text index takes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from policy_archive.crawler.core.errors import UsageError
from policy_archive.pipelines.store.search_text import build_needle, prepare_phrase, split_pieces

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


@dataclass(frozen=True, kw_only=True)
class SearchQuery:
    """A search as the index takes it, and what shows its hits."""

    match: str
    """The FTS5 expression."""
    needles: tuple[str, ...]
    """Patterns that find in a folded text what was asked for; nothing that a NOT stands before."""
    wider: str | None
    """The same search with a star at each word's or phrase's end, as one would type it; None when it has
    one, or when its script needs none."""


@dataclass(frozen=True, kw_only=True)
class _Term:
    """A word, a phrase, an operator or a bracket."""

    expression: str
    """'' when nothing of it can be searched for."""
    text: str = ""
    """What was typed, without marks and star; '' of operators and brackets."""
    prefix: bool = False
    is_phrase: bool = False


def build_match(text: str) -> str:
    """Return the FTS5 expression for words, "phrases", prefix*, "phrases with a star*", NEAR(a b, 5), AND,
    OR, NOT.

    Every word is quoted, so that nothing typed is read as a column or an operator by accident. What
    stands side by side is joined by AND, which a bracket needs spelled out.

    Raises UsageError with a sentence when it cannot be meant.

    >>> build_match('"do not sell" child*'), build_match("個人情報")
    ('"do not sell" AND "child"*', '"個人 人情 情報"')
    """
    return parse_query(text).match


_GRAMMAR = re.compile(r'["“”„()]|\b(?:AND|OR|NOT)\b')


def as_phrase(text: str) -> str:
    """Return the search for words in a row, which several words are meant as where a phrase is asked for.

    >>> as_phrase(" do not sell* "), as_phrase("sell OR rent"), as_phrase("cookie*")
    ('"do not sell*"', 'sell OR rent', 'cookie*')
    """
    words = text.split()
    if len(words) < 2 or _GRAMMAR.search(text):
        return " ".join(words)
    return f'"{" ".join(words)}"'


def parse_query(text: str) -> SearchQuery:
    """Return what was typed as a query; raises UsageError with a sentence when it cannot be meant."""
    if len(text) > _MOST_CHARACTERS:
        raise UsageError(f"That is too long to search for: {_MOST_CHARACTERS} characters at the most.")
    text = text.translate(_PLAIN)
    if text.count('"') % 2:
        raise UsageError("A quotation mark has no partner: put one at both ends of the phrase.")
    terms = [term for match in _TOKEN.finditer(text) if (term := _read_term(match)).expression]
    if sum(bool(term.text) for term in terms) > MOST_TERMS:
        raise UsageError(f"Those are too many words: search for {MOST_TERMS} at the most, or for a phrase.")
    if not any(term.text for term in terms):
        raise UsageError("Type at least one word to search for.")
    return SearchQuery(
        match=" ".join(_iter_joined([term.expression for term in terms])),
        needles=tuple(_iter_needles(terms)),
        wider=_widen(terms),
    )


def _read_term(match: re.Match[str]) -> _Term:
    if match["near"]:
        return _read_near(match)
    if match["phrase"] is not None:
        phrase = match["phrase"].rstrip()
        prefix = bool(match["phrase_prefix"]) or phrase.endswith("*")
        phrase = phrase.rstrip("*")
        if "*" in phrase:
            raise UsageError("In a phrase a star stands at the end: “legitimate interest*”.")
        return _term(phrase, prefix=prefix, is_phrase=True)
    if match["paren"]:
        return _Term(expression=match["paren"])
    word = match["word"]
    if word in _OPERATORS:
        return _Term(expression=word)
    return _term(word.rstrip("*"), prefix=word.endswith("*"))


def _read_near(match: re.Match[str]) -> _Term:
    words = match["inner"].replace('"', " ").split()
    if len(words) > _MOST_NEAR:
        raise UsageError(f"NEAR takes {_MOST_NEAR} words at the most.")
    inner = " ".join(filter(None, (_term(word, prefix=False).expression for word in words)))
    if not inner:
        return _Term(expression="")
    return _Term(expression=f"NEAR({inner}, {match['distance'] or 10})", text=" ".join(words), prefix=True)


def _term(text: str, *, prefix: bool, is_phrase: bool = False) -> _Term:
    tokens, is_beginning = prepare_phrase(text)
    if not any(any(map(str.isalnum, token)) for token in tokens):
        return _Term(expression="")
    star = "*" if prefix or is_beginning else ""
    return _Term(expression=f'"{" ".join(tokens)}"{star}', text=text, prefix=prefix, is_phrase=is_phrase)


def _iter_needles(terms: list[_Term]) -> Iterator[str]:
    depth_of_not: int | None = None
    depth = 0
    for before, term in zip([None, *terms], terms, strict=False):
        if before is not None and before.expression == "NOT" and depth_of_not is None:
            depth_of_not = depth
        depth += {"(": 1, ")": -1}.get(term.expression, 0)
        if term.text and depth_of_not is None:
            if term.expression.startswith("NEAR("):
                yield from (build_needle(word, prefix=False) for word in term.text.split())
            else:
                yield build_needle(term.text, prefix=term.prefix)
        if depth_of_not is not None and depth <= depth_of_not and term.expression != "NOT":
            depth_of_not = None


def _widen(terms: list[_Term]) -> str | None:
    """Return the search with stars; of scripts without blanks each stretch is found as it is."""
    widened = []
    has_new = False
    for term in terms:
        pieces = list(split_pieces(term.text))
        takes_star = bool(pieces) and not term.prefix and not pieces[-1][1] and len(pieces[-1][0]) > 2
        has_new = has_new or takes_star
        star = "*" if takes_star or (term.prefix and not term.expression.startswith("NEAR(")) else ""
        if term.is_phrase:
            widened.append(f'"{term.text}{star}"')
        else:
            widened.append(f"{term.text}{star}" if term.text and star else term.text or term.expression)
    return " ".join(widened) if has_new else None


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
