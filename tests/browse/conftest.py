"""Corpora for the pages: a calm one and a hostile one."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Playwright, expect, sync_playwright

from policy_archive.crawler.core.records import Document, Kind, Outcome
from policy_archive.crawler.core.vocabularies import SiteOutcome
from policy_archive.pipelines.store.connection import open_reader
from policy_archive.pipelines.store.writer import Store
from tests.support.asking import browse
from tests.support.hostile import HOSTILE, HOSTILE_ADDRESS, HOSTILE_SITE
from tests.support.patience import PATIENCE
from tests.support.synthetic import make_capture, make_reading, make_row, store_texts

_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
expect.set_options(timeout=PATIENCE * 1000)
SITE = "calm.example"
PRIVACY = Document(site=SITE, kind=Kind.PRIVACY)
CHILDREN = Document(site=SITE, kind=Kind.PRIVACY, name="children & teens/v1.0")
TERMS = Document(site=SITE, kind=Kind.TERMS)
OLD = "20100105000000"
MIDDLE = "20120601120000"
NEW = "20180525000000"
_FIRST = """# Privacy

## What we collect

We collect your name and your address when you write to us.

## Whom we tell

Nobody at all hears of your name from us, whatever they may offer.

## How long

We keep it for a year.

Then we burn it on the pier.

## Contact

Write to the keeper of the harbour.
"""
_SECOND = _FIRST.replace("your address", "your electronic address").replace(
    "the harbour.", "the harbour.\n\n## Your choice\n\nWe do not sell your personal information."
)


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a corpus of three sites: one with history, one with somebody else's text, one with nothing."""
    path = tmp_path_factory.mktemp("calm") / "policies.db"
    with Store.open(path) as store:
        texts = [(OLD, _FIRST), ("20110301000000", _FIRST), (MIDDLE, _SECOND), (NEW, _FIRST)]
        url = f"https://{SITE}/privacy"
        store_texts(store, texts, document=PRIVACY, original=url, title="Privacy at Calm")
        store_texts(store, [(MIDDLE, "# Children\n\nAsk your parents first.\n")], document=CHILDREN)
        store_texts(store, [(OLD, "# Terms\n\nBe kind to the harbour.\n")], document=TERMS)
        _store_foreign(store)
        store.add_site("nothing.example")
        store.set_site_outcome(
            "nothing.example", SiteOutcome.NOTHING_FOUND, "no page of it promises a policy"
        )
        store.set_site_outcome(SITE, SiteOutcome.FOUND)
    return path


def _store_foreign(store: Store) -> None:
    row = make_row("20150101000000", original=f"https://{SITE}/privacy")
    store.add_rows(PRIVACY, [row])
    reading = make_reading("# Registrar\n\nThis name may be for sale.\n", outcome=Outcome.FOREIGN)
    store.record_capture(make_capture(row, document=PRIVACY), reading)
    store.fold_versions(PRIVACY)


@pytest.fixture
def connection(database: Path) -> Iterator[sqlite3.Connection]:
    with closing(open_reader(database)) as opened:
        yield opened


@pytest.fixture(scope="session")
def hostile_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a corpus of which each text, title, name, site and address holds something that would run."""
    path = tmp_path_factory.mktemp("hostile") / "policies.db"
    with Store.open(path) as store:
        for site in ("hostile.example", HOSTILE_SITE):
            document = Document(site=site, kind=Kind.PRIVACY, name="<img src=x onerror=alert(1)>")
            for year, (name, construct) in enumerate(HOSTILE.items(), start=2000):
                text = f"# {name} {construct}\n\nharbour policy {construct} harbour\n\n## End {construct}\n"
                url = HOSTILE_ADDRESS if year % 2 else f"https://{site}/privacy?{construct}"
                store_texts(
                    store,
                    [(f"{year}0101000000", text)],
                    document=document,
                    original=url,
                    title=f"{name} {construct}",
                )
        store.add_site("<b>none</b>.example")
        store.set_site_outcome("<b>none</b>.example", SiteOutcome.NOTHING_FOUND, HOSTILE["script"])
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start the system's Chromium; skip where there is none."""
    if _CHROMIUM is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        yield from _launch(playwright)


def open_context(browser: Browser, **options: Any) -> BrowserContext:
    """Return a window of its own, which waits as long as all tests do for what is slow."""
    context = browser.new_context(**options)
    context.set_default_timeout(PATIENCE * 1000)
    return context


def _launch(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(
        executable_path=_CHROMIUM, args=["--no-sandbox"], timeout=PATIENCE * 1000
    )
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def server(database: Path) -> Iterator[str]:
    with browse(database) as base:
        yield base
