"""`bulk read` on a Dask cluster of processes: whatever is killed, nothing is lost, nothing twice."""

from __future__ import annotations

import os
import signal
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path
from subprocess import Popen
from typing import Any

import duckdb
import pytest

from policy_archive.pipelines.bulk.folder import BulkFolder, State
from tests.support.attacks import warc_record, write_warc
from tests.support.clusters import Cluster, running
from tests.support.processes import finish, start_program, wait_until
from tests.support.programs import Program

psutil = pytest.importorskip("psutil", reason="needs policy-archive[cluster]")
pytest.importorskip("distributed", reason="needs policy-archive[cluster]")

PAGES = 30
FILES = 3
_PARAGRAPH = (
    b"<p>We collect personal data, such as your name and address, when you use our service, and use cookies "
    b"to remember you. We share it with nobody but those who deliver your order, %d days long.</p>"
)


@pytest.fixture
def archives(tmp_path: Path) -> Path:
    """Return a folder of web archives that take some seconds each."""
    folder = tmp_path / "archives"
    folder.mkdir()
    for file in range(FILES):
        records = []
        for page in range(PAGES):
            body = [b"<title>Privacy policy</title><h1>Privacy policy</h1>"]
            body += [_PARAGRAPH % (file * 1000 + page * 10 + number) for number in range(60)]
            url = f"http://site{file}.example/{page}/privacy"
            records.append(warc_record(body, http="HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n",
                                       WARC_Target_URI=url))  # fmt: skip
        write_warc(folder / f"{file}.warc.gz", *records)
    return folder


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    return tmp_path / "parts"


def start(archives: Path, parts: Path, cluster: Cluster) -> Program:
    words = ("bulk", "read", str(archives), "--to", str(parts), "--scheduler", cluster.address)
    return start_program(*words)


def rows(parts: Path) -> Counter[Any]:
    with closing(duckdb.connect()) as connection:
        found = connection.execute(f"select original, outcome from '{parts}/part-*.parquet'").fetchall()
    return Counter(found)


def assert_whole(parts: Path) -> None:
    """Fail unless every capture stands in the parts once, as a text."""
    urls = [f"http://site{file}.example/{page}/privacy" for file in range(FILES) for page in range(PAGES)]
    assert rows(parts) == Counter((url, "text") for url in urls)
    assert len(list(parts.glob("part-*.parquet"))) == FILES
    assert {one.state for one in BulkFolder.open(parts).list_files()} == {State.READ}


def find_busy_worker(parts: Path) -> int:
    """Return the number of a process that is in the middle of a part."""
    found: list[int] = []

    def is_busy() -> bool:
        found[:] = [
            int(path.name.split(".")[1])
            for path in (parts / "_unfinished").glob("rows-*")
            if not path.name.endswith(".wal")
        ]
        return bool(found)

    wait_until(is_busy)
    return found[0]


@pytest.mark.parametrize("victim", ["worker", "nanny", "scheduler", "driver"])
def test_what_is_killed_in_the_middle_of_a_part_costs_nothing(
    archives: Path, parts: Path, tmp_path: Path, victim: str
) -> None:
    with running(tmp_path / "cluster") as cluster:
        driver = start(archives, parts, cluster)
        worker = find_busy_worker(parts)
        numbers = {
            "worker": worker,
            "nanny": psutil.Process(worker).ppid(),
            "scheduler": cluster.scheduler.pid,
            "driver": driver.pid,
        }
        os.kill(numbers[victim], signal.SIGKILL)
        code, _, errors = finish(driver)
        if victim in ("worker", "nanny"):
            assert code == 0, errors
        else:
            assert len(list(parts.glob("part-*.parquet"))) < FILES
            assert code == (1 if victim == "scheduler" else -signal.SIGKILL), errors
            if victim == "scheduler":
                assert "the scheduler is gone: what is read is kept" in errors
                cluster.start_scheduler()
                cluster.start_worker()
            code, _, errors = finish(start(archives, parts, cluster))
            assert code == 0, errors
        assert_whole(parts)


