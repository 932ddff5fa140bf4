"""docs/exchange.md, "What each bad input gets": every row has its test, every outcome its row."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from policy_archive.pipelines.exchange.imported import ImportOutcome

ROOT = Path(__file__).parents[3]
PLACES = ("pipelines/commands/test_import.py", "pipelines/commands/test_import_of_hostile_sources.py")
PLACES += ("archive_server/test_warc_files.py", "archive_server/test_hostile_warc.py")
BAD = "a_bad_file_gets_its_outcome_and_the_rest_goes_on"
TESTS = {
    "imported before": "all_reference_texts_are_imported",
    "empty file": BAD,
    "a file that begins like one of the corpus": BAD,
    "a day that is none": BAD,
    "a kind of policy": BAD,
    "a site in upper case": "a_second_text_of_one_capture_is_refused_and_the_first_stays",
    "a name that is no domain": BAD,
    "an Open Terms Archive service": "a_dataset_whose_names_put_the_day_first",
    "no block quote": BAD,
    "no `--date`": "a_text_that_nothing_dates_is_told_what_to_give",
    "bytes with zeros": BAD,
    "broken UTF-8": "broken_characters_are_imported_and_counted",
    "front matter": "hostile_front_matter_costs_its_own_file",
    "a file, zip member or git object": BAD,
    "more than a million": "more_than_a_source_may_hold_is_left_out_and_said",
    "a zip, bundle or WACZ": "a_damaged_container_in_a_folder_stops_nothing",
    "a pipe": "pipes_devices_and_links_are_named_and_not_opened",
    "a file, member or path": "a_file_may_have_any_name",
    "anything that breaks": "anything_unforeseen_is_an_outcome",
    "a zip member or repository path": "a_member_may_have_any_name_and_nothing_is_written_to_it",
    "an SQLite file": "only_a_plain_table_is_read",
    "a cell": "a_row_that_is_odd_costs_itself",
    "a git repository": "folders_and_repositories_with_nothing_in_them_are_one_sentence",
    "a repository with a million": "of_very_many_commits_the_first_are_imported",
    "a second text": "a_second_text_of_one_capture_is_refused_and_the_first_stays",
    "a page that is no policy": "snapshots_are_read_by_our_own_extractor",
    "a WARC file that is cut": "no_text_is_taken_from_a_record_that_is_cut",
    "a WARC file gzipped": "a_file_gzipped_as_one_piece_is_named_with_what_to_do",
    "a file that is no WARC": "a_wacz_that_is_a_bomb_or_empty_is_not_unpacked",
    "a WARC file without a policy": "web_archives_without_a_policy_are_one_sentence",
    "a folder without": "folders_and_repositories_with_nothing_in_them_are_one_sentence",
}
"""By the beginning of each row, the test that holds it."""


def _rows() -> list[tuple[str, str]]:
    text = (ROOT / "docs" / "exchange.md").read_text()
    table = re.split(r"\n#+ ", text.partition("## What each bad input gets\n")[2])[0]
    cells = [re.split(r"(?<!\\) \| ", line.strip("| ")) for line in table.splitlines() if line[:2] == "| "]
    return [(row[0], row[1]) for row in cells if len(row) == 2][1:]


def _names_of_tests() -> set[str]:
    trees = (ast.parse((ROOT / "tests" / place).read_text()) for place in PLACES)
    return {node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("row", _rows(), ids=lambda row: row[0][:40])
def test_each_row_has_a_test(row: tuple[str, str]) -> None:
    (name,) = [test for beginning, test in TESTS.items() if row[0].startswith(beginning)]
    assert f"test_{name}" in _names_of_tests()


def test_no_row_is_gone() -> None:
    assert len(TESTS) == len(_rows()) > 20


def test_each_outcome_has_a_row() -> None:
    said = {word for _, outcome in _rows() for word in re.findall(r"`([a-z-]+)`", outcome)}
    assert {str(one) for one in ImportOutcome} - {"imported"} <= said
