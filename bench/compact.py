"""What `policy-archive compact` saves on the recorded captures, and what reading costs before and after.

    python bench/compact.py [--db FILE]

FILE is a corpus made before; without it ../shared/replay/dev is fetched, every capture of it.

Bodies are compared with zstd level 3 alone (as they are stored before), and with the layouts that were
measured against it: each against the one before in chains of 16, each against the keyframe of its sixteen.
Texts: as they are, zstd level 3 alone, and in shared lines. Times are CPU milliseconds a read, in the order
of digests, that is, with nothing kept from the read before.
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import zstandard

from bench.recorded import REPLAY, read_truths
from policy_archive.archive_server.server import ArchiveServer
from policy_archive.pipelines.store.bodies import load_body
from policy_archive.pipelines.store.codec import compress_against
from policy_archive.pipelines.store.maintenance.compact import (
    LONGEST_CHAIN,
    compact_document,
    give_back_space,
    list_documents,
    measure_sizes,
)
from policy_archive.pipelines.store.writer import Store

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--db", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "policies.db"
        if arguments.db:
            with closing(sqlite3.connect(arguments.db)) as source, closing(sqlite3.connect(database)) as copy:
                source.backup(copy)
        else:
            fetch_all(database, Path(folder))
        compare(database)


def fetch_all(database: Path, folder: Path) -> None:
    """Fetch every recorded capture from the local archive."""
    urls = [found[0].row.original for found in read_truths().values()]
    with ArchiveServer(sorted((REPLAY / "archive").glob("[0-9]*.warc.gz"))) as archive:
        rates = ("--plan", "all", "--index-rate", "0", "--replay-rate", "0")
        command = [sys.executable, "-m", "policy_archive", "fetch", *urls, *rates, "--archive", archive.url]
        environment = {**os.environ, "POLICY_ARCHIVE_STATE": str(folder)}
        command += ["--db", str(database)]
        subprocess.run(command, cwd=ROOT, env=environment, stdout=sys.stderr, check=False)


def compare(database: Path) -> None:
    with Store.open(database) as store:
        connection = store.connection
        bodies = number(connection, "select count(*) from bodies")
        texts = number(connection, "select count(*) from texts")
        plain = number(connection, "select sum(bytes) from bodies")
        before, times_before = measure_sizes(connection), measure_reads(connection)
        star = sum(iter_star_sizes(connection))
        packed = sum(len(zstandard.compress(text.encode(), 3)) for text in iter_texts(connection))
        began = time.process_time()
        for document in list_documents(connection):
            compact_document(connection, document)
        seconds = time.process_time() - began
        give_back_space(connection)
        after, times_after = measure_sizes(connection), measure_reads(connection)
    print(
        f"{bodies} bodies of {plain / bodies:,.0f} bytes, {texts} texts of {before.texts / texts:,.0f} bytes"
    )
    print(f"{'':34}{'bytes each':>12}{'of plain':>10}{'ms a read':>11}")
    show("bodies: zstd level 3 alone", before.bodies / bodies, plain / bodies, times_before[0])
    show("bodies: against the keyframe", star / bodies, plain / bodies, None)
    show("bodies: compact", after.bodies / bodies, plain / bodies, times_after[0])
    show("texts: as they are", before.texts / texts, before.texts / texts, times_before[1])
    show("texts: zstd level 3 alone", packed / texts, before.texts / texts, None)
    show("texts: compact, in plain SQL", after.texts / texts, before.texts / texts, times_after[1])
    print(f"file: {before.file:,} → {after.file:,} bytes ({before.file / after.file:.1f} times smaller)")
    print(f"compaction: {seconds / (bodies + texts) * 1000:.2f} ms of CPU a body or text")


def show(name: str, each: float, plain: float, milliseconds: float | None) -> None:
    spent = "" if milliseconds is None else f"{milliseconds:.2f}"
    print(f"{name:34}{each:12,.0f}{each / plain:10.1%}{spent:>11}")


def number(connection: sqlite3.Connection, sql: str) -> int:
    return int(connection.execute(sql).fetchone()[0])


def measure_reads(connection: sqlite3.Connection) -> tuple[float, float]:
    """Return the CPU milliseconds that reading a body and a text takes, in the mean."""
    digests = [row[0] for row in connection.execute("select digest from bodies order by digest")]
    hashes = [row[0] for row in connection.execute("select sha256 from texts order by sha256")]
    read_text = "select text from policy_texts where sha256 = ?"
    return (
        time_each(digests, lambda digest: load_body(connection, digest)),
        time_each(hashes, lambda sha256: connection.execute(read_text, (sha256,)).fetchone()),
    )


def time_each(items: list[str], read: Callable[[str], object]) -> float:
    began = time.process_time()
    for item in items:
        read(item)
    return (time.process_time() - began) / len(items) * 1000


def iter_texts(connection: sqlite3.Connection) -> Iterator[str]:
    for (text,) in connection.execute("select text from policy_texts"):
        yield text


def iter_star_sizes(connection: sqlite3.Connection) -> Iterator[int]:
    """Yield the bytes of each body against the first of its sixteen: two steps to read, whichever it is."""
    for document in list_documents(connection):
        digests = connection.execute(
            "select body_digest from captures where document_id = ? and body_digest is not null "
            "group by body_digest order by min(timestamp)",
            (document,),
        ).fetchall()
        for place, (digest,) in enumerate(digests):
            body = load_body(connection, digest)
            if place % (LONGEST_CHAIN + 1) == 0:
                keyframe = body
                yield len(zstandard.compress(body, 3))
            else:
                yield min(len(compress_against(body, keyframe)), len(zstandard.compress(body, 3)))


if __name__ == "__main__":
    main()
