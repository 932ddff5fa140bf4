"""What links, redirects and index rows of an address say together: candidates with a score."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from urllib.parse import urldefrag, urlsplit

from policy_archive.crawler.core.records import CdxRow, Kind, Outcome
from policy_archive.crawler.core.timestamps import YEAR_SECONDS, seconds_between
from policy_archive.crawler.core.urlkeys import urlkey
from policy_archive.crawler.core.urls import registrable_domain
from policy_archive.crawler.discovery.addresses import AddressHint, read_address
from policy_archive.crawler.discovery.index import Candidate, candidates_of, is_on_site, was_searched
from policy_archive.crawler.discovery.records import (
    AnswerState,
    DiscoveryOptions,
    Purpose,
    SiteEvidence,
    VisitedPage,
)
from policy_archive.crawler.discovery.words import find_qualifiers, fold, group_of, match_name
from policy_archive.data import read_words

LINK_PAGES = frozenset({Purpose.HOME, Purpose.FRAME, Purpose.HUB})
"""Pages whose links are the site's own word for its policies."""

SURE_LINK = 0.75
"""Confidence from which a link names its target; below, it may be about it."""
_SEARCHES = frozenset({Purpose.DOMAIN, Purpose.HOST, Purpose.PREFIX})


@dataclass(frozen=True, kw_only=True)
class Mention:
    """A link to an address, seen on one page."""

    page: VisitedPage
    kind: Kind
    label: str
    confidence: float
    fragment: str = ""
    """Part of the page that the link leads to."""


@dataclass(frozen=True, kw_only=True)
class ScoredCandidate:
    """An address with all that speaks for it."""

    url: str
    urlkey: str
    kind: Kind
    names: tuple[str, ...]
    variant: str
    languages: tuple[str, ...]
    exactness: float
    candidate: Candidate | None
    mentions: tuple[Mention, ...]
    redirected_from: str = ""
    """URI-R of a captured redirect that led here."""
    fragment: str = ""
    """Part of the page that holds the document, where links lead to several kinds on one page."""
    confirmed: bool = False
    """True: one of its captures was read, and is a policy of the document's kind."""

    @cached_property
    def confidence(self) -> float:
        doubt = 1 - (self.candidate.confidence if self.candidate else 0.0)
        linked = max((mention.confidence for mention in self.mentions), default=0.0)
        doubt *= (1 - 0.9 * linked) * (0.2 if self.confirmed else 1.0)
        return round(min(0.99, 1 - doubt * (0.5 if self.redirected_from else 1.0)), 3)

    @property
    def rank(self) -> tuple[bool, float]:
        """What a home page of the site links to as its policy comes before all that was only indexed."""
        own = max(0.3, self.candidate.rank if self.candidate else 0.0)
        return (self.is_linked_from_home, own + 0.1 * len(self.mentions))

    @property
    def is_linked_from_home(self) -> bool:
        return any(s.page.purpose in LINK_PAGES and s.confidence >= SURE_LINK for s in self.mentions)

    @property
    def shown(self) -> tuple[CdxRow, ...]:
        return self.candidate.shown if self.candidate else ()

    @cached_property
    def times(self) -> tuple[str, ...]:
        """14 digits of all times at which the address is known to have been the policy."""
        return tuple(
            sorted([row.timestamp for row in self.shown] + [s.page.row.timestamp for s in self.mentions])
        )

    @property
    def name(self) -> str:
        return "-".join(dict.fromkeys((*self.names, *filter(None, [self.variant]))))


def find_candidates(evidence: SiteEvidence, options: DiscoveryOptions) -> list[ScoredCandidate]:
    """Return the addresses that may hold a policy; not those that were read and hold none."""
    refused = _refused_keys(evidence)
    confirmed = {
        page.row.urlkey for page in evidence.pages if page.outcome is not None and page.outcome.is_text
    }
    return [
        replace(one, confirmed=one.urlkey in confirmed)
        for one in _score_all(evidence)
        if one.urlkey not in refused and not is_known_unarchived(one, evidence, options)
    ]


def is_known_unarchived(one: ScoredCandidate, evidence: SiteEvidence, options: DiscoveryOptions) -> bool:
    """Return whether the index was asked for an address, and has nothing of it."""
    if one.candidate:
        return not one.candidate.rows
    return was_searched(evidence.asked, one.urlkey, options.kinds) and is_on_site(one.url, evidence.site)


def _refused_keys(evidence: SiteEvidence) -> frozenset[str]:
    """Return addresses whose pages were read and are no policies: soft 404s, walls, articles."""
    read = [page for page in evidence.pages if page.purpose is Purpose.POLICY]
    policies = {page.row.urlkey for page in read if page.outcome is not None and page.outcome.is_policy}
    return frozenset(page.row.urlkey for page in read if page.outcome is Outcome.NOT_A_POLICY) - policies


