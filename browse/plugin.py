"""Datasette plugin: makes a corpus a place to read policies.

Loaded by `policy-archive browse`, as an installed plugin, or by
`datasette policies.db --plugins-dir browse/plugins`.
"""

from __future__ import annotations

import asyncio
import os
import re
import sqlite3
from collections.abc import Awaitable, Callable, Generator, Iterator
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, unquote_plus, urlencode

from datasette import Request, Response, hookimpl
from datasette.utils import await_me_maybe
from datasette.utils.asgi import Base400

from policy_archive.browse import corpus, phrase_data
from policy_archive.browse.caching import (
    ASKED_AGAIN,
    KEPT_FOR_EVER,
    STATIC,
    STATIC_FILES,
    build_validators,
    is_kept,
    version_of_file,
)
from policy_archive.browse.cells import show_cell
from policy_archive.browse.feeds import build_changes_feed, build_search_feed
from policy_archive.browse.metadata import QUERIES, describe_corpus, describe_to_new_datasette
from policy_archive.browse.pages import FILE_TYPES, LONGEST_AT_ONCE, Pages, render_version_file
from policy_archive.browse.phrase_svg import draw_phrases
from policy_archive.browse.search_filters import settle_filters
from policy_archive.browse.security import (
    HOSTS_VARIABLE,
    PICTURE_POLICY,
    SAFE_HEADERS,
    guard_hosts,
    guard_tables,
)
from policy_archive.crawler.core.errors import (
    CdxError,
    DamagedError,
    ExtractionError,
    NotKnownError,
    UsageError,
)
from policy_archive.crawler.core.records import Document
from policy_archive.crawler.core.safe_files import safe_name
from policy_archive.crawler.core.timestamps import parse_day, parse_timestamp
from policy_archive.pipelines.outputs.addresses import PREFIX, Addresses, parse_document
from policy_archive.pipelines.reading.pool import ReadingPool
from policy_archive.pipelines.store.connection import is_corpus, is_dense_file, one_state
from policy_archive.pipelines.store.packed import register
from policy_archive.pipelines.store.queries import find_site
from policy_archive.pipelines.store.search import SearchFilters

if TYPE_CHECKING:  # the plugin is loaded while datasette.app is still being imported
    from datasette.app import Datasette
    from datasette.database import Database

_SEGMENT = "[^/]+"
_STAMP = "[0-9]{14}"
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_DATASETTES_ANSWER = "datasette.handle_exception"
_INLINE = "?view=inline"

LONGEST_VALUE_BYTES = 64 * 1024 * 1024
"""Three times the longest body; `select zeroblob(900000000)` takes as much memory twice over."""
COMPARING_SECONDS = 10.0
"""Of CPU that a comparison and its page may take, in one of two processes."""
TOO_LONG = "These two texts take too long to be compared here: policy-archive diff prints what changed."

_Page = Callable[[sqlite3.Connection, Pages, Request], Response]
_Route = Callable[[Request, "Datasette"], Awaitable[Response]]


def _policies_page(page: _Page) -> _Route:
    """Turn a function of (connection, pages, request) into a route with the safe headers."""

    # not functools.wraps: Datasette reads a route's parameter names, and would see those of the page
    async def route(request: Request, datasette: Datasette) -> Response:
        addresses = Addresses(base=datasette.urls.path(PREFIX))
        database = next(_iter_corpora(datasette), None)
        if database is None:
            return _html(
                Pages(addresses=addresses).render_message("No corpus", "No policy database is open."), 404
            )
        pages = Pages(
            addresses=addresses,
            database_address=datasette.urls.database(database.name),
            root=_root(request),
        )
        validators = build_validators(Path(database.path))
        if is_kept(request.headers, validators):
            return Response("", status=304, headers={**SAFE_HEADERS, **validators})
        answer = await database.execute_fn(lambda connection: _answer(page, connection, pages, request))
        if answer.status == 200:
            answer.headers.update(validators)
        return answer

    return route


