"""The pages in a real browser: walked as a person would, and with texts that would like to run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urljoin

import pytest
from lxml import etree
from playwright.sync_api import Browser, Page

from policy_archive.pipelines.store.writer import Store
from tests.browse.conftest import MIDDLE, NEW, OLD, PRIVACY, SITE, open_context
from tests.support.asking import HOME, browse
from tests.support.hostile import HOSTILE, HOSTILE_SITE
from tests.support.synthetic import store_texts

_DESKTOP = {"width": 1280, "height": 900}
_PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def hostile_server(hostile_database: Path) -> Iterator[str]:
    with browse(hostile_database) as base:
        yield base


@dataclass(kw_only=True)
class Watch:
    """What a page did that it should not."""

    origin: str
    dialogs: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def keep_watch(self, page: Page) -> None:
        page.on("dialog", lambda dialog: (self.dialogs.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: self._note(request.url))
        page.on("console", lambda message: self._complain(page.url, message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _complain(self, url: str, message: str) -> None:
        # a slow browser focuses the clicked link before the page asks for its search field: nothing is wrong
        if "Autofocus processing was blocked" not in message:
            self.complaints.append(f"{url}: {message}")

    def _note(self, url: str) -> None:
        if not url.startswith((f"{self.origin}/", "about:", "data:")):
            self.foreign.append(url)

    def assert_nothing_happened(self) -> None:
        assert (self.dialogs, self.foreign, self.complaints) == ([], [], [])


def _open(browser: Browser, watch: Watch, *, size: dict[str, int], scheme: str) -> Page:
    context = open_context(browser, viewport=size, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    watch.keep_watch(page)
    return page


def _assert_fits(page: Page) -> None:
    """No page is wider than its window: what is wide scrolls inside."""
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), page.url


def _contrast(page: Page, selector: str) -> float:
    """Return the contrast of an element's text with the page, as WCAG defines it."""
    return float(
        page.evaluate(
            """selector => {
            const channels = text => text.match(/[\\d.]+/g).slice(0, 3).map(Number);
            const light = text => channels(text).map(part => part / 255)
                .map(part => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
                .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
            let ground = document.querySelector(selector);
            const ink = light(getComputedStyle(ground).color);
            while (ground && /, 0\\)|transparent/.test(getComputedStyle(ground).backgroundColor))
                ground = ground.parentElement;
            const paper = light(getComputedStyle(ground).backgroundColor);
            return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
        }""",
            selector,
        )
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [_DESKTOP, _PHONE], ids=["desktop", "phone"])
def test_a_person_searches_reads_compares_and_follows(
    browser: Browser, server: str, size: dict[str, int], scheme: str
) -> None:
    watch = Watch(origin=server)
    page = _open(browser, watch, size=size, scheme=scheme)
    page.goto(server)
    page.get_by_role("link", name="Read, search and compare the policies").first.click()
    watch.complaints.clear()  # Datasette's own front page is not ours to mend
    _assert_fits(page)
    page.get_by_role("searchbox").fill('"do not sell"')
    page.keyboard.press("Enter")
    page.wait_for_url("**/-/search?*")
    assert "1 version" in page.get_by_role("main").inner_text()
    _assert_fits(page)
    page.get_by_role("link", name=f"{SITE} – Privacy policy, version 2").click()
    page.wait_for_url(f"**/privacy/{MIDDLE}?q=*#hit-1")
    assert page.locator("#hit-1").inner_text() == "do not sell"
    assert page.get_by_role("article").get_by_role("heading", name="Your choice").is_visible()
    _assert_fits(page)
    page.get_by_role("link", name="What changed from 1 to 2").click()
    page.wait_for_url("**/-/diff/**")
    assert page.get_by_text("We do not sell your personal information.").first.is_visible()
    for selector in (".added", ".lead", ".lead a", "footer", ".diff td"):
        assert _contrast(page, selector) >= 4.5, selector
    _assert_fits(page)
    page.get_by_role("link", name="Show inline").click()
    page.wait_for_url("**?view=inline")
    assert page.locator("ins", has_text="electronic").is_visible()
    page.get_by_text("unchanged line").first.click()
    _assert_fits(page)
    page.get_by_role("link", name=SITE, exact=True).click()
    page.wait_for_url(f"**/{SITE}")
    assert page.locator("svg.timeline a").count() == 5
    _assert_fits(page)
    feed = page.get_by_role("link", name="Feed").get_attribute("href")
    answer = page.request.get(f"{server}{feed}")
    assert answer.ok and answer.text().count("<entry>") == 2
    watch.assert_nothing_happened()
    page.context.close()


