"""The links of a page that promise policies: anchors, areas, frames, `link rel`, refreshes, scripts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urldefrag, urljoin, urlsplit

from lxml import etree

from policy_archive.crawler.core.cache import remembered
from policy_archive.crawler.core.records import Kind, PolicyLink
from policy_archive.crawler.core.urls import original_address, registrable_domain
from policy_archive.crawler.discovery.addresses import (
    AddressHint,
    is_about_food,
    is_among_lists,
    is_below_subjects,
    read_address,
    read_segment,
)
from policy_archive.crawler.discovery.words import (
    LawMention,
    NameMatch,
    find_laws,
    fold,
    is_generic,
    is_no_policy,
    is_subject,
    match_name,
    names_more_than_subjects,
)

LEAST_CONFIDENCE = 0.5
MOST_SCRIPT_LINKS = 20  # a page of an application names a few; thousands are somebody's data
LONGEST_SHOWN_LABEL = 120  # characters
_LONGEST_KNOWN = 1_000  # characters of an address or a label that is remembered

_XHTML = "{http://www.w3.org/1999/xhtml}"
_NEW_WINDOW = re.compile(
    r"[(\[]?(this link )?opens? in (a )?new (browser )?(window|tab)[)\]]?", re.IGNORECASE
)
_STRONG_ADDRESS = 0.8
"""Exactness from which an address needs but a hint of its label: a policy's name, in a folder or two."""
_NEIGHBOURS = 4  # anchors before and after: a footer's or a list's
_ADDRESS_AS_LABEL = re.compile(r"(https?://|www\.)\S+$|(mailto:)?[^\s@]+@[^\s@]+\.[^\s@]+$", re.IGNORECASE)
_REFRESH = re.compile(r"^\s*+[0-9.]*+\s*+[;,]\s*+(?:url\s*+=)?\s*+['\"]?([^'\"]+)", re.IGNORECASE)
_QUOTED_PAGE = re.compile(r"""['"]([\w.~%/:?=&+-]*[./?][\w.~%/:?=&+-]+)['"]""")
"""An address in a script's call: `openWindow('legal/privacy.html', 400)`."""
_SCRIPT_MOVE = re.compile(r"""location(?:\.href)?\s*(?:=|\.replace\(|\.assign\()\s*["']([^"'\s]+)["']""")
_SCRIPT_ADDRESS = re.compile(
    r"""["'](https?:(?:\\?/){2}[^"'\s<>]{4,200}|\\?/[^"'\s<>/][^"'\s<>]{1,150})["']"""
)
_REL_KINDS = {
    "privacy-policy": Kind.PRIVACY,
    "privacy": Kind.PRIVACY,
    "terms-of-service": Kind.TERMS,
}
"""`rel` words of the IANA registry that name policies (RFC 6903), and one that sites write instead."""


@dataclass(frozen=True)
class _Anchor:
    """Something on a page that leads elsewhere."""

    url: str
    labels: tuple[str, ...]
    place: str
    pictures: tuple[str, ...] = ()
    """What the files of its pictures are called."""
    among_policies: bool = False
    """Whether links beside it name policies as well: a footer, and no list of subjects."""


def find_policy_links(tree: Any, *, url: str, seen: str = "") -> tuple[PolicyLink, ...]:
    """Return the links of a page that promise policies, surest first, one for each target and kind.

    `tree` is an lxml tree, `url` the page's URI-R. Frames of a frameset, refreshes and scripts'
    moves that promise nothing come as kind `home`: pages to be read for their links in turn. `seen` stands
    for all of the page but its scripts' texts: what two captures have alike is looked for once.
    """
    base = _base_of(tree, url)
    found = [*(_known_links if seen else _marked_links)(seen, url, base, tree=tree)]
    if not any(link.kind is not Kind.HOME for link in found):
        found += _script_links(tree, base, url)
    if not found:
        found += _script_moves(tree, base, url)
    return _best(found)


