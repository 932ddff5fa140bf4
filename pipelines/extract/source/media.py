"""What a body is: a page, plain text, a PDF, or nothing that holds text."""

from __future__ import annotations

import re
from enum import StrEnum

_SNIFFED_BYTES = 1024
_PDF_MARK_WITHIN = 1024  # readers accept leading junk, servers send it
_TAGS_OF_A_PAGE = 3  # a page may be strewn with NUL; chance makes one tag in many binary files, not three
_MAGIC = (
    b"\x89PNG\r\n",
    b"GIF87a",
    b"GIF89a",
    b"\xff\xd8\xff",
    b"BM\x00",
    b"\x00\x00\x01\x00",
    b"PK\x03\x04",
    b"Rar!",
    b"7z\xbc\xaf",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    b"{\\rtf",
    b"%!PS",
    b"FWS",
    b"CWS",
    b"ID3",
    b"OggS",
    b"RIFF",
    b"MZ\x90",
    b"\x7fELF",
    b"wOFF",
    b"wOF2",
)
_TEXT_TYPES = re.compile(r"text/(?:plain|markdown|x-markdown|x-web-markdown)")
_PAGE_TYPES = re.compile(r"text/html|application/(?:xhtml\+xml|xml)|text/xml")
_OTHER_TYPES = re.compile(
    r"(?:image|audio|video|font|model)/|text/(?:css|javascript|csv|calendar)"
    r"|application/(?:json|javascript|x-javascript|zip|msword|vnd\.|x-shockwave-flash|rss|atom)"
)
_PAGE_START = re.compile(
    rb"\s*+(?:\xef\xbb\xbf)?\s*+(?:<!--.*?-->\s*+|<\?xml[^>]*+>\s*+)*+<(?:!doctype\s+html|html|head|body|title|meta)\b",
    re.IGNORECASE | re.DOTALL,
)
_TAG = re.compile(
    rb"<(?:!doctype|html|head|body|title|meta|div|p|br|table|font|center|h[1-6]|a)\b", re.IGNORECASE
)


class Media(StrEnum):
    """How a body is to be read."""

    PAGE = "page"
    PLAIN = "plain"
    PDF = "pdf"
    OTHER = "other"


def sniff_media(body: bytes, content_type: str | None) -> Media:
    """Return what a body is, by its first bytes before its declared type: old servers declare at random."""
    head = body[:_SNIFFED_BYTES]
    if b"%PDF-" in body[:_PDF_MARK_WITHIN]:
        return Media.PDF
    if head.startswith(_MAGIC) or (_is_binary(head) and len(_TAG.findall(head)) < _TAGS_OF_A_PAGE):
        return Media.OTHER
    declared = (content_type or "").split(";")[0].strip().lower()
    if _PAGE_START.match(head):
        return Media.PAGE
    if _TEXT_TYPES.fullmatch(declared):
        return Media.PLAIN
    if _PAGE_TYPES.fullmatch(declared):
        return Media.PAGE
    if _OTHER_TYPES.match(declared):
        return Media.OTHER
    return Media.PAGE if _TAG.search(body) or _is_wide(head) else Media.PLAIN


def _is_binary(head: bytes) -> bool:
    """Return whether bytes are no text in any charset; UTF-16 is half zeros, but of every other byte."""
    controls = sum(1 for byte in head if byte < 9 or 14 <= byte < 27)
    return controls > len(head) / 50 and not _is_wide(head)  # of random bytes one in twelve is one


def _is_wide(head: bytes) -> bool:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    even, odd = head[::2].count(0), head[1::2].count(0)
    return max(even, odd) > len(head) / 4 and min(even, odd) <= max(even, odd) / 8
