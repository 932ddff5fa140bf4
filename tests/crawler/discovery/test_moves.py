"""Policies that move: all their addresses are one history, and what only looks like one is none."""

from __future__ import annotations

import pytest

from bench.moves import MOVES, SITE, Move, in_one_history
from policy_archive.crawler.core.records import Kind
from tests.support.archived_site import ArchivedSite, shown


@pytest.mark.parametrize("move", MOVES, ids=lambda move: move.name)
def test_a_policy_that_moves_is_one_history(move: Move) -> None:
    site = move.build()
    plan = site.discover()
    assert in_one_history(plan, move), shown(plan)
    assert len(site.asked) + len(site.read) <= 12


def test_variants_of_an_address_that_covers_their_time_are_left_out() -> None:
    site = ArchivedSite(site=SITE)
    site.captures("https://example.com/privacy", range(2008, 2014))
    site.captures("https://example.com/legal/privacy", range(2014, 2023))
    site.captures("https://example.com/privacy?share=x", range(2017, 2020))
    plan = site.discover()
    assert shown(plan) == {"privacy": ["https://example.com/privacy", "https://example.com/legal/privacy"]}


def test_of_many_variants_the_one_with_most_captures_goes_on() -> None:
    site = ArchivedSite(site=SITE)
    site.captures("https://example.com/privacy", range(2004, 2010))
    site.captures("https://example.com/privacy?a=1", range(2015, 2022))
    site.captures("https://example.com/privacy?a=2", range(2015, 2018))
    assert shown(site.discover()) == {
        "privacy": ["https://example.com/privacy", "https://example.com/privacy?a=1"]
    }


def test_a_label_that_names_no_policy_narrows_none_down() -> None:
    site = ArchivedSite(site=SITE)
    site.captures("https://example.com/privacy.html", range(2008, 2020))
    site.captures("https://example.com/", range(2008, 2020), '<a href="/privacy.html">Jobs</a>')
    assert [found.document.name for found in site.discover([Kind.PRIVACY]).documents] == [""]


def test_an_older_version_beside_the_main_one_keeps_its_name() -> None:
    site = ArchivedSite(site=SITE)
    site.captures("https://example.com/privacy", range(2010, 2020))
    site.captures("https://example.com/archived/privacy", range(2012, 2020))
    assert set(shown(site.discover())) == {"privacy", "privacy previous"}