def _answer(page: _Page, connection: sqlite3.Connection, pages: Pages, request: Request) -> Response:
    try:
        if _CONTROLS.search(unquote_plus(request.full_path)):
            raise UsageError("The address holds control characters, which nothing here has a use for.")
        with one_state(connection):
            return page(connection, pages, request)
    except NotKnownError as error:
        return _html(pages.render_message("Not found", str(error)), 404)
    except UsageError as error:
        return _html(pages.render_message("That cannot be shown", str(error)), 400)
    except DamagedError as error:
        said = str(error)
        return _html(pages.render_message("That cannot be shown", f"{said[:1].upper()}{said[1:]}."), 500)


def _iter_corpora(datasette: Datasette) -> Iterator[Database]:
    """Yield the open databases that hold a corpus."""
    return (database for database in datasette.databases.values() if _is_ours(database))


def _is_ours(database: Database) -> bool:
    return database.path is not None and is_corpus(Path(database.path))


def _html(text: str, status: int = 200) -> Response:
    return Response.html(text, status=status, headers=dict(SAFE_HEADERS))


def _text(text: str, content_type: str, *, filename: str | None = None) -> Response:
    headers = dict(SAFE_HEADERS)
    if filename:
        headers["Content-Disposition"] = f'inline; filename="{filename}"'
    return Response(text, headers=headers, content_type=content_type)


def _redirect(address: str) -> Response:
    return Response.redirect(address, headers=dict(SAFE_HEADERS))


def _document(request: Request, site: str = "site", segment: str = "document") -> Document:
    return parse_document(request.url_vars[site], request.url_vars[segment])


@cache
def comparing() -> ReadingPool:
    """Return the processes that compare long texts; none is started before it is needed."""
    return ReadingPool(2, timeout_seconds=COMPARING_SECONDS)


@_policies_page
def home(connection: sqlite3.Connection, pages: Pages, request: Request) -> Response:
    return _html(pages.render_home(connection))


@_policies_page
def site(connection: sqlite3.Connection, pages: Pages, request: Request) -> Response:
    asked = unquote(request.url_vars["site"])
    found = _known_site(connection, asked)
    if found != asked:
        return _redirect(pages.addresses.site(found))
    return _html(pages.render_site(connection, found, years=_asked_years(request)))


def _asked_years(request: Request) -> tuple[int, int] | None:
    """Return the years that a timeline is asked for, in order; None for all."""
    first, last = ((request.args.get(name) or "").strip() for name in ("from", "to"))
    if not first and not last:
        return None
    years = sorted(_parse_year(text) for text in (first or last, last or first))
    return years[0], years[1]


def _parse_year(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) == 4 and text >= "1990"):
        raise UsageError(f"“{text[:40]}” is no year: 1990 or later, in four digits.")
    return int(text)


def _known_site(connection: sqlite3.Connection, text: str) -> str:
    """Return the site that an address or a form means; as it is stored it need be no domain."""
    if corpus.has_site(connection, text):
        return text
    return find_site(connection, text)


@_policies_page
def asked_site(connection: sqlite3.Connection, pages: Pages, request: Request) -> Response:
    """Lead from the form of the home page to a site."""
    return _redirect(pages.addresses.site(_known_site(connection, request.args.get("name") or "")))


@_policies_page
def document(connection: sqlite3.Connection, pages: Pages, request: Request) -> Response:
    """Lead from a document's name to its place on the site page."""
    key = _document(request)
    return _redirect(f"{pages.addresses.site(key.site)}#{request.url_vars['document']}")


@_policies_page
def version(connection: sqlite3.Connection, pages: Pages, request: Request) -> Response:
    key, asked = _document(request), request.url_vars["timestamp"]
    timestamp = corpus.find_timestamp(connection, key, asked)
    if timestamp != asked:  # said on the page: the reader sees which text this is
        return _redirect(f"{pages.addresses.version(key, timestamp)}?asked={asked}")
    asked = request.args.get("asked") or ""
    return _html(
        pages.render_version(
            connection,
            key,
            timestamp,
            asked=asked if _is_instant(asked) else None,
            sought=(request.args.get("q") or "").strip() or None,
            paragraph=_number(request.args.get("p")),
        )
    )


