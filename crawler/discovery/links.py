"""The links of a page that promise policies: anchors, areas, frames, `link rel`, refreshes, scripts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from policy_archive.crawler.core.cache import remembered
from policy_archive.crawler.core.records import Kind, PolicyLink
from policy_archive.crawler.core.urls import registrable_domain
from policy_archive.crawler.discovery.addresses import (
    AddressHint,
    is_about_food,
    is_among_articles,
    is_among_lists,
    is_below_subjects,
    read_address,
)
from policy_archive.crawler.discovery.anchors import (
    LONGEST_KNOWN,
    Anchor,
    base_of,
    elements,
    iter_anchors,
    join,
    place_of,
    writes_markup,
)
from policy_archive.crawler.discovery.scripts import (
    MOST_SCRIPT_LINKS,
    SURE_NAME,
    iter_addresses,
    iter_labelled,
    iter_moves,
)
from policy_archive.crawler.discovery.words import (
    LawMention,
    NameMatch,
    find_laws,
    fold,
    is_generic,
    is_no_policy,
    is_subject,
    kinds_beyond_subjects,
    kinds_of_name,
    match_name,
    names_food,
    speaks_of_cookies,
    unspread,
)

LEAST_CONFIDENCE = 0.5
LONGEST_SHOWN_LABEL = 120  # characters

_STRONG_ADDRESS = 0.8
"""Exactness from which an address needs but a hint of its label: a policy's name, in a folder or two."""
_LONGEST_HINT = 8  # words of a label that an address makes a policy's
_NEIGHBOURS = 4  # anchors before and after: a footer's or a list's
_ADDRESS_AS_LABEL = re.compile(r"(https?://|www\.)\S+$|(mailto:)?[^\s@]+@[^\s@]+\.[^\s@]+$", re.IGNORECASE)
_NAME_ALONE = 0.95
"""Strength of a label that is nothing but a policy's name."""
_QUESTION = re.compile("[?\uff1f\u061f]")
_CLAUSES = re.compile("[\u3001\u3002\uff0c\uff01]")
"""Commas and stops of Chinese and Japanese: a name has none."""
_REL_KINDS = {
    "privacy-policy": Kind.PRIVACY,
    "privacy": Kind.PRIVACY,
    "terms-of-service": Kind.TERMS,
}
"""`rel` words of the IANA registry that name policies (RFC 6903), and one that sites write instead."""
_ASKED_FOR = frozenset({Kind.PRIVACY, Kind.TERMS})
"""A page whose own links name none of these may have them in its scripts."""


def find_policy_links(tree: Any, *, url: str, seen: object = None) -> tuple[PolicyLink, ...]:
    """Return the links of a page that promise policies, surest first, one for each target and kind.

    `tree` is an lxml tree, `url` the page's URI-R. Frames of a frameset, refreshes and scripts'
    moves that promise nothing come as kind `home`: pages to be read for their links in turn. `seen` stands
    for all of the page but its scripts' texts: what two captures have alike is looked for once.
    """
    base = base_of(tree, url)
    find = _known_links if seen is not None and not writes_markup(tree) else _marked_links
    found = [*find(url, seen, base, tree=tree)]
    if _ASKED_FOR.isdisjoint(link.kind for link in found):
        found += [link for anchor in iter_labelled(tree, base) for link in _read_anchor(anchor, url)]
    if not any(link.kind is not Kind.HOME for link in found):
        found += _script_links(tree, base, url)
    if not found:
        found += _script_moves(tree, base, url)
    return _best(found)


def _marked_links(url: str, _: object, base: str, /, *, tree: Any) -> tuple[PolicyLink, ...]:
    """Return the links that stand in a page's markup, in its order."""
    anchors = _with_neighbours(list(iter_anchors(tree, base)))
    found = [link for anchor in anchors for link in _read_anchor(anchor, url)]
    return (*found, *_rel_links(tree, base))


_known_links = remembered(64)(_marked_links)


def _best(links: Iterable[PolicyLink]) -> tuple[PolicyLink, ...]:
    best: dict[tuple[str, Kind], PolicyLink] = {}
    for link in sorted(links, key=lambda link: -link.confidence):
        best.setdefault((link.url, link.kind), link)
    return tuple(best.values())


def _with_neighbours(anchors: list[Anchor]) -> Iterator[Anchor]:
    """Yield the anchors; subjects in a list of such, and cookies, are told what is named beside them."""
    labels = [fold(anchor.labels[0]) if anchor.labels else "" for anchor in anchors]
    for index, anchor in enumerate(anchors):
        if not is_subject(labels[index]):
            yield anchor
            continue
        window = slice(max(0, index - _NEIGHBOURS), index + _NEIGHBOURS + 1)
        others = zip(labels[window], anchors[window], strict=True)
        near = [(label, other) for label, other in others if other.url != anchor.url]
        if is_below_subjects(anchor.url):
            anchor = replace(anchor, among_policies=_is_among_policies(labels[index], near))
        if speaks_of_cookies(labels[index].split()):
            anchor = replace(anchor, among_food=any(names_food(label) for label, _ in near))
        yield anchor


