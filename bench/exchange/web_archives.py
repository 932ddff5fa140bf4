"""Captures of WARC files that are imported in a CPU second, start-up aside, all processes counted.

`python -m bench.exchange.web_archives [--warcs N] [--recorded FOLDER]`:

- *real pages*: the recorded histories of FOLDER (`../shared/replay/dev/archive`), of 160 kB, GitHub's of 248;
  half of the files, then all: each capture is read by our extractor, which is what takes the time;
- *demo pages*: the demo archive, pages of a few kB;
- *no pages*: pictures, scripts and pages of other sites beside one policy: what a record costs that is none.
"""

from __future__ import annotations

import argparse
import gzip
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from bench.exchange.imports import PROGRAM, run
from policy_archive.data import DATA

RECORDED = Path(__file__).resolve().parents[3] / "shared" / "replay" / "dev" / "archive"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--warcs", type=int, default=6, help="recorded histories that are imported")
    parser.add_argument("--recorded", type=Path, default=RECORDED)
    arguments = parser.parse_args()
    recorded = sorted(arguments.recorded.glob("*.warc.gz"))[: arguments.warcs]
    demo = sorted((DATA / "demo").glob("*.warc.gz"))
    if recorded:
        compare("real pages", recorded[: len(recorded) // 2], recorded)
    compare("demo pages", demo[: len(demo) // 2], demo)
    with tempfile.TemporaryDirectory() as folder:
        warcs = [write_no_pages(Path(folder) / f"{number}.warc.gz", number) for number in (2_000, 20_000)]
        compare("no pages", [demo[0], warcs[0]], [demo[0], warcs[1]])


def compare(name: str, few: list[Path], many: list[Path]) -> None:
    """Print what the captures cost by which two imports differ."""
    (first, first_seconds), (last, last_seconds) = measure(few), measure(many)
    further = (last - first) / (last_seconds - first_seconds)
    print(
        f"{name:11} {further:8.1f} captures a CPU second, start-up aside; {last:,} in {last_seconds:.1f} s",
        flush=True,
    )


def measure(warcs: list[Path]) -> tuple[int, float]:
    """Return how many records an import of these files saw, and what it took."""
    from policy_archive.archive_server.warc import WarcSource

    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "policies.db"
        words = [*PROGRAM, "import", *map(str, warcs), "--db", str(database)]
        cost = run(words, {"POLICY_ARCHIVE_STATE": folder})
        with closing(sqlite3.connect(database)) as connection:
            (texts,) = connection.execute("select count(*) from captures where outcome = 'text'").fetchone()
    seen = sum(1 for _ in WarcSource(warcs).iter_rows())
    print(f"{len(warcs)} files: {seen:,} captures, {texts:,} texts", file=sys.stderr)
    return seen, cost.cpu_seconds


def write_no_pages(path: Path, records: int) -> Path:
    """Write records of which none is a policy: two pictures and a page of some other site in turns."""
    kinds = ("image/png", "text/javascript", "text/html")
    with path.open("wb") as file:
        for number in range(records):
            kind = kinds[number % 3]
            http = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n\r\n<p>{number} shoes".encode() * 20
            head = (
                f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:uuid:{number}>\r\n"
                f"WARC-Target-URI: https://shop.example/{number}\r\nWARC-Date: 2018-01-01T00:00:00Z\r\n"
                f"Content-Type: application/http; msgtype=response\r\nContent-Length: {len(http)}\r\n\r\n"
            )
            file.write(gzip.compress(head.encode() + http + b"\r\n\r\n", 1))
    return path


if __name__ == "__main__":
    main()
