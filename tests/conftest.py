"""Fixtures that every room's tests may use."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers

from policy_archive.archive_server.server import ArchiveServer
from policy_archive.data import DATA

from .support import side_by_side
from .support.patience import PATIENCE

# A slow machine is no fault of the code. The examples of a run are those of every run: a change is refused
# for what it breaks, never for an input that luck finds that day in another room. New inputs are looked for
# on purpose, by `pytest --hypothesis-profile=search` and bench/fuzz.py, and kept as a test or an `@example`.
settings.register_profile(
    "ours", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
settings.register_profile("search", settings.get_profile("ours"), derandomize=False, max_examples=1000)
settings.load_profile("ours")
# Hypothesis takes numbers and strings of whatever modules are loaded into its examples: another file of tests
# in the process, or a constant changed elsewhere, would change them, whatever the seed. No setting says so.
providers._get_local_constants = providers.Constants

# Containers often tell Python to write no bytecode. Each of the thousand programs that tests start would then
# compile every module that it loads, which is a third of what a short command takes.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

SHARED = Path(__file__).resolve().parent.parent.parent / "shared"


SLOW = (
    "reliability/",
    "browse/test_accessible.py",
    "browse/test_copy_in_browser.py",
    "browse/test_in_browser.py",
    "browse/test_new_datasette.py",
    "browse/test_walks_in_browser.py",
    "archive_server/test_beside_pywb.py",
    "archive_server/test_demo.py",
    "crawler/archive/test_rate_gate.py",
    "crawler/archive/test_wire.py",
    "crawler/crawl/",
    "crawler/discovery/test_fetch.py",
    "pipelines/bulk/",
    "pipelines/commands/test_extract.py",
    "pipelines/commands/test_fetch.py",
    "pipelines/commands/test_import.py",
    "pipelines/commands/test_notify.py",
    "pipelines/commands/test_plan.py",
    "pipelines/commands/test_update.py",
    "pipelines/notify/test_secrets.py",
    "pipelines/reading/test_pool.py",
    "test_examples.py",
    "test_package.py",
)
"""Files whose tests start many programs, servers or a browser; `pytest -m "not slow"` leaves them out."""


def pytest_configure(config: pytest.Config) -> None:
    """Choose where files lie; with -n: make the folder that the processes of the run share."""
    side_by_side.keep_files_in_memory()
    side_by_side.share_folder(config)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove it."""
    side_by_side.remove_folder(config)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the slow ones, and put them in the order that suits several processes."""
    here = Path(__file__).parent
    paths = {item.path for item in items}  # a file has many tests
    names = {path: path.relative_to(here).as_posix() if path.is_relative_to(here) else "" for path in paths}
    for item in items:
        if names[item.path].startswith(SLOW):
            item.add_marker(pytest.mark.slow)
    items.sort(key=lambda item: side_by_side.place(names[item.path]))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Iterator[None]:
    """Let a test run beside those of other processes, unless one of them needs the machine alone."""
    with side_by_side.beside_others():
        return (yield)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Hand out whole files, for what a module makes is made once."""
    return side_by_side.make_scheduler(config, log)


@pytest.fixture(scope="session", autouse=True)
def no_config_of_ours() -> Iterator[None]:
    """Let no test read the config file of whoever runs it."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("POLICY_ARCHIVE_CONFIG", os.devnull)
        yield


@pytest.fixture(scope="session", autouse=True)
def signals_of_programs() -> None:
    """Let the programs that tests start hear signals.

    Under nohup, or behind `&`, some are ignored, and children inherit that; a handler they don't.
    """
    for number in (signal.SIGHUP, signal.SIGINT):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where a corpus may be made; its crawls have a request budget of their own."""
    monkeypatch.setenv("POLICY_ARCHIVE_STATE", str(tmp_path / "state"))
    return tmp_path / "policies.db"


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of real pages and captures; skip where only the project itself is checked out."""
    if not SHARED.is_dir():
        pytest.skip("needs the folder of real data, ../shared beside the checkout")
    return SHARED


@pytest.fixture(scope="session")
def demo_warcs() -> list[Path]:
    """Return the WARC files of the demo archive."""
    return sorted((DATA / "demo").glob("*.warc.gz"))


@pytest.fixture(scope="session")
def demo_database(demo_warcs: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a corpus fetched from the demo archive, all kinds; whoever writes to it makes a copy."""
    from policy_archive.cli import policy_archive

    folder = tmp_path_factory.mktemp("demo")

    def make(target: Path) -> None:
        with ArchiveServer(demo_warcs) as archive, pytest.MonkeyPatch.context() as environment:
            environment.setenv("POLICY_ARCHIVE_STATE", str(folder / "state"))
            words = ["fetch", "--sites", str(DATA / "demo" / "sites.txt"), "--kind", "all"]
            words += ["--archive", archive.url, "--index-rate", "0", "--replay-rate", "0"]
            words += ["--db", str(target)]
            result = CliRunner().invoke(policy_archive, words, standalone_mode=False)
        assert result.exception is None, result.exception

    return side_by_side.make_once(folder / "demo.db", make)


@pytest.fixture
def demo_archive(demo_warcs: list[Path]) -> Iterator[ArchiveServer]:
    """Serve the demo archive, without faults until a test names some."""
    with ArchiveServer(demo_warcs) as server:
        yield server


@pytest.fixture(scope="session")
def pywb_archive(demo_warcs: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the demo archive by the real pywb; return the base address of its collection."""
    with run_pywb(demo_warcs, tmp_path_factory.mktemp("pywb")) as url:
        yield url


@contextmanager
def run_pywb(warcs: Iterable[Path], folder: Path) -> Iterator[str]:
    """Run pywb over WARC files, set up as its manual says; yields the collection's address."""
    commands = Path(sys.executable).parent
    for arguments in (["init", "demo"], ["add", "demo", *map(str, warcs)]):
        subprocess.run([commands / "wb-manager", *arguments], cwd=folder, check=True, capture_output=True)
    port = _find_free_port()
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(
            [commands / "wayback", "-b", "127.0.0.1", "-p", str(port)], cwd=folder, stdout=log, stderr=log
        ) as process,
    ):
        try:
            url = f"http://127.0.0.1:{port}/demo"
            _wait_until_answered(f"{url}/cdx?url=x", process)
            yield url
        finally:
            process.terminate()


def _find_free_port() -> int:
    """Return a port that was free just now: pywb does not tell which one it took for 0."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _wait_until_answered(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.get(url, timeout=PATIENCE)
            return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("pywb did not start")