def test_a_file_that_kills_every_worker_fails_and_says_so(
    archives: Path, parts: Path, tmp_path: Path
) -> None:
    fault = {"POLICY_ARCHIVE_FAULT": "bulk-row:exit:3"}
    for file in (1, 2):
        (archives / f"{file}.warc.gz").unlink()
    with running(tmp_path / "cluster", environment=fault) as cluster:
        code, _, errors = finish(start(archives, parts, cluster))
    assert code == 1
    assert "0.warc.gz: failed: every worker that read it died" in errors


def other_release(folder: Path) -> dict[str, str]:
    """Return an environment in which our package says that it is another release."""
    metadata = folder / "policy_archive-9.9.9.dist-info" / "METADATA"
    metadata.parent.mkdir(parents=True)
    metadata.write_text("Metadata-Version: 2.1\nName: policy-archive\nVersion: 9.9.9\n")
    return {"PYTHONPATH": str(folder)}


def test_a_worker_of_another_release_stops_it_before_the_first_task(
    archives: Path, parts: Path, tmp_path: Path
) -> None:
    with running(tmp_path / "cluster", environment=other_release(tmp_path / "other")) as cluster:
        code, _, errors = finish(start(archives, parts, cluster))
    assert code == 1
    (said,) = errors.strip().splitlines()
    assert "has policy-archive/9.9.9" in said and "install the same release everywhere" in said
    assert list(parts.glob("part-*")) == list((parts / "_unfinished").iterdir()) == []


def test_a_worker_of_another_release_that_comes_later_reads_nothing(
    archives: Path, parts: Path, tmp_path: Path
) -> None:
    with running(tmp_path / "cluster", workers=1) as cluster:
        driver = start(archives, parts, cluster)
        os.kill(psutil.Process(find_busy_worker(parts)).ppid(), signal.SIGKILL)
        cluster.start_worker(other_release(tmp_path / "other"))
        code, _, errors = finish(driver)
    assert code == 1
    assert "install the same release everywhere" in errors
    assert set(rows(parts).values() if list(parts.glob("part-*")) else [1]) == {1}


def test_workers_of_this_machine_read_as_the_program_itself_does(
    archives: Path, parts: Path, tmp_path: Path
) -> None:
    words = ("bulk", "read", str(archives), "--to")
    code, _, errors = finish(start_program(*words, str(parts), "--workers", "2"))
    assert (code, errors) == (
        0,
        f"3 files: 3 read, 0 read before, 0 failed; 'policy-archive bulk status {parts}' says more\n",
    )
    finish(start_program(*words, str(tmp_path / "here"), "--processes", "2"))
    found = {path.name: path.read_bytes() for path in parts.glob("part-*")}
    assert len(found) == FILES
    assert {path.name: path.read_bytes() for path in (tmp_path / "here").glob("part-*")} == found


def test_a_cluster_without_workers_and_one_that_is_not_there_are_a_sentence(
    archives: Path, parts: Path, tmp_path: Path
) -> None:
    with running(tmp_path / "cluster", workers=0) as cluster:
        code, _, errors = finish(start(archives, parts, cluster))
        assert (code, errors.count("\n")) == (2, 1) and "no worker is connected to tcp://" in errors
    code, _, errors = finish(start(archives, parts, cluster))
    assert (code, errors.count("\n")) == (2, 1) and "no scheduler answers at tcp://" in errors


def test_without_dask_it_says_what_to_install(archives: Path, parts: Path) -> None:
    block = "import sys; sys.modules['distributed'] = None; from policy_archive.cli import main; main()"
    words = ["bulk", "read", str(archives), "--to", str(parts), "--workers", "1"]
    process = Popen([sys.executable, "-c", block, *words], stderr=-1, text=True)
    assert "pip install 'policy-archive[cluster]'" in process.communicate()[1]
    assert process.returncode == 2
