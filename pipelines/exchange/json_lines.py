"""Versions as JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from policy_archive.crawler.core.safe_files import CountedLines, write_file

Row = Mapping[str, Any]


def export_jsonl(versions: Iterable[Row], target: Path, *, raw: bool = False) -> int:
    """Write `policies.jsonl`: a line a version, every column of `policy_versions`; return how many.

    `raw` is of no use here: JSON runs no formulas.
    """
    lines = CountedLines(f"{json.dumps(dict(version), ensure_ascii=False)}\n" for version in versions)
    write_file(target / "policies.jsonl", lines, within=target)
    return lines.count
