"""Scored candidates → the documents of a site, each followed through its addresses."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from urllib.parse import urldefrag, urlsplit

from policy_archive.crawler.core.records import EMPTY_BODY_DIGEST, Document, Kind
from policy_archive.crawler.core.timestamps import seconds_between
from policy_archive.crawler.core.urlkeys import urlkey
from policy_archive.crawler.core.urls import registrable_domain
from policy_archive.crawler.core.vocabularies import AddressSource
from policy_archive.crawler.discovery.addresses import language_of, language_of_site
from policy_archive.crawler.discovery.candidates import (
    LINK_PAGES,
    ScoredCandidate,
    find_candidates,
    is_within_a_year,
)
from policy_archive.crawler.discovery.home_pages import WIDEST_GAP_SECONDS
from policy_archive.crawler.discovery.records import (
    DiscoveryOptions,
    FoundAddress,
    FoundDocument,
    SiteEvidence,
)
from policy_archive.crawler.discovery.words import fold, may_be_main

SURE = 0.8
"""Confidence from which an address needs no further evidence."""
LEAST_CONFIDENCE = 0.5
LEAST_OVERLAP = 0.2  # share of an address's captures inside another's years from which they are two documents

MOST_RIVALS = 3
"""Addresses of one name in the same years; where there are more, users write them, not the site."""
RIVAL_DOUBT = 0.6
"""A second address of one name in the same years: another brand's, or what a user wrote."""


def find_documents(evidence: SiteEvidence, options: DiscoveryOptions) -> tuple[FoundDocument, ...]:
    """Return the documents that the evidence holds, the main ones first."""
    scored = find_candidates(evidence, options)
    found: list[FoundDocument] = []
    for kind in sorted(options.kinds):
        of_kind = [one for one in scored if one.kind is kind]
        documents = _documents_of_kind(of_kind, evidence)
        found += sorted(documents, key=lambda d: (bool(d.document.name), -d.confidence, d.document.name))[
            : options.most_documents
        ]
    return tuple(found)


def _documents_of_kind(scored: list[ScoredCandidate], evidence: SiteEvidence) -> list[FoundDocument]:
    """Group candidates by what they are called and join addresses that follow each other."""
    strong = [
        s for s in scored if s.confidence >= LEAST_CONFIDENCE and (s.shown or s.mentions or s.redirected_from)
    ]
    chosen = strong or _last_resort(scored)
    chosen = _without_crowds(_without_doubles(chosen))
    groups: dict[str, list[ScoredCandidate]] = {}
    for one in _with_main_variant(chosen, language_of_site(evidence.site)):
        groups.setdefault(one.name, []).append(one)
    documents = []
    for name, members in _with_main(groups).items():
        documents += _split_group(name, members, evidence)
    return _merge_same(documents)


def _with_main(groups: dict[str, list[ScoredCandidate]]) -> dict[str, list[ScoredCandidate]]:
    """Make the best group the main document where there is none and its name allows it."""
    if "" in groups:
        return groups
    able = [
        name
        for name, members in groups.items()
        if members[0].kind is not Kind.OTHER and all(map(may_be_main, members[0].names))
    ]
    best = max(able, key=lambda name: max(s.rank for s in groups[name]), default=None)
    return {"" if name == best else name: members for name, members in groups.items()}


def _merge_same(documents: list[FoundDocument]) -> list[FoundDocument]:
    """Return the documents with one entry each: an earlier run may have given two groups one name."""
    merged: dict[str, FoundDocument] = {}
    for found in documents:
        known = merged.get(found.document.id)
        if known:
            found = replace(known, addresses=(*known.addresses, *found.addresses))
        merged[found.document.id] = found
    return list(merged.values())


def _last_resort(scored: list[ScoredCandidate]) -> list[ScoredCandidate]:
    """Return the best of the doubtful: a site without a better address has this one or none."""
    shown = [s for s in scored if s.shown and s.confidence >= 0.25]
    return [max(shown, key=lambda s: (s.confidence, s.rank))] if shown else []


def _without_doubles(scored: list[ScoredCandidate]) -> list[ScoredCandidate]:
    """Drop `?share=…`, print and AMP forms of pages that are there without them, at the same time.

    Where a page has captures only in such a form for a time, the form with most of them stays.
    """
    clean = [s for s in scored if _is_clean(s)]
    stems = {_bare(s.url) for s in clean}
    spans = [(s.times[0], s.times[-1]) for s in clean if s.times]
    alone: dict[str, ScoredCandidate] = {}
    for one in scored:
        stem = _bare(one.url)
        if not _is_clean(one) and stem in stems and _has_own_time(one, spans):
            alone[stem] = max(alone.get(stem, one), one, key=lambda s: (len(s.shown), s.urlkey))
    return [
        s
        for s in scored
        if _is_clean(s) or s.is_linked_from_home or _bare(s.url) not in stems or alone.get(_bare(s.url)) is s
    ]


