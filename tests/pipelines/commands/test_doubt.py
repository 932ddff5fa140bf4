"""Texts in doubt (small beside their neighbours, words missing) are marked where people see them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from policy_archive.cli import policy_archive
from policy_archive.crawler.core.records import Outcome
from policy_archive.pipelines.extract.body.ways import Way
from policy_archive.pipelines.store.writer import Store
from tests.support.asking import HOME, ask_one
from tests.support.synthetic import PRIVACY, make_capture, make_reading, make_row

SHRUNK = "at first 67 words where its neighbours have 3,316; no other way of reading it agrees better"
MISSING = "1.20% of the words are missing, by no rule"
TOLD = [
    ("20170101", "We collect much.", Outcome.TEXT, "", ""),
    ("20180101", "Little.", Outcome.TEXT, SHRUNK, ""),
    (
        "20190101",
        "We collect more.",
        Outcome.TEXT,
        "small; read again by its whole-main",
        Way.MAIN,
    ),
    ("20200101", "We collect most.", Outcome.INCOMPLETE_TEXT, MISSING, ""),
]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "policies.db"
    with Store.open(path) as store:
        store.add_document(PRIVACY)
        for stamp, text, outcome, reason, way in TOLD:
            row, reading = make_row(stamp), make_reading(f"{text}\n", outcome=outcome)
            extraction = replace(reading.extraction, extractor=f"test/1 {way}".strip())
            store.add_rows(PRIVACY, [row])
            found = replace(reading, reason=reason, extraction=extraction)
            store.record_capture(make_capture(row), found)
        store.fold_versions(PRIVACY)
    return path


def run(database: Path, *arguments: str) -> Result:
    result = CliRunner().invoke(policy_archive, [*arguments, "--db", str(database)], standalone_mode=False)
    assert result.exception is None, result.exception
    return result


def test_history_marks_them_and_says_why_below(database: Path) -> None:
    history = run(database, "history", PRIVACY.site)
    marked = [line.split()[0] for line in history.stdout.splitlines() if "text in doubt" in line]
    assert marked == ["2", "4"]
    assert history.stderr.splitlines() == [
        f"The text of version 2 is in doubt: {SHRUNK}.",
        f"The text of version 4 is in doubt: {MISSING}.",
    ]
    rows = json.loads(run(database, "history", PRIVACY.site, "--json").stdout)
    assert [row["doubt"] for row in rows] == [None, SHRUNK, None, MISSING]


def test_documents_and_sites_count_them(database: Path) -> None:
    assert "4 (2 in doubt)" in run(database, "documents", PRIVACY.site).stdout
    (site,) = json.loads(run(database, "sites", "--json").stdout)
    assert "1 version small beside its neighbours: 'history' says how small" in site["doubts"]
    assert "1 capture read with words missing" in site["doubts"]


def test_the_browser_names_them(database: Path) -> None:
    site = f"{HOME}/{PRIVACY.site}"
    assert ask_one(database, site).text.count(">text in doubt<") == 2
    pages = [ask_one(database, f"{site}/privacy/{stamp}000000").text for stamp, *_ in TOLD]
    assert ["This text is in doubt" in page for page in pages] == [False, True, False, True]
    assert SHRUNK in pages[1]
