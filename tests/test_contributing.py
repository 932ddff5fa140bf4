"""CONTRIBUTING.md, followed word by word in a copy of the repository."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "CONTRIBUTING.md"
ROOMS = ("crawler", "pipelines", "browse", "archive_server", "data", "src")
_STEP = re.compile(r"(?P<words>[^\n].*?)\n```(?P<language>toml|python)\n(?P<code>.*?)```\n", re.DOTALL)
_RECIPES = ["Add a language", "Add a kind of document", "Add an export format", "Add an archive"]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for room in ROOMS:
        shutil.copytree(
            ROOT / room, tmp_path / room, symlinks=True, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(ROOT / "cli.py", tmp_path)
    return tmp_path


def iter_steps(recipe: str) -> Iterator[tuple[str, str]]:
    """Yield what the page says before each block of code, and the block."""
    section = PAGE.read_text("utf-8").split(f"\n## {recipe}\n")[1].split("\n## ")[0]
    for step in _STEP.finditer(section):
        yield " ".join(step["words"].split("\n\n")[-1].split()), step["code"]


def named_path(words: str, before: str) -> str:
    return next((name for name in re.findall(r"`([\w/-]+\.\w+)`", words)[::-1]), before)


def insert(path: Path, marks: list[str], code: str, *, above: bool) -> None:
    """Put the code below, or above, the line that begins with the mark; a line each of several marks."""
    parts = code.splitlines(keepends=True) if len(marks) > 1 else [code]
    assert len(parts) == len(marks)
    for mark, part in zip(marks, parts, strict=True):
        lines = path.read_text("utf-8").splitlines(keepends=True)
        at = next(number for number, line in enumerate(lines) if line.strip().startswith(mark))
        if "strong = [" in lines[at + 1]:
            at += 1
        lines.insert(at + (not above), part)
        path.write_text("".join(lines), "utf-8")


@pytest.mark.parametrize("recipe", _RECIPES)
def test_the_recipe_works_as_it_is_written(copy: Path, recipe: str) -> None:
    *edits, (_, check) = iter_steps(recipe)
    assert edits
    name = ""
    for words, code in edits:
        name = named_path(words, name)
        path = copy / name
        marks = re.findall(r"` ?((?:\[|FORMATS|ARCHIVES|OTHER|from )[^`]*)`", words)
        if "Write `" in words:
            path.write_text(code, "utf-8")
        elif "append to" in words:
            path.write_text(f"{path.read_text('utf-8')}\n{code}", "utf-8")
        else:
            insert(path, marks, code, above="above" in words)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", check],
        cwd=copy,
        env={"PYTHONPATH": str(copy / "src"), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_every_recipe_of_the_page_is_followed() -> None:
    assert re.findall(r"^## (Add .*)$", PAGE.read_text("utf-8"), flags=re.MULTILINE) == _RECIPES


@pytest.mark.parametrize("recipe", _RECIPES)
def test_nothing_of_it_holds_before(recipe: str) -> None:
    *_, (_, check) = iter_steps(recipe)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", check], capture_output=True, check=False, cwd=ROOT
    )
    assert done.returncode != 0
