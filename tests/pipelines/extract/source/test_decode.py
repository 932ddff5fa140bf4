from __future__ import annotations

import gzip
import random
import re
import tracemalloc
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest import param

from policy_archive.crawler.archive.content_coding import MAX_BODY_BYTES
from policy_archive.crawler.core.errors import ExtractionError
from policy_archive.pipelines.extract.source.decode import decode_body, unpack_body

LANGUAGES = Path(__file__).parents[1] / "languages"
LEGACY = {
    "ru": ("cp1251", "koi8-r", "iso8859-5"),
    "uk": ("cp1251",),
    "ja": ("cp932", "euc_jp", "iso2022_jp"),
    "zh": ("gb18030",),
    "zh-hant": ("big5",),
    "ko": ("cp949",),
    "pl": ("iso8859-2", "cp1250"),
    "cs": ("iso8859-2", "cp1250"),
    "hu": ("iso8859-2", "cp1250"),
    "tr": ("cp1254",),
    "el": ("cp1253",),
    **dict.fromkeys(("de", "fr", "es", "it", "pt", "nl", "sv", "da", "fi", "nb", "en"), ("cp1252",)),
}
CASES = [(language, charset) for language, charsets in LEGACY.items() for charset in charsets]


def build_page(text: str, charset: str, *, declared: str = "") -> bytes:
    title, prose = text.split("\n", 1)
    meta = f'<meta http-equiv="Content-Type" content="; charset={declared}">' if declared else ""
    page = f"<html><head>{meta}<title>{title}</title></head><body bgcolor=white><p>{prose}</p></body></html>"
    return page.encode(charset, "replace")


@pytest.mark.parametrize(("language", "charset"), CASES, ids=lambda value: str(value))
def test_an_undeclared_legacy_charset_is_told_by_the_prose(language: str, charset: str) -> None:
    body = build_page((LANGUAGES / f"{language}.txt").read_text("utf-8"), charset)
    decoded = decode_body(body, "text/html")
    assert decoded.text == body.decode(charset)
    assert decoded.replacement_characters == 0


@pytest.mark.parametrize("language", sorted(LEGACY))
def test_utf_8_is_read_as_utf_8_whatever_is_declared(language: str) -> None:
    text = (LANGUAGES / f"{language}.txt").read_text("utf-8")
    body = build_page(text, "utf-8", declared="iso-8859-1")
    assert decode_body(body, "; charset=windows-1252").text == body.decode("utf-8")


@pytest.mark.parametrize(
    ("body", "content_type", "text", "charset"),
    [
        param(b"\xef\xbb\xbfna\xc3\xafve", "; charset=latin1", "naïve", "utf-8", id="bom-beats-header"),
        param("\ufeffnaïve".encode("utf-16-le"), None, "naïve", "utf-16-le", id="utf-16-with-bom"),
        param(
            "<p>naïve page</p>".encode("utf-16-be"), None, "<p>naïve page</p>", "utf-16-be", id="be-no-bom"
        ),
        param(
            "<p>plain page</p>".encode("utf-16-le"), None, "<p>plain page</p>", "utf-16-le", id="le-no-bom"
        ),
        param(b"\x93hi\x94 \x80", "; charset=ISO-8859-1", "“hi” €", "windows-1252", id="latin-1"),
        param(b"it\x92s", '; charset="us-ascii"', "it’s", "windows-1252", id="ascii"),
        param("①個人".encode("euc_jisx0213"), "; charset=EUC-JP", "①個人", "euc-jp", id="nec-row"),
        param(b"plain", "; charset=no-such", "plain", "utf-8", id="unknown-charset"),
        param(b"a\r\nb\rc\x00\x08d", None, "a\nb\ncd", "utf-8", id="newlines-and-controls"),
        param(b"", None, "", "utf-8", id="empty"),
    ],
)
def test_marks_labels_and_newlines(body: bytes, content_type: str | None, text: str, charset: str) -> None:
    decoded = decode_body(body, content_type)
    assert (decoded.text, decoded.charset, decoded.replacement_characters) == (text, charset, 0)


def test_of_header_and_meta_the_one_that_the_bytes_obey_is_taken() -> None:
    japanese = (LANGUAGES / "ja.txt").read_text("utf-8")
    body = build_page(japanese, "cp932", declared="Shift_JIS")
    for header in ("; charset=ISO-8859-1", "; charset=utf-8", "; charset=EUC-JP"):
        assert decode_body(body, header).charset == "shift_jis"


def test_between_two_single_byte_charsets_the_likelier_text_wins() -> None:
    russian = (LANGUAGES / "ru.txt").read_text("utf-8")
    body = build_page(russian, "cp1251", declared="windows-1251")
    assert decode_body(body, "; charset=ISO-8859-1").charset == "windows-1251"


