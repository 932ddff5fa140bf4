"""What becomes of tasks that hang, crash, eat memory, and of the pool after them."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from policy_archive.crawler.core.errors import ExtractionError
from policy_archive.crawler.core.records import Document, Kind, Outcome
from policy_archive.pipelines.reading.pool import ReadingPool
from tests.support.patience import PATIENCE

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def pool() -> Iterator[ReadingPool]:
    with ReadingPool(2, timeout_seconds=1) as pool:
        yield pool


def burn_cpu_expression() -> str:
    return "sum(i * i for i in range(10**12))"


@pytest.mark.parametrize(
    ("function", "argument", "outcome"),
    [
        pytest.param(os._exit, 3, "extractor-crash", id="exits"),
        pytest.param(eval, "__import__('os').abort()", "extractor-crash", id="aborts"),
        pytest.param(eval, "__import__('ctypes').string_at(0)", "extractor-crash", id="segfault"),
        pytest.param(time.sleep, 600, "extractor-timeout", id="sleeps"),
        pytest.param(eval, burn_cpu_expression(), "extractor-timeout", id="burns"),
        pytest.param(bytearray, 4 << 30, "extractor-memory", id="eats-memory"),
        pytest.param(int, "no number", "extraction-failed", id="raises"),
    ],
)
def test_a_task_that_fails_is_an_outcome_and_the_pool_goes_on(
    pool: ReadingPool, function: type, argument: object, outcome: str
) -> None:
    with pytest.raises(ExtractionError) as caught:
        pool.run(function, argument)
    assert caught.value.outcome == outcome
    assert pool.run(len, "four") == 4


def test_others_in_flight_are_not_touched_by_a_crash(pool: ReadingPool) -> None:
    items = ["1 + 1", "__import__('os').abort()", "2 + 2", "3 + 3", "__import__('os')._exit(1)", "4 + 4"]
    done = {one.item: one.result if one.error is None else one.error.outcome for one in pool.map(eval, items)}
    assert done == {
        "1 + 1": 2,
        "2 + 2": 4,
        "3 + 3": 6,
        "4 + 4": 8,
        "__import__('os').abort()": "extractor-crash",
        "__import__('os')._exit(1)": "extractor-crash",
    }


def test_a_process_is_replaced_after_its_share_of_tasks() -> None:
    with ReadingPool(1, tasks_per_process=3) as pool:
        ids = [pool.run(os.getpid) for _ in range(7)]
    assert [ids.count(one) for one in dict.fromkeys(ids)] == [3, 3, 1]


def test_reading_is_awaited_beside_other_work() -> None:
    page = (
        b"<title>Privacy policy</title><h1>Privacy policy</h1><p>We collect personal data, such as your name "
        b"and address, when you use our service, and use cookies to remember you.</p>"
    )
    document = Document(site="example.org", kind=Kind.PRIVACY)

    async def read_while_counting() -> tuple[Outcome, int]:
        with ReadingPool(1) as pool:
            reading = asyncio.ensure_future(
                pool.read(
                    page,
                    document=document,
                    url="https://example.org/privacy",
                    timestamp="20200101000000",
                    content_type="text/html",
                )
            )
            ticks = 0
            while not reading.done():
                await asyncio.sleep(0.01)
                ticks += 1
            result = reading.result()
            assert result.extraction is not None
            assert "personal data" in result.extraction.text
            return result.outcome, ticks

    outcome, ticks = asyncio.run(read_while_counting())
    assert outcome in Outcome
    assert ticks > 1


def test_reading_that_kills_its_process_is_a_reading_with_that_outcome() -> None:
    document = Document(site="example.org", kind=Kind.PRIVACY)
    page = b"<p>" + b"words of a page " * 400_000

    async def read() -> Outcome:
        pool = ReadingPool(1, timeout_seconds=0.2)
        try:
            reading = await pool.read(page, document=document, url="", timestamp="", content_type="text/html")
            return reading.outcome
        finally:
            await pool.close()

    assert asyncio.run(read()) in (Outcome.EXTRACTOR_TIMEOUT, Outcome.TOO_LARGE)


def run_script(script: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


SLEEPER = """
    import os, sys, time
    from policy_archive.pipelines.reading.pool import ReadingPool
    pool = ReadingPool(1, timeout_seconds=20)
    print(pool.run(os.getpid), flush=True)
    {rest}
