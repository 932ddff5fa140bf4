"""Every fault does at the wire what its name says, and nothing else."""

from __future__ import annotations

import gzip
import socket
import time
import zlib
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import brotlicffi
import httpx
import pytest
import zstandard

from policy_archive.archive_server import faults
from policy_archive.archive_server.log import count_busiest
from policy_archive.archive_server.server import ArchiveServer

from ..support.patience import PATIENCE

CAPTURE = "/web/20180127122821id_/https://www.x.example/privacy"
ROWS = "/cdx/search/cdx?url=x.example/privacy"
BODY = b"<p>second</p>"


def send_raw(archive: ArchiveServer, target: str) -> bytes:
    """Return every byte that comes for one request on a connection of its own."""
    address = urlsplit(archive.url)
    with socket.create_connection((address.hostname, address.port), timeout=PATIENCE) as connection:
        connection.sendall(
            f"GET {target} HTTP/1.1\r\nHost: x\r\nUser-Agent: t\r\nConnection: close\r\n\r\n".encode()
        )
        received = b""
        while data := connection.recv(65536):
            received += data
        return received


def split_raw(archive: ArchiveServer, target: str) -> tuple[str, bytes]:
    """Return head and body as they came."""
    head, _, body = send_raw(archive, target).partition(b"\r\n\r\n")
    return head.decode("latin-1"), body


def test_every_fault_is_documented() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "archive-server.md").read_text("utf-8")
    undocumented = [name for name in faults.__all__ if f"`{name}" not in page and f".{name}" not in page]
    assert undocumented == []


def test_selectors_say_which_requests_are_struck(archive: ArchiveServer, client: httpx.Client) -> None:
    archive.faults = [faults.ServerError(when=faults.index, after=1, times=2)]
    assert [client.get(ROWS).status_code for _ in range(5)] == [200, 503, 503, 200, 200]
    assert client.get(CAPTURE).status_code == 200
    archive.faults = [faults.ServerError(when=faults.about("privacy"))]
    assert client.get(CAPTURE).status_code == 503
    assert client.get("/web/20190101000000id_/http://x.example/old").status_code == 301


def test_chance_strikes_its_share_the_same_in_every_run_and_not_for_ever(
    archive: ArchiveServer, client: httpx.Client
) -> None:
    def run() -> list[int]:
        archive.faults = [faults.ServerError(chance=0.2)]
        return [client.get(f"/web/2018id_/http://x.example/{n}").status_code for n in range(200)]

    first = run()
    assert 20 <= first.count(503) <= 60
    assert run() == first
    archive.faults = [faults.ServerError(chance=0.5)]
    assert {client.get(CAPTURE).status_code for _ in range(20)} == {200, 503}


@pytest.mark.parametrize(
    "value", [None, "5", "86400", "-1", "soon", pytest.param(faults.http_date(90), id="date")]
)
def test_rate_limited_speaks_for_the_archive(
    archive: ArchiveServer, client: httpx.Client, value: str | None
) -> None:
    archive.faults = [faults.RateLimited(retry_after=value)]
    answer = client.get(CAPTURE)
    assert answer.status_code == 429
    assert answer.headers.get("retry-after") == value
    assert "memento-datetime" not in answer.headers
    assert "429 Too Many Requests" in answer.text


def test_a_date_in_retry_after_lies_ahead() -> None:
    ahead = parsedate_to_datetime(faults.http_date(90)).timestamp() - time.time()
    assert 85 < ahead < 95


def test_a_storm_ends_by_itself(archive: ArchiveServer, client: httpx.Client) -> None:
    archive.faults = [faults.RateLimited(for_seconds=0.3)]
    assert client.get(ROWS).status_code == 429
    time.sleep(0.35)
    assert client.get(ROWS).status_code == 200


