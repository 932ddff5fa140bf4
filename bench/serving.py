"""Replay requests a second of the local archive server, beside pywb over the same WARC files.

`python bench/serving.py [--requests N] [WARC...]`: each server runs in a
process of its own; a client asks on CONNECTIONS kept connections. Either server runs
Python in one thread, so on one core at the most. Without WARC files the demo archive is served.
"""

from __future__ import annotations

import argparse
import http.client
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import cycle, islice
from pathlib import Path
from urllib.parse import urlsplit

CONNECTIONS = 4
ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from conftest import run_pywb  # noqa: E402

from policy_archive.archive_server.warc import WarcSource  # noqa: E402
from policy_archive.data import DATA  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("warcs", nargs="*", type=Path)
    parser.add_argument("--requests", type=int, default=3000)
    arguments = parser.parse_args()
    warcs = [path.resolve() for path in arguments.warcs] or sorted((DATA / "demo").glob("*.warc.gz"))
    rows = [row for row in WarcSource(warcs).iter_rows() if row.mimetype != "warc/revisit"]
    targets = [f"{row.timestamp}id_/{row.original}" for row in rows]
    with run_ours(warcs) as url:
        ours = measure_rate(f"{url}/web", targets, arguments.requests)
    with (
        tempfile.TemporaryDirectory() as folder,
        run_pywb([path.resolve() for path in warcs], Path(folder)) as url,
    ):
        pywb = measure_rate(url, targets, max(arguments.requests // 10, 100))
    print(f"captures {len(targets)}, requests {arguments.requests}, connections {CONNECTIONS}")
    print(f"ours  {ours:8.0f} replay requests/s")
    print(f"pywb  {pywb:8.0f} replay requests/s")
    print(f"ratio {ours / pywb:8.1f}")


@contextmanager
def run_ours(warcs: list[Path]) -> Iterator[str]:
    """Run `policy-archive serve` in a process of its own; yields its address."""
    command = [sys.executable, "-m", "policy_archive", "serve", "--quiet", *map(str, warcs)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT
    ) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def measure_rate(base: str, targets: list[str], requests: int) -> float:
    """Return requests a second, every answer read to its end and looked at."""
    share = requests // CONNECTIONS
    parts = [list(islice(cycle(targets), n * share, (n + 1) * share)) for n in range(CONNECTIONS)]
    began = time.perf_counter()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        list(pool.map(lambda part: ask_all(base, part), parts))
    return share * CONNECTIONS / (time.perf_counter() - began)


def ask_all(base: str, targets: list[str]) -> None:
    """Ask for captures one after the other on one connection."""
    address = urlsplit(base)
    assert address.hostname is not None
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=60)
    for target in targets:
        connection.request("GET", f"{address.path}/{target}", headers={"User-Agent": "bench"})
        answer = connection.getresponse()
        answer.read()
        if answer.headers["Memento-Datetime"] is None:
            raise AssertionError(f"no capture: {target}")
    connection.close()


if __name__ == "__main__":
    main()
