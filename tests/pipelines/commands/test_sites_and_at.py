"""sites and at: what there is, and what was in force on a day."""

from __future__ import annotations

import csv
import io
import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from policy_archive.browse.metadata import QUERIES
from policy_archive.cli import policy_archive
from policy_archive.crawler.core.records import Document, Kind, Outcome, Owner
from policy_archive.crawler.core.vocabularies import SiteOutcome
from policy_archive.pipelines.store.at import read_at
from policy_archive.pipelines.store.connection import open_reader
from policy_archive.pipelines.store.writer import Store
from tests.support.synthetic import PRIVACY, make_capture, make_reading, make_row, open_new, store_texts

TERMS = Document(site=PRIVACY.site, kind=Kind.TERMS)
LATE = Document(site="late.example", kind=Kind.PRIVACY)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "policies.db"
    with Store.open(path) as store:
        store.add_document(PRIVACY)
        for stamp, text, stated in (
            ("20170101", "One.\n", None),
            ("20180412", "One.\n", None),
            ("20180528", "Two.\n", date(2018, 5, 25)),
            ("20200101", "Two.\n", date(2018, 5, 25)),
        ):
            row = make_row(stamp)
            store.add_rows(PRIVACY, [row])
            store.record_capture(make_capture(row), make_reading(text, stated=stated))
        store.fold_versions(PRIVACY)
        store_texts(store, [("20100101", "Be kind.\n"), ("20190101", "Be kind.\n")], document=TERMS)
        store_texts(store, [("20210101", "Late.\n")], document=LATE)
        owner = Owner(relation="platform", name="bigblog.example", reason="its name in the first lines")
        store.add_document(LATE, owner=owner, confidence=0.9)
        store.set_site_outcome(PRIVACY.site, SiteOutcome.FOUND, "")
        store.add_site("empty.example")
        store.set_site_outcome("empty.example", SiteOutcome.NOTHING_FOUND, "no link on 12 captures")
        foreign = Document(site="foreign.example", kind=Kind.PRIVACY)
        store.add_document(foreign)
        row = make_row("20150101", original="https://foreign.example/p")
        store.add_rows(foreign, [row])
        store.record_capture(
            make_capture(row, document=foreign), make_reading("X.\n", outcome=Outcome.FOREIGN)
        )
        store.set_site_outcome("foreign.example", SiteOutcome.FOUND, "")
    return path


def run(database: Path, *arguments: str) -> Result:
    result = CliRunner().invoke(policy_archive, [*arguments, "--db", str(database)], standalone_mode=False)
    assert result.exception is None, result.exception
    return result


def rows(database: Path, *arguments: str) -> list[dict]:
    return json.loads(run(database, *arguments, "--json").stdout)


def test_sites_says_what_there_is_what_is_in_doubt_and_why_nothing_is(database: Path) -> None:
    found = {row["site"]: row for row in rows(database, "sites")}
    assert list(found) == ["empty.example", "foreign.example", "intently.example", "late.example"]
    own = found["intently.example"]
    assert (own["documents"], own["kinds"], own["versions"]) == (2, ["privacy", "terms"], 3)
    assert (own["first_captured"], own["last_captured"]) == ("2010-01-01T00:00:00Z", "2020-01-01T00:00:00Z")
    assert own["doubts"] == []
    assert found["late.example"]["doubts"] == ["privacy policy: a platform's (bigblog.example)"]
    assert found["empty.example"]["reason"] == "no link on 12 captures"
    assert "1 × somebody else's policy" in found["foreign.example"]["reason"]


def test_missing_lists_the_sites_without_a_text(database: Path) -> None:
    assert [row["site"] for row in rows(database, "sites", "--missing")] == [
        "empty.example",
        "foreign.example",
    ]
    assert "4 sites, 2 without a policy" in run(database, "sites").stderr


@pytest.mark.parametrize(
    ("day", "site", "kind", "certainty", "numbers"),
    [
        ("2018-04-12", "intently.example", "privacy", "in-force", (1, None, 2)),
        ("2018-05-25", "intently.example", "privacy", "changed-around", (None, 1, 2)),
        ("2018", "intently.example", "privacy", "in-force", (2, 1, None)),
        ("2018-05", "intently.example", "privacy", "in-force", (2, 1, None)),
        ("2016-12-31", "intently.example", "privacy", "before-first", (None, None, 1)),
        ("2019-02", "intently.example", "terms", "after-last", (None, 1, None)),
        ("2018", "late.example", "privacy", "before-first", (None, None, 1)),
        ("2018", "empty.example", None, "no-policy", (None, None, None)),
    ],
)
def test_at_says_how_surely(
    database: Path, day: str, site: str, kind: str | None, certainty: str, numbers: tuple[int | None, ...]
) -> None:
    (row,) = [row for row in rows(database, "at", day) if (row["site"], row["kind"]) == (site, kind)]
    assert row["certainty"] == certainty
    assert (row["version"], row["before_version"], row["after_version"]) == numbers


