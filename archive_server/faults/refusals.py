"""The archive does not answer: too many requests, errors, silence, exclusion."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus

from policy_archive.archive_server.answers import Answer, Request, build_text
from policy_archive.archive_server.faults.base import Fault, Proceed, When, index, replay
from policy_archive.archive_server.replay import NOT_ARCHIVED

TOO_MANY = (
    "<html><body><h1>429 Too Many Requests</h1>\n"
    "You have sent too many requests in a given amount of time.\n</body></html>"
)
"""As transcribed in edgi-govdata-archiving/wayback, test_client.py."""


def build_rate_limited(retry_after: str | None) -> Answer:
    """Return the archive's own 429: no memento-datetime."""
    answer = build_text(429, TOO_MANY, "text/html")
    if retry_after is None:
        return answer
    return replace(answer, headers=(*answer.headers, ("Retry-After", retry_after)))


def http_date(seconds_from_now: float) -> str:
    """Return a Retry-After in its other form, a date."""
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds_from_now), usegmt=True)


@dataclass(kw_only=True)
class RateLimited(Fault):
    """429 in the archive's own name. With `for_seconds` the storm lasts so long from its first stroke on."""

    retry_after: str | None = None
    """As sent: seconds, `http_date(60)`, nonsense, a day; None: no such header, as in 2020 and 2023."""
    for_seconds: float | None = None
    _began: float | None = field(default=None, init=False, repr=False)

    def answer(self, request: Request, proceed: Proceed) -> Answer:
        self._began = self._began or request.monotonic
        if self.for_seconds is not None and request.monotonic - self._began >= self.for_seconds:
            return proceed(request)
        return build_rate_limited(self.retry_after)


@dataclass(kw_only=True)
class Waits(Fault):
    """Retry-After where none expects it: in an answer of any status, in several lines."""

    retry_after: tuple[str, ...] = ("60",)
    """A header line each."""
    status: int | None = 502
    """Of a few words in the archive's own name; None: the right answer, with the header added."""

    def answer(self, request: Request, proceed: Proceed) -> Answer:
        answer = proceed(request) if self.status is None else build_text(self.status, "later\n", "text/plain")
        return replace(answer, headers=(*answer.headers, *(("Retry-After", one) for one in self.retry_after)))


@dataclass(kw_only=True)
class Pools(Fault):
    """The archive's limits: requests per address and minute, index and replay apart (as of 2026-06).

    More get 429. Who goes on all the same, `patience` times, is refused connections for a while.
    """

    index_per_minute: int = 30
    replay_per_minute: int = 600
    retry_after: str | None = None
    patience: int | None = None
    refuse_seconds: float = 3600
    _times: defaultdict[tuple[str, str], deque[float]] = field(
        default_factory=lambda: defaultdict(deque), init=False, repr=False
    )
    _ignored: int = field(default=0, init=False, repr=False)

    def answer(self, request: Request, proceed: Proceed) -> Answer:
        times = self._times[request.peer, request.kind]
        while times and times[0] <= request.monotonic - 60:
            times.popleft()
        times.append(request.monotonic)
        limit = self.index_per_minute if request.kind == "index" else self.replay_per_minute
        if len(times) <= limit:
            self._ignored = 0
            return proceed(request)
        self._ignored += 1
        if self.patience is not None and self._ignored > self.patience:
            return Answer(status=0, refuse_seconds=self.refuse_seconds)
        return build_rate_limited(self.retry_after)


@dataclass(kw_only=True)
class Refused(Fault):
    """Connections are refused for some seconds: the firewall's block."""

    seconds: float = 3600

    def answer(self, request: Request, proceed: Proceed) -> Answer:
        return Answer(status=0, refuse_seconds=self.seconds)


@dataclass(kw_only=True)
class Reset(Fault):
    """The connection is reset in place of an answer."""

    def answer(self, request: Request, proceed: Proceed) -> Answer:
        return Answer(status=0, reset=True)


@dataclass(kw_only=True)
class ServerError(Fault):
    """5xx in the archive's own name; 504 is what a query over a large domain gets."""

    status: int = 503

    def answer(self, request: Request, proceed: Proceed) -> Answer:
        title = f"{self.status} {HTTPStatus(self.status).phrase}"
        page = (
            f"<html>\r\n<head><title>{title}</title></head>\r\n<body><h1>{title}</h1><hr>nginx</body></html>"
        )
        return build_text(self.status, page, "text/html")


@dataclass(kw_only=True)
class IndexTrouble(Fault):
    """503 as text with a Java exception: a line of it must not be read as a row."""

    when: When = index

    def answer(self, request: Request, proceed: Proceed) -> Answer:
        text = "org.archive.util.io.RuntimeIOException: java.net.SocketTimeoutException: Read timed out"
        return _with_header(build_text(503, f"{text}\n", "text/plain"), text)


@dataclass(kw_only=True)
class Slow(Fault):
    """The answer is right, but late."""

    seconds: float = 1.0

    def answer(self, request: Request, proceed: Proceed) -> Answer:
        return replace(proceed(request), delay_seconds=self.seconds)


@dataclass(kw_only=True)
class Maintenance(Fault):
    """A page for people where rows or a capture should be, status 200."""

    status: int = 200

    def answer(self, request: Request, proceed: Proceed) -> Answer:
        page = (
            "<!DOCTYPE html>\n<html><head><title>Internet Archive: Scheduled Maintenance</title></head>\n"
            "<body><h1>We will be back soon</h1>\n<p>The Wayback Machine is asleep.</p></body></html>"
        )
        return build_text(self.status, page)


_FURNITURE = (
    "<!DOCTYPE html>\n<html><head><title>Internet Archive Wayback Machine</title>\n"
    + "<script>window.archive_setup = window.archive_setup || [];</script>\n" * 60
    + "</head><body>"
    + "<a class='menu' href='/details/web'>Web</a>\n" * 60
)
"""Some 7,000 characters, as they stand before what the archive's own page has to say."""


@dataclass(kw_only=True)
class Blocked(Fault):
    """The site is excluded: `403` and `robots` as text with a runtime error, `200` and `page` as a page.

    `page` has the archive's menus and scripts before the sentence, as the pages of 2020 do.
    """

    form: str = "403"

    def answer(self, request: Request, proceed: Proceed) -> Answer:
        sorry = "<h2>Sorry.</h2> <p>This URL has been excluded from the Wayback Machine.</p>"
        if self.form == "200":
            return build_text(200, sorry)
        if self.form == "page":
            return build_text(200, f"{_FURNITURE}{sorry}</body></html>")
        text = {
            "403": "AdministrativeAccessControlException: Blocked Site Error",
            "robots": "RobotAccessControlException: Blocked By Robots",
        }[self.form]
        error = f"org.archive.util.io.RuntimeIOException: org.archive.wayback.exception.{text}"
        return _with_header(build_text(403, f"{error}\n", "text/plain"), error)


@dataclass(kw_only=True)
class NotArchived(Fault):
    """404 `Hrm.` for a capture that the index lists."""

    when: When = replay

    def answer(self, request: Request, proceed: Proceed) -> Answer:
        return build_text(404, NOT_ARCHIVED)


def _with_header(answer: Answer, error: str) -> Answer:
    return replace(answer, headers=(*answer.headers, ("X-Archive-Wayback-Runtime-Error", error)))
