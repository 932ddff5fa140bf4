"""Finding of policies, measured: the demo archive's sites, made sites whose policy moves, the domains of
../shared/replay/dev, the real home pages of ../shared/real-pages/dev, by era and language, and written ones.

`python bench/discovery.py` prints, for each site, documents found of those expected, addresses found of
theirs, documents that nobody expected, and requests spent: index queries and captures read. Every
question goes through the local archive server's own dialect code, without a network in between. Each set is
measured twice, home pages found by replay and listed by the index, and what the two found is compared.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from support.archived_site import ArchivedSite

from bench import moves, real_pages, written_pages
from policy_archive.archive_server.answers import Request
from policy_archive.archive_server.server import Archive
from policy_archive.archive_server.warc import WarcSource
from policy_archive.crawler.archive.cdx import Dialect, IndexReader
from policy_archive.crawler.archive.replay import (
    Answer,
    Nearest,
    Question,
    classify_answer,
    classify_nearest,
    first_capture,
)
from policy_archive.crawler.core.errors import BlockedError, CdxError
from policy_archive.crawler.core.records import CdxRow, Kind, Outcome, PolicyLink
from policy_archive.crawler.core.urlkeys import urlkey
from policy_archive.crawler.core.urls import build_uri_m, parse_site
from policy_archive.crawler.discovery.links import find_policy_links
from policy_archive.crawler.discovery.records import (
    AnswerState,
    AskedQuery,
    DiscoveryOptions,
    DiscoveryPlan,
    Look,
    Looked,
    PageRequest,
    SiteEvidence,
    SiteQuery,
    VisitedPage,
)
from policy_archive.crawler.discovery.run import discover_site
from policy_archive.pipelines.extract.source.decode import decode_body
from policy_archive.pipelines.extract.source.parse import parse_html

ARCHIVE_URL = "http://archive.local"
KINDS = frozenset({Kind.PRIVACY, Kind.TERMS, Kind.COOKIES, Kind.OTHER})
PROJECT = Path(__file__).resolve().parent.parent


class LocalArchive:
    """Answers discovery's questions out of WARC files, and counts them."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self.index_requests = 0
        self.replay_requests = 0
        self.firsts: dict[str, Nearest] = {}

    def _get(self, url: str) -> Answer:
        target = url.removeprefix(ARCHIVE_URL)
        headers = {"user-agent": "bench", "host": "archive.local"}
        answer = self.archive.respond(
            Request(
                method="GET",
                target=target,
                headers=headers,
                peer="bench",
                connection=1,
                monotonic=time.monotonic(),
            )
        )
        return Answer(
            url=url,
            status=answer.status,
            headers={name.lower(): value for name, value in answer.headers},
            body=answer.body,
        )

    async def ask(self, asked: SiteQuery) -> AskedQuery:
        """Return the index's answer."""
        reader = IndexReader(archive_url=ARCHIVE_URL, query=asked.query, dialect=Dialect.WAYBACK)
        rows: list[CdxRow] = []
        for _ in range(asked.most_pages):
            if reader.next_url is None:
                break
            self.index_requests += 1
            answer = self._get(reader.next_url)
            try:
                rows += reader.read(answer.status, answer.body).rows
            except BlockedError:
                return AskedQuery(asked=asked, state=AnswerState.BLOCKED)
            except CdxError as error:
                slow = error.status == 504
                return AskedQuery(asked=asked, state=AnswerState.TOO_SLOW if slow else AnswerState.FAILED)
        state = AnswerState.COMPLETE if reader.next_url is None else AnswerState.CUT
        return AskedQuery(asked=asked, state=state, rows=tuple(rows))

    async def look(self, look: Look) -> Looked:
        """Return which capture replay leads to."""
        found = self.firsts.get(urlkey(look.url))
        if found is None or look.timestamp > (found.timestamp or ""):
            self.replay_requests += 1
            answer = self._get(build_uri_m(ARCHIVE_URL, look.timestamp, look.url))
            found = classify_nearest(answer, look.url, ARCHIVE_URL)
        if found.timestamp is None:
            known = found.outcome is Outcome.NOT_ARCHIVED
            return Looked(asked=look, state=AnswerState.COMPLETE if known else AnswerState.FAILED)
        row = CdxRow(
            urlkey=urlkey(found.original),
            timestamp=found.timestamp,
            original=found.original,
            mimetype="-",
            statuscode="-",
            digest="-",
            length=None,
        )
        return Looked(asked=look, state=AnswerState.COMPLETE, row=row)

    async def read(self, wanted: PageRequest) -> VisitedPage:
        """Return the capture's links, or where it redirects."""
        asked: tuple[str, ...] = (build_uri_m(ARCHIVE_URL, wanted.row.timestamp, wanted.row.original),)
        while True:
            self.replay_requests += 1
            question = Question(row=wanted.row, archive_url=ARCHIVE_URL, asked=asked)
            answer = self._get(asked[-1])
            playback = classify_answer(answer, question)
            if not playback.follow:
                break
            asked = (*asked, playback.follow)
        links: tuple[PolicyLink, ...] = ()
        first = first_capture(answer, wanted.row.original, ARCHIVE_URL)
        if first is not None:
            self.firsts[wanted.row.urlkey] = first
        if playback.body is not None and playback.outcome is None:
            text = decode_body(playback.body, playback.content_type or "").text
            links = find_policy_links(parse_html(text), url=wanted.row.original)
        return VisitedPage(
            row=wanted.row,
            purpose=wanted.purpose,
            outcome=playback.outcome or Outcome.HOME,
            links=links,
            location=playback.location,
        )


