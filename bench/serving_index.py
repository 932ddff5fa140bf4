"""Records of WARC files that are indexed in a CPU second by `serve`, and what that takes in memory.

`python bench/serving_index.py [--records N]`: a tenth of the records and all of them, small ones of as many
pages, made for it; each is served twice, first with an index to be made, then with the one that was kept, and
asked for a hundred captures.
"""

from __future__ import annotations

import argparse
import gzip
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

_RECORDS_A_FILE = 100_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    arguments = parser.parse_args()
    for records in (arguments.records // 10, arguments.records):
        with tempfile.TemporaryDirectory() as folder:
            write_records(Path(folder) / "warcs", records)
            for word in ("made", "kept"):
                print(f"{records:,} records, index {word}: {serve(Path(folder), records)}", flush=True)


def write_records(folder: Path, records: int) -> None:
    """Write that many captures of addresses that come in no order."""
    folder.mkdir()
    numbers = list(range(records))
    random.Random(1).shuffle(numbers)
    for start in range(0, records, _RECORDS_A_FILE):
        with (folder / f"{start:08}.warc.gz").open("wb") as file:
            for number in numbers[start : start + _RECORDS_A_FILE]:
                file.write(gzip.compress(_record(number), 1))


def _record(number: int) -> bytes:
    http = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>Page %d" % number
    head = (
        f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:uuid:{number}>\r\n"
        f"WARC-Target-URI: {_address(number)}\r\nWARC-Date: 2018-01-01T00:00:00Z\r\n"
        f"WARC-Payload-Digest: sha1:{number:032}\r\n"
        f"Content-Type: application/http; msgtype=response\r\nContent-Length: {len(http)}\r\n\r\n"
    )
    return head.encode() + http + b"\r\n\r\n"


def _address(number: int) -> str:
    return f"https://www.site{number % 5000}.example/pages/privacy-{number}"


def serve(folder: Path, records: int) -> str:
    """Return in a sentence what it costs to serve the records of a folder."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "policy_archive", "serve", "--quiet", str(folder / "warcs")]
    process = subprocess.Popen(
        [*command, "--index-folder", str(folder / "kept")],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    ready = time.perf_counter() - began
    with httpx.Client(headers={"User-Agent": "bench"}) as client:
        for number in random.Random(2).sample(range(records), 100):
            answer = client.get(f"{url}/web/20180101000000id_/{_address(number)}")
            assert answer.text == f"<p>Page {number}", answer.text
    process.terminate()
    _, _, usage = os.wait4(process.pid, 0)
    process.returncode = 0
    process.stdout.close()
    seconds = usage.ru_utime + usage.ru_stime
    return (
        f"ready after {ready:.1f} s, {records / seconds:,.0f} records a CPU second, "
        f"{usage.ru_maxrss / 1024:.0f} MB, answers of 100 are right"
    )


if __name__ == "__main__":
    main()
