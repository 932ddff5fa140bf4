"""The key by which an archive's index finds a page: its address canonicalised, its host turned round.

Written from the archive's published rules (docs/archive-client.md): the canonicalisation of Google Safe
Browsing (unescape to the end, resolve the path, escape once), then the Wayback Machine's own (no scheme, no
`www`, no user, no usual port, no session ids, the query sorted, all in lower case). All of it is linear in
the address, for addresses come from strangers.
"""

from __future__ import annotations

import re
from itertools import pairwise

DEFAULT_PORTS = {"http": 80, "https": 443}
_BLANKS = " \t\r\n\x0b\x0c"
_OPAQUE = re.compile(r"[a-z][a-z0-9+.-]*:(?!//)", re.IGNORECASE)  # dns:, mailto:, data:, filedesc: …
_WITH_PORT = re.compile(r"[^/:?#@]+:[0-9]+(?:[/?#]|$)")  # x.org:80/a, which is no scheme "x.org"
_SCHEME = re.compile(r"(?:([a-z][a-z0-9+.-]*):)?/*", re.IGNORECASE)
_WEB = re.compile(r"https?:", re.IGNORECASE)
_WWW = re.compile(r"www[0-9]*\.")
_DOTS = re.compile(r"\.{2,}")
_NOT_KEPT = re.compile(rb"[\x00-\x20\x7f-\xff#%]")
_IPV4 = re.compile(r"[0-9]+(?:\.[0-9]+){0,3}")
_HEX = frozenset(b"0123456789abcdefABCDEF")
_PERCENT = ord("%")

_SESSION_IDS = tuple(
    re.compile(rb"%b(?:&|$)" % name)
    for name in (
        rb"jsessionid=[0-9a-z]{32}",
        rb"phpsessid=[0-9a-z]{32}",
        rb"sid=[0-9a-z]{32}",
        rb"aspsessionid[a-z]{8}=[a-z]{24}",
    )
)
"""Java, PHP, anybody, ASP: as Heritrix' StripSessionIDs has them, https://github.com/internetarchive/heritrix3."""
_ASP_FOLDER = re.compile(rb"/\((?:[0-9a-z]{24}|(?:[a-z]\([0-9a-z]{24}\)){1,8})\)(?=/)")
"""ASP.NET's session in the path, `/(S(24 characters))/page.aspx`."""


def urlkey(url: str) -> str:
    """Return the key of an address, `com,example)/a?b=1`; what is no address is its own key, and no other's.

    >>> urlkey("https://WWW2.Example.com:443/A//B.HTML/?b=2&a=1"), urlkey("http://bücher.de:8080")
    ('com,example)/a/b.html?a=1&b=2', 'de,xn--bcher-kva:8080)/')
    >>> urlkey("http://me:secret@x.org/%7Eme/?x=1#top"), urlkey("http://x.org:port/"), urlkey("dns:x.org")
    ('org,x)/~me?x=1', 'http://x.org:port/', 'dns:x.org')
    """
    text = url.strip(_BLANKS).translate({9: None, 10: None, 13: None}).partition("#")[0]
    if _OPAQUE.match(text) and not _WEB.match(text) and not _WITH_PORT.match(text):
        return url
    scheme, rest = _split_scheme(text)
    authority, path, query = _split(rest)
    name, port = _split_port(authority.rpartition("@")[2])
    host = _host_key(name)
    if not host or port is None:
        return url
    shown = f":{port}" if port and port != DEFAULT_PORTS.get(scheme) else ""
    return f"{host}{shown}){_path_key(path)}{_query_key(query)}"


def _split_scheme(text: str) -> tuple[str, str]:
    """Return the scheme, `http` where there is none, and what follows it; of several the last counts."""
    scheme = "http"
    while not _WITH_PORT.match(text):
        match = _SCHEME.match(text)
        assert match is not None  # all of it may be missing
        if not match[0]:
            break
        scheme, text = (match[1] or scheme).lower(), text[match.end() :]
        if not _WEB.match(text):
            break
    return scheme, text


def _split(rest: str) -> tuple[str, str, str]:
    """Return authority, path and query, each without its mark."""
    before, _, query = rest.partition("?")
    authority, _, path = before.partition("/")
    return authority, path, query