def test_the_timeline_is_walked_with_the_keyboard(browser: Browser, server: str) -> None:
    watch = Watch(origin=server)
    page = _open(browser, watch, size=_DESKTOP, scheme="light")
    page.goto(f"{server}{HOME}/{SITE}")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    timeline = page.get_by_role("region", name="Timeline of the privacy policy", exact=True)
    timeline.get_by_role("link", name="Version 1, first seen").focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("Version 2, between")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/privacy/{MIDDLE}")
    watch.assert_nothing_happened()
    page.context.close()


def test_on_a_phone_the_timeline_fits_in_and_its_words_are_as_large_as_elsewhere(
    browser: Browser, server: str
) -> None:
    page = _open(browser, Watch(origin=server), size=_PHONE, scheme="dark")
    page.goto(f"{server}{HOME}/{SITE}")
    picture = page.get_by_role("img", name="Picture of 3 versions").first
    assert picture.evaluate("svg => svg.getBoundingClientRect().right <= window.innerWidth")
    heights = picture.locator("text").evaluate_all(
        "all => all.map(one => one.getBoundingClientRect().height)"
    )
    assert len(heights) > 3 and min(heights) >= 9
    assert page.locator("table.versions").first.locator("td.number a").first.inner_text() == "3"
    page.context.close()


def test_on_a_phone_what_changed_is_seen_without_scrolling_sideways(browser: Browser, server: str) -> None:
    page = _open(browser, Watch(origin=server), size=_PHONE, scheme="light")
    page.goto(f"{server}{HOME}/{SITE}")
    table = page.locator("table.versions").first
    assert table.evaluate("table => table.scrollWidth <= table.parentElement.clientWidth")
    assert table.get_by_role("columnheader", name="What changed").is_visible()
    page.goto(f"{server}{HOME}")
    years = page.locator("svg.years text")
    assert years.first.evaluate("text => text.getBoundingClientRect().height") >= 9
    page.context.close()


def test_forms_lead_to_a_day_and_to_a_comparison(browser: Browser, server: str) -> None:
    watch = Watch(origin=server)
    page = _open(browser, watch, size=_DESKTOP, scheme="light")
    page.goto(f"{server}{HOME}/{SITE}")
    page.get_by_label("In force on").first.fill("2012-06-01")
    page.get_by_role("button", name="Show", exact=True).first.click()
    page.wait_for_url("**/privacy/at/2012-06-01")
    assert "In force on 2012-06-01." in page.get_by_role("main").inner_text()
    page.go_back()
    chosen = page.locator("select option:checked").all_inner_texts()
    assert chosen == ["Privacy policy, 2 – 2012-06-01", "Privacy policy, 3 – 2018-05-25"]
    page.get_by_label("From").select_option(label="Privacy policy, 1 – 2010-01-05")
    page.get_by_role("button", name="Show the differences").click()
    page.wait_for_url("**/-/diff/**")
    assert "What changed" in page.get_by_role("heading", level=1).inner_text()
    watch.assert_nothing_happened()
    page.context.close()


