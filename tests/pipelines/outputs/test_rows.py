"""Rows: four formats of the same, safe for spreadsheets."""

from __future__ import annotations

import csv
import io
import json

import pytest

from policy_archive.crawler.core.steering import STEERING
from policy_archive.pipelines.outputs.rows import print_rows

ROWS = [{"site": "a.example", "title": "=cmd()", "words": -3, "more": {"x": [1]}}, {"site": "b.example", "title": None, "words": 10, "more": None}]  # fmt: skip  # noqa: E501


def test_json_is_an_array_and_nl_an_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows(ROWS, "json")
    assert json.loads(capsys.readouterr().out) == ROWS
    print_rows(ROWS, "nl")
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == ROWS


def test_csv_disarms_formulas_and_leaves_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows(ROWS, "csv")
    first, second = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert (first["title"], first["words"], json.loads(first["more"])) == ("'=cmd()", "-3", {"x": [1]})
    assert second["title"] == ""


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_every_start_of_a_formula_is_disarmed(capsys: pytest.CaptureFixture[str], start: str) -> None:
    print_rows([{"title": f"{start}1+1"}], "csv")
    assert next(csv.DictReader(io.StringIO(capsys.readouterr().out, newline="")))["title"][0] == "'"


def test_no_rows_print_nothing_but_an_empty_array(capsys: pytest.CaptureFixture[str]) -> None:
    for row_format in ("table", "nl", "csv", "json"):
        print_rows([], row_format)
    assert capsys.readouterr().out == "[]\n"


@pytest.mark.parametrize("row_format", ["json", "nl"])
def test_json_reads_back_and_steers_no_terminal(row_format: str, capsys: pytest.CaptureFixture[str]) -> None:
    title = "a\x1b]0;x\x07\x9db\u202ec é"
    print_rows([{"title": title}], row_format)
    out = capsys.readouterr().out
    (found,) = [json.loads(out)] if row_format == "nl" else json.loads(out)
    assert found == {"title": title}
    assert STEERING.sub("", out) == out
