"""Index queries of discovery, and the candidates that their rows hold."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import quote, urldefrag, urlsplit

from policy_archive.crawler.archive.cdx import IndexQuery
from policy_archive.crawler.core.records import POLICY_KINDS, CdxRow, Kind
from policy_archive.crawler.core.urls import registrable_domain
from policy_archive.crawler.discovery.addresses import AddressHint, read_address
from policy_archive.crawler.discovery.records import AnswerState, AskedQuery, Purpose, SiteQuery
from policy_archive.data import read_words

MOST_DOMAIN_PAGES = 4  # of 25,000 rows: what is larger is searched host by host
MOST_ADDRESSES = 10_000
"""Addresses of an answer that are read, the shortest, 0.2 ms each: where there are more, users write them."""
MOST_CANDIDATES = 1_000  # what a planner can go through after every answer
LEAST_EXACTNESS = 0.15  # below, an address only mentions the subject

# Neither pictures nor programs hold policies; revisits (warc/revisit) and `unk` must stay.
_NO_ASSETS = (
    "!mimetype:(image|audio|video|font)/.*|text/(css|javascript)|application/(.*javascript|json|.*font.*)"
)
_SAME_PAGE = re.compile(r"^https?://(?:www\.)?([^/:?#]+)(?::80|:443)?(?=[/?#]|$)", re.IGNORECASE)
_HTML_LIKE = re.compile(r"text/.*|application/(xhtml.*|pdf|msword)|warc/revisit|unk|-|")


def domain_query(site: str, kinds: Iterable[Kind]) -> SiteQuery:
    """Return the one query that finds most: every key of the domain that holds a policy word."""
    return _search(site, kinds, Purpose.DOMAIN, "domain", site)


def host_query(site: str, kinds: Iterable[Kind]) -> SiteQuery:
    """Return the same for the main host alone."""
    return _search(site, kinds, Purpose.HOST, "host", site)


def prefix_queries(site: str, kinds: Iterable[Kind]) -> tuple[SiteQuery, ...]:
    """Return the same for the paths that policies mostly stand under."""
    prefixes = read_words("policy-addresses")["prefixes"]
    paths = dict.fromkeys(
        path for kind in POLICY_KINDS if kind in set(kinds) for path in prefixes[kind.value]
    )
    return tuple(_search(site, kinds, Purpose.PREFIX, "prefix", f"{site}{path}") for path in paths)


def _search(site: str, kinds: Iterable[Kind], purpose: Purpose, match_type: str, url: str) -> SiteQuery:
    query = IndexQuery(url=url, match_type=match_type, filters=(f"urlkey:{key_pattern(kinds)}", _NO_ASSETS))
    return SiteQuery(purpose=purpose, query=query, most_pages=MOST_DOMAIN_PAGES)


def usual_queries(site: str, kind: Kind, number: int) -> tuple[SiteQuery, ...]:
    """Return queries for the likeliest addresses of a kind, one each."""
    paths = read_words("policy-addresses")["usual"][kind.value][:number]
    return tuple(
        SiteQuery(purpose=Purpose.USUAL, query=IndexQuery(url=f"http://{site}{path}")) for path in paths
    )


def address_query(url: str) -> SiteQuery:
    """Return the query for all rows of one address: they are its history too."""
    return SiteQuery(
        purpose=Purpose.ADDRESS, query=IndexQuery(url=urldefrag(url)[0]), most_pages=MOST_DOMAIN_PAGES
    )


def page_query(url: str, purpose: Purpose) -> SiteQuery:
    """Return the query for captures of a page that is read for its links: at most one a day."""
    query = IndexQuery(url=url, filters=("statuscode:(200|30[12378]|-)",), collapse=("timestamp:8",))
    return SiteQuery(purpose=purpose, query=query)


def key_pattern(kinds: Iterable[Kind]) -> str:
    """Return the regular expression that the whole urlkey of a policy of these kinds matches.

    It finds too much rather than too little: `rank_index_rows` is the judge.
    Both Java's and Python's regular expressions read it alike.
    """
    words = read_words("policy-addresses")["index"]
    pieces = [piece for kind in POLICY_KINDS if kind in set(kinds) for piece in words[kind.value]]
    pieces += words["any"]
    # a dot for each "%", which would be sent as "%25": servers refuse request lines of more than 4 to 8 kB
    pieces += [quote(piece).lower().replace("%", ".") for piece in words["encoded"]]
    long, short, hosts = ("|".join(part) for part in (pieces, words["short"], words["hosts"]))
    # only behind the bracket: in the host's name a policy word says nothing
    return rf"[^)]*\)/(.*({long}).*|(.*[/_.=-])?({short})([/_.?&=-].*)?)|[^)]*,({hosts})\)/[^/]*"


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """An address that may hold a policy, with its rows."""

    urlkey: str
    reading: AddressHint
    rows: tuple[CdxRow, ...]
    """Of this urlkey, in order of time."""
    listed: bool
    """True when the index cannot have more of it."""

    @cached_property
    def shown(self) -> tuple[CdxRow, ...]:
        """Rows that may be the page itself."""
        return tuple(row for row in self.rows if row.statuscode in ("200", "-") and may_be_text(row))

    @cached_property
    def redirects(self) -> tuple[CdxRow, ...]:
        return tuple(row for row in self.rows if row.statuscode.startswith("3"))

    @property
    def url(self) -> str:
        """The address as the latest capture has it, redirects last."""
        return (self.shown or self.rows)[-1].original

    @property
    def confidence(self) -> float:
        """0 to 1: a page seen once may be anything, one that only redirects is hardly a page."""
        seen = min(1.0, len(self.shown) / 3)
        return self.reading.exactness * (0.85 + 0.15 * seen if self.shown else 0.5)

    @property
    def rank(self) -> float:
        """Exactness first, then years, then captures."""
        years = {row.timestamp[:4] for row in self.shown}
        weight = 0.6 + 0.25 * min(1.0, len(years) / 5) + 0.15 * min(1.0, len(self.shown) / 20)
        return self.reading.exactness * weight if self.shown else self.reading.exactness * 0.2


def may_be_text(row: CdxRow) -> bool:
    """Return whether the index's type leaves room for a text."""
    return bool(_HTML_LIKE.fullmatch(row.mimetype.partition(";")[0].strip().lower()))


