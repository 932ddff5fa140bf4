"""A static copy in a real browser: from a plain server of files, and as files."""

from __future__ import annotations

import json
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from policy_archive.browse.citing import build_quote
from policy_archive.browse.corpus import read_version
from policy_archive.browse.markdown import render_markdown
from policy_archive.browse.static_search import has_pagefind
from policy_archive.crawler.core.records import Document, Kind
from policy_archive.pipelines.store.connection import open_reader
from policy_archive.pipelines.store.writer import Store
from tests.browse.conftest import MIDDLE, PRIVACY, SITE, open_context
from tests.support import programs
from tests.support.synthetic import store_texts


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing: what a page did is judged by the page."""


@pytest.fixture(scope="module")
def copy(database: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("copy")
    options = ("--db", database, "--root", "https://policies.example")
    done = programs.run(["-m", "policy_archive", "publish", target, *options])
    assert done.returncode == 0, done.stderr
    return target


@pytest.fixture(scope="module")
def address(copy: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(copy))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = open_context(browser, viewport={"width": 390, "height": 844}, color_scheme="dark")
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda message: complaints.append(message.text))
    foreign: list[str] = []
    opened.on(
        "request",
        lambda request: (
            None
            if request.url.startswith(("http://127.0.0.1:", "file:", "data:", "blob:"))
            else foreign.append(request.url)
        ),
    )
    yield opened
    context.close()
    # of a file the browser says that it loads no module; the page says so, too
    assert [
        one for one in complaints if "Autofocus" not in one and "CORS" not in one and "ERR_FAILED" not in one
    ] == []
    assert foreign == []


def test_a_reader_searches_the_copy_and_opens_a_hit(page: Page, address: str) -> None:
    if not has_pagefind():
        pytest.skip("needs Pagefind: pip install -e '.[publish]'")
    page.goto(f"{address}/index.html")
    page.get_by_role("searchbox").first.fill('"do not sell"')
    page.keyboard.press("Enter")
    page.wait_for_url("**/-/search/index.html?q=*")
    page.wait_for_selector("#hits li")
    hits = page.locator("#hits li")
    assert hits.count() == 1  # the newest text no longer says it
    assert "not in the next version, last seen 2012-06-01" in hits.first.inner_text()
    assert hits.first.locator("mark").count() >= 1
    hits.first.get_by_role("link").click()
    page.wait_for_url(f"**/{SITE}/privacy/{MIDDLE}/index.html*")
    assert page.get_by_text("We do not sell your personal information.").is_visible()
    page.goto(f"{address}/-/search/index.html?q=zebra")
    page.get_by_text("No version says this.").wait_for()


def test_a_search_of_a_copy_in_parts_finds_each_text_once_and_none_that_is_stale(
    page: Page, database: Path, tmp_path: Path
) -> None:
    if not has_pagefind():
        pytest.skip("needs Pagefind: pip install -e '.[publish]'")
    corpus, target = Path(shutil.copy(database, tmp_path / "policies.db")), tmp_path / "site"
    others = [Document(site=f"site{number}.example", kind=Kind.PRIVACY) for number in range(4)]
    for year, hens in ((2015, "geese"), (2016, "emus")):
        with Store.open(corpus) as store:
            for other in others if year == 2015 else others[:1]:
                store_texts(store, [(f"{year}0101", f"We keep {hens} on the pier.\n")], document=other)
        # a process of its own: the browser's loop runs in this one
        done = programs.run(["-m", "policy_archive", "publish", target, "--db", corpus, "--no-database"])
        assert done.returncode == 0, done.stderr
    assert len(json.loads((target / "-/pagefind/parts.json").read_text("utf-8"))["parts"]) == 2
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(target))) as server:
        threading.Thread(target=server.serve_forever).start()
        address = f"http://127.0.0.1:{server.server_port}/-/search/index.html"
        try:
            for words, found in (("geese", 4), ("emus", 1)):
                page.goto(f"{address}?q={words}")
                page.get_by_text(f"{found} text").wait_for()
                assert page.locator("#hits li").count() == found
            page.goto(f"{address}?q=geese")
            page.get_by_text("last seen 2015-01-01").wait_for()  # of the one that changed, not as it was
            page.goto(f"{address}?q=personal")
            page.wait_for_selector("#hits li")
        finally:
            server.shutdown()


def test_a_reader_finds_the_day_and_the_change(page: Page, address: str) -> None:
    page.goto(f"{address}/{SITE}/privacy/index.html")
    page.get_by_label("In force on").fill("2012-01-01")
    page.get_by_label("In force on").dispatch_event("change")
    assert "not known: version 1 or 2" in page.locator("tr.here").inner_text()
    page.get_by_label("In force on").fill("2011-01-01")
    page.get_by_label("In force on").dispatch_event("change")
    assert "Version 1" in page.locator("output").inner_text()
    page.goto(f"{address}/index.html")
    page.get_by_role("link", name="Changes", exact=True).click()
    page.wait_for_url("**/-/changes/index.html")
    page.locator("ul.changes a").first.click()
    page.wait_for_url("**/-/diff/**")
    assert page.locator("#c1").is_visible()


def test_the_copy_is_read_as_files(page: Page, copy: Path) -> None:
    page.goto((copy / "index.html").as_uri())
    assert page.evaluate("getComputedStyle(document.querySelector('.top')).display") == "flex"
    page.locator("ul.sites").get_by_role("link", name=SITE).click()
    page.get_by_role("link", name="What held on a day").first.click()
    page.get_by_label("In force on").fill("2011-01-01")
    page.get_by_label("In force on").dispatch_event("change")
    assert "Version 1" in page.locator("output").inner_text()
    if has_pagefind():
        page.goto((copy / "-" / "search" / "index.html").as_uri())
        assert (
            page.get_by_role("link", name="all sites")
            .or_(page.get_by_text("put the folder on a web server"))
            .first.is_visible()
        )


def test_a_paragraph_of_the_copy_is_quoted_as_the_program_quotes_it(
    page: Page, address: str, database: Path, connection: sqlite3.Connection
) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    place = f"{address}/{SITE}/privacy/{MIDDLE}/index.html"
    page.goto(place)
    assert page.locator("section.quote").count() == 0
    page.get_by_role("article").locator("p", has_text="We do not sell").get_by_role("link").click(force=True)
    page.wait_for_url("**#p6")
    assert page.get_by_role("heading", name="Paragraph 6, to quote").count() == 1
    assert page.locator("#p6").evaluate("one => one.getBoundingClientRect().bottom <= window.innerHeight")
    page.get_by_role("button", name="Copy the quotation").click()
    page.get_by_role("button", name="Copied").wait_for()
    version = read_version(connection, PRIVACY, MIDDLE)
    for number, text in enumerate(render_markdown(version["text"]).paragraphs, start=1):
        page.goto(f"{place}#p{number}")
        assert page.locator("section.quote").count() == 1
        wanted = build_quote(version, number=number, text=text, address=place).whole
        assert page.locator("#quote-text").evaluate("one => one.textContent") == wanted
    page.goto(f"{place}#p999")
    assert page.locator("section.quote").count() == 0


def test_a_quotation_of_tables_and_lists_in_the_copy_has_their_words(
    browser: Browser, tmp_path: Path
) -> None:
    text = (
        "# Data\n\n| What | Why |\n|---|---|\n| **Names** (all) | it's ours – a-b |\n\n"
        "- one, *first*\n  - inner [here](https://x.example/a)\n- two & more words than a dozen, "
        "so that only the first and the last of them stand in the fragment\n"
    )
    with Store.open(tmp_path / "p.db") as store:
        store_texts(store, [(MIDDLE, text)], document=PRIVACY)
    words = ["-m", "policy_archive", "publish", tmp_path / "copy", "--db", tmp_path / "p.db"]
    done = programs.run(words)
    assert done.returncode == 0, done.stderr
    place = (tmp_path / "copy" / SITE / "privacy" / MIDDLE / "index.html").as_uri()
    context = open_context(browser)
    page = context.new_page()
    with closing(open_reader(tmp_path / "p.db")) as connection:
        version = read_version(connection, PRIVACY, MIDDLE)
    paragraphs = render_markdown(version["text"]).paragraphs
    assert len(paragraphs) == 5
    for number, words in enumerate(paragraphs, start=1):
        page.goto(f"{place}#p{number}")
        wanted = build_quote(version, number=number, text=words, address=place).whole
        assert page.locator("#quote-text").evaluate("one => one.textContent") == wanted
    context.close()


def test_without_a_script_the_lists_remain(browser: Browser, address: str) -> None:
    context = open_context(browser, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}/{SITE}/privacy/index.html")
    assert page.get_by_role("row").count() >= 4
    assert not page.get_by_label("In force on").is_visible()
    if has_pagefind():
        page.goto(f"{address}/-/search/index.html")
        page.get_by_role("link", name="all sites").click()
        page.wait_for_url("**/index.html")
    context.close()


def test_no_page_of_the_copy_breaks_a_rule(browser: Browser, address: str) -> None:
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="needs axe-core: pip install -e '.[test]'"
    )
    paths = ["", f"{SITE}/", f"{SITE}/privacy/", "-/changes/"]
    paths += ["-/search/?q=harbour"] * has_pagefind()
    broken = {}
    for scheme in ("light", "dark"):
        context = open_context(browser, viewport={"width": 390, "height": 844}, color_scheme=scheme)  # type: ignore[arg-type]
        page = context.new_page()
        for path in paths:
            page.goto(f"{address}/{path.replace('/?', '/index.html?')}")
            page.wait_for_load_state("networkidle")
            found = axe.Axe().run(page, options={"resultTypes": ["violations"]})
            if found.response["violations"]:
                broken[scheme, path] = [
                    (one["id"], one["nodes"][0]["html"][:200]) for one in found.response["violations"]
                ]
        context.close()
    assert broken == {}
