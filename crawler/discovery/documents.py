"""Candidates and links → the documents of a site, each followed through its addresses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from urllib.parse import urldefrag, urlsplit

from crawler.discovery.addresses import AddressReading, language_of, read_address
from crawler.discovery.evidence import (
    AnswerState,
    DiscoveryOptions,
    FoundAddress,
    FoundDocument,
    Purpose,
    ReadPage,
    SiteEvidence,
)
from crawler.discovery.index import Candidate, candidates_of, was_searched
from crawler.discovery.words import find_qualifiers, fold, group_of, match_name, may_be_main
from crawler.records import EMPTY_BODY_DIGEST, CdxRow, Document, Kind, Outcome
from crawler.urls import registrable_domain, urlkey

SURE = 0.8
"""Confidence from which an address needs no further evidence."""
LEAST_CONFIDENCE = 0.5
LEAST_OVERLAP = 0.2  # share of an address's captures inside another's years from which they are two documents

MOST_RIVALS = 3
"""Addresses of one name in the same years; where there are more, users write them, not the site."""
RIVAL_DOUBT = 0.6
"""A second address of one name in the same years: another brand's, or what a user wrote."""

_POLICIES = frozenset({Outcome.TEXT, Outcome.FOREIGN, Outcome.OTHER_KIND})
_LINK_PAGES = frozenset({Purpose.HOME, Purpose.FRAME, Purpose.HUB})


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """A link to an address, seen on one page."""

    page: ReadPage
    kind: Kind
    label: str
    confidence: float


@dataclass(frozen=True, kw_only=True)
class Suspect:
    """An address with all that speaks for it."""

    url: str
    urlkey: str
    kind: Kind
    names: tuple[str, ...]
    variant: str
    languages: tuple[str, ...]
    exactness: float
    candidate: Candidate | None
    sightings: tuple[Sighting, ...]
    redirected_from: str = ""
    """URI-R of a captured redirect that led here."""

    @cached_property
    def confidence(self) -> float:
        doubt = 1 - (self.candidate.confidence if self.candidate else 0.0)
        linked = max((sighting.confidence for sighting in self.sightings), default=0.0)
        doubt *= 1 - 0.9 * linked
        return round(min(0.99, 1 - doubt * (0.5 if self.redirected_from else 1.0)), 3)

    @property
    def rank(self) -> tuple[bool, float]:
        """What a home page of the site links to as its policy comes before all that was only indexed."""
        own = max(0.3, self.candidate.rank if self.candidate else 0.0)
        return (self.is_linked_from_home, own + 0.1 * len(self.sightings))

    @property
    def is_linked_from_home(self) -> bool:
        return any(s.page.purpose in _LINK_PAGES and s.confidence >= 0.75 for s in self.sightings)

    @property
    def shown(self) -> tuple[CdxRow, ...]:
        return self.candidate.shown if self.candidate else ()

    @cached_property
    def times(self) -> tuple[str, ...]:
        """14 digits of all times at which the address is known to have been the policy."""
        return tuple(
            sorted([row.timestamp for row in self.shown] + [s.page.row.timestamp for s in self.sightings])
        )

    @property
    def name(self) -> str:
        return "-".join(dict.fromkeys((*self.names, *filter(None, [self.variant]))))


def find_documents(evidence: SiteEvidence, options: DiscoveryOptions) -> tuple[FoundDocument, ...]:
    """Return the documents that the evidence holds, the main ones first."""
    refused = _refused_keys(evidence)
    suspects = [
        suspect
        for suspect in _suspects(evidence)
        if suspect.urlkey not in refused and not is_known_unarchived(suspect, evidence, options)
    ]
    found: list[FoundDocument] = []
    for kind in sorted(options.kinds):
        of_kind = [suspect for suspect in suspects if suspect.kind is kind]
        documents = _documents_of_kind(of_kind, evidence)
        found += sorted(documents, key=lambda d: (bool(d.document.name), -d.confidence, d.document.name))[
            : options.most_documents
        ]
    return tuple(found)


def is_known_unarchived(suspect: Suspect, evidence: SiteEvidence, options: DiscoveryOptions) -> bool:
    """Tell whether the index was asked for an address, and has nothing of it."""
    if suspect.candidate:
        return not suspect.candidate.rows
    return was_searched(evidence.asked, suspect.urlkey, options.kinds) and is_on_site(
        suspect.url, evidence.site
    )


