"""The index spoken over HTTP: parameters to a query, a page to text or JSON."""

from __future__ import annotations

import json
from collections.abc import Callable

from policy_archive.archive_server.answers import Answer, Request, build_text
from policy_archive.archive_server.index import BadQueryError, Index, Line, Page, Query
from policy_archive.crawler.core.records import CDX_FIELDS

EditPage = Callable[[Query, Page], Page]
"""What a fault makes of a page before it is written down."""


def answer_index(request: Request, index: Index, edit_page: EditPage) -> Answer:
    """Return the answer to /cdx/search/cdx, /web/timemap/cdx or /web/timemap/json."""
    try:
        query = _read_query(request)
        if "showNumPages" in request.parameters:
            return build_text(200, "1\n", "text/plain")
        if _number(request, "page") > 0:  # one page holds everything
            return _write_down(request, Page(lines=()))
        return _write_down(request, edit_page(query, index.search(query)))
    except BadQueryError as error:
        return build_text(400, f"{error}\n", "text/plain")


def _read_query(request: Request) -> Query:
    url = _text(request, "url")
    if not url:
        raise BadQueryError("url parameter is required")
    url, match_type = _read_wildcard(url, _text(request, "matchType"))
    return Query(
        url=url,
        match_type=match_type,
        from_timestamp=_text(request, "from"),
        to_timestamp=_text(request, "to"),
        filters=tuple(request.parameters.get("filter", ())),
        collapse=tuple(request.parameters.get("collapse", ())),
        limit=_number(request, "limit"),
        offset=_number(request, "offset"),
        sort=_text(request, "sort"),
        closest=_text(request, "closest"),
        resume_key=_text(request, "resumeKey"),
    )


def _read_wildcard(url: str, match_type: str) -> tuple[str, str]:
    """Return address and match type; `*.x.org` and `x.org/*` count only where no match type is given."""
    if match_type:
        return url, match_type
    if url.startswith("*."):
        return url[2:], "domain"
    if url.endswith("*"):
        return url[:-1], "prefix"
    return url, "exact"


def _text(request: Request, name: str) -> str:
    return request.parameters.get(name, [""])[-1]


def _number(request: Request, name: str) -> int:
    text = _text(request, name) or "0"
    try:
        return int(text)
    except ValueError as error:
        raise BadQueryError(f"bad {name}: {text}") from error


def _write_down(request: Request, page: Page) -> Answer:
    fields = [field for field in _text(request, "fl").split(",") if field in CDX_FIELDS] or list(CDX_FIELDS)
    numbers = [CDX_FIELDS.index(field) for field in fields]
    # a fault may have broken a line: it keeps the fields that it has
    lines = [tuple(line[n] for n in numbers) if len(line) == len(CDX_FIELDS) else line for line in page.lines]
    key = page.next_key if _text(request, "showResumeKey") == "true" else None
    if request.path == "/web/timemap/json" or _text(request, "output") == "json":
        return _write_json(fields, lines, key)
    return _write_text(lines, key)


def _write_text(lines: list[Line], key: str | None) -> Answer:
    text = "".join(f"{' '.join(line)}\n" for line in lines)
    return build_text(200, text + (f"\n{key}\n" if key else ""), "text/plain")


def _write_json(fields: list[str], lines: list[Line], key: str | None) -> Answer:
    rows = [fields, *map(list, lines)] if lines or key else []
    rows += [[], [key]] if key else []
    text = ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
    return build_text(200, f"[{text}]\n", "application/json")
