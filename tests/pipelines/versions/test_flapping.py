"""Stretches that flap are found as they are defined, in time that grows with the versions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from policy_archive.crawler.core.records import Version
from policy_archive.crawler.core.timestamps import DAY_SECONDS, seconds_between
from policy_archive.pipelines.versions.flapping import BRIEF_DAYS, Flapping, find_flapping

from ...support.linear import growth
from ...support.synthetic import make_row


def build_history(texts: Iterable[str], days: Iterable[int] | None = None) -> list[Version]:
    """Return versions of one capture each, a day apart unless `days` are given."""
    pairs = list(zip(days, texts, strict=True)) if days else list(enumerate(texts))
    start = date(1996, 1, 1)
    rows = [make_row(f"{start + timedelta(days=day):%Y%m%d}", digest="-") for day, _ in pairs]
    return [
        Version(
            number=number,
            text_sha256=text,
            first=row,
            last=row,
            changed_after=None,
            captures=1,
            returns_to=None,
        )
        for number, ((_, text), row) in enumerate(zip(pairs, rows, strict=True), start=1)
    ]


def find_as_defined(versions: Sequence[Version]) -> list[Flapping]:
    """Return the stretches by trying every end for every start: the definition, quadratic."""
    found, start = [], 0
    while start < len(versions):
        end = last_end_from(versions, start)
        if end is not None:
            texts = {version.text_sha256 for version in versions[start : end + 1]}
            stretch = Flapping(first=versions[start].number, last=versions[end].number, texts=len(texts))
            found.append(stretch)
        start = start + 1 if end is None else end + 1
    return found


def last_end_from(versions: Sequence[Version], start: int) -> int | None:
    times: dict[str, int] = {}
    found = None
    for index in range(start, len(versions)):
        if index - start > 1 and not was_brief(versions, index - 1):
            break
        text = versions[index].text_sha256
        times[text] = times.get(text, 0) + 1
        returns = index - start + 1 - len(times)
        ends_return = times[versions[start].text_sha256] > 1 and times[text] > 1
        if ends_return and returns >= max(2, len(times) - 1):
            found = index
    return found


def was_brief(versions: Sequence[Version], index: int) -> bool:
    stood = seconds_between(versions[index - 1].last.timestamp, versions[index + 1].first.timestamp)
    return stood <= BRIEF_DAYS * DAY_SECONDS


def without_neighbours(texts: Iterable[str]) -> list[str]:
    """Return texts none of which equals the one before it, as versions are."""
    kept: list[str] = []
    for text in texts:
        if not kept or kept[-1] != text:
            kept.append(text)
    return kept


@given(
    st.lists(st.sampled_from("abcdefgh"), max_size=60).map(without_neighbours),
    st.lists(st.sampled_from([1, 2, 15, 20, 40]), min_size=60, max_size=60),
)
@example(list("abab"), [1] * 60)
@example(list("abcab"), [1] * 60)
@example(list("abababcdcdcd"), [1, 1, 1, 40, 1, 1, 1, 40, *[1] * 52])
def test_the_stretches_are_those_of_the_definition(texts: list[str], gaps: list[int]) -> None:
    days = [sum(gaps[:number]) for number in range(len(texts))]
    versions = build_history(texts, days)
    assert find_flapping(versions) == find_as_defined(versions)


PATTERNS: dict[str, Callable[[int], list[str]]] = {
    "all new": lambda n: [f"t{i}" for i in range(n)],
    "two take turns": lambda n: [f"t{i % 2}" for i in range(n)],
    "each comes back once, among new ones": lambda n: [f"t{i if i % 4 != 2 else i - 2}" for i in range(n)],
    "all come back at the end": lambda n: [f"t{i % (n // 2)}" for i in range(n)],
    "a stretch in every tenth": lambda n: [
        f"t{i // 10}-{(i % 10) % (2 if i % 10 < 5 else 9)}" for i in range(n)
    ],
}


@pytest.mark.parametrize("pattern", PATTERNS)
def test_the_time_grows_with_the_versions(pattern: str) -> None:
    histories = {}

    def look(versions: int) -> None:
        if versions not in histories:
            histories[versions] = build_history(without_neighbours(PATTERNS[pattern](versions)))
        find_flapping(histories[versions])

    for size in (1_000, 2_000, 4_000, 8_000):
        look(size)
    assert growth(look, start=1_000, largest=4_000) < 3