def _marked_links(_: str, url: str, base: str, /, *, tree: Any) -> tuple[PolicyLink, ...]:
    """Return the links that stand in a page's markup, in its order."""
    anchors = _with_neighbours(list(_anchors(tree, base)))
    found = [link for anchor in anchors for link in _read_anchor(anchor, url)]
    return (*found, *_rel_links(tree, base))


_known_links = remembered(64)(_marked_links)


def _best(links: Iterable[PolicyLink]) -> tuple[PolicyLink, ...]:
    best: dict[tuple[str, Kind], PolicyLink] = {}
    for link in sorted(links, key=lambda link: -link.confidence):
        best.setdefault((link.url, link.kind), link)
    return tuple(best.values())


def _base_of(tree: Any, url: str) -> str:
    for element in _elements(tree, "base"):
        href = (element.get("href") or "").strip()
        if href:
            return _join(href, url) or url
    return url


def _elements(tree: Any, *names: str) -> Iterator[Any]:
    yield from tree.iter(*names, *(_XHTML + name for name in names))


@remembered(8_000, longest=_LONGEST_KNOWN)
def _join(href: str, base: str) -> str | None:
    """Return the absolute URI-R of an address as it stands on a page, None when it leads to no page."""
    href = href.strip()
    try:
        absolute = original_address(urljoin(base, original_address(href)))
        parts = urlsplit(absolute)
        host = parts.hostname or ""
        if "@" in parts.netloc and not parts.path.strip("/"):
            return None  # an e-mail address that lost its `mailto:`
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or "." not in host or _is_archive(host):
        return None
    return _without_idle_fragment(absolute)


def _is_archive(host: str) -> bool:
    return host == "archive.org" or host.endswith(".archive.org")


def _without_idle_fragment(url: str) -> str:
    """Drop a fragment that names no part of a page: none, the top, a script's route."""
    bare, fragment = urldefrag(url)
    idle = fragment.lower() in ("", "top", "main", "content", "footer", "header", "page", "!")
    return bare if idle or not re.fullmatch(r"[\w.:-]+", fragment) else url


def _anchors(tree: Any, base: str) -> Iterator[_Anchor]:
    for element in _elements(tree, "a", "area"):
        yield from _anchor(element, "href", base, _place_of(element))
        yield from _scripted_anchor(element, base)
    for element in _elements(tree, "option"):
        if _QUOTED_PAGE.fullmatch(f"'{(element.get('value') or '').strip()}'"):
            yield from _anchor(element, "value", base, "a")
    for element in _elements(tree, "frame"):
        yield from _anchor(element, "src", base, "frame")
    for element in _elements(tree, "iframe"):
        yield from _anchor(element, "src", base, "iframe")
    for element in _elements(tree, "meta"):
        if (element.get("http-equiv") or "").lower() == "refresh":
            match = _REFRESH.match(element.get("content") or "")
            target = _join(match[1], base) if match else None
            if target:
                yield _Anchor(target, (), "meta")


def _scripted_anchor(element: Any, base: str) -> Iterator[_Anchor]:
    """Yield what a link opens by a script, where its own address is none: pop-ups of the 2000s."""
    href = (element.get("href") or "").strip()
    if href and not href.startswith("#") and not href.lower().startswith("javascript:"):
        return
    match = _QUOTED_PAGE.search(element.get("onclick") or "") or _QUOTED_PAGE.search(href)
    target = _join(match[1], base) if match else None
    if target:
        yield _Anchor(target, tuple(_labels_of(element)), "a", tuple(_pictures_of(element)))


def _with_neighbours(anchors: list[_Anchor]) -> Iterator[_Anchor]:
    """Yield the anchors, those in a list of subjects told whether policies are named beside them."""
    for index, anchor in enumerate(anchors):
        if is_below_subjects(anchor.url):
            near = anchors[max(0, index - _NEIGHBOURS) : index + _NEIGHBOURS + 1]
            others = (one.labels[0] for one in near if one.labels and one.url != anchor.url)
            anchor = replace(anchor, among_policies=any(map(names_more_than_subjects, map(fold, others))))
        yield anchor


