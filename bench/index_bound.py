"""How long a crawl of 130,604 sites takes at the Wayback Machine's rates, and which budget holds it up.

    python bench/index_bound.py [--sites 20000] [--made 200]

What finding the policies of a site costs is measured, not assumed: discovery itself is run on the demo
archive's sites and on made sites with real home pages (bench/real_pages.py; where their data lie beside the
checkout), with home pages found by replay, and listed by the index, as 0.1.0 did. A crawl of sites drawn from
these is then simulated: so many sites at once, each asking in its order, with as many requests under way as
the program allows. Rates are the program's (crawler/core/defaults.py: 24 index queries a minute and 8
replays a second, 80 % of what the Internet Archive allows, EDGI wayback 0.5.1 of June 2026). Versions a site:
1,071,488 of 130,604 sites, Princeton-Leuven corpus (Amos et al. 2021). Replays a version: docs/planning.md.
"""

from __future__ import annotations

import argparse
import heapq
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from statistics import fmean

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import discovery, real_pages
from policy_archive.archive_server.server import Archive
from policy_archive.archive_server.warc import WarcSource
from policy_archive.crawler.archive.rate_gate import Budget
from policy_archive.crawler.core.defaults import INDEX_PER_MINUTE, REPLAY_PER_SECOND
from policy_archive.crawler.core.records import Kind
from policy_archive.crawler.core.timestamps import DAY_SECONDS
from policy_archive.crawler.spiders.base import MOST_IN_FLIGHT, SITES_AT_ONCE

SITES = 130_604
VERSIONS_A_SITE = 1_071_488 / SITES
REPLAYS_A_VERSION = (3, 4, 5)
LATENCY_SECONDS = {Budget.INDEX: 2.0, Budget.REPLAY: 0.4}
"""Assumed: nobody timed the archive's answers. As long as the index's take less than 2.5 s and replay's less
than 0.5 s, the rates hold the crawl up and not these."""

Cost = tuple[int, int]
"""Index queries and replays of finding one site's policies."""


@dataclass
class Door:
    """One budget: requests pass at a pace, and only so many are under way."""

    seconds_apart: float
    latency_seconds: float
    most: int
    opens: float = 0.0
    spent: float = 0.0
    _ends: list[float] = field(default_factory=list)

    def pass_at(self, now: float) -> float:
        """Return when a request that comes at `now` is answered, in seconds."""
        start = max(now, self.opens)
        if len(self._ends) >= self.most:
            start = max(start, heapq.heappop(self._ends))
        self.opens = start + self.seconds_apart
        self.spent += self.seconds_apart
        heapq.heappush(self._ends, start + self.latency_seconds)
        return start + self.latency_seconds


def simulate(
    costs: Sequence[Cost], replays_a_version: float, sites: int
) -> tuple[float, dict[Budget, float]]:
    """Return the days that SITES sites take, and of each budget the share of that time in which it is spent.

    `sites` of them are simulated, drawn from `costs`, their versions from a long-tailed distribution.
    """
    random = Random(20)
    paces = {Budget.INDEX: 60 / INDEX_PER_MINUTE, Budget.REPLAY: 1 / REPLAY_PER_SECOND}
    doors = {
        budget: Door(seconds, LATENCY_SECONDS[budget], MOST_IN_FLIGHT[budget])
        for budget, seconds in paces.items()
    }
    left = iter(range(sites))
    under_way = [(0.0, number, iter(())) for number in range(SITES_AT_ONCE)]
    heapq.heapify(under_way)
    last = 0.0
    while under_way:
        now, number, steps = heapq.heappop(under_way)
        last = max(last, now)
        budget = next(steps, None)
        if budget is None:
            if next(left, None) is None:
                continue
            versions = random.expovariate(1 / VERSIONS_A_SITE)
            steps = _steps(random.choice(costs), round(versions * replays_a_version))
            budget = next(steps)
        heapq.heappush(under_way, (doors[budget].pass_at(now), number, steps))
    days = last * SITES / sites / DAY_SECONDS
    return days, {budget: door.spent / last for budget, door in doors.items()}


def _steps(cost: Cost, captures: int) -> Iterator[Budget]:
    """Yield what a site asks for: the domain, its home pages, addresses that they link to, captures."""
    queries, looks = cost
    yield Budget.INDEX
    yield from (Budget.REPLAY for _ in range(looks))
    yield from (Budget.INDEX for _ in range(queries - 1))
    yield from (Budget.REPLAY for _ in range(captures))


def demo_costs(*, has_nearest: bool) -> list[Cost]:
    """Return what the demo archive's sites cost."""
    demo = discovery.PROJECT / "data" / "demo"
    archive = Archive(WarcSource(sorted(demo.glob("*.warc.gz"))))
    scores = discovery.measure(archive, discovery.demo_sites(demo / "truth.json"), has_nearest=has_nearest)
    return [(score.index_requests, score.replay_requests) for score in scores]


def made_costs(folder: Path, number: int, *, has_nearest: bool) -> list[Cost]:
    """Return what made sites with real home pages cost."""
    costs = []
    for make in real_pages.iter_makers(folder, number):
        site = make()
        site.has_nearest = has_nearest
        site.discover((Kind.PRIVACY, Kind.TERMS))
        costs.append((len(site.asked), len(site.looked) + len(site.read)))
    return costs


def main() -> None:
    """Print days and shares for each mix of sites, for both ways to find home pages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--sites", type=int, default=20_000, help="sites to simulate, scaled up")
    parser.add_argument("--made", type=int, default=200, help="made sites to measure")
    arguments = parser.parse_args()
    print(f"{SITES:,} sites of {VERSIONS_A_SITE:.1f} versions, {SITES_AT_ONCE} at once")
    print(f"{INDEX_PER_MINUTE:g} index queries a minute, {REPLAY_PER_SECOND:g} replays a second")
    real = discovery.PROJECT.parent / "shared" / "real-pages" / "dev"
    for way, has_nearest in (("home pages by replay", True), ("home pages by the index (0.1.0)", False)):
        _print_days(f"demo, {way}", demo_costs(has_nearest=has_nearest), arguments.sites)
        if real.is_dir():
            made = made_costs(real, arguments.made, has_nearest=has_nearest)
            _print_days(f"made sites, {way}", made, arguments.sites)


def _print_days(name: str, costs: Sequence[Cost], sites: int) -> None:
    index, replay = zip(*costs, strict=True)
    print(f"{name}: {fmean(index):.2f} index queries, {fmean(replay):.2f} replays to find a policy")
    for replays in REPLAYS_A_VERSION:
        days, shares = simulate(costs, replays, sites)
        print(
            f"  {replays} replays a version: {days:.2f} days; "
            f"index {shares[Budget.INDEX]:.0%} spent, replay {shares[Budget.REPLAY]:.0%}",
            flush=True,
        )


if __name__ == "__main__":
    main()
