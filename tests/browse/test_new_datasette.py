"""The pages in an alpha of Datasette 1.0: in an environment of its own, which .ci/run makes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_PYTHON = _ROOT / ".venv-datasette-1" / "bin" / "python"
_FILES = ("tests/browse/test_plugin.py", "tests/browse/test_pages.py")


def _run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([_PYTHON, *words], cwd=_ROOT, capture_output=True, text=True, check=False)


@pytest.fixture
def release() -> str:
    """Return which Datasette is in that environment; skip where there is none."""
    if not _PYTHON.exists():
        pytest.skip("needs .venv-datasette-1, which .ci/run makes")
    told = _run("-c", "from importlib.metadata import version; print(version('datasette'))").stdout.strip()
    if not told.startswith("1."):
        pytest.skip(f"Datasette 1.0 could not be installed: {told or 'none'} is there")
    return told


def test_pages_and_tables_are_the_same_there(release: str) -> None:
    done = _run("-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *_FILES)
    assert done.returncode == 0, f"Datasette {release}\n{done.stdout}{done.stderr}"
    assert " passed" in done.stdout
