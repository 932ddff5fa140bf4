"""Pages a CPU second that `bulk read` reads, WARC in, Parquet out; what two processes gain; memory.

    python bench/bulk.py [--pages 600] [--dask] [WARC …]

Without files, policies of the shape of real ones are made: the demo's, each within 60 KB of menus, scripts
and styles. The peer is the bare reading of the same bodies in one process, without limits, pool or part:
what is lost to it is the price of surviving hostile pages. What starting takes is measured on an archive of
one page and told apart. Goals: 30 pages a CPU second and process, 1.8 times as fast with two (on two idle
cores: the machine's load is printed beside), 600 MB a worker.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from policy_archive.archive_server.warc import iter_answers
from policy_archive.crawler.core.stored import Outcome
from policy_archive.data import DATA
from policy_archive.pipelines.bulk.folder import BulkFolder, count_all
from policy_archive.pipelines.bulk.page import Page, read_page, sort_capture

MEGABYTE = 1 << 20
FURNITURE_BYTES = 60_000
FILES = 4


@dataclass
class Usage:
    """What a program and all that it started took."""

    cpu: dict[tuple[int, float], float] = field(default_factory=dict)
    """Seconds of each process, the last that was seen."""
    peak_bytes: int = 0
    """Of all at a time; shared pages are counted once."""
    largest_bytes: int = 0
    """Of one process at a time, with its share of what is shared."""
    seconds: float = 0.0
    """By the clock."""
    pages: int = 0
    share: float = 0.0
    """Bytes of the parts, of those of the files."""

    @property
    def cpu_seconds(self) -> float:
        return sum(self.cpu.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("warcs", nargs="*", type=Path)
    parser.add_argument("--pages", type=int, default=600, help="made, when no files are given")
    parser.add_argument("--dask", action="store_true", help="also by two Dask workers")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        warcs = arguments.warcs or make_archives(Path(folder), arguments.pages)
        bare = read_plainly(warcs)
        print(f"bare reading, one process: {bare:.1f} pages a CPU second")
        one = make_archives(Path(folder) / "one", 1)[:1]
        seconds = {}
        ways = [("--processes", 1), ("--processes", 2), *([("--workers", 2)] if arguments.dask else [])]
        for way in ways:
            start = measure(one, Path(folder) / "start", way)
            usage = measure(warcs, Path(folder) / "".join(map(str, way)), way)
            seconds[way] = usage.seconds - start.seconds
            describe(way, usage, start, seconds[way])
    ratio = seconds["--processes", 1] / seconds["--processes", 2]
    print(f"two processes are {ratio:.2f} times as fast by the clock (load {os.getloadavg()[0]:.1f})")


def make_archives(folder: Path, pages: int) -> list[Path]:
    """Write archives of the demo's pages, grown to the size of real ones; the same number makes the same."""
    rng = random.Random(1)
    captures = [
        (urlsplit(row.original).path, answer.body)
        for warc in sorted((DATA / "demo").glob("*.warc.gz"))
        for row, _, answer in iter_answers(warc, [])
        if row
        and answer
        and row.statuscode == "200"
        and "policy" in row.original + answer.body.decode("latin-1")
    ]
    found = []
    folder.mkdir(exist_ok=True)
    for file in range(FILES):
        found.append(folder / f"{file}.warc.gz")
        with found[-1].open("wb") as warc:
            writer = WARCWriter(warc, gzip=True)
            for number in range(file, pages, FILES):
                path, body = captures[number % len(captures)]
                body = grow(body, rng)
                headers = StatusAndHeaders("200 OK", [("Content-Type", "text/html")], protocol="HTTP/1.1")
                url = f"http://site{number % 97}.example{path}?{number}"
                named = {"WARC-Date": "2018-01-01T00:00:00Z"}
                record = writer.create_warc_record(
                    url, "response", payload=BytesIO(body), http_headers=headers, warc_headers_dict=named
                )
                writer.write_record(record)
    return found


def grow(body: bytes, rng: random.Random) -> bytes:
    """Return a page with as much around its text as real pages have: scripts, styles and menus."""
    links = b"".join(
        b'<li class="item-%d"><a href="/section/%d">Section %d</a></li>' % (n, rng.randrange(9999), n)
        for n in range(150)
    )
    filler = b"%x" % rng.getrandbits(4 * FURNITURE_BYTES // 2)
    script = b"<script>var data = '%b';</script><style>.a { color: red }</style>" % filler
    extra = script + b"<nav><ul>" + links + b"</ul></nav>"
    at = body.find(b"</body>")
    return body[:at] + extra + body[at:] if at >= 0 else body + extra


def read_plainly(warcs: list[Path]) -> float:
    """Return pages a CPU second of reading the bodies and nothing else."""
    pages = [
        page
        for warc in warcs
        for row, _, answer in iter_answers(warc, [])
        if row and isinstance(page := sort_capture(row, answer, policies_only=False), Page)
    ]
    read_page(pages[0])  # loads lists and models
    start = time.process_time()
    for page in pages:
        read_page(page)
    return len(pages) / (time.process_time() - start)


def measure(warcs: list[Path], target: Path, way: tuple[str, int]) -> Usage:
    """Read archives by the command into a folder that is new each time; return what that took."""
    target = target.with_name(f"{target.name}-{time.monotonic_ns()}")
    command = [sys.executable, "-m", "policy_archive", "bulk", "read", *map(str, warcs), "--to", str(target)]
    usage, start = Usage(), time.monotonic()
    with subprocess.Popen(
        [*command, *map(str, way)], start_new_session=True, stderr=subprocess.DEVNULL
    ) as process:
        while process.poll() is None:
            sample(process.pid, usage)
            time.sleep(0.1)
    usage.seconds = time.monotonic() - start
    assert process.returncode == 0
    usage.pages = read_pages(count_all(BulkFolder.open(target).list_files()))
    written, given = (sum(path.stat().st_size for path in paths) for paths in (target.glob("part-*"), warcs))
    usage.share = written / given
    return usage


def describe(way: tuple[str, int], usage: Usage, start: Usage, seconds: float) -> None:
    """Print what reading took, without starting."""
    rate = usage.pages / (usage.cpu_seconds - start.cpu_seconds)
    memory, largest = usage.peak_bytes / MEGABYTE / way[1], usage.largest_bytes / MEGABYTE
    print(
        f"{way[0]} {way[1]}: {usage.pages} pages, {rate:.1f} a CPU second, {usage.pages / seconds:.1f} "
        f"a second by the clock ({start.cpu_seconds:.1f} CPU seconds to start); {memory:.0f} MB a worker, "
        f"all its processes counted, the largest {largest:.0f} MB; parts are {usage.share:.2f} of the files",
        flush=True,
    )


def read_pages(outcomes: Counter[str]) -> int:
    unread = outcomes["not read"] + outcomes[Outcome.REDIRECT] + outcomes[Outcome.ERROR_PAGE]
    return sum(outcomes.values()) - unread


def sample(session: int, usage: Usage) -> None:
    """Note what the processes of a session have taken until now."""
    together = 0
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if os.getsid(process.pid) == session:
                times = process.cpu_times()
                usage.cpu[process.pid, process.create_time()] = times.user + times.system
                size = process.memory_full_info().pss
                together += size
                usage.largest_bytes = max(usage.largest_bytes, size)
    usage.peak_bytes = max(usage.peak_bytes, together)


if __name__ == "__main__":
    main()
