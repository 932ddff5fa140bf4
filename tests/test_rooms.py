"""The walls: imports go one way, and a module that lies in no room is noticed."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CONTAINERS = ("src/policy_archive", "crawler", "pipelines")
ROOMS = ("crawler", "pipelines", "browse", "archive_server", "data")


def check_contracts(folder: Path) -> subprocess.CompletedProcess[str]:
    code = (
        "import sys; sys.path.insert(0, 'src'); from importlinter.cli import lint_imports_command as c; c()"
    )
    return subprocess.run(
        [sys.executable, "-c", code, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a copy of the sources, to build on."""
    for name in (*ROOMS, "src"):
        shutil.copytree(
            ROOT / name, tmp_path / name, symlinks=True, ignore=shutil.ignore_patterns("*.egg-info", "*.gz")
        )
    for name in ("pyproject.toml", "cli.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_the_contracts_are_kept(checkout: Path) -> None:
    done = check_contracts(checkout)
    assert done.returncode == 0, done.stdout
    assert " 0 broken" in done.stdout


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_module_that_lies_in_no_room_breaks_the_check(checkout: Path, container: str) -> None:
    (checkout / container / "stray.py").write_text('"""Lies about."""\n')
    done = check_contracts(checkout)
    assert done.returncode != 0
    assert "stray" in done.stdout


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("crawler/core/urls.py", "from policy_archive.pipelines.store import writer"),
        ("crawler/planning/plan.py", "import policy_archive.crawler.crawl.run"),
        ("archive_server/warc.py", "import policy_archive.crawler.planning.due"),
        ("pipelines/store/writer.py", "import policy_archive.pipelines.outputs.feed"),
    ],
)
@pytest.mark.parametrize("hidden", ["", "function", "typing"])
def test_an_import_up_the_list_breaks_the_check_wherever_it_hides(
    checkout: Path, module: str, line: str, hidden: str
) -> None:
    wrapped = {
        "": line,
        "function": f"def _late():\n    {line}",
        "typing": f"from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    {line}",
    }[hidden]
    with (checkout / module).open("a") as file:
        file.write(f"\n\n{wrapped}\n")
    assert check_contracts(checkout).returncode != 0


@pytest.mark.parametrize(
    ("room", "above"), [("crawler", "pipelines"), ("crawler", "browse"), ("archive_server", "pipelines")]
)
def test_no_dotted_string_hides_an_import(room: str, above: str) -> None:
    modules = [path for path in (ROOT / room).rglob("*.py") if path != ROOT / "crawler" / "settings.py"]
    assert modules
    for path in modules:
        tree = ast.parse(path.read_text("utf-8"))
        prose = {
            id(node.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        }
        texts = [
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose
        ]
        assert not [text for text in texts if f"policy_archive.{above}" in text], path


def finds_sql(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield the calls that run SQL, and the strings that are SQL."""
    for node in ast.walk(tree):
        runs = isinstance(node, ast.Attribute) and node.attr in ("execute", "executemany", "executescript")
        if runs or (isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.match(node.value)):
            yield node


SQL = re.compile(r"\s*(select\b.*\bfrom\b|insert into\b|update \w+ set\b|delete from\b|pragma )", re.DOTALL)
WITHOUT_SQL = ("crawler", "pipelines")
MAY_HOLD_SQL = (
    "pipelines/store",
    "crawler/archive/rate_gate.py",  # a database of its own: what all processes have asked for
    "pipelines/exchange/sources.py",  # other projects' databases, read for an import
    "pipelines/exchange/princeton_leuven.py",
    "pipelines/exchange/export/princeton_leuven.py",  # and written for an export
    "pipelines/bulk/part.py",  # the SQL of DuckDB
    "pipelines/exchange/export/parquet.py",
)


def test_sql_stands_in_the_store() -> None:
    """Commands, outputs and the crawler ask the store, which alone knows its tables."""
    files = [
        path for name in WITHOUT_SQL for path in [ROOT / name, *(ROOT / name).rglob("*.py")] if path.is_file()
    ]
    assert len(files) > 100
    found = [
        f"{name}:{getattr(node, 'lineno', 0)}"
        for path in files
        if not (name := path.relative_to(ROOT).as_posix()).startswith(MAY_HOLD_SQL)
        for node in finds_sql(ast.parse(path.read_text("utf-8")))
    ]
    assert found == []


def test_sql_is_seen_where_it_stands() -> None:
    store = ast.parse((ROOT / "pipelines/store/queries.py").read_text("utf-8"))
    assert len(list(finds_sql(store))) > 20
