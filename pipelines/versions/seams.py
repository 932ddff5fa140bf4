"""Where the texts of one reader meet those of another: what can be said there, and what cannot.

Two programs read the same page differently nearly always, so their texts are never compared with each
other. What the site changed is told by each reader's own texts; where these say nothing, a capture that both
read says that the seam is the reader's; and where there is none, it stays unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from policy_archive.crawler.core.records import Version
from policy_archive.pipelines.versions.classes import ChangeClass

_RELEASE = re.compile(r"/\S+")
_UPGRADE = re.compile(r"(.*) upgrade-([0-9]+)")


def reader_of(extractor: str) -> str:
    """Return what read a text, without its version numbers: texts of one reader may be compared.

    >>> reader_of("ota-engine/14.0.0 upgrade-1")
    'ota-engine upgrade-1'
    """
    return _RELEASE.sub("", extractor)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What a version is compared with."""

    before: int | None
    """Index of the version that shows what changed; None: none does."""
    seam: ChangeClass | None = None
    """Of a version without a comparison: EXTRACTOR, the site changed nothing, or what it changed is told by
    another version; UNKNOWN."""


def compare_by_reader(versions: Sequence[Version]) -> list[Comparison]:
    """Return what each version is to be compared with, versions in order of time.

    A change is told once: by the first reader whose texts show it within the time in question. In doubt
    it is told.
    """
    return list(_Seams(versions).iter_comparisons())


class _Seams:
    def __init__(self, versions: Sequence[Version]) -> None:
        self._versions = versions
        self._latest: dict[str, int] = {}
        """Index of each reader's last version so far."""
        self._told: list[tuple[str, str]] = []
        """Intervals of the changes told so far, 14 digits each."""
        self._own_pages = {
            (row.timestamp, row.urlkey) for version in versions if not version.reader for row in version.rows
        }

    def iter_comparisons(self) -> Iterator[Comparison]:
        for index, version in enumerate(self._versions):
            comparison = self._compare(index, version)
            if comparison.before is not None:
                before = self._versions[comparison.before]
                self._told.append((before.last.timestamp, version.first.timestamp))
            self._latest[version.reader] = index
            yield comparison

    def _compare(self, index: int, version: Version) -> Comparison:
        if index == 0:
            return Comparison(before=None)
        same = self._latest.get(version.reader)
        if same == index - 1:
            return Comparison(before=same)
        if same is None:
            known = self._is_upgrade(version) or self._is_read_by_both(index, version)
            return Comparison(before=None, seam=ChangeClass.EXTRACTOR if known else ChangeClass.UNKNOWN)
        if self._versions[same].text_sha256 == version.text_sha256 or self._is_told(same, version):
            return Comparison(before=None, seam=ChangeClass.EXTRACTOR)
        if version.reader and self._is_own_page(version) and "" in self._latest:
            return Comparison(before=None, seam=ChangeClass.EXTRACTOR)  # our own reading of it tells
        return Comparison(before=same)

    def _is_told(self, same: int, version: Version) -> bool:
        """Return whether another reader's texts told of a change wholly within the time in question."""
        start, end = self._versions[same].last.timestamp, version.first.timestamp
        return any(start <= after and by <= end for after, by in self._told)

    def _is_own_page(self, version: Version) -> bool:
        return any((row.timestamp, row.urlkey) in self._own_pages for row in version.rows[:1])

    def _is_read_by_both(self, index: int, version: Version) -> bool:
        """Return whether the version's first capture was read by us, or by the reader before, too."""
        if version.reader and self._is_own_page(version):
            return True
        first = {(row.timestamp, row.urlkey) for row in version.rows[:1]}
        before = self._versions[index - 1]
        return any((row.timestamp, row.urlkey) in first for row in before.rows)

    def _is_upgrade(self, version: Version) -> bool:
        """Return whether the version begins with an upgrade of its reader, which reads the same page anew."""
        match = _UPGRADE.fullmatch(version.reader)
        if match is None:
            return False
        number = int(match[2])
        earlier = match[1] if number == 1 else f"{match[1]} upgrade-{number - 1}"
        return earlier in self._latest
