"""What is due, what is searched anew, which address is asked: rules without a clock of their own."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy_archive.crawler.core.errors import UsageError
from policy_archive.crawler.core.records import CdxRow, Kind, KnownCapture, Outcome
from policy_archive.crawler.core.urlkeys import urlkey
from policy_archive.crawler.core.vocabularies import SiteOutcome
from policy_archive.crawler.planning.due import (
    LONGEST_WAIT,
    SEARCH_AGAIN,
    SEARCH_AGAIN_WHEN_GONE,
    Watch,
    find_live_key,
    is_gone,
    needs_search,
    parse_interval,
)

NOW = datetime(2026, 11, 22, tzinfo=UTC)
WATCH = Watch(
    site="x.example",
    every="1w",
    kinds=(Kind.PRIVACY,),
    added_at=NOW - timedelta(days=100),
    checked_at=NOW,
    searched_at=NOW,
    misses=0,
    outcome=SiteOutcome.FOUND,
    reason="",
)
OLD, NEW = "https://x.example/privacy", "https://x.example/legal/privacy"
KEYS = {urlkey(OLD), urlkey(NEW)}


def known(
    timestamp: str,
    url: str = OLD,
    outcome: Outcome | None = Outcome.TEXT,
    *,
    digest: str = "",
    status: str = "200",
) -> KnownCapture:
    row = CdxRow(
        urlkey=urlkey(url),
        timestamp=timestamp.ljust(14, "0"),
        original=url,
        mimetype="text/html",
        statuscode=status,
        digest=digest or f"{timestamp}{url}",
        length=1,
    )
    return KnownCapture(row=row, outcome=outcome)


@pytest.mark.parametrize(
    ("text", "days"), [("12h", 0.5), ("1d", 1), ("2w", 14), ("1mo", 30), ("1Y", 365), (" 3d ", 3)]
)
def test_an_interval_is_written_as_people_do(text: str, days: float) -> None:
    assert parse_interval(text) == timedelta(days=days)


@pytest.mark.parametrize(
    "text", ["", "0d", "week", "1m", "-1d", "1.5d", "99999d", "11y", "9999w", "1 w", "١d"]
)
def test_an_interval_that_is_none_is_named(text: str) -> None:
    with pytest.raises(UsageError, match="is no interval"):
        parse_interval(text)


def test_a_site_is_due_at_once_then_an_interval_after_each_check() -> None:
    assert replace(WATCH, checked_at=None).is_due(NOW)
    assert not WATCH.is_due(NOW + timedelta(days=6, hours=23))
    assert WATCH.is_due(NOW + timedelta(days=7))


def test_what_a_clock_that_ran_ahead_wrote_down_delays_nothing() -> None:
    ahead = NOW + timedelta(days=3650)
    assert replace(WATCH, checked_at=ahead).is_due(NOW)
    assert replace(WATCH, added_at=ahead, checked_at=None).is_due(NOW)
    assert needs_search(replace(WATCH, searched_at=ahead), has_policy=True, is_gone=False, now=NOW)


def test_a_site_that_is_never_found_is_tried_ever_more_seldom_and_once_a_year_at_least() -> None:
    waits = [
        (replace(WATCH, outcome=SiteOutcome.NOTHING_FOUND, misses=n).due_at - NOW).days for n in range(8)
    ]
    assert waits == [7, 14, 28, 56, 112, 224, 365, 365]
    assert replace(WATCH, every="1y", misses=3).due_at - NOW == LONGEST_WAIT
    assert replace(WATCH, every="2y", misses=3).due_at - NOW == timedelta(days=730)


@given(misses=st.integers(0, 10_000))
def test_the_longest_interval_is_a_time_too(misses: int) -> None:
    assert replace(WATCH, misses=misses, every="10y").due_at - NOW == timedelta(days=3650)


@given(misses=st.integers(0, 10_000), every=st.sampled_from(["1h", "1d", "1w", "1mo", "1y"]))
def test_no_number_of_misses_is_too_many(misses: int, every: str) -> None:
    assert timedelta(hours=1) <= replace(WATCH, misses=misses, every=every).due_at - NOW <= LONGEST_WAIT


@pytest.mark.parametrize("outcome", [one for one in SiteOutcome if one.is_failure])
def test_what_failed_is_due_again_at_once(outcome: SiteOutcome) -> None:
    assert replace(WATCH, outcome=outcome).is_due(NOW)


@pytest.mark.parametrize(
    ("has_policy", "gone", "days", "wanted"),
    [
        (True, False, 0, False),
        (True, False, SEARCH_AGAIN.days - 1, False),
        (True, False, SEARCH_AGAIN.days, True),
        (True, True, SEARCH_AGAIN_WHEN_GONE.days - 1, False),
        (True, True, SEARCH_AGAIN_WHEN_GONE.days, True),
        (False, False, 0, True),
    ],
)
def test_policies_are_looked_for_anew_seldom(has_policy: bool, gone: bool, days: int, wanted: bool) -> None:
    now = NOW + timedelta(days=days)
    assert needs_search(WATCH, has_policy=has_policy, is_gone=gone, now=now) is wanted


def test_a_site_that_was_never_searched_is_searched() -> None:
    assert needs_search(replace(WATCH, searched_at=None), has_policy=True, is_gone=False, now=NOW)


def test_the_address_with_the_newest_text_is_asked() -> None:
    history = [known("2010"), known("2015", NEW), known("2016", OLD, Outcome.REDIRECT), known("2012")]
    assert find_live_key(history, KEYS) == urlkey(NEW)


def test_a_text_that_an_equal_digest_proves_counts_for_its_address() -> None:
    history = [known("2010", digest="SAME"), known("2015", NEW, None, digest="SAME")]
    assert find_live_key(history, KEYS) == urlkey(NEW)


def test_a_document_without_a_text_lives_nowhere() -> None:
    assert find_live_key([known("2010", outcome=Outcome.NOT_A_POLICY)], KEYS) is None
    assert find_live_key([], KEYS) is None


def test_the_text_of_a_frame_is_asked_for_by_its_frameset() -> None:
    frame = known("2010", "https://x.example/frame.html")
    assert find_live_key([known("2010", OLD, Outcome.EMPTY), frame], KEYS) == urlkey(OLD)


@pytest.mark.parametrize(
    ("later", "gone"),
    [
        ([], False),
        ([known("2016", outcome=Outcome.ERROR_PAGE)], False),
        ([known("2016", outcome=Outcome.ERROR_PAGE), known("2017", outcome=Outcome.NOT_A_POLICY)], True),
        ([known("2016", outcome=None, status="404"), known("2017", outcome=None, status="404")], True),
        ([known("2016", outcome=Outcome.REDIRECT)], True),
        ([known("2016", outcome=None, status="301")], True),
        ([known("2016", outcome=Outcome.REDIRECT), known("2017")], False),
        ([known("2016", outcome=Outcome.REDIRECT), known("2017", outcome=None, digest="TEXT")], False),
        ([known("2016", NEW, Outcome.REDIRECT)], False),
        ([known("2016", outcome=Outcome.ARCHIVE_ERROR), known("2017", outcome=Outcome.DRIFT)], False),
    ],
)
def test_a_policy_is_gone_when_its_address_says_so_not_when_the_archive_fails(
    later: list[KnownCapture], gone: bool
) -> None:
    assert is_gone([known("2015", digest="TEXT"), *later], urlkey(OLD)) is gone
