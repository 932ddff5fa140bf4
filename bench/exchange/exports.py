"""Versions a CPU second of each export, beside a peer that moves the same texts, measured in the same run.

    python -m bench.exchange.exports --files 5000

Goals: git ≥ 1,000, parquet ≥ 5,000. Peers: `git fast-import` alone on the stream that we made (what git
itself costs), polars reading the same rows by SQL and writing Parquet. CPU counts the children, too.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import polars

from bench.exchange.made_corpus import write_corpus
from policy_archive.pipelines.exchange.export.exporter import ExportOptions
from policy_archive.pipelines.exchange.export.parquet import write_parquet
from policy_archive.pipelines.exchange.export.tables import TABLES
from policy_archive.pipelines.exchange.formats import FORMATS
from policy_archive.pipelines.store.connection import open_reader
from policy_archive.pipelines.store.selection import Selection, Slice


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--files", type=int, default=5000, help="versions to make, about two thirds differ")
    parser.add_argument("--db", type=Path, help="export this database instead")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        database = arguments.db or _make(Path(folder), arguments.files)
        _measure_all(database, Path(folder))


def _make(folder: Path, files: int) -> Path:
    write_corpus(folder / "corpus", files)
    database = folder / "corpus.db"
    words = ["import", str(folder / "corpus"), "--db", str(database)]
    subprocess.run([sys.executable, "-m", "policy_archive", *words], check=True)
    return database


def _measure_all(database: Path, folder: Path) -> None:
    with closing(open_reader(database)) as reader:
        corpus = Slice(reader, Selection())
        total = corpus.count_versions()
        print(f"{total:,} versions")
        for name in ("markdown", "git", "jsonl", "csv", "parquet", "princeton-leuven", "xlsx"):
            target = folder / f"out.{name}"
            seconds = _cpu(
                lambda name=name, target=target: FORMATS[name].write(corpus, target, ExportOptions())
            )
            _print(name, total, seconds, target)
        versions = TABLES["versions"]
        target = folder / "versions.parquet"
        seconds = _cpu(lambda: write_parquet(versions, versions.rows(corpus), target))
        _print("parquet, versions alone", total, seconds, target)
        stream = folder / "stream"
        with stream.open("wb") as out:
            write = FORMATS["git"].stream
            assert write is not None
            write(corpus, out, ExportOptions())
    seconds = _cpu(lambda: _import_stream(stream, folder / "peer.git"))
    _print("peer: git fast-import", total, seconds, folder / "peer.git")
    seconds = _cpu(lambda: _by_polars(database, folder / "peer.parquet"))
    _print("peer: polars", total, seconds, folder / "peer.parquet")


def _cpu(work: Callable[[], object]) -> float:
    """Return CPU seconds, of children too."""
    before = _spent()
    work()
    return _spent() - before


def _spent() -> float:
    return time.process_time() + sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])


def _import_stream(stream: Path, target: Path) -> None:
    subprocess.run(["git", "init", "--quiet", "--bare", target], check=True)
    with stream.open("rb") as source:
        subprocess.run(["git", "-C", target, "fast-import", "--quiet"], stdin=source, check=True)


def _by_polars(database: Path, target: Path) -> None:
    with closing(sqlite3.connect(database)) as connection:
        frame = polars.read_database("select * from policy_versions", connection, infer_schema_length=None)
    frame.write_parquet(target, compression="zstd")


def _print(name: str, total: int, seconds: float, target: Path) -> None:
    files = [target] if target.is_file() else [path for path in target.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    print(
        f"{name:<26}{total / seconds:>9,.0f} versions a CPU second {size / total / 1000:>8.1f} kB a version"
    )
    shutil.rmtree(target, ignore_errors=True)


if __name__ == "__main__":
    main()