def _refused_keys(evidence: SiteEvidence) -> frozenset[str]:
    """Return addresses whose pages were read and are no policies: soft 404s, walls, articles."""
    read = [page for page in evidence.pages if page.purpose is Purpose.POLICY]
    policies = {page.row.urlkey for page in read if page.outcome in _POLICIES}
    return frozenset(page.row.urlkey for page in read if page.outcome is Outcome.NOT_A_POLICY) - policies


# -- from evidence to suspects ------------------------------------------------------------------------


def _suspects(evidence: SiteEvidence) -> list[Suspect]:
    candidates = {c.urlkey: c for c in candidates_of(evidence.asked, evidence.site)}
    sightings = _sightings(evidence, frozenset(c.urlkey for c in candidates.values() if c.shown))
    redirects = _redirects(evidence)
    listed = _listed(evidence)
    suspects = []
    for key in dict.fromkeys((*candidates, *sightings, *redirects)):
        candidate = candidates.get(key) or listed.get(key)
        suspect = _suspect(key, candidate, sightings.get(key, []), redirects.get(key))
        if suspect:
            suspects.append(suspect)
    return suspects


def _listed(evidence: SiteEvidence) -> dict[str, Candidate]:
    """Return urlkey → rows of addresses that were asked for because a link or redirect leads there."""
    found = {}
    for answer in evidence.asked:
        if answer.asked.purpose is Purpose.ADDRESS and answer.state in (
            AnswerState.COMPLETE,
            AnswerState.CUT,
        ):
            key = urlkey(answer.asked.query.url)
            says_nothing = AddressReading(kind=Kind.OTHER, exactness=0.0)
            complete = answer.state is AnswerState.COMPLETE
            found[key] = Candidate(urlkey=key, reading=says_nothing, rows=answer.rows, listed=complete)
    return found


def _sightings(evidence: SiteEvidence, shown: frozenset[str]) -> dict[str, list[tuple[str, Sighting]]]:
    """Return urlkey → (address, sighting) of every link that may be followed.

    A link to `/privacy?ref=footer` is one to `/privacy`, where the archive has that.
    """
    found: dict[str, list[tuple[str, Sighting]]] = {}
    for page in evidence.pages:
        own_kinds = {link.kind for link in page.links if is_on_site(link.url, evidence.site)}
        for link in page.links:
            foreign = not is_on_site(link.url, evidence.site)
            if link.kind is Kind.HOME or (foreign and not _may_follow(page, link.label, link.confidence)):
                continue
            if foreign and link.kind in own_kinds:
                continue
            weight = 1.0 if page.purpose in _LINK_PAGES else 0.8
            bare = _undecorated(urldefrag(link.url)[0], shown)
            sighting = Sighting(
                page=page, kind=link.kind, label=link.label, confidence=link.confidence * weight
            )
            found.setdefault(urlkey(bare), []).append((bare, sighting))
    return found


def _undecorated(url: str, shown: frozenset[str]) -> str:
    reading = read_address(url)
    bare = url.partition("?")[0]
    return bare if reading and not reading.clean and urlkey(bare) in shown else url


def is_on_site(url: str, site: str) -> bool:
    """Tell whether an address is on the site or one of its hosts."""
    host = urlsplit(url).hostname or ""
    return host == site or host.endswith(f".{site}") or registrable_domain(host) == site


def _may_follow(page: ReadPage, label: str, confidence: float) -> bool:
    """Tell whether a link leads to the site's own policy on another host.

    Only a home page may say so, and only by the policy's bare name: "Google Privacy Policy" is Google's.
    """
    words = fold(label)
    named = any(match.strength >= 0.9 for match in match_name(words)) and not find_qualifiers(words)[0]
    return page.purpose in _LINK_PAGES and confidence >= 0.75 and named


