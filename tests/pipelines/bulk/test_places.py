"""Files at addresses: copied whole, or read record by record."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner, Result

from policy_archive.archive_server.cdxj import keep_index
from policy_archive.archive_server.warc_files import WarcFile
from policy_archive.cli import policy_archive
from policy_archive.data import DATA
from policy_archive.pipelines.bulk.folder import BulkFolder

pytest.importorskip("fsspec", reason="needs policy-archive[cluster]")

WARC = DATA / "demo" / "oldmill-inn.example.warc.gz"


@contextmanager
def serving(content: bytes) -> Iterator[tuple[str, list[str]]]:
    """Serve some bytes at every address of a WARC file; yields the server's, and the ranges asked for."""
    ranges: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if not self.path.endswith(".warc.gz"):
                self.send_error(404)
                return
            asked = self.headers.get("Range")
            part = content
            if asked:
                ranges.append(asked)
                first, _, last = asked.removeprefix("bytes=").partition("-")
                part = content[int(first) : int(last) + 1]
            self.send_response(206 if asked else 200)
            self.send_header("Content-Length", str(len(part)))
            self.send_header("ETag", '"one"')
            self.send_header("Accept-Ranges", "bytes")
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(part)

        do_HEAD = do_GET

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", ranges
    finally:
        server.shutdown()
        server.server_close()


def read(parts: Path, *words: str) -> Result:
    typed = ["bulk", "read", *words, "--to", str(parts), "--processes", "1"]
    return CliRunner().invoke(policy_archive, typed, standalone_mode=False)


def texts(parts: Path) -> list[tuple[str, ...]]:
    found = duckdb.connect().execute(f"select original, timestamp, text_sha256 from '{parts}/part-*.parquet'")
    return sorted(found.fetchall(), key=str)


def test_a_file_at_an_address_is_read_as_one_of_this_machine(tmp_path: Path) -> None:
    with serving(WARC.read_bytes()) as (url, _):
        result = read(tmp_path / "there", f"{url}/crawls/{WARC.name}")
        assert (result.exception, result.return_value) == (None, 0)
        again = read(tmp_path / "there", f"{url}/crawls/{WARC.name}")
        assert "0 read, 1 read before" in again.stderr
    read(tmp_path / "here", str(WARC))
    assert texts(tmp_path / "there") == texts(tmp_path / "here") != []
    names = {path.name for path in (tmp_path / "there").glob("part-*")}
    assert names == {path.name for path in (tmp_path / "here").glob("part-*")}


def test_rows_of_an_index_are_fetched_from_below_an_address(tmp_path: Path) -> None:
    kept = keep_index(WarcFile(path=WARC, name=WARC.name, container=WARC), tmp_path / "index")
    lines = list(kept.iter_lines())
    (tmp_path / "a.cdxj").write_bytes(b"".join(lines))
    with serving(WARC.read_bytes()) as (url, ranges):
        result = read(tmp_path / "there", str(tmp_path / "a.cdxj"), "--base", f"{url}/crawls")
    assert (result.exception, result.return_value) == (None, 0)
    assert len(ranges) == len(lines)
    read(tmp_path / "here", str(WARC))
    assert texts(tmp_path / "there") == texts(tmp_path / "here") != []


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/a.warc.gz", "nosuch://x/a.warc.gz"])
def test_an_address_where_nothing_is_gets_one_sentence(tmp_path: Path, address: str) -> None:
    error = read(tmp_path / "parts", address).exception
    assert error is not None and str(error).startswith(f"'{address}' cannot be ")
    assert not BulkFolder(tmp_path / "parts").is_there()
