"""Exports read by programs in an environment of their own, .venv-clients, which .ci/run makes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from policy_archive.cli import policy_archive

PROGRAMS = Path(__file__).parents[3] / ".venv-clients" / "bin"

pytestmark = pytest.mark.skipif(
    not (PROGRAMS / "frictionless").exists(), reason="needs .venv-clients, which .ci/run makes"
)


def export(database: Path, *words: str) -> None:
    result = CliRunner().invoke(
        policy_archive, ["export", "--all", *words, "--db", str(database)], standalone_mode=False
    )
    assert result.exception is None, result.exception


def run(program: str, *words: str | Path) -> str:
    done = subprocess.run([PROGRAMS / program, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_frictionless_and_rocrate_read_a_release(demo_database: Path, tmp_path: Path) -> None:
    export(demo_database, "--release", str(tmp_path / "dataset"))
    told = run("frictionless", "validate", tmp_path / "dataset" / "datapackage.json")
    assert "INVALID" not in told and told.count("VALID") == 6
    code = "import sys; from rocrate.rocrate import ROCrate as Crate; "
    code += "print(len(list(Crate(sys.argv[1]).get_entities())))"
    assert int(run("python", "-c", code, tmp_path / "dataset")) > 18


def test_py_wacz_validates_a_wacz(demo_database: Path, tmp_path: Path) -> None:
    export(demo_database, "--to", str(tmp_path / "x.wacz"), "--format", "wacz")
    assert "is valid" in run("wacz", "validate", "-f", tmp_path / "x.wacz")
