"""Versions as a tree of Markdown files in the corpus format, as the Princeton-Leuven corpus lays them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from policy_archive.crawler.core.safe_files import safe_name, site_folder, write_file
from policy_archive.pipelines.exchange.corpus_format import render_version

Row = Mapping[str, Any]


def export_markdown(versions: Iterable[Row], target: Path, *, raw: bool = False) -> int:
    """Write a file for each version, `i/in/int/intently.co/privacy/20180127122821.md`; return how many.

    A second text of the same second, from another address, has a part of its hash in its name. `raw` is of
    no use here: Markdown runs no formulas.
    """
    count = 0
    path = None
    for version in versions:
        before, path = path, markdown_path(version, target)
        if path == before:
            path = path.with_stem(f"{path.stem}-{version['text_sha256'][:8]}")
        write_file(path, [render_version(version)], within=target)
        count += 1
    return count


def markdown_path(version: Row, target: Path) -> Path:
    """Return where a version's file goes: named by time, for numbers shift when an older version is found."""
    document = f"{version['kind']}-{version['name']}" if version["name"] else version["kind"]
    folder = site_folder(target, version["site"]) / safe_name(document)
    return folder / f"{version['timestamp']}.md"
