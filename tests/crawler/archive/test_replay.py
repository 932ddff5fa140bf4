"""What kind of answer is it: every form that an archive's answer takes, without a network."""

from __future__ import annotations

import gzip
import zlib

import brotlicffi
import pytest
import zstandard
from hypothesis import example, given
from hypothesis import strategies as st

from policy_archive.crawler.archive.cdx import Dialect
from policy_archive.crawler.archive.content_coding import CodingError, split_codings, unwrap_body
from policy_archive.crawler.archive.replay import (
    Answer,
    Question,
    classify_answer,
    classify_nearest,
    decode_header,
    first_capture,
    is_archive_fault,
    on_archive,
)
from policy_archive.crawler.core.digests import body_digest
from policy_archive.crawler.core.records import CdxRow, Outcome

ARCHIVE = "https://web.archive.org"
PAGE = b"<html><body>" + b"The policy. " * 500 + b"</body></html>"
MEMENTO = {"memento-datetime": "Sat, 27 Jan 2018 12:28:21 GMT", "content-type": "text/html"}
ROW = CdxRow(
    urlkey="com,example)/privacy",
    timestamp="20180127122821",
    original="http://example.com/privacy",
    mimetype="text/html",
    statuscode="200",
    digest=body_digest(PAGE),
    length=100,
)
URL = f"{ARCHIVE}/web/20180127122821id_/http://example.com/privacy"


def play(status: int = 200, body: bytes = PAGE, dialect: Dialect = Dialect.WAYBACK, **headers: str):  # type: ignore[no-untyped-def]
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = Answer(url=URL, status=status, headers=named, body=body)
    return classify_answer(answer, Question(row=ROW, archive_url=ARCHIVE, dialect=dialect, asked=(URL,)))


def captured(status: int = 200, body: bytes = PAGE, dialect: Dialect = Dialect.WAYBACK, **headers: str):  # type: ignore[no-untyped-def]
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return play(status, body, dialect, **{**MEMENTO, **named})


def test_a_capture_is_taken_with_what_it_says_of_itself() -> None:
    link = '<https://example.com:443/privacy>; rel="original", <x>; rel="timegate"'
    playback = captured(link=link)
    assert (playback.outcome, playback.body, playback.digest_matches) == (None, PAGE, True)
    assert playback.served_timestamp == ROW.timestamp
    assert playback.served_original == "https://example.com:443/privacy"


def test_a_body_with_another_digest_is_only_noted() -> None:
    playback = captured(body=PAGE + b"x")
    assert (playback.outcome, playback.digest_matches) == (None, False)


@pytest.mark.parametrize("status", [403, 404, 429, 500, 503])
def test_with_memento_datetime_an_error_is_captured_without_it_the_archives(status: int) -> None:
    assert captured(status=status).outcome is Outcome.ERROR_PAGE
    assert captured(status=status).http_status == status
    assert play(status=status, body=b"oh").outcome is not Outcome.ERROR_PAGE
    own = Answer(url=URL, status=status, headers={}, body=b"")
    assert is_archive_fault(own) == (status >= 429)
    assert not is_archive_fault(Answer(url=URL, status=status, headers=MEMENTO, body=b""))


@pytest.mark.parametrize(
    ("text", "is_fault"),
    [
        ("<h1>We will be back soon</h1>", True),
        ("<h2>Sorry.</h2> This URL has been excluded from the Wayback Machine.", False),
        ("<nav>menu</nav>" * 900 + "This URL has been excluded from the\n Wayback Machine.", False),
        ("\ufeff<h1>We will be back soon</h1>", True),
        ("<p>Got an HTTP 301 response at crawl time</p>", False),
        ("<nav>menu</nav>" * 900 + "<p>Got an HTTP 302 response at crawl time</p>", False),
        ('[["urlkey"]]', False),
        ("", False),
    ],
)
@pytest.mark.parametrize("coding", ["", "gzip"])
def test_a_page_for_people_is_a_fault_unless_it_says_what_is_not_shown(
    text: str, is_fault: bool, coding: str
) -> None:
    body = gzip.compress(text.encode()) if coding else text.encode()
    headers = {"content-type": "text/html; charset=utf-8", "content-encoding": coding}
    assert is_archive_fault(Answer(url=URL, status=200, headers=headers, body=body)) == is_fault
    assert not is_archive_fault(Answer(url=URL, status=200, headers={**headers, **MEMENTO}, body=body))


