"""Captures a second: `fetch`, which also extracts and stores, beside waybackpack, which saves files.

Both fetch the same captures from the same local server in the same run, politeness off.

    python bench/fetch.py [--clean] [URL ...]

Needs ../shared and waybackpack (pip install -e '.[bench]'). With --clean the captured
redirects and errors are left out: waybackpack waits 5 seconds four times at each of them.
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from policy_archive.archive_server.server import ArchiveServer

_REPOSITORY = Path(__file__).resolve().parent.parent
_WARCS = _REPOSITORY.parent / "shared" / "replay" / "dev" / "archive"
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
    seconds: float

    @property
    def rate(self) -> float:
        return self.captures / self.seconds


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clean", action="store_true")
    parser.add_argument("urls", nargs="*", default=_URLS)
    arguments = parser.parse_args()
    pattern = "[0-9]*.warc.gz" if arguments.clean else "*.warc.gz"
    with ArchiveServer(sorted(_WARCS.glob(pattern))) as archive:
        ours = _run(lambda folder: _fetch(archive.url, folder, arguments.urls), _count_ours)
        peer = _run(lambda folder: _pack(archive.url, folder, arguments.urls), _count_files)
    for name, timing in (("policy-archive", ours), ("waybackpack", peer)):
        print(f"{name:15} {timing.captures:5} captures  {timing.seconds:7.1f} s  {timing.rate:7.1f} a second")
    print(f"ratio {ours.rate / peer.rate:.2f}")


def _run(program: Callable[[Path], None], count: Callable[[Path], int]) -> Timing:
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        program(Path(folder))
        seconds = time.perf_counter() - started
        return Timing(captures=count(Path(folder)), seconds=seconds)


def _fetch(url: str, folder: Path, pages: list[str]) -> None:
    command = [sys.executable, "-m", "policy_archive", "fetch", *pages, "--kind", "all", "--plan", "all"]
    options = [
        "--archive",
        url,
        "--index-rate",
        "0",
        "--replay-rate",
        "0",
        "--db",
        str(folder / "policies.db"),
    ]
    subprocess.run(
        [*command, *options],
        cwd=_REPOSITORY,
        env={**os.environ, "POLICY_ARCHIVE_STATE": str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )


def _pack(url: str, folder: Path, pages: list[str]) -> None:
    subprocess.run([sys.executable, "-c", _PEER, url, str(folder), *pages], check=True)


def _count_ours(folder: Path) -> int:
    connection = sqlite3.connect(folder / "policies.db")
    # what the index says by itself or by an equal digest costs no request, and is done as well
    (count,) = connection.execute("select count(*) from captures where state != 'pending'").fetchone()
    connection.close()
    return int(count)


def _count_files(folder: Path) -> int:
    return sum(1 for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    main()