def test_both_candidates_stand_there_with_what_they_state(database: Path) -> None:
    (row,) = rows(database, "at", "2018-05-25", "intently.example", "--kind", "privacy")
    assert row["after_stated_updated"] == "2018-05-25"
    assert row["note"] == (
        "version 1 or version 2: it changed between 2018-04-12 and 2018-05-28; version 2 states 2018-05-25"
    )


def test_the_ready_made_query_has_the_rows_of_the_command(database: Path) -> None:
    with open_reader(database) as connection:
        asked = connection.execute(
            QUERIES["in_force_on"]["sql"], {"day": "2018-05-25", "site": "", "kind": ""}
        ).fetchall()
    connection.close()
    told = [{**row, "document_id": None} for row in rows(database, "at", "2018-05-25")]
    for row in told:
        del row["note"]
    assert [{**dict(row), "document_id": None} for row in asked] == told
    assert len(told) == 5


@pytest.mark.parametrize("day", ["25/05/2024", "2018", "2018-13-01", "yesterday"])
def test_the_ready_made_query_says_what_is_no_day(database: Path, day: str) -> None:
    with open_reader(database) as connection:
        values = {"day": day, "site": "", "kind": ""}
        (row,) = connection.execute(QUERIES["in_force_on"]["sql"], values).fetchall()
        assert (row["day"], row["certainty"]) == (day, "no day: write it as 2018-05-25")
        # before anything was typed
        assert connection.execute(QUERIES["in_force_on"]["sql"], {**values, "day": ""}).fetchall() == []
    connection.close()


def test_the_texts_are_had_as_files_that_the_table_names(database: Path, tmp_path: Path) -> None:
    target = tmp_path / "texts"
    run(database, "at", "2018-05-25", "--to", str(target))
    table = list(csv.DictReader(io.StringIO((target / "at.csv").read_text("utf-8"))))
    named = {row[key] for row in table for key in ("before_file", "file", "after_file")} - {""}
    assert named == {path.name for path in target.glob("*.md")}
    assert len(named) == 4
    changed = next(row for row in table if row["certainty"] == "changed-around")
    assert "One." in (target / changed["before_file"]).read_text("utf-8")
    assert "Two." in (target / changed["after_file"]).read_text("utf-8")


def test_export_at_a_day_has_the_certain_ones(database: Path, tmp_path: Path) -> None:
    run(database, "export", "--all", "--at", "2018-05-25", "--to", str(tmp_path), "--format", "jsonl")
    lines = (tmp_path / "versions.jsonl").read_text("utf-8").splitlines()
    assert [(json.loads(line)["kind"], json.loads(line)["version"]) for line in lines] == [("terms", 1)]


def test_a_list_of_sites_may_name_some_that_are_not_there(database: Path, tmp_path: Path) -> None:
    listed = tmp_path / "sites.txt"
    listed.write_text("late.example\nelsewhere.org\nempty.example\n")
    result = run(database, "at", "2022", "--sites", str(listed), "--nl")
    assert [json.loads(line)["site"] for line in result.stdout.splitlines()] == [
        "late.example",
        "empty.example",
    ]
    assert "line 2 left out: elsewhere.org is not in the corpus" in result.stderr


def test_documents_without_a_site_are_those_of_all(database: Path) -> None:
    assert [row["site"] for row in rows(database, "documents")] == [
        *("foreign.example", "intently.example", "intently.example", "late.example")
    ]


def _expected(captures: list[tuple[date, str]], day: date) -> tuple[str, set[str]]:
    """Return the certainty and the texts possible, by reading the captures one after the other."""
    before = [text for at, text in captures if at <= day]
    after = [text for at, text in captures if at > day]
    on_day = [text for at, text in captures if at == day]
    if on_day:
        return "in-force", {on_day[-1]}
    if before and after:
        same = before[-1] == after[0]
        return ("in-force" if same else "changed-around"), {before[-1], after[0]}
    return ("after-last", {before[-1]}) if before else ("before-first", {after[0]})


@settings(max_examples=40)
@given(
    captures=st.lists(st.tuples(st.integers(0, 40), st.sampled_from("abc")), min_size=1, max_size=8),
    asked=st.integers(-3, 43),
)
def test_a_day_is_told_as_its_captures_tell_it(
    tmp_path_factory: pytest.TempPathFactory, captures: list[tuple[int, str]], asked: int
) -> None:
    start = date(2018, 1, 1)
    seen = [(start + timedelta(days=at), text) for at, text in sorted(dict(captures).items())]
    day = start + timedelta(days=asked)
    path = tmp_path_factory.mktemp("property") / "policies.db"
    with open_new(path) as store:
        store_texts(store, [(f"{at:%Y%m%d}120000", f"{text}\n") for at, text in seen])
        row = read_at(store.connection, PRIVACY, day)
        numbers = [row[key] for key in ("version", "before_version", "after_version")]
        texts = {
            number: text.strip()
            for number, text in store.connection.execute("select version, text from policy_versions")
        }
    certainty, possible = _expected(seen, day)
    assert row["certainty"] == certainty
    told = numbers[:1] if certainty == "in-force" else numbers[1:]
    assert {texts[number] for number in told if number} == possible
