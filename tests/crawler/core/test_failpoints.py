"""Every named place where the writer may die: afterwards nothing is torn, nothing is twice."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from policy_archive.crawler.core import failpoints
from policy_archive.pipelines.store.writer import Store
from tests.support import programs

ROOT = Path(__file__).resolve().parents[3]
STORE = ROOT / "pipelines" / "store"
OF_A_CRAWL = ("before-commit", "after-commit", "after-body", "after-capture", "before-search", "after-text",
              "after-links", "in-fold")  # fmt: skip
OF_AN_UPGRADE = (
    "after-backup",
    "in-migration",
    "in-recount",
)  # test_connection.py, test_text.py
OF_UPKEEP = (
    "in-backup",
    "in-compact-body",
    "in-compact-text",
    "in-pack-text",
    "in-unpack-text",
    "before-end-of-dense",
    "after-vacuum",
    "in-merge",
)  # tests/reliability, test_merge.py

_OUR_CLOCK = re.compile(r"'[0-9-]{10}T[0-9:]{8}Z'")

CRAWL = """
import sys
from policy_archive.pipelines.store.writer import Store
sys.path.insert(0, sys.argv[2])
import types
sys.modules["tests"] = tests = types.ModuleType("tests")  # other packages are called so as well
tests.__path__ = [sys.argv[2] + "/tests"]
from tests.support.synthetic import store_texts
with Store.open(sys.argv[1]) as store:
    store_texts(store, [("20180101", "One.\\n"), ("20190101", "Two.\\n"), ("20200101", "Three.\\n")])
"""


def crawl(path: Path, fault: str = "") -> subprocess.CompletedProcess[str]:
    return programs.run(["-c", CRAWL, path, ROOT], environment={"POLICY_ARCHIVE_FAULT": fault})


def dump(path: Path) -> list[str]:
    with Store.open(path) as store:
        assert store.connection.execute("pragma quick_check").fetchone()[0] == "ok"
        assert list(store.iter_conservation_faults()) == []
        lines = [line for line in store.connection.iterdump() if "_sqlite_migrations" not in line]
        return [_OUR_CLOCK.sub("'now'", line) if '"news"' in line else line for line in lines]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    path = tmp_path_factory.mktemp("undisturbed") / "policies.db"
    assert crawl(path).returncode == 0
    return dump(path)


def test_the_list_of_places_is_complete() -> None:
    written = {
        name for path in STORE.rglob("*.py") for name in re.findall(r'point\("([a-z-]+)"\)', path.read_text())
    }
    assert written == {*OF_A_CRAWL, *OF_AN_UPGRADE, *OF_UPKEEP}


@pytest.mark.parametrize("name", OF_A_CRAWL)
def test_killed_there_and_started_again_the_database_is_the_undisturbed_one(
    tmp_path: Path, undisturbed: list[str], name: str
) -> None:
    path = tmp_path / "policies.db"
    passing = 1 if name == "in-fold" else 2  # in the middle of the crawl, which folds once
    died = crawl(path, f"{name}:exit:{passing}")
    assert died.returncode == failpoints.EXIT_STATUS, died.stderr
    assert crawl(path).returncode == 0
    assert dump(path) == undisturbed


@pytest.mark.parametrize(
    ("action", "words"), [("enospc", "is full"), ("exception", "injected at after-text")]
)
def test_a_fault_that_raises_rolls_everything_of_the_capture_back(
    tmp_path: Path, undisturbed: list[str], action: str, words: str
) -> None:
    path = tmp_path / "policies.db"
    died = crawl(path, f"after-text:{action}:2")
    assert died.returncode == 1
    assert words in died.stderr
    with Store.open(path) as store:
        stored = store.connection.execute(
            "select count(*), count(body_digest) from captures where outcome is not null"
        )
        assert tuple(stored.fetchone()) == (1, 1)
    assert crawl(path).returncode == 0
    assert dump(path) == undisturbed


def test_a_wrong_setting_is_refused(tmp_path: Path) -> None:
    died = crawl(tmp_path / "policies.db", "after-text:explode")
    assert died.returncode == 1
    assert "is not name:action" in died.stderr