def test_a_server_that_says_latin_1_of_shift_jis_is_not_believed() -> None:
    japanese = (LANGUAGES / "ja.txt").read_text("utf-8")
    assert decode_body(build_page(japanese, "cp932"), "; charset=ISO-8859-1").charset == "shift_jis"


def test_a_slip_in_utf_8_costs_one_counted_character_not_the_page() -> None:
    text = (LANGUAGES / "fr.txt").read_text("utf-8")
    body = build_page(text, "utf-8", declared="utf-8").replace("ée".encode(), b"\xe9e", 1)
    decoded = decode_body(body, "; charset=utf-8")
    assert decoded.charset == "utf-8"
    assert decoded.replacement_characters == decoded.text.count("\ufffd") == 1


def test_replacement_characters_of_the_page_itself_are_not_counted() -> None:
    assert decode_body("broken \ufffd before us".encode(), None).replacement_characters == 0


def test_windows_1252_declared_as_utf_8_is_read_by_its_bytes() -> None:
    body = build_page((LANGUAGES / "de.txt").read_text("utf-8"), "cp1252", declared="utf-8")
    decoded = decode_body(body, "; charset=utf-8")
    assert decoded.text == body.decode("cp1252")


@pytest.mark.parametrize("label", ["unicode_escape", "utf-7", "rot13", "hex", "idna", "zip"])
def test_a_page_cannot_choose_a_codec_that_no_browser_knows(label: str) -> None:
    assert decode_body(b"+ADw-script+AD4- \\u0041 x", f"; charset={label}").text.endswith("\\u0041 x")


@given(st.binary(max_size=300), st.sampled_from([None, "; charset=utf-8", "; charset=big5"]))
def test_any_bytes_give_the_same_text_twice(body: bytes, content_type: str | None) -> None:
    decoded = decode_body(body, content_type)
    assert decoded == decode_body(body, content_type)
    decoded.text.encode("utf-8")


PLAIN = random.Random(1).randbytes(5_000).hex().encode()


@pytest.mark.parametrize(
    "packed",
    [
        param(PLAIN, id="plain"),
        param(gzip.compress(PLAIN), id="gzip"),
        param(gzip.compress(gzip.compress(PLAIN)), id="twice"),
        param(gzip.compress(PLAIN[:4000]) + gzip.compress(PLAIN[4000:]), id="members"),
        param(gzip.compress(PLAIN) + b"\0" * 512, id="padding"),
        param(zlib.compress(PLAIN), id="zlib"),
    ],
)
def test_compression_left_on_is_undone(packed: bytes) -> None:
    assert unpack_body(packed) == PLAIN


@pytest.mark.parametrize("tenth", range(1, 10))
def test_gzip_that_breaks_off_is_an_outcome_never_a_shorter_text(tenth: int) -> None:
    packed = gzip.compress(PLAIN)
    with pytest.raises(ExtractionError) as caught:
        unpack_body(packed[: len(packed) * tenth // 10])
    assert caught.value.outcome == "truncated"


def test_corrupt_gzip_is_an_outcome() -> None:
    packed = bytearray(gzip.compress(PLAIN))
    packed[-6] ^= 0xFF  # the checksum
    with pytest.raises(ExtractionError, match="gzip: Error") as caught:
        unpack_body(bytes(packed))
    assert caught.value.outcome == "bad-encoding"


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress], ids=["gzip", "zlib"])
def test_a_bomb_is_refused_before_it_is_unpacked(pack: type) -> None:
    bomb = pack(b"\0" * (MAX_BODY_BYTES * 10))
    tracemalloc.start()
    with pytest.raises(ExtractionError) as caught:
        unpack_body(bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert caught.value.outcome == "too-large"
    assert peak < 3 * MAX_BODY_BYTES


def test_text_that_only_begins_like_zlib_is_left_alone() -> None:
    assert unpack_body(b"x\x9c is how this text begins") == b"x\x9c is how this text begins"


CHARSETS = (
    "utf-8",
    "windows-1252",
    "koi8-r",
    "macintosh",
    "shift_jis",
    "gb18030",
    "big5",
    "euc-kr",
    "euc-jp",
    "utf-16le",
)


@given(st.binary(max_size=60), st.sampled_from(CHARSETS))
def test_no_control_character_is_left(body: bytes, charset: str) -> None:
    text = decode_body(body, f"text/html; charset={charset}").text
    assert not re.search("[\x00-\x08\x0b\r\x0e-\x1f\x7f]", text)
