"""What every fault has: when it strikes, and two hooks."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

from policy_archive.archive_server.answers import Answer, Request
from policy_archive.archive_server.cdx import EditPage
from policy_archive.archive_server.index import Page, Query

Proceed = Callable[[Request], Answer]
"""Asks the archive behind the fault."""
When = Callable[[Request], bool]


def always(request: Request) -> bool:
    """Every request."""
    return True


def index(request: Request) -> bool:
    """Requests to the index."""
    return request.kind == "index"


def replay(request: Request) -> bool:
    """Requests for captures."""
    return request.kind == "replay"


def domain_queries(request: Request) -> bool:
    """Index queries over a whole domain: those that large sites answer with 504."""
    url = request.parameters.get("url", [""])[0]
    return index(request) and ("domain" in request.parameters.get("matchType", ()) or url.startswith("*."))


def about(text: str) -> When:
    """Requests whose target holds the text."""
    return lambda request: text in request.target


@dataclass(kw_only=True)
class Fault:
    """Something that goes wrong with some requests."""

    when: When = always
    after: int = 0
    """So many such requests pass first."""
    times: int | None = None
    """It strikes so often at the most; None: for ever."""
    chance: float = 1.0
    """Share of requests that it strikes. Which ones depends on the address and on how often
    it was asked for: every run is the same, and a second try may go well."""
    struck: int = field(default=0, init=False)
    """How often it struck so far."""
    _met: int = field(default=0, init=False, repr=False)
    _asked: Counter[str] = field(default_factory=Counter, init=False, repr=False)

    def strikes(self, request: Request) -> bool:
        """Return whether this request is hit, and count it."""
        if not self.when(request) or not self._has_luck_run_out(request):
            return False
        self._met += 1
        if self._met <= self.after or (self.times is not None and self.struck >= self.times):
            return False
        self.struck += 1
        return True

    def _has_luck_run_out(self, request: Request) -> bool:
        if self.chance >= 1:
            return True
        self._asked[request.target] += 1
        draw = f"{type(self).__name__} {request.target} {self._asked[request.target]}"
        return zlib.crc32(draw.encode()) < self.chance * 2**32

    def answer(self, request: Request, proceed: Proceed) -> Answer:
        """Return the answer; `proceed(request)` is the archive's."""
        return proceed(request)

    def edit_page(self, query: Query, page: Page) -> Page:
        """Return the index's page as it is to be written down."""
        return page


def wrap(faults: Iterable[Fault], proceed: Proceed) -> Proceed:
    """Return `proceed` as seen through the faults; the first one named is outermost."""
    for fault in reversed(list(faults)):
        proceed = partial(fault.answer, proceed=proceed)
    return proceed


def edit_with(faults: Iterable[Fault]) -> EditPage:
    """Return the faults' page hooks as one; the last one named is applied first."""
    edits = [fault.edit_page for fault in reversed(list(faults))]

    def edit_page(query: Query, page: Page) -> Page:
        for edit in edits:
            page = edit(query, page)
        return page

    return edit_page
