"""The figures that end a run: one look with all other tables, numbers to the right, indents kept."""

from __future__ import annotations

import pytest

from policy_archive.pipelines.commands.fetch import iter_summary
from policy_archive.pipelines.outputs.table import print_figures

SUMMARY = {
    "documents": 1,
    "captures_listed": 120,
    "captures_planned": 9,
    "captures_fetched": 8,
    "home_pages_fetched": 2,
    "captures_skipped": {"same-digest": 111},
    "captures_failed": {"drift": 1},
    "sites": {"found": 1},
    "captures_fetched_before": 4,
    "health": {"versions_new": 2},
    "versions": 3,
    "requests": {"index": 2, "replay": 12},
    "seconds": 75.0,
}


def test_numbers_stand_below_each_other_and_indents_stay(capsys: pytest.CaptureFixture[str]) -> None:
    print_figures(iter_summary(SUMMARY))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "captures listed    120  1 document"
    assert lines[3] == "  fetched before     4  by earlier runs"
    assert lines[4].startswith("  skipped          111  ")
    assert lines[5].startswith("  without a text     1  ")
    assert "versions known       3  2 new" in lines
    assert "requests spent      14  2 index, 12 replay" in lines
    ends = {len(line[:22].rstrip()) for line in lines[:-1]}
    assert ends == {22}


def test_what_is_not_there_is_not_told(capsys: pytest.CaptureFixture[str]) -> None:
    quiet = SUMMARY | {
        "captures_skipped": {},
        "captures_failed": {},
        "home_pages_fetched": 0,
        "captures_fetched_before": 0,
    }
    print_figures(iter_summary(quiet))
    out = capsys.readouterr().out
    assert "skipped" not in out
    assert "home page" not in out
    assert len(out.splitlines()) == 7


def test_what_became_known_and_is_no_news_is_explained_beside_it(capsys: pytest.CaptureFixture[str]) -> None:
    print_figures(iter_summary(SUMMARY | {"health": {"versions_new": 2, "versions_passed_over": 1}}))
    assert (
        "versions known       3  2 new; 1 differs in the page around the text alone: "
        "'history SITE --all' shows them"
    ) in capsys.readouterr().out


def test_a_foreign_remark_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_figures([("sites", 1, "\x1b[31mfound\u202e")])
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\u202e" not in out
