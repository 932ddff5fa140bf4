"""Where the texts of one reader meet those of another: what can be said there, and what cannot.

Two programs read the same page differently nearly always, so their texts are never compared with each
other. What the site changed is told by each reader's own texts; where these say nothing, a capture that both
read says that the seam is the reader's; and where there is none, it stays unknown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from policy_archive.crawler.core.records import Version
from policy_archive.pipelines.versions.classes import ChangeClass
from policy_archive.pipelines.versions.sameness import SAME_SHARE

_RELEASE = re.compile(r"/\S+")
_UPGRADE = re.compile(r"(.*) upgrade-([0-9]+)")


def reader_of(extractor: str) -> str:
    """Return what read a text, without its version numbers: texts of one reader may be compared.

    >>> reader_of("ota-engine/14.0.0 upgrade-1")
    'ota-engine upgrade-1'
    """
    return _RELEASE.sub("", extractor)


Pair = tuple[int, int]
"""Indices of two versions, the older first."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What a version is compared with."""

    before: int | None
    """Index of the version that shows what changed; None: none does."""
    changed_after: str | None = None
    """When the text before was last seen, by whoever read it, 14 digits; None where `before` is."""
    seam: ChangeClass | None = None
    """Of a version without a comparison: EXTRACTOR, the site changed nothing, or what it changed is told by
    another version; UNKNOWN."""


def _none_told(one: Pair, other: Pair) -> float:
    return 0.0


def compare_by_reader(
    versions: Sequence[Version], measure_told: Callable[[Pair, Pair], float] = _none_told
) -> list[Comparison]:
    """Return what each version is to be compared with, versions in order of time.

    A change is told once: by the first reader whose texts show it within the time in question. Where the
    times of two readers' changes only overlap, `measure_told` gives the share of what changed in the first
    pair of versions that changed in the second, too, from 0 to 1: a change that another holds is told by that
    one, and where each holds the other they are one change, in the time that is both's. In doubt both are
    told.
    It is asked once for a version and a reader, at the most.
    """
    seams = _Seams(versions, measure_told)
    for index in range(len(versions)):
        seams.add(index)
    return seams.comparisons


class _Seams:
    def __init__(self, versions: Sequence[Version], measure_told: Callable[[Pair, Pair], float]) -> None:
        self._versions = versions
        self._measure_told = measure_told
        self.comparisons: list[Comparison] = []
        self._latest: dict[str, int] = {}
        """Index of each reader's last version so far."""
        self._told: dict[str, int] = {}
        """Index of the version with which each reader's texts last told of a change."""
        self._latest_start = ""
        """Of the changes told so far, when the one began that begins last, 14 digits."""
        self._left_to_us: dict[str, Pair] = {}
        """Each reader's last change that a capture shows which we read, too."""
        self._own_pages = {
            (row.timestamp, row.urlkey) for version in versions if not version.reader for row in version.rows
        }

    def add(self, index: int) -> None:
        """Compare the next version."""
        version = self._versions[index]
        comparison = self._compare(index, version)
        self.comparisons.append(comparison)
        if comparison.changed_after is not None:
            self._told[version.reader] = index
            self._latest_start = max(self._latest_start, comparison.changed_after)
        self._latest[version.reader] = index

    def _compare(self, index: int, version: Version) -> Comparison:
        if index == 0:
            return Comparison(before=None)
        same = self._latest.get(version.reader)
        if same == index - 1:
            return self._tell(same, index)
        if same is None:
            known = self._is_upgrade(version) or self._is_read_by_both(index, version)
            return Comparison(before=None, seam=ChangeClass.EXTRACTOR if known else ChangeClass.UNKNOWN)
        if self._versions[same].text_sha256 == version.text_sha256 or self._is_told(same, index):
            return Comparison(before=None, seam=ChangeClass.EXTRACTOR)
        if version.reader and self._is_own_page(version) and "" in self._latest:
            self._left_to_us[version.reader] = (same, index)  # our own reading of it tells
            return Comparison(before=None, seam=ChangeClass.EXTRACTOR)
        return self._tell(same, index)

    def _tell(self, same: int, index: int) -> Comparison:
        """Return the comparison of a change that is told; who left it to us may have seen its start later."""
        start = self._versions[same].last.timestamp
        for pair in self._left_to_us.values():
            later = self._versions[pair[0]].last.timestamp
            is_same_capture = self._versions[pair[1]].first.timestamp == self._versions[index].first.timestamp
            if is_same_capture and later > start and self._are_one(pair, (same, index)):
                start = later
        return Comparison(before=same, changed_after=start)

    def _is_told(self, same: int, index: int) -> bool:
        """Return whether another reader's texts told of this change.

        Versions are in order of time, so what was told ended before this one does: it lies wholly within the
        time in question when it began there. Of what began earlier only a reader's last change can reach into
        that time; when it is the same one, the text before was still there at this one's start.
        """
        start = self._versions[same].last.timestamp
        if self._latest_start >= start:
            return True
        is_told = False
        for told in self._told.values():
            before = self.comparisons[told].before
            if before is None or self._versions[told].first.timestamp <= start:
                continue
            one, other = (same, index), (before, told)
            if self._measure_told(one, other) < SAME_SHARE:
                continue
            is_told = True
            if self._measure_told(other, one) >= SAME_SHARE:
                self.comparisons[told] = replace(self.comparisons[told], changed_after=start)
                self._latest_start = max(self._latest_start, start)
        return is_told

    def _are_one(self, one: Pair, other: Pair) -> bool:
        return min(self._measure_told(one, other), self._measure_told(other, one)) >= SAME_SHARE

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