@dataclass(frozen=True, kw_only=True)
class Expected:
    """A document that a site is known to have."""

    site: str
    kind: Kind | None
    """None: the truth does not say, any kind is right."""
    name: str | None
    addresses: frozenset[str]
    """Urlkeys."""


@dataclass(frozen=True, kw_only=True)
class Score:
    """How discovery did on one site."""

    site: str
    expected: int
    found: int
    addresses: int
    addresses_found: int
    wrong: tuple[str, ...]
    index_requests: int
    replay_requests: int
    plan: DiscoveryPlan

    @property
    def rows(self) -> Rows:
        """What was found."""
        return rows_of(self.plan)

    @property
    def requests(self) -> int:
        return self.index_requests + self.replay_requests


Rows = dict[str, frozenset[tuple[str, str]]]
"""Kind and name of a document → urlkey and time of each row listed of it, (urlkey, '') of each address."""


def rows_of(plan: DiscoveryPlan) -> Rows:
    """Return what a plan found: its documents, and the rows of their addresses."""
    return {
        f"{found.document.kind} {found.document.name}".strip(): frozenset(
            pair
            for address in found.addresses
            for pair in ((address.urlkey, ""), *((row.urlkey, row.timestamp) for row in address.rows))
        )
        for found in plan.documents
    }


def measure(
    archive: Archive,
    sites: Mapping[str, list[Expected]],
    closed: frozenset[str] = frozenset(),
    *,
    has_nearest: bool = True,
) -> list[Score]:
    """Return a score for each site; of the `closed` ones the truth names all documents that there are.

    `has_nearest`: home pages are found by replay, else by the index.
    """
    options = DiscoveryOptions(kinds=KINDS, has_nearest=has_nearest)
    return [
        _measure_site(archive, site, expected, site in closed, options) for site, expected in sites.items()
    ]


