"""Outcomes are classified once: each says what it means to those who act on it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from policy_archive.crawler.core.records import Outcome, Trait

ROOT = Path(__file__).resolve().parents[3]
PROPERTIES = [
    "is_text",
    "is_policy",
    "is_wanted",
    "may_be_short",
    "shows_no_policy",
    "is_unseen",
    "is_accident",
    "is_evidence",
    "is_retryable",
    "was_read",
    "leaves_run_incomplete",
]


def of(name: str) -> set[str]:
    return {outcome.value for outcome in Outcome if getattr(outcome, name)}


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_has_every_property(outcome: Outcome) -> None:
    assert outcome.traits != Trait(0)
    assert Outcome(outcome.value) is outcome
    assert {type(getattr(outcome, name)) for name in PROPERTIES} == {bool}


@pytest.mark.parametrize("outcome", Outcome)
def test_an_outcome_is_a_fact_or_an_accident_or_nothing_was_seen(outcome: Outcome) -> None:
    assert [outcome.is_evidence, outcome.is_accident, outcome.is_unseen].count(True) == 1
    if outcome.is_text or outcome.shows_no_policy:
        assert outcome.is_evidence
    if outcome.is_accident:
        assert outcome.is_retryable
        assert outcome.leaves_run_incomplete


def test_what_the_properties_say() -> None:
    assert of("is_text") == {"text", "incomplete-text"}
    assert of("is_policy") == of("is_text") | {"foreign", "other-kind"}
    assert of("is_wanted") == of("is_text") | {"home", "foreign"}
    assert of("shows_no_policy") == {"error-page", "redirect", "not-a-policy", "foreign"}
    assert of("may_be_short") == of("is_text") | {"not-a-policy", "other-kind"}
    assert of("is_accident") == {"extractor-crash", "extractor-timeout", "extractor-memory"}
    assert of("is_retryable") == of("is_accident") | {"archive-error", "truncated", "bad-encoding"}
    assert of("is_unseen") == {
        *("redirect-loop", "drift", "not-archived", "blocked", "off-archive-redirect"),
        *("truncated", "bad-encoding", "archive-error"),
    }


def test_no_other_module_keeps_a_set_of_outcomes() -> None:
    kept = re.compile(
        r"(?:frozenset\(|[=(] ?[{(\[])[^)}\]]*Outcome\.[A-Z_]+,[^)}\]]*Outcome\.[A-Z_]+,[^)}\]]*Outcome\."
    )
    found = [
        str(path.relative_to(ROOT))
        for room in ("crawler", "pipelines")
        for path in (ROOT / room).rglob("*.py")
        if path.name != "records.py" and kept.search(path.read_text("utf-8"))
    ]
    assert found == []
