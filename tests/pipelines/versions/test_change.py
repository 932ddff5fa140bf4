"""What kind of change: only dates, links, marks, white space, order; or words, and how many."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy_archive.pipelines.versions.change import compare_texts
from policy_archive.pipelines.versions.gist import describe_change

BASE = """\
## Privacy

We keep data for 30 days. See [our terms](https://x.example/t).

## Law

Be well, all of you.
"""


@pytest.mark.parametrize(
    ("old", "new", "only"),
    [
        ("Last updated: May 25, 2018.", "Last updated: June 1, 2019.", ("dates",)),
        ("Stand: 25. Mai 2018", "Stand: 3. Juni 2019", ("dates",)),
        ("Dernière mise à jour : 1er mai 2018", "Dernière mise à jour : 12 juin 2018", ("dates",)),
        ("Actualizado el 25 de mayo de 2018", "Actualizado el 1 de junio de 2019", ("dates",)),
        ("更新日期:2018年5月25日", "更新日期:2019年12月1日", ("dates",)),
        ("Updated 2018-05-25", "Updated 2019-12-01", ("dates",)),
        ("Effective 5/25/18", "Effective 12/1/19", ("dates",)),
        ("© 2017 Example", "© 2018 Example", ("dates",)),
        ("We keep it for 30 days.", "We keep it for 90 days.", ()),
        ("Call 2018 or 2019.", "Call nobody or 2019.", ()),
        ("See [terms](https://a.example/1).", "See [terms](https://b.example/2).", ("links",)),
        ("See [terms](https://a.example/1 \"T\").", "See terms.", ("links",)),
        ("See <https://a.example/1>.", "See <https://b.example/>.", ("links",)),
        ("See [terms](https://a.example/1).", "See [conditions](https://a.example/1).", ()),
        ("Our “Service” is, well, ours.", 'Our "service" is well ours.', ("punctuation", "case")),
        ("Our “Service” is, well, ours.", 'Our "Service" is well ours.', ("punctuation",)),
        ("OUR SERVICE", "Our service", ("case",)),
        ("Run by x.AI, L.L.C. alone.", "Run by x.AI LLC alone.", ()),
        ("Write an e-mail.", "Write an email.", ()),
        ("**Cookies** are small.", "Cookies are small.", ("punctuation",)),
        ("One  line\n\nand two", "One line and\ntwo", ("whitespace",)),
        ("See [t](https://a.example/1). 1 May 2018", "See [t](b). 2 May 2019", ("links", "dates")),
        ("One line.\n\nAnother line.", "Another line.\n\nOne line.", ("order",)),
    ],
)  # fmt: skip
def test_what_alone_changed_is_told(old: str, new: str, only: tuple[str, ...]) -> None:
    assert compare_texts(old + "\n", new + "\n").only == only
    assert compare_texts(new + "\n", old + "\n").only == only


def test_words_sections_and_share_are_counted() -> None:
    change = compare_texts(
        BASE, BASE.replace("30 days", "90 days") + "\n## Cookies\n\nWe set three of them.\n"
    )
    assert (change.words_added, change.words_removed) == (7, 1)
    assert change.sections_added == ("Cookies",)
    assert change.only == ()
    assert 0.1 < change.share < 0.3
    assert describe_change(change) == f"{change.share:.1%} of the text; new section “Cookies”".replace(
        "%", " %"
    )


def test_a_text_without_a_word_in_common_is_rewritten() -> None:
    assert describe_change(compare_texts("One two three four.\n", "Five six seven eight.\n")) == "rewritten"


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_two_texts_can_be_compared_and_described(old: str, new: str) -> None:
    change = compare_texts(old, new)
    assert 0 <= change.share <= 1
    assert describe_change(change)


def test_real_texts_are_compared_without_a_false_only(shared: Path) -> None:
    texts = [path.read_text("utf-8") for path in sorted((shared / "reference-texts").glob("*.md"))]
    assert len(texts) >= 3
    assert all(compare_texts(one, two).only == () for one in texts for two in texts if one != two)
