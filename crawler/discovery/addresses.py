"""What an address says of the page behind it: which policy, whose variant, how surely."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import pairwise
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urldefrag, urlsplit

from policy_archive.crawler.core.cache import SHORT, remembered
from policy_archive.crawler.core.records import POLICY_KINDS, Kind
from policy_archive.crawler.core.urls import UriR, parse_page, registrable_domain
from policy_archive.crawler.discovery.words import (
    GERMAN,
    find_qualifiers,
    fold,
    glue,
    group_of,
    is_no_policy,
    leftover_words,
    match_name,
)
from policy_archive.data import read_words

_CAMEL = re.compile("(?<=[a-z])(?=[A-Z])")
_CODE = re.compile("([a-z]{2,3})(?:[-_]([a-z]{2,5}|419))?")
_YEAR = re.compile("(19|20)[0-9]{2}")
_DATED = re.compile("(19|20)[0-9]{2}( ?[0-9]{2}){0,2}|v[0-9]+")
"""A leaf that is a date or a number of versions: an earlier version of what stands above it."""
_DATED_FOLDERS = re.compile(r"/(19|20)[0-9]{2}/(0?[1-9]|1[0-2])/")
"""Folders of a year and a month: articles and posts."""
_PART = re.compile(r"[\w.:-]{1,80}")
_SURE_NAME = 0.8
"""Strength of a name from which a fragment is a document's."""
_INDEX_PAGES = frozenset({"index", "default", "home", "main", "start", "welcome"})
_DOUBLES = frozenset({"print", "printable", "amp", "pdf"})  # the same page in another dress


@dataclass(frozen=True, kw_only=True)
class AddressHint:
    """An address hint: what an address promises."""

    kind: Kind
    exactness: float
    """0 to 1: 1 an address that is nothing but the policy's name (`/privacy`)."""
    names: tuple[str, ...] = ()
    """What tells it from the site's main document, without languages (`children`); () for a main one."""
    variant: str = ""
    """Language or region that the address names (`de`, `en-gb`)."""
    languages: tuple[str, ...] = ()
    """Of the policy's name in the address."""
    clean: bool = True
    """False when parameters, print or AMP forms make it a double of another address."""


@remembered(5_000, longest=SHORT)
def read_address(url: str) -> AddressHint | None:
    """Return what an address promises, None when it promises no policy.

    >>> reading = read_address("https://example.com/en-gb/legal/privacy-policy.html?utm_source=x")
    >>> reading.kind.value, reading.exactness > 0.8, reading.variant, reading.clean
    ('privacy', True, 'en-gb', False)
    >>> read_address("https://example.com/css/privacy.css") is None
    True
    """
    try:
        parts = urlsplit(url)
        segments = _segments(parts)
    except ValueError:
        return None
    if not segments:
        return _read_bare_host(parts)
    if _ending(parts.path) in _words("ignore", "endings"):
        return None
    path = _Path(segments=segments, site=_site_label(parts.hostname or ""))
    best = max(path.readings(), key=lambda reading: reading.exactness, default=None)
    return None if best is None else _place(best, parts, path)


def parse_part(text: str) -> UriR:
    """Return the address of a page that a user pasted, its fragment kept where that names a document.

    `/legal#terms` is one of the documents on a page; `/privacy#section-3` is where somebody stopped reading.
    Raises UsageError as `parse_page` does.

    >>> parse_part("x.org/legal#terms-of-use"), parse_part("x.org/privacy#section-3")
    ('https://x.org/legal#terms-of-use', 'https://x.org/privacy')
    """
    page = parse_page(text)
    return UriR(f"{page}#{urldefrag(text)[1]}") if read_fragment(text) else page


def read_fragment(url: str) -> Kind | None:
    """Return the kind of document that an address's fragment names; None when it names none."""
    fragment = urldefrag(url)[1]
    if not _PART.fullmatch(fragment):
        return None
    words = fold(" ".join(re.split(r"[-_.:]+", _CAMEL.sub(" ", fragment))))
    named = [match for match in match_name(words) if match.strength >= _SURE_NAME]
    return named[0].kind if named else None


@cache
def _words(section: str, key: str) -> frozenset[str]:
    return frozenset(read_words("policy-addresses")[section][key])


def _read_bare_host(parts: SplitResult) -> AddressHint | None:
    """Return what the root of a host says: `privacy.example.com` is there for one thing."""
    label = (parts.hostname or "").partition(".")[0]
    kind = _exact().get(label) if label in read_words("policy-addresses")["index"]["hosts"] else None
    if kind is None or registrable_domain(parts.hostname or "").startswith(f"{label}."):
        return None
    path = _Path(segments=(label,), site=_site_label(parts.hostname or ""))
    return _place(AddressHint(kind=kind, exactness=0.8), parts, path)


