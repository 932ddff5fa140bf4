"""The main job on the recorded captures: `fetch` of each document, a line a document.

    python bench/main_job.py [NAME ...]

Prints captures, requests, versions found, versions recorded (those that held two days or more) and
seconds. Needs ../shared; politeness is off, the archive is the local server.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.program import fetch_recorded
from bench.recorded import Truth, read_truths

_AS_WRITTEN = argparse.RawDescriptionHelpFormatter
_LINE = "{:42} {:>8} {:>8} {:>6} {:>8} {:>8}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help="documents whose names hold one of these; none: all")
    wanted = parser.parse_args().names
    print(_LINE.format("document", "captures", "requests", "found", "recorded", "seconds"))
    for name, truths in read_truths().items():
        if not wanted or any(word.lower() in name.lower() for word in wanted):
            print(_LINE.format(name, *_fetch(name, truths)), flush=True)


def _fetch(name: str, truths: list[Truth]) -> tuple[str, ...]:
    started = time.perf_counter()
    versions, requests = fetch_recorded({name: truths})[name]
    seconds = time.perf_counter() - started
    recorded = {truth.settled for truth in truths if truth.settled is not None}
    figures = (len(truths), requests, len(versions), len(recorded))
    return (*map(str, figures), f"{seconds:.1f}")


if __name__ == "__main__":
    main()
