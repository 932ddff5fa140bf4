"""The headers that keep archived texts from doing anything in the reader's browser."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import Any

from policy_archive.crawler.core.hosts import why_refused

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
"""For our pages: nothing but our own file of script runs and nothing is loaded from elsewhere, whatever an
archived text holds."""
TABLE_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""For Datasette's own pages of a corpus, which need the scripts that stand in them."""
PICTURE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
"""For a picture of ours as a file of its own, whose colours stand in it."""
COPY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; base-uri 'none'; "
    "form-action 'self'"
)
"""For the pages of a static copy, in the page: whoever serves the files need not know of it. (What a page
cannot say of itself, who may frame it, is left out.)"""
SEARCH_POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; worker-src 'self'; "
    "style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'"
)
"""For the one page of a copy that searches: its index is read by a program in WebAssembly."""
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
    """Return an ASGI application that answers only to whom `why_refused` finds nothing against."""

    async def guarded(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            headers = {
                name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
            }
            reason = why_refused(headers, allowed)
            if reason:
                return await _refuse(reason, send)
        return await app(scope, receive, send)

    return guarded


async def _refuse(reason: str, send: Any) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"x-content-type-options", b"nosniff")]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": reason.encode()})