def _measure_site(
    archive: Archive, site: str, expected: list[Expected], closed: bool, options: DiscoveryOptions
) -> Score:
    local = LocalArchive(archive)
    plan, _ = asyncio.run(
        discover_site(SiteEvidence(site=site), options, ask=local.ask, look=local.look, read=local.read)
    )
    keys = {d.document: frozenset(a.urlkey for a in d.addresses) for d in plan.documents}
    matched = {
        wanted: next((d for d, found in keys.items() if _is_it(wanted, d.kind, d.name, found)), None)
        for wanted in expected
    }
    extra = [d for d in keys if d not in matched.values()] if closed else []
    return Score(
        site=site,
        expected=len(expected),
        found=sum(document is not None for document in matched.values()),
        addresses=sum(len(wanted.addresses) for wanted in expected),
        addresses_found=sum(len(w.addresses & keys[d]) for w, d in matched.items() if d is not None),
        wrong=tuple(f"{d.kind.value} {d.name}".strip() for d in extra),
        index_requests=local.index_requests,
        replay_requests=local.replay_requests,
        plan=plan,
    )


def _is_it(wanted: Expected, kind: Kind, name: str, keys: frozenset[str]) -> bool:
    return (
        (wanted.kind is None or wanted.kind is kind)
        and (wanted.name is None or wanted.name == name)
        and bool(wanted.addresses & keys)
    )


def closed_sites(truth_path: Path) -> frozenset[str]:
    """Return the demo's sites but for the parked one: whose policy a page is, is not discovery's to say."""
    truth = json.loads(truth_path.read_text("utf-8"))
    return frozenset(site["site"] for site in truth["sites"] if site["owner"] != "registrar")


def demo_sites(truth_path: Path) -> dict[str, list[Expected]]:
    """Return the demo archive's sites with the documents of truth.json."""
    truth = json.loads(truth_path.read_text("utf-8"))
    return {
        site["site"]: [
            Expected(
                site=site["site"],
                kind=Kind(document["kind"]),
                name=document["name"],
                addresses=frozenset(map(urlkey, document["addresses"])),
            )
            for document in site["documents"]
        ]
        for site in truth["sites"]
    }


def replay_sites(captures_path: Path) -> dict[str, list[Expected]]:
    """Return the domains of recorded captures with the addresses recorded; the kind is not told there."""
    sites: dict[str, list[Expected]] = {}
    urls = {json.loads(line)["url"] for line in captures_path.read_text("utf-8").splitlines()}
    for url in sorted(urls):
        site = parse_site(urlsplit(url).hostname or "")
        expected = Expected(site=site, kind=None, name=None, addresses=frozenset({urlkey(url)}))
        sites.setdefault(site, []).append(expected)
    return sites


def print_scores(title: str, scores: Iterable[Score], *, verbose: bool) -> None:
    """Print a line a site, and the sums."""
    scores = list(scores)
    print(f"\n{title}")
    print(f"{'site':28} {'documents':>9} {'addresses':>9} {'index':>5} {'replay':>6}  outcome")
    for score in scores:
        wrong = f"  WRONG: {', '.join(score.wrong)}" if score.wrong else ""
        print(
            f"{score.site:28} {score.found:>4}/{score.expected:<4} "
            f"{score.addresses_found:>4}/{score.addresses:<4} {score.index_requests:>5} "
            f"{score.replay_requests:>6}  {score.plan.outcome}: {score.plan.reason}{wrong}"
        )
        if verbose:
            _print_documents(score)
    print(
        f"{'all':28} {sum(s.found for s in scores):>4}/{sum(s.expected for s in scores):<4} "
        f"{sum(s.addresses_found for s in scores):>4}/{sum(s.addresses for s in scores):<4}  "
        f"wrong {sum(len(s.wrong) for s in scores)}; median requests a site "
        f"{statistics.median(s.requests for s in scores):g}, of them index queries "
        f"{statistics.median(s.index_requests for s in scores):g}"
    )