def test_a_change_has_a_link_of_its_own_and_leads_to_the_next(browser: Browser, server: str) -> None:
    watch = Watch(origin=server)
    page = _open(browser, watch, size={"width": 1400, "height": 300}, scheme="light")
    diff = f"{server}{HOME}/-/diff/{SITE}/privacy/{OLD}/{SITE}/privacy/{MIDDLE}"
    page.goto(f"{diff}#c2")
    second = page.locator("#c2")
    # below the heads of both sides, which stay in sight
    heads = page.locator(".diff thead th").first.bounding_box()
    assert heads is not None and heads["y"] < 5
    place = second.bounding_box()
    assert place is not None and heads["y"] + heads["height"] <= place["y"] < 300
    assert second.inner_text().split()[:3] == ["2", "Your", "choice"]
    second.get_by_role("link", name="Previous change").click()
    page.wait_for_url("**#c1")
    page.get_by_role("navigation", name="Changes").get_by_role("link", name="Change 2").click()
    page.wait_for_url("**#c2")
    heads_say = page.locator(".diff thead").inner_text()
    assert "between 2011-03-01 and 2012-06-01" in heads_say and "first seen 2010-01-05" in heads_say
    assert page.locator(".diff thead a", has_text="capture").count() == 2
    page.get_by_role("link", name="Change from 2 to 3 →").click()
    page.wait_for_url(f"**/privacy/{MIDDLE}/{SITE}/privacy/{NEW}")
    page.get_by_role("link", name="← Change from 1 to 2").click()
    page.wait_for_url(diff)
    page.get_by_text("Cite this change").click()
    assert "between 2011-03-01 and 2012-06-01" in page.locator(".cite").inner_text()
    watch.assert_nothing_happened()
    page.context.close()


def test_a_paragraph_is_quoted_with_its_proof_and_copied(browser: Browser, server: str) -> None:
    watch = Watch(origin=server)
    page = _open(browser, watch, size=_DESKTOP, scheme="light")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{server}{HOME}/{SITE}/privacy/{MIDDLE}")
    sentence = page.get_by_role("article").locator("p", has_text="We do not sell")
    sentence.hover()
    sentence.get_by_role("link", name="Paragraph").click()
    page.wait_for_url(f"**/privacy/{MIDDLE}?p=6#p6")
    # the paragraph is in sight and marked
    marked = page.locator("#p6")
    assert marked.evaluate("one => getComputedStyle(one).backgroundColor") != "rgba(0, 0, 0, 0)"
    assert marked.evaluate("one => one.getBoundingClientRect().bottom <= window.innerHeight")
    page.get_by_role("button", name="Copy the quotation").click()
    page.get_by_role("button", name="Copied").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()").splitlines()
    assert copied[0] == "“We do not sell your personal information.”"
    assert copied[1].endswith("that came between 2011-03-01 and 2012-06-01; last seen 2012-06-01.")
    kept = copied[2].partition(":~:")
    assert kept[0] == f"{server}{HOME}/{SITE}/privacy/{MIDDLE}?p=6#p6" and kept[2].startswith("text=We%20do")
    assert copied[-1].startswith("Text: sha256:")
    page.goto(copied[2])
    assert page.get_by_role("heading", name="Paragraph 6, to quote").is_visible()
    watch.assert_nothing_happened()
    page.context.close()


@contextmanager
def _serve_corpus(path: Path, *texts: list[tuple[str, str]], archive: str | None = None) -> Iterator[str]:
    """Serve a corpus of one policy that learnt of its texts in this order."""
    with Store.open(path) as store:
        for known_together in texts:
            store_texts(store, known_together, document=PRIVACY, original=f"https://{SITE}/privacy")
        if archive:
            store.connection.execute(
                "update captures set archive = ?1, replay_url = ?1 || '/' || timestamp || 'id_/' || original",
                (archive,),
            )
            store.connection.commit()
    with browse(path) as base:
        yield base