def _is_among_policies(words: str, near: Iterable[tuple[str, Anchor]]) -> bool:
    """Return whether a subject's neighbours are policies, and none of them is the policy of its name."""
    own = {match.kind for match in match_name(words)}
    among = False
    for label, other in near:
        if kinds_of_name(label) & own and (kinds_beyond_subjects(label) or not is_below_subjects(other.url)):
            return False  # a footer names the same policy: this one is a subject
        among = among or bool(kinds_beyond_subjects(label))
    return among


def _read_anchor(anchor: Anchor, url: str) -> Iterator[PolicyLink]:
    """Yield the links that an anchor is: one for each kind that it promises."""
    if _is_same_document(anchor.url, url) or is_among_lists(anchor.url):
        return
    reading = read_address(anchor.url)
    best: dict[Kind, PolicyLink] = {}
    for label in (*anchor.labels, *_telling_pictures(anchor, reading, url)) or ("",):
        for link in _read_label(anchor, label, reading, url):
            if link.confidence > best.get(link.kind, link).confidence or link.kind not in best:
                best[link.kind] = link
    if best:
        yield from best.values()
    elif anchor.place in ("frame", "meta") and same_host(anchor.url, url):
        yield _link(anchor, "", Kind.HOME, LEAST_CONFIDENCE, None)


def _telling_pictures(anchor: Anchor, reading: AddressHint | None, url: str) -> tuple[str, ...]:
    """Return what pictures' file names tell: nothing of a link to elsewhere (a seal, `privacy.gif`)."""
    return anchor.pictures if anchor.pictures and (reading or _same_site(anchor.url, url)) else ()


def _same_site(one: str, other: str) -> bool:
    try:
        return _domain_of(one) == _domain_of(other)
    except ValueError:
        return False


@remembered(8_000, longest=LONGEST_KNOWN)
def _domain_of(url: str) -> str:
    return registrable_domain(urlsplit(url).hostname or "")


def _is_same_document(target: str, url: str) -> bool:
    return _page_of(target) == _page_of(url)


