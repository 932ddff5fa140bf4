"""Files of a corpus that are imported in a CPU second, and what that takes in memory, beside a peer.

`python -m bench.exchange.imports [--files N] [--median-words N]`: a fifth of the files and all of them, by
the program itself, in processes of their own whose children are counted, start-up included. Three figures:

- taken: texts, search entries, sites, documents and versions are there (`import --later`);
- weighed: what changed between the versions is compared, too (`weigh`);
- the peer, `sqlite-utils insert-files` with a full-text index, stores the same files and no more.

The rate without start-up is that of the files by which the two runs differ.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench.release import as_users_run_it

PROGRAM = (sys.executable, "-m", "policy_archive")
PEER = (sys.executable, "-m", "sqlite_utils")
_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER: children whose parent has died are ours


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a process and its children took."""

    cpu_seconds: float
    memory_mb: float
    """Of the largest of them."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--median-words", type=int, default=1200)
    arguments = parser.parse_args()
    sizes = (arguments.files // 5, arguments.files)
    costs = {size: measure(size, arguments.median_words) for size in sizes}
    for name in costs[sizes[0]]:
        few, many = (costs[size][name] for size in sizes)
        rate = sizes[1] / many.cpu_seconds
        further = (sizes[1] - sizes[0]) / (many.cpu_seconds - few.cpu_seconds)
        print(
            f"{name:8} {rate:7.0f} files a CPU second, {further:7.0f} without start-up; "
            f"{few.memory_mb:.0f} MB with {sizes[0]:,} files, {many.memory_mb:.0f} MB with {sizes[1]:,}"
        )


def measure(files: int, median_words: int) -> dict[str, Cost]:
    """Return what it costs to take, weigh and, by the peer, to store so many files."""
    with tempfile.TemporaryDirectory() as folder:
        corpus, database, other = (Path(folder) / name for name in ("corpus", "policies.db", "peer.db"))
        # a process's memory begins with that of who starts it, so what makes texts is another
        make = "import sys; from pathlib import Path; from bench.exchange.made_corpus import write_corpus; "
        make += "print(write_corpus(Path(sys.argv[1]), int(sys.argv[2]), median_words=int(sys.argv[3])))"
        words = [sys.executable, "-c", make, str(corpus), str(files), str(median_words)]
        written = int(subprocess.run(words, check=True, capture_output=True).stdout)
        print(f"{files:,} files, {written / files / 1000:.1f} kB each", file=sys.stderr)
        state = {"POLICY_ARCHIVE_STATE": folder}
        taken = run([*PROGRAM, "import", str(corpus), "--later", "--db", str(database)], state)
        weighed = run([*PROGRAM, "weigh", "--db", str(database)], state)
        stored = run(
            [*PEER, "insert-files", str(other), "texts", str(corpus)]
            + [part for column in ("path", "sha256", "content_text") for part in ("-c", column)]
            + ["--pk", "path", "--text"]
        )
        searched = run([*PEER, "enable-fts", str(other), "texts", "content_text", "--fts5"])
    return {"taken": taken, "weighed": _add(taken, weighed), "peer": _add(stored, searched)}


def run(command: list[str], environment: dict[str, str] | None = None, *, folder: Path | None = None) -> Cost:
    """Return what a command cost, with the processes that it leaves to die; ends the bench when it fails.

    It is run in `folder`, and what it prints is not shown.
    """
    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    variables = as_users_run_it(**(environment or {}))
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, env=variables, cwd=folder, stdout=quiet, stderr=quiet)
    seconds = memory = 0.0
    while True:
        try:
            pid, status, usage = os.wait4(-1, 0)
        except ChildProcessError:
            return Cost(cpu_seconds=seconds, memory_mb=memory / 1024)
        seconds += usage.ru_utime + usage.ru_stime
        memory = max(memory, usage.ru_maxrss)
        if pid == process.pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                sys.exit(f"{' '.join(command)} ended with {process.returncode}")


def _add(one: Cost, other: Cost) -> Cost:
    return Cost(
        cpu_seconds=one.cpu_seconds + other.cpu_seconds, memory_mb=max(one.memory_mb, other.memory_mb)
    )


if __name__ == "__main__":
    main()
