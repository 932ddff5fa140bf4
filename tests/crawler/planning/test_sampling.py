"""The plans without texts: which capture stands for a month, a half-year, a year."""

from __future__ import annotations

from dataclasses import replace

import pytest

from policy_archive.crawler.core.records import CdxRow, KnownCapture, Outcome, RowState
from policy_archive.crawler.planning.plan import PlanName, PlanOptions, plan_captures
from tests.crawler.planning.test_timeline import PAGE


def build_rows(*timestamps: str, **fields: str) -> list[CdxRow]:
    days = (timestamp.ljust(14, "0") for timestamp in timestamps)
    rows = [replace(PAGE, timestamp=day, digest=day.ljust(32, "A")) for day in days]
    return [replace(row, **fields) for row in rows]  # type: ignore[arg-type]


def choose(rows: list[CdxRow], name: PlanName, junk: tuple[CdxRow, ...] = ()) -> list[str]:
    known = [KnownCapture(row=row, outcome=Outcome.NOT_A_POLICY if row in junk else None) for row in rows]
    return [planned.row.timestamp[:8] for planned in plan_captures(known, PlanOptions(plan=name)).next]


@pytest.mark.parametrize(
    ("name", "chosen"),
    [
        (PlanName.MONTHLY, ["20150110", "20150320", "20150630", "20150701", "20160229"]),
        (PlanName.HALF_YEARLY, ["20150630", "20150701", "20160229"]),
        (PlanName.YEARLY, ["20150701", "20160229"]),
        (PlanName.ALL, ["20150101", "20150110", "20150320", "20150630", "20150701", "20160229"]),
    ],
    ids=str,
)
def test_the_last_capture_of_a_cell_stands_for_it(name: PlanName, chosen: list[str]) -> None:
    rows = build_rows("20150101", "20150110", "20150320", "20150630", "20150701", "20160229")

    assert choose(rows, name) == chosen


def test_half_yearly_prefers_the_last_200_and_takes_no_other_for_junk() -> None:
    good, revisit = (
        build_rows("20150601")[0],
        build_rows("20150615", statuscode="-", mimetype="warc/revisit")[0],
    )

    assert choose([good, revisit], PlanName.HALF_YEARLY) == ["20150601"]
    assert choose([good, revisit], PlanName.HALF_YEARLY, junk=(good,)) == []
    assert choose([revisit], PlanName.HALF_YEARLY) == ["20150615"]


def test_monthly_goes_back_from_junk() -> None:
    rows = build_rows("20150101", "20150110", "20150120")

    assert choose(rows, PlanName.MONTHLY, junk=(rows[2],)) == ["20150110"]


def test_rows_that_others_stand_for_say_so() -> None:
    rows = build_rows("20150101", "20150110")
    known = [KnownCapture(row=row) for row in rows]

    decision = plan_captures(known, PlanOptions(plan=PlanName.MONTHLY)).decisions[rows[0]]

    assert (decision.state, decision.reason) == (
        RowState.UNPLANNED,
        "monthly: another capture stands for 2015-01",
    )