def _has_own_time(one: ScoredCandidate, spans: Sequence[tuple[str, str]]) -> bool:
    """Return whether most captures of an address are of a time that none of these spans reaches."""
    own = [row for row in one.shown if not any(is_within_a_year(row.timestamp, span) for span in spans)]
    return len(own) >= 2 and 2 * len(own) >= len(one.shown)


def _without_crowds(scored: list[ScoredCandidate]) -> list[ScoredCandidate]:
    """Drop what stands at one path of many hosts and is not linked to: those hosts are users'."""
    paths = Counter(s.urlkey.partition(")")[2] for s in scored if s.names)
    return [
        s
        for s in scored
        if not s.names or s.is_linked_from_home or paths[s.urlkey.partition(")")[2]] <= MOST_RIVALS
    ]


def _is_clean(one: ScoredCandidate) -> bool:
    return not one.candidate or one.candidate.reading.clean


def _bare(url: str) -> str:
    parts = urlsplit(url)
    path = re.sub("/(print|printable|amp|pdf)/?$|;[^/]*$", "", parts.path).rstrip("/")
    return urlkey(f"http://{parts.netloc}{path}")


def _with_main_variant(scored: list[ScoredCandidate], home: str) -> list[ScoredCandidate]:
    """Take the variant from the candidates that are the main document in the site's own language.

    Where the site has no address without a language, the best language is the main one; among equals
    the one that its top-level domain promises (`home`), then the one with most captures.
    """
    mains = [s for s in scored if not s.names]
    if not mains:
        return scored
    best = max(mains, key=lambda s: (s.rank, _language(s) == home, len(s.shown)))
    plain = [s for s in mains if not s.variant]
    main = max(plain, key=lambda s: s.rank) if plain and not best.is_linked_from_home else best
    heir = _heir(plain, mains) if main in plain else None
    return [
        replace(one, variant="")
        if heir and not one.names and one.variant == heir.variant
        else _relative_to(main, one)
        for one in scored
    ]


def _heir(plain: Sequence[ScoredCandidate], mains: Sequence[ScoredCandidate]) -> ScoredCandidate | None:
    """Return the language version that went on when the address without a language ended: /en-us/privacy."""
    ends = max((row.timestamp for s in plain for row in s.shown), default="9")
    languages = {language for s in plain for language in s.languages} or {"en"}
    heirs = [
        s
        for s in mains
        if s.variant and s.shown and s.shown[0].timestamp > ends and language_of(s.variant) in languages
    ]
    return min(heirs, key=lambda s: (s.shown[0].timestamp[:4], -s.rank[1], s.variant), default=None)


def _relative_to(main: ScoredCandidate, one: ScoredCandidate) -> ScoredCandidate:
    if one.names:
        return one
    if one.variant == main.variant or (_language(one) and _language(one) == _language(main)):
        same_region = one.variant.partition("-")[2] == main.variant.partition("-")[2]
        if same_region or not one.variant or not main.variant:
            return replace(one, variant="")
    if not one.variant and one.languages and main.languages and not one.is_linked_from_home:
        shared = set(one.languages) & set(main.languages)
        return one if shared else replace(one, variant=one.languages[0])
    return one


def _language(one: ScoredCandidate) -> str:
    return language_of(one.variant)


def _split_group(name: str, members: list[ScoredCandidate], evidence: SiteEvidence) -> list[FoundDocument]:
    """Return the document that the members are, and those that stand beside it in the same years."""
    ordered = sorted(members, key=lambda s: s.rank, reverse=True)
    joined, rivals = [ordered[0]], list[ScoredCandidate]()
    for one in ordered[1:]:
        (joined if _continues(joined, one) else rivals).append(one)
    beside = [s for s in rivals if s.confidence >= SURE and (s.shown or not s.candidate)]
    if len(beside) > MOST_RIVALS:
        beside = [s for s in beside if s.is_linked_from_home]
    return [
        _document(name, joined, evidence),
        *(_document(_rival_name(name, rival), [rival], evidence, doubt=RIVAL_DOUBT) for rival in beside),
    ]


def _continues(joined: Sequence[ScoredCandidate], one: ScoredCandidate) -> bool:
    """Return whether an address is the same document at another time, or the same bytes at the same time."""
    if one.redirected_from or (one.is_linked_from_home and not _linked_together(joined, one)):
        return True
    if not one.shown:
        return bool(one.candidate and one.candidate.redirects)
    if _digests([one]) & _digests(joined):
        return True
    times = _times_of(one)
    spans = [_times_of(other) for other in joined]
    if all(_overlap(times, span) <= LEAST_OVERLAP for span in spans):
        return True
    twins = [span for other, span in zip(joined, spans, strict=True) if _stem(other.url) == _stem(one.url)]
    return bool(twins) and all(_overlap(span, times) <= LEAST_OVERLAP for span in spans)