@_policies_page
def section(connection: sqlite3.Connection, pages: Pages, request: Request) -> Response:
    key, asked = _document(request), request.url_vars["timestamp"]
    anchor = unquote(request.url_vars["anchor"])
    timestamp = corpus.find_timestamp(connection, key, asked)
    if timestamp != asked:
        return _redirect(pages.addresses.section(key, timestamp, anchor) or "")
    return _html(pages.render_section(connection, key, timestamp, anchor))


def _is_instant(text: str) -> bool:
    try:
        return bool(re.fullmatch(_STAMP, text)) and bool(parse_timestamp(text))
    except CdxError:
        return False


@_policies_page
def version_file(connection: sqlite3.Connection, pages: Pages, request: Request) -> Response:
    key, timestamp = _document(request), request.url_vars["timestamp"]
    extension = request.url_vars["extension"]
    canonical = corpus.find_timestamp(connection, key, timestamp)
    if canonical != timestamp:
        return _redirect(pages.addresses.version_file(key, canonical, extension))
    text = render_version_file(connection, key, timestamp, extension)
    filename = f"{safe_name(key.site)}-{key.kind}-{timestamp}.{extension}"
    return _text(text, FILE_TYPES[extension], filename=filename)


@_policies_page
def at_date(connection: sqlite3.Connection, pages: Pages, request: Request) -> Response:
    return _html(
        pages.render_at(connection, _document(request), parse_day(request.url_vars["day"], end=True))
    )


@_policies_page
def short_date(connection: sqlite3.Connection, pages: Pages, request: Request) -> Response:
    """Lead from an address that was shortened by hand (`privacy/2024`, `privacy/2024-02-13`) to that day."""
    key, day = _document(request), parse_day(request.url_vars["day"], end=True)
    return _redirect(pages.addresses.at(key, day.isoformat()) or "")


@_policies_page
def nothing_here(connection: sqlite3.Connection, pages: Pages, request: Request) -> Response:
    raise NotKnownError(
        "There is no such page. A site stands at /DOMAIN, a version at /DOMAIN/privacy/20180525000000, "
        "a day at /DOMAIN/privacy/at/2018-05-25."
    )


@_policies_page
def asked_date(connection: sqlite3.Connection, pages: Pages, request: Request) -> Response:
    """Lead from the form of the site page to the permanent address of a day."""
    key = parse_document(request.url_vars["site"], request.args.get("document") or "")
    day = parse_day(request.args.get("day") or "", end=True)
    return _redirect(pages.addresses.at(key, day.isoformat()) or "")


async def diff(request: Request, datasette: Datasette) -> Response:
    """Show what differs; texts too long for a moment's work are compared in another process, for a time."""
    addresses = Addresses(base=datasette.urls.path(PREFIX))
    old, new = _sides(request)
    side_by_side = request.args.get("view") != "inline"
    address = addresses.diff(*old, *new)
    views = {
        "side_by_side": side_by_side,
        "other_view": address + _INLINE if side_by_side else address,
    }

    @_policies_page
    def read(connection: sqlite3.Connection, pages: Pages, request: Request) -> Response:
        canonical = [(key, corpus.find_timestamp(connection, key, at)) for key, at in (old, new)]
        if canonical != [old, new]:
            return _redirect(addresses.diff(*canonical[0], *canonical[1]) + ("" if side_by_side else _INLINE))
        compared = pages.read_comparison(connection, old, new)
        if compared.characters > LONGEST_AT_ONCE:
            longer.append(partial(pages.render_comparison, compared, **views))
            return _html("")
        return _html(pages.render_comparison(compared, **views))

    longer: list[Callable[[], str]] = []
    answer = await read(request, datasette)
    if not longer:
        return answer
    try:
        shown = _html(await asyncio.wrap_future(comparing().submit(longer[0])))
        shown.headers.update(answer.headers)
        return shown
    except ExtractionError:
        pages = Pages(addresses=addresses)
        return _html(pages.render_message("That cannot be shown", TOO_LONG), 503)


