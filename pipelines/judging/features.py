"""A page as numbers that mean the same in every language."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from pipelines.judging.lexicon import Lexicon, count_words

TEXT_LIMIT = 20_000
"""Characters read: what a page is stands in its first pages."""

_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_HEADING = re.compile(r"^(?:#{1,6}[ \t]+(\S.*)|(\S.*)\n(?:={3,}|-{3,})[ \t]*)$", re.MULTILINE)
_ITEM = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s", re.MULTILINE)
_CLAUSE = re.compile(
    r"^[ \t#*_\\]*(?:\d{1,2}(?:\.\d{1,2})*[.)]?|[IVX]+\.|\([a-z]\)|§+"
    r"|第[一二三四五六七八九十\d]+[条條]|제\d+조)\s?\S",
    re.MULTILINE,
)
_YEAR = re.compile(r"(?:19|20)\d\d")
_HEADINGS_AS_LABEL = 2
_LABEL_REACH = 1_500
"""Characters in which the headings stand that say what the whole page is."""
_LABEL_LENGTH = 100


@dataclass(frozen=True, kw_only=True)
class Page:
    """What there is to judge a page by."""

    title: str
    text: str
    """Markdown."""
    url: str


def label_of(page: Page) -> str:
    """Return what a page calls itself: its title and first headings.

    Its address is told apart: a soft 404 stands at the address of a policy, too.
    """
    headings = [match[1] or match[2] for match in _HEADING.finditer(page.text[:_LABEL_REACH])]
    first_line = page.text.lstrip().partition("\n")[0]
    if len(first_line) <= _LABEL_LENGTH:
        headings.insert(0, first_line)
    return "\n".join([page.title, *headings[:_HEADINGS_AS_LABEL]])


def address_words(url: str) -> str:
    """Return the words of an address's path and query.

    >>> address_words("https://x.org/legal/privacy-policy.html?page=cookieNotice")
    'legal privacy policy html page cookie Notice'
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    words = re.sub(r"[\W_]+", " ", unquote(f"{parts.path} {parts.query}"))
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", words).strip()


def prose_of(text: str) -> str:
    """Return the beginning of a Markdown text without its link targets."""
    return _LINK.sub(r"\1", text[: TEXT_LIMIT + TEXT_LIMIT // 2])[:TEXT_LIMIT]


def measure(page: Page, lexicon: Lexicon) -> dict[str, float]:
    """Return the page's features by name; a feature that is 0 may be absent."""
    return describe(page, lexicon.count(prose_of(page.text)), lexicon)


def describe(page: Page, hits: Counter[str], lexicon: Lexicon) -> dict[str, float]:
    """Return the features of a page in whose prose each concept was hit so often."""
    prose = prose_of(page.text)
    words = max(count_words(prose), 1.0)
    features = dict(_iter_shape(page.text[:TEXT_LIMIT], prose, words))
    features.update(_iter_body(hits, words, len(lexicon.concepts)))
    features.update((f"label:{concept}", 1.0) for concept in lexicon.count(label_of(page)))
    features.update((f"address:{concept}", 1.0) for concept in lexicon.count(address_words(page.url)))
    return features


def _iter_body(hits: Counter[str], words: float, concepts: int) -> Iterator[tuple[str, float]]:
    """How thick each concept lies, and its share of all: the share does not depend on a language's list."""
    total = sum(hits.values())
    yield "breadth", len(hits) / concepts
    yield "thickness", math.log1p(1000 * total / words)
    for concept, count in hits.items():
        yield f"rate:{concept}", math.log1p(1000 * count / words)
        yield f"share:{concept}", math.sqrt(count / total)


def _iter_shape(text: str, prose: str, words: float) -> Iterator[tuple[str, float]]:
    linked = sum(len(anchor) for anchor in _LINK.findall(text))
    yield "length", math.log(words) / 10
    yield "linked", min(linked / max(len(prose), 1), 1.0)
    yield "headings", math.log1p(1000 * len(_HEADING.findall(text)) / words)
    yield "items", math.log1p(1000 * len(_ITEM.findall(text)) / words)
    yield "clauses", math.log1p(1000 * len(_CLAUSE.findall(prose)) / words)
    yield "years", math.log1p(1000 * len(_YEAR.findall(prose)) / words)
    yield "questions", math.log1p(1000 * sum(map(prose.count, "?？؟")) / words)
    yield "exclamations", math.log1p(1000 * sum(map(prose.count, "!！")) / words)
