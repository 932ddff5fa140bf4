"""The gate: budgets and pauses, over processes and clocks that jump."""

from __future__ import annotations

import asyncio
import math
import random
import time
from bisect import bisect_left
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy_archive.crawler.archive.rate_gate import (
    Budget,
    Gate,
    GateClosedError,
    Politeness,
    parse_retry_after,
)
from policy_archive.crawler.core.errors import RateLimitedError, StoreError
from tests.support import programs

from ...support.patience import PATIENCE

ROOT = Path(__file__).resolve().parent.parent.parent.parent
ARCHIVE = "https://web.archive.org"
QUICK = Politeness(
    index_per_minute=0, replay_per_second=50, first_pause_seconds=0.3, longest_pause_seconds=1.0
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "gate.db"


class Clocks:
    """A wall clock and a monotonic one that a test moves."""

    def __init__(self, wall: float = 1_000_000.0, monotonic: float = 100.0) -> None:
        self.wall = wall
        self.monotonic = monotonic

    def gate(self, path: Path, politeness: Politeness) -> Gate:
        return Gate(ARCHIVE, politeness, path=path, monotonic=lambda: self.monotonic, wall=lambda: self.wall)


@given(st.integers(1, 1200), st.sampled_from([0.0, 0.02, 0.1, 0.5, 1.0]), st.integers(0, 2**32))
def test_no_minute_and_no_second_holds_more_than_its_share_however_late_slots_are_used(
    per_minute: int, share_of_late: float, seed: int
) -> None:
    chance = random.Random(seed)
    politeness = Politeness(index_per_minute=per_minute)
    slot = now = 0.0
    sent, arrived = [], []
    for _ in range(2 * per_minute + 10):
        late = chance.uniform(0, 2) if chance.random() < share_of_late else 0.0
        now = max(slot, now) + late
        slot = politeness.next_slot(Budget.INDEX, slot, now)
        sent.append(now)
        arrived.append(now + chance.uniform(0, 0.499))
    assert most_in_a_window(sorted(arrived), 60) <= per_minute
    assert most_in_a_window(sent, 1) <= math.ceil(per_minute / 60) + 1


def most_in_a_window(times: list[float], seconds: float) -> int:
    return max(bisect_left(times, at + seconds) - number for number, at in enumerate(times))


def test_the_defaults_are_what_the_archive_asks_for() -> None:
    politeness = Politeness()
    assert 60 / politeness.spacing_seconds(Budget.INDEX) <= 24
    assert 1 / politeness.spacing_seconds(Budget.REPLAY) <= 8


def test_requests_of_one_process_are_spaced(path: Path) -> None:
    async def send() -> list[float]:
        gate = Gate(ARCHIVE, QUICK, path=path)
        sent = list(await asyncio.gather(*(gate.wait(Budget.REPLAY) for _ in range(12))))
        gate.dispose()
        return sorted(sent)

    sent = asyncio.run(send())
    assert sent[-1] - sent[0] >= 10 / 50  # one may make good for a late one


def test_processes_share_one_budget(path: Path) -> None:
    child = (
        "import asyncio, sys; from pathlib import Path\n"
        "from policy_archive.crawler.archive.rate_gate import *\n"
        "async def send():\n"
        "    politeness = Politeness(replay_per_second=20)\n"
        "    gate = Gate('https://web.archive.org', politeness, path=Path(sys.argv[1]))\n"
        "    for _ in range(10): print(await gate.wait(Budget.REPLAY))\n"
        "asyncio.run(send())"
    )
    processes = [programs.start(["-W", "ignore", "-c", child, path]) for _ in range(3)]
    printed = [process.communicate(timeout=PATIENCE)[0] for process in processes]
    sent = sorted(float(word) for text in printed for word in text.split())
    assert len(sent) == 30
    assert all(sum(at <= other < at + 1 for other in sent) <= 21 for at in sent)


def test_a_pause_stops_those_who_wait_already_and_those_who_come(path: Path) -> None:
    async def send() -> tuple[float, list[float]]:
        mine, other = Gate(ARCHIVE, QUICK, path=path), Gate(ARCHIVE, QUICK, path=path)
        sent_at = await mine.wait(Budget.REPLAY)
        waiting = [asyncio.create_task(gate.wait(Budget.REPLAY)) for gate in (mine, other) for _ in range(4)]
        await asyncio.sleep(0)
        assert mine.block(sent_at) == pytest.approx(0.3, abs=0.05)
        sent = await asyncio.gather(*waiting)
        return sent_at, list(sent)

    sent_at, sent = asyncio.run(send())
    assert all(at - sent_at >= 0.3 or at - sent_at < 0.02 for at in sent)
    assert sum(at - sent_at >= 0.3 for at in sent) >= 7


def test_pauses_double_then_the_run_ends_and_success_starts_afresh(path: Path) -> None:
    clocks = Clocks()
    gate = clocks.gate(path, Politeness(first_pause_seconds=60, longest_pause_seconds=3600))
    pauses = []
    with pytest.raises(RateLimitedError, match="times in a row"):
        for _ in range(20):
            clocks.monotonic += 4000
            pauses.append(gate.block(asyncio.run(gate.wait(Budget.REPLAY))))
    assert pauses == [60, 120, 240, 480, 960, 1920, 3600]
    clocks.monotonic += 4000
    gate.note_success(asyncio.run(gate.wait(Budget.REPLAY)))
    assert gate.block(asyncio.run(gate.wait(Budget.REPLAY))) == 60


def test_a_connection_that_is_not_even_accepted_means_minutes(path: Path) -> None:
    clocks = Clocks()
    gate = clocks.gate(path, Politeness())
    sent_at = asyncio.run(gate.wait(Budget.REPLAY))
    assert gate.block(sent_at, is_shut=True) == 120


def test_refusals_of_requests_that_were_under_way_together_count_once(path: Path) -> None:
    clocks = Clocks()
    gate = clocks.gate(path, Politeness(replay_per_second=0))
    sent = [asyncio.run(gate.wait(Budget.REPLAY)) for _ in range(4)]
    clocks.monotonic += 0.1
    assert {round(gate.block(at)) for at in sent} == {60}


@pytest.mark.parametrize("jump", [-3600.0, 10 * 365 * 86400.0], ids=["an hour back", "ten years on"])
def test_a_wall_clock_that_jumps_neither_shortens_nor_lengthens_a_pause(path: Path, jump: float) -> None:
    clocks = Clocks()
    gate = clocks.gate(path, Politeness())
    gate.block(asyncio.run(gate.wait(Budget.REPLAY)), 1000)
    clocks.wall += jump
    clocks.monotonic += 400
    assert gate.blocked_seconds() == pytest.approx(600)


def test_a_pause_outlives_a_restart_of_the_machine(path: Path) -> None:
    clocks = Clocks(monotonic=5000)
    clocks.gate(path, Politeness()).block(0.0, 1000)
    after = Clocks(wall=clocks.wall + 300, monotonic=10)
    assert after.gate(path, Politeness()).blocked_seconds() == pytest.approx(700)


def test_a_days_requests_are_counted_over_processes_and_days(path: Path) -> None:
    clocks = Clocks(wall=0.0)
    politeness = Politeness(index_per_minute=0, replay_per_second=0, requests_a_day=3)
    for _ in range(3):
        asyncio.run(clocks.gate(path, politeness).wait(Budget.INDEX))
    with pytest.raises(RateLimitedError, match="3 requests"):
        asyncio.run(clocks.gate(path, politeness).wait(Budget.REPLAY))
    clocks.monotonic += 86400
    asyncio.run(clocks.gate(path, politeness).wait(Budget.REPLAY))


def test_a_wait_of_a_day_ends_the_run_for_everybody(path: Path) -> None:
    gate = Gate(ARCHIVE, Politeness(), path=path)
    with pytest.raises(RateLimitedError, match="left alone"):
        gate.block(0.0, 86400)
    with pytest.raises(RateLimitedError, match=r"24\.0 hours"):
        asyncio.run(Gate(ARCHIVE, Politeness(), path=path).wait(Budget.INDEX))


def test_who_waits_is_let_go_when_the_run_ends(path: Path) -> None:
    async def wait() -> None:
        gate = Gate(ARCHIVE, Politeness(), path=path)
        gate.block(0.0, 100)
        waiting = asyncio.create_task(gate.wait(Budget.INDEX))
        await asyncio.sleep(0.05)
        gate.close()
        began = time.monotonic()
        with pytest.raises(GateClosedError):
            await waiting
        assert time.monotonic() - began < 60  # it was to wait for 100 s

    asyncio.run(wait())


def test_an_archive_without_limits_needs_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLICY_ARCHIVE_STATE", str(tmp_path / "state"))
    Gate("http://127.0.0.1:1", Politeness(index_per_minute=0, replay_per_second=0)).dispose()
    assert not (tmp_path / "state").exists()


def test_a_damaged_file_is_named_with_what_to_do(path: Path) -> None:
    path.write_bytes(b"no database " * 1000)
    with pytest.raises(StoreError, match="delete a damaged file"):
        Gate(ARCHIVE, Politeness(), path=path)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        ("86400", 86400.0),
        ("99999999999", 86400.0),
        ("Sun, 06 Nov 1994 08:50:37 GMT", 60.0),
        ("Sun, 06 Nov 1994 08:48:37 GMT", None),
        ("0", None),
        ("-5", None),
        ("soon", None),
        ("", None),
        (None, None),
        ("٣٠", None),
    ],
)
def test_retry_after_is_read_or_ignored(value: str | None, seconds: float | None) -> None:
    assert parse_retry_after(value, "Sun, 06 Nov 1994 08:49:37 GMT") == seconds
