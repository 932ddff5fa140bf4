"""`scrapy crawl policy`: ends in a sentence and an exit status, as `policy-archive fetch` does."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from scrapy.crawler import Crawler

from policy_archive.archive_server import faults
from policy_archive.archive_server.server import ArchiveServer
from policy_archive.crawler.core.errors import UsageError
from policy_archive.crawler.crawl.run import FetchOptions
from policy_archive.crawler.runner import build_settings
from policy_archive.crawler.spiders.policy import PolicySpider
from policy_archive.pipelines.store.runlock import hold_lock
from tests.support import programs
from tests.support.generated import URL, generate, read
from tests.support.programs import Program

from ...support.patience import PATIENCE

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def archive() -> Iterator[ArchiveServer]:
    with ArchiveServer(source=generate(4)) as server:
        yield server


def start(archive: ArchiveServer, *arguments: str, **wishes: object) -> Program:
    settings = {
        "POLICY_ARCHIVE_URL": archive.url,
        "POLICY_INDEX_PER_MINUTE": 0,
        "POLICY_REPLAY_PER_SECOND": 0,
        "POLICY_RETRY_SECONDS": 0.01,
    }
    wished = [text for name, value in settings.items() for text in ("-s", f"{name}={value}")]
    given = [text for name, value in wishes.items() for text in ("-a", f"{name}={value}")]
    words = ["-W", "ignore", "-m", "scrapy", "crawl", "policy", *wished, *given, *arguments]
    return programs.start(words)


def test_a_crawl_by_scrapy_is_a_crawl(archive: ArchiveServer, database: Path) -> None:
    _, err = (process := start(archive, site=URL, db=database, plan="all")).communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (0, "")
    assert read(database, "select count(*) from captures where state = 'fetched'") == [(4,)]


def test_a_database_in_use_is_one_sentence(archive: ArchiveServer, database: Path) -> None:
    with hold_lock(database, "policy-archive fetch"):
        _, err = (process := start(archive, site=URL, db=database)).communicate(timeout=PATIENCE)
    assert process.returncode == 75
    assert err.startswith("Error: ")
    assert "is in use: 'policy-archive fetch'" in err
    assert err.count("\n") == 1
    assert not archive.log


@pytest.mark.parametrize(
    ("wishes", "words"),
    [
        ({}, "name a site"),
        ({"site": "not a domain"}, "is no domain"),
        ({"site": URL, "kind": "privat"}, "'privat' is none of privacy, terms"),
        ({"site": URL, "plan": "weekly"}, "'weekly' is none of"),
        ({"site": URL, "colour": "red"}, "'colour' is no argument"),
        ({"site": URL, "from": "2019", "to": "2010"}, "swap them"),
    ],
)
def test_a_wrong_argument_is_named(wishes: dict[str, str], words: str) -> None:
    crawler = Crawler(PolicySpider, build_settings(FetchOptions(targets=())))
    with pytest.raises(UsageError, match=words):
        PolicySpider.from_crawler(crawler, **wishes)


def test_a_wrong_argument_is_one_sentence(archive: ArchiveServer, database: Path) -> None:
    _, err = (process := start(archive, site="not a domain", db=database)).communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert err == "Error: 'not a domain' is no domain: write one like example.com, or a page's address.\n"
    assert not database.exists()


def test_a_wrong_setting_is_one_sentence(archive: ArchiveServer, database: Path) -> None:
    setting = "POLICY_ARCHIVE_URL=https://web.archive.org/"
    _, err = (process := start(archive, "-s", setting, site=URL, db=database)).communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert "the Wayback Machine allows 24" in err
    assert err.count("\n") == 1
    assert not database.exists()


def test_what_is_missing_is_said_and_the_status_tells(archive: ArchiveServer, database: Path) -> None:
    archive.faults = [faults.Maintenance(when=faults.index)]
    _, err = (process := start(archive, site=URL, db=database)).communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert err.startswith("incomplete: ")


def test_ctrl_c_ends_a_crawl_by_scrapy_as_interrupted(archive: ArchiveServer, database: Path) -> None:
    archive.faults = [faults.Slow(seconds=0.7, when=faults.replay)]
    process = start(archive, site=URL, db=database, plan="all")
    deadline = time.monotonic() + PATIENCE
    while not archive.log:
        assert time.monotonic() < deadline, "the crawl does not begin"
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, err
    assert "interrupted: stopped by hand" in err
    assert read(database, "select status from runs") == [("interrupted",)]
