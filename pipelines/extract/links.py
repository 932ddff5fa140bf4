"""Addresses of a page's links as they stood on the web: absolute, without what replay or a session put in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import quote, unquote, urljoin, urlsplit, urlunsplit

from lxml.html import HtmlElement

from policy_archive.crawler.core.urls import original_address
from policy_archive.pipelines.extract.blocks import Mark

_VOLATILE = re.compile(
    r"^(?:utm_[a-z]+|_?gl|_ga(?:c|_.*)?|gclid|gbraid|wbraid|fbclid|msclkid|dclid|yclid|twclid|ttclid|igshid|mc_[ce]id"
    r"|_hs(?:enc|mi)|__hs(?:tc|sc|fp)|mkt_tok|oly_(?:anon|enc)_id|vero_id|wickedid|cfid|cftoken|jsessionid|phpsessid"
    r"|aspsessionid.*|sessionid|session_id|sessid|sid|cachebust(?:er)?|nocache|_cb|__cf_chl.*)$",
    re.IGNORECASE,
)
"""Query parameters that say who came from where, or change at every load; none of them names another page."""

_PATH_SESSION = re.compile(r";(?:jsessionid|phpsessid|sid)=[^/?#;]*", re.IGNORECASE)
_DOTNET_SESSION = re.compile(r"/\((?:[AFSX]\([^()]*\))+\)(?=/)", re.IGNORECASE)
_FULL_ADDRESS = re.compile(r"(?:https?:)?//[^/]", re.IGNORECASE)
_CLOUDFLARE = re.compile(r"/cdn-cgi/l/email-protection(?:#([0-9a-fA-F]{4,}))?")


class LinkReader:
    """Reads the links of one page; `url` is the page's own address, '' when unknown."""

    def __init__(self, tree: HtmlElement, url: str) -> None:
        self.page = original_address(url) or _canonical(tree)
        self.base = _base_of(tree, self.page)
        self._count = 0

    def mark(self, element: HtmlElement) -> Mark | None:
        """Return the mark that an inline element puts on its text, None for none.

        A mark of kind `address` stands for the text itself: an e-mail address that Cloudflare had hidden.
        """
        hidden = element.get("data-cfemail")
        if element.tag != "a":
            return Mark("address", decode_email(hidden)) if hidden else None
        target = self.address(element.get("href"))
        if hidden:
            return Mark("address", decode_email(hidden))
        if target is None:
            return None
        self._count += 1
        return Mark("link", target, _title(element), self._count)

    def address(self, href: str | None) -> str | None:
        """Return the link's address as it is written, None when it leads nowhere."""
        href = re.sub(r"[\t\r\n]", "", href or "").strip()
        if "&#" in href:
            href = unescape(href)  # escaped twice, at random anew for each load: a way to hide mail addresses
        if (
            not href
            or href == "#"
            or href.lower().startswith(("javascript:", "data:", "about:", "vbscript:"))
        ):
            return None
        protected = _CLOUDFLARE.search(href)
        if protected:
            return f"mailto:{decode_email(protected[1])}" if protected[1] else None
        if href.startswith("#"):
            return _escape(href)
        try:
            return _escape(clean_address(self._absolute(href)))
        except ValueError:  # "http://[" and the like
            return _escape(href)

    def _absolute(self, href: str) -> str:
        absolute = original_address(urljoin(self.base, original_address(href)))
        page, hash_sign, fragment = absolute.partition("#")
        if hash_sign and page == self.page.partition("#")[0]:
            return f"#{fragment}"
        return absolute


def is_home(href: str) -> bool:
    """Return whether a link leads to a site's front page.

    >>> is_home("/"), is_home("https://x.org"), is_home("./index.php"), is_home("/blog/"), is_home("#top")
    (True, True, True, False, False)
    """
    try:
        parts = urlsplit(original_address(href.strip()))
    except ValueError:
        return False
    if parts.scheme not in ("http", "https", "") or parts.query:
        return False
    path = re.sub(r"(?:^|/)(?:index|default|home)\.\w+$", "/", parts.path)
    return path in ("/", "./", "../") or (not path and bool(parts.netloc))


def is_relative(href: str) -> bool:
    """Return whether an address is the page's own, or surely leads to the same site.

    >>> is_relative("/shop"), is_relative("shop.html"), is_relative("//x.org/a"), is_relative("#a")
    (True, True, False, False)
    """
    address = original_address(href.strip())
    return bool(address) and not re.match(r"#|//|[a-z][a-z0-9+.-]*:", address, re.IGNORECASE)


def is_page_address(href: str) -> bool:
    """Return whether this is an address that leads to another page.

    >>> is_page_address("/news/1"), is_page_address("https://x.org/a"), is_page_address("#a")
    (True, True, False)
    """
    address = original_address(href.strip())
    return bool(address) and re.match(r"#|(?!https?:)[a-z][a-z0-9+.-]*:", address, re.IGNORECASE) is None


def clean_address(url: str) -> str:
    """Return an address without session ids, cache busters and campaign marks.

    >>> clean_address("https://x.org/a;jsessionid=1F?utm_source=mail&id=3")
    'https://x.org/a?id=3'
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https", ""):
        return url
    path = _DOTNET_SESSION.sub("", _PATH_SESSION.sub("", parts.path))
    query = "&".join(pair for pair in parts.query.split("&") if not _VOLATILE.match(pair.partition("=")[0]))
    return urlunsplit((parts.scheme, parts.netloc, path, query, parts.fragment))


def decode_email(code: str) -> str:
    """Return the address that Cloudflare's protection hides: bytes XOR the first byte; '' if it is none.

    >>> decode_email("7c1d3c1e521f")
    'a@b.c'
    """
    try:
        key, *hidden = bytes.fromhex(code)
    except ValueError:
        return ""
    address = bytes(byte ^ key for byte in hidden).decode("utf-8", "replace")
    return unescape(address).partition("?")[0]  # what was protected may have been hidden as entities before


def _canonical(tree: HtmlElement) -> str:
    """Return the address that a page gives as its own, else its edition in another language, '' for none."""
    address = next(filter(_FULL_ADDRESS.match, _own_addresses(tree)), "")
    return original_address(f"https:{address}" if address.startswith("//") else address)


def _own_addresses(tree: HtmlElement) -> Iterator[str]:
    links = [(link.get("rel", "").lower(), link) for link in tree.iter("link")]
    yield from (link.get("href", "") for rel, link in links if rel == "canonical")
    for name in ("og:url", "twitter:url"):
        for meta in tree.iter("meta"):
            if name in (meta.get("property"), meta.get("name")):
                yield meta.get("content", "")
    yield from (link.get("href", "") for rel, link in links if rel == "alternate" and link.get("hreflang"))


def _base_of(tree: HtmlElement, page: str) -> str:
    base = tree.find(".//base[@href]")
    if base is None:
        return page
    try:
        return original_address(urljoin(page, original_address((base.get("href") or "").strip())))
    except ValueError:
        return page


def _title(element: HtmlElement) -> str:
    return " ".join((element.get("title") or "").split()).replace('"', r"\"")


def _escape(url: str) -> str:
    """Return an address that can stand in `(…)`: blanks and parentheses escaped."""
    if url.count("(") != url.count(")"):
        url = url.replace("(", "%28").replace(")", "%29")
    return re.sub(r"[\s<>]", lambda match: quote(match[0]), url)


def fragment_of(url: str) -> str:
    """Return the fragment of an address, '' for none."""
    return unquote(urlsplit(original_address(url)).fragment) if "#" in url else ""
