"""CPU of `fetch`, which also extracts and stores, beside that of 0.1.0 and of waybackpack, which saves files.

    python bench/fetch.py [--clean] [--rounds N] [--histories] [URL ...]

All fetch the same captures from the same local server in the same run, politeness off, in turn; of the rounds
the one that took least CPU counts. Seconds are those of the processor, by process: the machine may be shared.
`main` is the process that asks and stores, `readers` the processes that extract, with the server that they
are forked from. With --histories every recorded capture is fetched, without waybackpack, which would wait
for an hour.

0.1.0 is taken from this repository's history and run by this Python: its dependencies are the same.
Needs ../shared and waybackpack (pip install -e '.[bench]'), Linux. With --clean the captured redirects and
errors are left out: waybackpack waits 5 seconds four times at each of them.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.recorded import REPLAY, read_truths
from bench.release import COMMAND, ROOT, as_users_run_it, unpack
from policy_archive.archive_server.server import ArchiveServer

_SUBREAPER = 36
_COMMAND = (sys.executable, "-m", "policy_archive")
_URLS = (
    "https://x.ai/legal/privacy-policy/",
    "https://www.doubao.com/legal/privacy",
    "https://uptimerobot.com/privacy/",
)
# waybackpack has the archive's address as constants of two modules
_PEER = """
import sys, waybackpack.asset, waybackpack.cdx, waybackpack.pack
base, folder, *urls = sys.argv[1:]
waybackpack.cdx.SEARCH_URL = base + "/cdx/search/cdx"
waybackpack.asset.ARCHIVE_TEMPLATE = base + "/web/{timestamp}{flag}/{url}"
for url in urls:
    waybackpack.pack.Pack(url).download_to(folder, raw=True)
"""


@dataclass(frozen=True, kw_only=True)
class Timing:
    """What one program did."""

    captures: int
    main: float
    """CPU seconds of the process that was started."""
    readers: float
    """Of all processes that it left behind or waited for."""
    peak_mb: float
    """The most memory that one of those had."""

    @property
    def all(self) -> float:
        return self.main + self.readers


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clean", action="store_true")
    parser.add_argument("--histories", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("urls", nargs="*", default=_URLS)
    arguments = parser.parse_args()
    urls = list(arguments.urls)
    if arguments.histories:
        urls = list(dict.fromkeys(found[0].row.original for found in read_truths().values()))
    clean = arguments.clean or arguments.histories
    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)  # what a program leaves behind is ours to count
    with (
        tempfile.TemporaryDirectory() as release,
        ArchiveServer(
            sorted((REPLAY / "archive").glob("[0-9]*.warc.gz" if clean else "*.warc.gz"))
        ) as archive,
    ):
        programs: dict[str, Callable[[Path], Timing]] = {
            "policy-archive": lambda folder: _fetch(_COMMAND, ROOT, archive.url, folder, urls)
        }
        if unpack(Path(release)):
            programs["0.1.0"] = lambda folder: _fetch(COMMAND, Path(release), archive.url, folder, urls)
        if not arguments.histories:
            programs["waybackpack"] = lambda folder: _pack(archive.url, folder, urls)
        rounds = [{name: _run(run) for name, run in programs.items()} for _ in range(arguments.rounds)]
    best = {name: min((one[name] for one in rounds), key=lambda timing: timing.all) for name in programs}
    _print(best)


def _print(best: dict[str, Timing]) -> None:
    print(f"{'':15} captures  main s  readers s  ms a capture: main  readers    all  peak MB of one")
    for name, timing in best.items():
        each = [1000 * seconds / timing.captures for seconds in (timing.main, timing.readers, timing.all)]
        print(
            f"{name:15} {timing.captures:8} {timing.main:7.2f} {timing.readers:10.2f}"
            f" {each[0]:19.1f} {each[1]:8.1f} {each[2]:6.1f} {timing.peak_mb:15.0f}"
        )
    peer = best.get("waybackpack")
    for name, timing in best.items():
        if peer and timing is not peer:
            rate = peer.main / peer.captures * timing.captures
            print(
                f"{name}: {rate / timing.main:.2f} of waybackpack's rate by CPU of the main process, ", end=""
            )
            print(f"{rate / timing.all:.2f} by that of all")


def _run(program: Callable[[Path], Timing]) -> Timing:
    with tempfile.TemporaryDirectory() as folder:
        return program(Path(folder))


def _fetch(program: Sequence[str], place: Path, url: str, folder: Path, pages: list[str]) -> Timing:
    command = [*program, "fetch", *pages, "--kind", "all"]
    options = ["--plan", "all", "--archive", url, "--index-rate", "0", "--replay-rate", "0"]
    database = folder / "policies.db"
    timing = _measure([*command, *options, "--db", str(database)], place, folder)
    with sqlite3.connect(database) as connection:
        # what the index says by itself or by an equal digest costs no request, and is done as well
        done = connection.execute("select count(*) from captures where state != 'pending'").fetchone()
    connection.close()
    return Timing(captures=int(done[0]), main=timing[0], readers=timing[1], peak_mb=timing[2])


def _pack(url: str, folder: Path, pages: list[str]) -> Timing:
    main, others, peak = _measure([sys.executable, "-c", _PEER, url, str(folder), *pages], ROOT, folder)
    files = sum(1 for path in folder.rglob("*") if path.is_file())
    return Timing(captures=files, main=main, readers=others, peak_mb=peak)


def _measure(command: list[str], place: Path, folder: Path) -> tuple[float, float, float]:
    """Return CPU seconds of a process and of all that it leaves behind, and the most MB that one had."""
    process = subprocess.Popen(
        command,
        cwd=place,
        env=as_users_run_it(POLICY_ARCHIVE_STATE=str(folder)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    main = others = peak = 0.0
    while True:
        try:
            pid, status, usage = os.wait4(-1, 0)
        except ChildProcessError:
            break
        seconds = usage.ru_utime + usage.ru_stime
        peak = max(peak, usage.ru_maxrss / 1024)
        if pid == process.pid:
            main = seconds
            process.returncode = os.waitstatus_to_exitcode(status)
        else:
            others += seconds
    if process.returncode:
        raise SystemExit(f"exit status {process.returncode}: {' '.join(command)}")
    return main, others, peak


if __name__ == "__main__":
    main()
