"""Several processes of one run: who measures is alone, and what all need is made once."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

from tests.support import side_by_side
from tests.support.processes import LOAD, ROOT


def start(folder: Path, code: str) -> subprocess.Popen[str]:
    load = LOAD.replace("from tests.support.generated import crawl\n", "")
    return subprocess.Popen(
        [
            sys.executable,
            "-c",
            load + "from tests.support.side_by_side import *\n" + textwrap.dedent(code),
            ROOT,
        ],
        env=os.environ | {"POLICY_ARCHIVE_TESTS_FOLDER": str(folder)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_who_measures_waits_for_the_others_and_lets_none_begin(tmp_path: Path) -> None:
    def say(word: str) -> str:
        return f"open({str(tmp_path / 'log')!r}, 'a').write('{word} ')"

    other = start(tmp_path, f"with beside_others(): print('in', flush=True); input(); {say('other-ends')}")
    assert other.stdout is not None and other.stdout.readline() == "in\n"
    measuring = start(
        tmp_path,
        f"""
        with beside_others():
            print("in", flush=True)
            have_machine_alone()
            {say("alone")}
            print("alone", flush=True)
            input()
            {say("alone-ends")}
        """,
    )
    assert (
        measuring.stdout is not None and measuring.stdout.readline() == "in\n"
    )  # the lock is for all to share
    other.communicate("\n")
    assert measuring.stdout.readline() == "alone\n"
    late = start(tmp_path, f"print('late', flush=True)\nwith beside_others(): {say('late')}")
    assert late.stdout is not None and late.stdout.readline() == "late\n"
    measuring.communicate("\n")
    late.communicate()
    assert (tmp_path / "log").read_text() == "other-ends alone alone-ends late "


def test_what_all_need_is_made_by_one(tmp_path: Path) -> None:
    code = """
    def make(target):
        target.write_bytes(b"made")
        open(Path(os.environ["POLICY_ARCHIVE_TESTS_FOLDER"]) / "makers", "a").write("x")
    folder = Path(tempfile.mkdtemp(dir=os.environ["POLICY_ARCHIVE_TESTS_FOLDER"]))
    print(make_once(folder / "thing.db", make).read_bytes())
    """
    outputs = [process.communicate()[0] for process in [start(tmp_path, code) for _ in range(3)]]
    assert outputs == ["b'made'\n"] * 3
    assert (tmp_path / "makers").read_text() == "x"


def test_every_file_with_a_place_is_there() -> None:
    for name in side_by_side.FIRST + side_by_side.LAST:
        assert (ROOT / "tests" / name).is_file(), name


def test_files_that_measure_come_last() -> None:
    measuring = {
        path.relative_to(ROOT / "tests").as_posix()
        for path in (ROOT / "tests").rglob("test_*.py")
        if "support.linear import" in path.read_text("utf-8") and path != Path(__file__)
    }
    assert measuring == set(side_by_side.LAST)