def _times_of(one: ScoredCandidate) -> list[str]:
    return [row.timestamp for row in one.shown]


def _linked_together(joined: Sequence[ScoredCandidate], one: ScoredCandidate) -> bool:
    """Return whether one page links to both: then neither is the other at another time."""
    pages = {mention.page.row for other in joined for mention in other.mentions}
    return any(mention.page.row in pages for mention in one.mentions)


def _stem(url: str) -> str:
    """Return the key without the ending: /agb.pdf takes the place of /agb.html for some years."""
    key = urlkey(urldefrag(url)[0]).partition("?")[0]
    head, _, last = key.rpartition("/")
    return f"{head}/{last.rpartition('.')[0] or last}"


def _digests(scored: Iterable[ScoredCandidate]) -> set[str]:
    digests = {row.digest for one in scored for row in one.shown}
    return digests - {EMPTY_BODY_DIGEST, "-"}


def _overlap(times: Sequence[str], others: Sequence[str]) -> float:
    """Return the share of times that lie within the span of the others; none of them, where all fill one gap.

    A policy may come back to an address that it left for years.
    """
    if not times or not others or _is_in_one_gap(times, others):
        return 0.0
    inside = sum(others[0] <= time <= others[-1] for time in times)
    return inside / len(times)


def _is_in_one_gap(times: Sequence[str], others: Sequence[str]) -> bool:
    before = [time for time in others if time < times[0]]
    after = [time for time in others if time > times[-1]]
    if not before or not after or len(before) + len(after) < len(others):
        return False
    return seconds_between(before[-1], after[0]) > WIDEST_GAP_SECONDS


def _rival_name(name: str, one: ScoredCandidate) -> str:
    """Return a name from the address: what else tells two policies of one name apart."""
    parts = urlsplit(one.url)
    host = (parts.hostname or "").removesuffix(registrable_domain(parts.hostname or "")).strip(".")
    words = [fold(host.removeprefix("www")), *map(fold, parts.path.split("/"))]
    slug = "-".join(word.replace(" ", "-") for word in words if word)
    return "-".join(filter(None, (name, slug)))[:60]


def _document(
    name: str, members: Sequence[ScoredCandidate], evidence: SiteEvidence, *, doubt: float = 1.0
) -> FoundDocument:
    document = Document(site=evidence.site, kind=members[0].kind, name=name)
    document = _known_document(document, members, evidence)
    addresses = sorted((_address(member) for member in members), key=lambda a: (a.first_seen or "", a.urlkey))
    confidence = max(member.confidence for member in members) * doubt
    return FoundDocument(document=document, confidence=round(confidence, 3), addresses=tuple(addresses))


def _known_document(
    document: Document, members: Sequence[ScoredCandidate], evidence: SiteEvidence
) -> Document:
    """Return the document that an earlier run made of the best address: names last."""
    for known in evidence.known:
        if known.document.kind is document.kind and any(
            a.urlkey == members[0].urlkey for a in known.addresses
        ):
            return known.document
    return document


def _address(one: ScoredCandidate) -> FoundAddress:
    times = one.times
    candidate = one.candidate
    listed = bool(candidate and candidate.listed)
    return FoundAddress(
        url=f"{one.url}#{one.fragment}" if one.fragment else one.url,
        urlkey=one.urlkey,
        source=_source(one),
        evidence=_evidence(one),
        confidence=one.confidence,
        first_seen=times[0] if times else None,
        last_seen=times[-1] if times else None,
        listed=listed,
        rows=candidate.rows if candidate and listed else (),
    )


def _source(one: ScoredCandidate) -> AddressSource:
    if one.is_linked_from_home:
        return AddressSource.HOME_LINK
    if one.redirected_from:
        return AddressSource.REDIRECT
    if one.candidate:
        return AddressSource.INDEX
    of_home = any(s.page.purpose in LINK_PAGES for s in one.mentions)
    return AddressSource.HOME_LINK if of_home else AddressSource.POLICY_LINK


def _evidence(one: ScoredCandidate) -> str:
    said = []
    if one.mentions:
        best = max(one.mentions, key=lambda s: s.confidence)
        where = f"{best.page.row.original} of {best.page.row.timestamp[:8]}"
        said.append(f'linked as "{best.label}" on {where}' if best.label else f"linked on {where}")
    if one.redirected_from:
        said.append(f"redirected to from {one.redirected_from}")
    if one.candidate:
        number = len(one.shown)
        said.append(f"{number} captures in the index" if number else "the index has redirects of it only")
    if one.confirmed:
        said.append("read as a policy")
    return "; ".join(said)