@_policies_page
def compare(connection: sqlite3.Connection, pages: Pages, request: Request) -> Response:
    """Lead from the two choices of a form, each `document/timestamp`, to the permanent address."""
    sides = [_side(connection, request, request.args.get(name) or "") for name in ("old", "new")]
    return _redirect(pages.addresses.diff(*sides[0], *sides[1]))


def _side(connection: sqlite3.Connection, request: Request, choice: str) -> tuple[Document, str]:
    segment, _, timestamp = choice.rpartition("/")
    key = parse_document(request.url_vars["site"], segment)
    return key, corpus.find_timestamp(connection, key, timestamp)


@_policies_page
def changes(connection: sqlite3.Connection, pages: Pages, request: Request) -> Response:
    names = ("since", "class", "kind", "site")
    asked = {name: (request.args.get(name) or "").strip() for name in names}
    return _html(pages.render_changes(connection, asked, page=_page_number(request)))


@_policies_page
def overview(connection: sqlite3.Connection, pages: Pages, request: Request) -> Response:
    asked = {name: (request.args.get(name) or "").strip() for name in ("kind", "order", "until")}
    return _html(pages.render_overview(connection, asked))


def _page_number(request: Request) -> int:
    page = _number(request.args.get("page")) or 0
    return page if page < 1_000 else 0


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 7 else None


@_policies_page
def search(connection: sqlite3.Connection, pages: Pages, request: Request) -> Response:
    query = (request.args.get("q") or "").strip()
    return _html(pages.render_search(connection, query, _filters(request), page=_page_number(request)))


@_policies_page
def phrase(connection: sqlite3.Connection, pages: Pages, request: Request) -> Response:
    return _html(pages.render_phrases(connection, _every_value(request)))


def _every_value(request: Request) -> dict[str, list[str]]:
    return {name: request.args.getlist(name) for name in request.args}


@_policies_page
def phrase_file(connection: sqlite3.Connection, pages: Pages, request: Request) -> Response:
    asked = phrase_data.parse_asked(connection, _every_value(request))
    if not asked.texts:
        raise UsageError("Name a phrase: ?q=do+not+sell.")
    ending = request.url_vars["ending"]
    if ending == "json":
        return _text(phrase_data.build_json(connection, asked), "application/json; charset=utf-8")
    if ending == "csv":
        documents = bool(request.args.get("documents"))
        return _text(phrase_data.build_csv(connection, asked, documents=documents), "text/csv; charset=utf-8")
    _, phrases = phrase_data.study(connection, asked)
    picture = draw_phrases(phrases, alone=True)
    if not picture:
        raise NotKnownError("No version says this.")
    answer = _text(picture, "image/svg+xml; charset=utf-8")
    # its colours stand in it; nothing else is allowed to
    answer.headers["Content-Security-Policy"] = PICTURE_POLICY
    return answer


@_policies_page
def change(connection: sqlite3.Connection, pages: Pages, request: Request) -> Response:
    """Lead to the place in a difference where a phrase came or went: found when it is asked for."""
    sides = _sides(request)
    for key, at in sides:
        if corpus.find_timestamp(connection, key, at) != at:
            return _redirect(pages.addresses.diff(*sides[0], *sides[1]))
    return _redirect(pages.find_change(connection, *sides, sought=request.args.get("q") or ""))


def _sides(request: Request) -> tuple[tuple[Document, str], tuple[Document, str]]:
    return (
        (_document(request, "old_site", "old_document"), request.url_vars["old_timestamp"]),
        (_document(request, "new_site", "new_document"), request.url_vars["new_timestamp"]),
    )


def _filters(request: Request) -> SearchFilters:
    names = ("site", "kind", "year", "language")
    return SearchFilters(**{name: (request.args.get(name) or "").strip() or None for name in names})


