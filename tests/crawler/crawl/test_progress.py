"""What a person reads while a crawl runs."""

from __future__ import annotations

import time

import pytest

from policy_archive.crawler.crawl.progress import Lines, describe_pace, format_seconds
from policy_archive.crawler.crawl.run import Tally


def tally(fetched: int, planned: int, seconds: float) -> Tally:
    return Tally(started=time.monotonic() - seconds, fetched=fetched, planned=planned)


def test_rate_rest_and_time_left_are_shown() -> None:
    assert describe_pace(tally(100, 150, 20), 0, None) == "5.0/s, 50 left, about 10 s"


def test_no_time_is_promised_before_half_is_known() -> None:
    assert describe_pace(tally(50, 150, 10), 0, None) == "5.0/s, 100 left"
    many = tally(100, 150, 20)
    many.sites, many.sites_done = 200, 2
    assert describe_pace(many, 0, None) == "5.0/s, 50 left, 2 of 200 sites done"
    many.planned_sites = {f"site{number}.example" for number in range(100)}
    assert "about 10 s" in describe_pace(many, 0, None)


def test_the_search_is_said_and_of_how_many_sites(capsys: pytest.CaptureFixture[str]) -> None:
    searching = tally(0, 0, 1)
    searching.sites = 200
    searching.note_searching("x.example", begins=True)
    Lines().show(searching, 0, None)
    assert capsys.readouterr().err == "searching x.example, 0 of 200 sites done\n"
    searching.note_searching("x.example", begins=False)
    Lines().show(searching, 0, None)
    assert capsys.readouterr().err == ""


def test_home_pages_are_not_counted_against_the_plan(capsys: pytest.CaptureFixture[str]) -> None:
    Lines().show(Tally(started=time.monotonic() - 10, fetched=50, homes=20, planned=40), 0, None)
    assert capsys.readouterr().err.startswith("30 of 40 captures, 5.0/s, 10 left")


def test_the_allowed_pace_bounds_the_promise() -> None:
    assert "about 25 s" in describe_pace(tally(100, 150, 20), 0, pace=2.0)


def test_a_pause_is_said() -> None:
    assert describe_pace(tally(1, 2, 1), 59.8, None).endswith("left alone for 60 s")


def test_plain_lines_say_a_thing_once(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines()
    lines.show(tally(0, 0, 1), 0, None)
    for _ in range(3):
        lines.show(tally(0, 7, 0), 0, None)
    assert capsys.readouterr().err.count("0 of 7 captures") == 1


def test_times_are_written_as_people_say_them() -> None:
    assert [format_seconds(s) for s in (5, 600, 3600)] == ["5 s", "10 min", "1 h 0 min"]
