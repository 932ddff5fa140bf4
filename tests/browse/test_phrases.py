"""The page of phrases, its picture and its files."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree, html

from policy_archive.browse.phrase_svg import draw_phrases
from policy_archive.pipelines.store.phrases import Phrase
from policy_archive.pipelines.store.writer import Store
from tests.browse.conftest import MIDDLE, NEW, OLD, PRIVACY, SITE
from tests.support.asking import HOME, ask, ask_one
from tests.support.synthetic import store_texts

_PAGE = f"{HOME}/-/phrase"


def _text(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    return " ".join(html.fromstring(answer.content).text_content().split())


def test_the_page_says_how_many_since_when_and_who(database: Path) -> None:
    answer = ask_one(database, f"{_PAGE}?q=do+not+sell&q=your+address")
    told = _text(answer)
    # of four documents one took it in between 2011 and 2012, and dropped it between 2012 and 2018
    assert "The first known to have taken it in: calm.example, privacy policy, between 2011-03-01 and" in told
    assert "Dropped it 1" in told and "Said it when first seen 0" in told
    assert "We do not sell your personal information." in told
    tree = html.fromstring(answer.content)
    rows = [[cell.text_content() for cell in row] for row in tree.xpath("//table[@class='shares']/tbody/tr")]
    assert ["2012", "2", "0", "1", "50 %", "0–1", "0 % – 50 %"] in rows
    assert tree.xpath("//svg//circle") or tree.xpath("//*[local-name()='circle']")
    links = [str(link) for link in tree.xpath("//ul//a/@href") if "/-/change/" in link]
    assert links


def test_a_row_leads_to_the_change_itself(database: Path) -> None:
    address = f"{HOME}/-/change/{SITE}/privacy/{OLD}/{SITE}/privacy/{MIDDLE}?q=do+not+sell"
    answer = ask_one(database, address)
    assert answer.status_code == 302
    target = answer.headers["location"]
    diff, _, fragment = target.partition("#")
    page = html.fromstring(ask_one(database, diff).content)
    (head,) = page.xpath(f"//*[@id='{fragment}']")
    assert "Your choice" in head.text_content()
    # and where it was dropped, and where it is not
    gone = ask_one(database, f"{HOME}/-/change/{SITE}/privacy/{MIDDLE}/{SITE}/privacy/{NEW}?q=do+not+sell")
    assert "#c" in gone.headers["location"]
    none = ask_one(database, f"{HOME}/-/change/{SITE}/privacy/{OLD}/{SITE}/privacy/{MIDDLE}?q=geese")
    assert none.headers["location"] == diff


def test_files_have_the_figures_of_the_page(database: Path) -> None:
    asked = "q=do+not+sell&q=your+address"
    years, documents, whole, picture = ask(
        database,
        f"{_PAGE}.csv?{asked}",
        f"{_PAGE}.csv?{asked}&documents=1",
        f"{_PAGE}.json?{asked}",
        f"{_PAGE}.svg?{asked}",
    )
    rows = list(csv.DictReader(io.StringIO(years.text)))
    told = json.loads(whole.text)
    assert {row["phrase"] for row in rows} == {"do not sell", "your address"}
    assert [(row["year"], row["saying"]) for row in rows if row["phrase"] == "do not sell"] == [
        (str(row["year"]), str(row["saying"])) for row in told["phrases"][0]["years"]
    ]
    events = list(csv.DictReader(io.StringIO(documents.text)))
    assert [(row["event"], row["version"]) for row in events if row["phrase"] == "do not sell"] == [
        ("took-in", "2"),
        ("dropped", "3"),
    ]
    assert told["phrases"][0]["left_out"] == 0
    assert picture.headers["content-type"].startswith("image/svg+xml")
    assert "script" not in picture.headers["content-security-policy"]
    assert etree.fromstring(picture.content).tag.endswith("svg")


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("q=zebra", "No version says this."),
        ("q=%22", "A quotation mark has no partner"),
        ("q=a&q=b&q=c&q=d&q=e&q=f", "Those are 6 phrases: 5 at the most."),
        ("q=sell&kind=privvy", "is no kind of policy"),
        ("q=sell&list=x", "is no list"),
        ("q=sell&site=nowhere.example", "is not in the corpus"),
        ("", "Who says it, since when"),
    ],
)
def test_what_cannot_be_answered_gets_a_sentence(database: Path, asked: str, told: str) -> None:
    assert told in _text(ask_one(database, f"{_PAGE}?{asked}"))


def test_a_file_of_nothing_says_so(database: Path) -> None:
    none, empty = ask(database, f"{_PAGE}.svg?q=zebra", f"{_PAGE}.json")
    assert (none.status_code, empty.status_code) == (404, 400)


def test_a_long_list_is_paged_the_newest_first(tmp_path: Path) -> None:
    from policy_archive.crawler.core.records import Document, Kind

    database = tmp_path / "policies.db"
    with Store.open(database) as store:
        for number in range(30):
            document = Document(site=f"site{number}.example", kind=Kind.PRIVACY)
            texts = [(f"{1990 + number}0101", "None.\n"), (f"{1991 + number}0101", "We keep geese.\n")]
            store_texts(store, texts, document=document)
    first, second = ask(
        database, f"{_PAGE}?q=geese&list=took-in", f"{_PAGE}?q=geese&list=took-in&of=0&page=1"
    )
    names = [
        [str(text) for text in html.fromstring(page.content).xpath("//ul[@class='list']/li/a/text()")]
        for page in (first, second)
    ]
    assert names[0][0].startswith("site29.example") and len(names[0]) == 25
    assert [name.split(".")[0] for name in names[1]] == [f"site{number}" for number in range(4, -1, -1)]


def test_what_was_written_meanwhile_is_counted(tmp_path: Path) -> None:
    database = tmp_path / "policies.db"
    with Store.open(database) as store:
        store_texts(store, [("20150101", "We keep geese.\n")], document=PRIVACY)
    assert "said by 1 of 1 document " in _text(ask_one(database, f"{_PAGE}?q=geese"))
    with Store.open(database) as store:
        store_texts(store, [("20150201", "We keep geese.\n"), ("20150301", "None.\n")], document=PRIVACY)
        assert "Dropped it 1" in _text(ask_one(database, f"{_PAGE}?q=geese"))


_YEARS = st.lists(
    st.tuples(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=40
)


@given(_YEARS, st.text(max_size=80), st.booleans())
def test_a_picture_is_well_formed_and_stays_in_its_frame(
    counts: list[tuple[int, int, int]], text: str, alone: bool
) -> None:
    years = []
    for year, (saying, more, silent) in enumerate(counts, start=1996):
        documents = saying + more + silent
        years.append(
            {
                "year": year,
                "saying": saying,
                "possible": saying + more,
                "documents": documents,
                "unseen": 0,
                "share": saying / documents if documents else None,
                "share_possible": (saying + more) / documents if documents else None,
            }
        )
    phrase = Phrase(text=text, years=years, events={}, returning=frozenset())
    picture = etree.fromstring(draw_phrases([phrase, phrase], alone=alone).encode("utf-8", "surrogatepass"))
    _, _, width, height = map(float, picture.get("viewBox").split())
    dots = picture.xpath("//*[local-name()='circle']")
    assert len(dots) == 2 * sum(bool(row["documents"]) for row in years)
    for dot in dots:
        assert 0 <= float(dot.get("cx")) <= width and 0 <= float(dot.get("cy")) <= height
