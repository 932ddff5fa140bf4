"""Discovery on the demo archive: every site ends in the documents and the outcome that it was made for."""

from __future__ import annotations

from pathlib import Path
from statistics import median

import pytest

from bench.discovery import Score, closed_sites, demo_sites, measure
from policy_archive.archive_server.server import Archive
from policy_archive.archive_server.warc import WarcSource
from policy_archive.data import DATA

DEMO = DATA / "demo"


@pytest.fixture(scope="module")
def scores() -> dict[str, Score]:
    archive = Archive(WarcSource(sorted(Path(DEMO).glob("*.warc.gz"))))
    found = measure(archive, demo_sites(DEMO / "truth.json"), closed_sites(DEMO / "truth.json"))
    return {score.site: score for score in found}


@pytest.mark.parametrize("site", sorted(demo_sites(DEMO / "truth.json")))
def test_each_site_of_the_demo_ends_in_its_documents(scores: dict[str, Score], site: str) -> None:
    score = scores[site]
    assert (score.found, score.addresses_found, score.wrong) == (score.expected, score.addresses, ())
    assert score.plan.outcome == ("found" if score.plan.documents else "nothing-found")


def test_the_demo_costs_few_requests(scores: dict[str, Score]) -> None:
    assert len(scores) >= 11
    # an index query takes as much of its budget as twenty captures of theirs: 44 when home pages cost one
    assert median(20 * score.index_requests + score.replay_requests for score in scores.values()) <= 30
    assert median(score.index_requests for score in scores.values()) <= 1.2


def test_home_pages_by_replay_show_what_a_list_of_their_captures_shows(scores: dict[str, Score]) -> None:
    archive = Archive(WarcSource(sorted(Path(DEMO).glob("*.warc.gz"))))
    listed = measure(archive, demo_sites(DEMO / "truth.json"), has_nearest=False)
    assert {score.site: score.rows for score in listed} == {
        score.site: scores[score.site].rows for score in listed
    }
    assert all(score.index_requests > scores[score.site].index_requests for score in listed)
