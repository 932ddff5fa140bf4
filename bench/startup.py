"""CPU seconds of each reading command on a small database, beside those of Python doing nothing.

    python bench/startup.py [--runs 15]

Prints the least and the median of the runs: the least is what the program takes, the rest is the machine's.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.synthetic import store_texts  # noqa: E402 (the path comes first)

from policy_archive.pipelines.store.writer import Store  # noqa: E402

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
    """Measure each command in processes of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "policies.db"
        with Store.open(database) as store:
            store_texts(store, _TEXTS)
        _measure("python -c pass", [sys.executable, "-c", "pass"], runs)
        for name, arguments in _COMMANDS.items():
            options = () if name.startswith("--") else ("--db", str(database))
            _measure(name, [sys.executable, "-m", "policy_archive", name, *arguments, *options], runs)


def _measure(name: str, command: list[str], runs: int) -> None:
    seconds = sorted(_run(command) for _ in range(runs))
    print(f"{name:16} least {seconds[0]:.3f} s  median {median(seconds):.3f} s")


def _run(command: list[str]) -> float:
    """Return the CPU seconds, user's and system's, of one process."""
    before = getrusage(RUSAGE_CHILDREN)
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    after = getrusage(RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