def test_pools_count_index_and_replay_apart(archive: ArchiveServer, client: httpx.Client) -> None:
    archive.faults = [faults.Pools(index_per_minute=3, replay_per_minute=5)]
    assert [client.get(ROWS).status_code for _ in range(5)] == [200, 200, 200, 429, 429]
    assert [client.get(CAPTURE).status_code for _ in range(6)] == [200] * 5 + [429]


def test_who_ignores_429_is_refused_and_let_in_again_later(
    archive: ArchiveServer, client: httpx.Client
) -> None:
    archive.faults = [faults.Pools(index_per_minute=1, patience=2, refuse_seconds=0.4)]
    assert [client.get(ROWS).status_code for _ in range(3)] == [200, 429, 429]
    with pytest.raises(httpx.TransportError):
        client.get(ROWS)
    time.sleep(0.1)
    with pytest.raises(httpx.ConnectError):
        client.get(CAPTURE)
    assert archive.log[-1].status == 0
    archive.faults = []
    time.sleep(0.6)
    assert client.get(CAPTURE).status_code == 200


def test_a_reset_is_no_answer_and_the_next_one_is_right(archive: ArchiveServer, client: httpx.Client) -> None:
    archive.faults = [faults.Reset(times=1)]
    with pytest.raises(httpx.ReadError):
        client.get(CAPTURE)
    assert client.get(CAPTURE).content == BODY


def test_domain_queries_time_out_and_narrow_ones_do_not(archive: ArchiveServer, client: httpx.Client) -> None:
    archive.faults = [faults.ServerError(status=504, when=faults.domain_queries)]
    assert client.get("/cdx/search/cdx?url=x.example&matchType=domain").status_code == 504
    assert client.get("/cdx/search/cdx?url=*.x.example").status_code == 504
    assert client.get("/cdx/search/cdx?url=x.example&matchType=host").status_code == 200


def test_index_trouble_is_text_with_an_exception(archive: ArchiveServer, client: httpx.Client) -> None:
    archive.faults = [faults.IndexTrouble()]
    answer = client.get(ROWS)
    assert answer.status_code == 503
    assert answer.text.strip() == answer.headers["x-archive-wayback-runtime-error"]


def test_slow_is_late_and_right(archive: ArchiveServer, client: httpx.Client) -> None:
    archive.faults = [faults.Slow(seconds=0.3)]
    began = time.monotonic()
    assert client.get(CAPTURE).content == BODY
    assert time.monotonic() - began >= 0.3


def test_maintenance_is_a_page_with_status_200(archive: ArchiveServer, client: httpx.Client) -> None:
    archive.faults = [faults.Maintenance()]
    answer = client.get(ROWS)
    assert (answer.status_code, answer.text[:15]) == (200, "<!DOCTYPE html>")


@pytest.mark.parametrize(
    ("form", "status", "words"),
    [
        ("403", 403, "Blocked Site Error"),
        ("robots", 403, "Blocked By Robots"),
        ("200", 200, "has been excluded"),
        ("page", 200, "has been excluded"),
    ],
)
def test_an_excluded_site_has_four_forms(
    archive: ArchiveServer, client: httpx.Client, form: str, status: int, words: str
) -> None:
    archive.faults = [faults.Blocked(form=form)]
    for target in (ROWS, CAPTURE):
        answer = client.get(target)
        assert answer.status_code == status
        assert words in answer.text
        assert "memento-datetime" not in answer.headers


def test_not_archived_is_the_hrm_page(archive: ArchiveServer, client: httpx.Client) -> None:
    archive.faults = [faults.NotArchived()]
    assert "Hrm." in client.get(CAPTURE).text
    assert client.get(ROWS).status_code == 200