@remembered(8_000, longest=LONGEST_KNOWN)
def _page_of(url: str) -> tuple[str, str, str]:
    """Return host, path and query: what urlkeys compare, without their cost for each of 1,000 links."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").removeprefix("www.")
    except ValueError:
        return "", url, ""
    return host, parts.path.rstrip("/"), parts.query


def same_host(one: str, other: str) -> bool:
    """Return whether two addresses are on one host, www aside."""
    return _page_of(one)[0] == _page_of(other)[0]


def _read_label(anchor: Anchor, label: str, reading: AddressHint | None, url: str) -> Iterator[PolicyLink]:
    is_address = bool(_ADDRESS_AS_LABEL.match(label))
    words = "" if is_address else unspread(fold(label))
    if reading is None and not _names_anything(words):
        return  # four links in five
    own = _same_site(anchor.url, url)
    if is_no_policy(words) or _is_mere_subject(words, anchor):
        return
    if names_food(words) and speaks_of_cookies(words.split()):
        return
    if is_address and not own:
        return  # a source that is cited: a site does not write its own policy's address out
    laws = find_laws(words)
    if laws and laws.alone and not own:
        return  # the law's own text, or somebody's page about it
    matches = _law_matches(laws, reading) if laws else ()
    matches = matches or _match_name(laws.rest if laws else words, _own_words(words, anchor.url))
    if _is_headline(label, matches, anchor.url):
        return
    for match in matches:
        # one word of a long label, or of one that leads to another site, is no hint
        short = len(words.split()) <= _LONGEST_HINT or " " in match.phrase
        hint = match.strength >= LEAST_CONFIDENCE or (own and short)
        confidence = _agree(match.strength, match.kind, reading) if hint else match.strength
        if confidence >= LEAST_CONFIDENCE:
            yield _link(anchor, label, match.kind, confidence, next(iter(match.languages), None))
    if reading and reading.kind not in {match.kind for match in matches}:
        confidence = _address_alone(words, bool(matches), reading, is_part="#" in anchor.url, own=own)
        if confidence >= LEAST_CONFIDENCE:
            yield _link(anchor, label, reading.kind, confidence, next(iter(reading.languages), None))


def _is_mere_subject(words: str, anchor: Anchor) -> bool:
    """Return whether a label of one subject leads to a list of subjects, an article, a trade, or food."""
    if not is_subject(words):
        return False
    if is_about_food(anchor.url) or anchor.among_food or is_among_articles(anchor.url):
        return True
    return is_below_subjects(anchor.url) and not anchor.among_policies


def _is_headline(label: str, matches: tuple[NameMatch, ...], url: str) -> bool:
    """Return whether a label that says more than a policy's name asks something, or leads to an article.

    There somebody's name beside it ("Facebook Terms of Use") tells whom the article is about.
    """
    strength = max((match.strength for match in matches), default=0.0)
    if strength < _NAME_ALONE and (is_among_articles(url) or is_about_food(url)):
        return True
    if strength < SURE_NAME and matches and is_below_subjects(url):
        return True  # what a trade or a template offers
    return strength < SURE_NAME and bool(_QUESTION.search(label) or _CLAUSES.search(label))


def _law_matches(laws: LawMention, reading: AddressHint | None) -> tuple[NameMatch, ...]:
    """Return the policy that a law's name on a site's own page is: `GDPR` less surely than `GDPR notice`."""
    if not laws.alone and not laws.document:
        return ()
    sure = reading is not None and reading.kind is Kind.PRIVACY and reading.exactness >= _STRONG_ADDRESS
    if laws.doubtful and not sure:
        return ()
    strength = 0.8 if laws.document else 0.55
    return (NameMatch(kind=Kind.PRIVACY, languages=laws.languages, phrase=laws.name, strength=strength),)


@remembered(20_000, longest=LONGEST_KNOWN)
def _names_anything(words: str) -> bool:
    """Return whether folded words name a policy or a law, however surely."""
    return bool(_match_name(words, frozenset())) or find_laws(words) is not None


@remembered(8_000, longest=LONGEST_KNOWN)
def _match_name(words: str, known: frozenset[str]) -> tuple[NameMatch, ...]:
    return match_name(words, known=known)


def _own_words(words: str, url: str) -> frozenset[str]:
    host = urlsplit(url).hostname or ""
    parts, glued = set(re.split(r"[.-]", host)), host.replace("-", "")
    return frozenset(w for w in words.split() if w in parts or (len(w) >= 3 and w in glued))


def _agree(strength: float, kind: Kind, reading: AddressHint | None) -> float:
    """Return the confidence of a label together with what the address says."""
    if reading is None:
        return strength
    # a headline and the address made of it say the same thing once
    if reading.kind is kind and reading.exactness >= (0.5 if strength >= 0.5 else _STRONG_ADDRESS):
        return round(1 - (1 - strength) * (1 - 0.6 * reading.exactness), 3)
    if reading.kind is not kind and reading.exactness >= 0.9 and kind is Kind.OTHER:
        return strength * 0.5  # "Legal" that leads to /privacy is the privacy policy
    return strength


def _address_alone(
    words: str, named_otherwise: bool, reading: AddressHint, *, is_part: bool, own: bool
) -> float:
    """Return the confidence of an address whose label does not name its policy.

    A label of another policy leaves little: "Legal" may lead to /terms, "Terms" hardly to /privacy; and
    nothing where it leads to a part of the page, of which the page's address says nothing.
    """
    if not words or is_generic(words):
        return reading.exactness * 0.7
    if not named_otherwise and (is_part or not own):
        return 0.0  # an entry of a glossary; somebody else's page under a name that says nothing of policies
    if named_otherwise:
        says_more = reading.exactness >= 0.95 and reading.kind is not Kind.OTHER and not is_part
        return reading.exactness * 0.55 if says_more else 0.0
    return reading.exactness * 0.55 if len(words.split()) <= 4 else 0.0


def _link(anchor: Anchor, label: str, kind: Kind, confidence: float, language: str | None) -> PolicyLink:
    return PolicyLink(
        url=anchor.url,
        kind=kind,
        label=label[:LONGEST_SHOWN_LABEL],
        place="frame" if anchor.place == "iframe" else anchor.place,
        language=language,
        confidence=round(min(confidence, 0.99), 3),
    )


def _rel_links(tree: Any, base: str) -> Iterator[PolicyLink]:
    """Yield what a page itself declares: `<link rel="privacy-policy">`, the same on anchors."""
    for element in elements(tree, "link", "a"):
        for word in (element.get("rel") or "").lower().split():
            kind = _REL_KINDS.get(word)
            target = join(element.get("href") or "", base) if kind else None
            if kind and target:
                place = "meta" if place_of(element) == "link" else "a"
                yield _link(Anchor(target, (), place), f"rel={word}", kind, 0.95, None)


def _script_moves(tree: Any, base: str, url: str) -> Iterator[PolicyLink]:
    """Yield where a page's scripts send the reader who is to see another page of the site."""
    for target in iter_moves(tree, base):
        if same_host(target, url) and not _is_same_document(target, url):
            yield _link(Anchor(target, (), "script"), "", Kind.HOME, LEAST_CONFIDENCE, None)


def _script_links(tree: Any, base: str, url: str) -> Iterator[PolicyLink]:
    """Yield addresses in scripts that are nothing but a policy's name."""
    seen: set[str] = set()
    for target in iter_addresses(tree, base):
        reading = read_address(target) if same_host(target, url) and target not in seen else None
        if reading and reading.exactness >= _STRONG_ADDRESS and reading.clean:
            seen.add(target)
            confidence = max(LEAST_CONFIDENCE, 0.5 * reading.exactness + 0.05)
            yield _link(Anchor(target, (), "script"), "", reading.kind, confidence, None)
            if len(seen) >= MOST_SCRIPT_LINKS:
                return
