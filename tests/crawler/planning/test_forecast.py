"""The forecast: ranges that hold the planner's real cost, sums, samples."""

from __future__ import annotations

from datetime import timedelta

import pytest

from policy_archive.crawler.core.records import CdxRow
from policy_archive.crawler.planning.forecast import DRAWS, SiteCost, add_up, cost_site, draw_requests
from policy_archive.crawler.planning.plan import PlanName, PlanOptions
from tests.crawler.planning.test_plan import build_oracle, build_row, crawl


def build_rows(count: int, *, every_days: float = 5) -> list[CdxRow]:
    return [build_row(number * every_days, f"DIGEST{number:026}") for number in range(count)]


def test_a_plan_without_texts_is_forecast_exactly() -> None:
    rows = build_rows(60, every_days=10)
    _, _, requests = crawl(build_oracle("A" * 60, every_days=10), PlanOptions(plan=PlanName.ALL))

    assert set(draw_requests(rows, PlanOptions(plan=PlanName.ALL), seed="x")) == {requests} == {60}


def test_the_range_holds_what_histories_at_a_usual_pace_cost() -> None:
    rows = build_rows(200, every_days=5)
    cost = cost_site("example.org", [rows], PlanOptions(), index_requests=1)
    forecast = add_up([cost], sites=1, index_per_minute=24, replay_per_second=8)
    texts = "".join(letter * 40 for letter in "ABCDE")
    _, _, requests = crawl(build_oracle(texts, every_days=5), PlanOptions())

    assert forecast.requests.low < forecast.requests.likely < forecast.requests.high
    assert forecast.requests.low <= requests <= forecast.requests.high
    assert forecast.captures == 200


def test_equal_digests_make_a_history_cheap() -> None:
    moving = cost_site("example.org", [build_rows(100)], PlanOptions(), index_requests=1)
    still_rows = [build_row(number * 5, "A" * 32) for number in range(100)]
    still = cost_site("example.org", [still_rows], PlanOptions(), index_requests=1)

    assert set(still.draws) == {1}
    assert min(moving.draws) > 1


def test_the_same_rows_give_the_same_forecast() -> None:
    rows = build_rows(50)

    assert draw_requests(rows, PlanOptions(), seed="x") == draw_requests(rows[::-1], PlanOptions(), seed="x")


def build_cost(requests: int) -> SiteCost:
    return SiteCost(
        site=f"{requests}.example",
        documents=1,
        captures=100,
        index_requests=2,
        draws=(requests,) * DRAWS,
        capture_bytes=10_000,
    )


def test_sites_add_up_and_the_slower_budget_sets_the_time() -> None:
    forecast = add_up([build_cost(20), build_cost(40)], sites=2, index_per_minute=24, replay_per_second=8)

    assert (forecast.documents, forecast.captures, forecast.index_requests) == (2, 200, 4)
    assert forecast.requests.likely == 60
    assert forecast.seconds.likely == 10
    assert (
        600_000 < forecast.disk_bytes.low < forecast.disk_bytes.likely < forecast.disk_bytes.high < 3_000_000
    )
    slow = add_up([build_cost(20), build_cost(40)], sites=2, index_per_minute=0, replay_per_second=2)
    assert timedelta(seconds=slow.seconds.likely) == timedelta(seconds=30)


def test_a_sample_is_scaled_up_and_its_range_shows_how_much_sites_differ() -> None:
    equal = add_up([build_cost(30)] * 10, sites=1000, index_per_minute=24, replay_per_second=8)
    uneven = add_up(
        [build_cost(10), build_cost(50)] * 5, sites=1000, index_per_minute=24, replay_per_second=8
    )

    assert equal.requests.likely == pytest.approx(30_000)
    assert equal.requests.low == equal.requests.high == pytest.approx(30_000)
    assert uneven.requests.low < 25_000 < 35_000 < uneven.requests.high
    assert (uneven.sites, uneven.asked) == (1000, 10)


def test_nothing_found_costs_the_index_query_alone() -> None:
    nothing = cost_site("example.org", [], PlanOptions(), index_requests=1)
    forecast = add_up([nothing], sites=1, index_per_minute=24, replay_per_second=8)

    assert forecast.requests.high == 0
    assert forecast.index_requests == 1


def test_the_time_holds_the_latency_that_was_met() -> None:
    costs = [build_cost(20), build_cost(40)]
    rates = {"index_per_minute": 0.0, "replay_per_second": 8.0}
    quick = add_up(costs, sites=2, **rates, latency_seconds=0.001, side_by_side=8)
    slow = add_up(costs, sites=2, **rates, latency_seconds=0.3, side_by_side=8)
    alone = add_up(costs, sites=2, **rates, latency_seconds=0.3, side_by_side=1)
    asked = slow.requests.likely + slow.index_requests
    assert quick.seconds.likely == pytest.approx(quick.requests.likely / 8)
    assert slow.seconds.likely == pytest.approx(asked * 0.3 / 2)
    assert alone.seconds.likely == pytest.approx(asked * 0.3)