def _redirects(evidence: SiteEvidence) -> dict[str, tuple[str, str, Kind]]:
    """Return urlkey → (address, where the redirect stood, kind) of captured redirects' targets."""
    found = {}
    for page in evidence.pages:
        if page.purpose is not Purpose.REDIRECT or not page.location:
            continue
        source = read_address(page.row.original)
        target = urldefrag(page.location)[0]
        is_home = not urlsplit(target).path.strip("/")
        if source and not is_home and urlkey(target) != page.row.urlkey:
            found[urlkey(target)] = (target, page.row.original, source.kind)
    return found


def _suspect(
    key: str,
    candidate: Candidate | None,
    seen: Sequence[tuple[str, Sighting]],
    redirect: tuple[str, str, Kind] | None,
) -> Suspect | None:
    url = seen[-1][0] if seen else redirect[0] if redirect else candidate.url if candidate else ""
    reading = candidate.reading if candidate and candidate.reading.exactness else read_address(url)
    kind = _kind_of(reading, [sighting for _, sighting in seen], redirect)
    if kind is None:
        return None
    sightings = tuple(sighting for _, sighting in seen if sighting.kind is kind)
    names, variant = _names_of(kind, reading, sightings, bool(redirect))
    return Suspect(
        url=url,
        urlkey=key,
        kind=kind,
        names=names,
        variant=variant,
        languages=reading.languages if reading else (),
        exactness=reading.exactness if reading else 0.0,
        candidate=candidate,
        sightings=sightings,
        redirected_from=redirect[1] if redirect else "",
    )


def _kind_of(
    reading: AddressReading | None, sightings: Sequence[Sighting], redirect: tuple[str, str, Kind] | None
) -> Kind | None:
    """Return the one kind of an address: what it is called most, and what it calls itself."""
    votes: dict[Kind, float] = {}
    for sighting in sightings:
        votes[sighting.kind] = max(votes.get(sighting.kind, 0.0), sighting.confidence)
    if reading:
        weight = 0.3 if reading.kind is Kind.OTHER and votes else 0.6  # /legal may be any policy
        votes[reading.kind] = votes.get(reading.kind, 0.0) + weight * reading.exactness
    if redirect:
        votes[redirect[2]] = votes.get(redirect[2], 0.0) + 0.5
    order = list(Kind)
    return max(votes, key=lambda kind: (votes[kind], -order.index(kind)), default=None)


def _names_of(
    kind: Kind, reading: AddressReading | None, sightings: Sequence[Sighting], redirected: bool
) -> tuple[tuple[str, ...], str]:
    """Return what tells the document from the main one: what home pages call it goes before its address."""
    variant = reading.variant if reading else ""
    labels = [fold(s.label) for s in sightings if s.confidence >= 0.75 and s.page.purpose in _LINK_PAGES]
    if kind is Kind.OTHER:
        group = next(filter(None, map(group_of, labels)), "")
        own = reading.names if reading and reading.kind is kind else ()
        return (group,) if group else own or (
            labels[0].replace(" ", "-")[:40] if labels else "other",
        ), variant
    if labels:
        named = [find_qualifiers(label)[0] for label in labels]
        return (() if () in named else named[0]), variant
    if redirected and not (reading and reading.kind is kind):
        return (), variant
    mentioned = (name for sighting in sightings for name in find_qualifiers(fold(sighting.label))[0])
    return tuple(dict.fromkeys((*(reading.names if reading else ()), *mentioned))), variant


# -- from suspects to documents -----------------------------------------------------------------------


def _documents_of_kind(suspects: list[Suspect], evidence: SiteEvidence) -> list[FoundDocument]:
    """Group suspects by what they are called and join addresses that follow each other."""
    strong = [
        s
        for s in suspects
        if s.confidence >= LEAST_CONFIDENCE and (s.shown or s.sightings or s.redirected_from)
    ]
    chosen = strong or _last_resort(suspects)
    chosen = _without_doubles(chosen)
    groups: dict[str, list[Suspect]] = {}
    for suspect in _with_main_variant(chosen):
        groups.setdefault(suspect.name, []).append(suspect)
    documents = []
    for name, members in _with_main(groups).items():
        documents += _split_group(name, members, evidence)
    return _merge_same(documents)


def _with_main(groups: dict[str, list[Suspect]]) -> dict[str, list[Suspect]]:
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


def _last_resort(suspects: list[Suspect]) -> list[Suspect]:
    """Return the best of the doubtful: a site without a better address has this one or none."""
    shown = [s for s in suspects if s.shown and s.confidence >= 0.25]
    return [max(shown, key=lambda s: (s.confidence, s.rank))] if shown else []