@pytest.mark.parametrize(
    ("how", "header"), [("length", "content-length: 13"), ("chunked", "transfer-encoding: chunked")]
)
def test_a_truncated_body_is_shorter_than_its_framing_says(
    archive: ArchiveServer, client: httpx.Client, how: str, header: str
) -> None:
    archive.faults = [faults.Truncated(share=0.5, how=how)]
    head, body = split_raw(archive, CAPTURE)
    assert header in head
    assert BODY[:6] in body and BODY[:7] not in body
    with pytest.raises(httpx.RemoteProtocolError):
        client.get(CAPTURE)


@pytest.mark.parametrize("how", ["close", "silent"])
def test_a_body_may_be_cut_so_that_http_does_not_tell(
    archive: ArchiveServer, client: httpx.Client, how: str
) -> None:
    archive.faults = [faults.Truncated(share=0.5, how=how)]
    answer = client.get(CAPTURE)
    assert (answer.status_code, answer.content) == (200, BODY[:6])


def test_a_disconnect_comes_at_its_byte(archive: ArchiveServer) -> None:
    archive.faults = [faults.Disconnect(at_byte=3)]
    assert split_raw(archive, CAPTURE)[1] == BODY[:3]


def test_gzip_is_for_those_who_accept_it(archive: ArchiveServer, client: httpx.Client) -> None:
    archive.faults = [faults.Gzip()]
    answer = client.get(CAPTURE)
    assert (answer.headers["content-encoding"], answer.content) == ("gzip", BODY)
    assert "content-encoding" not in client.get(ROWS, headers={"accept-encoding": "identity"}).headers


def test_gzip_within_gzip_and_gzip_unsaid(archive: ArchiveServer, client: httpx.Client) -> None:
    archive.faults = [faults.DoubleGzip()]
    assert gzip.decompress(client.get(CAPTURE).content) == BODY
    archive.faults = [faults.RawGzip()]
    answer = client.get(CAPTURE)
    assert "content-encoding" not in answer.headers
    assert gzip.decompress(answer.content) == BODY


def test_an_empty_content_encoding_stands_beside_gzip(archive: ArchiveServer) -> None:
    archive.faults = [faults.EmptyContentEncoding()]
    head, body = split_raw(archive, CAPTURE)
    encodings = [line for line in head.split("\r\n") if line.startswith("Content-Encoding:")]
    assert encodings == ["Content-Encoding: ", "Content-Encoding: gzip"]
    assert gzip.decompress(body) == BODY


@pytest.mark.parametrize(
    "fault",
    [faults.WrongContentEncoding(encoding="gzip"), faults.DamagedGzip(), faults.DamagedGzip(share=0.5)],
)
def test_what_cannot_be_unpacked_is_labelled_gzip(archive: ArchiveServer, fault: faults.Fault) -> None:
    archive.faults = [fault]
    head, body = split_raw(archive, CAPTURE)
    assert "Content-Encoding: gzip" in head
    with pytest.raises((OSError, EOFError, zlib.error)):
        gzip.decompress(body)


@pytest.mark.parametrize(
    ("encoding", "unpack"),
    [
        ("gzip", gzip.decompress),
        ("deflate", zlib.decompress),
        ("br", brotlicffi.decompress),
        ("zstd", lambda packed: zstandard.ZstdDecompressor().stream_reader(packed).read()),
    ],
)
def test_a_bomb_is_small_on_the_wire(archive: ArchiveServer, encoding: str, unpack: Any) -> None:
    archive.faults = [faults.Bomb(megabytes=5, encoding=encoding)]
    head, body = split_raw(archive, CAPTURE)
    assert f"Content-Encoding: {encoding}" in head
    assert len(body) < 20_000
    assert len(unpack(body)) == 5_000_000


def test_a_bomb_can_come_in_members(archive: ArchiveServer) -> None:
    archive.faults = [faults.Bomb(megabytes=20, members=10)]
    body = split_raw(archive, CAPTURE)[1]
    assert body.count(body[:10]) == 10
    assert len(gzip.decompress(body)) == 20_000_000


