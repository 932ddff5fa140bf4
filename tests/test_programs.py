"""What tests start by `tests.support.programs` is what Python itself would start."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support import programs
from tests.support.patience import PATIENCE
from tests.support.programs import ROOT

PRINTS = (
    "import os, sys; from policy_archive.crawler.core.timestamps import seconds_now; "
    "print(sys.argv, os.getcwd(), os.environ.get('WORD'), seconds_now() > 4e9, 'ü', flush=True)"
)
SLEEPS = "import time; print('here', flush=True); time.sleep(600)"
READS = """
from policy_archive.pipelines.reading.pool import ReadingPool
with ReadingPool(1) as pool:
    print(pool.run(sum, [1, 2]), pool.run(os.getppid) not in (os.getpid(), os.getppid()))
"""
READERS_FAIL = """
from policy_archive.crawler.core.failpoints import point
from policy_archive.pipelines.reading.pool import ReadingPool
with ReadingPool(1) as pool:
    pool.run(point, "here")
"""


@pytest.mark.parametrize(
    ("words", "environment"),
    [
        (["-c", PRINTS, "a", "b c"], {"WORD": "x", "POLICY_ARCHIVE_CLOCK": "4e9"}),
        (["-c", "import sys; sys.exit('said')"], {}),
        (["-c", "import sys; sys.exit(7)"], {}),
        (["-c", "1 / 0"], {}),
        (["-c", "import warnings; warnings.warn('shown', RuntimeWarning)"], {}),
        (["-c", "import warnings; print([one[:3] for one in warnings.filters])"], {}),
        (["-c", "import atexit; atexit.register(print, 'at the end'); print('first')"], {}),
        (["-c", "import threading, time; threading.Thread(target=lambda: print('late')).start()"], {}),
        (["-c", f"import os{READS}"], {}),
        (["-c", READERS_FAIL], {"POLICY_ARCHIVE_FAULT": "here:exit"}),
        (["-m", "policy_archive", "--version"], {}),
        (["-m", "policy_archive", "show", "x y"], {}),
        (["cli.py", "history", "x.example", "--db", "/nowhere/p.db", "--json"], {}),
        (["cli.py", "compact", "--db", "policies.db", "--nonsense"], {}),
        (
            ["-c", "from policy_archive.crawler.core.failpoints import point; point('here')"],
            {"POLICY_ARCHIVE_FAULT": "here:exit"},
        ),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)
def test_a_forked_program_says_and_ends_as_one_of_python(
    words: list[str], environment: Mapping[str, str]
) -> None:
    ours = programs.run(words, environment=environment)
    theirs = subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    last = [text.splitlines()[-1:] for text in (ours.stderr, theirs.stderr)]
    assert (ours.returncode, ours.stdout, last[0]) == (theirs.returncode, theirs.stdout, last[1])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL, signal.SIGHUP])
def test_a_signal_ends_it_and_is_its_status(number: signal.Signals) -> None:
    program = programs.start(["-c", SLEEPS])
    assert program.stdout.readline() == "here\n"
    assert program.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        program.wait(0.01)
    program.send_signal(number)
    program.communicate(PATIENCE)
    assert program.returncode == -number


def test_programs_run_beside_each_other_in_folders_of_their_own(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in "abc"]
    for folder in folders:
        folder.mkdir()
    started = [programs.start(["-c", "import os; print(os.getcwd())"], folder=folder) for folder in folders]
    assert [program.communicate(PATIENCE)[0].strip() for program in started] == list(map(str, folders))


def test_it_ends_with_who_started_it(tmp_path: Path) -> None:
    code = (
        "import sys, types; sys.modules['tests'] = tests = types.ModuleType('tests');"
        f"tests.__path__ = [{str(ROOT / 'tests')!r}]; from tests.support import programs;"
        "print(programs.run(['-c', 'import os; print(os.getppid())']).stdout)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            os.kill(int(done.stdout), 0)
        except ProcessLookupError:
            break
        assert time.monotonic() < deadline
        time.sleep(0.05)