@remembered(5_000, longest=SHORT)
def is_among_lists(url: str) -> bool:
    """Return whether an address is one of a list by a word (`/tag/privacy`), or of food (`/recipes/x`)."""
    segments = {segment.lower() for segment in urlsplit(url).path.split("/")[:-1]}
    return not segments.isdisjoint(_words("ignore", "lists"))


@remembered(5_000, longest=SHORT)
def is_below_subjects(url: str) -> bool:
    """Return whether an address is one of a list by subjects or of a trade's (`/topics/x`)."""
    parts = urlsplit(url)
    segments = {segment.lower() for segment in parts.path.split("/")[:-1]}
    if not segments.isdisjoint(_words("ignore", "subjects")):
        return True
    names = (name.lower() for name, _ in parse_qsl(parts.query, keep_blank_values=True))
    return any(name.removesuffix("id").rstrip("_-") in _words("ignore", "subjects") for name in names)


@remembered(5_000, longest=SHORT)
def is_among_articles(url: str) -> bool:
    """Return whether an address is one of an article, a post or a song, not of the site's own pages.

    >>> is_among_articles("https://x.org/news/privacy"), is_among_articles("https://x.org/2015/06/terms")
    (True, True)
    >>> is_among_articles("https://x.org/legal/privacy")
    False
    """
    path = urlsplit(url).path
    segments = [segment.lower() for segment in path.split("/")]
    if not _words("ignore", "articles").isdisjoint(segments[:-1]) or bool(_DATED_FOLDERS.search(path)):
        return True
    return segments[-1].partition(".")[0] in _words("ignore", "threads")


def has_page_ending(url: str) -> bool:
    """Return whether an address may be a page's by its ending: `/x`, `/x.html`, not `/x.css`."""
    return _ending(url.partition("?")[0]) not in _words("ignore", "endings")


def is_about_food(url: str) -> bool:
    """Return whether an address stands in a folder of recipes or sweets: its cookies are baked."""
    segments = {
        word for segment in urlsplit(url).path.split("/")[:-1] for word in read_segment(segment).split()
    }
    return not segments.isdisjoint(_words("ignore", "food"))


@cache
def _codes(key: str) -> frozenset[str]:
    return frozenset(read_words("languages")[key])


def _segments(parts: SplitResult) -> tuple[str, ...]:
    """Return the words of the path's segments, and of parameters that name a page."""
    raw = [unquote(segment.partition(";")[0]) for segment in parts.path.split("/")]
    raw += [
        unquote(value)
        for name, value in (parse_qsl(parts.query) if parts.query else ())
        if name.lower() in _words("ignore", "page_parameters") and not value.isdigit()
        for value in value.split("/")
    ]
    return tuple(segment for segment in raw if segment.strip())


def _ending(path: str) -> str:
    last = path.rstrip("/").rpartition("/")[2].partition(";")[0]
    return last.rpartition(".")[2].lower() if "." in last else ""


@remembered(2_000, longest=SHORT)
def _site_label(host: str) -> str:
    return registrable_domain(host).partition(".")[0] if host else ""


@remembered(20_000, longest=SHORT)
def read_segment(segment: str) -> str:
    """Return the folded words of one segment of a path, file ending gone.

    >>> read_segment("userPrivacy"), read_segment("Privacy_Policy.aspx")
    ('user privacy', 'privacy policy')
    """
    stem = re.sub(r"\.[A-Za-z]{2,5}[0-9]?$", "", segment)
    return fold(_CAMEL.sub(" ", stem.translate(GERMAN)).replace("+", " "))


@cache
def _exact() -> dict[str, Kind]:
    """Return glued names → kind: the lists of addresses, and all names of labels."""
    found = {
        glue(fold(name)): Kind(kind)
        for kind, names in read_words("policy-addresses")["exact"].items()
        for name in names
    }
    names: dict[str, Any] = dict(read_words("policy-names"))
    for kind in POLICY_KINDS:
        for entry in names[kind].values():
            for phrase in entry["strong"]:
                found.setdefault(glue(fold(phrase)), kind)
                found.setdefault(glue(fold(phrase.translate(GERMAN))), kind)
    return found


@cache
def _stems() -> tuple[tuple[str, Kind], ...]:
    stems = read_words("policy-addresses")["stems"]
    return tuple((glue(fold(stem)), kind) for kind in POLICY_KINDS for stem in stems[kind])


@cache
def _any_stem() -> re.Pattern[str]:
    """Return what finds whether a stem stands in glued words; one that holds another needs no look."""
    stems = [stem for stem, _ in _stems()]
    shortest = [stem for stem in stems if not any(other in stem and other != stem for other in stems)]
    return re.compile("|".join(map(re.escape, shortest)))