@pytest.mark.parametrize(
    "location",
    [
        f"{ARCHIVE}/web/20180127122821id_/https://example.com/legal",
        "http://web.archive.org/web/20180127122821id_/https://example.com/legal",
        "//web.archive.org/web/20180127122821id_/https://example.com/legal",
        "http://web.archive.org:80/web/20180127122821id_/https://example.com/legal",
        "https://WEB.archive.org:443/web/20180127122821id_/https://example.com/legal",
        "/web/20180127122821id_/https://example.com/legal",
        "/web/20180127122821id_/https%3A//example.com/legal",
        "/web/20180127122821id_/https:/example.com/legal",
    ],
)
def test_captured_redirects_name_their_target_in_every_form(location: str) -> None:
    playback = captured(status=301, body=b"", location=location)
    assert (playback.outcome, playback.location) == (Outcome.REDIRECT, "https://example.com/legal")


def test_pywb_leaves_captured_locations_as_they_were() -> None:
    playback = captured(status=302, body=b"", dialect=Dialect.PYWB, location="/legal")
    assert (playback.outcome, playback.location) == (Outcome.REDIRECT, "http://example.com/legal")


def test_a_capture_that_redirects_to_itself_is_a_loop() -> None:
    playback = captured(status=302, body=b"", location=f"/web/20180127122821id_/{ROW.original}")
    assert playback.outcome is Outcome.REDIRECT_LOOP


@pytest.mark.parametrize(
    "where",
    [
        "http://localhost/web/20180127122821id_/x",
        "https://web.archive.org.evil.example/web/20180127122821id_/x",
        "https://web.archive.org@evil.example/web/20180127122821id_/x",
        "https://web.archive.org:444/web/20180127122821id_/x",
        "https://web.archive.org:80/web/20180127122821id_/x",
        "//evil.example/web/20180127122821id_/x",
        "file:///etc/passwd",
        "gopher://x/",
        "http://[::1",
        "https://web.archive.org:99999/web/2018/x",
    ],
)
def test_nothing_leads_off_the_archive(where: str) -> None:
    assert play(status=302, body=b"", location=where).outcome is Outcome.OFF_ARCHIVE
    assert captured(status=302, body=b"", location=where).outcome is Outcome.OFF_ARCHIVE
    assert on_archive(where, ARCHIVE) is None


def nearest(timestamp: str) -> str:
    return f"http://web.archive.org/web/{timestamp}id_/https://example.com/privacy"


def test_a_near_capture_is_followed_on_the_archives_own_scheme() -> None:
    playback = play(status=302, body=b"", location=nearest("20180127202821"))
    assert playback.follow == nearest("20180127202821").replace("http:", "https:", 1)
    assert playback.outcome is None


@pytest.mark.parametrize("modifier", ["", "if_", "id_", "mp_", "js_cm1_"])
@pytest.mark.parametrize("quoted", ["https://example.com/privacy", "https%3A//example.com/privacy"])
def test_the_nearest_capture_is_always_asked_for_as_captured(modifier: str, quoted: str) -> None:
    playback = play(status=302, body=b"", location=f"/web/20180127202821{modifier}/{quoted}")
    assert playback.follow == f"{ARCHIVE}/web/20180127202821id_/https://example.com/privacy"


def test_the_nearest_capture_of_another_page_is_not_asked_for() -> None:
    where = f"{ARCHIVE}/web/20180127202821id_/https://example.com/"
    playback = play(status=302, body=b"", location=where)
    assert (playback.outcome, playback.follow) == (Outcome.DRIFT, None)
    assert playback.served_original == "https://example.com/"


def test_the_same_capture_in_its_view_form_is_a_circle() -> None:
    assert play(status=302, body=b"", location=URL.replace("id_", "")).outcome is Outcome.REDIRECT_LOOP


def test_headers_are_utf_8_or_else_latin_1() -> None:
    assert decode_header("é".encode()) == decode_header("é".encode("latin-1")) == "é"


