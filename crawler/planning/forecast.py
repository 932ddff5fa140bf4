"""What a fetch will cost, from the index alone: the planner itself, run on made-up texts.

Which captures the planner asks for depends on texts that nobody has yet. So texts are drawn at the
paces at which policies really change, laid over the real rows, and the plan is run on them, some times.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import exp, sqrt
from random import Random
from statistics import NormalDist, fmean, quantiles, stdev

from policy_archive.crawler.core.records import CdxRow, KnownCapture, Outcome
from policy_archive.crawler.core.timestamps import DAY_SECONDS
from policy_archive.crawler.planning.plan import PlanOptions, plan_captures
from policy_archive.crawler.planning.timeline import proves_sameness, seconds_of

DRAWS = 25
_YEAR_SECONDS = 365.25 * DAY_SECONDS

_CHANGES_A_YEAR = 4.0
"""Median over documents: 0.8 to 4.4 on three sets of recorded histories, and what extraction adds: of more,
nine months to three years of busy services, 2.5 of it forecast two thirds of what was asked."""
_PACE_SIGMA, _LIST_SIGMA = 1.25, 1.0
"""Spread of the pace, of its natural logarithm: between documents, and between whole lists of sites.
Without the second the errors of many sites would cancel out, and the range would be too narrow."""
_JUNKY_DOCUMENTS, _JUNK_SHARE = 0.23, 0.08
"""Documents that have junk captures, and how many of theirs are: 24 of 103, 605 captures."""
_RETURNING_DOCUMENTS, _RETURN_SHARE = 0.2, 0.1
"""Documents whose captures now and then show the text before (variants, changes undone): 3 of 16."""
_REQUESTS_OF_A_SEARCH = (1, 2, 2, 3, 5, 8)
"""To replay, for home pages and hubs, by site: one where none is archived, two where the index names the
policy (which is the last, and that one), up to eight of sites whose policy moved, two to ten of those of the
demo archive (bench/discovery.py)."""
_MOST_ROWS = 5_000
"""Of longer histories evenly spread rows stand for all: the cost grows with the logarithm."""


@dataclass(frozen=True, kw_only=True)
class Range:
    """Three figures: one run in twenty is below `low`, one in twenty above `high`."""

    low: float
    likely: float
    high: float


@dataclass(frozen=True, kw_only=True)
class SiteCost:
    """What one site will cost; requests are those for captures."""

    site: str
    documents: int
    captures: int
    """Rows of its documents."""
    index_requests: int
    """Discovery's usual queries included."""
    draws: tuple[int, ...]
    """Captures asked for, in each draw."""
    capture_bytes: float
    """Mean compressed bytes of a capture."""


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What a fetch of all sites will cost."""

    sites: int
    asked: int
    """Sites whose index was asked: fewer than `sites` when they were sampled."""
    documents: float
    captures: float
    index_requests: float
    requests: Range
    """For captures."""
    seconds: Range
    """At the allowed rates, and no faster than the archive was met to answer."""
    disk_bytes: Range


def draw_requests(rows: Sequence[CdxRow], options: PlanOptions, *, seed: str) -> tuple[int, ...]:
    """Return how many captures the plan asks for in each of DRAWS made-up histories of one document."""
    spread = _spread(rows)
    return tuple(_count_requests(spread, options, number, seed) for number in range(DRAWS))


def _spread(rows: Sequence[CdxRow]) -> list[CdxRow]:
    ordered = sorted(set(rows), key=lambda row: row.timestamp)
    step = max(1, len(ordered) // _MOST_ROWS)
    return ordered[::step]


def _count_requests(rows: Sequence[CdxRow], options: PlanOptions, number: int, seed: str) -> int:
    of_list = exp(_LIST_SIGMA * NormalDist().inv_cdf((number + 0.5) / DRAWS))
    random = Random(f"{seed} {number}")  # noqa: S311  # chance, not secrets; the same forecast each time
    answers = _draw_answers(rows, _CHANGES_A_YEAR * of_list, random)
    known = {row: KnownCapture(row=row) for row in rows}
    requests = 0
    options = replace(options, batch=None)
    while wanted := plan_captures(list(known.values()), options).next:
        known.update((planned.row, answers[planned.row]) for planned in wanted)
        requests += len(wanted)
    return requests


def _draw_answers(rows: Sequence[CdxRow], median_pace: float, random: Random) -> dict[CdxRow, KnownCapture]:
    """Return a made-up answer for each row: texts that change at a drawn pace, and some junk.

    Rows of one digest have one answer. A page that changes its bytes seldom changes its text no oftener.
    """
    pace = median_pace * random.lognormvariate(0, _PACE_SIGMA)
    junk_share = random.uniform(0, 2 * _JUNK_SHARE) if random.random() < _JUNKY_DOCUMENTS else 0.0
    answers: dict[CdxRow, KnownCapture] = {}
    bodies: dict[str, str | None] = {}
    returning = random.uniform(0, 2 * _RETURN_SHARE) if random.random() < _RETURNING_DOCUMENTS else 0.0
    version, at = 0, 0.0
    for row in rows:
        years = max(0.0, seconds_of(row.timestamp) - at) / _YEAR_SECONDS if at else 0.0
        at = seconds_of(row.timestamp)
        version += random.random() > exp(-pace * years)
        shown = max(0, version - 1) if random.random() < returning else version
        text = None if random.random() < junk_share else f"text {shown}"
        if proves_sameness(row.digest):
            text = bodies.setdefault(row.digest, text)
        outcome = Outcome.TEXT if text else Outcome.NOT_A_POLICY
        answers[row] = KnownCapture(row=row, outcome=outcome, text_sha256=text)
    return answers


def cost_site(
    site: str,
    documents: Iterable[Sequence[CdxRow]],
    options: PlanOptions,
    *,
    index_requests: int,
    searched: bool = False,
) -> SiteCost:
    """Return what a site costs; `searched`: some pages are asked for to find its documents, too."""
    rows = [list(found) for found in documents]
    draws = [draw_requests(found, options, seed=f"{site} {number}") for number, found in enumerate(rows)]
    chance = Random(f"{site} pages")  # noqa: S311
    pages = [chance.choice(_REQUESTS_OF_A_SEARCH) if searched else 0 for _ in range(DRAWS)]
    lengths = [row.length for found in rows for row in found if row.length and row.length > 0]
    return SiteCost(
        site=site,
        documents=len(rows),
        captures=sum(map(len, rows)),
        index_requests=index_requests,
        draws=tuple(pages[n] + sum(column[n] for column in draws) for n in range(DRAWS)),
        capture_bytes=fmean(lengths) if lengths else 0.0,
    )


def add_up(
    costs: Sequence[SiteCost],
    *,
    sites: int,
    index_per_minute: float,
    replay_per_second: float,
    latency_seconds: float = 0.0,
    side_by_side: int = 1,
) -> Forecast:
    """Return the forecast for `sites` sites of which `costs` were asked; rates of 0 mean no limit.

    `latency_seconds` is what an answer took on the way: within a site each decides the next question, so
    that a few sites never reach the allowed rates; `side_by_side` requests are on the way at the most.
    """
    scale = sites / len(costs) if costs else 0.0
    requests = _total_requests(costs, scale)
    index_requests = scale * sum(cost.index_requests for cost in costs)
    size = _mean_bytes(costs)
    index_seconds = index_requests * 60 / index_per_minute if index_per_minute else 0.0

    lanes = max(1, min(sites, side_by_side))

    def seconds(captures: float) -> float:
        at_allowed_rate = captures / replay_per_second if replay_per_second else 0.0
        on_the_way = (captures + index_requests) * latency_seconds / lanes
        return max(index_seconds, at_allowed_rate, on_the_way)

    return Forecast(
        sites=sites,
        asked=len(costs),
        documents=scale * sum(cost.documents for cost in costs),
        captures=scale * sum(cost.captures for cost in costs),
        index_requests=index_requests,
        requests=requests,
        seconds=Range(
            low=seconds(requests.low), likely=seconds(requests.likely), high=seconds(requests.high)
        ),
        disk_bytes=Range(
            low=_disk_bytes(requests.low * size, _DISK.low),
            likely=_disk_bytes(requests.likely * size, _DISK.likely),
            high=_disk_bytes(requests.high * size, _DISK.high),
        ),
    )


_DISK = Range(low=1.0, likely=1.5, high=2.5)
"""Bytes of the database for each compressed byte of the captures fetched: bodies, texts, search index."""
_EMPTY_DATABASE_BYTES = 400_000


def _disk_bytes(fetched_bytes: float, share: float) -> float:
    return _EMPTY_DATABASE_BYTES + fetched_bytes * share if fetched_bytes else 0.0


def _total_requests(costs: Sequence[SiteCost], scale: float) -> Range:
    """Return the sum over sites in each draw; of a sample, widened by how much its sites differ."""
    if not costs:
        return Range(low=0.0, likely=0.0, high=0.0)
    totals = [scale * sum(cost.draws[n] for cost in costs) for n in range(DRAWS)]
    cuts = quantiles(totals, n=20, method="inclusive")
    likely = cuts[9]
    error = _sampling_error(costs, scale)
    below, above = likely - cuts[0], cuts[18] - likely
    return Range(
        low=max(0.0, likely - sqrt(below**2 + error**2)),
        likely=likely,
        high=likely + sqrt(above**2 + error**2),
    )


def _sampling_error(costs: Sequence[SiteCost], scale: float) -> float:
    """Return 1.64 standard errors (90 % of runs within) of a total that was scaled up from a sample."""
    if scale <= 1 or len(costs) < 2:
        return 0.0
    means = [fmean(cost.draws) for cost in costs]
    return 1.64 * stdev(means) * sqrt(len(costs) * (1 - 1 / scale)) * scale


def _mean_bytes(costs: Sequence[SiteCost]) -> float:
    weights = sum(fmean(cost.draws) for cost in costs if cost.capture_bytes)
    return sum(fmean(cost.draws) * cost.capture_bytes for cost in costs) / weights if weights else 0.0
