"""Versions as files: a tree of Markdown in the corpus format, JSON lines, CSV."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from policy_archive.crawler.core.safe_files import safe_name, site_folder, write_file
from policy_archive.pipelines.exchange.corpus_format import render_version
from policy_archive.pipelines.outputs.rows import format_csv_line

Row = Mapping[str, Any]


def export_markdown(versions: Iterable[Row], target: Path) -> int:
    """Write a file for each version, `i/in/int/intently.co/privacy/20180127122821.md`; return how many.

    A second text of the same second, from another address, has a part of its hash in its name.
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


def export_jsonl(versions: Iterable[Row], target: Path) -> int:
    """Write `policies.jsonl`: a line a version, every column of `policy_versions`; return how many."""
    lines = _Counted(f"{json.dumps(dict(version), ensure_ascii=False)}\n" for version in versions)
    write_file(target / "policies.jsonl", lines, within=target)
    return lines.count


def export_csv(versions: Iterable[Row], target: Path, *, raw: bool = False) -> int:
    """Write `policies.csv`, header first; return how many versions it holds.

    Cells that a spreadsheet would run as a formula begin with `'`; `raw` leaves them alone.
    """
    lines = _Counted(_iter_csv(versions, raw=raw))
    write_file(target / "policies.csv", lines, within=target)
    return max(lines.count - 1, 0)


def _iter_csv(versions: Iterable[Row], *, raw: bool) -> Iterator[str]:
    for number, version in enumerate(versions):
        if number == 0:
            yield format_csv_line(version.keys(), raw=True)
        yield format_csv_line(version.values(), raw=raw)


class _Counted:
    """Lines that count themselves while they are written."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = lines
        self.count = 0

    def __iter__(self) -> Iterator[str]:
        for line in self.lines:
            self.count += 1
            yield line
