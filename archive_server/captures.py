"""What the archive holds: index rows, the answers behind them, and where both come from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from policy_archive.crawler.core.errors import PolicyArchiveError
from policy_archive.crawler.core.records import CdxRow


@dataclass(frozen=True, kw_only=True)
class CapturedAnswer:
    """What a web server once answered, as it was stored."""

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    """As captured; hop-by-hop ones included."""
    body: bytes
    """Freed of chunking, its content encoding kept: these bytes have the row's digest."""
    is_cut: bool = False
    """The file ends in the middle of this record; clients learn of it by a captured length that is longer."""

    def header(self, name: str) -> str | None:
        """Return the first value of a header, None when it was not sent."""
        return next((value for key, value in self.headers if key.lower() == name), None)


class RecordTooLargeError(PolicyArchiveError):
    """A stored answer is larger than what is ever served."""


class CaptureSource(Protocol):
    """Where captures come from: WARC files, or a generator in a soak test."""

    def iter_rows(self) -> Iterator[CdxRow]:
        """Yield one row a capture, in any order."""
        ...

    def load(self, row: CdxRow) -> CapturedAnswer | None:
        """Return the answer behind a row; None for a revisit whose original is missing.

        Raises RecordTooLargeError when nobody is to hold it in memory.
        """
        ...