def _place_of(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]


def _anchor(element: Any, attribute: str, base: str, place: str) -> Iterator[_Anchor]:
    href = element.get(attribute)
    target = _join(href, base) if href and not href.strip().startswith("#") else None
    if target:
        yield _Anchor(target, tuple(_labels_of(element)), place, tuple(_pictures_of(element)))


def _labels_of(element: Any) -> Iterator[str]:
    """Yield what a reader is told of a link: text, title, aria-label, pictures' alt."""
    candidates = [
        " ".join(_own_text(element)),
        element.get("aria-label"),
        element.get("title"),
        element.get("alt"),
        element.get("name"),
    ]
    for image in _pictures_in(element):
        candidates += [image.get("alt"), image.get("title")]
    for candidate in candidates:
        label = " ".join(_NEW_WINDOW.sub(" ", candidate or "").split())
        if label:
            yield label


def _own_text(element: Any) -> Iterator[str]:
    """Yield the texts of a link up to the next link within: one that was never closed ends there."""
    if element.find(".//a") is None:
        yield from element.itertext()
        return
    for event, node in etree.iterwalk(element, events=("start", "end")):
        if event == "start":
            if node is not element and _is_link(node):
                return
            if isinstance(node.tag, str):
                yield node.text or ""
        elif node is not element:
            yield node.tail or ""


def _is_link(element: Any) -> bool:
    # no etree.QName: it refuses names that lxml's own parser lets through, as of a tag that lost its ">"
    return isinstance(element.tag, str) and _place_of(element) == "a" and "href" in element.attrib


def _pictures_in(element: Any) -> Iterator[Any]:
    """Yield the pictures that are a link's own, none of a link that an unclosed one holds."""
    for image in _elements(element, "img", "input"):
        if (
            next((node for node in image.iterancestors() if node is element or _is_link(node)), None)
            is element
        ):
            yield image


def _pictures_of(element: Any) -> Iterator[str]:
    """Yield the words that the file names of a link's pictures are made of."""
    for image in _pictures_in(element):
        words = read_segment((image.get("src") or "").rpartition("/")[2])
        if words:
            yield words


def _read_anchor(anchor: _Anchor, url: str) -> Iterator[PolicyLink]:
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


def _telling_pictures(anchor: _Anchor, reading: AddressHint | None, url: str) -> tuple[str, ...]:
    """Return what pictures' file names tell: nothing of a link to elsewhere (a seal, `privacy.gif`)."""
    return anchor.pictures if anchor.pictures and (reading or _same_site(anchor.url, url)) else ()


def _same_site(one: str, other: str) -> bool:
    try:
        return _domain_of(one) == _domain_of(other)
    except ValueError:
        return False


def _domain_of(url: str) -> str:
    return registrable_domain(urlsplit(url).hostname or "")


def _is_same_document(target: str, url: str) -> bool:
    return _page_of(target) == _page_of(url)


@remembered(8_000, longest=_LONGEST_KNOWN)
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


def _read_label(anchor: _Anchor, label: str, reading: AddressHint | None, url: str) -> Iterator[PolicyLink]:
    words = "" if _ADDRESS_AS_LABEL.match(label) else fold(label)
    if is_no_policy(words) or _is_mere_subject(words, anchor):
        return
    laws = find_laws(words)
    if laws and laws.alone and not _same_site(anchor.url, url):
        return  # the law's own text, or somebody's page about it
    matches = _law_matches(laws, reading) if laws else ()
    matches = matches or _match_name(laws.rest if laws else words, _own_words(words, anchor.url))
    for match in matches:
        confidence = _agree(match.strength, match.kind, reading)
        if confidence >= LEAST_CONFIDENCE:
            yield _link(anchor, label, match.kind, confidence, next(iter(match.languages), None))
    if reading and reading.kind not in {match.kind for match in matches}:
        confidence = _address_alone(words, bool(matches), reading, is_part="#" in anchor.url)
        if confidence >= LEAST_CONFIDENCE:
            yield _link(anchor, label, reading.kind, confidence, next(iter(reading.languages), None))


