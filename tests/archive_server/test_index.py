"""Searching the index: what matches, in which order, page by page."""

from __future__ import annotations

import base64
import zlib
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy_archive.archive_server.index import Index, Query, build_new_key, build_old_key, read_key
from policy_archive.crawler.core.records import CDX_FIELDS, CdxRow
from policy_archive.crawler.core.urlkeys import urlkey


def build_row(
    url: str, timestamp: str, *, digest: str = "A" * 32, status: str = "200", mimetype: str = "text/html"
) -> CdxRow:
    return CdxRow(
        urlkey=urlkey(url),
        timestamp=timestamp,
        original=url,
        mimetype=mimetype,
        statuscode=status,
        digest=digest,
        length=100,
    )


ROWS = [
    build_row("http://x.example/", "20100101000000", digest="A"),
    build_row("https://www.x.example/", "20120101000000", digest="B", status="301"),
    build_row("http://x.example/privacy", "20100601000000", digest="A"),
    build_row("http://x.example/privacy", "20100602000000", digest="A"),
    build_row("http://x.example/privacy", "20110601000000", digest="B"),
    build_row("http://x.example/privacy", "20120601000000", digest="A", status="-", mimetype="warc/revisit"),
    build_row("http://x.example/privacy/kids", "20130601000000", digest="C"),
    build_row("http://m.x.example/privacy", "20140601000000", digest="D"),
    build_row("http://x.example:8080/privacy", "20150601000000", digest="E"),
    build_row("http://xy.example/privacy", "20160601000000", digest="F"),
]
INDEX = Index(reversed(ROWS))


def search(url: str = "x.example/privacy", **parameters: Any) -> list[str]:
    """Return the timestamps found, cut to year and month."""
    page = INDEX.search(Query(url=url, **parameters))
    return [line[1][:6] for line in page.lines]


@pytest.mark.parametrize(
    ("match_type", "url", "found"),
    [
        ("exact", "HTTPS://WWW.X.example:443/Privacy/", ["201006", "201006", "201106", "201206"]),
        ("prefix", "x.example/priv", ["201006", "201006", "201106", "201206", "201306"]),
        ("prefix", "x.example/privacy/", ["201306"]),
        ("host", "x.example", ["201001", "201201", "201006", "201006", "201106", "201206", "201306"]),
        (
            "domain",
            "x.example",
            ["201001", "201201", "201006", "201006", "201106", "201206", "201306", "201406"],
        ),
    ],
)
def test_a_match_type_finds_its_rows_in_order_of_key_and_time(
    match_type: str, url: str, found: list[str]
) -> None:
    assert search(url, match_type=match_type) == found


@pytest.mark.parametrize(
    ("dates", "found"),
    [
        ({"from_timestamp": "201106"}, ["201106", "201206"]),
        ({"to_timestamp": "2010"}, ["201006", "201006"]),
        ({"from_timestamp": "20100602", "to_timestamp": "20110601000000"}, ["201006", "201106"]),
    ],
)
def test_dates_are_inclusive_and_a_year_means_all_of_it(dates: dict[str, str], found: list[str]) -> None:
    assert search(**dates) == found


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (("statuscode:200",), ["201006", "201006", "201106"]),
        (("statuscode:(200|-)", "!digest:B"), ["201006", "201006", "201206"]),
        (("statuscode:20",), []),
        (("~timestamp:0601",), ["201006", "201106", "201206"]),
        (("!~timestamp:0601",), ["201006"]),
        (("4:-",), ["201206"]),
        ((".*revisit.*",), ["201206"]),
    ],
)
def test_a_filter_matches_the_whole_field_and_all_filters_count(
    filters: tuple[str, ...], found: list[str]
) -> None:
    assert search(filters=filters) == found


def test_collapse_keeps_the_first_of_a_run_and_sees_a_text_that_returns() -> None:
    assert search(collapse=("digest",)) == ["201006", "201106", "201206"]
    assert search(collapse=("timestamp:6",)) == ["201006", "201106", "201206"]
    assert search(collapse=("digest",), filters=("!digest:B",)) == ["201006"]


def test_limit_counts_after_filters_and_offset_before() -> None:
    assert search(limit=2) == ["201006", "201006"]
    assert search(limit=-1) == ["201206"]
    assert search(offset=1, filters=("statuscode:200",)) == ["201006", "201106"]


def test_rows_can_be_sorted_backwards_and_by_nearness() -> None:
    assert search(sort="reverse", limit=1) == ["201206"]
    assert search(sort="closest", closest="20110701", limit=1) == ["201106"]


def read_pages(index: Index, limit: int, build_key: Any) -> list[tuple[str, ...]]:
    """Return what a client gets that follows keys and drops duplicates."""
    lines: dict[tuple[str, ...], None] = {}
    key = ""
    for _ in range(200):
        page = index.search(Query(url="x.example", match_type="domain", limit=limit, resume_key=key))
        lines.update(dict.fromkeys(page.lines))
        if page.next_key is None:
            return list(lines)
        key = build_key(page.lines[-1])
    raise AssertionError("the pages do not end")


