"""history, show, diff, documents: what a person and a program see of a corpus."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from rich.cells import cell_len

from policy_archive.cli import policy_archive
from policy_archive.crawler.core.errors import NotKnownError, UsageError
from policy_archive.crawler.core.records import Address, Document, Kind, Outcome, Owner, RowDecision, RowState
from policy_archive.crawler.core.vocabularies import AddressSource, OwnerRelation, SiteOutcome
from policy_archive.pipelines.store.writer import Store
from tests.support import programs
from tests.support.synthetic import PRIVACY, URL, make_capture, make_reading, make_row, store_texts

OLD = (
    "## Privacy\n\nWe keep your data for 30 days.\n\n## Law\n\nThe law of the land applies to all of this.\n"
)
NEW = OLD.replace("30 days", "90 days") + "\n## Cookies\n\nWe set three cookies.\n"
TERMS = Document(site="intently.example", kind=Kind.TERMS)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a corpus with a change, a move, flapping, a text that returned, gaps, somebody else's text."""
    path = tmp_path_factory.mktemp("corpus") / "policies.db"
    with Store.open(path) as store:
        store.add_document(
            PRIVACY, owner=Owner(relation=OwnerRelation.SITE, name=None, reason="own domain"), confidence=0.93
        )
        store.add_address(
            PRIVACY,
            Address(url=URL, source=AddressSource.HOME_LINK, evidence="Privacy", first_seen="20130101000000"),
        )
        store_texts(store, [("20130211080000", OLD), ("20130302090000", NEW), ("20130401", NEW)])
        moved = URL.replace("/privacy", "/legal/privacy")
        store_texts(store, [("20130501", NEW), ("20140601", OLD)], original=moved)
        store_texts(
            store,
            [("20150101", NEW), ("20150103", OLD), ("20150105", NEW), ("20150107", OLD)],
            original=moved,
        )
        foreign, broken = make_row("20130315"), make_row("20130801", status="503")
        store.add_rows(PRIVACY, [foreign, broken])
        reading = make_reading("Of a registrar.\n", outcome=Outcome.FOREIGN)
        store.record_capture(make_capture(foreign), replace(reading, reason="a registrar's policy"))
        store.record_decisions(PRIVACY, {broken: RowDecision(state=RowState.ERROR_PAGE)})
        row = make_row("20150601", original=moved)
        store.record_capture(make_capture(row), make_reading("Stated.\n", stated=date(2015, 9, 1)))
        store.fold_versions(PRIVACY)
        store_texts(store, [("20160101", "Terms <script>alert(1)</script> one.\n")], document=TERMS)
        store.add_site("empty.example")
        store.set_site_outcome("empty.example", SiteOutcome.NOTHING_FOUND, "no link on 12 captures")
        store_texts(store, [("20130101", OLD)], document=Document(site="other.example", kind=Kind.PRIVACY))
    return path


def run(database: Path, *arguments: str) -> Result:
    return CliRunner().invoke(policy_archive, [*arguments, "--db", str(database)], standalone_mode=False)


def rows(database: Path, *arguments: str) -> list[dict]:
    result = run(database, *arguments, "--json")
    assert result.exception is None, result.exception
    return json.loads(result.stdout)


def test_history_tells_intervals_flapping_moves_and_stated_dates_a_line_each(database: Path) -> None:
    lines = run(database, "history", "intently.example").stdout.splitlines()
    assert len(lines) == 7
    headings = ["Version", "Changed", "between", "Words", "+", "-", "Gist", "Stated", "Days", "Title"]
    assert lines[0].split() == headings
    assert lines[1].split()[:4] == ["1", "first", "seen", "2013-02-11"]
    assert "2013-02-11 and 2013-03-02" in lines[2] and "19" in lines[2] and "section “Cookies”" in lines[2]
    assert "address: https://intently.example/privacy -> https://intently.example/legal/privacy" in lines[3]
    assert "2013-04-01 and 2013-05-01" in lines[3]
    assert lines[4].startswith("3 ") and "text of version 1 again" in lines[4]
    assert lines[5].startswith("4-7 ") and "2 texts take turns" in lines[5]
    assert lines[6].startswith("8 ") and "2015-09-01 (announced ahead)" in lines[6]


def test_history_as_json_has_every_version_and_what_changed(database: Path) -> None:
    history = rows(database, "history", "intently.example")
    assert [row["version"] for row in history] == list(range(1, 9))
    second = history[1]
    assert (second["changed_after"], second["first_captured"]) == (
        "2013-02-11T08:00:00Z",
        "2013-03-02T09:00:00Z",
    )
    assert second["interval_days"] == 19.0
    assert second["change"]["sections_added"] == ["Cookies"]
    assert second["words_added"] == 6 and second["words_removed"] == 1
    assert [row["returns_to"] for row in history] == [None, None, 1, 2, 1, 2, 1, None]
    assert [bool(row["flapping"]) for row in history] == [False] * 3 + [True] * 4 + [False]
    assert history[7]["stated_flag"] == "after"


