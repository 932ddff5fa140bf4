"""The spider against the real pywb: another dialect, found by asking, and the same captures."""

from __future__ import annotations

from pathlib import Path

import pytest

from policy_archive.archive_server.server import ArchiveServer
from tests.support.generated import crawl, read

PAGES = ("https://tidelock.example/legal/privacy", "https://www.copperlane.example/privacy")
FOUND = """select original, timestamp, state, outcome, body_digest, verified, location
    from captures order by id"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("POLICY_ARCHIVE_STATE", str(tmp_path / "state"))
    return tmp_path


def test_pywb_gives_the_same_captures_as_our_own_server(
    folder: Path, pywb_archive: str, demo_archive: ArchiveServer
) -> None:
    theirs, ours = folder / "pywb.db", folder / "ours.db"
    report = crawl(pywb_archive, theirs, *PAGES)
    crawl(demo_archive.url, ours, *PAGES)
    assert report.status == "done"
    assert report.tally.fetched > 20
    assert read(theirs, FOUND) == read(ours, FOUND)


def test_a_dialect_that_is_named_wrongly_is_an_error_and_no_empty_archive(
    folder: Path, pywb_archive: str
) -> None:
    report = crawl(pywb_archive, folder / "wrong.db", PAGES[0], dialect="wayback")
    assert report.status == "incomplete"
    assert report.tally.site_outcomes == {"archive-error": 1}