def print_cost(
    name: str, one: Sequence[tuple[int, int]], rows: Sequence[Rows], other: Sequence[Rows]
) -> None:
    """Print what sites cost, (index queries, replays) each, and how what was found differs from `other`."""
    index, replay = zip(*one, strict=True)
    less = sum(bool(set(b) - set(a)) for a, b in zip(rows, other, strict=True))
    pairs = [(join_rows(a), join_rows(b)) for a, b in zip(rows, other, strict=True)]
    print(
        f"  {name:9} index queries a site: median {statistics.median(index):g}, "
        f"mean {statistics.fmean(index):.2f}; "
        f"replays: median {statistics.median(replay):g}, mean {statistics.fmean(replay):.2f}; "
        f"documents {sum(map(len, rows))}, rows {sum(len(a) for a, _ in pairs)}; "
        f"not found: documents of {less} sites, rows {sum(len(b - a) for a, b in pairs)}"
    )


def join_rows(rows: Rows) -> frozenset[tuple[str, str]]:
    """Return all rows, whatever document they are of."""
    return frozenset().union(*rows.values())


def print_both(title: str, replayed: Sequence[Score], listed: Sequence[Score]) -> None:
    """Print what home pages by replay cost and find, beside home pages by the index."""
    print(f"{title}: home pages by")
    for name, ours, theirs in (("replay", replayed, listed), ("the index", listed, replayed)):
        costs = [(score.index_requests, score.replay_requests) for score in ours]
        print_cost(name, costs, [score.rows for score in ours], [score.rows for score in theirs])


def _print_documents(score: Score) -> None:
    for document in score.plan.documents:
        print(f"    {document.document.kind.value} {document.document.name!r} {document.confidence}")
        for address in document.addresses:
            years = f"{(address.first_seen or '')[:4]}-{(address.last_seen or '')[:4]}"
            print(f"        {address.url} {years} {address.source}: {address.evidence}")


def main() -> None:
    """Measure all sets, those of real pages where their data lie beside the checkout."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--verbose", action="store_true", help="print documents and addresses")
    parser.add_argument("--made", type=int, default=1000, help="sites to make of real home pages")
    arguments = parser.parse_args()
    verbose, made = arguments.verbose, arguments.made
    demo = PROJECT / "data" / "demo"
    truth = demo / "truth.json"
    archive = Archive(WarcSource(sorted(demo.glob("*.warc.gz"))))
    scores = measure(archive, demo_sites(truth), closed_sites(truth))
    print_scores("demo archive", scores, verbose=verbose)
    print_both("demo archive", scores, measure(archive, demo_sites(truth), has_nearest=False))
    recorded = PROJECT.parent / "shared" / "replay" / "dev"
    if recorded.is_dir():
        archive = Archive(WarcSource(sorted((recorded / "archive").glob("*.warc.gz"))))
        domains = replay_sites(recorded / "captures.jsonl")
        scores = measure(archive, domains)
        print_scores("recorded domains", scores, verbose=verbose)
        print_both("recorded domains", scores, measure(archive, domains, has_nearest=False))
    print("\nmade sites whose policy moves")
    moves.main()
    _print_made("made sites whose policy moves", (move.build for move in moves.MOVES), (Kind.PRIVACY,))
    real = PROJECT.parent / "shared" / "real-pages" / "dev"
    if real.is_dir():
        real_pages.print_real_pages(real)
        makers = real_pages.iter_makers(real, made)
        _print_made(f"{made} made sites with real home pages", makers, (Kind.PRIVACY, Kind.TERMS))
    written_pages.print_written_pages()


def _print_made(title: str, makers: Iterable[Callable[[], ArchivedSite]], kinds: Collection[Kind]) -> None:
    """Print what made sites cost and show, their home pages by replay and by the index."""
    found: dict[bool, list[Rows]] = {True: [], False: []}
    costs: dict[bool, list[tuple[int, int]]] = {True: [], False: []}
    for make in makers:
        for has_nearest in found:
            site = make()
            site.has_nearest = has_nearest
            found[has_nearest].append(rows_of(site.discover(kinds)))
            costs[has_nearest].append((len(site.asked), len(site.looked) + len(site.read)))
    print(f"{title}: home pages by")
    for name, by in (("replay", True), ("the index", False)):
        print_cost(name, costs[by], found[by], found[not by])


if __name__ == "__main__":
    main()
