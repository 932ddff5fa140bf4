"""Index queries and answers, without a network."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy_archive.crawler.archive.cdx import (
    Dialect,
    IndexQuery,
    IndexReader,
    build_query_url,
    dialects_to_try,
    parse_index_answer,
    pywb_filter,
)
from policy_archive.crawler.core.errors import BlockedError, CdxError, RateLimitedError, UsageError
from policy_archive.crawler.core.records import CDX_FIELDS

LINE = [
    "com,example)/privacy",
    "20180127122821",
    "http://example.com/privacy",
    "text/html",
    "200",
    "A" * 32,
    "88",
]
BLOCKED = (
    b"org.archive.util.io.RuntimeIOException: "
    b"org.archive.wayback.exception.AdministrativeAccessControlException: Blocked Site Error\n"
)


def line(**changes: str) -> list[str]:
    return [changes.get(name, value) for name, value in zip(CDX_FIELDS, LINE, strict=True)]


def as_json(*lines: list[str], key: str | None = None) -> bytes:
    end = [] if key is None else [[], [key]]
    return json.dumps([list(CDX_FIELDS), *lines, *end]).encode()


def as_text(*lines: list[str], key: str | None = None) -> bytes:
    end = "" if key is None else f"\n{key}\n"
    return ("".join(" ".join(fields) + "\n" for fields in lines) + end).encode()


def parameters(url: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(url).query)


def test_a_query_always_has_a_limit_the_key_fields_and_a_resume_key() -> None:
    query = IndexQuery(url="example.com", match_type="domain", filters=("~urlkey:privacy", "!statuscode:5.."))
    url = build_query_url("https://web.archive.org", query, Dialect.WAYBACK, "com%2Cexample 2018:")
    sent = parameters(url)
    assert url.startswith("https://web.archive.org/cdx/search/cdx?")
    assert sent["filter"] == ["~urlkey:privacy", "!statuscode:5.."]
    assert sent["resumeKey"] == ["com%2Cexample 2018:"]
    assert (sent["matchType"], sent["limit"], sent["showResumeKey"]) == (["domain"], ["25000"], ["true"])
    assert sent["fl"] == [",".join(CDX_FIELDS)]


@pytest.mark.parametrize("dialect", Dialect)
def test_an_address_that_ends_in_an_asterisk_is_no_prefix(dialect: Dialect) -> None:
    url = build_query_url("https://a.example", IndexQuery(url="https://example.com/all/*"), dialect)
    assert parameters(url)["url"] == ["https://example.com/all/*"]
    assert parameters(url)["matchType"] == ["exact"]


def test_an_address_is_escaped_once_as_a_value() -> None:
    page = "https://example.com:8080/%7Ea/ü b?b=2&a=%2Fx+y#z"
    url = build_query_url("https://a.example", IndexQuery(url=page), Dialect.WAYBACK)
    assert url.isascii()
    assert parameters(url)["url"] == [page.replace(" ", "%20")]


def test_an_opaque_key_comes_back_as_it_was_printed() -> None:
    printed = "com%2Ccnn%29%2Fprivacy+2004090507593%3A"
    it = reader()
    it.read(200, as_json(line(), key=printed))
    assert "resumeKey=com%252Ccnn%2529%252Fprivacy%2B2004090507593%253A" in (it.next_url or "")
    assert parameters(it.next_url or "")["resumeKey"] == [printed]


def test_a_pywb_query_has_its_own_words() -> None:
    query = IndexQuery(url="example.com/", filters=("statuscode:200",), from_timestamp="2010")
    url = build_query_url("http://127.0.0.1:8080/dev", query, Dialect.PYWB)
    assert url.startswith("http://127.0.0.1:8080/dev/cdx?")
    assert parameters(url)["filter"] == ["~status:(?:200)$"]


def test_what_waybackpy_refuses_is_the_users_mistake() -> None:
    with pytest.raises(UsageError, match="cannot be asked"):
        build_query_url("https://web.archive.org", IndexQuery(url="x", match_type="any"), Dialect.WAYBACK)
    with pytest.raises(UsageError, match="no index filter"):
        pywb_filter("nonsense")


def test_the_likeliest_dialect_is_tried_first() -> None:
    assert dialects_to_try("https://web.archive.org") == (Dialect.WAYBACK,)
    assert dialects_to_try("http://127.0.0.1:8080") == (Dialect.WAYBACK, Dialect.PYWB)
    assert dialects_to_try("http://127.0.0.1:8080/dev") == (Dialect.PYWB, Dialect.WAYBACK)
    assert dialects_to_try("http://127.0.0.1:8080", "pywb") == (Dialect.PYWB,)


@pytest.mark.parametrize("write", [as_json, as_text])
def test_rows_and_key_are_read_from_arrays_and_from_text(write: object) -> None:
    assert callable(write)
    page = parse_index_answer(200, write(line(), line(timestamp="20190101000000"), key="opaque key+%3A"))
    assert [row.timestamp for row in page.rows] == ["20180127122821", "20190101000000"]
    assert page.resume_key == "opaque key+%3A"
    assert page.rows[0].length == 88


def test_rows_are_read_from_json_lines_and_cdxj() -> None:
    fields = {
        "url": LINE[2],
        "mime": "text/html",
        "status": "200",
        "digest": f"sha1:{LINE[5]}",
        "length": "88",
    }
    ndjson = json.dumps({"urlkey": LINE[0], "timestamp": LINE[1], **fields}) + "\n"
    cdxj = f"{LINE[0]} {LINE[1]} {json.dumps(fields)}\n"
    expected = parse_index_answer(200, as_json(line())).rows
    assert parse_index_answer(200, ndjson.encode()).rows == expected
    assert parse_index_answer(200, cdxj.encode()).rows == expected


@pytest.mark.parametrize("body", [b"", b"\n", b"[]", b"[]\n", as_json()])
def test_an_empty_answer_is_no_rows(body: bytes) -> None:
    page = parse_index_answer(200, body)
    assert (page.rows, page.resume_key) == ((), None)


def test_pywb_says_none_with_404() -> None:
    assert parse_index_answer(404, b'{"message": "No Captures found for: example.com"}').rows == ()
    page = b"<html>" + b"<script>x</script>" * 300 + b"<h1>No Captures found for: example.com</h1>"
    assert parse_index_answer(404, page).rows == ()


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        pytest.param(200, b"<html>Maintenance</html>", CdxError, id="web page with 200"),
        pytest.param(200, b"java.lang.Exception: oh", CdxError, id="a sentence with 200"),
        pytest.param(200, as_json(line())[:-9], CdxError, id="cut short"),
        pytest.param(200, b"[" * 100_000, CdxError, id="nested for ever"),
        pytest.param(403, b"forbidden", CdxError, id="403"),
        pytest.param(404, b"nothing here", CdxError, id="404 that is no pywb"),
        pytest.param(503, b"", CdxError, id="503"),
        pytest.param(504, b"<html>Gateway Time-out</html>", CdxError, id="504"),
        pytest.param(429, b"<h1>429 Too Many Requests</h1>", RateLimitedError, id="429"),
        pytest.param(403, BLOCKED, BlockedError, id="blocked, 403"),
        pytest.param(200, BLOCKED, BlockedError, id="blocked, 200"),
        pytest.param(
            200,
            b"<html>" + b"<i>menu</i>" * 400 + b"This URL has been excluded from the Wayback Machine.",
            BlockedError,
            id="blocked, a page",
        ),
        pytest.param(
            403, BLOCKED.replace(b"Blocked Site Error", b"Blocked By Robots"), BlockedError, id="robots"
        ),
    ],
)
def test_a_failed_answer_raises(status: int, body: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        parse_index_answer(status, body, url="http://a.example/cdx")


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(line()[:6], id="six fields"),
        pytest.param([*line(), "more"], id="eight fields"),
        pytest.param(line(timestamp="2018012712282"), id="13 digits"),
        pytest.param(line(timestamp="00000000000000"), id="no instant"),
        pytest.param(line(timestamp="99991231235959"), id="the future"),
        pytest.param(line(original="data:text/html,x"), id="data URL"),
        pytest.param(line(original="http://x\x00y/"), id="control character"),
        pytest.param(line(urlkey="-"), id="no key"),
    ],
)
def test_a_line_that_is_no_row_is_counted_and_the_others_are_kept(bad: list[str]) -> None:
    page = parse_index_answer(200, as_json(line(), bad))
    assert len(page.rows) == 1
    assert page.malformed == 1


@pytest.mark.parametrize(
    "words", ["AccessControlException", "Blocked Site Error", "Blocked%20By%20Robots No Captures found"]
)
@pytest.mark.parametrize("write", [as_json, as_text])
def test_words_of_a_refusal_in_a_row_are_words(write: Callable[..., bytes], words: str) -> None:
    page = parse_index_answer(200, write(line(original=f"http://example.com/privacy?{words}"), line()))
    assert line()[1] in [row.timestamp for row in page.rows]


def broken(*addresses: str, key: str = "") -> bytes:
    """Return JSON as a server writes it that escapes nothing."""
    rows = [line(original=address) for address in addresses]
    lines = ["[" + ",".join(f'"{field}"' for field in row) + "]" for row in [list(CDX_FIELDS), *rows]]
    return ("[" + ",\n".join([*lines, *(["[]", f'["{key}"]'] if key else [])]) + "]\n").encode()


@pytest.mark.parametrize("hostile", ['http://x/"', "http://x/\\", 'http://x/"],["', "http://x/\\u12"])
@pytest.mark.parametrize("key", ["", "com%2Cexample%29%2F+2018"])
def test_an_address_that_breaks_the_json_costs_its_own_row(hostile: str, key: str) -> None:
    page = parse_index_answer(200, broken("http://example.com/a", hostile, "http://example.com/b", key=key))
    assert [row.original for row in page.rows] == ["http://example.com/a", "http://example.com/b"]
    assert page.malformed >= 1
    assert page.resume_key == (key or None)


@pytest.mark.parametrize("share", [0.3, 0.5, 0.7, 0.9, 0.99])
def test_broken_json_that_is_cut_short_is_cut_short(share: float) -> None:
    body = broken('http://x/"', *(f"http://example.com/{n}" for n in range(20)))
    with pytest.raises(CdxError, match="cut short"):
        parse_index_answer(200, body[: int(len(body) * share)])


def test_what_no_database_can_store_is_no_row() -> None:
    half_a_character = json.dumps(line(original="http://example.com/\ud800")).encode()
    page = parse_index_answer(200, b"[" + half_a_character + b"," + json.dumps(line()).encode() + b"]")
    assert (len(page.rows), page.malformed) == (1, 1)


def test_fields_that_say_nothing_are_unknown() -> None:
    (row,) = parse_index_answer(
        200, as_json(line(statuscode="-", digest="-", length="-974", mimetype="unk"))
    ).rows
    assert (row.statuscode, row.digest, row.length, row.mimetype) == ("-", "-", None, "unk")


def test_revisits_are_kept_and_known_clock_faults_repaired() -> None:
    page = parse_index_answer(
        200, as_json(line(mimetype="warc/revisit", statuscode="-"), line(timestamp="20000012170449"))
    )
    assert [row.timestamp for row in page.rows] == ["20180127122821", "20001217044900"]
    assert page.repaired == 1


def test_second_sixty_is_kept_as_given() -> None:
    (row,) = parse_index_answer(200, as_json(line(timestamp="20161231235960"))).rows
    assert row.timestamp == "20161231235960"


def reader() -> IndexReader:
    return IndexReader(
        archive_url="http://a.example", query=IndexQuery(url="example.com"), dialect=Dialect.WAYBACK
    )


def test_a_page_without_rows_but_with_a_key_is_followed() -> None:
    it = reader()
    it.read(200, as_json(line(), key="one"))
    it.read(200, as_json(key="two"))
    assert it.next_url is not None
    page = it.read(200, as_json(line(timestamp="20190101000000")))
    assert (it.next_url, it.rows, len(page.rows)) == (None, 2, 1)


def test_a_second_that_the_next_page_repeats_is_not_counted_twice() -> None:
    it = reader()
    it.read(200, as_json(line(), line(digest="B" * 32), key="one"))
    page = it.read(200, as_json(line(digest="B" * 32), line(timestamp="20190101000000")))
    assert [row.timestamp for row in page.rows] == ["20190101000000"]
    assert it.duplicates == 1


@pytest.mark.parametrize("keys", [["a", "a"], ["a", "b", "a"]])
def test_a_key_that_comes_again_ends_the_paging(keys: list[str]) -> None:
    it = reader()
    for n, key in enumerate(keys):
        assert it.next_url is not None
        it.read(200, as_json(line(timestamp=f"2018012712282{n}"), key=key))
    assert it.next_url is None
    assert "repeated" in it.stopped


def test_pages_without_rows_do_not_go_on_for_ever() -> None:
    it = reader()
    for n in range(1000):
        if it.next_url is None:
            break
        it.read(200, as_json(key=f"key {n}"))
    assert n < 100
    assert it.stopped


def test_a_reader_stays_where_it_was_when_an_answer_failed() -> None:
    it = reader()
    it.read(200, as_json(line(), key="one"))
    url = it.next_url
    with pytest.raises(CdxError):
        it.read(503, b"")
    assert it.next_url == url


@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from("ABC")), max_size=40))
def test_every_row_comes_once_however_often_it_is_listed(drawn: list[tuple[int, str]]) -> None:
    lines = [line(timestamp=f"201801271228{second:02}", digest=letter * 32) for second, letter in drawn]
    page = parse_index_answer(200, as_json(*lines))
    assert len(page.rows) == len(set(drawn))
    assert len(page.rows) + page.duplicates == len(drawn)


@given(st.binary(max_size=300))
def test_no_bytes_break_the_parser(body: bytes) -> None:
    try:
        page = parse_index_answer(200, body)
    except (CdxError, BlockedError):
        return
    assert page.malformed == 0 or page.rows


def test_an_index_that_never_ends_is_left_at_the_limit_and_that_is_said() -> None:
    it = reader()
    it.most_rows = 5
    pages = 0
    while it.next_url is not None:
        pages += 1
        it.read(200, as_json(line(timestamp=f"2018010100{pages:04}"), key=f"key {pages}"))
    assert (pages, it.rows) == (5, 5)
    assert "more than 5 rows" in it.stopped