"""


def is_gone(pid: int, *, within_seconds: float) -> bool:
    deadline = time.monotonic() + within_seconds
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().split(")")[-1].split()[0] == "Z":
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.05)
    return False


def test_the_child_ignores_ctrl_c_and_the_parent_ends_cleanly() -> None:
    script = """
    try:
        print("ready", flush=True)
        time.sleep(60)
    except KeyboardInterrupt:
        assert pool.run(os.getpid) == pool.run(os.getpid)
        print("alive", flush=True)
        pool.shutdown()
    """
    process = run_script(textwrap.dedent(SLEEPER).format(rest=textwrap.dedent(script)))
    assert process.stdout is not None
    child = int(process.stdout.readline())
    assert process.stdout.readline() == "ready\n"  # now it can be interrupted as a program should be
    os.killpg(process.pid, signal.SIGINT)
    assert process.stdout.readline() == "alive\n"
    assert process.wait(PATIENCE) == 0
    process.stdout.close()
    assert is_gone(child, within_seconds=PATIENCE)


def test_the_child_dies_with_its_parent() -> None:
    process = run_script(textwrap.dedent(SLEEPER).format(rest="time.sleep(60)"))
    assert process.stdout is not None
    child = int(process.stdout.readline())
    process.kill()
    process.wait(PATIENCE)
    process.stdout.close()
    assert is_gone(child, within_seconds=PATIENCE)


def test_the_tasks_of_a_document_go_to_one_process_and_two_documents_to_two() -> None:
    with ReadingPool(2) as pool:
        keys = ["one", "two"] * 5
        ids = [pool.submit_beside(key, os.getpid).result() for key in keys]
        asking = ["__import__('os').getpid()", "(__import__('os').getpid())"] * 5
        mapped = {(done.item, done.result) for done in pool.map(eval, asking, key=lambda item: item)}
    assert ids == ids[:2] * 5
    assert len(set(ids)) == 2
    assert len(mapped) == 2
    assert {result for _, result in mapped} == set(ids)


def test_a_document_moves_to_an_idle_process_when_too_much_stands_before_its_own(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    with ReadingPool(2) as pool:
        home = pool.submit_beside("document", os.getpid).result()
        held = pool.submit_beside("document", Path.read_text, gate)  # waits until somebody writes
        queued = [pool.submit_beside("document", os.getpid) for _ in range(12)]
        elsewhere = [future.result() for future in queued[8:]]
        assert not held.done()
        gate.write_text("on")
        assert held.result() == "on"
        assert [future.result() for future in queued[:8]] == [home] * 8
    assert set(elsewhere).isdisjoint([home])
    assert len(set(elsewhere)) == 1


_IN_A_DAEMON = """
import multiprocessing

def read():
    from policy_archive.pipelines.reading.pool import ReadingPool
    with ReadingPool(1) as pool:
        print(pool.run(len, "four"), flush=True)

if __name__ == "__main__":
    process = multiprocessing.get_context("spawn").Process(target=read, daemon=True)
    process.start()
    process.join()
    raise SystemExit(process.exitcode)
"""


def test_a_pool_works_in_a_daemon_as_workers_of_clusters_are(tmp_path: Path) -> None:
    program = tmp_path / "daemon.py"
    program.write_text(_IN_A_DAEMON)
    done = subprocess.run([sys.executable, program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "4\n"), done.stderr


def test_a_task_that_does_not_fit_into_memory_is_said_to_be_one() -> None:
    with ReadingPool(1, memory_bytes=96 << 20) as pool:
        with pytest.raises(ExtractionError) as caught:
            pool.run(len, b"x" * (200 << 20))
        assert caught.value.outcome == "extractor-memory"
        assert pool.run(len, b"four") == 4