def test_the_feed_of_a_page_tells_first_what_was_learnt_last_and_leads_to_the_change(
    browser: Browser, tmp_path: Path
) -> None:
    """Browse D7: a change of long ago that was found today stood nowhere in the feed of a large corpus."""
    many = [
        (f"20{year:02}0{month}01000000", f"Words of {month} in {year}.\n")
        for year in range(8, 23)
        for month in range(1, 9)
    ]
    late = [("20010101000000", "We keep it.\n"), ("20020101000000", "We never keep it.\n")]
    with _serve_corpus(tmp_path / "p.db", many, late) as base:
        watch = Watch(origin=base)
        page = _open(browser, watch, size=_DESKTOP, scheme="light")
        page.goto(f"{base}{HOME}/-/changes")
        feed = page.get_by_role("link", name="feed", exact=False).first.get_attribute("href")
        assert feed
        atom = {"a": "http://www.w3.org/2005/Atom"}
        entries = etree.fromstring(page.request.get(urljoin(page.url, feed)).body()).findall("a:entry", atom)
        published = [entry.findtext("a:published", namespaces=atom) for entry in entries]
        assert "2002-01-01T00:00:00Z" in published[:2]
        updated = [str(entry.findtext("a:updated", namespaces=atom)) for entry in entries]
        assert updated == sorted(updated, reverse=True) and updated[0] > "2022"  # learnt, not captured
        entry = entries[published.index("2002-01-01T00:00:00Z")]
        assert "<ins>never" in str(entry.findtext("a:content", namespaces=atom))
        link = entry.find("a:link", atom)
        assert link is not None
        page.goto(str(link.get("href")))
        assert page.locator("ins", has_text="never").first.is_visible()
        watch.assert_nothing_happened()
        page.context.close()


def test_every_page_that_cites_names_the_archive_that_was_asked(browser: Browser, tmp_path: Path) -> None:
    """Browse D12: the Wayback Machine was named for captures of another archive."""
    mine = "http://127.0.0.1:8182/mine"
    texts = [(OLD, "We keep it.\n"), (NEW, "We sell it.\n")]
    with _serve_corpus(tmp_path / "p.db", texts, archive=mine) as base:
        watch = Watch(origin=base)
        page = _open(browser, watch, size=_DESKTOP, scheme="light")
        for path in (
            f"{SITE}/privacy/{NEW}",
            f"{SITE}/privacy/{NEW}?p=1",
            f"-/diff/{SITE}/privacy/{OLD}/{SITE}/privacy/{NEW}",
        ):
            page.goto(f"{base}{HOME}/{path}")
            said = page.content()
            assert f"{mine}/{NEW}/https://{SITE}/privacy" in said
            assert "Wayback" not in said and "web.archive.org/web/" not in said
        page.goto(f"{base}{HOME}/{SITE}/privacy/{NEW}")
        for format_name in ("BibTeX", "CSL"):
            assert page.get_by_text(format_name).count() >= 1
        assert f"archive at {mine}" in page.locator("#about").inner_text()
        watch.assert_nothing_happened()
        page.context.close()


def test_words_of_addresses_are_neither_found_nor_marked(browser: Browser, tmp_path: Path) -> None:
    """Browse D20: a search found what stands in the address of a link alone, and marked it there."""
    text = (
        "# Privacy\n\nSee [our partners](https://go.example/fwlink/?id=7) and "
        "[what others tell](#from-third-parties).\n\n"
        "## From third parties\n\nThird parties tell us nothing.\n"
    )
    with _serve_corpus(tmp_path / "p.db", [(OLD, text)]) as base:
        watch = Watch(origin=base)
        page = _open(browser, watch, size=_DESKTOP, scheme="light")
        page.goto(f"{base}{HOME}/-/search?q=fwlink")
        assert page.get_by_role("main").get_by_role("link", name="version 1").count() == 0
        page.get_by_role("searchbox").first.fill('"third parties"')
        page.keyboard.press("Enter")
        page.wait_for_url("**/-/search?*third*")
        main = page.get_by_role("main")
        assert main.locator("mark").count() >= 1
        assert "(#from-third-parties)" not in main.inner_text() and "fwlink" not in main.inner_text()
        main.get_by_role("link", name="version 1").first.click()
        page.wait_for_url("**#hit-1")
        article = page.get_by_role("article")
        assert [one.lower() for one in article.locator("mark").all_inner_texts()] == ["third parties"] * 2
        assert article.get_by_text("what others tell").is_visible()
        watch.assert_nothing_happened()
        page.context.close()