@given(st.text(max_size=60), st.sampled_from(["location", "link", "memento-datetime", "content-encoding"]))
@example("http://x.org:port/", "link")
@example(" ", "link")
@example("http://[::1", "location")
@example("Sat, 27 Jan 99999 12:28:21 GMT", "memento-datetime")
def test_no_header_breaks_the_classification(text: str, name: str) -> None:
    value = f'<{text}>; rel="original"' if name == "link" else text
    for status in (200, 302, 404):
        for headers in ({}, MEMENTO):
            answer = Answer(url=URL, status=status, headers={**headers, name: value}, body=b"x")
            for dialect in Dialect:
                classify_answer(answer, Question(row=ROW, archive_url=ARCHIVE, dialect=dialect, asked=(URL,)))


def test_a_far_capture_is_drift_with_the_time_that_there_is() -> None:
    playback = play(status=302, body=b"", location=nearest("20180207122821"))
    assert (playback.outcome, playback.served_timestamp) == (Outcome.DRIFT, "20180207122821")
    assert "11.0 days" in playback.reason


def test_a_capture_served_from_another_time_or_page_is_drift() -> None:
    late = captured(**{"memento-datetime": "Wed, 07 Feb 2018 12:28:21 GMT"})
    assert late.outcome is Outcome.DRIFT
    other = captured(link='<http://example.com/other>; rel="original"')
    assert other.outcome is Outcome.DRIFT


def test_being_sent_round_in_a_circle_is_a_loop() -> None:
    assert play(status=302, body=b"", location=URL).outcome is Outcome.REDIRECT_LOOP


@pytest.mark.parametrize(
    ("status", "text", "outcome"),
    [
        (404, "<h2>Hrm.</h2> The Wayback Machine has not archived that URL.", Outcome.NOT_ARCHIVED),
        (200, "<h2>Sorry.</h2> This URL has been excluded from the Wayback Machine.", Outcome.BLOCKED),
        (403, "org.archive...AdministrativeAccessControlException: Blocked Site Error", Outcome.BLOCKED),
        (200, "<p>Got an HTTP 301 response at crawl time</p> Redirecting to", Outcome.REDIRECT),
        (200, "<p>Down for maintenance</p>", Outcome.ARCHIVE_ERROR),
        (403, "<p>nginx</p>", Outcome.ARCHIVE_ERROR),
    ],
)
def test_what_the_archive_says_itself(status: int, text: str, outcome: Outcome) -> None:
    assert play(status=status, body=text.encode()).outcome is outcome


# The capture nearest to an instant

HOME = "http://example.com/"
LED = {"x-archive-redirect-reason": "found capture at 20180127122821"}


def near(status: int, body: str = "", **headers: str) -> tuple[str | None, str, Outcome | None]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    asked = f"{ARCHIVE}/web/20261128235959id_/{HOME}"
    answer = Answer(url=asked, status=status, headers=named, body=body.encode())
    found = classify_nearest(answer, HOME, ARCHIVE)
    assert (found.timestamp is None) == bool(found.reason)
    return found.timestamp, found.original, found.outcome


@pytest.mark.parametrize(
    "location",
    [
        f"{ARCHIVE}/web/20180127122821id_/https://www.example.com:443/",
        "/web/20180127122821id_/https://www.example.com:443/",
        "//web.archive.org/web/20180127122821/https://www.example.com:443/",
    ],
)
def test_the_nearest_capture_is_the_one_that_replay_leads_to(location: str) -> None:
    found = near(302, location=location, **LED)
    assert found == ("20180127122821", "https://www.example.com:443/", None)


def test_the_nearest_capture_may_be_served_at_once() -> None:
    link = '<https://example.com/>; rel="original"'
    assert near(200, "<p>Hi", link=link, **MEMENTO) == ("20180127122821", "https://example.com/", None)
    assert near(301, location="/web/20180127122821id_/https://example.com/", **MEMENTO) == (
        "20180127122821",
        HOME,
        None,
    )


