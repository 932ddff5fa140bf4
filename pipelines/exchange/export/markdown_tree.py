"""Versions as a tree of Markdown files in the corpus format, as the Princeton-Leuven corpus lays them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from policy_archive.crawler.core.safe_files import safe_name, site_folder, write_file
from policy_archive.pipelines.exchange.corpus_format import render_version
from policy_archive.pipelines.exchange.export.exporter import Exported, ExportOptions
from policy_archive.pipelines.store.selection import Slice

Row = Mapping[str, Any]


def export_markdown(corpus: Slice, target: Path, options: ExportOptions) -> Exported:
    """Write a file for each version, `i/in/int/intently.co/privacy/20180127122821.md`."""
    count = 0
    for path, version in iter_paths(options.follow(corpus.iter_versions())):
        write_file(target / path, [render_version(version)], within=target)
        count += 1
    return Exported(versions=count)


def iter_paths(versions: Iterable[Row]) -> Iterator[tuple[PurePosixPath, Row]]:
    """Yield versions, in order of document and time, with where each one's file goes.

    It is named by time, for numbers shift when an older version is found. A second text of the same second,
    from another address, has a part of its hash in its name.
    """
    before = document = None
    folder = PurePosixPath()
    for version in versions:
        if document != (document := (version["site"], version["kind"], version["name"])):
            folder = document_folder(version)
        path = folder / f"{version['timestamp']}.md"
        if path == before:
            path = path.with_stem(f"{path.stem}-{version['text_sha256'][:8]}")
        else:
            before = path
        yield path, version


def document_folder(row: Row) -> PurePosixPath:
    """Return the folder of a document, by `site`, `kind` and `name`, below the export's."""
    document = f"{row['kind']}-{row['name']}" if row["name"] else row["kind"]
    return PurePosixPath(site_folder(Path(), row["site"]) / safe_name(document))
