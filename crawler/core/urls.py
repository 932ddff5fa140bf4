"""Original addresses (URI-R), mementos' addresses (URI-M), urlkeys and sites."""

from __future__ import annotations

import re
from functools import cache
from typing import NewType
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import idna
from publicsuffixlist import PublicSuffixList

from policy_archive.crawler.core.archives import ARCHIVES
from policy_archive.crawler.core.errors import UsageError
from policy_archive.crawler.core.urlkeys import DEFAULT_PORTS, urlkey
from policy_archive.data import DATA

UriR = NewType("UriR", str)
"""Address of a page as it stood on the web."""
UriM = NewType("UriM", str)
"""Address of a capture in an archive."""

WAYBACK_MACHINE = ARCHIVES["wayback"].url

_WAYBACK_HOSTS = ("web.archive.org", "archive.org", "www.archive.org")
_PASTED_REPLAY = re.compile(r"(?:https?://)?web\.archive\.org/web/[0-9a-z_*]+/(.+)", re.IGNORECASE)
_REPLAY = re.compile(r"^(?:https?:)?(?://[^/]+)?(?:/[^/]+)*?/([0-9]{1,14})((?:[a-z]{2}[0-9]*_)*)/(.+)$")
_HOST = re.compile(r"[\w-]+(?:\.[\w-]+)+(?:[/:?#]|$)")
_SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*://")
_MUST_ESCAPE = re.compile(r"[^!#-;=?-\[\]_a-z~]")
# by what may stay, for a range up to the last character takes 4 ms to compile


def build_uri_m(archive_url: str, timestamp: str, original: str, *, modifier: str = "id_") -> UriM:
    """Return where an archive replays one capture, body as captured.

    `archive_url` is the base (`https://web.archive.org` or a pywb collection,
    `http://127.0.0.1:8080/dev`). `original` comes byte for byte from the index: only what
    HTTP forbids is escaped. A fragment goes: archives key without it, and would take `%23`
    for a part of the path.

    >>> build_uri_m("https://web.archive.org", "20180127122821", "https://x.org/a?b=1&c=%20")
    'https://web.archive.org/web/20180127122821id_/https://x.org/a?b=1&c=%20'
    """
    page = original.partition("#")[0]
    escaped = _MUST_ESCAPE.sub(lambda match: quote(match[0], safe=""), page)
    return UriM(f"{replay_prefix(archive_url)}/{timestamp}{modifier}/{escaped}")


def replay_prefix(archive_url: str) -> str:
    """Return the address that timestamps are appended to.

    An archive named without a path is a Wayback Machine and replays under `/web`;
    one with a path is a pywb collection and replays under itself.

    >>> replay_prefix("https://web.archive.org/")
    'https://web.archive.org/web'
    >>> replay_prefix("http://127.0.0.1:8080/dev")
    'http://127.0.0.1:8080/dev'
    """
    base = archive_url.rstrip("/")
    return base if urlsplit(base).path else f"{base}/web"


def cited_uri_m(timestamp: str, original: str) -> UriM:
    """Return the replay address as the corpus's block quote writes it: target quoted, slashes kept.

    Of captures that web.archive.org served, or whose archive is not known.

    >>> cited_uri_m("20180127122821", "https://intently.co/pages/privacy")
    'https://web.archive.org/web/20180127122821id_/https%3A//intently.co/pages/privacy'
    """
    # "%" is safe: the index prints addresses escaped, a second escape names another page
    return UriM(f"https://web.archive.org/web/{timestamp}id_/{quote(original, safe='/%')}")


def page_uri_m(uri_m: str) -> str:
    """Return where people see a capture as a page, for the address of its bare bytes.

    >>> page_uri_m("https://web.archive.org/web/20180127122821id_/https://intently.co/pages/privacy")
    'https://web.archive.org/web/20180127122821/https://intently.co/pages/privacy'
    """
    return re.sub(r"(/[0-9]{14})id_/", r"\1/", uri_m, count=1)


