"""Politeness judged where it counts: by the archive's own log."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from policy_archive.archive_server import faults
from policy_archive.archive_server.log import LogEntry, count_busiest
from policy_archive.archive_server.server import ArchiveServer
from policy_archive.crawler.crawl.run import FetchReport
from tests.support.generated import GeneratedSource, crawl, generate, outcomes, read
from tests.support.processes import finish, start_crawl, start_program

from ..support.patience import PATIENCE

JITTER = 1.25
"""What a busy machine may add to what two seconds hold; without one budget they hold three times as much."""
UNDER_WAY_SECONDS = 0.5
"""Requests that were sent before the answer arrived may come so much after it: half of the shortest wait."""


def quiet_after_refusals(log: list[LogEntry]) -> list[float]:
    """Return for each answer 429 or 503 how long nothing came, but for what was under way."""
    refusals = [entry for entry in log if entry.status in (429, 503)]
    assert refusals
    quiet = []
    for refusal in refusals:
        waits = (entry.monotonic - refusal.monotonic for entry in log)
        quiet.append(min((wait for wait in waits if wait > UNDER_WAY_SECONDS), default=float("inf")))
    return quiet


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        pytest.param(lambda: "2", 2.0, id="seconds"),
        pytest.param(lambda: faults.http_date(3), 1.5, id="date"),
        pytest.param(lambda: "-5", 1.0, id="negative"),
        pytest.param(lambda: "soon", 1.0, id="nonsense"),
        pytest.param(lambda: None, 1.0, id="absent"),
    ],
)
@pytest.mark.parametrize("where", [faults.replay, faults.index], ids=["replay", "index"])
def test_in_a_storm_nothing_is_asked_before_the_time(
    database: Path, retry_after: Callable[[], str | None], seconds: float, where: Callable[..., bool]
) -> None:
    after = 3 if where is faults.replay else 0
    storm = faults.RateLimited(when=where, after=after, times=1, retry_after=retry_after())
    with ArchiveServer(source=generate(10), faults=[storm]) as archive:
        pauses = {"POLICY_FIRST_PAUSE_SECONDS": 1.0, "POLICY_LONGEST_PAUSE_SECONDS": 5}
        report = crawl(archive.url, database, settings=pauses)
        log = list(archive.log)
    assert min(quiet_after_refusals(log)) >= seconds
    assert (report.status, outcomes(database)) == ("done", ["text"] * 10)


PLAIN = [(status, ("2",)) for status in (200, 403, 404, 429, 503, 504, 520)]
ODD = [(502, lines) for lines in (("2.0",), ("1, 2",), ("2", "1"), ("1", faults.http_date(-60), "2 s"))]


@pytest.mark.parametrize(
    ("status", "lines"),
    PLAIN + ODD,
    ids=[f"{status} {'; '.join(lines)[:8]}" for status, lines in PLAIN + ODD],
)
def test_a_wait_is_kept_whatever_the_status(database: Path, status: int, lines: tuple[str, ...]) -> None:
    wait = faults.Waits(when=faults.replay, after=3, times=1, status=status, retry_after=lines)
    with ArchiveServer(source=generate(10), faults=[wait]) as archive:
        report = crawl(archive.url, database, settings={"POLICY_LONGEST_PAUSE_SECONDS": 5})
        log = list(archive.log)
    told = [entry for entry in log if entry.kind == "replay"][3]
    assert told.status == status
    assert (report.status, outcomes(database)) == ("done", ["text"] * 10)
    assert not asked_within(log, told, 2)


def asked_within(log: list[LogEntry], told: LogEntry, seconds: float) -> list[float]:
    """Return when, after an answer, something was asked that was not under way by then."""
    later = [entry.monotonic - told.monotonic for entry in log]
    assert max(later) > seconds  # the run went on
    return [wait for wait in later if UNDER_WAY_SECONDS < wait < seconds - 0.05]


def test_a_wait_beside_the_rows_of_the_index_or_on_the_way_to_a_capture_is_kept_and_the_answer_used(
    database: Path,
) -> None:
    source = generate(6)
    source.add("20010315130000", b"<p>an hour later")
    rows = faults.Waits(when=faults.index, status=None, times=1, retry_after=("1",))
    way = faults.Waits(when=faults.about("20010315120000"), status=None, times=1, retry_after=("1",))
    away = faults.Drift(when=faults.about("20010315120000"), to="20010315130000")
    with ArchiveServer(source=source, faults=[rows, way, away]) as archive:
        report = crawl(archive.url, database)
        log = list(archive.log)
    told = [entry for entry in log if entry.kind == "index" or entry.status == 302]
    assert [entry.kind for entry in told] == ["index", "replay"]  # neither was asked for twice
    assert not [wait for entry in told for wait in asked_within(log, entry, 1)]
    assert (report.status, outcomes(database)) == ("done", ["text"] * 7)


def test_a_wait_that_a_site_captured_long_ago_stops_nobody(database: Path) -> None:
    waits = faults.Waits(when=faults.replay, status=None, retry_after=("86400",))
    with ArchiveServer(source=generate(3), faults=[waits]) as archive:
        assert crawl(archive.url, database).status == "done"
    assert waits.struck == 3


def test_an_answer_that_is_refused_for_ever_is_asked_for_a_few_times(database: Path) -> None:
    never = faults.Waits(when=faults.about("20010215"), status=403, retry_after=("0.1",))
    with ArchiveServer(source=generate(3), faults=[never]) as archive:
        crawl(archive.url, database)
    assert never.struck == 4
    assert sorted(outcomes(database)) == ["archive-error", "text", "text"]


def test_503_without_a_header_is_asked_again_later_and_not_for_ever(database: Path) -> None:
    broken = faults.ServerError(when=faults.about("20010215"))
    with ArchiveServer(source=generate(3), faults=[broken]) as archive:
        report = crawl(archive.url, database, settings={"POLICY_RETRY_SECONDS": 0.2})
        asked = [entry.monotonic for entry in archive.log if "20010215" in entry.path]
    assert 2 <= len(asked) <= 4
    assert asked[1] - asked[0] >= 0.2
    assert outcomes(database).count("text") == 2
    assert report.status == "incomplete"


def test_a_storm_that_does_not_end_ends_the_run_with_what_to_do(database: Path) -> None:
    storm = faults.RateLimited(when=faults.replay)
    with ArchiveServer(source=generate(10), faults=[storm]) as archive:
        report: FetchReport = crawl(archive.url, database)
        assert storm.struck <= 8 * 8  # a few requests in flight for every pause
        assert (report.status, report.exit_code) == ("incomplete", 1)
        archive.faults = []
        assert crawl(archive.url, database).status == "done"
    assert outcomes(database) == ["text"] * 10


def test_processes_with_databases_of_their_own_stop_together(tmp_path: Path, database: Path) -> None:
    """One is told to wait 3 s: none of the others asks before, for all share the gate."""
    source = GeneratedSource()
    urls = [f"https://www.site{number}.example/privacy" for number in range(3)]
    for url in urls:
        source.answers |= generate(60, url=url).answers
    pace = faults.Slow(seconds=0.1)
    with ArchiveServer(source=source, faults=[pace]) as archive:
        rates = ("--archive", archive.url, "--index-rate", "0", "--replay-rate", "30", "--plan", "all")
        processes = [
            start_program("fetch", url, "--db", str(tmp_path / f"{number}.db"), *rates)
            for number, url in enumerate(urls)
        ]
        deadline = time.monotonic() + PATIENCE
        while sum(e.kind == "replay" for e in archive.log) < 40 and time.monotonic() < deadline:
            time.sleep(0.02)
        archive.faults = [faults.RateLimited(when=faults.replay, times=1, retry_after="3"), pace]
        ended = [finish(process) for process in processes]
        log = list(archive.log)
    assert [status for status, _, _ in ended] == [0, 0, 0], ended
    assert min(quiet_after_refusals(log)) >= 3 - 0.05
    assert count_busiest(log, kind="replay", seconds=2) <= 2 * 30 * JITTER


def test_three_processes_keep_one_budget_in_any_window(tmp_path: Path, database: Path) -> None:
    source = GeneratedSource()
    urls = [f"https://www.site{number}.example/privacy" for number in range(3)]
    for url in urls:
        source.answers |= generate(30, url=url).answers
    with ArchiveServer(source=source) as archive:
        rates = ("--archive", archive.url, "--index-rate", "20", "--replay-rate", "15", "--plan", "all")
        processes = [
            start_program("fetch", url, "--db", str(tmp_path / f"{number}.db"), *rates)
            for number, url in enumerate(urls)
        ]
        ended = [finish(process) for process in processes]
        log = list(archive.log)
    assert [status for status, _, _ in ended] == [0, 0, 0], ended
    replay = [entry.monotonic for entry in log if entry.kind == "replay"]
    assert len(replay) == 90
    assert count_busiest(log, kind="replay", seconds=2) <= 2 * 15 * JITTER
    assert max(replay) - min(replay) >= 89 / 15  # so no minute can hold more than 900
    index = sorted(entry.monotonic for entry in log if entry.kind == "index")
    # 3 s when they are sent; the server of a busy machine may come late to the first of two
    assert min(b - a for a, b in pairwise(index)) >= 1.5
    assert len({(entry.peer, entry.connection) for entry in log}) <= 3 * 6  # kept alive: not one a request


@pytest.mark.parametrize(
    "clock",
    ["-3600", "315360000", "-7200@1.5"],
    ids=["an hour back", "ten years ahead", "goes back on the way"],
)
def test_a_clock_that_is_wrong_changes_neither_pauses_nor_times_of_captures(
    database: Path, clock: str
) -> None:
    storm = faults.RateLimited(when=faults.replay, after=3, times=1, retry_after="1")
    with ArchiveServer(source=generate(10), faults=[faults.Slow(seconds=0.1), storm]) as archive:
        process = start_crawl(archive, database, environment={"POLICY_ARCHIVE_CLOCK": clock})
        status, _, err = finish(process)
        assert status == 0, err
        assert min(quiet_after_refusals(list(archive.log))) >= 1 - 0.05
        archive.faults = []
        assert outcomes(database) == ["text"] * 10
        assert read(database, "select min(timestamp), max(timestamp) from captures") == [
            ("20010115120000", "20011015120000")
        ]
        report = crawl(archive.url, database)  # by the right clock
    assert (report.status, report.tally.fetched, report.tally.replay_requests) == ("done", 0, 0)


def test_days_that_a_clock_ran_ahead_are_not_taken_for_listed(database: Path) -> None:
    source = generate(3)
    with ArchiveServer(source=source) as archive:
        process = start_crawl(archive, database, environment={"POLICY_ARCHIVE_CLOCK": "315360000"})
        assert finish(process)[0] == 0
    source.add("20200101120000", b"<p>came later")
    with ArchiveServer(source=source) as archive:
        crawl(archive.url, database)
        assert outcomes(database) == ["text"] * 4
        asked = len(archive.log)
        crawl(archive.url, database)
        assert len(archive.log) == asked
