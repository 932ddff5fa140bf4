"""Where a gap is split: one gap at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pytest

from policy_archive.crawler.core.timestamps import DAY_SECONDS
from policy_archive.crawler.planning.splits import (
    Gap,
    find_balanced_split,
    find_middle,
    find_odd_size,
    find_stated,
    nearest_unknown,
    typical_step,
)
from policy_archive.crawler.planning.timeline import TimelineRow, seconds_of
from tests.crawler.planning.test_plan import build_row

WEEK = 7 * DAY_SECONDS


def build_spots(
    days: Sequence[float],
    *,
    sizes: Sequence[int | None] = (),
    has_no_text: Sequence[int] = (),
    stated: tuple[date, ...] = (),
) -> list[TimelineRow]:
    """Return spots with a text at both ends, the last of which states days; nothing known between."""
    spots = []
    for index, day in enumerate(days):
        row = build_row(day, f"DIGEST{index:026}")
        end = index in (0, len(days) - 1)
        spots.append(
            TimelineRow(
                row=row,
                at=seconds_of(row.timestamp),
                asked=end or index in has_no_text,
                text=f"text {index}" if end else None,
                has_no_text=index in has_no_text,
                size=sizes[index] if sizes else None,
                stated_days=stated if index == len(days) - 1 else (),
            )
        )
    return spots


def whole(spots: Sequence[TimelineRow]) -> Gap:
    return Gap(left=0, right=len(spots) - 1)


@pytest.mark.parametrize(
    ("days", "split"),
    [
        pytest.param(range(16), (7, 8), id="15 days leave one stretch of a week, not two halves of 7.5"),
        pytest.param(range(9), (2, 3, 4, 5, 6, 7), id="9 days need one split, anywhere that leaves no week"),
        pytest.param([0, 100, 101, 102, 103], (1,), id="the long stretch is the likelier"),
        pytest.param([0, 3, 200], (1,), id="one row alone"),
    ],
)
def test_a_change_is_split_where_the_fewest_questions_remain(
    days: Sequence[float], split: tuple[int]
) -> None:
    spots = build_spots(days)

    assert find_balanced_split(spots, whole(spots), WEEK) in split


def test_the_split_does_not_move_with_junk() -> None:
    clean, junky = build_spots(range(100)), build_spots(range(100), has_no_text=range(40, 60))

    assert find_balanced_split(clean, whole(clean), WEEK) == find_balanced_split(junky, whole(junky), WEEK)


def test_the_middle_is_that_of_time() -> None:
    spots = build_spots([0, 1, 2, 3, 90, 200])

    assert find_middle(spots, whole(spots)) == 4


def test_junk_is_stepped_over_in_doubling_steps() -> None:
    spots = build_spots(range(100), has_no_text=range(45, 56))

    assert nearest_unknown(spots, whole(spots), 50) == 58
    assert nearest_unknown(spots, whole(spots), 44) == 44


def test_a_gap_full_of_junk_is_given_up() -> None:
    spots = build_spots(range(100), has_no_text=range(30, 70))

    assert nearest_unknown(spots, whole(spots), 50) is None


def test_a_stated_day_is_looked_at_from_both_sides() -> None:
    spots = build_spots(range(100), stated=(date(2010, 2, 20),))  # day 50

    after = find_stated(spots, whole(spots), WEEK)
    assert after == 55  # the last that leaves a week for the other side
    nearer = [*spots[:after], replace(spots[after], text="text 99", stated_days=spots[-1].stated_days)]
    assert find_stated(nearer, whole(nearer), WEEK) == 48


@pytest.mark.parametrize(
    "stated", [(), (date(2009, 1, 1),), (date(2020, 1, 1),)], ids=["none", "before", "after"]
)
def test_a_stated_day_outside_the_gap_tells_nothing(stated: tuple[date, ...]) -> None:
    spots = build_spots(range(100), stated=stated)

    assert find_stated(spots, whole(spots), WEEK) is None


def test_a_size_that_sticks_out_is_odd() -> None:
    sizes = [5000, 5010, 5005, 9000, 5002, 5600, 5001]
    spots = build_spots(range(7), sizes=sizes)

    assert find_odd_size(spots, whole(spots), 0.05) == 3
    assert find_odd_size(spots, whole(spots), 0.6) is None


def test_a_size_between_those_of_the_ends_is_not_odd() -> None:
    spots = build_spots(range(4), sizes=[5000, 7000, 8000, 9000])

    assert find_odd_size(spots, whole(spots), 0.05) is None


def test_odd_sizes_are_left_alone_once_two_were_junk() -> None:
    spots = build_spots(range(7), sizes=[5000, 9000, 9000, 9000, 9000, 5000, 5000], has_no_text=[1, 2])

    assert find_odd_size(spots, whole(spots), 0.05) is None


def test_the_usual_step_is_a_median() -> None:
    assert typical_step(build_spots(range(4), sizes=[1000, 1000, 1010, 5000])) == pytest.approx(10 / 1010)
    assert typical_step(build_spots(range(3))) == 0
