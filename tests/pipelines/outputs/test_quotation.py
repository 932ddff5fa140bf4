"""A change quoted: the sentence that changed, cut at a word, and what is left out counted."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from policy_archive.pipelines.outputs.quotation import WIDTH, Quotation, cut_words, quote_change
from policy_archive.pipelines.text import count_words
from policy_archive.pipelines.versions.diff import LineKind, diff_texts

MOVED = (LineKind.MOVED_AWAY, LineKind.MOVED_HERE)


def quote(old: str, new: str) -> Quotation:
    quotation = quote_change(old, new)
    assert quotation is not None
    return quotation


@pytest.mark.parametrize(
    ("old", "new", "removed", "added"),
    [
        ("We keep it. We sell it.", "We keep it. We never sell it.", "We sell it.", "We never sell it."),
        ("We keep it.", "We keep it. We sell it.", "", "We sell it."),
        ("We keep it. We sell it.", "We keep it.", "We sell it.", ""),
        ("* 30 days", "* 90 days", "30 days", "90 days"),
        ("A line that goes.", "Quite other words!", "A line that goes.", "Quite other words!"),
        ("| name | 1 year |", "| name | 2 years |", "name 1 year", "name 2 years"),
        ("保存します。提供しません。", "保存します。提供します。", "提供しません。", "提供します。"),
        ("See [the list](https://x.org/a).", "See **our** [list](https://x.org/b).", "See the list.", "See our list."),  # noqa: E501
    ],
)  # fmt: skip
def test_the_sentences_that_differ_are_quoted_as_they_are_read(
    old: str, new: str, removed: str, added: str
) -> None:
    found = quote(f"# Privacy\n\n{old}\n", f"# Privacy\n\n{new}\n")
    assert (found.removed, found.added, found.left_out) == (removed, added, "")
    assert found.section == "Privacy"


def test_what_changed_at_the_end_of_a_long_sentence_is_seen() -> None:
    long = "we share it with " + ", ".join(f"partner {n}" for n in range(200))
    found = quote(f"{long} and nobody else.", f"{long} and everybody else.")
    assert found.removed.startswith("… ") and found.removed.endswith("and nobody else.")
    assert found.added.endswith("and everybody else.")
    assert max(len(found.removed), len(found.added)) <= WIDTH


def test_the_heaviest_place_is_quoted_and_the_others_are_counted() -> None:
    kept = "## One\n\nWe {} it.\n\n## Two\n\n{}.\n"
    old = kept.format("keep", "We never sell your data to anybody, whoever asks")
    new = kept.format("hold", "We sell it to all")
    found = quote(old, new)
    assert found.section == "Two"
    assert found.left_out == "Not quoted: elsewhere 1 word added, 1 removed."


@pytest.mark.parametrize(
    ("old", "new"),
    [("We keep it.", "We keep it."), ("We  keep it.", "We keep it."), ("a " * 300_000, "b " * 300_000)],
    ids=["equal", "blanks", "too long"],
)
def test_where_nothing_can_be_quoted_nothing_is(old: str, new: str) -> None:
    assert quote_change(old, new) is None


_PIECES = "we keep sell never your data 30 days. Partners, Daten 個人 ; ! \n ## * |".split(" ")
_WORDS = st.lists(st.sampled_from(_PIECES), max_size=60)


@settings(deadline=None)
@given(old=_WORDS, new=_WORDS, times=st.integers(1, 8))
@example(old=["we", ";", ";"], new=["we", ";", "we", ";"], times=2)  # what changed stands apart
def test_what_is_quoted_stands_in_the_texts_and_what_is_not_is_counted(
    old: list[str], new: list[str], times: int
) -> None:
    before, after = " ".join(old) * times, " ".join(new) * times
    found = quote_change(before, after)
    if found is None:
        return
    assert found.removed or found.added
    assert len(found.removed) <= WIDTH and len(found.added) <= WIDTH
    diff = diff_texts(before, after)
    changed = [line for line in diff.lines if line.kind not in (LineKind.SAME, *MOVED)]
    assert (found.elsewhere_added + found.elsewhere_removed == 0) or len(changed) > 1
    for quoted, whole in ((found.removed, before), (found.added, after)):
        known = whole.split()
        assert all(any(word in one for one in known) for word in quoted.replace("…", " ").split())


def test_sentences_that_stand_apart_are_not_put_together() -> None:
    found = quote_change("We keep it. You may ask. We delete it.", "We sell it. You may ask. We lend it.")
    assert found is not None
    assert (found.removed, found.added) == ("We keep it. … We delete it.", "We sell it. … We lend it.")


@given(text=st.text(max_size=80), width=st.integers(4, 60))
def test_a_cut_text_is_short_enough_and_begins_as_the_whole(text: str, width: int) -> None:
    cut = cut_words(text, width)
    assert len(cut) <= width
    assert text.startswith(cut.removesuffix("…").rstrip())
    assert (cut == text) is (len(text) <= width) or cut.endswith("…")
    assert count_words(cut) <= count_words(text)