def test_somebody_elses_texts_are_shown_only_when_asked_for(database: Path) -> None:
    assert not any(row["foreign"] for row in rows(database, "history", "intently.example"))
    history = rows(database, "history", "intently.example", "--include-foreign")
    (foreign,) = [row for row in history if row["foreign"]]
    assert foreign["gist"] == "somebody else's: a registrar's policy"
    assert history.index(foreign) == 2
    assert set(foreign) == set(history[0])
    assert "a registrar's policy" in run(database, "history", "intently.example", "--include-foreign").stdout


def test_coverage_has_a_state_for_every_month(database: Path) -> None:
    months = rows(database, "history", "intently.example", "--coverage")
    assert [months[0]["month"], months[-1]["month"], len(months)] == ["2013-02", "2015-06", 29]
    states = {row["month"]: row["state"] for row in months}
    assert states["2013-02"] == "text"
    assert states["2013-08"] == "error"
    assert states["2013-09"] == "no-capture"
    assert sum(row["captures"] for row in months) == 12
    table = run(database, "history", "intently.example", "--coverage").stdout.splitlines()
    assert [line.split()[0] for line in table] == ["Year", "2013", "2014", "2015"]
    assert ".TTTT..e...." in table[1].replace(" ", ".")


def test_every_index_row_can_be_asked_for_its_state(database: Path) -> None:
    captures = rows(database, "history", "intently.example", "--captures")
    assert len(captures) == 12
    assert [row["state"] for row in captures if row["outcome"] is None] == ["error-page"]
    lines = run(database, "history", "intently.example", "--captures").stdout.splitlines()
    assert len(lines) == 13
    assert any("somebody else's policy" in line and "a registrar's policy" in line for line in lines)


@pytest.mark.parametrize("row_format", ["--nl", "--csv"])
def test_history_speaks_to_programs(database: Path, row_format: str) -> None:
    lines = run(database, "history", "intently.example", row_format).stdout.splitlines()
    assert len(lines) == (8 if row_format == "--nl" else 9)


@pytest.mark.parametrize(
    ("day", "version"),
    [("2013-02-11", 1), ("2013-03-20", 2), ("2013-04", 2), ("2014-06-01", 3), ("20150103", 5)],
)
def test_show_prints_the_text_in_force(database: Path, day: str, version: int) -> None:
    shown = json.loads(run(database, "show", "intently.example", "--at", day, "--json").stdout)
    assert shown["version"] == version
    assert run(database, "show", "intently.example", "--at", day).stdout == (
        run(database, "show", "intently.example", "--version", str(version)).stdout
    )


@pytest.mark.parametrize(
    ("day", "words"),
    [
        ("2013-02-20", r"was version 1 or version 2: it changed between 2013-02-11 and 2013-03-02"),
        ("2012-12-31", r"the first capture in the corpus is of 2013-02-11"),
        ("2020", r"version 8 was last seen on 2015-06-01"),
    ],
    ids=["in an interval", "before all", "after all"],
)
def test_show_says_what_is_not_known(database: Path, day: str, words: str) -> None:
    result = run(database, "show", "intently.example", "--at", day)
    assert isinstance(result.exception, NotKnownError)
    assert words in str(result.exception)
    assert result.stdout == ""


def test_show_without_a_date_is_the_newest_and_an_address_means_its_document(database: Path) -> None:
    assert "\n\nStated.\n" in run(database, "show", "intently.example").stdout
    assert "\n\nStated.\n" in run(database, "show", "http://www.intently.example/legal/privacy").stdout


def test_diff_marks_words(database: Path) -> None:
    plain = run(database, "diff", "intently.example", "v1", "v2").stdout
    assert "~ We keep your data for [-30-] {+90+} days." in plain
    assert "+ {+We set three cookies.+}" in plain
    coloured = run(database, "diff", "intently.example", "v1", "v2", "--colour").stdout
    assert "\x1b[31m" in coloured and "[-30-]" not in coloured


def test_diff_takes_dates_and_the_newest_and_other_sites(database: Path) -> None:
    by_date = run(database, "diff", "intently.example", "2013-02", "2013").stdout
    assert (
        by_date.splitlines()[1:]
        == run(database, "diff", "intently.example", "v1", "v2").stdout.splitlines()[1:]
    )
    assert "v8 (2015-06-01)" in run(database, "diff", "intently.example", "v1").stdout
    across = run(database, "diff", "intently.example", "other.example", "2013-02").stdout
    assert "other.example privacy policy v1" in across and "+0 -0" in across


def test_diff_as_page_is_one_safe_file(database: Path) -> None:
    page = run(database, "diff", "intently.example", "v1", "v2", "--html").stdout
    assert "<del>30</del>" in page.replace(" </del>", "</del>") and "default-src 'none'" in page
    hostile = run(database, "diff", "intently.example", "--kind", "terms", "v1", "v1", "--html").stdout
    assert "<script" not in hostile


