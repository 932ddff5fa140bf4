"""Folding captures into versions: the same in any order, split by nothing but another text."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy_archive.crawler.core.records import CdxRow, KnownCapture, Outcome, RowDecision, RowState
from policy_archive.crawler.core.timestamps import format_timestamp
from policy_archive.pipelines.versions.flapping import find_flapping
from policy_archive.pipelines.versions.fold import StatedFlag, flag_stated_day, fold_versions
from tests.support.synthetic import make_row


def day(number: int) -> str:
    return format_timestamp(datetime(2018, 1, 1, tzinfo=UTC) + timedelta(days=number))


def text(number: int, content: str) -> KnownCapture:
    return KnownCapture(row=make_row(day(number)), outcome=Outcome.TEXT, text_sha256=content)


def history(days_and_texts: list[tuple[int, str]]) -> list[KnownCapture]:
    return [text(*pair) for pair in days_and_texts]


def test_runs_of_equal_text_become_versions_with_the_interval_of_each_change() -> None:
    versions = fold_versions(history([(0, "a"), (10, "a"), (20, "b"), (30, "c"), (40, "a")]))
    assert [(v.number, v.text_sha256, v.captures, v.returns_to) for v in versions] == [
        (1, "a", 2, None),
        (2, "b", 1, None),
        (3, "c", 1, None),
        (4, "a", 1, 1),
    ]
    assert [v.changed_after for v in versions] == [None, day(10), day(20), day(30)]
    assert versions[0].last.timestamp == day(10)


@pytest.mark.parametrize(
    "outcome",
    [outcome for outcome in Outcome if outcome is not Outcome.TEXT],
    ids=lambda outcome: outcome.value,
)
def test_a_capture_without_a_text_of_its_own_splits_no_version(outcome: Outcome) -> None:
    between = KnownCapture(row=make_row(day(10)), outcome=outcome)
    (version,) = fold_versions([text(0, "a"), between, text(20, "a")])
    assert (version.captures, version.last.timestamp) == (2, day(20))


def test_an_equal_digest_proves_a_text_also_where_another_stood_between() -> None:
    first, again = make_row(day(0), digest="D" * 32), make_row(day(20), digest="D" * 32)
    known = [
        KnownCapture(row=first, outcome=Outcome.TEXT, text_sha256="a"),
        text(10, "b"),
        KnownCapture(row=again),
    ]
    versions = fold_versions(known, {again: RowDecision(state=RowState.SAME_DIGEST, same_as=first)})
    assert [(v.text_sha256, v.returns_to, len(v.rows)) for v in versions] == [
        ("a", None, 1),
        ("b", None, 1),
        ("a", 1, 0),
    ]


def test_a_bracketed_row_counts_only_while_its_bracket_is_one_run() -> None:
    start, middle, end = (make_row(day(number)) for number in (0, 10, 20))
    decisions = {middle: RowDecision(state=RowState.BRACKETED, bracket=(start, end))}
    same = fold_versions([text(0, "a"), KnownCapture(row=middle), text(20, "a")], decisions)
    assert [v.captures for v in same] == [3]
    changed = fold_versions([text(0, "a"), text(5, "b"), KnownCapture(row=middle), text(20, "a")], decisions)
    assert [v.captures for v in changed] == [1, 1, 1]


def test_rows_of_which_nothing_is_known_prove_nothing() -> None:
    row = make_row(day(10))
    decisions: dict[CdxRow, RowDecision] = {row: RowDecision(state=RowState.NARROW)}
    assert [v.captures for v in fold_versions([text(0, "a"), KnownCapture(row=row)], decisions)] == [1]
    assert fold_versions([]) == []


@given(
    st.lists(
        st.tuples(st.integers(0, 400), st.sampled_from("abcd")), max_size=25, unique_by=lambda pair: pair[0]
    ),
    st.randoms(use_true_random=False),
)
def test_any_order_of_arrival_gives_the_same_versions(pairs: list[tuple[int, str]], random) -> None:
    known = history(pairs)
    shuffled = random.sample(known, len(known))
    versions = fold_versions(known)
    assert fold_versions(shuffled) == versions
    assert sum(v.captures for v in versions) == len(known)
    assert all(one.text_sha256 != two.text_sha256 for one, two in pairwise(versions))
    assert [v.text_sha256 for v in versions for _ in v.rows] == [content for _, content in sorted(pairs)]
    assert {v.returns_to for v in versions} <= {None, *(v.number for v in versions if v.returns_to is None)}


@pytest.mark.parametrize(
    ("days_and_texts", "expected"),
    [
        ([(0, "a"), (2, "b"), (4, "a"), (6, "b")], [(1, 4, 2)]),
        ([(0, "a"), (2, "b"), (4, "a")], []),
        ([(0, "a"), (2, "b"), (4, "a"), (6, "c"), (8, "a"), (10, "d")], [(1, 5, 3)]),
        (
            [(0, "x"), (300, "a"), (301, "b"), (302, "c"), (303, "a"), (304, "c"), (305, "b"), (600, "y")],
            [(2, 7, 3)],
        ),
        ([(0, "a"), (200, "b"), (400, "a"), (600, "b")], []),
        ([(0, "a"), (2, "b"), (4, "c"), (6, "d")], []),
        (
            [(0, "x"), *zip(range(5, 9), "abab", strict=True), *zip(range(90, 95), "cdcdc", strict=True)],
            [(2, 5, 2), (6, 10, 2)],
        ),
    ],
    ids=[
        "four in a week",
        "undone",
        "one text again and again",
        "three variants",
        "restored after months",
        "all new",
        "two stretches",
    ],
)
def test_texts_that_take_turns_within_days_flap(days_and_texts, expected) -> None:
    found = find_flapping(fold_versions(history(days_and_texts)))
    assert [(flapping.first, flapping.last, flapping.texts) for flapping in found] == expected


@given(
    st.lists(
        st.tuples(st.integers(0, 90), st.sampled_from("abc")), max_size=25, unique_by=lambda pair: pair[0]
    )
)
def test_stretches_that_flap_are_in_order_and_overlap_nowhere(pairs: list[tuple[int, str]]) -> None:
    versions = fold_versions(history(pairs))
    found = find_flapping(versions)
    ends = [number for flapping in found for number in (flapping.first, flapping.last)]
    assert ends == sorted(set(ends))
    for flapping in found:
        stretch = versions[flapping.first - 1 : flapping.last]
        assert flapping.texts == len({v.text_sha256 for v in stretch}) < len(stretch)


@pytest.mark.parametrize(
    ("stated", "flag"),
    [
        (None, None),
        (date(2018, 1, 20), StatedFlag.AGREES),
        (date(2018, 1, 11), StatedFlag.AGREES),
        (date(2018, 1, 10), StatedFlag.BEFORE),
        (date(2018, 1, 22), StatedFlag.AFTER),
    ],
    ids=["nothing stated", "in the interval", "on its first day", "before it", "after it"],
)
def test_the_stated_date_is_held_against_the_interval(stated: date | None, flag: StatedFlag | None) -> None:
    _, second = fold_versions(history([(10, "a"), (20, "b")]))
    assert flag_stated_day(stated, second) == flag


def test_a_first_version_may_be_older_than_its_first_capture() -> None:
    (first,) = fold_versions(history([(10, "a")]))
    assert flag_stated_day(date(2001, 1, 1), first) is StatedFlag.AGREES
