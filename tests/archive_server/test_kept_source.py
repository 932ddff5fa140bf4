"""Indexes of WARC files on disk: they answer as one in memory does, and are of the file as it is."""

from __future__ import annotations

import gzip
import os
import random
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy_archive.archive_server.cdxj import forget_old, merge_files, sort_lines
from policy_archive.archive_server.index import Index, Query
from policy_archive.archive_server.kept_source import KeptSource
from policy_archive.archive_server.warc import WarcSource
from policy_archive.archive_server.warc_files import find_warcs, unpack_warcs
from tests.support.attacks import warc_record, write_warc

URLS = st.sampled_from(
    [
        f"http://{host}/{path}"
        for host in ("a.example", "b.a.example", "é.example")
        for path in ("", "x", "x/y?b=1")
    ]
    + ["no-address"]
)
RECORDS = st.lists(
    st.tuples(URLS, st.integers(2001, 2004), st.booleans(), st.sampled_from([b"<p>1", b"<p>2"]))
)


@contextmanager
def keep(*places: Path, folder: Path) -> Iterator[KeptSource]:
    with unpack_warcs(find_warcs(places)) as files, KeptSource(files, folder) as source:
        yield source


def captures(records: list[tuple[str, int, bool, bytes]]) -> Iterator[Iterator[bytes]]:
    for url, year, is_revisit, body in records:
        kind = "revisit" if is_revisit else "response"
        fields = {"WARC_Target_URI": url, "WARC_Date": f"{year}-01-01T00:00:00Z", "WARC_Type": kind}
        yield warc_record(
            [b"" if is_revisit else body], **fields, WARC_Payload_Digest=f"sha1:{body[-1:].decode()}{url[:4]}"
        )


@settings(deadline=None)
@given(
    RECORDS,
    URLS,
    st.sampled_from(["exact", "prefix", "host", "domain"]),
    st.sampled_from(["", "reverse", "closest"]),
)
def test_all_answers_are_those_of_an_index_in_memory(
    tmp_path_factory: pytest.TempPathFactory,
    records: list[tuple[str, int, bool, bytes]],
    url: str,
    match_type: str,
    sort: str,
) -> None:
    folder = tmp_path_factory.mktemp("warcs")
    write_warc(
        folder / "one.warc.gz",
        *islice(captures(records), 3),
        *captures([("http://z.example", 2000, False, b"<p>3")]),
    )
    write_warc(folder / "two.warc.gz", *captures(records[3:]))
    held = WarcSource(find_warcs([folder]))
    index = Index(held.iter_rows())
    with keep(folder, folder=folder / "kept") as kept:
        assert sorted(map(str, kept.rows)) == sorted(map(str, index.rows))
        query = Query(
            url=url if ":" in url else "http://a.example/", match_type=match_type, sort=sort, closest="2003"
        )
        for one in (query, replace(query, limit=2), replace(query, limit=-2), replace(query, offset=1)):
            ours, theirs = kept.index.search(one), index.search(one)
            assert sorted(ours.lines) == sorted(theirs.lines) if not one.limit and not one.offset else True
            assert [line[:2] for line in ours.lines] == [line[:2] for line in theirs.lines]
        for row in index.rows:
            assert set(kept.index.captures_of(row.urlkey)) == set(index.captures_of(row.urlkey))
            ours_, theirs_ = kept.load(row), held.load(row)
            assert (ours_ and ours_.body) == (theirs_ and theirs_.body)


@pytest.fixture
def warc(tmp_path: Path) -> Path:
    return write_warc(tmp_path / "a.warc.gz", *captures([("http://x.example/", 2018, False, b"<p>1")]))


def test_an_index_is_kept_until_the_file_changes(warc: Path, tmp_path: Path) -> None:
    made = []
    for change in (None, None, b"more", None):
        if change:
            with warc.open("ab") as file:
                file.write(gzip.compress(b"".join(*captures([("http://x.example/b", 2019, False, b"<p>2")]))))
        with keep(warc, folder=tmp_path / "kept") as source:
            made.append((source.made, len(source.rows)))
    assert made == [(1, 1), (0, 1), (1, 2), (0, 2)]
    os.utime(warc, (1, 1))
    with keep(warc, folder=tmp_path / "kept") as source:
        assert source.made == 1


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "of another release", "no text", "end gone"])
def test_a_damaged_index_is_made_anew(warc: Path, tmp_path: Path, damage: str) -> None:
    with keep(warc, folder=tmp_path / "kept"):
        (index,) = (tmp_path / "kept").iterdir()
    whole = index.read_bytes()
    lines = whole.splitlines(keepends=True)
    index.write_bytes(
        {
            "cut": whole[: len(whole) // 2],
            "flipped": whole.replace(b"x.example", b"y.example", 1).replace(b"example)", b"exbmple)"),
            "empty": b"",
            "of another release": whole.replace(b'"format": 2', b'"format": 1'),
            "no text": bytes(random.Random(1).randbytes(400)),
            "end gone": b"".join(lines[:-1]),
        }[damage]
    )
    with keep(warc, folder=tmp_path / "kept") as source:
        assert source.made == 1 and [row.original for row in source.rows] == ["http://x.example/"]
    assert index.read_bytes() == whole
    assert len(list((tmp_path / "kept").iterdir())) == 1  # nothing half is left


def test_members_of_one_name_in_a_wacz_have_their_own_index(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "crawl.wacz", "w") as archive:
        for folder, year in (("a", 2018), ("b", 2019)):
            one = write_warc(tmp_path / "part", *captures([("http://x.example/", year, False, b"<p>1")]))
            archive.write(one, f"{folder}/data.warc.gz")
    for made in (2, 0):
        with keep(tmp_path / "crawl.wacz", folder=tmp_path / "kept") as source:
            assert source.made == made
            assert [row.timestamp[:4] for row in source.rows] == ["2018", "2019"]
            assert all(source.load(row) for row in source.rows)


def test_faults_of_a_file_are_said_each_time(tmp_path: Path) -> None:
    whole = write_warc(tmp_path / "a.warc.gz", *captures([("http://x.example/", 2018, False, b"<p>1" * 99)]))
    whole.write_bytes(gzip.decompress(whole.read_bytes())[:-60])
    cut = whole.rename(tmp_path / "a.warc")
    said = []
    for _ in range(2):
        with keep(cut, folder=tmp_path / "kept") as source:
            said.append([fault.reason for fault in source.faults])
    assert said[0] == said[1] and "cut in the record" in said[0][0]


def test_more_lines_than_are_held_come_in_order(tmp_path: Path) -> None:
    numbers = list(range(250_000))
    random.Random(1).shuffle(numbers)
    lines = [b"%06d\n" % number for number in numbers]
    assert list(sort_lines(lines, tmp_path)) == sorted(lines)
    assert list(sort_lines([], tmp_path)) == []
    files = []
    for number in range(450):
        files.append(tmp_path / str(number))
        files[-1].write_bytes(b"%03d\n" % (449 - number))
    assert b"".join(merge_files(files, tmp_path)) == b"".join(b"%03d\n" % number for number in range(450))


def test_what_nobody_used_for_long_is_forgotten(warc: Path, tmp_path: Path) -> None:
    with keep(warc, folder=tmp_path / "kept"):
        (index,) = (tmp_path / "kept").iterdir()
    old = tmp_path / "kept" / "old.cdxj"
    old.write_bytes(b"")
    os.utime(old, (1, 1))
    forget_old(tmp_path / "kept")
    assert list((tmp_path / "kept").iterdir()) == [index]
