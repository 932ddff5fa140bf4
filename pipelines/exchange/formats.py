"""The export formats: a name, and the function that writes it; CONTRIBUTING.md says how to add one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from policy_archive.pipelines.exchange import csv_table, json_lines, markdown_tree

Row = Mapping[str, Any]
"""A row of `policy_versions`, with its text."""


class Exporter(Protocol):
    """Writes versions below a folder."""

    def __call__(self, versions: Iterable[Row], target: Path, *, raw: bool = False) -> int:
        """Return how many versions were written.

        What is there already and has not changed is left alone; a file appears whole or not at all. `raw`
        leaves cells alone that a spreadsheet would run as a formula. Raises ExportError for a target that
        leads elsewhere, OSError for a full disk.
        """


FORMATS: Mapping[str, Exporter] = {
    "md": markdown_tree.export_markdown,
    "jsonl": json_lines.export_jsonl,
    "csv": csv_table.export_csv,
}
