"""A data set to publish: tables, data dictionary, how to cite it, what it may be used for, checksums.

Dates come from the data, or from SOURCE_DATE_EPOCH: the same corpus gives the same bytes.
"""

from __future__ import annotations

import gzip
import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from policy_archive.crawler.core.errors import UsageError
from policy_archive.crawler.core.safe_files import build_file, write_file
from policy_archive.pipelines.exchange.export.exporter import Exported, ExportOptions
from policy_archive.pipelines.exchange.export.parquet import write_parquet
from policy_archive.pipelines.exchange.export.plain_tables import iter_lines
from policy_archive.pipelines.exchange.export.release_metadata import (
    SUMS,
    Counts,
    Release,
    describe_crate,
    describe_package,
    describe_to_zenodo,
    write_citation,
    write_json,
    write_licence,
    write_readme,
)
from policy_archive.pipelines.exchange.export.tables import TABLES, Table, describe_tables
from policy_archive.pipelines.store.queries import list_origins
from policy_archive.pipelines.store.selection import Slice


def export_release(corpus: Slice, target: Path, options: ExportOptions, release: Release) -> Exported:
    """Write the whole data set into a folder; raises UsageError when it holds something else, or duckdb is
    missing."""
    if target.exists() and any(target.iterdir()) and not (target / SUMS).is_file():
        raise UsageError(f"'{target}' holds something that is no release: name a new folder.")
    counts = _count(corpus, options.follow)
    sizes = {}
    for table in TABLES.values():
        with build_file(target / f"{table.name}.parquet", within=target) as built:
            sizes[table.name] = write_parquet(table, table.rows(corpus), built.path)
        with build_file(target / f"{table.name}.csv.gz", within=target) as built:
            _write_csv(table, corpus, built.path)
    counts.tables.update(sizes)
    day = _release_day(counts)
    origins = list_origins(corpus.connection)
    files = {
        "README.md": write_readme(release, counts, day),
        "data-dictionary.md": f"# Tables\n\n{describe_tables(2).rstrip()}\n",
        "LICENSE-DATA": write_licence(release, origins),
        "CITATION.cff": write_citation(release, day),
        ".zenodo.json": write_json(describe_to_zenodo(release, counts)),
    }
    for name, content in files.items():
        write_file(target / name, [content], within=target)
    data = sorted(f"{name}.{form}" for name in TABLES for form in ("csv.gz", "parquet"))
    described = {name: _describe_file(target / name) for name in data}
    files["datapackage.json"] = write_json(describe_package(release, day, described))
    files["ro-crate-metadata.json"] = write_json(describe_crate(release, day, [*data, *files]))
    for name in ("datapackage.json", "ro-crate-metadata.json"):
        write_file(target / name, [files[name]], within=target)
    sums = {name: _describe_file(target / name)["hash"].partition(":")[2] for name in sorted([*data, *files])}
    write_file(target / SUMS, (f"{digest}  {name}\n" for name, digest in sums.items()), within=target)
    return Exported(versions=counts.tables["versions"])


def _count(corpus: Slice, follow: Callable[[Iterable[Any]], Iterator[Any]]) -> Counts:
    versions: Counter[int] = Counter()
    kinds: Counter[str] = Counter()
    languages: Counter[str] = Counter()
    for version in follow(corpus.iter_versions()):
        versions[int(version["timestamp"][:4])] += 1
        kinds[version["kind"]] += 1
        languages[version["language"] or "not told"] += 1
    seen = set()
    last = ""
    for row in corpus.iter_captures():
        seen.add((row["document_id"], row["timestamp"][:4]))
        last = max(last, row["timestamp"])
    observed = Counter(int(year) for _, year in seen)
    day = f"{last[:4]}-{last[4:6]}-{last[6:8]}" if last else ""
    return Counts(
        tables={}, versions=versions, observed=observed, kinds=kinds, languages=languages, last_capture=day
    )


def _write_csv(table: Table, corpus: Slice, path: Path) -> None:
    """Write a table as it is: this is for programs, and hashes of texts are to hold."""
    # without a name and a time in its head: the same rows, the same bytes
    with path.open("wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
        for line in iter_lines(table, table.rows(corpus), "csv", raw=True):
            packed.write(line.encode("utf-8", "surrogatepass"))


def _release_day(counts: Counts) -> str:
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    if epoch.isascii() and epoch.isdigit():
        return datetime.fromtimestamp(int(epoch), UTC).date().isoformat()
    return counts.last_capture or "1996-01-01"


def _describe_file(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"bytes": path.stat().st_size, "hash": f"sha256:{digest}"}