@_policies_page
def feed(connection: sqlite3.Connection, pages: Pages, request: Request) -> Response:
    name = request.url_vars.get("site")
    site = _known_site(connection, unquote(name)) if name else None
    words = request.args.get("min_words") or "0"
    if not (words.isascii() and words.isdecimal() and len(words) < 10):
        raise UsageError(f"“{words[:40]}” is no number of words: write min_words=20.")
    text = build_changes_feed(
        connection,
        pages.addresses,
        root=_root(request),
        site=site,
        substantive=request.args.get("substantive") not in (None, "", "0"),
        min_words=int(words),
    )
    return _atom(text)


@_policies_page
def search_feed(connection: sqlite3.Connection, pages: Pages, request: Request) -> Response:
    filters = settle_filters(connection, _filters(request))
    query = request.args.get("q") or ""
    asked = urlencode({"q": query, **{name: value for name, value in vars(filters).items() if value}})
    root = _root(request)
    return _atom(
        build_search_feed(connection, pages.addresses, root=root, query=query, asked=asked, filters=filters)
    )


def _atom(text: str) -> Response:
    return _text(text, "application/atom+xml; charset=utf-8")


def _root(request: Request) -> str:
    return f"{request.scheme}://{request.host}"


async def static_file(request: Request) -> Response:
    """Send stylesheet or script; under the address that names its content it is kept for ever."""
    name = request.url_vars["name"]
    answer = _text((STATIC / name).read_text("utf-8"), STATIC_FILES[name])
    is_named = request.args.get("v") == version_of_file(name)
    answer.headers["Cache-Control"] = KEPT_FOR_EVER if is_named else ASKED_AGAIN
    return answer


@hookimpl
def register_routes() -> list[tuple[str, Any]]:
    site_of = f"(?P<site>{_SEGMENT})"
    document_of = f"{site_of}/(?P<document>{_SEGMENT})"
    sides = "/".join(
        f"(?P<{side}_site>{_SEGMENT})/(?P<{side}_document>{_SEGMENT})/(?P<{side}_timestamp>{_STAMP})"
        for side in ("old", "new")
    )
    extensions = "|".join(extension.replace(".", r"\.") for extension in FILE_TYPES)
    return [
        (rf"^{PREFIX}/?$", home),
        (rf"^{PREFIX}/-/(?P<name>{'|'.join(map(re.escape, STATIC_FILES))})$", static_file),
        (rf"^{PREFIX}/-/search$", search),
        (rf"^{PREFIX}/-/search\.atom$", search_feed),
        (rf"^{PREFIX}/-/feed\.atom$", feed),
        (rf"^{PREFIX}/-/changes$", changes),
        (rf"^{PREFIX}/-/overview$", overview),
        (rf"^{PREFIX}/-/site$", asked_site),
        (rf"^{PREFIX}/-/compare/{site_of}$", compare),
        (rf"^{PREFIX}/-/at/{site_of}$", asked_date),
        (rf"^{PREFIX}/-/phrase$", phrase),
        (rf"^{PREFIX}/-/phrase\.(?P<ending>csv|json|svg)$", phrase_file),
        (rf"^{PREFIX}/-/change/{sides}$", change),
        (rf"^{PREFIX}/-/diff/{sides}$", diff),
        (rf"^{PREFIX}/{site_of}/feed\.atom$", feed),
        (rf"^{PREFIX}/{document_of}/(?P<timestamp>{_STAMP})$", version),
        (rf"^{PREFIX}/{document_of}/(?P<timestamp>{_STAMP})\.(?P<extension>{extensions})$", version_file),
        (rf"^{PREFIX}/{document_of}/(?P<timestamp>{_STAMP})/section/(?P<anchor>{_SEGMENT})$", section),
        (rf"^{PREFIX}/{document_of}/at/(?P<day>[^/]+)/?$", at_date),
        (rf"^{PREFIX}/{document_of}/(?P<day>[0-9-]{{4,13}})/?$", short_date),
        (rf"^{PREFIX}/{document_of}/?$", document),
        (rf"^{PREFIX}/{site_of}/?$", site),
        (rf"^{PREFIX}/.*$", nothing_here),
    ]


@hookimpl
def prepare_connection(conn: sqlite3.Connection) -> None:
    """Let no value that somebody's SQL makes be longer than any that we store; read packed texts."""
    conn.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST_VALUE_BYTES)
    with suppress(sqlite3.Error):  # a damaged file has pages of its own, and others may be open beside it
        register(conn)


