"""The table: in full for programs, fitted to a person's terminal, steered by nobody's title."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy_archive.crawler.core.steering import clean_text
from policy_archive.pipelines.outputs.table import fit_widths, print_table

ROWS = [
    {"Site": "a.example", "Changed between": "2013-02-11 and 2013-03-02", "Gist": "g" * 60, "Words": 7},
    {"Site": "b.example", "Changed between": "first seen 2001-01-01", "Gist": "", "Words": None},
]


def test_off_a_terminal_it_is_whole_and_figures_stand_at_the_right(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_table(
        [
            {"Site": "a.example", "Words": -3, "+": "+12", "Title": "=cmd()"},
            {"Site": "b.example", "Words": 10},
        ]
    )
    assert capsys.readouterr().out.splitlines() == [
        "Site       Words    +  Title",
        "a.example     -3  +12  =cmd()",
        "b.example     10",
    ]


@given(st.lists(st.integers(1, 120), min_size=1, max_size=12), st.integers(10, 300))
def test_what_is_shown_fits_and_keeps_what_it_needs(widths: list[int], available: int) -> None:
    fitted = fit_widths(widths, available)
    assert 1 <= len(fitted) <= len(widths)
    assert sum(fitted) + 2 * (len(fitted) - 1) <= available
    if widths[0] <= available:  # else the first column alone is shown, cut
        assert all(
            fit == width or (width > 26 and fit >= 14) for fit, width in zip(fitted, widths, strict=False)
        )
    if sum(widths) + 2 * (len(widths) - 1) <= available:
        assert fitted == widths


def _run_on_terminal(columns: int, rows: list[dict] = ROWS, **environment: str) -> tuple[str, str]:
    """Return what a terminal of that width shows, and stderr."""
    main, terminal = os.openpty()
    code = f"from policy_archive.pipelines.outputs.table import print_table; print_table({rows!r})"
    ended = subprocess.run(
        [sys.executable, "-c", code],
        stdout=terminal,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"COLUMNS": str(columns), "TERM": "xterm"} | environment,
        check=True,
    )
    os.close(terminal)
    shown = os.read(main, 100_000).decode().replace("\r", "")
    os.close(main)
    return shown, ended.stderr


def test_a_narrow_terminal_shows_intervals_whole_and_says_what_it_has_no_room_for() -> None:
    shown, said = _run_on_terminal(55)
    assert "a.example  2013-02-11 and 2013-03-02  gggggggggggggggg…\n" in shown
    assert said == "No room on this terminal for: Words.\n"
    shown, said = _run_on_terminal(110)
    assert (shown.count("g" * 60), said) == (1, "")


def test_a_terminal_sees_no_column_without_content() -> None:
    empty = [row | {"Reason": "", "Took": None} for row in ROWS]
    shown, said = _run_on_terminal(110, rows=empty)
    assert ("Words" in shown, "Reason" in shown, "Took" in shown, said) == (True, False, False, "")


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False), ({"NO_COLOR": ""}, True)],
    ids=["a terminal", "NO_COLOR", "a dumb terminal", "NO_COLOR empty, which is none"],
)
def test_colour_is_for_terminals_that_want_it(environment: dict[str, str], coloured: bool) -> None:
    assert ("\x1b" in _run_on_terminal(110, **environment)[0]) is coloured


def test_a_title_cannot_steer_the_terminal() -> None:
    hostile = "a\x1b]0;owned\x07b\x9b31mc\u202ed\te\n"
    cleaned = clean_text(hostile)
    assert not set("\x1b\x07\x9b\u202e") & set(cleaned)
    assert cleaned.endswith("\te\n")