def _split_port(authority: str) -> tuple[str, int | None]:
    """Return the host, and the port: 0 where none is named, None where it is no number of a port."""
    if authority.startswith("["):
        host, _, port = authority[1:].partition("]")
        port = port.removeprefix(":")
    else:
        host, _, port = authority.partition(":")
    if not port:
        return host, 0
    if len(port) > 5 or not (port.isascii() and port.isdigit()) or int(port) > 65_535:
        return host, None
    return host, int(port)


def _host_key(host: str) -> str:
    """Return a host, its labels turned round, in ASCII; '' if nothing is left of it."""
    text = _unescape(host.encode("utf-8", "surrogatepass")).decode("utf-8", "replace").strip(".").lower()
    text = _DOTS.sub(".", text)
    if not text.isascii():
        text = _punycode(text)
    if ":" in text:
        return text  # IPv6
    text = _escape(_decimal_address(text).encode()).decode()
    bare = _WWW.sub("", text, count=1) if _WWW.match(text) else text
    return ",".join(reversed((bare or text).split(".")))


def _punycode(host: str) -> str:
    """Return an internationalised host as DNS has it, by the rules of 2003: the index was begun with them."""
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        return host


def _decimal_address(host: str) -> str:
    """Return an IPv4 address with four parts, however it was written: one number, or octal ones."""
    if not _IPV4.fullmatch(host) or len(host) > 48:
        return host
    try:
        parts = [int(part, 8 if part.startswith("0") and len(part) > 1 else 10) for part in host.split(".")]
    except ValueError:  # an 8 in an octal number
        return host
    *heads, last = parts
    if any(part > 255 for part in heads) or last >= 256 ** (4 - len(heads)):
        return host
    tail = last.to_bytes(4 - len(heads), "big")
    return ".".join(str(part) for part in (*heads, *tail))


def _path_key(path: str) -> str:
    resolved: list[bytes] = []
    for part in _unescape(path.encode("utf-8", "surrogatepass")).split(b"/"):
        if part == b".." and resolved:
            resolved.pop()
        elif part != b".":
            resolved.append(part)  # an empty one, too: `//..` leads no further up than `/a/..`
    whole = _escape(b"/" + b"/".join(part for part in resolved if part)).lower()
    page = whole.rfind(b".aspx")
    for folder in [one for one in _ASP_FOLDER.finditer(whole) if one.end() < page][-1:]:
        whole = whole[: folder.start()] + whole[folder.end() :]
    return whole.decode("ascii")


def _query_key(query: str) -> str:
    """Return the query, sorted, with its `?`; '' for none."""
    whole = _unescape(query.encode("utf-8", "surrogatepass")).lower()
    for pattern in _SESSION_IDS:
        for match in list(pattern.finditer(whole))[-1:]:  # of several the last alone, as the archive does
            whole = whole[: match.start()] + whole[match.end() :]
    whole = _without_coldfusion(whole)
    if not whole:
        return ""
    return "?" + b"&".join(sorted(_escape(whole).split(b"&"))).decode("ascii")


def _without_coldfusion(query: bytes) -> bytes:
    """Return a query without ColdFusion's pair `cfid=…&cftoken=…`."""
    parts = query.split(b"&")
    for number, (first, second) in enumerate(pairwise(parts)):
        before, mark, value = first.partition(b"cfid=")
        if mark and value and second.startswith(b"cftoken=") and len(second) > len(b"cftoken="):
            return b"&".join([*parts[:number], before + b"&".join(parts[number + 2 :])])
    return query


def _unescape(text: bytes) -> bytes:
    """Return bytes in which no escape is left, however often they were escaped."""
    out = bytearray()
    for byte in text:
        out.append(byte)
        while len(out) > 2 and out[-3] == _PERCENT and out[-2] in _HEX and out[-1] in _HEX:
            out[-3:] = bytes([int(out[-2:], 16)])
    return bytes(out)


def _escape(text: bytes) -> bytes:
    """Return bytes with those escaped that are no printable ASCII, and `#` and `%`."""
    return _NOT_KEPT.sub(lambda match: b"%%%02x" % match[0][0], text)