@pytest.mark.parametrize(
    ("status", "text", "headers", "outcome"),
    [
        pytest.param(
            404, "The Wayback Machine has not archived that URL.", {}, Outcome.NOT_ARCHIVED, id="Hrm"
        ),
        pytest.param(404, "<p>nginx: Not found", {}, Outcome.ARCHIVE_ERROR, id="404 of another archive"),
        pytest.param(
            200, "excluded from the Wayback Machine: has been", {}, Outcome.ARCHIVE_ERROR, id="page"
        ),
        pytest.param(
            200, "This URL has been excluded from the Wayback Machine.", {}, Outcome.BLOCKED, id="excluded"
        ),
        pytest.param(
            302, "", {"location": "https://elsewhere.example/web/2018/x"}, Outcome.ARCHIVE_ERROR, id="off"
        ),
        pytest.param(302, "", {"location": "/account/login"}, Outcome.ARCHIVE_ERROR, id="no capture"),
        pytest.param(
            302, "", {"location": "/web/2018id_/http://example.com/"}, Outcome.ARCHIVE_ERROR, id="a year"
        ),
        pytest.param(
            302,
            "",
            {"location": "/web/20180127122821id_/http://other.example/"},
            Outcome.ARCHIVE_ERROR,
            id="other",
        ),
        pytest.param(
            302,
            "",
            {"location": "/web/20181399122821id_/http://example.com/"},
            Outcome.ARCHIVE_ERROR,
            id="no day",
        ),
        pytest.param(503, "busy", {}, Outcome.ARCHIVE_ERROR, id="503"),
    ],
)
def test_what_names_no_capture_has_an_outcome_and_a_reason(
    status: int, text: str, headers: dict[str, str], outcome: Outcome
) -> None:
    timestamp, _, found = near(status, text, **headers)
    assert (timestamp, found) == (None, outcome)


@pytest.mark.parametrize(
    ("link", "timestamp"),
    [
        pytest.param(
            f'<{HOME}>; rel="original", <{ARCHIVE}/web/20010203040506/{HOME}>; rel="first memento"; '
            f'datetime="Sat, 03 Feb 2001 04:05:06 GMT", <{ARCHIVE}/web/2019/{HOME}>; rel="last memento"',
            "20010203040506",
            id="first",
        ),
        pytest.param(
            f'<{ARCHIVE}/web/20010203040506/{HOME}>; rel="first last memento"', "20010203040506", id="one"
        ),
        pytest.param(f'<{ARCHIVE}/web/20010203040506/{HOME}>; rel="memento"', None, id="not the first"),
        pytest.param(f'<https://x.org/web/20010203040506/{HOME}>; rel="first memento"', None, id="elsewhere"),
        pytest.param(f'<{ARCHIVE}/web/20010203040506/{HOME}a>; rel="first memento"', None, id="another page"),
        pytest.param("", None, id="none"),
    ],
)
def test_a_capture_names_the_first_of_its_page(link: str, timestamp: str | None) -> None:
    found = first_capture(Answer(url=URL, status=200, headers={"link": link}, body=b""), HOME, ARCHIVE)
    assert (found.timestamp if found else None) == timestamp


@given(st.text(max_size=60), st.integers(200, 599), st.booleans())
def test_any_answer_to_a_look_is_read_without_a_fault(text: str, status: int, dated: bool) -> None:
    memento = {"memento-datetime": text} if dated else {}
    found = classify_nearest(
        Answer(url=HOME, status=status, headers={"location": text, **memento}, body=text.encode()),
        HOME,
        ARCHIVE,
    )
    assert (found.timestamp is None) == (found.outcome is not None) == bool(found.reason)


def test_a_body_shorter_than_the_site_announced_is_truncated() -> None:
    cut = captured(body=PAGE[:1000], **{"x-archive-orig-content-length": str(len(PAGE))})
    assert cut.outcome is Outcome.TRUNCATED
    coded = {"x-archive-orig-content-length": "999999", "x-archive-orig-content-encoding": "gzip"}
    assert captured(**coded).outcome is None
    assert captured(**{"x-archive-orig-content-length": "-1"}).outcome is None


# Codings

CODED = {
    "gzip": gzip.compress(PAGE),
    "deflate": zlib.compress(PAGE),
    "br": brotlicffi.compress(PAGE),
    "zstd": zstandard.ZstdCompressor().compress(PAGE),
}


@pytest.mark.parametrize("name", CODED)
def test_every_coding_is_undone_and_its_stages_kept(name: str) -> None:
    assert unwrap_body(CODED[name], [name]).layers == (CODED[name], PAGE)


