"""WARC files as users have them: in folders below folders, in WACZ files, cut, gzipped as one piece."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import httpx
import pytest

from policy_archive.archive_server.server import ArchiveServer
from policy_archive.archive_server.warc import WarcSource
from policy_archive.archive_server.warc_files import find_warcs, unpack_warcs
from policy_archive.crawler.core.errors import UsageError

BODY = b"<h1>Privacy policy</h1>" + b"<p>We share nothing, paragraph after paragraph.</p>" * 40


def write_warc(*, packed: bool = True, chunked: bool = False) -> bytes:
    """Return a WARC file of two captures of one page."""
    framing = b"Transfer-Encoding: chunked\r\n" if chunked else b""
    body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY) if chunked else BODY
    http = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n" + framing + b"\r\n" + body
    records = [
        f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:uuid:{year}>\r\n"
        f"WARC-Target-URI: https://x.example/privacy\r\nWARC-Date: {year}-01-01T00:00:00Z\r\n"
        f"Content-Type: application/http; msgtype=response\r\nContent-Length: {len(http)}\r\n\r\n".encode()
        + http
        + b"\r\n\r\n"
        for year in (2018, 2019)
    ]
    return b"".join(map(gzip.compress, records) if packed else records)


def test_files_are_found_in_folders_below_folders(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    for name in ("z.warc", "a/one.warc.gz", "a/b/two.WACZ", "a/b/notes.txt"):
        (tmp_path / name).write_bytes(b"")
    assert [path.name for path in find_warcs([tmp_path])] == ["two.WACZ", "one.warc.gz", "z.warc"]
    (tmp_path / "none").mkdir()
    with pytest.raises(UsageError, match="holds no WARC files"):
        find_warcs([tmp_path / "none"])


def test_the_warc_files_of_a_wacz_are_served(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "crawl.wacz", "w") as archive:
        archive.writestr("archive/../../../data.warc.gz", write_warc())
        archive.writestr("archive/data.warc.gz", write_warc(packed=False))
        archive.writestr("pages/pages.jsonl", "{}")
    with unpack_warcs(find_warcs([tmp_path])) as files:
        assert [file.name for file in files] == ["crawl.wacz: data.warc.gz"] * 2
        rows = list(WarcSource(file.path for file in files).iter_rows())
        assert [row.timestamp[:4] for row in rows] == ["2018", "2019"] * 2
        assert not (tmp_path.parent / "data.warc.gz").exists()
    assert not any(file.path.exists() for file in files)


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"no zip", "no WACZ"), (b"PK\x03\x04cut", "no WACZ")],
)
def test_a_damaged_wacz_is_one_sentence(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "x.wacz").write_bytes(content)
    with pytest.raises(UsageError, match=words), unpack_warcs([tmp_path / "x.wacz"]):
        pass


def test_a_wacz_that_is_a_bomb_or_empty_is_not_unpacked(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.wacz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.warc", b"0" * 10_000_000)
    with pytest.raises(UsageError, match="20 times"), unpack_warcs([tmp_path / "bomb.wacz"]):
        pass
    with zipfile.ZipFile(tmp_path / "empty.wacz", "w") as archive:
        archive.writestr("pages/pages.jsonl", "{}")
    with pytest.raises(UsageError, match="holds no WARC"), unpack_warcs([tmp_path / "empty.wacz"]):
        pass


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("chunked", [True, False])
def test_a_file_that_is_cut_serves_its_last_record_as_cut_and_is_named(
    tmp_path: Path, packed: bool, chunked: bool
) -> None:
    path = tmp_path / "cut.warc"
    whole = write_warc(packed=packed, chunked=chunked)
    path.write_bytes(whole[: -(60 if packed else 400)])
    source = WarcSource([path])
    rows = sorted(source.iter_rows(), key=lambda row: row.timestamp)
    assert [source.load(row).is_cut for row in rows] == [False, True]
    assert [fault.reason.partition(":")[0] for fault in source.faults] == ["cut in the record of https"]
    path.write_bytes(whole)
    source = WarcSource([path])
    assert [source.load(row).is_cut for row in list(source.iter_rows())] == [False, False]
    assert source.faults == []


def test_a_cut_record_is_served_with_a_length_that_it_does_not_have(tmp_path: Path) -> None:
    path = tmp_path / "cut.warc"
    path.write_bytes(write_warc(packed=False)[:-400])
    with ArchiveServer([path]) as archive:
        place = f"{archive.url}/web/{{}}id_/https://x.example/privacy"
        whole, cut = (httpx.get(place.format(f"{year}0101000000")) for year in (2018, 2019))
    assert whole.content == BODY
    assert "x-archive-orig-content-length" not in whole.headers
    assert BODY.startswith(cut.content)
    assert int(cut.headers["x-archive-orig-content-length"]) > len(cut.content)


def test_a_file_gzipped_as_one_piece_is_named_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "whole.warc.gz"
    path.write_bytes(gzip.compress(write_warc(packed=False)))
    with pytest.raises(UsageError, match="warcio recompress"):
        list(WarcSource([path]).iter_rows())
    forgiving = WarcSource([path], forgiving=True)
    assert len(list(forgiving.iter_rows())) <= 1
    assert "one piece" in forgiving.faults[0].reason
