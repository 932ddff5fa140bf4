"""CPU seconds of each reading command on a small database, beside those of 0.1.0.

    python bench/startup.py [--runs 15]

Prints the least of the runs, which is what the program takes; the rest is the machine's. A line more has what
Python takes to do nothing. 0.1.0 comes out of git, and makes its own database.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

sys.path[:0] = [
    str(Path(__file__).resolve().parent.parent),
    str(Path(__file__).resolve().parent.parent / "tests"),
]

from support.synthetic import store_texts  # noqa: E402 (the path comes first)

from bench.release import COMMAND, ROOT, as_users_run_it, unpack  # noqa: E402
from policy_archive.pipelines.store.writer import Store  # noqa: E402

_COMMAND = (sys.executable, "-m", "policy_archive")
_MAKE = """
import json, sys
from pathlib import Path
sys.path[:0] = sys.argv[3:]
import synthetic
with synthetic.Store.open(Path(sys.argv[1])) as store:
    synthetic.store_texts(store, [tuple(text) for text in json.loads(sys.argv[2])])
"""
_TEXTS = [("20180101", "One.\n"), ("20190601", "One. Two.\n")]
_COMMANDS = {
    "--version": (),
    "--help": (),
    "history": ("intently.example",),
    "show": ("intently.example",),
    "diff": ("intently.example", "2018-02", "2020"),
    "documents": ("intently.example",),
    "changes": (),
    "status": (),
    "runs": (),
}


def main() -> None:
    """Measure each command in processes of its own, of this program and of 0.1.0 in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as place:
        database, earlier, release = Path(place) / "now.db", Path(place) / "0.1.0.db", Path(place) / "release"
        with Store.open(database) as store:
            store_texts(store, _TEXTS)
        programs = {"now": _Program(_COMMAND, ROOT, database)}
        if unpack(release):
            programs["0.1.0"] = _Program(COMMAND, release, earlier)
            made = [str(release), str(release / "tests" / "pipelines")]
            subprocess.run([sys.executable, "-c", _MAKE, str(earlier), json.dumps(_TEXTS), *made], check=True)
        print(f"{'least CPU seconds of ' + str(runs):24}" + "".join(f"{name:>8}" for name in programs))
        idle = min(_seconds([sys.executable, "-c", "pass"], ROOT) or 0 for _ in range(runs))
        print(f"{'python -c pass':24}{idle:8.3f}")
        for name, arguments in _COMMANDS.items():
            least = [program.measure(name, arguments, runs) for program in programs.values()]
            print(f"{name:24}" + "".join(f"{seconds:8.3f}" if seconds else f"{'-':>8}" for seconds in least))


@dataclass(frozen=True)
class _Program:
    command: Sequence[str]
    folder: Path
    database: Path

    def measure(self, name: str, arguments: Sequence[str], runs: int) -> float | None:
        """Return the least CPU seconds of a command; None where this version does not have it."""
        options = () if name.startswith("-") else ("--db", str(self.database))
        command = [*self.command, name, *arguments, *options]
        found = [_seconds(command, self.folder) for _ in range(runs)]
        return min((seconds for seconds in found if seconds is not None), default=None)


def _seconds(command: Sequence[str], folder: Path) -> float | None:
    """Return the CPU seconds, user's and system's, of one process; None when it failed."""
    before = getrusage(RUSAGE_CHILDREN)
    ended = subprocess.run(command, cwd=folder, env=as_users_run_it(), capture_output=True, check=False)
    after = getrusage(RUSAGE_CHILDREN)
    if ended.returncode:
        return None
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
