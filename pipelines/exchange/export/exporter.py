"""What an export format is: a function that writes a selection of a corpus."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal, Protocol, TypeVar

from policy_archive.pipelines.store.selection import Slice

Item = TypeVar("Item")


def _silent(items: Iterable[Any]) -> Iterator[Any]:
    yield from items


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """What a user may choose beside the selection; a format reads what it says that it heeds."""

    raw_csv: bool = False
    """Leave cells alone that a spreadsheet would run as a formula."""
    table: str = "versions"
    """Which table goes to a stream, which holds one."""
    html: bool = False
    """Git: the pages, too, on a branch of their own."""
    half_yearly: bool = False
    """Princeton-Leuven: one capture a season, as the corpus has it."""
    homes: bool = True
    """WARC, WACZ: the home pages, too, that lead to the policies."""
    follow: Callable[[Iterable[Any]], Iterator[Any]] = _silent
    """Passes items on and shows how far that is."""


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What was written."""

    versions: int
    notes: tuple[str, ...] = ()
    """Sentences on what could not be written as it is, for people."""


class Exporter(Protocol):
    """Writes a selection below a folder, or as a file."""

    def __call__(self, corpus: Slice, target: Path, options: ExportOptions) -> Exported:
        """Write it; what is there already and has not changed is left alone, a file appears whole or not at
        all.

        Raises ExportError for a target that leads elsewhere, DiskFullError, UsageError when a package or
        program that the format needs is not installed.
        """


class StreamExporter(Protocol):
    """Writes a selection to a stream, for another program."""

    def __call__(self, corpus: Slice, stream: BinaryIO, options: ExportOptions) -> Exported:
        """Write it; raises as Exporter does."""


@dataclass(frozen=True, kw_only=True)
class Format:
    """An export format."""

    write: Exporter
    target: Literal["folder", "file"]
    """What `--to` names."""
    what: str
    """In a line, for people; it says which program has read it in the tests."""
    stream: StreamExporter | None = None
    """Writes to `--to -`; None: the format is no stream."""
    heeds: frozenset[str] = frozenset()
    """Fields of ExportOptions that `write` reads, `follow` apart: an option for another one is refused."""
    stream_heeds: frozenset[str] = frozenset()
    """Likewise of `stream`."""