def _is_mere_subject(words: str, anchor: _Anchor) -> bool:
    """Return whether a label of one subject leads to a list by subjects, to a trade, or to food."""
    if not is_subject(words):
        return False
    return is_about_food(anchor.url) or (is_below_subjects(anchor.url) and not anchor.among_policies)


def _law_matches(laws: LawMention, reading: AddressHint | None) -> tuple[NameMatch, ...]:
    """Return the policy that a law's name on a site's own page is: `GDPR` less surely than `GDPR notice`."""
    if not laws.alone and not laws.document:
        return ()
    sure = reading is not None and reading.kind is Kind.PRIVACY and reading.exactness >= _STRONG_ADDRESS
    if laws.doubtful and not sure:
        return ()
    strength = 0.8 if laws.document else 0.55
    return (NameMatch(kind=Kind.PRIVACY, languages=laws.languages, phrase=laws.name, strength=strength),)


@remembered(8_000, longest=_LONGEST_KNOWN)
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


def _address_alone(words: str, named_otherwise: bool, reading: AddressHint, *, is_part: bool) -> float:
    """Return the confidence of an address whose label does not name its policy.

    A label of another policy leaves little: "Legal" may lead to /terms, "Terms" hardly to /privacy; and
    nothing where it leads to a part of the page, of which the page's address says nothing.
    """
    if not words or is_generic(words):
        return reading.exactness * 0.7
    if named_otherwise:
        says_more = reading.exactness >= 0.95 and reading.kind is not Kind.OTHER and not is_part
        return reading.exactness * 0.55 if says_more else 0.0
    return reading.exactness * 0.55 if len(words.split()) <= 4 else 0.0


def _link(anchor: _Anchor, label: str, kind: Kind, confidence: float, language: str | None) -> PolicyLink:
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
    for element in _elements(tree, "link", "a"):
        for word in (element.get("rel") or "").lower().split():
            kind = _REL_KINDS.get(word)
            target = _join(element.get("href") or "", base) if kind else None
            if kind and target:
                place = "meta" if _place_of(element) == "link" else "a"
                yield _link(_Anchor(target, (), place), f"rel={word}", kind, 0.95, None)


def _script_moves(tree: Any, base: str, url: str) -> Iterator[PolicyLink]:
    """Yield where a page's scripts send the reader who is to see another page of the site."""
    for element in _elements(tree, "script"):
        for match in _SCRIPT_MOVE.finditer(element.text or ""):
            target = _join(match[1], base)
            if target and same_host(target, url) and not _is_same_document(target, url):
                yield _link(_Anchor(target, (), "script"), "", Kind.HOME, LEAST_CONFIDENCE, None)


def _script_links(tree: Any, base: str, url: str) -> Iterator[PolicyLink]:
    """Yield addresses in scripts: an application's page has no anchors before its scripts have run."""
    seen: set[str] = set()
    for element in _elements(tree, "script"):
        for match in _SCRIPT_ADDRESS.finditer(element.text or ""):
            target = _join(match[1].replace("\\/", "/"), base)
            reading = read_address(target) if target and same_host(target, url) else None
            if target and reading and reading.exactness >= 0.9 and reading.clean and target not in seen:
                seen.add(target)
                yield _link(
                    _Anchor(target, (), "script"), "", reading.kind, 0.5 * reading.exactness + 0.05, None
                )
                if len(seen) >= MOST_SCRIPT_LINKS:
                    return
