"""The rows of a document's table of versions, newest first: runs of small edits are one row that opens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from policy_archive.pipelines.store.queries import Row
from policy_archive.pipelines.versions.classes import ChangeClass

_SMALL = (ChangeClass.SMALL, ChangeClass.DATES, ChangeClass.LINKS)


@dataclass(frozen=True, kw_only=True)
class Run:
    """Neighbouring small edits, newest first."""

    versions: list[Row]

    @property
    def first(self) -> Row:
        return self.versions[-1]

    @property
    def last(self) -> Row:
        return self.versions[0]

    @property
    def words_added(self) -> int:
        return sum(version["words_added"] or 0 for version in self.versions)

    @property
    def words_removed(self) -> int:
        return sum(version["words_removed"] or 0 for version in self.versions)


def list_rows(versions: Sequence[Row]) -> list[Row | Run]:
    """Return the versions of a history that are told, newest first; neighbouring small edits are a Run.

    Edits of a few words, of dates alone, of links alone are small; what came back, takes turns with another
    text, moved to another address or has a text in doubt has a row of its own.
    """
    told = [version for version in versions if not version["passed_over"]]
    rows: list[Row | Run] = []
    for is_small, group in groupby(reversed(told), key=_is_small):
        found = list(group)
        rows += [Run(versions=found)] if is_small and len(found) > 1 else found
    return rows


def _is_small(version: Row) -> bool:
    return (
        version["class"] in _SMALL
        and version["changed_after"] is not None
        and not (version["returns_to"] or version["flapping"] or version["moves"] or version.get("doubt"))
    )