def _without_doubles(suspects: list[Suspect]) -> list[Suspect]:
    """Drop `?share=…`, print and AMP forms of pages that are there without them."""
    clean = {_bare(s.url) for s in suspects if _is_clean(s)}
    return [s for s in suspects if _is_clean(s) or s.is_linked_from_home or _bare(s.url) not in clean]


def _is_clean(suspect: Suspect) -> bool:
    return not suspect.candidate or suspect.candidate.reading.clean


def _bare(url: str) -> str:
    parts = urlsplit(url)
    path = re.sub("/(print|printable|amp|pdf)/?$", "", parts.path).rstrip("/")
    return urlkey(f"http://{parts.netloc}{path}")


def _with_main_variant(suspects: list[Suspect]) -> list[Suspect]:
    """Take the variant from the suspects that are the main document in the site's own language.

    Where the site has no address without a language, the best language is the main one.
    """
    mains = [s for s in suspects if not s.names]
    if not mains:
        return suspects
    best = max(mains, key=lambda s: s.rank)
    plain = [s for s in mains if not s.variant]
    main = max(plain, key=lambda s: s.rank) if plain and not best.is_linked_from_home else best
    heir = _heir(plain, mains) if main in plain else None
    return [
        replace(suspect, variant="")
        if heir and not suspect.names and suspect.variant == heir.variant
        else _relative_to(main, suspect)
        for suspect in suspects
    ]


def _heir(plain: Sequence[Suspect], mains: Sequence[Suspect]) -> Suspect | None:
    """Return the language version that went on when the address without a language ended: /en-us/privacy."""
    ends = max((row.timestamp for s in plain for row in s.shown), default="9")
    languages = {language for s in plain for language in s.languages} or {"en"}
    heirs = [
        s
        for s in mains
        if s.variant and s.shown and s.shown[0].timestamp > ends and language_of(s.variant) in languages
    ]
    return min(heirs, key=lambda s: (s.shown[0].timestamp[:4], -s.rank[1], s.variant), default=None)


def _relative_to(main: Suspect, suspect: Suspect) -> Suspect:
    if suspect.names:
        return suspect
    if suspect.variant == main.variant or (_language(suspect) and _language(suspect) == _language(main)):
        same_region = suspect.variant.partition("-")[2] == main.variant.partition("-")[2]
        if same_region or not suspect.variant or not main.variant:
            return replace(suspect, variant="")
    if not suspect.variant and suspect.languages and main.languages and not suspect.is_linked_from_home:
        shared = set(suspect.languages) & set(main.languages)
        return suspect if shared else replace(suspect, variant=suspect.languages[0])
    return suspect


def _language(suspect: Suspect) -> str:
    return language_of(suspect.variant)


def _split_group(name: str, members: list[Suspect], evidence: SiteEvidence) -> list[FoundDocument]:
    """Return the document that the members are, and those that stand beside it in the same years."""
    ordered = sorted(members, key=lambda s: s.rank, reverse=True)
    joined, rivals = [ordered[0]], list[Suspect]()
    for suspect in ordered[1:]:
        (joined if _continues(joined, suspect) else rivals).append(suspect)
    beside = [s for s in rivals if s.confidence >= SURE and (s.shown or not s.candidate)]
    if len(beside) > MOST_RIVALS:
        beside = [s for s in beside if s.is_linked_from_home]
    return [
        _document(name, joined, evidence),
        *(_document(_rival_name(name, rival), [rival], evidence, doubt=RIVAL_DOUBT) for rival in beside),
    ]


def _continues(joined: Sequence[Suspect], suspect: Suspect) -> bool:
    """Tell whether an address is the same document at another time, or the same bytes at the same time."""
    if suspect.redirected_from or (suspect.is_linked_from_home and not _linked_together(joined, suspect)):
        return True
    if not suspect.shown:
        return bool(suspect.candidate and suspect.candidate.redirects)
    if _digests([suspect]) & _digests(joined):
        return True
    times = _times_of(suspect)
    spans = [_times_of(other) for other in joined]
    if all(_overlap(times, span) <= LEAST_OVERLAP for span in spans):
        return True
    twins = [
        span for other, span in zip(joined, spans, strict=True) if _stem(other.url) == _stem(suspect.url)
    ]
    return bool(twins) and all(_overlap(span, times) <= LEAST_OVERLAP for span in spans)


