"""The archive over real HTTP: replay as the Wayback Machine serves it, and the log."""

from __future__ import annotations

import hashlib
from base64 import b32encode
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy_archive.archive_server.answers import Request
from policy_archive.archive_server.server import Archive, ArchiveServer
from policy_archive.archive_server.wire import encode_answer

from ..support.patience import PATIENCE


def test_a_capture_is_served_with_its_bytes_and_the_memento_headers(client: httpx.Client, tiny: Any) -> None:
    answer = client.get("/web/20180127122821id_/https://www.x.example/privacy")
    assert answer.status_code == 200
    assert answer.content == tiny.bodies["20180127122821"]
    assert answer.headers["memento-datetime"] == "Sat, 27 Jan 2018 12:28:21 GMT"
    assert answer.headers["x-archive-orig-server"] == "tiny"
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


def test_another_spelling_of_the_address_gets_the_capture_and_its_true_original(client: httpx.Client) -> None:
    answer = client.get("/web/20180127122821id_/http%3A//X.example%3A80/privacy/")
    assert answer.status_code == 200
    assert '<https://www.x.example/privacy>; rel="original"' in answer.headers["link"]


def test_another_time_leads_to_the_nearest_capture_with_the_reason(client: httpx.Client) -> None:
    answer = client.get("/web/20180130000000id_/https://www.x.example/privacy")
    assert answer.status_code == 302
    assert "memento-datetime" not in answer.headers
    assert answer.headers["x-archive-redirect-reason"] == "found capture at 20180127122821"
    assert answer.headers["location"].endswith("/web/20180127122821id_/https://www.x.example/privacy")
    assert answer.content == b""


@pytest.mark.parametrize(
    ("asked", "served"),
    [("2018", "20180301000000"), ("201801", "20180127122821"), ("1999", "20170101000000")],
)
def test_fewer_digits_mean_the_latest_capture_in_that_period(
    client: httpx.Client, asked: str, served: str
) -> None:
    answer = client.get(f"/web/{asked}id_/https://www.x.example/privacy")
    assert answer.headers["location"].split("/web/")[1].startswith(served)


def test_a_captured_redirect_keeps_its_time_and_leads_into_the_archive(client: httpx.Client) -> None:
    answer = client.get("/web/20190101000000id_/http://x.example/old")
    assert answer.status_code == 301
    assert answer.headers["memento-datetime"]
    assert answer.headers["location"].endswith("/web/20190101000000id_/https://www.x.example/privacy")
    assert answer.headers["x-archive-orig-location"] == "https://www.x.example/privacy"


def test_a_captured_429_is_a_capture(client: httpx.Client) -> None:
    answer = client.get("/web/20200101000000id_/http://x.example/busy")
    assert answer.status_code == 429
    assert answer.headers["memento-datetime"]
    assert answer.headers["x-archive-orig-retry-after"] == "3600"
    assert "retry-after" not in answer.headers


def test_a_revisit_has_the_body_of_its_original(client: httpx.Client, tiny: Any) -> None:
    answer = client.get("/web/20180301000000id_/https://www.x.example/privacy")
    assert (answer.status_code, answer.content) == (200, tiny.bodies["20180127122821"])


def test_what_was_never_archived_is_404(client: httpx.Client) -> None:
    answer = client.get("/web/20180127122821id_/http://y.example/")
    assert answer.status_code == 404
    assert "<h2>Hrm.</h2>" in answer.text
    assert "memento-datetime" not in answer.headers


def test_the_digest_of_the_index_is_that_of_the_body(client: httpx.Client) -> None:
    rows = client.get("/cdx/search/cdx?url=x.example/privacy&filter=statuscode:200").text.splitlines()
    assert rows
    for row in rows:
        _, timestamp, original, _, _, digest, _ = row.split(" ")
        body = client.get(f"/web/{timestamp}id_/{original}").content
        assert b32encode(hashlib.sha1(body).digest()).decode() == digest


