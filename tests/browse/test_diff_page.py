"""What the page of a difference says beside the difference: ways on, languages, words of other scripts."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from lxml import html

from policy_archive.browse.diff_html import build_document
from policy_archive.crawler.core.records import Document, Kind
from policy_archive.pipelines.store.writer import Store
from policy_archive.pipelines.versions.diff import diff_texts
from tests.support.asking import HOME, ask_one
from tests.support.synthetic import store_texts

_LONG = "We collect your name and your address when you write to the keeper of the harbour. " * 12


def _page(answer: httpx.Response) -> html.HtmlElement:
    assert answer.status_code == 200
    return html.fromstring(answer.content)


def test_the_next_substantial_change_is_named_where_small_ones_lie_between(tmp_path: Path) -> None:
    document = Document(site="steps.example", kind=Kind.PRIVACY)
    sold = "We sell your name and your address to every ship that passes, for money and for fish.\n\n"
    texts = [
        _LONG,
        sold + _LONG,
        sold + _LONG.replace("collect", "gather", 1),
        sold + _LONG.replace("collect", "gather", 1).replace("write", "speak", 1),
        _LONG.replace("collect", "gather", 1).replace("write", "speak", 1),
    ]
    stamps = [f"20{10 + number}0101000000" for number in range(len(texts))]
    with Store.open(tmp_path / "policies.db") as store:
        store_texts(store, list(zip(stamps, texts, strict=True)), document=document)
    base = f"{HOME}/-/diff/steps.example/privacy"
    page = _page(ask_one(tmp_path / "policies.db", f"{base}/{stamps[0]}/steps.example/privacy/{stamps[1]}"))
    steps = {" ".join(link.text_content().split()): link for link in page.xpath("//nav[@class='pager']/a")}
    assert steps["Change from 2 to 3 →"].get("rel") == "next"
    substantial = steps["Next substantial change: from 4 to 5 ⇥"]
    assert substantial.get("href") == f"{base}/{stamps[3]}/steps.example/privacy/{stamps[4]}"


def _list_stamps(database: Path, site: str) -> list[str]:
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute(
            "select timestamp from policy_versions where site = ? and kind = 'privacy' order by version",
            (site,),
        ).fetchall()
    return [stamp for (stamp,) in rows]


def test_a_difference_says_its_language_and_lets_each_line_find_its_direction(demo_database: Path) -> None:
    site = "hoshizora-bunko.example"
    old, new = _list_stamps(demo_database, site)[:2]
    page = _page(ask_one(demo_database, f"{HOME}/-/diff/{site}/privacy/{old}/{site}/privacy/{new}"))
    (table,) = page.xpath("//table[contains(@class, 'diff')]")
    assert table.getparent().get("lang") == "ja"
    lines = table.xpath(".//div[starts-with(@class, 'l ')]")
    assert lines and all(line.get("dir") == "auto" for line in lines)
    assert page.xpath("//nav[@class='rail']//span[@dir='auto']")


def test_words_of_scripts_without_blanks_are_marked_one_by_one() -> None:
    old, new = (
        "私たちは個人情報を収集します。第三者には提供しません。",
        "私たちは個人情報を販売します。第三者には提供しません。",
    )
    document = build_document(diff_texts(old, new), old, new, side_by_side=False)
    ((row,),) = [change.rows for change in document.changes]
    assert "個人情報を<del>収集</del><ins>販売</ins>します。第三者には提供しません。" in row.new


def test_arabic_lines_are_compared_word_by_word() -> None:
    old, new = "نحن لا نبيع بياناتك لأي طرف ثالث", "نحن نبيع بياناتك لأي طرف ثالث"
    document = build_document(diff_texts(old, new), old, new, side_by_side=False)
    ((row,),) = [change.rows for change in document.changes]
    assert row.new.count("<del>") == 1 and "<del>لا </del>" in row.new


@pytest.mark.parametrize("stored", ["null", """replace(change, '"moved": 0', '"moved": 7')""", "other"])
def test_a_change_is_told_as_it_is_stored_unless_that_is_of_other_texts(
    tmp_path: Path, demo_database: Path, stored: str
) -> None:
    site, database = "tidelock.example", tmp_path / "demo.db"
    shutil.copy(demo_database, database)
    old, new = _list_stamps(database, site)[3:5]
    path = f"{HOME}/-/diff/{site}/privacy/{old}/{site}/privacy/{new}"
    whole = ask_one(database, path).text
    assert "25 new sections" in whole
    other = """replace(replace(change, '"moved": 0', '"moved": 7'), '"words_added": ', '"words_added": 1')"""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute(f"update versions set change = {other if stored == 'other' else stored}")
        connection.commit()
    page = ask_one(database, path).text
    assert ("7 lines moved" in page) == stored.startswith("replace")
    if not stored.startswith("replace"):
        assert "25 new sections" in page
