"""The ports are all that the crawler needs: the real spider and archive, a corpus of dictionaries."""

from __future__ import annotations

from pathlib import Path

import pytest

from policy_archive.archive_server import faults
from policy_archive.archive_server.server import ArchiveServer
from policy_archive.crawler.core.records import Outcome, RowState
from policy_archive.crawler.crawl.run import FetchOptions, FetchReport, build_target
from policy_archive.crawler.runner import run_fetch
from tests.support.generated import PLAIN_PIPELINES, QUICK, URL, generate
from tests.support.memory_store import MemoryStore


def crawl_into_memory(archive_url: str, path: Path) -> FetchReport:
    settings = {**QUICK, "ITEM_PIPELINES": PLAIN_PIPELINES, "POLICY_STORE": MemoryStore}
    return run_fetch(
        FetchOptions(
            targets=[build_target(URL)],
            database=path,
            archive_url=archive_url,
            index_per_minute=0,
            replay_per_second=0,
            settings=tuple(settings.items()),
        )
    )


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLICY_ARCHIVE_STATE", str(tmp_path / "state"))


def test_a_crawl_needs_no_database(tmp_path: Path) -> None:
    with ArchiveServer(source=generate(5)) as archive:
        report = crawl_into_memory(archive.url, tmp_path / "nothing.db")
    assert (report.status, report.reason) == ("done", "")
    store = MemoryStore.last
    assert list(store.sites.values()) == ["found"]
    (document,) = store.rows
    outcomes = [outcome for _, outcome, _, _ in store.outcomes(document)]
    assert outcomes.count(Outcome.TEXT) == 5
    assert store.count_states(document) == {RowState.FETCHED: 5}
    assert store.runs == [("done", "")]
    assert not (tmp_path / "nothing.db").exists()


def test_what_the_archive_does_not_give_is_said_without_a_database_too(tmp_path: Path) -> None:
    broken = faults.NotArchived(when=faults.about("20010115120000"))
    with ArchiveServer(source=generate(3), faults=[broken]) as archive:
        crawl_into_memory(archive.url, tmp_path / "nothing.db")
    (document,) = MemoryStore.last.rows
    outcomes = [outcome for _, outcome, _, _ in MemoryStore.last.outcomes(document)]
    assert Outcome.NOT_ARCHIVED in outcomes
    assert Outcome.TEXT in outcomes
