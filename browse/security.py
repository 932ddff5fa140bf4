"""The headers that keep archived texts from doing anything in the reader's browser."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import Any

PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
"""For our pages: nothing runs and nothing is loaded from elsewhere, whatever an archived text holds."""
TABLE_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""For Datasette's own pages of a corpus, which need the scripts that stand in them."""
SAFE_HEADERS = {
    "Content-Security-Policy": PAGE_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}

HOSTS_VARIABLE = "POLICY_ARCHIVE_ALLOWED_HOSTS"
"""Set by `browse`: names, comma-separated, by which its server may be asked."""

_App = Callable[[dict[str, Any], Any, Any], Awaitable[None]]


def guard_tables(app: _App, prefixes: Callable[[], Iterable[str]]) -> _App:
    """Return an ASGI application whose answers below the prefixes (of our databases) load nothing foreign."""

    async def guarded(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http" or not _is_below(scope["path"], prefixes()):
            return await app(scope, receive, send)

        async def send_guarded(event: dict[str, Any]) -> None:
            if event["type"] == "http.response.start":
                event = event | {"headers": _complete(event.get("headers") or [])}
            await send(event)

        return await app(scope, receive, send_guarded)

    return guarded


def _is_below(path: str, prefixes: Iterable[str]) -> bool:
    return any(path == prefix or path.startswith((f"{prefix}/", f"{prefix}.")) for prefix in prefixes)


def _complete(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return the headers with ours added where there is none of that name."""
    given = list(headers)
    names = {name.lower() for name, _ in given}
    ours = {**SAFE_HEADERS, "Content-Security-Policy": TABLE_POLICY}
    added = [(name.lower().encode(), value.encode()) for name, value in ours.items()]
    return given + [header for header in added if header[0] not in names]


def guard_hosts(app: _App, allowed: Collection[str]) -> _App:
    """Return an ASGI application that answers only to addresses in digits, and to the names allowed.

    A name may be made to stand for 127.0.0.1 by whoever owns it (DNS rebinding), and its pages
    then read ours; other sites' pages may send requests here, but for links that a person follows.
    """

    async def guarded(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
            reason = _why_refused(headers, allowed)
            if reason:
                return await _refuse(reason, send)
        return await app(scope, receive, send)

    return guarded


def _why_refused(headers: dict[bytes, str], allowed: Collection[str]) -> str:
    host = headers.get(b"host", "")
    if not is_allowed_host(host, allowed):
        return "This name is not one of this server's: start it with --allow-host NAME."
    foreign = headers.get(b"sec-fetch-site", "none") in ("cross-site", "same-site")
    if foreign and headers.get(b"sec-fetch-mode") != "navigate":
        return "Pages of other sites may not ask this server."
    return ""


def is_allowed_host(host: str, allowed: Collection[str]) -> bool:
    """Return whether a Host header names an address in digits, this machine, or a name that was allowed.

    >>> [is_allowed_host(h, ["x.org"]) for h in ("[::1]:80", "127.0.0.1", "X.org:80", "evil.example", "")]
    [True, True, True, False, False]
    """
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
    name = name.strip("[]").rstrip(".").lower()
    if name == "localhost" or name in {one.lower() for one in allowed}:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


async def _refuse(reason: str, send: Any) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"x-content-type-options", b"nosniff")]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": reason.encode()})
