"""The planner as a whole: properties that hold for every history, in every order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy_archive.crawler.core.records import (
    EMPTY_BODY_DIGEST,
    CdxRow,
    KnownCapture,
    Outcome,
    Plan,
    RowDecision,
    RowState,
)
from policy_archive.crawler.core.timestamps import format_timestamp
from policy_archive.crawler.planning.plan import PlanName, PlanOptions, plan_captures
from policy_archive.crawler.planning.timeline import proves_sameness, seconds_of
from tests.support.linear import growth

BEGINNING = datetime(2010, 1, 1, tzinfo=UTC)
Oracle = dict[CdxRow, KnownCapture]


def build_row(day: float, digest: str, *, status: str = "200", mimetype: str = "text/html") -> CdxRow:
    return CdxRow(
        urlkey="org,example)/privacy",
        timestamp=format_timestamp(BEGINNING + timedelta(days=day)),
        original="https://example.org/privacy",
        mimetype=mimetype,
        statuscode=status,
        digest=digest,
        length=5000,
    )


def build_oracle(texts: str, *, every_days: float = 10) -> Oracle:
    """Return a history with bodies of their own: a letter is a text, `-` is junk."""
    oracle = {}
    for number, letter in enumerate(texts):
        row = build_row(number * every_days, f"DIGEST{number:026}")
        outcome = Outcome.NOT_A_POLICY if letter == "-" else Outcome.TEXT
        text = None if letter == "-" else letter
        oracle[row] = KnownCapture(row=row, outcome=outcome, text_sha256=text)
    return oracle


@st.composite
def oracles(draw: st.DrawFn) -> Oracle:
    """Draw a history: equal digests have equal answers; revisits, ties, errors, empty bodies, junk."""
    size = draw(st.integers(1, 40))
    stable = draw(st.booleans())
    days = draw(st.lists(st.integers(0, 900), min_size=size, max_size=size))
    stated = draw(st.lists(st.integers(0, 900), max_size=3))
    oracle: Oracle = {}
    texts: dict[str, str | None] = {}
    for number, day in enumerate(sorted(days)):
        digest = draw(st.sampled_from("ABCDEFGH")) * 32 if stable else f"DIGEST{number:026}"
        if draw(st.integers(0, 9)) == 0:
            digest = draw(st.sampled_from([EMPTY_BODY_DIGEST, "-"]))
        status, mimetype = draw(
            st.sampled_from(
                [("200", "text/html")] * 6 + [("-", "warc/revisit"), ("404", "text/html"), ("302", "unk")]
            )
        )
        row = build_row(day, digest, status=status, mimetype=mimetype)
        key = digest if proves_sameness(digest) else repr(row)
        text = texts.setdefault(key, draw(st.sampled_from(["one", "two", "three", "two", None])))
        outcome = Outcome.TEXT if text else Outcome.NOT_A_POLICY
        stated_days = tuple((BEGINNING + timedelta(days=d)).date() for d in stated) if text == "two" else ()
        oracle[row] = KnownCapture(row=row, outcome=outcome, text_sha256=text, stated_days=stated_days)
    return oracle


Chooser = Callable[[Sequence[CdxRow]], Sequence[CdxRow]]


def everything(rows: Sequence[CdxRow]) -> Sequence[CdxRow]:
    return rows


def crawl(
    oracle: Oracle,
    options: PlanOptions,
    *,
    choose: Chooser = everything,
    known: dict[CdxRow, KnownCapture] | None = None,
) -> tuple[dict[CdxRow, KnownCapture], Plan, int]:
    """Return what is known at the end, the last plan, and the requests; fails if a row is asked twice."""
    known = {row: KnownCapture(row=row) for row in oracle} | (known or {})
    requests = 0
    while True:
        plan = plan_captures(list(known.values()), options)
        assert set(plan.decisions) == set(known)
        if not plan.next:
            return known, plan, requests
        for row in choose([planned.row for planned in plan.next]):
            assert known[row].outcome is None
            assert plan.decisions[row].state is RowState.PENDING
            known[row] = oracle[row]
            requests += 1


ALL_PLANS = st.sampled_from(list(PlanName))


@given(oracles(), st.randoms(use_true_random=False), ALL_PLANS, st.sampled_from([None, 0, 60]))
@settings(max_examples=150)
def test_answers_in_any_order_give_the_same_states(
    oracle: Oracle, random: Random, name: PlanName, max_gap: float | None
) -> None:
    options = PlanOptions(plan=name, max_gap_days=max_gap)
    known, plan, requests = crawl(oracle, options)

    other_known, other_plan, _ = crawl(
        oracle, options, choose=lambda rows: random.sample(rows, random.randint(1, len(rows)))
    )

    assert other_known == known
    assert other_plan == plan
    assert requests <= len(oracle)


@given(oracles(), st.randoms(use_true_random=False), ALL_PLANS)
@settings(max_examples=80)
def test_rows_in_any_order_give_the_same_plan(oracle: Oracle, random: Random, name: PlanName) -> None:
    known = [random.choice([capture, KnownCapture(row=row)]) for row, capture in oracle.items()]
    shuffled = random.sample(known, len(known))

    assert plan_captures(shuffled, PlanOptions(plan=name)) == plan_captures(known, PlanOptions(plan=name))


@given(oracles(), st.sampled_from([None, 0, 60]), st.sampled_from([1, 7, 30]))
@settings(max_examples=150)
def test_every_row_ends_in_one_state_that_its_neighbours_prove(
    oracle: Oracle, max_gap: float | None, precision: float
) -> None:
    known, plan, _ = crawl(oracle, PlanOptions(max_gap_days=max_gap, precision_days=precision))

    assert set(plan.decisions) == set(oracle)
    for row, decision in plan.decisions.items():
        assert (decision.state is RowState.FETCHED) == (known[row].outcome is not None)
        assert decision.state is not RowState.PENDING
        _check_proof(row, decision, known, precision)


def _check_proof(
    row: CdxRow, decision: RowDecision, known: dict[CdxRow, KnownCapture], precision: float
) -> None:
    def text_of(proof: CdxRow) -> str | None:
        same = [k for k in known.values() if k.outcome and k.row.digest == proof.digest]
        return (known[proof] if known[proof].outcome else same[0]).text_sha256

    if decision.state is RowState.SAME_DIGEST:
        assert decision.same_as is not None
        assert decision.same_as.digest == row.digest
        assert proves_sameness(row.digest)
        assert known[decision.same_as].outcome is not None
    if decision.state in (RowState.BRACKETED, RowState.NARROW):
        assert decision.bracket is not None
        before, after = decision.bracket
        assert before.timestamp <= row.timestamp <= after.timestamp
        equal = text_of(before) == text_of(after)
        assert text_of(before) and equal == (decision.state is RowState.BRACKETED)
        if decision.state is RowState.NARROW:
            assert seconds_of(after.timestamp) - seconds_of(before.timestamp) <= precision * 86_400


@given(oracles(), st.randoms(use_true_random=False), ALL_PLANS)
@settings(max_examples=80)
def test_a_run_that_stopped_anywhere_goes_on_without_a_second_request(
    oracle: Oracle, random: Random, name: PlanName
) -> None:
    options = PlanOptions(plan=name)
    known, plan, requests = crawl(oracle, options)
    asked = [row for row in oracle if known[row].outcome]
    stop = random.randint(0, len(asked))

    def until_stop(rows: Sequence[CdxRow]) -> Sequence[CdxRow]:
        return rows[:1]

    half = {row: KnownCapture(row=row) for row in oracle}
    for _ in range(stop):
        rows = [planned.row for planned in plan_captures(list(half.values()), options).next]
        half.update({row: oracle[row] for row in until_stop(rows)})

    resumed, resumed_plan, rest = crawl(oracle, options, known=half)
    assert (resumed, resumed_plan) == (known, plan)
    assert stop + rest == requests


@given(oracles(), st.integers(0, 900), ALL_PLANS)
@settings(max_examples=80)
def test_rows_that_come_months_later_are_planned_on_top_of_what_is_known(
    oracle: Oracle, day: int, name: PlanName
) -> None:
    limit = format_timestamp(BEGINNING + timedelta(days=day))
    early = {row: capture for row, capture in oracle.items() if row.timestamp <= limit}
    options = PlanOptions(plan=name)

    known, _, first = crawl(early, options)
    _, plan, second = crawl(oracle, options, known=known)

    assert first + second <= len(oracle)
    assert all(decision.state is not RowState.PENDING for decision in plan.decisions.values())


@given(oracles())
@settings(max_examples=80)
def test_with_no_gap_allowed_every_text_is_found(oracle: Oracle) -> None:
    known, plan, _ = crawl(oracle, PlanOptions(max_gap_days=0))
    possible = {
        capture.text_sha256
        for row, capture in oracle.items()
        if row.statuscode in ("200", "-") and plan.decisions[row].state is not RowState.UNPLANNED
        if plan.decisions[row].state not in (RowState.REDIRECT, RowState.BRACKETED, RowState.NARROW)
    }

    assert {capture.text_sha256 for capture in known.values() if capture.outcome} >= possible
    brackets = [
        d.bracket for d in plan.decisions.values() if d.state in (RowState.NARROW, RowState.BRACKETED)
    ]
    assert all(b is not None and b[0].timestamp == b[1].timestamp for b in brackets)


@pytest.mark.parametrize(
    ("texts", "runs"),
    [
        pytest.param("AAAABBBBAAAACCCC", "ABAC", id="comes back between distinct ends"),
        pytest.param("AAAAAABBBBBBAAAAAA", "ABA", id="comes back at the end"),
        pytest.param("AAAABBBBCCCCAAAA", "ABCA", id="comes back after two others"),
        pytest.param("AAAABBBB----AAAACCCC", "ABAC", id="comes back after junk"),
        pytest.param("----AABB--BBCC----", "ABC", id="junk at both ends"),
        pytest.param("A-A-A-A-B-B-B-C-C", "ABC", id="every other capture junk"),
    ],
)
def test_texts_are_found_that(texts: str, runs: str) -> None:
    known, _, _ = crawl(build_oracle(texts, every_days=30), PlanOptions())

    assert _runs(known) == runs


def _runs(known: dict[CdxRow, KnownCapture]) -> str:
    texts = [known[row].text_sha256 for row in sorted(known, key=lambda row: row.timestamp)]
    found = [text for text in texts if text]
    return "".join(text for i, text in enumerate(found) if i == 0 or found[i - 1] != text)


def test_one_change_among_a_thousand_captures_costs_a_dozen_requests() -> None:
    known, _, requests = crawl(
        build_oracle("A" * 617 + "B" * 383, every_days=1), PlanOptions(max_gap_days=1e6)
    )

    assert _runs(known) == "AB"
    assert requests <= 12


def test_a_stated_day_that_is_right_saves_requests_and_a_wrong_one_costs_no_version() -> None:
    oracle = build_oracle("A" * 617 + "B" * 383, every_days=1)
    wide = PlanOptions(max_gap_days=1e6)
    _, _, plain = crawl(oracle, wide)

    def state(day: date) -> tuple[str, int]:
        stating = {
            row: capture
            if capture.text_sha256 != "B"
            else KnownCapture(row=row, outcome=Outcome.TEXT, text_sha256="B", stated_days=(day,))
            for row, capture in oracle.items()
        }
        known, _, requests = crawl(stating, wide)
        return _runs(known), requests

    right_runs, right = state((BEGINNING + timedelta(days=616)).date())
    wrong_runs, wrong = state((BEGINNING + timedelta(days=100)).date())

    assert right_runs == wrong_runs == "AB"
    assert right == 4
    assert right < plain <= wrong <= plain + 3


@pytest.mark.parametrize("texts", ["A" + "-" * 998 + "B", "-" * 1000, "-" * 500 + "A" * 500])
def test_long_junk_costs_the_logarithm_of_its_length(texts: str) -> None:
    _, plan, requests = crawl(build_oracle(texts, every_days=10), PlanOptions(max_gap_days=1e6))

    assert requests <= 25
    assert RowState.PENDING not in {decision.state for decision in plan.decisions.values()}


def test_one_junk_page_seen_on_half_of_the_days_hides_nothing() -> None:
    oracle: Oracle = {}
    for number in range(60):
        row = build_row(number * 10, "J" * 32 if number % 2 == 0 else f"DIGEST{number:026}")
        text = None if number % 2 == 0 else "A" if number < 31 else "B"
        outcome = Outcome.TEXT if text else Outcome.NOT_A_POLICY
        oracle[row] = KnownCapture(row=row, outcome=outcome, text_sha256=text)

    known, _, requests = crawl(oracle, PlanOptions())

    assert _runs(known) == "AB"
    assert requests < 15


def build_story(inside: str, *, after: str, length: int = 5000, language: str = "en") -> Oracle:
    """Return daily captures: 90 of A in English, a letter a capture of `inside`, 90 of `after`."""
    oracle = {}
    for row, capture in build_oracle("A" * 90 + inside + after * 90, every_days=1).items():
        is_after = row.timestamp > format_timestamp(BEGINNING + timedelta(days=89 + len(inside)))
        spoken = replace(capture, language=language if is_after else "en")
        sized = replace(row, length=length if is_after else row.length)
        oracle[sized] = replace(spoken, row=sized)
    return oracle


def _width_of_change(known: dict[CdxRow, KnownCapture], text: str) -> float:
    read = sorted((c for c in known.values() if c.text_sha256), key=lambda capture: capture.row.timestamp)
    return min(
        (seconds_of(new.row.timestamp) - seconds_of(old.row.timestamp)) / 86400
        for old, new in pairwise(read)
        if old.text_sha256 != text == new.text_sha256
    )


@pytest.mark.parametrize(
    ("length", "language"),
    [
        pytest.param(5000, "fr", id="language"),
        pytest.param(3000, "en", id="smaller page"),
        pytest.param(8000, "en", id="larger page"),
    ],
)
def test_a_narrow_interval_is_read_where_its_sides_differ_by_much_in(length: int, language: str) -> None:
    plain, _, usual = crawl(build_story("", after="B"), PlanOptions(max_gap_days=1e6))
    known, plan, requests = crawl(
        build_story("", after="B", length=length, language=language), PlanOptions(max_gap_days=1e6)
    )

    assert 3 < _width_of_change(plain, "B") <= 7
    assert _width_of_change(known, "B") <= 7 / 3
    assert usual < requests <= usual + 5
    assert all(decision.state is not RowState.PENDING for decision in plan.decisions.values())


def test_beside_a_text_that_was_seen_once_and_was_gone_others_are_looked_for() -> None:
    oracle = build_story("XXYZZ", after="B")
    days = dict(enumerate(oracle))
    seen = {days[day]: oracle[days[day]] for day in (88, 92, 97)}

    known, _, requests = crawl(oracle, PlanOptions(max_gap_days=1e6), known=seen)

    assert _runs(known) == "AXYZB"
    assert requests - 2 <= 5  # the first and the last capture aside


def test_texts_that_take_turns_are_no_stories() -> None:
    known, _, requests = crawl(build_oracle("ABABABABABAB" * 9, every_days=1), PlanOptions(max_gap_days=1e6))
    asked = [capture for capture in known.values() if capture.outcome]

    assert requests == len(asked) < 40


def test_a_limit_is_spent_on_the_widest_intervals_first() -> None:
    oracle = build_oracle("A" * 300 + "B" * 20 + "C" * 300, every_days=2)
    known, plan, requests = crawl(oracle, PlanOptions(max_requests=6))

    assert requests == 6
    assert _runs(known) in ("ABC", "AC")
    assert {decision.state for decision in plan.decisions.values()} >= {RowState.UNPLANNED, RowState.FETCHED}
    again = plan_captures(list(known.values()), PlanOptions(max_requests=8))
    assert len(again.next) in (1, 2)


def test_a_blocked_site_is_asked_once() -> None:
    oracle = {
        row: KnownCapture(row=row, outcome=Outcome.BLOCKED) for row in build_oracle("A" * 50, every_days=9)
    }

    _, plan, requests = crawl(oracle, PlanOptions())

    assert requests == 1
    reasons = {d.reason for d in plan.decisions.values() if d.state is RowState.UNPLANNED}
    assert reasons == {"the archive does not show this site"}


def test_rows_outside_the_dates_are_not_asked() -> None:
    oracle = build_oracle("ABCDEF", every_days=365)
    known, plan, _ = crawl(oracle, PlanOptions(since=date(2011, 1, 1), until=date(2013, 12, 31)))

    assert _runs(known) == "BCDE"
    outside = [d for d in plan.decisions.values() if d.reason == "outside the dates asked for"]
    assert [d.state for d in outside] == [RowState.UNPLANNED] * 2


def test_batch_limits_how_many_are_asked_at_once() -> None:
    rows = list(build_oracle("ABCDEFGH", every_days=100))
    known = [KnownCapture(row=row) for row in rows]

    assert len(plan_captures(known, PlanOptions(plan=PlanName.ALL, batch=3)).next) == 3


@pytest.mark.parametrize("name", list(PlanName))
def test_twice_the_rows_are_planned_in_twice_the_time(name: PlanName) -> None:
    @cache
    def known(rows: int) -> list[KnownCapture]:
        return [
            KnownCapture(row=row, outcome=Outcome.TEXT, text_sha256=str(number // 400))
            if number % 3 == 0
            else KnownCapture(row=row)
            for number, row in enumerate(build_oracle("A" * rows, every_days=0.4))
        ]

    def plan(rows: int) -> None:
        assert len(plan_captures(known(rows), PlanOptions(plan=name)).decisions) == rows

    for rows in (5_000, 10_000, 20_000):
        known(rows)  # not measured
    assert growth(plan, start=5_000, largest=10_000) < 3


def test_seam_captures_are_asked_for_between_equal_texts_and_only_once() -> None:
    oracle = build_oracle("AAAAAAA", every_days=5)
    seam = sorted(oracle, key=lambda row: row.timestamp)[2]
    options = PlanOptions(seams=frozenset({(seam.timestamp, seam.urlkey)}))
    without, _, _ = crawl(oracle, PlanOptions())
    known, plan, _ = crawl(oracle, options)
    assert without[seam].outcome is None
    assert known[seam].outcome is Outcome.TEXT
    assert plan.next == ()
