from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from policy_archive.browse.version_rows import Run, list_rows
from policy_archive.pipelines.versions.classes import PASSED_OVER, ChangeClass

_CLASSES = st.lists(st.sampled_from(list(ChangeClass)), max_size=30)


def _versions(*classes: str, **others: Any) -> list[dict[str, Any]]:
    return [
        {
            "version": number,
            "class": change_class or None,
            "changed_after": "2010-01-01T00:00:00Z" if number > 1 else None,
            "passed_over": change_class in PASSED_OVER,
            "words_added": number,
            "words_removed": 1,
            "returns_to": None,
            "flapping": None,
            "moves": [],
            **others,
        }
        for number, change_class in enumerate(classes, start=1)
    ]


def test_neighbouring_small_edits_are_one_row_with_what_they_added_together() -> None:
    rows = list_rows(_versions("", "small", "dates", "links", "substantive", "small"))
    newest = [(row.last if isinstance(row, Run) else row)["version"] for row in rows]
    assert newest == [6, 5, 4, 1]
    run = rows[2]
    assert isinstance(run, Run)
    assert [version["version"] for version in run.versions] == [4, 3, 2]
    assert (run.words_added, run.words_removed) == (9, 3)


def test_what_came_back_has_a_row_of_its_own() -> None:
    versions = _versions("", "small", "small", "small")
    versions[2]["returns_to"] = 1
    assert not any(isinstance(row, Run) for row in list_rows(versions))


@given(_CLASSES)
def test_every_version_that_is_told_stands_in_one_row_newest_first(classes: list[ChangeClass]) -> None:
    versions = _versions("", *classes)
    shown = [
        version["version"]
        for row in list_rows(versions)
        for version in (row.versions if isinstance(row, Run) else [row])
    ]
    assert shown == [version["version"] for version in reversed(versions) if not version["passed_over"]]