def test_a_charset_can_be_missing(archive: ArchiveServer, client: httpx.Client) -> None:
    archive.faults = [faults.MissingCharset()]
    answer = client.get(CAPTURE)
    assert answer.headers["content-type"] == "text/html"
    assert answer.headers["x-archive-orig-content-type"] == "text/html"


def test_a_body_can_be_swapped_and_stays_a_capture(archive: ArchiveServer, client: httpx.Client) -> None:
    archive.faults = [faults.Body(body=b"Just a moment...", status=403)]
    answer = client.get(CAPTURE)
    assert (answer.status_code, answer.text) == (403, "Just a moment...")
    assert answer.headers["memento-datetime"]


def test_drift_leads_to_the_capture_that_is_played(archive: ArchiveServer, client: httpx.Client) -> None:
    archive.faults = [faults.Drift(to="20170101000000")]
    answer = client.get(CAPTURE)
    assert (answer.status_code, answer.headers["x-archive-redirect-reason"]) == (
        302,
        "found capture at 20170101000000",
    )
    assert client.get(answer.headers["location"]).content == b"<p>first</p>"


@pytest.mark.parametrize("location", faults.HOSTILE_LOCATIONS)
@pytest.mark.parametrize("captured", [False, True], ids=["archive", "captured"])
def test_a_hostile_location_is_sent_as_it_is(archive: ArchiveServer, location: str, captured: bool) -> None:
    archive.faults = [faults.Redirected(location=location, captured=captured)]
    head = split_raw(archive, CAPTURE)[0]
    assert f"\r\nLocation: {location}\r\n" in head
    assert ("memento-datetime" in head) is captured


def test_a_location_can_smuggle_in_a_header(archive: ArchiveServer) -> None:
    archive.faults = [faults.CrLfLocation()]
    assert "\r\nSet-Cookie: smuggled=1\r\n" in split_raw(archive, CAPTURE)[0]


@pytest.mark.parametrize("steps", [1, 2, 30])
def test_a_loop_comes_back_after_its_steps(archive: ArchiveServer, client: httpx.Client, steps: int) -> None:
    archive.faults = [faults.Loop(steps=steps)]
    seen = []
    location = archive.url + CAPTURE
    for _ in range(steps):
        seen.append(location)
        answer = client.get(location)
        assert answer.headers["memento-datetime"]
        location = answer.headers["location"]
    assert location == seen[0]
    assert len(set(seen)) == steps


@pytest.mark.parametrize(
    ("form", "start"),
    [("absolute", "http://127"), ("path", "/web/"), ("scheme-relative", "//127"), ("https", "https://127")],
)
def test_a_captured_location_has_the_form_asked_for(
    archive: ArchiveServer, client: httpx.Client, form: str, start: str
) -> None:
    archive.faults = [faults.LocationForm(form=form)]
    answer = client.get("/web/20190101000000id_/http://x.example/old")
    assert answer.headers["location"].startswith(start)
    assert answer.headers["location"].endswith("/web/20190101000000id_/https://www.x.example/privacy")


def read_lines(client: httpx.Client, **parameters: Any) -> list[list[str]]:
    answer = client.get("/cdx/search/cdx", params={"url": "x.example/privacy"} | parameters)
    return [line.split(" ") for line in answer.text.splitlines()]


def test_rows_stand_twice(archive: ArchiveServer, client: httpx.Client) -> None:
    archive.faults = [faults.Duplicates()]
    lines = read_lines(client)
    assert len(lines) == 6
    assert lines[0::2] == lines[1::2]


def test_rows_have_twins_of_the_same_second_that_replay(archive: ArchiveServer, client: httpx.Client) -> None:
    archive.faults = [faults.Twins()]
    lines = read_lines(client)
    assert lines[1][:3] == ["example,x)/privacy", lines[0][1], "http://www.x.example/privacy"]
    bodies = [client.get(f"/web/{line[1]}id_/{line[2]}").content for line in lines[:2]]
    assert bodies[0] == bodies[1]