def test_all_is_there_without_script(browser: Browser, server: str) -> None:
    context = open_context(browser, viewport=_DESKTOP, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{server}{HOME}/{SITE}/privacy/{MIDDLE}?p=6")
    quote = page.locator("#quote-text").inner_text()
    assert "“We do not sell your personal information.”" in quote and "sha256:" in quote
    assert not page.locator("button[data-copy]").filter(visible=True).count()
    page.goto(f"{server}{HOME}/-/diff/{SITE}/privacy/{OLD}/{SITE}/privacy/{MIDDLE}")
    assert not page.get_by_role("checkbox", name="Keys").count()
    page.get_by_role("link", name="Next change").first.click()
    assert page.url.endswith("#c2")
    page.goto(f"{server}{HOME}/{SITE}")
    page.locator("svg.timeline a").nth(1).click()
    page.wait_for_url(f"**/privacy/{MIDDLE}")
    context.close()


def test_keys_walk_through_changes_and_versions_until_they_are_turned_off(
    browser: Browser, server: str
) -> None:
    watch = Watch(origin=server)
    page = _open(browser, watch, size={"width": 1400, "height": 300}, scheme="light")
    diff = f"{server}{HOME}/-/diff/{SITE}/privacy/{OLD}/{SITE}/privacy/{MIDDLE}"
    page.goto(diff)
    for key, place in (("n", "#c1"), ("n", "#c2"), ("p", "#c1")):
        page.keyboard.press(key)
        page.wait_for_url(f"**{place}")
    page.get_by_role("checkbox", name="Keys").uncheck()
    page.keyboard.press("n")
    page.reload()
    assert not page.get_by_role("checkbox", name="Keys").is_checked()
    page.keyboard.press("n")
    assert page.url.endswith("#c1")
    page.get_by_role("checkbox", name="Keys").check()
    page.keyboard.press("N")
    page.wait_for_url(f"**/privacy/{MIDDLE}/{SITE}/privacy/{NEW}")
    watch.assert_nothing_happened()
    page.context.close()


def test_from_a_heading_its_history_is_one_step_away(browser: Browser, server: str) -> None:
    watch = Watch(origin=server)
    page = _open(browser, watch, size=_PHONE, scheme="dark")
    page.goto(f"{server}{HOME}/{SITE}/privacy/{MIDDLE}")
    page.get_by_role("link", name="History of the section Your choice").click()
    page.wait_for_url(f"**/privacy/{MIDDLE}/section/s-your-choice")
    _assert_fits(page)
    steps = [" ".join(text.split()) for text in page.locator(".step h3").all_inner_texts()]
    assert steps == ["Went between 2012-06-01 and 2018-05-25", "Came between 2011-03-01 and 2012-06-01+7 −0"]
    for selector in (".step ins", ".step .soft", ".step a"):
        assert _contrast(page, selector) >= 4.5, selector
    page.locator(".step.went").get_by_role("link", name="all that changed in 3").click()
    page.wait_for_url(f"**/-/diff/{SITE}/privacy/{MIDDLE}/{SITE}/privacy/{NEW}")
    watch.assert_nothing_happened()
    page.context.close()


def test_from_the_home_page_a_quoted_change_is_one_step_away(browser: Browser, server: str) -> None:
    watch = Watch(origin=server)
    page = _open(browser, watch, size=_PHONE, scheme="dark")
    page.goto(f"{server}{HOME}")
    assert page.locator(".changes ins", has_text="We do not sell your personal information.").is_visible()
    page.get_by_role("link", name="All changes").click()
    page.wait_for_url("**/-/changes")
    _assert_fits(page)
    for selector in (".changes ins", ".changes .when", ".plus"):
        assert _contrast(page, selector) >= 4.5, selector
    page.get_by_label("Learnt since").fill("2099")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**since=2099**")
    assert "None yet." in page.get_by_role("main").inner_text()
    page.go_back()
    page.locator(".changes a").nth(1).click()
    page.wait_for_url(f"**/-/diff/{SITE}/privacy/{OLD}/**")
    watch.assert_nothing_happened()
    page.context.close()


def test_a_difference_prints_in_dark_ink_with_what_went_struck_through(browser: Browser, server: str) -> None:
    page = _open(browser, Watch(origin=server), size=_DESKTOP, scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    page.goto(f"{server}{HOME}/-/diff/{SITE}/privacy/{MIDDLE}/{SITE}/terms/{OLD}?view=inline")
    for selector in (".plus", ".minus", "main a", "ins", ".row"):
        assert _contrast(page, selector) >= 4.5, selector
    assert "line-through" in page.locator("del").first.evaluate("one => getComputedStyle(one).textDecoration")
    assert "underline" in page.locator("ins").first.evaluate("one => getComputedStyle(one).textDecoration")
    assert page.locator(".paper").inner_text().count("sha256") == 2
    assert not page.locator(".walk, .rail, button").filter(visible=True).count()
    page.context.close()


def test_an_instant_between_two_captures_is_named_on_the_page_that_it_leads_to(
    browser: Browser, server: str
) -> None:
    page = _open(browser, Watch(origin=server), size=_DESKTOP, scheme="light")
    page.goto(f"{server}{HOME}/{SITE}/privacy/20110601000000")
    assert page.url.endswith(f"/{OLD}?asked=20110601000000")
    assert "Asked for 2011-06-01" in page.get_by_role("status").inner_text()
    page.goto(f"{server}{HOME}/{SITE}/privacy/2012")
    assert page.url.endswith("/privacy/at/2012-12-31")
    page.context.close()


def test_on_a_phone_the_first_hit_of_a_search_is_in_sight(browser: Browser, server: str) -> None:
    page = _open(browser, Watch(origin=server), size=_PHONE, scheme="light")
    page.goto(f"{server}{HOME}/-/search?q=harbour")
    assert page.locator(".hits li a").first.evaluate(
        "one => one.getBoundingClientRect().bottom < innerHeight"
    )
    page.get_by_text("Narrow it").click()
    page.get_by_label("Kind").select_option("terms")
    page.get_by_role("button", name="Search").first.click()
    page.wait_for_url("**kind=terms**")
    assert page.get_by_label("Kind").is_visible()  # what narrows is in sight
    assert page.locator(".hits li").count() == 1
    page.context.close()


def test_from_a_phone_a_change_is_one_touch_away(browser: Browser, server: str) -> None:
    page = _open(browser, Watch(origin=server), size=_PHONE, scheme="light")
    page.goto(f"{server}{HOME}/{SITE}")
    page.locator("table.versions").first.get_by_role("link", name="text of version 1 again").click()
    page.wait_for_url(f"**/-/diff/{SITE}/privacy/{MIDDLE}/{SITE}/privacy/{NEW}")
    page.context.close()


def test_head_page_and_foot_begin_in_one_line_and_the_contents_go_along(
    browser: Browser, server: str
) -> None:
    page = _open(browser, Watch(origin=server), size={"width": 1800, "height": 500}, scheme="light")
    page.goto(f"{server}{HOME}/{SITE}/privacy/{MIDDLE}")
    edges = page.evaluate(
        """() => ['.top .name', 'main h1', 'footer'].map(which => {
            const found = document.querySelector(which), style = getComputedStyle(found);
            return Math.round(found.getBoundingClientRect().left + parseFloat(style.paddingLeft));
        })"""
    )
    assert len(set(edges)) == 1 and edges[0] > 200
    page.evaluate("document.querySelector('.policy').style.minHeight = '9000px'; window.scrollTo(0, 5000)")
    assert page.get_by_role("link", name="To the top").evaluate(
        "link => link.getBoundingClientRect().top > 0 && link.getBoundingClientRect().bottom < 500"
    )
    page.context.close()


@pytest.mark.parametrize("path", [f"/{SITE}", f"/{SITE}/privacy/{MIDDLE}"])
def test_paper_is_white_with_dark_ink_whatever_the_system_shows(
    browser: Browser, server: str, path: str
) -> None:
    page = _open(browser, Watch(origin=server), size=_DESKTOP, scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    page.goto(f"{server}{HOME}{path}")
    for selector in ("main a", "main .lead, main .soft", "h1", ".plus, .tag"):
        assert _contrast(page, selector) >= 4.5, selector
    assert page.evaluate("parseFloat(getComputedStyle(document.querySelector('main p')).fontSize)") < 15
    if "privacy" in path:
        size = page.locator(".policy p").first.evaluate("text => parseFloat(getComputedStyle(text).fontSize)")
        assert size < 15  # 11 points
        assert "sha256" in page.locator(".paper").inner_text()
    page.context.close()


def test_a_version_prints_as_its_text(browser: Browser, server: str) -> None:
    watch = Watch(origin=server)
    page = _open(browser, watch, size=_DESKTOP, scheme="dark")
    page.goto(f"{server}{HOME}/{SITE}/privacy/{MIDDLE}")
    page.emulate_media(media="print")
    assert page.get_by_role("article").is_visible()
    assert not page.locator("header.top").is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.context.close()


def _hostile_paths() -> list[str]:
    site, segment = quote(HOSTILE_SITE, safe=""), quote("privacy~<img src=x onerror=alert(1)>", safe="~")
    stamps = [f"{year}0101000000" for year in range(2000, 2000 + len(HOSTILE))]
    document = f"{site}/{segment}"
    return [
        *("", f"/{site}", "/-/search?q=harbour", "/-/search?q=" + quote(HOSTILE["breakout"])),
        *(f"/{document}/{stamp}" for stamp in stamps),
        *(f"/-/diff/{document}/{stamps[0]}/{document}/{stamp}" for stamp in stamps[1:4]),
        f"/-/diff/{document}/{stamps[1]}/{document}/{stamps[2]}?view=inline",
    ]


def test_nothing_hostile_runs_and_nothing_leaves_the_origin(browser: Browser, hostile_server: str) -> None:
    watch = Watch(origin=hostile_server)
    page = _open(browser, watch, size=_DESKTOP, scheme="light")
    paths = _hostile_paths()
    for path in paths:
        answer = page.goto(f"{hostile_server}{HOME}{path}")
        assert answer is not None and answer.status == 200, path
        assert page.evaluate("window.__pwned") is None, path
        assert page.url == f"{hostile_server}{HOME}{path}"
    assert len(paths) > len(HOSTILE)
    watch.assert_nothing_happened()
    page.context.close()


def test_datasettes_own_tables_run_nothing_hostile_either(
    browser: Browser, hostile_server: str, hostile_database: Path
) -> None:
    watch = Watch(origin=hostile_server)
    page = _open(browser, watch, size=_DESKTOP, scheme="light")
    for table in ("policy_versions", "sites", "captures", "documents"):
        page.goto(f"{hostile_server}/{hostile_database.stem}/{table}")
        assert page.evaluate("window.__pwned") is None
    assert (watch.dialogs, watch.foreign) == ([], [])
    page.context.close()


def test_links_of_a_hostile_text_run_nothing_when_followed(browser: Browser, hostile_server: str) -> None:
    watch = Watch(origin=hostile_server)
    page = _open(browser, watch, size=_DESKTOP, scheme="light")
    site, segment = quote(HOSTILE_SITE, safe=""), quote("privacy~<img src=x onerror=alert(1)>", safe="~")
    followed = 0
    for number, name in enumerate(HOSTILE):
        if not name.startswith("markdown"):
            continue
        page.goto(f"{hostile_server}{HOME}/{site}/{segment}/{2000 + number}0101000000")
        for link in page.locator("article a:not([href^=http]):not(.pl, .story)").all():
            link.dispatch_event("click")
            followed += 1
        assert page.evaluate("window.__pwned") is None
    assert followed
    watch.assert_nothing_happened()
    page.context.close()
