"""What four people met on the pages, walked again in a real browser: phrases, addresses, tables, caches."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from policy_archive.crawler.core.records import Document, Kind
from policy_archive.pipelines.store.writer import Store
from tests.browse.conftest import MIDDLE, OLD, SITE, open_context
from tests.support.asking import HOME, browse
from tests.support.synthetic import store_texts

_PHONE = {"width": 390, "height": 844}


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = open_context(browser, viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()


def test_a_regulator_sees_who_took_a_phrase_in_and_reads_the_change(page: Page, server: str) -> None:
    page.goto(f"{server}{HOME}")
    page.get_by_role("link", name="Phrases").click()
    page.get_by_label("Phrase", exact=True).fill("do not sell")
    page.get_by_label("beside 1").fill("name")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**/-/phrase?q=do+not+sell&q=name*")
    assert page.locator(".chart svg .dot").count() >= 8
    expect(page.get_by_role("row").filter(has_text="2012")).to_contain_text("50 %")
    expect(page.get_by_text("The first known to have taken it in")).to_be_visible()
    page.get_by_role("region", name="").first.is_visible()
    took = page.locator("section", has_text="Took it in").first
    took.get_by_role("link", name=SITE).click()
    page.wait_for_url("**/-/diff/**#c*")
    place = page.url.rpartition("#")[2]
    assert page.locator(f"#{place}").evaluate("one => one.getBoundingClientRect().top < innerHeight")
    assert page.get_by_text("We do not sell your personal information.").first.is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_shares_are_read_on_a_phone_on_paper_and_alone(browser: Browser, server: str, scheme: str) -> None:
    context = open_context(browser, viewport=_PHONE, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"{server}{HOME}/-/phrase?q=harbour&q=name&q=pier")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    size = "text => text.getBoundingClientRect().height"
    assert page.locator(".chart svg text").first.evaluate(size) >= 11
    lines = page.locator(".chart svg g .line")
    styles = {lines.nth(i).get_attribute("stroke-dasharray") for i in range(lines.count())}
    assert len(styles) == 3  # told apart without colour
    page.emulate_media(media="print", color_scheme=scheme)  # type: ignore[arg-type]
    ink = "one => getComputedStyle(one).stroke"
    assert page.locator(".chart svg g .line").first.evaluate(ink) == "rgb(31, 95, 139)"
    page.emulate_media(media="screen")
    page.goto(f"{server}{HOME}/-/phrase.svg?q=harbour&q=name")
    assert page.locator("circle").count() > 4
    ground = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert ground == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(26, 30, 34)")
    context.close()


def test_an_address_that_was_shortened_by_hand_leads_on_or_says_why(page: Page, server: str) -> None:
    page.goto(f"{server}{HOME}/{SITE}/privacy/2012")
    page.wait_for_url("**/privacy/at/2012-12-31")
    assert page.get_by_role("heading", level=1).is_visible()
    answer = page.goto(f"{server}{HOME}/x/y/z/what")
    assert answer is not None and answer.status == 404
    expect(page.get_by_role("main")).to_contain_text("There is no such page.")


def test_a_site_is_understood_as_it_is_typed_and_what_is_none_is_told(page: Page, server: str) -> None:
    page.goto(f"{server}{HOME}/-/search?q=harbour&site=https://Calm.example/x")
    expect(page.get_by_role("main")).to_contain_text(SITE)
    assert "No version says this" not in page.get_by_role("main").inner_text()
    page.goto(f"{server}{HOME}/-/search?q=harbour&site=nowhere.example")
    expect(page.get_by_role("alert")).to_contain_text("not in the corpus")


def test_a_search_that_nothing_could_stop_gets_a_sentence_at_once(page: Page, server: str) -> None:
    page.goto(f"{server}{HOME}/-/search?q={'data+' * 60}")
    expect(page.get_by_role("alert")).to_contain_text("too many words")


def test_nothing_is_told_as_plus_nothing_minus_nothing(page: Page, server: str) -> None:
    for path in ("", f"/{SITE}", "/-/changes", f"/-/diff/{SITE}/privacy/{OLD}/{SITE}/privacy/{MIDDLE}"):
        page.goto(f"{server}{HOME}{path}")
        assert "+0 −0" not in page.get_by_role("main").inner_text(), path


def test_a_page_that_did_not_change_is_asked_for_and_not_sent(page: Page, server: str) -> None:
    first = page.goto(f"{server}{HOME}/{SITE}")
    assert first is not None and first.headers["cache-control"] == "private, no-cache"
    page.goto(f"{server}{HOME}")
    again = page.goto(f"{server}{HOME}/{SITE}")
    assert again is not None
    assert again.request.all_headers()["if-none-match"] == first.headers["etag"]
    assert page.get_by_role("heading", level=1).inner_text() == SITE
    kept: list[str] = []
    page.on("request", lambda request: kept.append(request.url))
    page.reload()
    assert any("policies.css?v=" in url for url in kept)


@pytest.fixture(scope="module")
def long_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    database = tmp_path_factory.mktemp("long") / "policies.db"
    with Store.open(database) as store:
        for number in range(60):
            document = Document(site=f"site{number}.example", kind=Kind.PRIVACY)
            store_texts(store, [(f"{2000 + number % 20}0101", "We keep geese. " * 2_000)], document=document)
    with browse(database) as base:
        yield base


def test_a_table_of_policies_is_scanned_and_left_for_the_pages(page: Page, long_server: str) -> None:
    page.goto(f"{long_server}{HOME}")
    page.get_by_role("link", name="Data").click()
    page.get_by_role("link", name="Versions", exact=True).click()
    page.wait_for_url("**/policy_versions?**")
    first = page.locator("tbody tr").first
    assert first.evaluate("row => row.getBoundingClientRect().top") < 1_500
    first.get_by_role("link", name="1", exact=True).click()
    page.wait_for_url(f"**{HOME}/site*.example/privacy/*")
    page.goto(f"{long_server}/policies/policy_versions?_size=50")
    rows = page.locator("tbody tr")
    assert rows.count() == 50
    heights = rows.evaluate_all("rows => rows.map(row => row.getBoundingClientRect().height)")
    assert max(heights) < 200  # it was 800 pixels a row
    rows.first.get_by_role("link", name="all of it").click()
    page.wait_for_url(f"**{HOME}/site*.example/privacy/*")