@remembered(20_000, longest=SHORT)
def _promises(words: str) -> bool:
    """Return whether folded words of an address say anything of a policy, whosever address it is."""
    glued = glue(words)
    return glued in _exact() or bool(match_name(words)) or _any_stem().search(glued) is not None


@dataclass(frozen=True)
class _Path:
    """An address's path, read from its end."""

    segments: tuple[str, ...]
    site: str

    def own_words(self, words: str) -> frozenset[str]:
        """Return those of the folded words that are parts of the site's own name."""
        parts = self.site.split("-")
        return frozenset(w for w in words.split() if w in parts or (len(w) >= 3 and w in self.site))

    @property
    def codes(self) -> tuple[str, ...]:
        """Languages and regions that stand as segments of their own."""
        return tuple(filter(None, map(parse_code, self.segments)))

    @cached_property
    def _named(self) -> tuple[str, ...]:
        """Segments that are neither codes nor names of index pages, folded, the last one last."""
        folded = (read_segment(s) for s in self.segments if not parse_code(s))
        return tuple(words for words in folded if words and words not in _INDEX_PAGES | _DOUBLES)

    @property
    def parents(self) -> tuple[str, ...]:
        return self._named[:-1]

    def readings(self) -> Iterator[AddressHint]:
        """Yield what the last segment says, the last two together, and the ones above."""
        named = self._named
        if not named:
            return
        if _promises(named[-1]):
            yield from self._read(named[-1])
        if len(named) >= 2:
            yield from self._read_exact(f"{named[-2]} {named[-1]}", 1.0)
            yield from self._read_child(named)

    def _read(self, words: str) -> Iterator[AddressHint]:
        yield from self._read_exact(words, 1.0)
        yield from self._read_phrase(words)
        yield from self._read_stem(words)

    def _read_exact(self, words: str, exactness: float) -> Iterator[AddressHint]:
        kind = _exact().get(glue(words))
        if kind:
            languages = (match.languages for match in match_name(words) if match.kind is kind)
            yield replace(self._reading(kind, exactness, words, ()), languages=next(languages, ()))

    def _read_phrase(self, words: str) -> Iterator[AddressHint]:
        for match in match_name(words, known=self.own_words(words)):
            leftover = tuple(w for w in match.leftover if w not in _words("ignore", "words"))
            refused = len(leftover) < len(match.leftover) or is_no_policy(words)
            exactness = 0.2 if refused else _phrase_exactness(match.phrase, leftover)
            reading = self._reading(match.kind, exactness, words, leftover)
            yield replace(reading, languages=match.languages)

    def _read_stem(self, words: str) -> Iterator[AddressHint]:
        glued = glue(words)
        refused = bool(_words("ignore", "words") & set(words.split())) or is_no_policy(words)
        for stem, kind in _stems():
            if stem in glued:
                rest = leftover_words(words, self._accounted(words, stem))
                exactness = 0.2 if refused else 0.6 if len(rest) <= 1 else 0.4 if len(rest) <= 3 else 0.25
                yield self._reading(kind, exactness, words, rest)
                return

    def _accounted(self, words: str, stem: str) -> frozenset[str]:
        return self.own_words(words) | {word for word in words.split() if stem in word or word in stem}

    def _read_child(self, named: tuple[str, ...]) -> Iterator[AddressHint]:
        """Yield what the parents promise: `/user/agreement/x`, `/privacy/x`."""
        parents = named[:-1]
        joined = [f"{one} {other}" for one, other in pairwise(parents)]
        for words in (*joined[::-1], *parents[::-1]):
            kind = _exact().get(glue(words))
            if kind:
                yield self._read_leaf(kind, named[-1])
                return

    def _read_leaf(self, kind: Kind, leaf: str) -> AddressHint:
        """Return what a page below a policy's address is: for children, an earlier version, or anything."""
        if _DATED.fullmatch(leaf):
            return replace(self._reading(kind, 0.7, leaf, ()), names=("previous",))
        if find_qualifiers(leaf)[0] and not leftover_words(leaf, ()):
            return self._reading(kind, 0.9, leaf, ())
        refused = bool(_words("ignore", "words") & set(leaf.split()))
        return self._reading(kind, 0.2 if refused else 0.4, leaf, (leaf,))

    def _reading(self, kind: Kind, exactness: float, words: str, unknown: Iterable[str]) -> AddressHint:
        names, _ = find_qualifiers(words)
        if kind is Kind.OTHER:
            group = group_of(words)
            return AddressHint(kind=kind, exactness=exactness, names=(group or words.replace(" ", "-"),))
        rest = ("-".join(word.split()) for word in unknown)
        return AddressHint(kind=kind, exactness=exactness, names=(*names, *rest))


