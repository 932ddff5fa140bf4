"""Four people's ways through the demo's pages, to their ends: each has in hand what she came for.

A law researcher a paragraph that she can cite; a journalist the sentence that came and went, and when; a
regulator who was the first and how many say it now, as a file; a compliance officer what changed since she
last looked.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree
from playwright.sync_api import Browser, Page, expect

from tests.browse.conftest import open_context
from tests.support.asking import HOME, browse

_SITE = "tidelock.example"
_CAME = "We may share your home harbour and your e-mail address with selected partners"


@pytest.fixture(scope="module")
def demo_server(demo_database: Path) -> Iterator[str]:
    with browse(demo_database) as base:
        yield base


@pytest.fixture
def page(demo_server: str, browser: Browser) -> Iterator[Page]:
    context = open_context(browser, viewport={"width": 1280, "height": 900})
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    opened = context.new_page()
    opened.goto(f"{demo_server}{HOME}")
    yield opened
    context.close()


def _go_to_site(page: Page) -> None:
    page.get_by_label("Go to a site").fill(_SITE)
    page.get_by_role("button", name="Show").last.click()
    page.wait_for_url(f"**/{_SITE}")


def test_a_law_researcher_cites_a_paragraph_as_it_stood_on_a_day(page: Page) -> None:
    _go_to_site(page)
    page.get_by_label("In force on").first.fill("2018-07-01")
    page.get_by_role("button", name="Show", exact=True).first.click()
    expect(page.get_by_role("main")).to_contain_text("In force on 2018-07-01.")
    right = page.get_by_role("article").locator("p", has_text="You have the right to ask for access")
    right.hover()
    right.get_by_role("link", name="Paragraph").click()
    page.wait_for_url("**/privacy/20180528191130?p=*#p*")
    page.get_by_role("button", name="Copy the quotation").click()
    page.get_by_role("button", name="Copied").wait_for()
    said, source, kept, capture, digest = page.evaluate("navigator.clipboard.readText()").splitlines()
    assert said.startswith("“You have the right to ask for access to your personal data")
    assert "came between 2018-04-12 and 2018-05-28; last seen 2019-02-22" in source
    assert capture.endswith("/20180528191130/https://tidelock.example/legal/privacy")
    assert digest.startswith("Text: sha256:")
    page.get_by_text("Cite this", exact=True).click()
    cited = page.locator("#cite-text").inner_text()
    # the archive that was asked, and no other
    assert "archive at http://127.0.0.1" in cited and "Internet Archive" not in cited
    # what she kept leads back to the paragraph, in sight
    page.goto(kept)
    place = page.locator(":target")
    assert place.inner_text().startswith(said[1:40])
    assert place.evaluate("one => one.getBoundingClientRect().top < innerHeight")


def test_a_journalist_finds_the_sentence_that_came_and_went_and_when(page: Page) -> None:
    _go_to_site(page)
    rows = page.locator("table.versions").first
    rows.get_by_role("link", name="new section “4.3 Partners”").click()
    page.wait_for_url("**/-/diff/**")
    came = page.locator("ins", has_text=_CAME)
    for _ in range(12):
        page.keyboard.press("n")
        if came.first.evaluate(
            "one => { const at = one.getBoundingClientRect(); return 0 < at.top && at.top < 800 }"
        ):
            break
    number = page.url.rpartition("#c")[2]
    assert page.locator(f"tbody:has(#c{number})").locator("ins", has_text=_CAME).is_visible()
    expect(page.locator(".diff thead")).to_contain_text("between 2020-01-20 and 2020-09-14")
    page.get_by_role("link", name="Change from 7 to 8 →").click()
    page.wait_for_url("**/20200914170000/**/20211114102055")
    assert page.locator("del", has_text=_CAME).count() == 1
    page.get_by_text("Cite this change").click()
    assert "between 2021-06-30 and 2021-11-14" in page.locator("#cite-text").inner_text()
    # the whole story of the section, from any version that has it
    page.get_by_role("link", name="version 8").first.click()
    page.get_by_role("link", name="History of the section 3. How we use information").click()
    page.wait_for_url("**/section/s-3-how-we-use-information")
    steps = page.locator(".step")
    told = {
        steps.nth(at).locator("h3").inner_text().partition("+")[0].strip(): steps.nth(at)
        for at in range(steps.count())
    }
    assert told["Changed between 2020-01-20 and 2020-09-14"].locator("ins", has_text=_CAME).count() == 1
    assert told["Changed between 2021-06-30 and 2021-11-14"].locator("del", has_text=_CAME).count() == 1
    assert "Stood there when the document was first seen, 2003-04-12" in told


def test_a_regulator_takes_along_who_said_it_first_and_how_many_say_it(page: Page) -> None:
    page.get_by_role("searchbox").fill('"machine learning"')
    page.keyboard.press("Enter")
    page.wait_for_url("**/-/search?*")
    page.get_by_role("link", name="How many say it, year by year").click()
    page.wait_for_url("**/-/phrase?*")
    expect(page.get_by_role("main")).to_contain_text("The first known to have taken it in")
    address = page.get_by_role("link", name="years as CSV").get_attribute("href")
    table = page.request.get(f"{page.url.partition('/-/')[0]}{address}").text()
    years = list(csv.DictReader(io.StringIO(table)))
    assert years and all(int(row["saying"]) <= int(row["documents"]) for row in years)
    assert int(years[-1]["saying"]) >= 2
    took = page.locator("section", has_text="Took it in").first
    took.get_by_role("link", name="bramblekit.example").first.click()
    page.wait_for_url("**/-/diff/bramblekit.example/**")
    assert page.locator("ins", has_text="machine learning").first.is_visible()


def test_a_compliance_officer_sees_what_matters_since_she_last_looked(page: Page) -> None:
    page.get_by_role("link", name="Changes", exact=True).click()
    page.get_by_label("Learnt since").fill("2020")
    page.get_by_label("Class").select_option("substantive")
    page.get_by_label("Kind").select_option("privacy")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**class=substantive**")
    entries = page.locator(".changes > li")
    assert entries.count() == 20  # a page of them
    assert entries.locator("blockquote").count() == 20
    assert "+0 −0" not in page.get_by_role("main").inner_text()
    sharing = entries.filter(has_text="between 2024-06-20 and 2024-10-01")
    if not sharing.count():
        page.get_by_role("link", name="Older →").click()
        page.wait_for_url("**page=1**")
    assert "copperlane.example" in sharing.inner_text()
    sharing.get_by_role("link").first.click()
    page.wait_for_url("**/-/diff/copperlane.example/**/20241001070000")
    assert page.locator("ins", has_text="unless you have opted out").first.is_visible()
    feed = page.get_by_role("link", name="Feed").get_attribute("href")
    atom = page.request.get(f"{page.url.partition('/-/')[0]}{feed}").body()
    links = etree.fromstring(atom).xpath("//*[local-name()='entry']/*[local-name()='link']/@href")
    assert page.url in links
