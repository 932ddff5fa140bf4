"""Lines at a page's edges that are not the document's."""

from __future__ import annotations

import pytest

from policy_archive.pipelines.extract.page import transform_page
from policy_archive.pipelines.extract.passing import is_passing
from policy_archive.pipelines.extract.source.parse import parse_html

POLICY = """<h1>Privacy</h1><p>Last updated: Monday, May 3, 1999</p>
<p>We keep a log of the pages that were read and look at it once a month to see which were liked.</p>
<p>Letters may be read aloud with your first name and your town, unless you ask us not to.</p>"""


def read(page: str) -> str:
    return transform_page(parse_html(page), url="http://x.example/privacy").text


BARE = read(f"<body>{POLICY}</body>")


@pytest.mark.parametrize(
    "line",
    [
        "Saturday, May 8, 1999",
        "Heute ist Samstag, der 8. Mai 1999",
        "samedi 8 mai 1999",
        "1999年5月8日 土曜日",
        "You are visitor 0085744",
        "Sie sind der 4711. Besucher",
        "Vous êtes le 1203e visiteur",
        "Generated on 2018-06-10",
        "Page printed 12:40",
    ],
)
@pytest.mark.parametrize(
    "page", ["<p>{line}</p>{policy}", "{policy}<p>{line}</p>", "{policy}<hr><font size=1>{line}</font>"]
)
def test_what_changes_at_each_look_is_no_text(line: str, page: str) -> None:
    assert read(f"<body>{page.format(line=line, policy=POLICY)}</body>") == BARE


@pytest.mark.parametrize(
    "line",
    [
        "Last updated: Saturday, May 8, 1999",
        "Version of May 8, 1999",
        "May 1999",
        "Wir haben 4711 Kunden",
        "Registered in Norway, no. 0085744",
        "We do not count visitors",
    ],
)
def test_dates_and_numbers_of_the_document_are_its_text(line: str) -> None:
    assert not is_passing(line)
    for page in (f"<p>{line}</p>{POLICY}", f"{POLICY}<p>{line}</p>"):
        assert line in read(f"<body>{page}</body>")


def test_a_menu_in_a_cell_beside_the_text_is_no_text_though_news_stand_below_it() -> None:
    menu = """<a href=/>Home</a><br><a href=/tables/>Tables</a><br><a href=/diary/>Diaries</a><br>
        <font size=1>The spring tide will be the highest of the year.</font>"""
    assert read(f"<body><table><tr><td>{menu}</td><td>{POLICY}</td></tr></table></body>") == BARE


def test_the_pages_own_header_is_no_text_but_an_articles_header_is() -> None:
    header = "<header><a href=/>Shop</a><p>The spring tide will be the highest of the year.</p></header>"
    assert read(f"<body>{header}<main>{POLICY}</main></body>") == BARE
    assert "spring tide" in read(f"<body><main><article>{header}{POLICY}</article></main></body>")


FEEDBACK = "<div><p>War diese Seite hilfreich?</p><div><button>Ja</button><button>Nein</button></div></div>"
CHAT = """<div><div><span>Helper</span><button></button></div><p>What is said here is made by a machine and
    may be wrong.</p><textarea placeholder="Ask"></textarea></div>"""


@pytest.mark.parametrize("widget", [FEEDBACK, CHAT])
@pytest.mark.parametrize("page", ["{policy}{widget}", "<h1>Privacy</h1>{widget}{rest}"])
def test_boxes_of_buttons_with_a_few_words_are_no_text(widget: str, page: str) -> None:
    rest = POLICY.removeprefix("<h1>Privacy</h1>")
    assert read(f"<body><div>{page.format(policy=POLICY, rest=rest, widget=widget)}</div></body>") == BARE


def test_a_list_of_versions_that_names_the_one_shown_is_text() -> None:
    versions = """<div><span>Version:</span> <button role=combobox aria-expanded=false>October 28, 2025
        (Latest)</button></div>"""
    body = POLICY.removeprefix("<h1>Privacy</h1>")
    page = f"<body><main><div><h1>Privacy</h1></div><section>{versions}{body}</section></main></body>"
    assert "Version:\n\nOctober 28, 2025 (Latest)\n" in read(page)


def test_a_date_right_above_the_text_is_text_and_the_title_above_both_stays() -> None:
    links = "".join(f"<a href=/{word}>{word}</a> " for word in ("home", "shop", "team", "jobs"))
    dated = "<div>Updated March 23, 2023</div>"
    body = POLICY.partition("<p>Last updated: Monday, May 3, 1999</p>")[2]
    page = f"<body><div>{links}<h1>Privacy</h1></div>{dated}<div>{body}</div></body>"
    assert read(page).startswith("# Privacy\n\nUpdated March 23, 2023\n\nWe keep a log")


def test_a_label_below_the_last_rule_is_no_text_but_a_sentence_there_is() -> None:
    assert read(f"<body>{POLICY}<hr><font size=1>Accordion hour</font></body>") == BARE
    assert "Write to us." in read(f"<body>{POLICY}<hr><p>Write to us.</p></body>")


def test_links_inside_the_page_before_the_first_heading_stay() -> None:
    contents = '<p><a href="#data">Data</a><br><a href="#rights">Rights</a></p>'
    assert "[Data](#data)" in read(f"<body>{contents}{POLICY}</body>")


def test_a_page_of_a_few_lines_keeps_them_all() -> None:
    assert read("<body><p>Saturday, May 8, 1999</p></body>") == "Saturday, May 8, 1999\n"
