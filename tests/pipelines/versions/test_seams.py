"""Where readers meet: what each version is compared with, and that no change is lost or invented."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy_archive.crawler.core.records import KnownCapture, Outcome, Version
from policy_archive.pipelines.versions.classes import ChangeClass
from policy_archive.pipelines.versions.fold import fold_versions
from policy_archive.pipelines.versions.seams import compare_by_reader, reader_of
from tests.support.synthetic import make_row

EXTRACTOR, UNKNOWN = ChangeClass.EXTRACTOR, ChangeClass.UNKNOWN


def fold(readings: Sequence[tuple[int, str, str]]) -> list[Version]:
    """Return the versions of readings (day, reader, text)."""
    known, readers = [], {}
    for day, reader, text in readings:
        row = make_row(f"2020{1 + day // 28:02}{1 + day % 28:02}000000", digest=f"{reader}{text}{day}")
        known.append(KnownCapture(row=row, outcome=Outcome.TEXT, text_sha256=f"{reader}:{text}"))
        if reader:
            readers[row] = reader
    return fold_versions(known, {}, readers)


def told(readings: Sequence[tuple[int, str, str]]) -> list[object]:
    """Return for each version `first`, the text that it is compared with, or the class of the seam."""
    versions = fold(readings)
    return [
        one.seam or ("first" if one.before is None else versions[one.before].text_sha256)
        for one in compare_by_reader(versions)
    ]


@pytest.mark.parametrize(
    ("readings", "expected"),
    [
        # no import: as ever
        ([(1, "", "A"), (2, "", "B")], ["first", ":A"]),
        # nothing read by both: not known
        ([(1, "pl", "a"), (2, "", "A")], ["first", UNKNOWN]),
        # the last imported capture was read by us, too
        ([(1, "pl", "a"), (1, "", "A"), (2, "", "B")], ["first", EXTRACTOR, ":A"]),
        # the first one was
        ([(1, "", "A"), (2, "pl", "b"), (2, "", "B"), (3, "pl", "c")], ["first", EXTRACTOR, ":A", "pl:b"]),
        # ours is the same on both sides
        ([(1, "", "A"), (2, "pl", "a"), (3, "", "A")], ["first", UNKNOWN, EXTRACTOR]),
        # ours changed, and theirs says nothing of when
        ([(1, "", "A"), (2, "pl", "a"), (3, "", "B")], ["first", UNKNOWN, ":A"]),
        # theirs told of it already
        ([(1, "", "A"), (2, "pl", "a"), (3, "pl", "b"), (4, "", "B")], ["first", UNKNOWN, "pl:a", EXTRACTOR]),
        # theirs changed before ours was seen, perhaps: both are told
        (
            [(1, "pl", "a"), (2, "", "A"), (3, "pl", "b"), (4, "", "B")],
            ["first", UNKNOWN, "pl:a", ":A"],
        ),
        # an upgrade reads the same page anew
        ([(1, "ota-engine", "a"), (2, "ota-engine upgrade-1", "b")], ["first", EXTRACTOR]),
        (
            [(1, "ota-engine", "a"), (2, "", "A"), (3, "ota-engine upgrade-1", "b")],
            ["first", UNKNOWN, EXTRACTOR],
        ),
    ],
)
def test_what_is_compared(readings: list[tuple[int, str, str]], expected: list[object]) -> None:
    assert told(readings) == expected


_HISTORIES = st.lists(
    st.tuples(st.integers(0, 300), st.sampled_from(["", "pl", "ota"]), st.sampled_from("AB")),
    min_size=1, max_size=12, unique_by=lambda reading: (reading[0], reading[1]),
)  # fmt: skip


@given(_HISTORIES)
def test_texts_of_two_readers_are_never_compared(readings: list[tuple[int, str, str]]) -> None:
    versions = fold(readings)
    for version, one in zip(versions, compare_by_reader(versions), strict=True):
        assert one.before is None or versions[one.before].reader == version.reader
        assert one.before is None or versions[one.before].text_sha256 != version.text_sha256


@given(_HISTORIES, st.randoms())
def test_the_order_of_arrival_does_not_matter(readings: list[tuple[int, str, str]], random) -> None:
    shuffled = list(readings)
    random.shuffle(shuffled)
    assert told(readings) == told(shuffled)


@given(_HISTORIES)
def test_every_change_of_ours_is_told_within_its_time(readings: list[tuple[int, str, str]]) -> None:
    """Between two of our own texts that differ, somebody's texts show a change."""
    versions = fold(readings)
    comparisons = compare_by_reader(versions)
    changes = [
        (versions[one.before].last.timestamp, version.first.timestamp)
        for version, one in zip(versions, comparisons, strict=True)
        if one.before is not None
    ]
    ours = [version for version in versions if not version.reader]
    for before, after in pairwise(ours):
        if before.text_sha256 != after.text_sha256:
            start, end = before.last.timestamp, after.first.timestamp
            assert any(start <= one and other <= end for one, other in changes)


def test_a_reader_is_known_without_its_release() -> None:
    assert reader_of("ota-engine/14.0.0") == reader_of("ota-engine/9.1.0") == "ota-engine"
    assert reader_of("princeton-leuven-2021") != reader_of("princeton-leuven-2021-plain")