_PIECES = [
    "/web/",
    "2018",
    "20180127122821",
    "id_",
    "/",
    "http://",
    "https%3A//",
    "x.example",
    "/privacy",
    "?",
    "&",
    "url=",
    "matchType=domain",
    "limit=",
    "-1",
    "/cdx/search/cdx",
    "/web/timemap/json",
    "/web/timemap/link/",
    "filter=",
    "!~",
    "statuscode:",
    "(",
    "[",
    "collapse=",
    "from=",
    "sort=closest",
    "closest=",
    "%",
    "%zz",
    "é",
    "\x00",
    ":99999999",
    "[::1",
    "@",
    "#",
    "..",
    "resumeKey=",
    "showResumeKey=true",
    "output=json",
    "fl=",
]


@given(target=st.lists(st.sampled_from(_PIECES) | st.text(max_size=5), max_size=12).map("".join))
def test_whatever_is_asked_for_gets_an_answer(tiny: Any, target: str) -> None:
    request = Request(
        method="GET",
        target=f"/{target.removeprefix('/')}",
        headers={"user-agent": "test"},
        peer="127.0.0.1",
        connection=1,
        monotonic=0,
    )
    answer = Archive(tiny).respond(request)
    assert answer.status in (200, 301, 302, 400, 404, 429)
    assert encode_answer(answer).startswith(b"HTTP/1.1 ")


def test_a_query_in_the_target_is_taken_raw(client: httpx.Client) -> None:
    answer = client.get("/web/20210101000000id_/http://x.example/p?b=2&a=1")
    assert answer.content == b"query"


def test_without_a_user_agent_the_answer_is_400(archive: ArchiveServer) -> None:
    with httpx.Client(base_url=archive.url) as client:
        del client.headers["user-agent"]
        assert client.get("/cdx/search/cdx?url=x.example").status_code == 400


def test_the_time_gate_leads_to_the_capture_nearest_to_the_date(client: httpx.Client) -> None:
    answer = client.get(
        "/web/https://x.example/privacy", headers={"accept-datetime": "Sun, 28 Jan 2018 00:00:00 GMT"}
    )
    assert "/web/20180127122821/" in answer.headers["location"]


def test_a_timemap_lists_every_capture(client: httpx.Client) -> None:
    answer = client.get("/web/timemap/link/https://x.example/privacy")
    assert answer.text.count("memento") == 3
    assert answer.headers["content-type"] == "application/link-format"


def test_one_client_keeps_one_connection_and_the_log_says_so(
    archive: ArchiveServer, client: httpx.Client
) -> None:
    for _ in range(5):
        client.get("/cdx/search/cdx?url=x.example/privacy")
    client.get("/web/20180127122821id_/https://www.x.example/privacy")
    assert [entry.kind for entry in archive.log] == ["index"] * 5 + ["replay"]
    assert {entry.connection for entry in archive.log} == {1}
    assert [entry.monotonic for entry in archive.log] == sorted(entry.monotonic for entry in archive.log)


def test_ten_requests_sent_at_once_on_one_connection_are_answered_in_order(archive: ArchiveServer) -> None:
    import socket

    host, port = archive.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as connection:
        head = "HTTP/1.1\r\nHost: x\r\nUser-Agent: t\r\n"
        requests = "".join(f"GET /web/2018012712282{n}id_/http://n.example/ {head}\r\n" for n in range(9))
        last = f"GET /web/20210101000000id_/http://x.example/p?a=1&b=2 {head}Connection: close\r\n\r\n"
        connection.sendall((requests + last).encode())
        received = b""
        while data := connection.recv(65536):
            received += data
    assert received.count(b"HTTP/1.1 404 Not Found") == 9
    assert received.endswith(b"query")


def test_by_a_foreign_name_and_from_a_foreign_page_nothing_is_served() -> None:
    with ArchiveServer(allowed_hosts=("archive.example",)) as archive:

        def ask(**headers: str) -> int:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return httpx.get(f"{archive.url}/cdx/search/cdx?url=x.example", headers=named).status_code

        assert ask() == ask(host="archive.example:8080") == ask(host="localhost") == 200
        assert ask(host="evil.example") == 403
        assert ask(sec_fetch_site="cross-site", sec_fetch_mode="no-cors") == 403
