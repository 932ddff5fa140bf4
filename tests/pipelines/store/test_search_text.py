"""What the full-text index holds: found is what a reader sees, in any script, as it is typed."""

from __future__ import annotations

import sqlite3
import unicodedata
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy_archive.crawler.core.records import Document, Kind
from policy_archive.pipelines.store.connection import open_reader
from policy_archive.pipelines.store.search import (
    SearchFilters,
    list_documents_saying,
    search_versions,
)
from policy_archive.pipelines.store.search_syntax import parse_query
from policy_archive.pipelines.store.search_text import (
    plain_text,
    prepare_text,
)
from policy_archive.pipelines.store.snippets import BEGIN, END, cut_snippet
from policy_archive.pipelines.store.writer import Store
from tests.support.synthetic import PRIVACY, store_texts

TEXTS = {
    "ja": "当社は、個人情報の保護に関する法律（第５条）を守ります。ﾌﾟﾗｲﾊﾞｼｰに配慮します。",
    "zh": "我们收集您的个人信息，并遵守网络安全法。",
    "th": "เราเก็บรวบรวมข้อมูลส่วนบุคคลของคุณตามนโยบายความเป็นส่วนตัวนี้",
    "ko": "회사는 개인정보를 수집하며 개인정보처리방침을 공개합니다.",
    "km": "យើងប្រមូលទិន្នន័យផ្ទាល់ខ្លួនរបស់អ្នក។",
    "hi": "हम आपकी निजी जानकारी की नीति बताते हैं।",
    "ar": "نَحْنُ نجمع المعلومات الشخصية",
    "de": "Die **Datenschutzerklärung** gilt für un**believ**able [Tauwerk](https://tracker.example/click?id=7).",
    "fr": "Vos données à caractère personnel ; l’éditeur.",
    "en": "We rely on legitimate interests. We do\\_not sell data. See <https://www.calm.example/opt-out>.",
}


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    """Yield a corpus of one text a language, and a document that comes to say something and stops."""
    path = tmp_path_factory.mktemp("languages") / "policies.db"
    with Store.open(path) as store:
        for language, text in TEXTS.items():
            document = Document(site=f"{language}.example", kind=Kind.PRIVACY)
            store_texts(store, [("20180101", f"## {text}\n")], document=document)
        texts = [
            *(("20100101", "Nothing.\n"), ("20120601", "We sell ducks.\n"), ("20130601", "None.\n")),
            *(("20150101", "We sell geese and ducks.\n"), ("20160101", "We sell ducks, too.\n")),
            ("20170101", "Gone.\n"),
        ]
        store_texts(store, texts, document=PRIVACY)
    with closing(open_reader(path)) as opened:
        yield opened


def find(connection: sqlite3.Connection, query: str) -> list[str]:
    result = search_versions(connection, query, SearchFilters(), limit=-1)
    return [row["site"].partition(".")[0] for row in result.rows]


@pytest.mark.parametrize(
    ("query", "language"),
    [
        *(
            ("個人情報", "ja"),
            ("保護", "ja"),
            ("律", "ja"),
            ("第5条", "ja"),
            ("プライバシー", "ja"),
        ),
        *(("信息", "zh"), ("网络安全法", "zh"), ("您", "zh")),
        *(("ข้อมูลส่วนบุคคล", "th"), ("นโยบาย", "th"), ("ความเป็นส่วนตัว", "th")),
        *(("개인정보", "ko"), ("처리방침", "ko"), ("수집", "ko"), ("ទិន្នន័យ", "km")),
        *(("नीति", "hi"), ("जानकारी", "hi"), ("نحن", "ar"), ("المعلومات", "ar")),
        *(("datenschutzerklarung", "de"), ("DATENSCHUTZERKLÄRUNG", "de"), ("unbelievable", "de")),
        *(("donnees", "fr"), ('"données à caractère"', "fr"), ('"l\'éditeur"', "fr")),
        *(
            ('"legitimate interest*"', "en"),
            ('"do not sell"', "en"),
            ('"opt out"', "en"),
            ("opt-out", "en"),
        ),
    ],
)
def test_each_script_is_found_as_it_is_typed(
    connection: sqlite3.Connection, query: str, language: str
) -> None:
    assert find(connection, query) == [language]
    (row,) = search_versions(connection, query, SearchFilters()).rows
    assert BEGIN in row["snippet"] and END in row["snippet"]


