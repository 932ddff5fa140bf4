"""What the changes that people are shown are, on the recorded histories.

    python bench/kinds.py                `fetch` itself, judged by ../shared/replay/kinds_of_change.py
    python bench/kinds.py --every-line   every visible line of each capture as its text (bench/every_line.py):
                                         what the frame's rules do to menus and banners, with and without
                                         sister documents, by halves; and lines that come to policies of 2015
                                         whose home page is at hand. --keep FILE: pages read once, two minutes

Columns: changes reported in some recorded way (settled, unsettled, markup), real (words of the curated text
changed), cosmetic (the same words), leak (only lines that no curated text holds), passed over (by class).
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.every_line import print_every_line, print_home_pages
from bench.recorded import REPLAY
from policy_archive.archive_server.server import ArchiveServer
from policy_archive.crawler.core.urlkeys import urlkey

_COLUMNS = ("settled", "unsettled", "markup", "real", "cosmetic", "leak", "passed over", "recorded", "found")


def main() -> None:
    """Print a line for each document, and all together."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--every-line", action="store_true", help="every visible line as the text")
    parser.add_argument("--keep", type=Path, help="file of the pages that were read")
    arguments = parser.parse_args()
    judge = _load_judge()
    if arguments.every_line:
        print_every_line(judge.kinds_of_change, arguments.keep)
        print_home_pages(REPLAY.parent.parent / "real-pages" / "dev")
    else:
        print_fetched(judge)


def _load_judge() -> Any:
    spec = importlib.util.spec_from_file_location("kinds_of_change", REPLAY.parent / "kinds_of_change.py")
    assert spec
    assert spec.loader
    judge = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(judge)
    return judge


def print_fetched(judge: Any) -> None:
    """Print what the changes of `fetch` are."""
    captures: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in (REPLAY / "captures.jsonl").read_text("utf-8").splitlines():
        capture = json.loads(line)
        captures[capture["document"]].append(capture)
    rows = _fetch({name: found[0]["url"] for name, found in captures.items()})
    total: Counter[str] = Counter()
    print("document".ljust(44), *(name.rjust(11) for name in _COLUMNS))
    for name, found in sorted(captures.items()):
        counts = judge.kinds_of_change(found, rows[name])
        total.update(counts)
        print(name[:44].ljust(44), *(str(counts[column]).rjust(11) for column in _COLUMNS))
    print("all".ljust(44), *(str(total[column]).rjust(11) for column in _COLUMNS))
    reported = sum(total[column] for column in _COLUMNS[:6])
    bad = total["cosmetic"] + total["leak"]
    print(f"leak and cosmetic: {bad} of {reported} reported = {bad / reported:.3f}")
    print(f"recall: {total['found']} of {total['recorded']}")


def _fetch(urls: dict[str, str]) -> dict[str, list[dict[str, Any]]]:
    warcs = sorted((REPLAY / "archive").glob("[0-9]*.warc.gz"))
    keep = os.environ.get("KINDS_DATABASE")
    with tempfile.TemporaryDirectory() as folder, ArchiveServer(warcs) as archive:
        database = Path(keep or Path(folder) / "policies.db")
        if not database.exists():
            command = [sys.executable, "-m", "policy_archive", "fetch", *urls.values(), "--kind", "all"]
            command += [
                "--index-rate",
                "0",
                "--replay-rate",
                "0",
                "--archive",
                archive.url,
                "--db",
                str(database),
            ]
            subprocess.run(
                command,
                cwd=Path(__file__).resolve().parent.parent,
                env={**os.environ, "POLICY_ARCHIVE_STATE": folder},
                stdout=sys.stderr,
                check=False,
            )
            print(f"{len(archive.log)} requests", file=sys.stderr)
        connection = sqlite3.connect(database)
        connection.row_factory = sqlite3.Row
        found = connection.execute(
            """select urlkey, policy_versions.* from policy_versions join addresses using (document_id)
            where addresses.source = 'given' order by urlkey, version"""
        ).fetchall()
        connection.close()
    by_key: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in found:
        by_key[row["urlkey"]].append(dict(row))
    return {name: by_key[urlkey(url)] for name, url in urls.items()}


if __name__ == "__main__":
    main()