def _score_all(evidence: SiteEvidence) -> list[ScoredCandidate]:
    candidates = {c.urlkey: c for c in candidates_of(evidence.asked, evidence.site)}
    spans = {c.urlkey: (c.shown[0].timestamp, c.shown[-1].timestamp) for c in candidates.values() if c.shown}
    mentions = _mentions(evidence, spans)
    redirects = _redirects(evidence)
    listed = _listed(evidence, frozenset((*mentions, *redirects)) - frozenset(candidates))
    homes = _homes_of_kinds(candidates.values(), mentions)
    scored = []
    for key in dict.fromkeys((*candidates, *mentions, *redirects)):
        candidate = candidates.get(key) or listed.get(key)
        seen = mentions.get(key, [])
        homeless = frozenset(kind for kind, keys in homes.items() if keys == {key})
        kinds = _kinds_of(candidate, seen, redirects.get(key), homeless)
        scored += [_score(kind, key, candidate, seen, redirects.get(key)) for kind in kinds]
    return scored


def _homes_of_kinds(
    candidates: Iterable[Candidate], mentions: Mapping[str, Sequence[tuple[str, Mention]]]
) -> dict[Kind, set[str]]:
    """Return kind → urlkeys that may be its address: so called by a home page, or so named by themselves."""
    homes: dict[Kind, set[str]] = {}
    for candidate in candidates:
        if candidate.shown and candidate.reading.exactness >= 0.5:
            homes.setdefault(candidate.reading.kind, set()).add(candidate.urlkey)
    for key, seen in mentions.items():
        for _, mention in seen:
            if _is_naming(mention):
                homes.setdefault(mention.kind, set()).add(key)
    return homes


def _is_naming(mention: Mention) -> bool:
    return mention.page.purpose in LINK_PAGES and mention.confidence >= SURE_LINK


def _listed(evidence: SiteEvidence, keys: frozenset[str]) -> dict[str, Candidate]:
    """Return urlkey → rows of addresses that say nothing, but that a link or redirect leads to.

    They were asked for one by one, or a search of the site showed them among its rows.
    """
    found = {}
    for answer in evidence.asked:
        if answer.state not in (AnswerState.COMPLETE, AnswerState.CUT):
            continue
        complete = answer.state is AnswerState.COMPLETE
        if answer.asked.purpose is Purpose.ADDRESS:
            key = urlkey(answer.asked.query.url)
            found[key] = _silent_candidate(key, answer.rows, listed=complete)
        elif answer.asked.purpose in _SEARCHES and complete:
            for key, rows in _rows_by_key(answer.rows, keys).items():
                found.setdefault(key, _silent_candidate(key, rows, listed=True))
    return found


def _silent_candidate(key: str, rows: Sequence[CdxRow], *, listed: bool) -> Candidate:
    says_nothing = AddressHint(kind=Kind.OTHER, exactness=0.0)
    return Candidate(urlkey=key, reading=says_nothing, rows=tuple(rows), listed=listed)


def _rows_by_key(rows: Sequence[CdxRow], keys: frozenset[str]) -> dict[str, list[CdxRow]]:
    found: dict[str, list[CdxRow]] = {}
    for row in rows:
        if row.urlkey in keys:
            found.setdefault(row.urlkey, []).append(row)
    return found


def _mentions(
    evidence: SiteEvidence, spans: Mapping[str, tuple[str, str]]
) -> dict[str, list[tuple[str, Mention]]]:
    """Return urlkey → (address, mention) of every link that may be followed.

    A link to `/privacy?ref=footer` is one to `/privacy`, unless the archive has only the former of the
    link's time: `spans` are the first and last 14 digits of what it shows, by urlkey.
    """
    found: dict[str, list[tuple[str, Mention]]] = {}
    for page in evidence.pages:
        own_kinds = {link.kind for link in page.links if is_on_site(link.url, evidence.site)}
        for link in page.links:
            foreign = not is_on_site(link.url, evidence.site)
            if link.kind is Kind.HOME or (foreign and not _may_follow(page, link.label, link.confidence)):
                continue
            if foreign and (link.kind in own_kinds or _is_parked_link(link.url, evidence.site)):
                continue
            weight = 1.0 if page.purpose in LINK_PAGES else 0.8
            address, fragment = urldefrag(link.url)
            bare = _undecorated(address, page.row.timestamp, spans)
            mention = Mention(
                page=page,
                kind=link.kind,
                label=link.label,
                confidence=link.confidence * weight,
                fragment=fragment,
            )
            found.setdefault(urlkey(bare), []).append((bare, mention))
    return found


def _is_parked_link(url: str, site: str) -> bool:
    """Return whether a link leads to a company that parks domains.

    Its page stood there between two owners.
    """
    return registrable_domain(urlsplit(url).hostname or "") in _registrars() and site not in _registrars()


@cache
def _registrars() -> frozenset[str]:
    registrars = read_words("owners")["registrar"].values()
    return frozenset(domain for known in registrars for domain in known["domains"])


def _undecorated(url: str, seen_at: str, spans: Mapping[str, tuple[str, str]]) -> str:
    reading = read_address(url)
    bare = url.partition("?")[0]
    span = None if reading is None or reading.clean else spans.get(urlkey(bare))
    if span is None:
        return url
    own = spans.get(urlkey(url))
    has_own_time = own is not None and not all(is_within_a_year(time, span) for time in own)
    return url if has_own_time and not is_within_a_year(seen_at, span) else bare