def _phrase_exactness(phrase: str, leftover: tuple[str, ...]) -> float:
    if not leftover:
        return 0.95
    if len(leftover) <= 2:
        return 0.7 if " " in phrase else 0.6
    return 0.55 if " " in phrase and len(leftover) == 3 else 0.3


def _place(reading: AddressHint, parts: SplitResult, path: _Path) -> AddressHint:
    """Return the reading with what host, parents and parameters add to it or take away."""
    host_names, host_code, host_factor = _read_host(parts.hostname or "")
    query_code, clean = _read_query(parts.query)
    clean = clean and ";" not in parts.path
    factor = host_factor * _parents_factor(path)
    parent_names = (name for parent in path.parents for name in find_qualifiers(parent)[0])
    names = dict.fromkeys((*host_names, *parent_names, *reading.names))
    exactness = round(reading.exactness * factor * (1.0 if clean else 0.85), 3)
    codes = (*filter(None, (host_code, query_code)), *path.codes)
    printed = "print" in names or not _DOUBLES.isdisjoint(map(read_segment, path.segments))
    return AddressHint(
        kind=reading.kind,
        exactness=exactness,
        names=tuple(name for name in names if name != "print"),
        variant="-".join(dict.fromkeys(codes)),
        languages=reading.languages,
        clean=clean and not printed,
    )


def _parents_factor(path: _Path) -> float:
    """Return what the folders above are worth: articles and machinery hold no policies."""
    raw = {segment.lower() for segment in path.segments[:-1]}
    factor = 0.2 if raw & _words("ignore", "segments") else 1.0
    if raw & _words("ignore", "doubtful"):
        factor *= 0.6
    if any(_YEAR.fullmatch(segment) for segment in raw):
        factor *= 0.5
    known = sum(glue(p) in _exact() or p in _words("hosts", "same") for p in path.parents)
    unknown = len(path.parents) - known
    return float(factor * 0.95 ** min(unknown, 5))


@remembered(2_000, longest=SHORT)
def _read_host(host: str) -> tuple[tuple[str, ...], str, float]:
    """Return (names, language code, factor) of the labels before the registered domain."""
    before = host.removesuffix(registrable_domain(host)).strip(".")
    label = before.split(".")[-1] if before else ""
    if label in _words("hosts", "same") and before.count(".") == 0:
        return (), "", 1.0
    if set(before.split(".")) & _words("hosts", "test"):
        return (fold(before).replace(" ", "-"),), "", 0.3
    code = parse_code(label)
    if code:
        return (), code, 0.95
    rest = [part for part in before.split(".") if part not in _words("hosts", "same")]
    names, _ = find_qualifiers(fold(" ".join(rest)))
    own = (fold("-".join(rest)).replace(" ", "-"),) if rest and not names else ()
    return names or own, "", 0.85 if rest else 1.0


def _read_query(query: str) -> tuple[str, bool]:
    """Return (language code, whether the parameters are part of the page's name)."""
    code, clean = "", True
    for name, value in parse_qsl(query, keep_blank_values=True):
        lower = name.lower()
        if lower in _words("ignore", "language_parameters"):
            code = parse_code(value) or code
        elif lower not in _words("ignore", "page_parameters") or value.isdigit():
            clean = False
    return code, clean


@remembered(5_000, longest=SHORT)
def parse_code(segment: str) -> str:
    """Return the language or region that a segment is, as `de` or `en-gb`; '' when it is none.

    >>> parse_code("en_GB"), parse_code("deutsch"), parse_code("tos")
    ('en-gb', 'de', '')
    """
    lower = segment.lower()
    named = read_words("languages")["names"]
    if lower in named and len(lower) > 2:
        return str(named[lower])
    match = _CODE.fullmatch(lower)
    if not match:
        return ""
    first, second = match.groups()
    if second is None:
        return first if first in _codes("languages") | _codes("regions") else ""
    known = first in _codes("languages") | _codes("regions")
    tail = second in _codes("regions") | _codes("languages")
    return f"{first}-{second}" if known and tail else ""


def language_of_site(site: str) -> str:
    """Return the language that a site's top-level domain promises; English where it promises none.

    >>> language_of_site("beispiel.at"), language_of_site("shop.co.uk"), language_of_site("example.com")
    ('de', 'en', 'en')
    """
    domain = site.rpartition(".")[2]
    own = domain if domain in _codes("languages") else "en"
    return str(read_words("languages")["domains"].get(domain, own))


def language_of(variant: str) -> str:
    """Return the language that a variant begins with, '' when it names a region alone.

    >>> language_of("en-gb"), language_of("latam")
    ('en', '')
    """
    first = variant.partition("-")[0]
    return first if first in _codes("languages") else ""
