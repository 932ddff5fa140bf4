"""Word files have one grammar and one reader: tables of lists, and lists of terms as arrays."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from policy_archive.data import DATA, read_words

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted((DATA / "words").glob("*.toml"))


def leaves(table: Any, *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(table, dict):
        for key, value in table.items():
            yield from leaves(value, *path, key)
    else:
        yield path, table


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_terms_are_arrays_of_tidy_strings(path: Path) -> None:
    found = list(leaves(read_words(path.stem)))
    assert found
    for place, value in found:
        terms = value if isinstance(value, list) else [value]
        assert all(isinstance(term, str) and term == term.strip() for term in terms), place
        is_barred = isinstance(value, str) and "|" in value  # inside an array a bar is part of a label
        assert not is_barred, f"{place}: a list is an array, not a string with bars"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_names_of_files_are_written_alike_and_the_head_names_the_source(path: Path) -> None:
    assert "_" not in path.stem
    head = path.read_text("utf-8").partition("\n[")[0]
    assert head.startswith("# ")
    assert "ource" in head or "ritten for this project" in head or "own list" in head


def test_nobody_reads_word_files_but_their_reader() -> None:
    readers = [
        path.relative_to(ROOT).as_posix()
        for room in ("crawler", "pipelines", "browse", "archive_server", "data")
        for path in (ROOT / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        and any(alias.name == "tomllib" for alias in node.names)
    ]
    assert "data/__init__.py" in readers
    of_users = "pipelines/commands/config_file.py"  # a person's own file, no words of ours
    assert set(readers) <= {"data/__init__.py", of_users}
