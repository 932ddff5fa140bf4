from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from policy_archive.cli import policy_archive
from policy_archive.crawler.core.records import Document, Kind
from policy_archive.pipelines.store.writer import Store
from tests.support.synthetic import store_texts


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("phrases") / "policies.db"
    with Store.open(path) as store:
        took = [("20150101", "We keep hens."), ("20170101", "We keep hens. We sell our ducks.")]
        store_texts(store, took, document=Document(site="took.example", kind=Kind.PRIVACY))
        first = [("20160101", "We sell our ducks to nobody.")]
        store_texts(store, first, document=Document(site="first.example", kind=Kind.TERMS))
    yield path


def _run(database: Path, *arguments: str) -> Result:
    return CliRunner().invoke(policy_archive, ["phrase", *arguments, "--db", str(database)])


def test_a_row_a_year_for_each_phrase(database: Path) -> None:
    result = _run(database, "sell our ducks", "hens", "--json")
    rows = json.loads(result.stdout)
    assert [(row["phrase"], row["year"], row["saying"], row["documents"], row["unseen"]) for row in rows] == [
        ("sell our ducks", 2015, 0, 1, 0),
        ("sell our ducks", 2016, 1, 1, 1),
        ("sell our ducks", 2017, 1, 1, 0),
        ("hens", 2015, 1, 1, 0),
        ("hens", 2016, 0, 1, 1),
        ("hens", 2017, 1, 1, 0),
    ]
    assert rows[0]["possible"] == 1 and rows[0]["share"] == 0.0
    assert "50 %" not in _run(database, "hens").stdout and "100 %" in _run(database, "hens").stdout


def test_a_row_for_each_that_took_it_in(database: Path) -> None:
    result = _run(database, "sell our ducks", "--documents", "--csv")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [(row["event"], row["site"], row["sentence"]) for row in rows] == [
        ("took-in", "took.example", "We sell our ducks."),
        ("first-seen", "first.example", "We sell our ducks to nobody."),
    ]
    table = _run(database, "sell our ducks", "--documents").stdout
    assert "took it in" in table and "between 2015-01-01 and 2017-01-01" in table
    assert "said it when first seen" in table and "by 2016-01-01" in table


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (("zebra",), 1, "No version says this."),
        (("a", "b", "c", "d", "e", "f"), 2, "5 at the most"),
        (("ducks", "--all"), 2, "--all is for --documents"),
        (('"ducks',), 2, "no partner"),
        (("ducks", "--site", "nowhere.example"), 1, "not in the corpus"),
    ],
)
def test_what_cannot_be_told_is_said(
    database: Path, arguments: tuple[str, ...], status: int, told: str
) -> None:
    result = _run(database, *arguments)
    said = result.output + str(result.exception or "")
    assert told in said