def archive_of(uri_m: str) -> str | None:
    """Return the base address of the archive that replays a capture; None for an address of no replay.

    >>> archive_of("https://web.archive.org/web/20180127122821id_/https://intently.co/pages/privacy")
    'https://web.archive.org'
    >>> archive_of("http://127.0.0.1:8080/dev/20180127122821id_/https://x.org/web/20180127122821/y")
    'http://127.0.0.1:8080/dev'
    """
    match = re.match(r"(https?://[^/]+(?:/[^/]+)*?)/[0-9]{14}(?:[a-z]{2}_)?/", uri_m)
    return match[1].removesuffix("/web") if match else None


def describe_archive(archive_url: str | None) -> str:
    """Return what to call an archive in a sentence.

    >>> describe_archive("https://web.archive.org"), describe_archive("http://127.0.0.1:8080/dev")
    ('Internet Archive Wayback Machine', 'archive at http://127.0.0.1:8080/dev')
    """
    if archive_url is None:
        return "no public archive"
    titles = {archive.url: archive.title for archive in ARCHIVES.values()}
    return titles.get(archive_url, f"archive at {archive_url}")


def split_uri_m(url: str) -> tuple[str, UriR] | None:
    """Return (timestamp, original) of a replay address in any of its forms, or None if it is none.

    >>> split_uri_m("/web/20180127122821id_/http%3A//x.org/a")
    ('20180127122821', 'http://x.org/a')
    """
    match = _REPLAY.match(url)
    if not match:
        return None
    timestamp, _, target = match.groups()
    if re.match("https?%3a", target, re.IGNORECASE):
        target = unquote(target)
    return timestamp, UriR(re.sub(r"^(https?):/(?!/)", r"\1://", target))


def original_address(url: str) -> str:
    """Return an address with its replay prefix undone, whatever archive served it.

    >>> original_address("https://web.archive.org/web/20180127122821id_/https%3A//x.org/a")
    'https://x.org/a'
    >>> original_address("https://x.org/2011/11/18/y.html")
    'https://x.org/2011/11/18/y.html'
    """
    split = split_uri_m(url)
    if split is None:
        return url
    timestamp, target = split
    if re.match(r"https?:|mailto:|//", target):
        return str(target)
    # without a scheme it may as well be a page in a folder with a number for a name
    return f"http://{target}" if len(timestamp) == 14 and _HOST.match(target) else url


def same_page(one: str, other: str) -> bool:
    """Return whether two addresses are one page to the index (scheme, www, case, port aside)."""
    return urlkey(one) == urlkey(other)


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList(accept_unknown=True)


def parse_site(text: str) -> str:
    """Return the site that a user means by what they pasted: its registrable domain.

    URL, upper case, IDN, trailing dot, port and subdomains are all taken.
    Lower-case ASCII (UTS 46, non-transitional) comes back. A blog on a
    platform is a site of its own (data/platforms.txt, and the private
    part of the Public Suffix List).

    Raises UsageError if it is no domain.

    >>> parse_site("HTTPS://www.Bücher.example:443/x"), parse_site("hasin.wordpress.com")
    ('xn--bcher-kva.example', 'hasin.wordpress.com')
    """
    host = _host_of(text.strip())
    if host and not _SCHEME.match(text.strip()) and "@" in text.partition("/")[0]:  # an e-mail address
        raise UsageError(f"what stands before an @ is no part of a site: write {host[:80]}.")
    try:
        ascii_host = idna.encode(host, uts46=True, std3_rules=False).decode().lower()
    except (idna.IDNAError, UnicodeError):
        ascii_host = host.lower()
    if not re.fullmatch(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9-]{2,63}", ascii_host):
        raise UsageError(f"'{text[:80]}' is no domain: write one like example.com, or a page's address.")
    if _suffixes().publicsuffix(ascii_host) == ascii_host:
        raise UsageError(f"'{ascii_host}' is a public suffix: write a site below it, example.{ascii_host}.")
    return registrable_domain(ascii_host)


