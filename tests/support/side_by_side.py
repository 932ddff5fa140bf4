"""Tests in several processes at once (`pytest -n`): what they share, and who has the machine alone.

A test that measures time would measure its neighbours. Each test holds a lock that all may share; who
measures waits until it has that lock for itself, and keeps it to the end of the test. Without -n there is no
lock.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import pytest

_FOLDER = "POLICY_ARCHIVE_TESTS_FOLDER"
"""The folder that the processes of a run share, in their environment; the one that starts them makes it."""
_held: TextIO | None = None
"""The lock of the test that runs."""

FIRST = (
    "reliability/test_politeness_at_the_archive.py",
    "reliability/test_disk_and_neighbours.py",
    "browse/test_accessible.py",
    "browse/test_in_browser.py",
    "reliability/test_kill.py",
    "browse/test_publish.py",
    "pipelines/commands/test_import.py",
    "pipelines/commands/test_notify.py",
    "pipelines/store/maintenance/test_dense.py",
    "reliability/test_attacks.py",
    "reliability/test_bodies.py",
    "pipelines/store/maintenance/test_merge.py",
    "browse/test_copy_in_browser.py",
    "test_package.py",
    "pipelines/bulk/test_read.py",
    "reliability/test_accidents.py",
    "crawler/crawl/test_fetch.py",
    "pipelines/reading/test_pool.py",
    "pipelines/extract/test_language_model.py",
    "pipelines/extract/test_conservation.py",
    "browse/test_hostile_requests.py",
    "browse/test_four_ways_in_browser.py",
    "browse/test_walks_in_browser.py",
    "crawler/crawl/test_site_lists.py",
    "reliability/test_attacks_that_hold.py",
    "reliability/test_same_again.py",
    "reliability/test_interruption.py",
    "browse/test_plugin.py",
    "test_programs.py",
    "test_stories.py",
    "test_rooms.py",
    "browse/test_long_texts.py",
)
"""Files that take more than seven seconds, the longest first: no process ends long after another."""
LAST = (
    "crawler/planning/test_plan.py",
    "pipelines/test_text.py",
    "reliability/test_nothing_unbounded.py",
    "reliability/test_patterns.py",
    "pipelines/versions/test_diff.py",
    "pipelines/store/test_growth.py",
    "pipelines/versions/test_flapping.py",
    "crawler/core/test_urlkeys.py",
    "crawler/discovery/test_links.py",
    "pipelines/store/test_snippets.py",
)
"""Files that measure, the longest first: little is left that a figure in doubt would have to wait for."""


def place(file: str) -> int:
    """Return where a test file stands in a run."""
    if file in FIRST:
        return FIRST.index(file)
    return len(FIRST) + (1 + LAST.index(file) if file in LAST else 0)


_MEMORY = Path("/dev/shm")
_ROOM_BYTES = 2 << 30
"""A run writes 0.2 GB, and what failed stays."""


def keep_files_in_memory() -> None:
    """Let `tmp_path` lie in memory where there is room, for each commit to a disk is waited for."""
    if not (sys.platform == "linux" and _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK)):
        return
    found = os.statvfs(_MEMORY)
    runs_programs = not found.f_flag & os.ST_NOEXEC  # as in containers; tests install programs and run them
    if runs_programs and found.f_bavail * found.f_frsize > _ROOM_BYTES:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))


def share_folder(config: pytest.Config) -> None:
    """Make the folder, when this is the process that starts the others."""
    if _starts_others(config):
        os.environ[_FOLDER] = tempfile.mkdtemp(prefix="policy-archive-tests-")


def remove_folder(config: pytest.Config) -> None:
    """Remove it, when this is the process that started the others, and they have ended."""
    if _starts_others(config):
        shutil.rmtree(os.environ.pop(_FOLDER), ignore_errors=True)


def _starts_others(config: pytest.Config) -> bool:
    return bool(getattr(config.option, "numprocesses", None)) and not hasattr(config, "workerinput")


def make_scheduler(config: pytest.Config, log: object) -> object:
    """Return what hands whole files to processes, in the order in which they are collected."""
    from xdist.scheduler import LoadFileScheduling

    config.option.loadscopereorder = False  # it would put files of many tests first
    return LoadFileScheduling(config, log)  # type: ignore[arg-type]


@contextmanager
def beside_others() -> Iterator[None]:
    """Hold the lock as all tests do: whoever has the machine alone ends first."""
    global _held
    if _FOLDER not in os.environ:
        yield
        return
    with _open_lock("machine") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        _held = lock
        try:
            yield
        finally:
            _held = None
            fcntl.flock(lock, fcntl.LOCK_UN)  # closed is not enough: a forked child may have it open, too


def have_machine_alone() -> None:
    """Wait until no other process tests, and let none begin until the test that calls this has ended."""
    if _held is not None:
        fcntl.flock(_held, fcntl.LOCK_UN)  # first, or two that call this would wait for each other
        fcntl.flock(_held, fcntl.LOCK_EX)


def make_once(target: Path, make: Callable[[Path], object]) -> Path:
    """Return a file that whichever process comes first makes; the others get a copy."""
    if _FOLDER not in os.environ:
        make(target)
        return target
    made = Path(os.environ[_FOLDER], target.name)
    with _open_lock(target.name) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            make(target)
            shutil.copy(target, made)
            return target
    shutil.copy(made, target)
    return target


def _open_lock(name: str) -> TextIO:
    return Path(os.environ[_FOLDER], f"{name}.lock").open("w")
