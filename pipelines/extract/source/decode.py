"""Bytes as captured → text: compression that was left on, charset, control characters.

Order of the charset as the archive's own (BOM, header, meta, detection, UTF-8), except that a
declaration counts only if the bytes can be read by it: pages that lie about their charset are common.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from chardet import detect
from w3lib.encoding import html_body_declared_encoding, http_content_type_encoding, read_bom, resolve_encoding

from policy_archive.crawler.archive.content_coding import CodingError, unwrap_body
from policy_archive.crawler.core.errors import ExtractionError
from policy_archive.pipelines.extract.source.ballast import cut_elements

_REPLACEMENT = "\ufffd"
# What browsers read; Python knows more (rot13, unicode_escape, utf-7) that no page may choose.
_SINGLE_BYTE = frozenset(
    (
        *("cp866", "cp874", "koi8-r", "koi8-u", "mac-roman", "mac-cyrillic"),
        *(f"cp{page}" for page in range(1250, 1259)),
        *(f"iso8859-{part}" for part in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)),
    )
)
_MULTI_BYTE = frozenset(("utf-8", "cp932", "euc_jp", "iso2022_jp", "gb18030", "big5hkscs", "cp949"))
_NAMES = {
    "cp932": "shift_jis",
    "big5hkscs": "big5",
    "cp949": "euc-kr",
    "euc_jp": "euc-jp",
    "iso2022_jp": "iso-2022-jp",
}
# with NEC's ① and the like, which Python's own lack
_WIDER = {"cp932": "shift_jisx0213", "euc_jp": "euc_jisx0213"}
_TOLERATED_SHARE = 0.1  # of characters beyond ASCII that may be broken before a declaration is a lie
_CONTROLS = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f]")
_CONTROL_BYTES = bytes(code for code in range(128) if _CONTROLS.match(chr(code)))
"""In no charset here does another byte than these stand in a control character."""
_TAGS = re.compile(r"<[^<>]*>")


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """A body as text."""

    text: str
    """Newlines are `\\n`; no control characters but tab, newline, form feed."""
    charset: str
    """That it was read with, as browsers name it; `utf-8` when every byte is ASCII."""
    replacement_characters: int
    """U+FFFD that decoding put in; those that the page itself holds are not counted."""


def unpack_body(body: bytes) -> bytes:
    """Return the body without the gzip or zlib that the server, or the archive, left on.

    Raises ExtractionError: `truncated` if a stream breaks off, `bad-encoding` if it is corrupt,
    `too-large` beyond the client's own limit.
    """
    try:
        return unwrap_body(body, ()).body
    except CodingError as error:
        raise ExtractionError(error.reason, outcome=error.outcome) from error


def decode_body(body: bytes, content_type: str | None) -> Decoded:
    """Return the text of a page's bytes; the same bytes and header always give the same text.

    Never raises: what cannot be read becomes U+FFFD and is counted.
    Source of the order: the archive's StandardCharsetDetector.

    >>> decode_body(b"caf\\xe9", "text/html; charset=ISO-8859-1").text
    'café'
    """
    bom, mark = read_bom(body)
    if bom and mark:
        return _decode(body[len(mark) :], bom)
    return _decode(body, _choose_charset(body, content_type))


def _choose_charset(body: bytes, content_type: str | None) -> str:
    if wide := _unmarked_utf16(body):
        return wide
    if body.isascii():
        return "iso2022_jp" if b"\x1b$" in body and _reads(body, "iso2022_jp") else "utf-8"
    declared = list(_iter_declared(body, content_type))
    if _reads(body, "utf-8") and not _reads_as_declared(body, declared):
        return "utf-8"
    multi = [charset for charset in declared if charset in _MULTI_BYTE]
    single = [charset for charset in declared if charset in _SINGLE_BYTE]
    return (
        # several bytes a character hardly fit by chance: such a declaration beats a single-byte one
        next((charset for charset in multi if _reads(body, charset)), None)
        or _likelier(body, [charset for charset in single if _reads(body, charset)])
        or next((charset for charset in multi if _mostly_reads(body, charset)), None)
        or _detect(body, None)
        or next(iter(declared), "utf-8")
    )


def _iter_declared(body: bytes, content_type: str | None) -> Iterator[str]:
    """Yield the known charsets that header and page name, header first, each once."""
    header = http_content_type_encoding(content_type)
    meta = html_body_declared_encoding(body)
    if meta and meta.startswith("utf-16"):
        meta = "utf-8"  # a declaration that could be read is no UTF-16
    for charset in dict.fromkeys((header, meta)):
        if charset in _SINGLE_BYTE or charset in _MULTI_BYTE:
            yield charset


def _reads_as_declared(body: bytes, declared: list[str]) -> bool:
    """Return whether an East Asian charset named first fits too.

    A few characters of GBK can pass as UTF-8.
    """
    return any(charset in _MULTI_BYTE - {"utf-8"} and _reads(body, charset) for charset in declared[:1])


def _reads(body: bytes, charset: str) -> bool:
    return _strictly(body, charset) or (charset in _WIDER and _strictly(body, _WIDER[charset]))


def _strictly(body: bytes, codec: str) -> bool:
    try:
        body.decode(codec)
    except UnicodeDecodeError:
        return False
    return True


def _mostly_reads(body: bytes, charset: str) -> bool:
    """Return whether few of the characters beyond ASCII are broken.

    A slip in the page, not another charset.
    """
    text = body.decode(charset, "replace")
    beyond_ascii = len(text) - sum(map(str.isascii, text))
    return text.count(_REPLACEMENT) <= _TOLERATED_SHARE * beyond_ascii


def _likelier(body: bytes, charsets: list[str]) -> str | None:
    if len(charsets) > 1:
        return _detect(body, charsets) or charsets[0]
    return charsets[0] if charsets else None


def _detect(body: bytes, among: list[str] | None) -> str | None:
    """Return the charset that the prose looks like: tags are ASCII in every charset and prove nothing."""
    # chosen against charset-normalizer and cchardet: docs/reading.md
    allowed = [_NAMES.get(charset, charset) for charset in among or sorted(_SINGLE_BYTE | _MULTI_BYTE)]
    fallback = allowed[0] if among else "cp1252"
    # as Latin-1, which turns every byte into one character and back
    prose = _TAGS.sub(" ", cut_elements(body.decode("latin-1"), ["script", "style"], " ")).encode("latin-1")
    found = detect(prose, include_encodings=allowed, no_match_encoding=fallback)["encoding"]
    return _codec(found) if found else None


def _codec(label: str) -> str | None:
    """Return our name of a charset: detectors name subsets, browsers read the whole."""
    charset = resolve_encoding(label)
    return charset if charset in _SINGLE_BYTE or charset in _MULTI_BYTE else None


def _unmarked_utf16(body: bytes) -> str | None:
    """Return the byte order of UTF-16 without a mark: every other byte of its markup is zero."""
    head = body[:4096]
    if len(head) < 8 or head.count(0) < len(head) / 4:
        return None
    even, odd = head[::2].count(0), head[1::2].count(0)
    if odd > 8 * even:
        return "utf-16-le"
    return "utf-16-be" if even > 8 * odd else None


def _decode(body: bytes, charset: str) -> Decoded:
    wider = charset in _WIDER and not _strictly(body, charset) and _strictly(body, _WIDER[charset])
    text = body.decode(_WIDER[charset] if wider else charset, "replace")
    replaced = text.count(_REPLACEMENT)
    if replaced and charset.startswith("utf"):
        replaced -= body.decode(charset, "ignore").count(_REPLACEMENT)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if len(body.translate(None, _CONTROL_BYTES)) != len(body):  # a look that takes a tenth of the search
        text = _CONTROLS.sub("", text)
    return Decoded(
        text=text,
        charset=_NAMES.get(charset, charset.replace("cp1", "windows-1")),
        replacement_characters=replaced,
    )
