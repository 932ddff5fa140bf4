"""Where readers meet: what each version is compared with, and that no change is lost or invented."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from policy_archive.crawler.core.records import KnownCapture, Outcome, Version
from policy_archive.pipelines.versions.classes import ChangeClass
from policy_archive.pipelines.versions.fold import fold_versions
from policy_archive.pipelines.versions.sameness import find_difference, measure_part
from policy_archive.pipelines.versions.seams import Pair, compare_by_reader, reader_of
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


# One change of the site, seen by two readers

_SENTENCES = [
    f"We {verb} what {who} tells us about {what} for {days} days."
    for days, (verb, who, what) in enumerate(
        [("keep", "anybody", "health"), ("sell", "a partner", "places"), ("share", "your phone", "habits"),
         ("read", "a doctor", "money"), ("store", "your bank", "travel"), ("copy", "a shop", "books")], 3,
    )
]  # fmt: skip
_EDITS = st.lists(st.integers(1, 299), min_size=1, max_size=len(_SENTENCES), unique=True).map(sorted)
_LOOKS = st.lists(
    st.tuples(st.integers(0, 300), st.sampled_from(["pl", "ota", ""])),
    min_size=2, max_size=24, unique=True,
)  # fmt: skip


def _text(reader: str, edits: int) -> str:
    """Return the policy after so many edits as a reader gives it: marks, lines and headings are its own."""
    said = [
        sentence.replace("We", "We never" if n < edits else "We") for n, sentence in enumerate(_SENTENCES)
    ]
    if reader == "pl":
        return "PRIVACY POLICY " + " ".join(said)
    if reader == "ota":
        return "# Privacy\n\n" + "\n\n".join(f"* {one}" for one in said)
    return "\n\n".join(said) + "\n"


def _tell(
    edits: Sequence[int], looks: Sequence[tuple[int, str]]
) -> tuple[list[Version], list[tuple[str, str, int, int]]]:
    """Return the versions, and of each change told (after, by, edits before, edits after)."""
    done = {look: sum(day <= look[0] for day in edits) for look in looks}
    versions = fold([(day, reader, str(number)) for (day, reader), number in done.items()])
    numbers = [int(version.text_sha256.partition(":")[2]) for version in versions]

    def measure(one: Pair, other: Pair) -> float:
        return measure_part(*(
            find_difference(*(_text(versions[index].reader, numbers[index]) for index in pair))
            for pair in (one, other)
        ))  # fmt: skip

    return versions, [
        (one.changed_after or "", version.first.timestamp, numbers[one.before], number)
        for version, number, one in zip(versions, numbers, compare_by_reader(versions, measure), strict=True)
        if one.before is not None
    ]


def _day(day: int) -> str:
    return f"2020{1 + day // 28:02}{1 + day % 28:02}000000"


@given(st.integers(1, 299), _LOOKS)
def test_one_change_seen_by_several_readers_is_told_once_in_the_time_that_all_leave(
    day: int, looks: list[tuple[int, str]]
) -> None:
    both = [
        reader
        for reader in {reader for _, reader in looks}
        if {when >= day for when, one in looks if one == reader} == {True, False}
    ]
    _, told = _tell([day], looks)
    if not both:
        assert told == []
        return
    seen = [when for when, reader in looks if reader in both]
    (after, by, *_) = told[0]
    assert len(told) == 1
    assert (after, by) == (
        _day(max(when for when in seen if when < day)), _day(min(when for when in seen if when >= day)),
    )  # fmt: skip


@given(_EDITS, _LOOKS)
@example([1, 2, 3], [(0, "pl"), (1, "ota"), (3, "pl"), (4, "ota")])
@example([1, 2, 3, 4], [(0, "pl"), (1, "ota"), (3, "pl"), (4, "ota")])
@example([1, 2, 3], [(0, "ota"), (1, "pl"), (3, "pl"), (3, "ota")])
def test_of_many_changes_none_is_lost_invented_or_told_twice(
    edits: list[int], looks: list[tuple[int, str]]
) -> None:
    versions, told = _tell(edits, looks)
    for after, by, old, new in told:
        assert old < new
        # readers' changes that hold the most of each other are taken for one, in the time that is both's: an
        # edit that one of them saw alone may lie before it
        within = [after < _day(edits[edit]) <= by for edit in range(old, new)]
        assert 2 * sum(within) > len(within)
    for before, after in pairwise(version for version in versions if not version.reader):
        if before.text_sha256 != after.text_sha256:
            assert any(
                before.last.timestamp <= start and end <= after.first.timestamp for start, end, *_ in told
            )
    for number, one in enumerate(told):
        assert not any(one[2:] == other[2:] for other in told[:number])


@given(_EDITS, _LOOKS, st.randoms())
def test_what_is_told_once_does_not_depend_on_who_came_first(
    edits: list[int], looks: list[tuple[int, str]], random
) -> None:
    shuffled = list(looks)
    random.shuffle(shuffled)
    assert _tell(edits, looks)[1] == _tell(edits, shuffled)[1]


@pytest.mark.parametrize("readers", [2, 3])
def test_twice_the_versions_are_twice_the_work(readers: int) -> None:
    """Counted, not timed: differences are asked for once a version and reader, at the most."""
    names = ["", "pl", "ota"][:readers]
    for number in (50, 100, 200):
        versions = fold([(day, names[day % readers], str(day // readers // 2)) for day in range(number)])
        asked: list[Pair] = []

        def measure(one: Pair, other: Pair, asked: list[Pair] = asked) -> float:
            asked.append(one)
            return 0.0

        compare_by_reader(versions, measure)
        assert 0 < len(asked) <= (readers - 1) * len(versions)


def test_a_reader_is_known_without_its_release() -> None:
    assert reader_of("ota-engine/14.0.0") == reader_of("ota-engine/9.1.0") == "ota-engine"
    assert reader_of("princeton-leuven-2021") != reader_of("princeton-leuven-2021-plain")