@hookimpl
def menu_links(datasette: Datasette) -> list[dict[str, str]]:
    return [{"href": datasette.urls.path(PREFIX), "label": "Policies"}]


@hookimpl
def canned_queries(datasette: Datasette, database: str) -> dict[str, dict[str, Any]]:
    found = datasette.databases.get(database)
    return QUERIES if found is not None and _is_ours(found) else {}


@hookimpl
def render_cell(row: Any, value: Any, column: str, database: str, datasette: Datasette) -> Any:
    found = datasette.databases.get(database)
    if found is None or not _is_ours(found):
        return None
    return show_cell(row, value, column, Addresses(base=datasette.urls.path(PREFIX)))


@hookimpl
def extra_css_urls(database: str | None, datasette: Datasette) -> list[str]:
    found = datasette.databases.get(database or "")
    if found is None or not _is_ours(found):
        return []
    return [datasette.urls.path(f"{PREFIX}/-/tables.css?v={version_of_file('tables.css')}")]


@hookimpl
def startup(datasette: Datasette) -> Callable[[], Awaitable[None]]:
    """Tell Datasette 1.0 what `get_metadata` and `canned_queries` tell the releases before it."""

    async def tell() -> None:
        if hasattr(datasette, "set_database_metadata"):
            await describe_to_new_datasette(
                datasette, _find_corpora(datasette), home=datasette.urls.path(PREFIX)
            )

    return tell


@hookimpl
def get_metadata(datasette: Datasette) -> dict[str, Any]:
    found = _find_corpora(datasette)
    return describe_corpus(found, home=datasette.urls.path(PREFIX)) if found else {}


def _find_corpora(datasette: Datasette) -> dict[str, bool]:
    """Return the names of the open corpora, each with whether its texts are packed."""
    return {database.name: is_dense_file(Path(database.path or "")) for database in _iter_corpora(datasette)}


@hookimpl(hookwrapper=True)
def handle_exception(
    datasette: Datasette, request: Request, exception: Exception
) -> Generator[None, Any, None]:
    """Answer what Datasette has no page for, and let its own answers come.

    Datasette asks every plugin and itself, whoever has answered already, and its own answer ends in an error
    of the server's wherever `rich` is installed: it prints the exception that is being handled, outside of
    the block that handles it.
    """
    outcome = yield
    answers = outcome.get_result()
    if isinstance(exception, Base400 | NotKnownError | UsageError):
        answers = [one for one in answers if getattr(one, "__module__", "") != _DATASETTES_ANSWER]
        answers.append(partial(_tell_of, datasette, request, exception))
    outcome.force_result([partial(_answer_within, exception, one) for one in answers])


async def _answer_within(exception: Exception, answer: Any) -> Response | None:
    try:
        raise exception
    except Exception:
        found: Response | None = await await_me_maybe(answer)
        return found


def _tell_of(datasette: Datasette, request: Request, exception: Exception) -> Response:
    message = str(exception) or "There is no such page."
    status = getattr(exception, "status", 404 if isinstance(exception, NotKnownError) else 400)
    if request.path.endswith(".json"):
        told = {"ok": False, "error": message, "status": status, "title": None}
        return Response.json(told, status=status)
    pages = Pages(addresses=Addresses(base=datasette.urls.path(PREFIX)))
    heading = "Not found" if status == 404 else "That cannot be shown"
    return _html(pages.render_message(heading, message), status)


@hookimpl
def asgi_wrapper(datasette: Datasette) -> Callable[[Any], Any]:
    def prefixes() -> list[str]:
        return [datasette.urls.database(database.name) for database in _iter_corpora(datasette)]

    names = os.environ.get(HOSTS_VARIABLE)
    if names is None:  # Datasette was started by other means, maybe behind a proxy that knows its names
        return lambda app: guard_tables(app, prefixes)
    return lambda app: guard_hosts(guard_tables(app, prefixes), names.split(","))