def test_diff_as_json_and_unified(database: Path) -> None:
    described = json.loads(run(database, "diff", "intently.example", "v1", "v2", "--json").stdout)
    assert described["change"]["words_added"] == 6
    assert [line["kind"] for line in described["lines"]].count("added") == 2
    unified = run(database, "diff", "intently.example", "v1", "v2", "--unified").stdout
    assert "-We keep your data for 30 days." in unified and "+We keep your data for 90 days." in unified


def test_documents_lists_kinds_addresses_and_figures(database: Path) -> None:
    privacy, terms = rows(database, "documents", "intently.example")
    assert (privacy["kind"], privacy["main"], privacy["versions"], privacy["captures"]) == (
        "privacy",
        True,
        8,
        12,
    )
    assert (privacy["owner"], privacy["confidence"]) == ("site", 0.93)
    assert privacy["addresses"][0]["source"] == "home-link"
    assert terms["kind"] == "terms"
    heading, line, _ = run(database, "documents", "intently.example").stdout.splitlines()
    assert heading.split()[5:] == ["Address", "Owner", "Certainty", "Found"]
    assert line.split()[5:] == [URL, "site", "0.93", "home-link:", "Privacy"]


@pytest.mark.parametrize("hostile", ["x'; drop table sites; --", 'x" or 1=1', "]", "%", "_", "a.example' --"])
def test_quotes_in_an_argument_are_words(database: Path, hostile: str) -> None:
    for arguments in (["history", hostile], ["history", "intently.example", "--name", hostile]):
        assert isinstance(run(database, *arguments).exception, (UsageError, NotKnownError))
    assert len(rows(database, "documents", "intently.example")) == 2


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (("history", "intenty.example"), NotKnownError, "Did you mean intently.example?"),
        (("history", "elsewhere.org"), NotKnownError, "'policy-archive fetch elsewhere.org'"),
        (("history", "no domain"), UsageError, "is no domain"),
        (("history", "empty.example"), NotKnownError, "nothing-found (no link on 12 captures)"),
        (
            ("history", "intently.example", "--kind", "cookies"),
            NotKnownError,
            "the corpus has: privacy, terms",
        ),
        (("show", "intently.example", "--version", "99"), NotKnownError, "there are 8"),
        (("show", "intently.example", "--version", "1", "--at", "2018"), UsageError, "not both"),
        (("show", "intently.example", "--at", "yesterday"), UsageError, "is no date"),
        (("history", "intently.example", "--coverage", "--captures"), UsageError, "not both"),
        (("diff", "intently.example", "2010", "2013"), NotKnownError, "is known by 2010"),
        (("export", "--to", "somewhere"), UsageError, "--all"),
        (("history",), UsageError, "the corpus has intently.example, other.example, empty.example"),
        (("show",), UsageError, "'policy-archive sites' says what there is"),
        (("at", "yesterday"), UsageError, "is no date"),
        (("at", "2018", "elsewhere.org"), NotKnownError, "'policy-archive fetch elsewhere.org'"),
    ],
)
def test_what_cannot_be_meant_gets_one_sentence(database: Path, arguments, error: type, words: str) -> None:
    result = run(database, *arguments)
    assert isinstance(result.exception, error)
    assert words in str(result.exception)


def test_the_exit_status_says_what_kind_of_failure(database: Path) -> None:
    for arguments, status in ((["show", "intently.example", "--at", "2010"], 1), (["show", "x y"], 2)):
        ended = programs.run(["-m", "policy_archive", *arguments, "--db", str(database)])
        assert (ended.returncode, ended.stdout) == (status, "")
        assert ended.stderr.startswith("Error: ") and ended.stderr.count("\n") == 1


def test_on_a_terminal_every_version_keeps_to_its_line(database: Path) -> None:
    main, terminal = os.openpty()
    ended = subprocess.run(
        [sys.executable, "-m", "policy_archive", "history", "intently.example", "--db", str(database)],
        stdout=terminal,
        env=os.environ | {"COLUMNS": "90"},
        check=False,
    )
    os.close(terminal)
    lines = os.read(main, 100_000).decode().replace("\r", "").splitlines()
    os.close(main)
    assert ended.returncode == 0
    assert len(lines) == 7
    assert lines[0].startswith("\x1b[1m")
    assert [cell_len(line) for line in lines[1:] if cell_len(line) > 90] == []
    assert "…" in lines[2]


def test_show_as_json_says_how_good_the_text_is(database: Path) -> None:
    shown = json.loads(run(database, "show", "intently.example", "--version", "1", "--json").stdout)
    quality = shown["quality"]
    assert (quality["kept_share"], quality["replacement_characters"], quality["charset"]) == (
        0.97,
        0,
        "utf-8",
    )
    assert (quality["hidden_text_used"], quality["documents_on_page"]) == (False, 1)
    assert (quality["language"], quality["language_confidence"], quality["stated_dates"]) == ("en", 0.99, [])
