"""Where the lines of a text stand on its page."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from policy_archive.crawler.core.records import OUTSIDE_ROOT, UNDER_BOILERPLATE
from policy_archive.pipelines.extract.extraction import extract

SENTENCE = "We keep the letters that our members send us for as long as the club stands. "


def places_of(html: str) -> dict[str, int]:
    extraction = extract(
        html.encode(), url="https://x.example/privacy", timestamp="", content_type="text/html"
    )
    lines = extraction.text.split("\n")[:-1]
    assert len(lines) == len(extraction.line_places)
    return dict(zip(lines, extraction.line_places, strict=True))


def test_a_line_beside_the_root_says_so() -> None:
    page = (
        f"<body><h1>Privacy policy</h1><div>{f'<p>{SENTENCE}</p>' * 12}</div><p>{SENTENCE} Always.</p></body>"
    )
    places = places_of(page)
    assert places["# Privacy policy"] == OUTSIDE_ROOT
    assert places[SENTENCE.strip()] == 0
    assert places[f"{SENTENCE}Always."] == OUTSIDE_ROOT


def test_a_line_under_a_boilerplate_tag_says_so_unless_the_document_is_under_it() -> None:
    footer = f"<footer><p>{SENTENCE} Bye.</p></footer>"
    article = f"<article><h1>Privacy</h1>{f'<p>{SENTENCE}</p>' * 12}{footer}</article>"
    places = places_of(f"<body><form>{article}</form></body>")
    assert places[f"{SENTENCE}Bye."] == UNDER_BOILERPLATE
    assert places["# Privacy"] == 0


def test_items_quotes_and_tables_have_places() -> None:
    rows = "<tr><td>Name</td><td>Letters</td></tr><tr><td>Address</td><td>Parcels</td></tr>"
    blocks = (
        f"<ul><li>{SENTENCE}<ol><li>Deep</li></ol></ul><blockquote>Quoted</blockquote><table>{rows}</table>"
    )
    body = f"<div>{f'<p>{SENTENCE}</p>' * 40}</div>"
    page = f"<body>{body}<div><h2>Annex</h2><p>{SENTENCE}</p>{blocks}</div></body>"
    places = places_of(page)
    for line in ("## Annex", "    1. Deep", "> Quoted", "Address| Parcels"):
        assert places[line] == OUTSIDE_ROOT


@given(
    st.lists(
        st.sampled_from(
            [
                "<p>a b</p>",
                "<pre>a\n\nb</pre>",
                "<hr>",
                "<ul><li>a<p>b",
                "<q>x</q><br>",
                "<dl><dt>a<dd>b</dl>",
            ]
        )
    )
)
def test_every_line_has_a_place(parts: list[str]) -> None:
    places_of(f"<body><h1>Privacy</h1><p>{SENTENCE}</p>{''.join(parts)}</body>")
