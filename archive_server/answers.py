"""Requests to the archive and its answers, before they are bytes on a wire."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import parse_qs

INDEX_PATHS = ("/cdx/search/", "/web/timemap/")


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request, as it came."""

    method: str
    target: str
    """Path and query, raw."""
    headers: Mapping[str, str]
    """Names in lower case."""
    peer: str
    """Address of the client."""
    connection: int
    """Number of the connection, from 1."""
    monotonic: float
    """When it was complete: seconds of the monotonic clock."""

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    @property
    def kind(self) -> str:
        """`index` or `replay`: the two pools that the archive counts."""
        return "index" if self.target.startswith(INDEX_PATHS) else "replay"

    @cached_property
    def parameters(self) -> dict[str, list[str]]:
        """Of the query, decoded."""
        return parse_qs(self.target.partition("?")[2], keep_blank_values=True)

    @property
    def archive_url(self) -> str:
        """Base address under which the client sees the archive."""
        return f"http://{self.headers.get('host', 'localhost')}"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One answer, and how badly it is delivered."""

    status: int
    reason: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    delay_seconds: float = 0
    """Waited before the first byte."""
    cut_at: int | None = None
    """Body bytes after which the connection is closed; None: all are sent."""
    framing: str = "length"
    """`length`, `chunked`, or `close`: how the client learns where the body ends."""
    reset: bool = False
    """The connection is reset in place of an answer."""
    refuse_seconds: float = 0
    """The archive stops listening for so long, and answers nothing."""

    def header(self, name: str) -> str | None:
        """Return the first value of a header, None when there is none."""
        return next((value for key, value in self.headers if key.lower() == name), None)

    def without(self, *names: str) -> tuple[tuple[str, str], ...]:
        """Return the headers but for those named, lower case."""
        return tuple(pair for pair in self.headers if pair[0].lower() not in names)


def build_text(status: int, text: str, content_type: str = "text/html; charset=utf-8") -> Answer:
    """Return an answer in which the archive itself speaks."""
    return Answer(status=status, headers=(("Content-Type", content_type),), body=text.encode())
