"""A page as numbers that mean the same in every language."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from policy_archive.crawler.core.cache import remembered
from policy_archive.crawler.core.records import Kind
from policy_archive.crawler.discovery.words import fold, group_of, match_name
from policy_archive.pipelines.judging.lexicon import Lexicon, lexical_length, load_lexicon
from policy_archive.pipelines.judging.vocabulary import Vocabulary
from policy_archive.pipelines.text import drop_links, iter_headings, link_labels, strip_links

WORDS = "words:"
"""Beginning of the features that only pages have whose words are known."""
NOTICES = "page-notices"
NOTICE_REACH = 2_500
"""Characters in which a notice says what it is."""
TEXT_LIMIT = 20_000
"""Characters read: what a page is stands in its first pages."""

_ITEM = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s", re.MULTILINE)
_CLAUSE = re.compile(
    r"^[ \t#*_\\]*(?:\d{1,2}(?:\.\d{1,2})*[.)]?|[IVX]+\.|\([a-z]\)|§+"
    r"|第[一二三四五六七八九十\d]+[条條]|제\d+조)\s?\S",
    re.MULTILINE,
)
_STOP = re.compile(r"[.!?؟।:;](?=\s)|[。！？；|\n]")
"""Where a sentence may end; a bar parts cells and the entries of menus."""
_SENTENCE_WORDS = 6
"""Words of a sentence; what is shorter is an entry of a menu, a heading, a button, a name."""
_MOST_CAPITALS = 0.6
"""Share of a sentence's words with a capital and small letters; German has a third, a row of labels all."""
_LABEL = re.compile(r"[A-Z](?<!\S[A-Z])[a-z]")
"""A word that begins so, in ASCII."""
_PASSAGE_WORDS = 60
"""Words of a passage: a few sentences."""
SUBJECTS = {
    "privacy": ("privacy", "personal", "collect", "share", "rights", "keep", "children"),
    "terms": ("terms", "liability", "law", "agree", "licence", "account"),
    "cookies": ("cookie", "tracker"),
    "other": (
        "prohibited",
        "conduct",
        "infringement",
        "processor",
        "imprint",
        "security",
        "authority",
        "community",
    ),
}
"""The concepts that the kinds of policies are about; the others stand in every text of a site."""
MANNERS = frozenset({"itself", "elsewhere", "howto", "form", "offer"})
"""Concepts of how a page speaks, not of what: in a long policy a few of each stand, too."""
_SHORT_WORDS = 300
"""Words of a page whose manner counts half as much as that of one with hardly any."""
_PARTIES = frozenset({"we", "you", "agree", "itself"})
"""Concepts of who promises what to whom: a sentence of a policy binds somebody, one of a story tells."""
_OF_POLICIES = frozenset(concept for concepts in SUBJECTS.values() for concept in concepts)
_YEAR = re.compile(r"(?:19|20)\d\d")
_HEADINGS_AS_LABEL = 2
_MENUS_REST = 0.3
"""Characters outside of links, as a share of those within, up to which a line is a menu's."""
_SMOOTHING_WORDS = 60
"""Words without a hit added to every text: in a sentence or two one hit says little."""
_LABEL_REACH = 1_500
"""Characters in which the headings stand that say what the whole page is."""
_LABEL_LENGTH = 100
_LABEL_PARTS = re.compile(
    r"\n|\s[-\u2013\u2014|:\u00b7\u2022\u00bb\u00ab/]+\s|[|\u2013\u2014\u00bb\u00ab\uff5c]"
)


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
    headings = [heading.text for heading in iter_headings(page.text[:_LABEL_REACH])]
    first_line = page.text.lstrip().partition("\n")[0]
    if len(first_line) <= _LABEL_LENGTH:
        headings.insert(0, first_line)
    return "\n".join([page.title, *headings[:_HEADINGS_AS_LABEL]])


def iter_sections(text: str) -> Iterator[tuple[str, str]]:
    """Yield (heading, text below it up to the next heading of its level or above) of a Markdown text."""
    found = list(iter_headings(text))
    for place, heading in enumerate(found):
        ends = (other.start for other in found[place + 1 :] if other.level <= heading.level)
        yield heading.text, text[heading.end : next(ends, len(text))]


def named_kinds(page: Page) -> dict[Kind, float]:
    """Return the kinds of policies that a page calls itself, with how surely it does (0 to 1).

    Titles bear a site's name or a slogan beside the page's own, parted by a dash or a bar.
    """
    named: dict[Kind, float] = {}
    for part in _LABEL_PARTS.split(label_of(page)):
        for match in match_name(fold(part)):
            named[match.kind] = max(match.strength, named.get(match.kind, 0.0))
    return named


