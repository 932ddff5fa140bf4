from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from lxml import html

from policy_archive.browse.quotes import quote_change


def test_the_largest_change_is_quoted_with_little_around_it() -> None:
    stayed = "word " * 100
    old = f"Dated 2019.\n\n{stayed}we keep your letters {stayed}.\n"
    new = old.replace("2019", "2020").replace("keep your letters", "sell your letters to everybody who pays")
    quote = str(quote_change(old, new))
    assert "<ins>sell </ins>" in quote and "<ins>to everybody who pays </ins>" in quote
    assert "2020" not in quote and len(quote) < 400
    assert quote.startswith("… ") and quote.rstrip().endswith("…")


def test_a_quote_holds_no_markdown_and_no_html_of_the_text() -> None:
    quote = str(quote_change("", "* **We** <script>[sell](https://x.example)</script>"))
    assert quote == "<ins>We &lt;script&gt;sell&lt;/script&gt;</ins>"


def test_nothing_is_quoted_of_equal_texts() -> None:
    assert str(quote_change("One.", "One.")) == ""


@given(old=st.text(max_size=400), new=st.text(max_size=400))
def test_a_quote_is_short_and_well_formed(old: str, new: str) -> None:
    quote = str(quote_change(old, new))
    if quote.strip():
        tree = html.fragment_fromstring(f"<div>{quote}</div>")
        assert {element.tag for element in tree.iter()} <= {"div", "ins", "del"}
        assert len(tree.text_content()) < 500
