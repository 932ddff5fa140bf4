"""WARC files that somebody else made: a record that unpacks to gigabytes is listed and not served."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from policy_archive.archive_server.warc import iter_answers, iter_indexed
from policy_archive.crawler.core.digests import body_digest

from ..support.attacks import warc_record, write_warc
from ..support.patience import PATIENCE

MEGABYTES = 400

WRITE = """
import gzip, sys
megabytes = int(sys.argv[2])
head = b"HTTP/1.1 200 OK\\r\\nContent-Type: text/html\\r\\n\\r\\n"
length = len(head) + megabytes * 2**20
with gzip.open(sys.argv[1], "wb", 1) as warc:
    fields = ["WARC/1.0", "WARC-Type: response", "WARC-Target-URI: http://x.example/",
              "WARC-Date: 2018-01-01T00:00:00Z", "WARC-Record-ID: <urn:uuid:1>",
              "Content-Type: application/http; msgtype=response", f"Content-Length: {length}", "", ""]
    warc.write("\\r\\n".join(fields).encode() + head)
    for _ in range(megabytes):
        warc.write(bytes(2**20))
    warc.write(b"\\r\\n\\r\\n")
"""


@pytest.fixture(scope="module")
def bomb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bomb") / "bomb.warc.gz"
    subprocess.run([sys.executable, "-c", WRITE, str(path), str(MEGABYTES)], check=True)
    assert path.stat().st_size < 4 * 2**20
    return path


LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (300 * 2**20, 300 * 2**20))
from policy_archive.cli import main
sys.argv[0] = "policy-archive"
main()
"""


def test_a_record_that_unpacks_to_more_than_memory_is_listed_and_not_served(bomb: Path) -> None:
    # with less memory than the record has
    command = [sys.executable, "-W", "ignore", "-c", LIMITED, "serve", str(bomb), "--quiet"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            assert address.startswith("http://")
            rows = httpx.get(f"{address}/cdx/search/cdx?url=x.example", timeout=PATIENCE)
            assert rows.text.count("\n") == 1
            answer = httpx.get(f"{address}/web/20180101000000id_/http://x.example/", timeout=PATIENCE)
            assert answer.status_code == 502
            assert "more than 64 MB" in answer.text
        finally:
            process.terminate()
    assert process.returncode in (0, -15)


def test_a_record_without_a_digest_gets_that_of_its_body(tmp_path: Path) -> None:
    path = write_warc(tmp_path / "a.warc.gz", warc_record([b"<p>one"]), warc_record([b"<p>two"]))
    digests = [body_digest(b"<p>one"), body_digest(b"<p>two")]
    assert [row.digest for row, _ in iter_indexed(path, []) if row] == digests
    answers = list(iter_answers(path, []))
    assert [(row.digest, answer.body) for row, _, answer in answers if row and answer] == [
        (digests[0], b"<p>one"), (digests[1], b"<p>two"),
    ]  # fmt: skip
    assert [(row, offset) for row, offset, _ in answers] == list(iter_indexed(path, []))
