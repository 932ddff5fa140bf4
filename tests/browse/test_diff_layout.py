from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from policy_archive.browse.diff_layout import lay_out
from policy_archive.pipelines.versions.diff import LineKind, diff_texts

_TEXTS = st.lists(
    st.sampled_from(["alpha beta", "gamma delta", "epsilon", "zeta eta theta iota"]), max_size=12
).map("\n".join)


@given(old=_TEXTS, new=_TEXTS)
def test_every_line_is_shown_or_folded_once(old: str, new: str) -> None:
    diff = diff_texts(old, new)
    laid = [line for section in lay_out(diff) for line in (*section.folded, *section.lines)]
    assert laid == list(diff.lines)


@given(old=_TEXTS, new=_TEXTS)
def test_rows_have_each_side_once_and_in_order(old: str, new: str) -> None:
    for section in lay_out(diff_texts(old, new)):
        rows = list(section.rows)
        befores = [line.old_number for line, _ in rows if line and line.old_number]
        afters = [line.new_number for _, line in rows if line and line.new_number]
        assert befores == [line.old_number for line in section.lines if line.old_number]
        assert afters == [line.new_number for line in section.lines if line.new_number]


def test_only_unchanged_lines_are_folded() -> None:
    old = "\n".join(f"line {number}" for number in range(40))
    diff = diff_texts(old, old.replace("line 20", "another thing"))
    sections = lay_out(diff)
    assert sum(len(section.folded) for section in sections) == 35
    assert all(line.kind is LineKind.SAME for section in sections for line in section.folded)