def _times_of(suspect: Suspect) -> list[str]:
    return [row.timestamp for row in suspect.shown]


def _linked_together(joined: Sequence[Suspect], suspect: Suspect) -> bool:
    """Tell whether one page links to both: then neither is the other at another time."""
    pages = {sighting.page.row for other in joined for sighting in other.sightings}
    return any(sighting.page.row in pages for sighting in suspect.sightings)


def _stem(url: str) -> str:
    """Return the key without the ending: /agb.pdf takes the place of /agb.html for some years."""
    key = urlkey(urldefrag(url)[0]).partition("?")[0]
    head, _, last = key.rpartition("/")
    return f"{head}/{last.rpartition('.')[0] or last}"


def _digests(suspects: Iterable[Suspect]) -> set[str]:
    digests = {row.digest for suspect in suspects for row in suspect.shown}
    return digests - {EMPTY_BODY_DIGEST, "-"}


def _overlap(times: Sequence[str], others: Sequence[str]) -> float:
    """Return the share of times that lie within the span of the others."""
    if not times or not others:
        return 0.0
    inside = sum(others[0] <= time <= others[-1] for time in times)
    return inside / len(times)


def _rival_name(name: str, suspect: Suspect) -> str:
    """Return a name from the address: what else tells two policies of one name apart."""
    parts = urlsplit(suspect.url)
    host = (parts.hostname or "").removesuffix(registrable_domain(parts.hostname or "")).strip(".")
    words = [fold(host.removeprefix("www")), *map(fold, parts.path.split("/"))]
    slug = "-".join(word.replace(" ", "-") for word in words if word)
    return "-".join(filter(None, (name, slug)))[:60]


def _document(
    name: str, members: Sequence[Suspect], evidence: SiteEvidence, *, doubt: float = 1.0
) -> FoundDocument:
    document = Document(site=evidence.site, kind=members[0].kind, name=name)
    document = _known_document(document, members, evidence)
    addresses = sorted((_address(member) for member in members), key=lambda a: (a.first_seen or "", a.urlkey))
    confidence = max(member.confidence for member in members) * doubt
    return FoundDocument(document=document, confidence=round(confidence, 3), addresses=tuple(addresses))


def _known_document(document: Document, members: Sequence[Suspect], evidence: SiteEvidence) -> Document:
    """Return the document that an earlier run made of the best address: names last."""
    for known in evidence.known:
        if known.document.kind is document.kind and any(
            a.urlkey == members[0].urlkey for a in known.addresses
        ):
            return known.document
    return document


def _address(suspect: Suspect) -> FoundAddress:
    times = suspect.times
    candidate = suspect.candidate
    listed = bool(candidate and candidate.listed)
    return FoundAddress(
        url=suspect.url,
        urlkey=suspect.urlkey,
        source=_source(suspect),
        evidence=_evidence(suspect),
        confidence=suspect.confidence,
        first_seen=times[0] if times else None,
        last_seen=times[-1] if times else None,
        listed=listed,
        rows=candidate.rows if candidate and listed else (),
    )


def _source(suspect: Suspect) -> str:
    if suspect.is_linked_from_home:
        return "home-link"
    if suspect.redirected_from:
        return "redirect"
    if suspect.candidate:
        return "index"
    return "home-link" if any(s.page.purpose in _LINK_PAGES for s in suspect.sightings) else "policy-link"


def _evidence(suspect: Suspect) -> str:
    said = []
    if suspect.sightings:
        best = max(suspect.sightings, key=lambda s: s.confidence)
        where = f"{best.page.row.original} of {best.page.row.timestamp[:8]}"
        said.append(f'linked as "{best.label}" on {where}' if best.label else f"linked on {where}")
    if suspect.redirected_from:
        said.append(f"redirected to from {suspect.redirected_from}")
    if suspect.candidate:
        number = len(suspect.shown)
        said.append(f"{number} captures in the index" if number else "the index has redirects of it only")
    return "; ".join(said)