@given(
    seconds=st.lists(st.integers(0, 30), min_size=1, max_size=40),
    limit=st.integers(1, 10),
)
def test_pages_under_the_new_key_lose_a_row_only_of_a_second_that_fills_a_page(
    seconds: list[int], limit: int
) -> None:
    rows = [
        build_row("http://x.example/", f"201801010000{second:02d}", digest=str(number))
        for number, second in enumerate(seconds)
    ]
    index = Index(rows)
    got = read_pages(index, limit, build_new_key)
    if max(seconds.count(second) for second in seconds) < limit:
        assert len(got) == len(rows)
    assert {line[1] for line in got} == {row.timestamp for row in rows}


def test_under_the_old_key_rows_of_the_same_second_after_the_cut_are_lost() -> None:
    index = Index([build_row("http://x.example/", "20180101000000", digest=str(n)) for n in range(3)])
    assert len(read_pages(index, 2, build_old_key)) == 2


def test_a_full_last_page_has_a_key_and_the_page_behind_it_is_empty() -> None:
    last = INDEX.search(Query(url="x.example/privacy", limit=4))
    assert last.next_key is not None
    behind = Query(url="x.example/privacy", limit=4, resume_key=build_old_key(last.lines[-1]))
    assert INDEX.search(behind).lines == ()


def test_keys_look_as_the_archive_prints_them() -> None:
    line = ("gov,nasa)/", "20040905075719", *"-----")
    assert build_old_key(line) == "gov%2Cnasa%29%2F+2004090507571%3A"
    assert zlib.decompress(base64.urlsafe_b64decode(build_new_key(line))) == b"gov,nasa)/ 20040905075719"
    assert read_key(build_new_key(line)) == ("gov,nasa)/", "20040905075719")
    assert read_key(build_old_key(line)) == ("gov,nasa)/", "2004090507571:")


def test_text_has_seven_fields_and_an_empty_answer_has_no_bytes(client: httpx.Client) -> None:
    answer = client.get("/cdx/search/cdx", params={"url": "x.example/privacy"})
    assert [len(line.split(" ")) for line in answer.text.splitlines()] == [7, 7, 7]
    assert answer.text.endswith("\n")
    nothing = client.get("/cdx/search/cdx", params={"url": "nobody.example"})
    assert (nothing.status_code, nothing.content) == (200, b"")


@pytest.mark.parametrize("path", ["/cdx/search/cdx?output=json&", "/web/timemap/json?"])
def test_json_has_a_header_row_and_the_key_behind_an_empty_one(client: httpx.Client, path: str) -> None:
    rows = client.get(f"{path}url=x.example/privacy&limit=2&showResumeKey=true").json()
    assert rows[0] == list(CDX_FIELDS)
    assert [len(row) for row in rows[1:3]] == [7, 7]
    assert rows[3] == []
    following = client.get(
        f"{path}limit=2&showResumeKey=true", params={"url": "x.example/privacy", "resumeKey": rows[4][0]}
    )
    assert following.status_code == 200
    assert client.get(f"{path}url=nobody.example").json() == []


def test_fields_come_in_the_order_asked_for(client: httpx.Client) -> None:
    answer = client.get("/cdx/search/cdx?url=x.example/old&fl=statuscode,urlkey,secret")
    assert answer.text == "301 example,x)/old\n"


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("matchType=exact", "url parameter is required"),
        ("url=x.example&filter=statuscode:(", "bad filter"),
        ("url=x.example&filter=nothing:x", "unknown field"),
        ("url=x.example&limit=many", "bad limit"),
        ("url=x.example&resumeKey=x", "bad resumeKey"),
        ("url=x.example&matchType=all", "unknown matchType"),
    ],
)
def test_what_cannot_be_meant_is_400_with_a_sentence(client: httpx.Client, query: str, sentence: str) -> None:
    answer = client.get(f"/cdx/search/cdx?{query}")
    assert answer.status_code == 400
    assert sentence in answer.text


def test_wildcards_stand_for_match_types_and_pages_for_one_page(client: httpx.Client) -> None:
    def count(query: str) -> int:
        return len(client.get(f"/cdx/search/cdx?{query}").text.splitlines())

    assert count("url=*.x.example") == 6
    assert count("url=x.example/p*") == 4
    assert count("url=*.x.example&matchType=exact") == 0
    assert client.get("/cdx/search/cdx?url=x.example&showNumPages=true").text == "1\n"
    assert count("url=*.x.example&page=0") == 6
    assert count("url=*.x.example&page=1") == 0


def test_a_large_domain_is_paged_without_loss() -> None:
    rows = [build_row(f"http://x.example/{n % 50}", f"2018{n:010d}"[:14]) for n in range(2000)]
    assert len(read_pages(Index(rows), 300, build_new_key)) == 2000
