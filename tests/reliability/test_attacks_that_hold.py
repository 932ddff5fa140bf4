"""Attacks that never succeeded, and are to fail: streams without end, odd files, SQL that reaches out."""

from __future__ import annotations

import gzip
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import pytest

from policy_archive.crawler.core.errors import UnreachableError
from policy_archive.pipelines.store.writer import Store
from tests.support import programs
from tests.support.asking import ask
from tests.support.attacks import answering
from tests.support.generated import crawl
from tests.support.processes import assert_sound
from tests.support.synthetic import store_texts

OK = b"HTTP/1.1 200 OK\r\n"
_BOMB = gzip.compress(bytes(150 * 2**20), compresslevel=1)
STREAMS = {
    "a body without end": (OK + b"\r\n", b"x" * 65536),
    "chunks without end": (OK + b"transfer-encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 1000),
    "a chunk extension without end": (OK + b"transfer-encoding: chunked\r\n\r\n1", b";x=" + b"y" * 1000),
    "trailers without end": (OK + b"transfer-encoding: chunked\r\n\r\n0\r\n", b"x: y\r\n" * 100),
    "headers without end": (OK, b"x: y\r\n" * 100),
    "a header without end": (OK + b"x: ", b"y" * 65536),
    "1xx without end": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 10),
    "silence": (b"", b""),
    "HTTP/0.9": (b"<p>text", b""),
    "a length that lies": (OK + b"content-length: 99999\r\n\r\nx", b""),
    "a length of many digits": (OK + b"content-length: " + b"9" * 5000 + b"\r\n\r\nx", b""),
    "chunk garbage": (OK + b"transfer-encoding: chunked\r\n\r\nzz\r\n", b""),
    "an index answer that unpacks to 150 MB": (
        OK + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n%b" % (len(_BOMB), _BOMB),
        b"",
    ),
    "carriage returns in headers": (OK + b"x: a\rb\r\n y: c\r\ncontent-length: 2\r\n\r\n[]", b""),
}


@contextmanager
def stream(head: bytes, more: bytes) -> Iterator[int]:
    """Answer every request on 127.0.0.1 with `head`, then with `more` for ever, slowly where it is empty."""
    stopped = threading.Event()

    def serve(connection: socket.socket) -> None:
        with suppress(OSError), connection:
            connection.settimeout(5)
            connection.recv(65536)
            connection.sendall(head)
            while not stopped.wait(0.0 if more else 0.1):
                if more:
                    connection.sendall(more)

    with answering(serve, stopped) as port:
        yield port


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_that_is_odd_or_never_ends_is_given_up(name: str, database: Path) -> None:
    limits = {"DOWNLOAD_TIMEOUT": 0.5, "POLICY_RETRY_TIMES": 2}
    with stream(*STREAMS[name]) as port:
        try:
            report = crawl(f"http://127.0.0.1:{port}", database, settings=limits)
        except UnreachableError:
            return
    assert name == "carriage returns in headers" or report.status == "incomplete"
    assert report.status == "done" or report.reason
    assert_sound(database, complete=False)


def test_a_manifest_of_odd_files_costs_a_line_each_and_writes_nothing_elsewhere(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "good.html").write_text(f"<h1>Privacy policy</h1><p>{'We keep your data. ' * 30}</p>")
    files = ["good.html", "/dev/zero", "pipe", "../../../../../../etc/passwd", ".", "not-there", "a\x00b"]
    manifest = tmp_path / "pages.jsonl"
    line = {"url": "https://x.example/privacy", "timestamp": "2018"}
    manifest.write_text("".join(json.dumps({"file": file, **line}) + "\n" for file in files))
    writer = threading.Thread(target=_feed, args=(tmp_path / "pipe",), daemon=True)
    writer.start()
    out = tmp_path / "in" / "texts"
    command = ["extract", "--manifest", str(manifest), "--out", str(out), "--processes", "1"]
    ended = programs.run(["-W", "ignore", "-m", "policy_archive", *command])
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert "7 pages: " in ended.stderr
    assert (out / "good.md").exists()
    written = {path.relative_to(tmp_path).parts[:2] for path in tmp_path.rglob("*") if path.is_file()}
    assert written == {("good.html",), ("pages.jsonl",), ("in", "texts")}


def _feed(pipe: Path) -> None:
    """Open the other end, so that reading it ends."""
    with suppress(OSError), pipe.open("wb") as file:
        time.sleep(0.1)
        file.write(b"x")


REACHING = {
    "another file": "attach '/etc/passwd' as x",
    "an extension": "select load_extension('/tmp/x')",
    "a file's bytes": "select readfile('/etc/passwd')",
    "a write": "delete from texts",
    "no end": "with recursive t(n) as (select 1 union all select n + 1 from t) select count(*) from t",
    "900 MB": "select zeroblob(900000000)",
}


@pytest.mark.parametrize("name", REACHING)
def test_sql_reads_the_corpus_and_nothing_else_and_not_for_long(tmp_path: Path, name: str) -> None:
    database = tmp_path / "policies.db"
    with Store.open(database) as store:
        store_texts(store, [("20180525", "# Privacy\n\nWe keep it.\n")])
    path = f"/policies.json?_shape=array&sql={quote(REACHING[name])}"
    answer, count = ask(
        database,
        path,
        "/policies.json?_shape=array&sql=select+count(*)+as+n+from+texts",
        settings={"sql_time_limit_ms": 300},
    )
    assert answer.status_code >= 400 or len(answer.content) < 2**21
    assert b"root:" not in answer.content
    assert count.json() == [{"n": 1}]


def test_a_list_of_sites_that_is_no_list_is_read_or_refused_line_by_line(tmp_path: Path) -> None:
    listed = tmp_path / "sites.txt"
    listed.write_bytes(b"\x00\xff\xfe\n" + b"x" * 2_000_000 + b"\nx.example\n" + bytes(range(256)))
    options = ("--sites", str(listed), "--db", str(tmp_path / "p.db"), "--dry-run")
    ended = programs.run(["-W", "ignore", "-m", "policy_archive", "fetch", *options])
    assert "Traceback" not in ended.stderr
    assert ended.returncode == 65  # lines were left out, and named
    assert all(len(line) < 1000 for line in ended.stderr.splitlines())