def test_raw_deflate_is_undone() -> None:
    assert unwrap_body(zlib.compress(PAGE, wbits=-15), ["deflate"]).body == PAGE


def test_gzip_within_gzip_is_proven_by_the_stage_that_the_index_knows() -> None:
    playback = captured(body=gzip.compress(gzip.compress(PAGE)), content_encoding=", gzip")
    assert (playback.body, playback.digest_matches) == (PAGE, True)


@pytest.mark.parametrize("name", CODED)
@pytest.mark.parametrize("tenths", range(1, 10))
def test_a_coded_body_that_is_cut_anywhere_is_never_a_shorter_page(name: str, tenths: int) -> None:
    body = CODED[name][: len(CODED[name]) * tenths // 10]
    with pytest.raises(CodingError) as caught:
        unwrap_body(body, [name])
    assert caught.value.outcome in (Outcome.TRUNCATED, Outcome.BAD_ENCODING)


@given(st.integers(10, len(CODED["gzip"]) - 9), st.integers(1, 255))
def test_a_flipped_byte_in_gzip_is_noticed_or_harmless(place: int, flip: int) -> None:
    body = bytearray(CODED["gzip"])
    body[place] ^= flip
    try:
        found = unwrap_body(bytes(body), ["gzip"]).body
    except CodingError:
        return
    assert found == PAGE  # a bit that means nothing


def test_junk_after_the_end_is_left_out_and_members_are_joined() -> None:
    assert unwrap_body(CODED["gzip"] + b"junk", ["gzip"]).body == PAGE
    assert unwrap_body(CODED["gzip"] * 2, ["gzip"]).body == PAGE * 2


@pytest.mark.parametrize("name", CODED)
def test_bombs_are_stopped(name: str) -> None:
    zeros = bytes(30 * 1024 * 1024)
    coded = {
        "gzip": gzip.compress,
        "deflate": zlib.compress,
        "br": lambda data: brotlicffi.compress(data, quality=1),
        "zstd": zstandard.ZstdCompressor().compress,
    }[name](zeros)
    with pytest.raises(CodingError) as caught:
        unwrap_body(coded, [name])
    assert caught.value.outcome is Outcome.TOO_LARGE


def test_compressed_over_and_over_is_a_bomb() -> None:
    body = PAGE
    for _ in range(8):
        body = gzip.compress(body)
    with pytest.raises(CodingError) as caught:
        unwrap_body(body, [])
    assert caught.value.outcome is Outcome.TOO_LARGE


@pytest.mark.parametrize("name", ["utf-8", "ISO-8859-1", "none", "8bit", "text/html", "identity", "x-none"])
def test_what_is_no_coding_is_passed_over(name: str) -> None:
    playback = captured(body=b"Our policy, as plain text.", content_encoding=name)
    assert (playback.outcome, playback.body) == (None, b"Our policy, as plain text.")
    packed = captured(body=gzip.compress(PAGE), content_encoding=f"gzip, {name}")
    assert (packed.body, packed.digest_matches) == (PAGE, True)


def test_plain_text_that_is_said_to_be_gzip_is_taken_as_it_is() -> None:
    assert unwrap_body("Datenschutzerklärung".encode(), ["gzip"]).layers == ("Datenschutzerklärung".encode(),)
    with pytest.raises(CodingError):
        unwrap_body(b"\x1e" + CODED["gzip"][1:], ["gzip"])


def test_a_coding_that_nobody_undoes_any_more_is_said_to_be_one() -> None:
    assert captured(body=b"\x1f\x9d\x90old", content_encoding="compress").outcome is Outcome.BAD_ENCODING


def test_a_plain_page_that_is_said_to_be_coded_is_taken_as_it_is() -> None:
    assert unwrap_body(PAGE, ["br"]).body == PAGE


@given(st.binary(max_size=500), st.sampled_from([*CODED, "compress", ""]))
def test_no_bytes_break_the_unpacking(body: bytes, header: str) -> None:
    try:
        layers = unwrap_body(body, split_codings(header)).layers
    except CodingError as error:
        assert error.outcome in (Outcome.TRUNCATED, Outcome.BAD_ENCODING, Outcome.TOO_LARGE)
    else:
        assert layers[0] == body
