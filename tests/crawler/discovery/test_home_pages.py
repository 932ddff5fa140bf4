"""Which home pages replay is asked for: what a list of their captures would have shown is not missed."""

from __future__ import annotations

import pytest

from policy_archive.crawler.core.records import Kind
from tests.support.archived_site import ArchivedSite, shown

SITE = "example.com"
HOME, SECURE = f"http://{SITE}/", f"https://{SITE}/"
KINDS = (Kind.PRIVACY, Kind.TERMS)


def link(path: str) -> str:
    return f'<p>Welcome.</p><a href="{path}">Privacy Policy</a>'


def monthly(first: int, last: int) -> list[str]:
    """Return an instant a month, from January of a year to December of another."""
    return [f"{year}{month:02}05" for year in range(first, last + 1) for month in range(1, 13)]


def find(site: ArchivedSite, *kinds: Kind) -> list[str]:
    """Return the addresses of the privacy policy that replay shows."""
    return shown(site.discover(kinds or KINDS))["privacy"]


@pytest.fixture
def site() -> ArchivedSite:
    return ArchivedSite(site=SITE)


def test_redirects_at_both_ends_keep_nobody_from_the_first_home_page(site: ArchivedSite) -> None:
    site.captures(f"{HOME}info/17", range(2007, 2011))
    site.captures(f"{HOME}privacy", range(2014, 2018))
    for at in ("20050212", "20151111"):  # nothing else near: looks a month further in lead there again
        site.capture(at, HOME, to=SECURE)
    site.capture("20051106", HOME, link("/info/17"))
    site.capture("20150830", SECURE, link("/privacy"))
    assert find(site) == [f"{HOME}info/17", f"{HOME}privacy"]
    assert site.purposes() == ["domain", "address"]


def test_the_first_home_page_is_read_where_a_policy_reaches_nearly_back_to_it(site: ArchivedSite) -> None:
    site.capture("19990419", f"{HOME}info/17")
    site.capture("19991110", f"{HOME}privacy")
    site.capture("19990209", HOME, link("/info/17"))
    site.capture("19991112", HOME, link("/privacy"))
    assert find(site, Kind.PRIVACY) == [f"{HOME}info/17", f"{HOME}privacy"]


def build_gap(site: ArchivedSite, a_year: int) -> None:
    """A policy that stood elsewhere for less than two years; it was captured so often a year else."""
    before, after = monthly(2010, 2012), monthly(2014, 2017)
    for path, instants in (("/privacy-old", before[:-5]), ("/privacy", after[6:])):
        for at in instants[:: 12 // a_year]:
            site.capture(at, HOME.rstrip("/") + path)
    for at in monthly(2013, 2013):
        site.capture(at, f"{HOME}info/17")
    for at in monthly(2010, 2017):
        path = "/privacy-old" if at < "201208" else "/privacy" if at > "201407" else "/info/17"
        site.capture(at.replace("05", "07"), HOME, link(path))


def test_a_gap_of_a_policy_that_was_captured_often_is_looked_into(site: ArchivedSite) -> None:
    build_gap(site, 12)
    assert f"{HOME}info/17" in find(site, Kind.PRIVACY)
    assert Kind.HOME.value not in site.purposes()


def test_of_a_policy_that_is_seldom_captured_such_a_gap_says_nothing(site: ArchivedSite) -> None:
    build_gap(site, 2)
    find(site, Kind.PRIVACY)
    assert (len(site.looked), len(site.read)) == (1, 2)


def test_pages_among_redirects_are_found_between_the_ends(site: ArchivedSite) -> None:
    site.captures(f"{HOME}privacy-old", range(2000, 2005))
    site.captures(f"{HOME}info/17", range(2005, 2013))
    site.captures(f"{HOME}privacy", range(2013, 2019))
    for at in monthly(2000, 2018):
        if at in ("20000105", "20181205") or "200612" < at < "200706":
            path = {"2000": "/privacy-old", "2018": "/privacy"}.get(at[:4], "/info/17")
            site.capture(at, SECURE, link(path))
        else:
            site.capture(at, HOME, to=SECURE)
    assert f"{HOME}info/17" in find(site, Kind.PRIVACY)
    assert Kind.HOME.value not in site.purposes()


def test_where_replay_shows_redirects_alone_the_index_is_asked_which_captures_are_pages(
    site: ArchivedSite,
) -> None:
    site.captures(f"{HOME}privacy-old", range(2000, 2004))
    site.captures(f"{HOME}info/17", range(2005, 2012))
    site.captures(f"{HOME}privacy", range(2013, 2019))
    pages = {
        "20000105": "/privacy-old",
        "20080705": "/info/17",
        "20080905": "/info/17",
        "20181205": "/privacy",
    }
    for at in monthly(2000, 2018):
        if at in pages:
            site.capture(at, SECURE, link(pages[at]))
        else:
            site.capture(at, HOME, to=SECURE)
    assert f"{HOME}info/17" in find(site)
    assert site.purposes() == ["domain", "home", "address"]


def test_a_list_of_policies_that_may_not_be_read_any_more_hides_no_move(site: ArchivedSite) -> None:
    stays = {1993: "privacy-old", 1998: "info/17", 2005: "privacy"}
    path = ""
    for year in range(1993, 2011):
        path = stays.get(year, path)
        site.capture(f"{year}0301", f"{HOME}{path}")
        site.capture(f"{year}0601", HOME, link(f"/{path}"))
    site.captures(f"{HOME}legal", (2009, 2010))  # terms are missing, and might be listed there
    site.capture("20101201", HOME, to=SECURE)  # a look in vain: no page is left but for moves
    assert f"{HOME}info/17" in find(site)
