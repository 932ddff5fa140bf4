"""diff: the last change, what was taken away, days that are not certain."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from policy_archive.cli import policy_archive
from policy_archive.crawler.core.errors import NotKnownError, UsageError
from policy_archive.crawler.core.records import Document, Kind
from policy_archive.pipelines.store.writer import Store
from tests.support.synthetic import PRIVACY, store_texts

ALONE = Document(site="alone.example", kind=Kind.PRIVACY)
FIRST = "## Lamps\n\nWe light lamps at dusk each day.\n\n## Boats\n\nBoats are for rent.\n"
SECOND = "## Lamps\n\nWe light lamps each day.\n\n## Ferries\n\nFerries leave at noon.\n"


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "policies.db"
    with Store.open(path) as store:
        store_texts(
            store,
            [("20170101", "Nothing.\n"), ("20180101", FIRST), ("20180401", FIRST), ("20190601", SECOND)],
        )
        store_texts(store, [("20180101", FIRST)], document=ALONE)
    return path


def run(database: Path, *arguments: str) -> Result:
    words = ["diff", *arguments, "--db", str(database)]
    return CliRunner().invoke(policy_archive, words, standalone_mode=False)


def test_without_sides_the_last_change_is_meant(database: Path) -> None:
    assert run(database, PRIVACY.site).stdout == run(database, PRIVACY.site, "v2", "v3").stdout


def test_the_head_says_when_it_changed_and_names_sections(database: Path) -> None:
    lines = run(database, PRIVACY.site).stdout.splitlines()
    assert lines[1:4] == [
        "changed between 2018-04-01 and 2019-06-01",
        "new section: Ferries",
        "dropped section: Boats",
    ]


def test_what_was_taken_away_stands_under_its_heading(database: Path) -> None:
    lines = run(database, PRIVACY.site, "--removed", "--no-colour").stdout.splitlines()[4:]
    assert lines == [
        "# Lamps",
        "- We light lamps [-at dusk-] each day.",
        "# Boats",
        "- [-## Boats-]",
        "- [-Boats are for rent.-]",
    ]
    rows = json.loads(run(database, PRIVACY.site, "--removed", "--json").stdout)["removed"]
    assert [(row["section"], row["old_number"]) for row in rows] == [("Lamps", 3), ("Boats", 5), ("Boats", 7)]
    assert rows[0]["words"] == ["at dusk"]


def test_a_day_inside_an_interval_of_change_is_said_to_be_one(database: Path) -> None:
    result = run(database, PRIVACY.site, "2018-05-25", "2019-06-01")
    assert "On 2018-05-25 the intently.example privacy policy was version 2 or version 3" in result.stderr
    assert "Version 2 is compared." in result.stderr
    assert run(database, PRIVACY.site, "2018-03", "2019-06-01").stderr == ""


def test_a_year_means_what_it_means_in_show(database: Path) -> None:
    shown = run(database, PRIVACY.site, "2017", "2019", "--json")
    assert [json.loads(shown.stdout)[side]["version"] for side in ("old", "new")] == [1, 3]
    words = ["show", PRIVACY.site, "--at", "2018", "--db", str(database)]
    told = CliRunner().invoke(policy_archive, words, standalone_mode=False)
    assert "was version 2 or version 3" in str(told.exception)
    assert "was version 2 or version 3" in run(database, PRIVACY.site, "2018").stderr


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ((PRIVACY.site, "3", "4"), UsageError, "write v3 for version 3"),
        ((PRIVACY.site, "--removed", "--html"), UsageError, "--removed goes with"),
        ((ALONE.site,), NotKnownError, "one version is known, and so no change"),
        ((), UsageError, "the corpus has alone.example, intently.example"),
    ],
)
def test_what_cannot_be_meant_gets_one_sentence(
    database: Path, arguments: tuple[str, ...], error: type, words: str
) -> None:
    result = run(database, *arguments)
    assert isinstance(result.exception, error)
    assert words in str(result.exception)


@pytest.mark.parametrize("number", ["2", "v2", "V2"])
def test_a_version_is_named_as_history_or_as_diff_names_it(database: Path, number: str) -> None:
    words = ["show", PRIVACY.site, "--version", number, "--json", "--db", str(database)]
    assert json.loads(CliRunner().invoke(policy_archive, words, standalone_mode=False).stdout)["version"] == 2