def test_one_character_is_found_wherever_it_stands(connection: sqlite3.Connection) -> None:
    assert sorted(find(connection, "法")) == ["ja", "zh"]


@pytest.mark.parametrize("query", ["tracker", "click", '"legitimate interest"', "人個", "律法", "नत", "ข้อมู๋ล"])
def test_what_is_not_there_is_not_found(connection: sqlite3.Connection, query: str) -> None:
    assert find(connection, query) == []


@given(
    language=st.sampled_from(["ja", "zh", "th", "ko", "km"]),
    start=st.integers(0, 60),
    length=st.integers(1, 12),
)
def test_each_stretch_of_a_script_without_blanks_is_found(
    connection: sqlite3.Connection, language: str, start: int, length: int
) -> None:
    whole = TEXTS[language].partition("ﾌ")[0]  # half a letter of narrow kana is none
    stretch = whole[start : start + length]
    if any(character.isalpha() for character in stretch):
        assert language in find(connection, f'"{stretch}"')


def test_a_phrase_with_more_hits_in_other_forms_says_so(connection: sqlite3.Connection) -> None:
    result = search_versions(connection, '"legitimate interest"', SearchFilters())
    assert (result.hits, result.wider, result.wider_hits) == (0, '"legitimate interest*"', 1)
    assert search_versions(connection, '"legitimate interests"', SearchFilters()).wider is None


def test_since_when_and_until_when_a_document_says_it(connection: sqlite3.Connection) -> None:
    (row,) = list_documents_saying(connection, "ducks", SearchFilters())
    assert (row["changed_after"], row["first_captured"]) == ("2010-01-01T00:00:00Z", "2012-06-01T00:00:00Z")
    assert (row["last_captured"], row["gone_by"]) == ("2016-01-01T00:00:00Z", "2017-01-01T00:00:00Z")
    assert (row["first_version"], row["last_version"], row["versions"]) == (2, 5, 3)
    assert row["interrupted"] is True
    (still,) = list_documents_saying(connection, "legitimate*", SearchFilters())
    assert still["gone_by"] is None and still["interrupted"] is False


def test_plain_text_is_what_a_reader_sees() -> None:
    markdown = (
        '# **Your** rights\n\n> Ask [us](https://x.org/a_b "t").\n\n  * `one`\n\na| b\n---|---\nc| d_e\n'
    )
    assert plain_text(markdown).split() == ["Your", "rights", "Ask", "us.", "one", "a", "b", "c", "d_e"]


@given(
    st.text(alphabet="aBé個人ที่*_`[]()#|>\\ \n~-ﬁİß½", max_size=60),
    st.sampled_from(["a", "個", '"é b"', "ﬁ*"]),
)
def test_a_snippet_is_a_part_of_what_a_reader_sees(markdown: str, query: str) -> None:
    snippet = cut_snippet(markdown, parse_query(query).needles)
    shown = snippet.replace(BEGIN, "").replace(END, "").strip("…")
    assert shown in " ".join(unicodedata.normalize("NFKC", plain_text(markdown)).split())
    assert snippet.count(BEGIN) == snippet.count(END)


@given(st.text(max_size=80))
def test_whatever_is_prepared_is_indexed_as_it_is(text: str) -> None:
    words = prepare_text(text).split(" ")
    assert all(words) or words == [""]
    assert prepare_text(text) == prepare_text(text)


def test_an_index_of_an_earlier_release_is_built_anew(tmp_path: Path) -> None:
    path = tmp_path / "policies.db"
    with Store.open(path) as store:
        store_texts(store, [("20180101", f"{TEXTS['ja']}\n")])
        connection = store.connection
        connection.execute("drop table texts_search")
        connection.execute(
            "create virtual table texts_search using fts5("
            "text, content='texts_search_content', content_rowid='id', tokenize='unicode61')"
        )
        connection.execute("insert into texts_search (texts_search) values ('rebuild')")
        connection.execute("delete from _sqlite_migrations where name = 'm008_search'")
        assert find(connection, "個人情報") == []
    with Store.open(path) as store:
        assert find(store.connection, "個人情報") == ["intently"]
