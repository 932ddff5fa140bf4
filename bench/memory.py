"""Memory of a fetch of one document's captures, few and many: does it stay flat?

    python bench/memory.py [--few 1000] [--many 20000]

Every capture is asked for, read and stored (`--plan all`), in a process of its own; the largest resident
size of that process, and of its largest reader, is sampled ten times a second.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.generated_archive import GeneratedArchive
from bench.soak import Memory, crawl
from policy_archive.archive_server.server import ArchiveServer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--few", type=int, default=1000)
    parser.add_argument("--many", type=int, default=20_000)
    arguments = parser.parse_args()
    few, many = (measure(captures) for captures in (arguments.few, arguments.many))
    print(f"ratio {max(many.main) / max(few.main):.2f}")


def measure(captures: int) -> Memory:
    """Fetch a document with so many captures; print and return the memory it took."""
    source = GeneratedArchive(sites=1, captures=captures, paragraphs=4, days_between=6000 / captures)
    with tempfile.TemporaryDirectory() as folder, ArchiveServer(source=source) as archive:
        sites = Path(folder) / "sites.txt"
        sites.write_text(source.site(0))
        report, memory = crawl(
            sites, Path(folder) / "policies.db", archive.url, Path(folder), every_seconds=0.1
        )
    print(
        f"{captures:6} captures: {report['fetched']} fetched, {report['versions']} versions, "
        f"{report['fetched'] / report['seconds']:.1f} captures a second; {memory.describe()}",
        flush=True,
    )
    return memory


if __name__ == "__main__":
    main()