def _host_of(text: str) -> str:
    candidate = text if _SCHEME.match(text) else f"http://{text}"
    try:
        return (urlsplit(candidate).hostname or "").rstrip(".")
    except ValueError:
        return ""


def registrable_domain(host: str) -> str:
    """Return the part of a host that somebody registered, by the Public Suffix List and our platforms.

    >>> registrable_domain("docs.example.co.uk"), registrable_domain("www.wordpress.com")
    ('example.co.uk', 'wordpress.com')
    """
    domain = _suffixes().privatesuffix(host) or host
    if domain not in platforms() or host in (domain, f"www.{domain}"):
        return domain
    return ".".join(host.split(".")[-domain.count(".") - 2 :])


@cache
def platforms() -> frozenset[str]:
    """Return the domains under which each subdomain belongs to somebody else."""
    lines = (DATA / "platforms.txt").read_text("utf-8").splitlines()
    return frozenset(line.strip() for line in lines if line.strip() and not line.startswith("#"))


def parse_archive(text: str) -> str:
    """Return the base address of the archive that a user names: lower case, nothing at its end.

    One archive has one form, for its budget is counted by it. The Wayback Machine is
    known by any of its names, with `/web` or without, and is asked by https alone.

    A name of `ARCHIVES` means its address. Raises UsageError if it is none.

    >>> parse_archive("http://web.archive.org/web/"), parse_archive("http://LOCALHOST:80/Demo/")
    ('https://web.archive.org', 'http://localhost/Demo')
    """
    named = ARCHIVES.get(text.strip().lower())
    text = named.url if named else text
    try:
        parts = urlsplit(text.strip())
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _no_archive(text) from None
    if parts.scheme not in DEFAULT_PORTS or not host or "@" in parts.netloc or parts.query or parts.fragment:
        raise _no_archive(text)
    path = parts.path.rstrip("/")
    if host.rstrip(".") in _WAYBACK_HOSTS:
        if path not in ("", "/web"):
            raise _no_archive(text)
        return WAYBACK_MACHINE
    bracketed = f"[{host}]" if ":" in host else host
    netloc = bracketed if port in (None, DEFAULT_PORTS[parts.scheme]) else f"{bracketed}:{port}"
    return f"{parts.scheme}://{netloc}{path}"


def _no_archive(text: str) -> UsageError:
    names = ", ".join(ARCHIVES)
    return UsageError(
        f"--archive {text[:200]!a} is no archive's address: write one like {WAYBACK_MACHINE}, or: {names}."
    )


def parse_page(text: str) -> UriR:
    """Return the address of a page that a user pasted, without password and fragment: no index has them.

    Raises UsageError if it is none of the web.

    >>> parse_page("x.org/a?b=1#top"), parse_page("http://me:secret@x.org/%7Ea")
    ('https://x.org/a?b=1', 'http://x.org/%7Ea')
    """
    try:
        parts = urlsplit(text if _SCHEME.match(text) else f"https://{text}")
    except ValueError:
        raise _no_page(text) from None
    if parts.scheme not in DEFAULT_PORTS or any(ord(c) < 32 for c in text):
        raise _no_page(text)
    return UriR(urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="")))


def _no_page(text: str) -> UsageError:
    return UsageError(f"{text[:80]!a} is no page of the web: write an address like https://example.com/a.")


def strip_replay(text: str) -> str:
    """Return what a pasted address of the Wayback Machine shows, or the text as it is.

    >>> strip_replay("https://web.archive.org/web/2018*/example.com"), strip_replay("example.com")
    ('example.com', 'example.com')
    """
    match = _PASTED_REPLAY.fullmatch(text)
    if not match:
        return text
    return unquote(match[1]) if re.match("https?%3a", match[1], re.IGNORECASE) else match[1]


def is_address(text: str) -> bool:
    """Return whether the user gave one page's address, not a bare domain."""
    candidate = text if _SCHEME.match(text) else f"http://{text}"
    try:
        parts = urlsplit(candidate)
    except ValueError:
        return False
    return bool(parts.path.strip("/") or parts.query)