def is_within_a_year(timestamp: str, span: tuple[str, str]) -> bool:
    """Return whether a time lies between two others, a year more at both ends; all in 14 digits."""
    first, last = span
    return (
        seconds_between(timestamp, first) <= YEAR_SECONDS and seconds_between(last, timestamp) <= YEAR_SECONDS
    )


def _may_follow(page: VisitedPage, label: str, confidence: float) -> bool:
    """Return whether a link leads to the site's own policy on another host.

    Only a home page may say so, and only by the policy's bare name: "Google Privacy Policy" is Google's.
    """
    words = fold(label)
    named = any(match.strength >= 0.9 for match in match_name(words)) and not find_qualifiers(words)[0]
    return page.purpose in LINK_PAGES and confidence >= SURE_LINK and named


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


def _score(
    kind: Kind,
    key: str,
    candidate: Candidate | None,
    seen: Sequence[tuple[str, Mention]],
    redirect: tuple[str, str, Kind] | None,
) -> ScoredCandidate:
    url, reading = _read_url(candidate, seen, redirect)
    mentions = tuple(mention for _, mention in seen if mention.kind is kind)
    names, variant = _names_of(kind, reading, mentions, bool(redirect))
    return ScoredCandidate(
        url=url,
        urlkey=key,
        kind=kind,
        names=names,
        variant=variant,
        languages=reading.languages if reading else (),
        exactness=reading.exactness if reading else 0.0,
        candidate=candidate,
        mentions=mentions,
        redirected_from=redirect[1] if redirect else "",
        fragment=_fragment_of(kind, [mention for _, mention in seen]),
    )


def _fragment_of(kind: Kind, seen: Sequence[Mention]) -> str:
    """Return the part of a page that links of one kind lead to, '' where all kinds lead to the same."""
    surest = {mention.kind: mention for mention in sorted(seen, key=lambda one: one.confidence)}
    own = surest.pop(kind, None)
    others = {mention.fragment for mention in surest.values()}
    return own.fragment if own and others and own.fragment not in others else ""


def _read_url(
    candidate: Candidate | None,
    seen: Sequence[tuple[str, Mention]],
    redirect: tuple[str, str, Kind] | None,
) -> tuple[str, AddressHint | None]:
    """Return an address as its latest capture has it, or else as it was last named, and what it promises."""
    named = seen[-1][0] if seen else redirect[0] if redirect else ""
    url = candidate.url if candidate and (candidate.shown or not named) else named
    return url, candidate.reading if candidate and candidate.reading.exactness else read_address(url)


def _kinds_of(
    candidate: Candidate | None,
    seen: Sequence[tuple[str, Mention]],
    redirect: tuple[str, str, Kind] | None,
    homeless: frozenset[Kind],
) -> list[Kind]:
    """Return the kinds of an address: what it is called most and calls itself, first.

    A page that says nothing of itself may be called by two names ("Terms", "Privacy"): it holds both. So does
    /terms under a label of both, where the other kind has no other address (`homeless`).
    """
    mentions = [mention for _, mention in seen]
    _, reading = _read_url(candidate, seen, redirect)
    votes = _vote(reading, mentions, redirect)
    order = list(Kind)
    kinds = sorted(votes, key=lambda kind: (-votes[kind], order.index(kind)))
    named = {mention.kind for mention in mentions if _is_naming(mention)}
    says_one = reading is not None and reading.exactness >= 0.9 and reading.kind is not Kind.OTHER
    may_be = (named & homeless) if says_one else named
    both = (kind for kind in kinds[1:] if kind in may_be and kind is not Kind.OTHER)
    return [*kinds[:1], *both]


def _vote(
    reading: AddressHint | None, mentions: Sequence[Mention], redirect: tuple[str, str, Kind] | None
) -> dict[Kind, float]:
    votes: dict[Kind, float] = {}
    for mention in mentions:
        votes[mention.kind] = max(votes.get(mention.kind, 0.0), mention.confidence)
    if reading:
        weight = 0.3 if reading.kind is Kind.OTHER and votes else 0.6  # /legal may be any policy
        votes[reading.kind] = votes.get(reading.kind, 0.0) + weight * reading.exactness
    if redirect:
        votes[redirect[2]] = votes.get(redirect[2], 0.0) + 0.5
    return votes


def _names_of(
    kind: Kind, reading: AddressHint | None, mentions: Sequence[Mention], redirected: bool
) -> tuple[tuple[str, ...], str]:
    """Return what tells the document from the main one: what home pages call it goes before its address."""
    variant = reading.variant if reading else ""
    labels = [fold(s.label) for s in mentions if s.confidence >= SURE_LINK and s.page.purpose in LINK_PAGES]
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
    # a label that names no policy ("Jobs") says what the link is for, not whose policy it leads to
    told = (label for label in (fold(mention.label) for mention in mentions) if match_name(label))
    mentioned = (name for label in told for name in find_qualifiers(label)[0])
    return tuple(dict.fromkeys((*(reading.names if reading else ()), *mentioned))), variant