def label_group(page: Page) -> str:
    """Return what a policy of kind `other` is by its title and first headings (`imprint`), or ''."""
    return next(filter(None, (group_of(fold(part)) for part in _LABEL_PARTS.split(label_of(page)))), "")


def other_group(page: Page) -> str:
    """Return what a policy of kind `other` is by its label or address (`imprint`), or ''."""
    return label_group(page) or group_of(fold(address_words(page.url)))


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


@remembered(4)
def prose_of(text: str) -> str:
    """Return the beginning of a Markdown text without link targets and without lines that are but links.

    Menus name every policy of a site, on each of its pages.
    """
    lines = text[: TEXT_LIMIT + TEXT_LIMIT // 2].split("\n")
    prose = [line if "](" not in line else strip_links(line) for line in lines if not _is_menu(line)]
    return "\n".join(prose)[:TEXT_LIMIT]


def _is_menu(line: str) -> bool:
    if "](" not in line:
        return False
    linked = sum(map(len, link_labels(line)))
    rest = drop_links(line).strip(" -*+|\t·•©.,0123456789")
    return len(rest) <= linked * _MENUS_REST


@dataclass(frozen=True, slots=True)
class Piece:
    """A sentence, or what stands between sentences: an entry, a heading, a cell."""

    words: float
    hits: Mapping[str, int]
    """Of each concept that has any."""
    is_sentence: bool


def linked_share(text: str) -> float:
    """Return the share of a Markdown text's beginning that stands in links."""
    return _linked_share(text[:TEXT_LIMIT])


@remembered(4)
def _linked_share(beginning: str) -> float:
    linked = sum(map(len, link_labels(beginning)))
    return min(linked / max(len(strip_links(beginning)), 1), 1.0)


def count_pieces(text: str, lexicon: Lexicon) -> list[Piece]:
    """Return the pieces that a Markdown text is made of, with each concept's hits in them."""
    pieces = []
    for piece in _STOP.split(prose_of(text)):
        words = lexical_length(piece)
        if words:
            pieces.append(Piece(words, lexicon.hits_in(piece), _is_sentence(piece, words)))
    return pieces


def _is_sentence(piece: str, words: float) -> bool:
    if words < _SENTENCE_WORDS:
        return False
    if piece.isascii():
        labels = len(_LABEL.findall(piece))
    else:
        labels = sum(word[0].isupper() and word[1:2].islower() for word in piece.split())
    return labels <= words * _MOST_CAPITALS


def measure(page: Page, lexicon: Lexicon, vocabulary: Vocabulary) -> dict[str, float]:
    """Return the page's features by name; a feature that is 0 may be absent."""
    return describe(page, count_pieces(page.text, lexicon), lexicon, vocabulary)


def score_notices(page: Page) -> Mapping[str, float]:
    """Return how often a page uses the wordings of each class of notices; its title counts double."""
    return _score_notices(page.text, page.title)


@remembered(4)
def _score_notices(text: str, title: str) -> Mapping[str, float]:
    lexicon = load_lexicon(NOTICES)
    in_title = lexicon.count(title)
    in_text = lexicon.count(prose_of(text)[:NOTICE_REACH])
    return {name: 2.0 * in_title[name] + in_text[name] for name in in_title | in_text}


def describe(
    page: Page, pieces: Sequence[Piece], lexicon: Lexicon, vocabulary: Vocabulary
) -> dict[str, float]:
    """Return the features of a page that is made of such pieces."""
    prose = prose_of(page.text)
    words = lexical_length(prose)
    hits: Counter[str] = Counter()
    for piece in pieces:
        hits.update(piece.hits)
    features = dict(_iter_shape(page.text[:TEXT_LIMIT], prose, words))
    # in one order in every process: a sum of weights is another in the last digit where the order is
    manners = {concept: hits.pop(concept, 0) for concept in sorted(MANNERS)}
    features.update(_iter_body(hits, words + _SMOOTHING_WORDS, len(lexicon.concepts) - len(MANNERS)))
    features.update(_iter_subjects(hits, words + _SMOOTHING_WORDS))
    features.update(_iter_spread(pieces))
    features.update(_iter_prose(pieces))
    features.update(_iter_manners({**manners, **score_notices(page)}, words))
    features.update((f"{WORDS}{name}", score) for name, score in vocabulary.score(prose).items())
    features.update((f"label:{concept}", 1.0) for concept in lexicon.count(label_of(page)))
    features.update((f"named:{kind}", strength) for kind, strength in named_kinds(page).items())
    return features


def _iter_body(hits: Counter[str], words: float, concepts: int) -> Iterator[tuple[str, float]]:
    """How thick each concept lies, and its share of all: the share does not depend on a language's list."""
    total = max(1, sum(hits.values()))
    yield "breadth", len(hits) / concepts
    yield "thickness", math.log1p(1000 * total / words)
    for concept, count in hits.items():
        yield f"rate:{concept}", math.log1p(1000 * count / words)
        yield f"share:{concept}", math.sqrt(count / total)


def _iter_subjects(hits: Counter[str], words: float) -> Iterator[tuple[str, float]]:
    """How thick the concepts of each kind of policy lie together, and against the news'."""
    rates = []
    for subject, concepts in SUBJECTS.items():
        rates.append(math.log1p(1000 * sum(hits[concept] for concept in concepts) / words))
        yield f"subject:{subject}", rates[-1]
        yield f"facets:{subject}", sum(concept in hits for concept in concepts) / len(concepts)
    yield "subject", max(rates)
    of_policies = sum(hits[concept] for concept in _OF_POLICIES)
    yield "of-policies", of_policies / max(1, sum(hits.values()))
    yield "of-news", math.log((hits["report"] + hits["article"] + 0.5) / (of_policies + 0.5))


def _iter_spread(pieces: Sequence[Piece]) -> Iterator[tuple[str, float]]:
    """In what share of its passages a page speaks of a policy's matters: an article does so in places.

    Of few passages little is known: the share is drawn to nothing.
    """
    passages: list[set[str]] = []
    words = float(_PASSAGE_WORDS)
    for piece in pieces:
        if words >= _PASSAGE_WORDS:
            passages.append(set())
            words = 0.0
        words += piece.words
        passages[-1].update(piece.hits)
    distinct = [len(passage & _OF_POLICIES) for passage in passages]
    for least in (1, 2, 4):
        yield f"spread:{least}", sum(count >= least for count in distinct) / (len(distinct) + 1)


def _iter_prose(pieces: Sequence[Piece]) -> Iterator[tuple[str, float]]:
    """What share of all words stands in sentences, in such of a policy's matters, in such that bind somebody.

    The names of policies below every page of a site, and a sentence on cookies, come to nothing beside
    a page's own text; a policy's own sentences are of its matters, one after the other.
    """
    sentences = [(piece, len(_OF_POLICIES.intersection(piece.hits))) for piece in pieces if piece.is_sentence]
    own = sum(piece.words for piece, _ in sentences) + _SMOOTHING_WORDS
    words = sum(piece.words for piece in pieces) + _SMOOTHING_WORDS
    yield "prose", (own - _SMOOTHING_WORDS) / words
    for least in (1, 2, 3):
        held = sum(piece.words for piece, count in sentences if count >= least)
        yield f"prose:{least}", held / words
        yield f"sentences:{least}", held / own
    for least in (1, 2):
        bound = (piece for piece, count in sentences if count >= least and _PARTIES.intersection(piece.hits))
        held = sum(piece.words for piece in bound)
        yield f"bound:{least}", held / words
        yield f"bound-amount:{least}", math.log1p(held) / 8
    run = _longest_run(sentences)
    yield "run", math.log1p(run) / 8
    yield "run-share", run / words
    loose = sum(len(_OF_POLICIES.intersection(piece.hits)) for piece in pieces if not piece.is_sentence)
    yield "loose", math.log1p(1000 * loose / words)


def _longest_run(sentences: Sequence[tuple[Piece, int]]) -> float:
    """Return the words of the longest row of sentences of a policy's matters, single others between them."""
    longest = run = 0.0
    misses = 0
    for sentence, count in sentences:
        misses = 0 if count else misses + 1
        run = run + sentence.words if misses < 2 else 0.0
        longest = max(longest, run)
    return longest


def _iter_manners(scores: Mapping[str, float], words: float) -> Iterator[tuple[str, float]]:
    """How thick manners and the wordings of errors, walls, parked domains lie, the less the longer a page."""
    shortness = 1.0 / (1.0 + words / _SHORT_WORDS)
    for name, score in scores.items():
        yield f"manner:{name}", shortness * math.log1p(1000 * score / (words + _SMOOTHING_WORDS))


def _iter_shape(text: str, prose: str, words: float) -> Iterator[tuple[str, float]]:
    yield "length", math.log(max(words, 1.0)) / 10
    yield "linked", linked_share(text)
    words += _SMOOTHING_WORDS
    yield "headings", math.log1p(1000 * len(list(iter_headings(text))) / words)
    yield "items", math.log1p(1000 * len(_ITEM.findall(text)) / words)
    yield "clauses", math.log1p(1000 * len(_CLAUSE.findall(prose)) / words)
    yield "years", math.log1p(1000 * len(_YEAR.findall(prose)) / words)
    yield "questions", math.log1p(1000 * sum(map(prose.count, "?？؟")) / words)
    yield "exclamations", math.log1p(1000 * sum(map(prose.count, "!！")) / words)