def test_malformed_rows_stand_between_the_good_ones(archive: ArchiveServer, client: httpx.Client) -> None:
    archive.faults = [faults.MalformedRows()]
    lines = read_lines(client)
    good = [line for line in lines if len(line) == 7 and len(line[1]) == 14 and line[1][4:8] != "9999"]
    assert len([line for line in good if line[1].isdigit()]) == 3
    assert {len(line) for line in lines} == {1, 4, 7, 8}


def test_fields_can_be_unknown_negative_junk_or_of_the_year_2000(
    archive: ArchiveServer, client: httpx.Client
) -> None:
    archive.faults = [faults.UnknownFields()]
    assert {(line[3], line[4], line[6]) for line in read_lines(client)} == {("unk", "-", "-")}
    archive.faults = [faults.NegativeLength()]
    assert {line[6] for line in read_lines(client)} == {"-974"}
    archive.faults = [faults.JunkOriginals(every=2)]
    assert len(read_lines(client)) == 3 + 2 * 4
    archive.faults = [faults.BadTimestamps()]
    assert read_lines(client)[1][1] == "20180001271228"


def test_rows_of_equal_digest_become_revisits(archive: ArchiveServer, client: httpx.Client) -> None:
    archive.faults = [faults.Revisit(), faults.Duplicates()]
    assert [line[3] for line in read_lines(client)] == ["text/html", "warc/revisit"] * 2 + [
        "warc/revisit"
    ] * 2


def follow_keys(client: httpx.Client, pages: int) -> Iterator[tuple[int, str | None]]:
    """Yield the number of rows and the key of each page."""
    key: str | None = None
    for _ in range(pages):
        more = {"resumeKey": key} if key else {}
        lines = read_lines(client, limit=2, showResumeKey="true", **more)
        rows = [line for line in lines if len(line) == 7]
        key = lines[-1][0] if [""] in lines else None
        yield len(rows), key
        if key is None:
            return


def test_resume_keys_come_in_every_kind(archive: ArchiveServer, client: httpx.Client) -> None:
    def run(style: str) -> list[tuple[int, str | None]]:
        archive.faults = [faults.ResumeKey(style=style)]
        return list(follow_keys(client, 6))

    assert [rows for rows, _ in run("old")] == [2, 1]
    assert str(run("old")[0][1]).startswith("example%2Cx%29%2Fprivacy+2018012712282")
    assert [rows for rows, _ in run("empty-page")] == [0, 2, 2, 1]  # a new key repeats its second
    assert len({key for _, key in run("repeats")}) == 1
    assert len({key for _, key in run("cycles")}) == 2
    assert run("none") == [(2, None)]


def test_the_mixture_strikes_about_its_share_and_a_second_try_mostly_goes_well(
    archive: ArchiveServer, client: httpx.Client
) -> None:
    archive.faults = faults.build_mixture(0.3)

    def is_right() -> bool:
        try:
            answer = client.get(CAPTURE)
            return answer.content == BODY and answer.headers["content-type"].endswith("utf-8")
        except httpx.ConnectError:  # for 0.3 s all are refused: patience
            time.sleep(0.35)
            return False
        except (httpx.TransportError, httpx.DecodingError):
            return False

    right = [is_right() for _ in range(300)]
    assert 180 < sum(right) < 285
    struck = {type(fault).__name__ for fault in archive.faults if fault.struck}
    assert len(struck) > 8


def test_the_busiest_window_is_found_wherever_it_lies(archive: ArchiveServer, client: httpx.Client) -> None:
    for pause in (0, 0, 0.5, 0, 0, 0):
        time.sleep(pause)
        client.get(ROWS)
    assert count_busiest(archive.log, kind="index", seconds=0.4) == 4
    assert count_busiest(archive.log, kind="index", seconds=60) == 6
    assert count_busiest(archive.log, kind="replay", seconds=60) == 0
