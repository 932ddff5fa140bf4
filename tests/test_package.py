"""What is installed: one import package, whatever else lies beside it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from policy_archive.data import DATA

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("crawler", "pipelines", "browse", "archive_server", "data")
NOT_COPIED = shutil.ignore_patterns(
    ".git", ".venv", "build", "dist", "*.egg-info", "__pycache__", ".*_cache", "*.db*"
)
HOSTILE = 'raise SystemExit("somebody else\'s module was taken for ours")\n'


def run(*command: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the wheel and the sdist, built offline in a clone of an odd name."""
    folder = tmp_path_factory.mktemp("build")
    clone = folder / "my clone-2 of it"
    shutil.copytree(ROOT, clone, symlinks=True, ignore=NOT_COPIED)
    for kind in ("wheel", "sdist"):
        code = f"import sys; from setuptools import build_meta; build_meta.build_{kind}(sys.argv[1])"
        done = run(sys.executable, "-W", "ignore", "-c", code, folder, cwd=clone)
        assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def installed(built: Path) -> Path:
    """Return an environment that holds the wheel and, beside it, others' `data`, `cli`, `crawler`."""
    home = built / "environment"
    venv.create(home, with_pip=False)
    library = Path(sysconfig.get_path("purelib", vars={"base": str(home), "platbase": str(home)}))
    paths = [path for path in sys.path if path.endswith("site-packages")]
    (library / "dependencies.pth").write_text("\n".join(paths))
    wheel = next(built.glob("*.whl"))
    pip = [sys.executable, "-m", "pip", "--python", home / "bin" / "python", "--disable-pip-version-check"]
    done = run(*pip, "install", "-q", "--no-index", "--no-deps", "--force-reinstall", wheel, cwd=built)
    assert done.returncode == 0, done.stderr
    for name in ROOMS:
        (library / name).mkdir()
        (library / name / "__init__.py").write_text(HOSTILE)
    (library / "cli.py").write_text(HOSTILE)
    return home


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """Return a user's own folder, with modules that are called as our rooms are."""
    for name in ROOMS:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(HOSTILE)
    (tmp_path / "cli.py").write_text(HOSTILE)
    return tmp_path


def test_the_wheel_holds_one_import_package(built: Path) -> None:
    names = zipfile.ZipFile(next(built.glob("*.whl"))).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"policy_archive"}
    for needed in ("__main__.py", "cli.py", "browse/static/policies.css", "browse/templates/diff.html"):
        assert f"policy_archive/{needed}" in names
    ours = {path.relative_to(DATA).as_posix() for path in DATA.rglob("*.toml")}
    assert ours
    assert ours <= {name.removeprefix("policy_archive/data/") for name in names}


def test_every_module_of_the_rooms_is_in_the_wheel(built: Path) -> None:
    names = set(zipfile.ZipFile(next(built.glob("*.whl"))).namelist())
    modules = {
        f"policy_archive/{path.relative_to(ROOT)}" for room in ROOMS for path in (ROOT / room).rglob("*.py")
    }
    assert modules
    assert modules - names - {"policy_archive/data/demo/build.py"} == set()


def test_the_sdist_builds_the_same_package(built: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as sdist:
        names = [name.partition("/")[2] for name in sdist.getnames()]
    assert "src/policy_archive/__init__.py" in names
    assert "src/policy_archive/crawler/settings.py" in names


@pytest.mark.parametrize(
    "command", ["--help", "--version", "fetch --help", "browse --help", "history --help"]
)
def test_the_program_runs_beside_modules_of_the_same_names(
    installed: Path, elsewhere: Path, command: str
) -> None:
    for program in (
        [installed / "bin" / "policy-archive"],
        [installed / "bin" / "python", "-m", "policy_archive"],
    ):
        done = run(*program, *command.split(), cwd=elsewhere, PYTHONPATH=str(elsewhere))
        assert done.returncode == 0, done.stderr
        assert "taken for ours" not in done.stdout + done.stderr


def test_the_main_job_runs_beside_modules_of_the_same_names(installed: Path, elsewhere: Path) -> None:
    database = elsewhere / "demo.db"
    program = installed / "bin" / "policy-archive"
    done = run(program, "demo", "--db", database, cwd=elsewhere, PYTHONPATH=str(elsewhere))
    assert done.returncode == 0, done.stderr
    assert database.exists()


def test_it_installs_as_uv_and_pipx_do_it_and_leaves_nothing(built: Path, tmp_path: Path) -> None:
    """An environment of its own, its one program linked into a folder of the path; all of it goes again."""
    home, links, work = tmp_path / "tools" / "policy-archive", tmp_path / "bin", tmp_path / "work"
    links.mkdir()
    work.mkdir()
    venv.create(home, with_pip=False)
    library = Path(sysconfig.get_path("purelib", vars={"base": str(home), "platbase": str(home)}))
    paths = [path for path in sys.path if path.endswith("site-packages")]
    (library / "dependencies.pth").write_text("\n".join(paths))
    before = set(home.rglob("*"))
    pip = [sys.executable, "-m", "pip", "--python", home / "bin" / "python", "--disable-pip-version-check"]
    wheel = next(built.glob("*.whl"))
    done = run(*pip, "install", "-q", "--no-index", "--no-deps", "--force-reinstall", wheel, cwd=work)
    assert done.returncode == 0, done.stderr
    (links / "policy-archive").symlink_to(home / "bin" / "policy-archive")
    path = os.pathsep.join([str(links), os.environ["PATH"]])
    told = run("policy-archive", "--version", cwd=work, PATH=path)
    assert told.returncode == 0 and told.stdout.startswith("policy-archive, version ")
    asked = ("policy-archive", "fetch", "tidelock.example", "--dry-run")
    assert run(*asked, cwd=work, PATH=path).returncode == 0
    completed = run("policy-archive", cwd=work, PATH=path, **_asked_by_bash("policy-archive hist"))
    assert completed.stdout == "plain,history\n"
    assert list(work.iterdir()) == []
    done = run(*pip, "uninstall", "-q", "-y", "policy-archive", cwd=work)
    assert done.returncode == 0, done.stderr
    assert {path for path in set(home.rglob("*")) - before if "__pycache__" not in path.parts} == set()


def _asked_by_bash(typed: str) -> dict[str, str]:
    words = typed.split()
    return {
        "_POLICY_ARCHIVE_COMPLETE": "bash_complete",
        "COMP_WORDS": typed,
        "COMP_CWORD": str(len(words) - 1),
    }


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = (
        "import sys, policy_archive; heavy = {'click', 'scrapy', 'lxml', 'sqlite3', 'importlib.metadata'}; "
        "print(sorted(heavy & set(sys.modules))); print(policy_archive.__version__)"
    )
    done = run(
        sys.executable, "-S", "-c", code, cwd=ROOT, PYTHONPATH=os.pathsep.join([str(ROOT / "src"), *sys.path])
    )
    loaded, version = done.stdout.splitlines()
    assert loaded == "[]"
    assert version.count(".") == 2


def test_nothing_is_imported_by_a_rooms_bare_name() -> None:
    bare = [
        f"{path}: {line}"
        for room in (*ROOMS, "tests", "bench")
        for path in (ROOT / room).rglob("*.py")
        for line in path.read_text("utf-8").splitlines()
        if line.strip().startswith(
            tuple(f"{word} {name}" for word in ("from", "import") for name in (*ROOMS, "cli"))
        )
        and line.split()[1].split(".")[0] in (*ROOMS, "cli")
    ]
    assert bare == []
