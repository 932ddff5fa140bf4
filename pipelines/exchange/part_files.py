"""Which files are parts of `bulk read`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

_NAME = re.compile(r"part-[0-9a-f]{16}\.parquet")


def is_part(path: Path) -> bool:
    """Return whether a file's name is that of a part."""
    return _NAME.fullmatch(path.name) is not None


def is_parts_folder(path: Path) -> bool:
    """Return whether a folder is one that `bulk read` wrote into."""
    return (path / "_manifest" / "code.json").is_file()


def list_parts(paths: Iterable[Path]) -> list[Path]:
    """Return the parts among files, and those in folders of `bulk read`, by name."""
    found: list[Path] = []
    for path in paths:
        if path.is_file() and is_part(path):
            found.append(path)
        elif is_parts_folder(path):
            found += sorted(part for part in path.iterdir() if is_part(part))
    return found
