"""What archives and archived pages send to keep the program busy costs in proportion, or is refused."""

from __future__ import annotations

import asyncio
import gzip
import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy_archive.crawler.archive.content_coding import MAX_MEMBERS, CodingError, unwrap_body
from policy_archive.crawler.archive.replay import Answer, Question, classify_answer
from policy_archive.crawler.core.records import Outcome
from policy_archive.pipelines.extract.dates import find_stated_dates
from policy_archive.pipelines.extract.source.decode import unpack_body
from policy_archive.pipelines.reading.pool import ReadingPool
from policy_archive.pipelines.store.versions import read_versions
from policy_archive.pipelines.store.writer import Store
from policy_archive.pipelines.versions import diff
from policy_archive.pipelines.versions.change import compare_texts
from policy_archive.pipelines.versions.diff import LineKind, diff_coarsely, diff_texts
from tests.support.linear import growth
from tests.support.synthetic import PRIVACY, make_row, store_texts

EMPTY_MEMBER = gzip.compress(b"")


def test_gzip_of_empty_members_is_refused_soon() -> None:
    body = EMPTY_MEMBER * (MAX_MEMBERS + 1)
    with pytest.raises(CodingError, match="pieces") as caught:
        unwrap_body(body, ["gzip"])
    assert caught.value.outcome is Outcome.TOO_LARGE
    assert growth(lambda size: unwrap_body(EMPTY_MEMBER * (size // 16), ["gzip"])) < 3
    with pytest.raises(Exception, match="pieces"):
        unpack_body(body)


def test_many_members_are_one_body() -> None:
    parts = [bytes([65 + n % 26]) * n for n in range(600)]
    assert unwrap_body(b"".join(map(gzip.compress, parts)) + b"junk", ["gzip"]).body == b"".join(parts)


HEADERS = {
    "angles": "<" * 8,
    "relations": "<http://x.example/>; rel= rel= ",
    "semicolons": "<x>;;;;;;;",
    "quotes": '<x>; rel="a b original',
    "spaces": "<x>;        ",
}


def _classify(link: str) -> object:
    row = make_row("20180101", original="http://x.example/", digest="-")
    headers = {"memento-datetime": "Mon, 01 Jan 2018 00:00:00 GMT", "link": link}
    answer = Answer(url="http://127.0.0.1/web/x", status=200, headers=headers, body=b"<p>text")
    return classify_answer(answer, Question(row=row, archive_url="http://127.0.0.1"))


@pytest.mark.parametrize("unit", HEADERS.values(), ids=HEADERS)
def test_a_link_header_takes_time_in_proportion(unit: str) -> None:
    assert growth(lambda size: _classify(unit * (size // len(unit)))) < 3


@pytest.mark.parametrize(
    "text",
    ['<http://x.example/p>; rel="original"', "<http://x.example/p>;rel=original, <y>; rel=timegate"],
    ids=["quoted", "bare"],
)
def test_the_original_of_a_link_header_is_found(text: str) -> None:
    found = _classify(f'<http://x.example/t>; rel="timemap"; type="a", {text}')
    assert found.served_original == "http://x.example/p"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "unit",
    [
        "Last updated 1 January 2018, ",
        "1 January 2018 ",
        "This policy was updated on 05/2018 ",
        "\u66f4\u65b0\u65e52018\u5e741\u67081\u65e5",
    ],
)
def test_a_line_of_dates_takes_time_in_proportion(unit: str) -> None:
    calls = count()  # each text another, for the last ones are remembered

    def find(size: int) -> object:
        return find_stated_dates(f"{next(calls)} {unit * (size // 20)}", language="en")

    assert growth(find, start=1200) < 3


TEXTS = {
    "brackets": "[ ",
    "links": "[](a ",
    "titles": '[a](b "',
    "addresses": "<http://",
    "dates": "1 of ",
    "long word": "a",
}


@pytest.mark.parametrize("unit", TEXTS.values(), ids=TEXTS)
def test_comparing_takes_time_in_proportion_to_the_marks(unit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # words are compared with each other, up to a limit: what is left is what reads the text
    monkeypatch.setattr(diff, "MOST_COMPARISONS", 1000)

    def work(size: int) -> None:
        text = unit * (size // len(unit))
        compare_texts(text, f"{text} x")

    assert growth(work) < 3


def test_beyond_the_limit_lines_are_matched_by_what_stands_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    old = [f"line {n}" for n in range(300)]
    new = [*old[:100], "new words here", *old[100:200], *old[205:]]
    whole = diff_texts("\n".join(old), "\n".join(new))
    monkeypatch.setattr(diff, "MOST_COMPARISONS", 500)
    cut = diff_texts("\n".join(old), "\n".join(new))
    kinds = [[line.kind for line in found.lines].count(LineKind.SAME) for found in (whole, cut)]
    assert kinds == [295, 295]
    assert (cut.words_added, cut.words_removed) == (whole.words_added, whole.words_removed)


def test_lines_that_repeat_beyond_the_limit_change_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diff, "MOST_COMPARISONS", 500)
    old, new = "a b\n" * 100, "c d\n" * 100
    found = diff_texts(old, new)
    assert {line.kind for line in found.lines} == {LineKind.REMOVED, LineKind.ADDED}
    assert (found.words_added, found.words_removed) == (200, 200)


# 120,000 short lines took 1.9 GB
COMPARE = """
import resource
from policy_archive.pipelines.versions.change import compare_texts
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
compare_texts("\\n".join(map(str, range(120_000))), "\\n".join(map(str, range(60_000, 180_000))))
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_pages_of_many_lines_take_bounded_memory() -> None:
    ended = subprocess.run([sys.executable, "-c", COMPARE], capture_output=True, text=True, check=True)
    assert int(ended.stdout) < 500


@pytest.mark.parametrize(
    ("seconds", "has_begun"),
    [(30.0, True), (30.0, False), (0.01, True)],
    ids=["a reader", "a thread", "a thread after a reader without time"],
)
def test_others_go_on_while_the_versions_of_a_document_are_compared(
    tmp_path: Path, seconds: float, has_begun: bool
) -> None:
    texts = [(f"20{year:02}0101000000", f"{year} a b\n" * 3_000) for year in range(10, 13)]
    with (
        Store.open(tmp_path / "policies.db") as store,
        ReadingPool(1, timeout_seconds=seconds) as pool,
    ):
        store_texts(store, texts)
        store.connection.execute("delete from versions")
        store.connection.commit()
        store.reader = pool
        if has_begun:
            assert pool.run(sum, [1, 2]) == 3

        async def fold() -> tuple[dict[object, int], int]:
            turns = 0
            folding = asyncio.create_task(store.fold_site(PRIVACY.site, [PRIVACY]))
            while not folding.done():
                await asyncio.sleep(0.01)
                turns += 1
            return await folding, turns

        versions, turns = asyncio.run(fold())
        assert versions == {PRIVACY: len(texts)}
        assert turns > 3
        assert has_begun or not pool.has_begun  # what read nothing starts no reader
        found = read_versions(store.connection, PRIVACY)
        store.connection.execute("delete from versions")
        store.connection.commit()
        assert store.fold_versions(PRIVACY) == len(texts)
        assert read_versions(store.connection, PRIVACY) == found


LINES = st.lists(st.sampled_from(["a b", "c", "", "d e f", "# g", "[h](i)"]), max_size=12).map("\n".join)


@given(LINES, LINES)
def test_a_coarse_comparison_counts_every_word(old: str, new: str) -> None:
    found = diff_coarsely(old, new)
    assert found.words_old + found.words_added - found.words_removed == found.words_new
    kinds = {line.kind for line in found.lines}
    assert kinds <= {LineKind.SAME, LineKind.ADDED, LineKind.REMOVED}
    assert (kinds <= {LineKind.SAME}) == (found.words_added == found.words_removed == 0)
    for side, text in (("old", old), ("new", new)):
        shown = "\n".join(span.text for line in found.lines for span in getattr(line, side))
        assert shown.split() == text.split()


def test_beyond_the_limit_of_size_texts_are_compared_coarsely(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diff, "MOST_CHARACTERS", 100)
    change = compare_texts("same\n" * 20 + "old words here\n", "same\n" * 20 + "# Head\n\nnew\n")
    assert (change.words_added, change.words_removed, change.only) == (2, 3, ())
    assert change.sections_added == ()
