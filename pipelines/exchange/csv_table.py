"""Versions as one CSV table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from policy_archive.crawler.core.safe_files import CountedLines, write_file
from policy_archive.pipelines.exchange.csv_lines import format_csv_line

Row = Mapping[str, Any]


def export_csv(versions: Iterable[Row], target: Path, *, raw: bool = False) -> int:
    """Write `policies.csv`, header first; return how many versions it holds.

    Cells that a spreadsheet would run as a formula begin with `'`; `raw` leaves them alone.
    """
    lines = CountedLines(_iter_csv(versions, raw=raw))
    write_file(target / "policies.csv", lines, within=target)
    return max(lines.count - 1, 0)


def _iter_csv(versions: Iterable[Row], *, raw: bool) -> Iterator[str]:
    for number, version in enumerate(versions):
        if number == 0:
            yield format_csv_line(version.keys(), raw=True)
        yield format_csv_line(version.values(), raw=raw)