def rank_index_rows(
    rows: Iterable[CdxRow], site: str, *, listed_below: str | None = None
) -> tuple[Candidate, ...]:
    """Return the addresses of a site that may hold policies, best first; of very many the likeliest.

    What is left out is found by a link still: its rows are there.
    `listed_below`: an answer was cut at this key, so that only keys before it are complete.
    """
    by_key: dict[str, list[CdxRow]] = {}
    for row in rows:
        by_key.setdefault(row.urlkey, []).append(row)
    keys = sorted(by_key, key=lambda key: (len(key), key))[:MOST_ADDRESSES]
    candidates = [_candidate(key, by_key[key], listed_below) for key in keys]
    kept = [c for c in candidates if c is not None and is_on_site(c.url, site)]
    return tuple(sorted(kept, key=lambda c: (-c.rank, c.urlkey))[:MOST_CANDIDATES])


def _rank_once(answer: AskedQuery, site: str, listed_below: str | None) -> tuple[Candidate, ...]:
    """Return the ranking of an answer, kept with the answer: rows of finished sites leave the memory."""
    key = f"{site} {listed_below}"
    if key not in answer.ranked:
        answer.ranked[key] = rank_index_rows(answer.rows, site, listed_below=listed_below)
    ranking: tuple[Candidate, ...] = answer.ranked[key]
    return ranking


def _candidate(key: str, rows: list[CdxRow], listed_below: str | None) -> Candidate | None:
    ordered = tuple(sorted(rows, key=lambda row: (row.timestamp, row.original)))
    # the key is lower case: an original still knows userPrivacy from userprivacy
    best = max(map(read_address, {_page(row.original) for row in ordered}), key=_exactness)
    if best is None or best.exactness < LEAST_EXACTNESS:
        return None
    listed = listed_below is None or key < listed_below
    candidate = Candidate(urlkey=key, reading=best, rows=ordered, listed=listed)
    return candidate if candidate.shown or candidate.redirects else None


def _page(url: str) -> str:
    """Return an address without what captures of one page differ in: scheme, www, port."""
    return _SAME_PAGE.sub(r"https://\1", url)


def _exactness(reading: AddressHint | None) -> float:
    return reading.exactness if reading else -1.0


def is_on_site(url: str, site: str) -> bool:
    """Return whether an address is on the site or one of its hosts."""
    host = urlsplit(url).hostname or ""
    return host == site or host.endswith(f".{site}") or registrable_domain(host) == site


def was_searched(asked: Iterable[AskedQuery], key: str, kinds: Iterable[Kind]) -> bool:
    """Return whether a complete search of the domain would have shown rows of an urlkey."""
    pattern = re.compile(key_pattern(kinds))
    complete = any(
        answer.asked.purpose is Purpose.DOMAIN and answer.state is AnswerState.COMPLETE for answer in asked
    )
    return complete and bool(pattern.fullmatch(key))


def candidates_of(asked: Sequence[AskedQuery], site: str) -> tuple[Candidate, ...]:
    """Return the candidates of all answers so far; an address is taken where its rows are complete."""
    best: dict[str, Candidate] = {}
    for answer in asked:
        if answer.asked.purpose in (Purpose.HOME, Purpose.FRAME):
            continue
        cut = answer.rows[-1].urlkey if answer.state is not AnswerState.COMPLETE and answer.rows else None
        for candidate in _rank_once(answer, site, cut):
            if candidate.urlkey not in best or candidate.listed:
                best[candidate.urlkey] = candidate
    return tuple(sorted(best.values(), key=lambda c: (-c.rank, c.urlkey)))
