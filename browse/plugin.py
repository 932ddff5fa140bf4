"""Datasette plugin: makes a corpus a place to read policies.

Loaded by `policy-archive browse`, as an installed plugin, or by
`datasette policies.db --plugins-dir browse/plugins`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from datasette import Request, Response, hookimpl

from browse.addresses import PREFIX, Addresses, DocumentKey
from browse.corpus import SearchFilters
from browse.feeds import build_changes_feed, build_search_feed
from browse.metadata import QUERIES, describe_corpus
from browse.pages import PageNotFoundError, Pages, find_version, render_version_file, version_at
from crawler.errors import UsageError
from crawler.timestamps import parse_day

if TYPE_CHECKING:  # the plugin is loaded while datasette.app is still being imported
    from datasette.app import Datasette
    from datasette.database import Database

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
"""Nothing runs and nothing is loaded from elsewhere, whatever an archived text holds."""
_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_STYLESHEET = Path(__file__).parent / "static" / "policies.css"
_SEGMENT = "[^/]+"
_STAMP = "[0-9]{14}"

_Page = Callable[[sqlite3.Connection, Pages, Request], Response]
_Route = Callable[[Request, "Datasette"], Awaitable[Response]]


def _policies_page(page: _Page) -> _Route:
    """Turn a function of (connection, pages, request) into a route with the safe headers."""

    # not functools.wraps: Datasette reads a route's parameter names, and would see those of the page
    async def route(request: Request, datasette: Datasette) -> Response:
        database = await _find_database(datasette)
        if database is None:
            return _html(
                Pages(addresses=Addresses()).render_message("No corpus", "No policy database is open."), 404
            )
        pages = Pages(
            addresses=Addresses(base=datasette.urls.path(PREFIX)),
            database_address=datasette.urls.database(database.name),
        )
        return await database.execute_fn(lambda connection: _answer(page, connection, pages, request))

    return route


def _answer(page: _Page, connection: sqlite3.Connection, pages: Pages, request: Request) -> Response:
    try:
        return page(connection, pages, request)
    except PageNotFoundError as error:
        return _html(pages.render_message("Not found", str(error)), 404)
    except UsageError as error:
        return _html(pages.render_message("That cannot be shown", str(error)), 400)


async def _find_database(datasette: Datasette) -> Database | None:
    """Return the first open database that holds a corpus."""
    for database in datasette.databases.values():
        if "policy_versions" in await database.view_names():
            return database
    return None


def _html(text: str, status: int = 200) -> Response:
    return Response.html(text, status=status, headers=dict(_HEADERS))


def _text(text: str, content_type: str, *, filename: str | None = None) -> Response:
    headers = dict(_HEADERS)
    if filename:
        headers["Content-Disposition"] = f'inline; filename="{filename}"'
    return Response(text, headers=headers, content_type=content_type)


def _document(request: Request, site: str = "site", segment: str = "document") -> DocumentKey:
    return DocumentKey.parse(request.url_vars[site], request.url_vars[segment])


@_policies_page
def home(connection: sqlite3.Connection, pages: Pages, request: Request) -> Response:
    return _html(pages.render_home(connection))


@_policies_page
def site(connection: sqlite3.Connection, pages: Pages, request: Request) -> Response:
    return _html(pages.render_site(connection, request.url_vars["site"]))


@_policies_page
def version(connection: sqlite3.Connection, pages: Pages, request: Request) -> Response:
    return _html(pages.render_version(connection, _document(request), request.url_vars["timestamp"]))


@_policies_page
def version_file(connection: sqlite3.Connection, pages: Pages, request: Request) -> Response:
    key, timestamp, extension = (
        _document(request),
        request.url_vars["timestamp"],
        request.url_vars["extension"],
    )
    content_type, text = render_version_file(connection, key, timestamp, extension)
    return _text(text, content_type, filename=f"{key.site}-{key.kind}-{timestamp}.{extension}")


@_policies_page
def at_date(connection: sqlite3.Connection, pages: Pages, request: Request) -> Response:
    key, day = _document(request), _parse_date(request.url_vars["day"])
    timestamp, unknown = version_at(connection, key, day)
    if timestamp is None:
        return _html(pages.render_message(f"{key.site} on {day}", unknown, site=key.site))
    return Response.redirect(pages.addresses.version(key, timestamp))


def _parse_date(text: str) -> date:
    return parse_day(text)


@_policies_page
def diff(connection: sqlite3.Connection, pages: Pages, request: Request) -> Response:
    old = _document(request, "old_site", "old_document"), request.url_vars["old_timestamp"]
    new = _document(request, "new_site", "new_document"), request.url_vars["new_timestamp"]
    side_by_side = request.args.get("view") != "inline"
    address = pages.addresses.diff(*old, *new)
    other_view = f"{address}?view=inline" if side_by_side else address
    return _html(pages.render_diff(connection, old, new, side_by_side=side_by_side, other_view=other_view))


@_policies_page
def compare(connection: sqlite3.Connection, pages: Pages, request: Request) -> Response:
    """Lead from the two choices of a form to the permanent address of their difference."""
    key = DocumentKey.parse(request.url_vars["site"], request.args.get("document") or "")
    old, new = (request.args.get(name) or "" for name in ("old", "new"))
    for timestamp in (old, new):
        find_version(connection, key, timestamp)
    return Response.redirect(pages.addresses.diff(key, old, key, new))


@_policies_page
def search(connection: sqlite3.Connection, pages: Pages, request: Request) -> Response:
    page = request.args.get("page") or "0"
    return _html(
        pages.render_search(
            connection,
            (request.args.get("q") or "").strip(),
            _filters(request),
            page=int(page) if page.isdecimal() and len(page) < 4 else 0,
        )
    )


def _filters(request: Request) -> SearchFilters:
    return SearchFilters(
        **{name: request.args.get(name) or None for name in ("site", "kind", "year", "language")}
    )


@_policies_page
def feed(connection: sqlite3.Connection, pages: Pages, request: Request) -> Response:
    site = request.url_vars.get("site")
    return _atom(build_changes_feed(connection, pages.addresses, root=_root(request), site=site))


@_policies_page
def search_feed(connection: sqlite3.Connection, pages: Pages, request: Request) -> Response:
    query = request.args.get("q") or ""
    asked = urlencode({name: request.args.get(name) for name in request.args})
    return _atom(
        build_search_feed(
            connection,
            pages.addresses,
            root=_root(request),
            query=query,
            asked=asked,
            filters=_filters(request),
        )
    )


def _atom(text: str) -> Response:
    return _text(text, "application/atom+xml; charset=utf-8")


def _root(request: Request) -> str:
    return f"{request.scheme}://{request.host}"


async def stylesheet() -> Response:
    return _text(_STYLESHEET.read_text("utf-8"), "text/css; charset=utf-8")


@hookimpl
def register_routes() -> list[tuple[str, Any]]:
    document = f"(?P<site>{_SEGMENT})/(?P<document>{_SEGMENT})"
    sides = (
        f"(?P<{side}_site>{_SEGMENT})/(?P<{side}_document>{_SEGMENT})/(?P<{side}_timestamp>{_STAMP})"
        for side in ("old", "new")
    )
    extensions = r"(?P<extension>md|json|bib|csl\.json)"
    return [
        (rf"^{PREFIX}/?$", home),
        (rf"^{PREFIX}/-/policies\.css$", stylesheet),
        (rf"^{PREFIX}/-/search$", search),
        (rf"^{PREFIX}/-/search\.atom$", search_feed),
        (rf"^{PREFIX}/-/feed\.atom$", feed),
        (rf"^{PREFIX}/-/compare/(?P<site>{_SEGMENT})$", compare),
        (rf"^{PREFIX}/-/diff/{'/'.join(sides)}$", diff),
        (rf"^{PREFIX}/(?P<site>{_SEGMENT})/feed\.atom$", feed),
        (rf"^{PREFIX}/{document}/(?P<timestamp>{_STAMP})$", version),
        (rf"^{PREFIX}/{document}/(?P<timestamp>{_STAMP})\.{extensions}$", version_file),
        (rf"^{PREFIX}/{document}/at/(?P<day>[0-9-]{{4,10}})$", at_date),
        (rf"^{PREFIX}/(?P<site>{_SEGMENT})/?$", site),
    ]


@hookimpl
def menu_links(datasette: Datasette) -> list[dict[str, str]]:
    return [{"href": datasette.urls.path(PREFIX), "label": "Policies"}]


@hookimpl
def canned_queries(datasette: Datasette, database: str) -> dict[str, dict[str, Any]]:
    return QUERIES


@hookimpl
def get_metadata(datasette: Datasette) -> dict[str, Any]:
    return describe_corpus(datasette.databases)
