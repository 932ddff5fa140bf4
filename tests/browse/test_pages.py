from __future__ import annotations

import importlib.util
import json
import re
import sqlite3
from datetime import date
from pathlib import Path
from urllib.parse import quote, urlencode

import httpx
import pytest
from lxml import html

from policy_archive.browse.caching import version_of_file
from policy_archive.browse.security import PAGE_POLICY
from policy_archive.crawler.core.records import Document, Kind, Outcome
from policy_archive.pipelines.outputs.addresses import Addresses, document_segment
from policy_archive.pipelines.store.writer import Store
from tests.browse.conftest import CHILDREN, MIDDLE, NEW, OLD, PRIVACY, SITE, TERMS
from tests.support.asking import HOME, ask, ask_one
from tests.support.hostile import HOSTILE, HOSTILE_SITE
from tests.support.synthetic import make_capture, make_reading, make_row, store_texts

_VERSION = f"{HOME}/{SITE}/privacy/{MIDDLE}"


def _words(answer: httpx.Response) -> str:
    return " ".join(html.fromstring(answer.content).xpath("//main")[0].text_content().split())


def _links(answer: httpx.Response) -> list[str]:
    return [str(href) for href in html.fromstring(answer.content).xpath("//@href")]


def test_home_says_what_is_there_and_what_is_missing(database: Path) -> None:
    answer = ask_one(database, HOME)
    words = _words(answer)
    assert "Sites 2" in words
    assert "Documents 3" in words
    assert "Versions 5" in words
    assert "Years 2010–2018" in words
    assert "nothing.example nothing found no page of it promises a policy" in words
    assert "calm.example – Privacy policy between 2012-06-01 and 2018-05-25: 71 months" in words
    assert f"{HOME}/{SITE}/privacy/{NEW}" in _links(answer)


def test_site_page_lists_versions_gaps_foreign_texts_and_months(database: Path) -> None:
    answer = ask_one(database, f"{HOME}/{SITE}")
    words = _words(answer)
    assert "3 versions, 5 captures known." in words
    assert "Privacy policy (children & teens/v1.0)" in words
    assert "text of version 1 again" in words
    assert "between 2011-03-01 and 2012-06-01" in words
    assert "Somebody else’s texts at these addresses: 1" in words
    assert "more than a year without a capture, 4 times; the longest" in words
    months = html.fromstring(answer.content).xpath("//table[@class='months']")[0]
    assert [row.findtext("th") for row in months.iter("tr")][1:] == [str(year) for year in range(2010, 2019)]
    picture = html.fromstring(answer.content).xpath("//*[name()='svg']")[0]
    assert [link.get("href") for link in picture.iter("a")] == [
        f"{HOME}/{SITE}/privacy/{stamp}" for stamp in (OLD, MIDDLE, NEW)
    ]


def test_foreign_texts_have_no_number_and_are_not_found(database: Path) -> None:
    site, search = ask(database, f"{HOME}/{SITE}", f"{HOME}/-/search?q=registrar")
    assert "somebody else's" in _words(site)
    assert "No version says this." in _words(search)


def test_version_page_holds_the_text_and_where_it_comes_from(database: Path) -> None:
    answer = ask_one(database, _VERSION)
    words = _words(answer)
    for fact in (
        "Version 2: changed between 2011-03-01 and 2012-06-01; last seen 2012-06-01.",
        "We do not sell your personal information.",
        "verified",
        "test/1",
        "97 % of the page’s visible prose",
        "Cite this",
    ):
        assert fact in words
    links = _links(answer)
    assert f"https://web.archive.org/web/{MIDDLE}/https://{SITE}/privacy" in links
    assert f"https://web.archive.org/web/{MIDDLE}id_/https://{SITE}/privacy" in links
    assert f"{HOME}/{SITE}/privacy/{OLD}" in links
    assert f"{HOME}/{SITE}/privacy/{NEW}" in links
    assert "#s-your-choice" in links


def test_a_version_is_had_as_files(database: Path) -> None:
    markdown, json_text, bibtex, csl, ris = ask(
        database, *(f"{_VERSION}.{extension}" for extension in ("md", "json", "bib", "csl.json", "ris"))
    )
    assert markdown.headers["content-type"] == "text/markdown; charset=utf-8"
    assert markdown.text.startswith(f"> *The following text is extracted and transformed from the {SITE}")
    whole = json.loads(json_text.text)
    assert whole["text"].startswith("# Privacy")
    assert whole["source"]["charset"] == "utf-8"
    assert bibtex.text.startswith("@misc{")
    assert json.loads(csl.text)[0]["type"] == "webpage"
    assert ris.text.startswith("TY  - ELEC")


@pytest.mark.parametrize(
    ("day", "said"),
    [
        ("2010-06-01", "In force on 2010-06-01."),
        ("2012-06-01", "Version 2"),
        ("2009-12-31", "the first capture is of 2010-01-05"),
        ("2012-01-01", "lies in an interval of change"),
        ("2020", "the last capture is of 2018-05-25"),
    ],
)
def test_a_day_shows_what_held_or_says_what_is_not_known(database: Path, day: str, said: str) -> None:
    answer = ask_one(database, f"{HOME}/{SITE}/privacy/at/{day}")
    assert answer.status_code == 200
    assert said in _words(answer)


def test_a_change_of_texts_too_long_for_a_quotation_leaves_room_for_those_of_others(tmp_path: Path) -> None:
    """Its figures are told, and what comes after it is quoted."""
    path = tmp_path / "policies.db"
    with Store.open(path) as store:
        for site, text in (
            ("short.example", "We keep geese. "),
            ("long.example", "We keep geese. " * 30_000),
        ):
            texts = [("20100101000000", text), ("20110101000000", f"{text}\n\nWe sell feathers at {site}.\n")]
            store_texts(store, texts, document=Document(site=site, kind=Kind.PRIVACY))
    quotes = html.fromstring(ask_one(path, HOME).content).xpath(
        "//ul[contains(@class, 'changes')]//blockquote"
    )
    assert [quote.text_content() for quote in quotes] == ["We sell feathers at short.example."]
    assert "long.example – Privacy policy" in _words(ask_one(path, HOME))


def test_sections_of_hostile_texts_are_words(tmp_path: Path) -> None:
    path = tmp_path / "policies.db"
    document = Document(site="hostile.example", kind=Kind.PRIVACY)
    parts = "\n\n".join(f"## {number} {text}\n\n{text}\n" for number, text in enumerate(HOSTILE.values()))
    with Store.open(path) as store:
        store_texts(store, [("20100101", parts), ("20110101", parts.replace("1", "2"))], document=document)
    base = f"{HOME}/hostile.example/privacy/20110101000000"
    version = html.fromstring(ask_one(path, base).content)
    addresses = version.xpath("//a[@class='story']/@href")
    assert len(addresses) >= len(HOSTILE) / 2
    for answer in ask(path, *map(str, addresses), f"{base}/section/s-%00", f"{base}/section/{'x' * 900}"):
        page = html.fromstring(answer.content)
        assert answer.status_code in (200, 400, 404), answer.url
        assert (
            page.xpath("count(//script[not(@src)] | //iframe | //img | //@*[starts-with(name(), 'on')])") == 0
        )


def test_a_document_that_changed_often_does_not_fill_the_home_page(tmp_path: Path) -> None:
    path = tmp_path / "policies.db"
    with Store.open(path) as store:
        for site, count in (("calm.example", 2), ("often.example", 12)):
            texts = [
                (f"20{10 + n}0101000000", f"We keep {n} geese and sell {n * n} feathers at {site}.\n")
                for n in range(count)
            ]
            store_texts(store, texts, document=Document(site=site, kind=Kind.PRIVACY))
    shown = html.fromstring(ask_one(path, HOME).content).xpath(
        "//ul[contains(@class, 'changes')]/li/a/text()"
    )
    assert len(shown) == 6 and sum("calm.example" in one for one in shown) == 1


def test_a_year_of_a_timeline_is_seen_alone_and_leads_to_its_neighbours(database: Path) -> None:
    year = html.fromstring(ask_one(database, f"{HOME}/{SITE}?from=2012&to=2012").content)
    privacy = year.get_element_by_id("privacy")
    labels = privacy.xpath(".//div[@class='wide']//a[not(@class)]/@aria-label")
    assert [label[:9] for label in labels] == ["Version 2"]
    assert "The timeline shows 2012" in " ".join(privacy.text_content().split())
    around = privacy.xpath(".//p[contains(., 'The timeline shows')]/a/@href")
    assert [address.rpartition("?")[2] for address in around] == [
        "from=2011&to=2011#privacy",
        f"{HOME}/{SITE}#privacy",
        "from=2013&to=2013#privacy",
    ]
    assert len(privacy.xpath(".//table[@class='versions']/tbody/tr")) == 3
    wrong = ask_one(database, f"{HOME}/{SITE}?from=last")
    assert wrong.status_code == 400 and "is no year" in _words(wrong)


def test_differences_of_two_versions_side_by_side_and_inline(database: Path) -> None:
    address = f"{HOME}/-/diff/{SITE}/privacy/{OLD}/{SITE}/privacy/{MIDDLE}"
    beside, inline = ask(database, address, f"{address}?view=inline")
    for answer in (beside, inline):
        page = html.fromstring(answer.content)
        assert "electronic" in "".join(page.xpath("//main//ins//text() | //td[@class='added']//text()"))
        assert "unchanged line" in _words(answer)


def test_a_difference_of_no_words_says_what_it_is_of(tmp_path: Path) -> None:
    document = Document(site="links.example", kind=Kind.PRIVACY)
    with Store.open(tmp_path / "policies.db") as store:
        texts = [("20180601", "See [cookies](/a).\n"), ("20190101", "See [cookies](/b).\n")]
        store_texts(store, texts, document=document)
    address = f"{HOME}/-/diff/links.example/privacy/20180601000000/links.example/privacy/20190101000000"
    assert "no words; only links." in _words(ask_one(tmp_path / "policies.db", address))
    same = ask_one(tmp_path / "policies.db", address.replace("20190101", "20180601"))
    assert "(2018-06-01): nothing." in _words(same)


def test_a_search_has_a_row_for_each_document_and_says_since_when(database: Path) -> None:
    answer = _search(database, q="sell")
    page = html.fromstring(answer.content)
    assert len(page.xpath("//ul[contains(@class, 'hits')]/li")) == 1
    words = _words(answer)
    assert "1 of 3 versions" in words
    assert (
        "took it in between 2011-03-01 and 2012-06-01; dropped it between 2012-06-01 and 2018-05-25" in words
    )
    states = page.xpath("//span[@class='strip']/span/@class")
    assert states == ["silent", "silent", "said", *["silent"] * 6]
    harbour = html.fromstring(_search(database, q="harbour").content)
    assert len(harbour.xpath("//ul[contains(@class, 'hits')]/li")) == 2  # of four versions
    assert "said it when it was first seen, 2010-01-05" in " ".join(harbour.xpath("//main//text()"))


def test_a_hit_leads_to_its_sentence_and_all_are_marked(database: Path) -> None:
    page = html.fromstring(_search(database, q='"sell your personal"').content)
    (link,) = page.xpath("//ul[contains(@class, 'hits')]//a/@href")
    path, _, anchor = link.partition("#")
    version = html.fromstring(ask_one(database, path).content)
    (mark,) = version.xpath(f"//mark[@id='{anchor}']")
    assert mark.text_content() == "sell your personal"
    assert "is marked in 1 place" in " ".join(version.xpath("//main//text()"))
    broken = ask_one(database, f"{_VERSION}?q=%22")
    assert broken.status_code == 200 and "marked nowhere" in _words(broken)


def test_marks_of_a_search_open_nothing_in_a_hostile_text(hostile_database: Path) -> None:
    segment = quote("privacy~<img src=x onerror=alert(1)>", safe="~")
    stamps = [f"{year}0101000000" for year in range(2000, 2000 + len(HOSTILE))]
    paths = [f"{HOME}/hostile.example/{segment}/{stamp}?q=harbour+alert+img+script" for stamp in stamps]
    for answer in ask(hostile_database, *paths):
        page = html.fromstring(answer.content)
        assert page.xpath("//mark[@id='hit-1']")
        assert page.xpath("//script/@src") == [f"{HOME}/-/policies.js?v={version_of_file('policies.js')}"]
        assert not page.xpath("//iframe | //img | //@*[starts-with(name(), 'on')]")


def test_changes_are_told_as_they_were_learnt_and_first_captures_are_none(database: Path) -> None:
    answer = ask_one(database, f"{HOME}/-/changes")
    page = html.fromstring(answer.content)
    links = page.xpath("//ul[contains(@class, 'changes')]//a/@href")
    base = f"{HOME}/-/diff/{SITE}/privacy"
    assert links == [f"{base}/{MIDDLE}/{SITE}/privacy/{NEW}", f"{base}/{OLD}/{SITE}/privacy/{MIDDLE}"]
    assert "We do not sell your personal information." in page.xpath("//blockquote/ins/text()")


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ({"kind": "privacy"}, 2),
        ({"kind": "terms"}, 0),
        ({"since": "2000"}, 2),
        ({"since": "2999-01-01"}, 0),
        ({"site": f"https://{SITE.upper()}/x"}, 2),
        ({"class": "all"}, 2),
        ({"class": "page"}, 0),
        ({"page": "1"}, 0),
    ],
)
def test_changes_are_narrowed(database: Path, asked: dict[str, str], count: int) -> None:
    answer = ask_one(database, f"{HOME}/-/changes?{urlencode(asked)}")
    assert answer.status_code == 200
    assert len(html.fromstring(answer.content).xpath("//ul[contains(@class, 'changes')]//a")) == count


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"class": "dull"}, "is no class of changes"),
        ({"since": "yesterday"}, "is no date"),
        ({"kind": "secrets"}, "is no kind"),
        ({"site": "clam.example"}, "Did you mean calm.example?"),
    ],
)
def test_a_list_of_changes_says_what_it_cannot_be_narrowed_to(
    database: Path, asked: dict[str, str], said: str
) -> None:
    answer = ask_one(database, f"{HOME}/-/changes?{urlencode(asked)}")
    assert answer.status_code in (400, 404) and said in _words(answer)


def test_what_a_list_of_changes_passes_over_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "policies.db"
    with Store.open(path) as store:
        store_texts(
            store, [("20180101000000", "One.\n"), ("20190101000000", "One. Two.\n")], document=PRIVACY
        )
        store_texts(store, [("20180101000000", "Be kind.\n")], document=TERMS)
        texts = [("20200101000000", "One. Two.\n\nThree.\n"), ("20210101000000", "One. Two.\nThree.\n")]
        store_texts(store, texts, document=PRIVACY)
        store_texts(store, [("20220101000000", "One. Two. Three. Four.\n")], document=PRIVACY)
    words = _words(ask_one(path, f"{HOME}/-/changes"))
    assert "1 document seen for the first time, 1 change that is not the policy’s own" in words


def test_differences_of_two_documents(database: Path) -> None:
    other = document_segment(CHILDREN)
    answer = ask_one(database, f"{HOME}/-/diff/{SITE}/privacy/{OLD}/{SITE}/{other}/{MIDDLE}")
    assert "Ask your parents first." in _words(answer)
    assert "privacy policy (children & teens/v1.0), version 1" in _words(answer)


@pytest.mark.parametrize(
    ("path", "leads_to"),
    [
        (f"{HOME}/WWW.{SITE.upper()}", f"{HOME}/{SITE}"),
        (f"{HOME}/{SITE}/privacy", f"{HOME}/{SITE}#privacy"),
        (f"{HOME}/-/site?name=https://www.{SITE}/x", f"{HOME}/{SITE}"),
        (f"{HOME}/-/at/{SITE}?document=privacy&day=2012-06-01", f"{HOME}/{SITE}/privacy/at/2012-06-01"),
        (
            f"{HOME}/-/compare/{SITE}?old=privacy/{OLD}&new=terms/{OLD}",
            f"{HOME}/-/diff/{SITE}/privacy/{OLD}/{SITE}/terms/{OLD}",
        ),
    ],
)
def test_forms_and_short_addresses_lead_to_permanent_ones(database: Path, path: str, leads_to: str) -> None:
    answer = ask_one(database, path)
    assert (answer.status_code, answer.headers["location"]) == (302, leads_to)


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        (f"{HOME}/clam.example", 404, "Did you mean calm.example?"),
        (f"{HOME}/no%20domain", 400, "is no domain"),
        (f"{HOME}/{SITE}/cookies/{OLD}", 404, "has no versions of such a document"),
        (f"{HOME}/{SITE}/secrets/{OLD}", 404, "is no kind of document"),
        (f"{HOME}/{SITE}/privacy/19990101000000", 404, "before 2010-01-05"),
        (f"{HOME}/{SITE}/privacy/at/2018-99", 400, "is no date"),
        (f"{HOME}/-/compare/{SITE}?old=x&new=y", 404, "is no kind"),
        (f"{HOME}/-/at/{SITE}?document=privacy", 400, "is no date"),
        (f"{HOME}/-/search.atom?q=%22", 400, "quotation mark"),
    ],
)
def test_what_is_not_there_gets_a_sentence(database: Path, path: str, status: int, said: str) -> None:
    answer = ask_one(database, path)
    assert answer.status_code == status
    assert said in _words(answer)


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        (f"{HOME}/{SITE}/privacy/may", 404, "There is no such page."),
        (f"{HOME}/{SITE}/privacy/at/may", 400, "is no date"),
        (f"{HOME}/{SITE}/privacy/201805250", 400, "is no date"),
        (f"{HOME}/x/y/z/and/more", 404, "There is no such page."),
        ("/no-such-database", 404, "Not found"),
        ("/no/such/page/at/all", 404, "Not found"),
    ],
)
def test_an_address_that_nothing_answers_to_gets_a_sentence_with_rich_installed(
    database: Path, path: str, status: int, said: str
) -> None:
    assert importlib.util.find_spec("rich"), "Datasette's own answer fails with rich alone"
    answer = ask_one(database, path)
    assert (answer.status_code, said in _words(answer)) == (status, True)
    assert answer.headers["content-security-policy"] == PAGE_POLICY


def test_what_is_missing_among_the_tables_is_told_as_json_to_programs(database: Path) -> None:
    answer = ask_one(database, "/no-such-database/t.json")
    assert (answer.status_code, answer.json()["ok"]) == (404, False)


@pytest.mark.parametrize(
    ("day", "whole"),
    [
        ("2012", "2012-12-31"),
        ("2012-06", "2012-06-30"),
        ("20120601", "2012-06-01"),
        ("2012-06-01/", "2012-06-01"),
    ],
)
def test_a_day_behind_a_document_leads_to_that_day(database: Path, day: str, whole: str) -> None:
    answer = ask_one(database, f"{HOME}/{SITE}/privacy/{day}")
    assert (answer.status_code, answer.headers["location"]) == (302, f"{HOME}/{SITE}/privacy/at/{whole}")


def test_an_instant_between_captures_leads_to_the_text_of_then_and_says_so(database: Path) -> None:
    asked = "20110601000000"
    base = f"{HOME}/{SITE}/privacy"
    version, file, diff = ask(
        database,
        f"{base}/{asked}",
        f"{base}/{asked}.json",
        f"{HOME}/-/diff/{SITE}/privacy/{asked}/{SITE}/privacy/{MIDDLE}?view=inline",
    )
    leads = [answer.headers["location"] for answer in (version, file, diff)]
    assert leads == [
        f"{base}/{OLD}?asked={asked}",
        f"{base}/{OLD}.json",
        f"{HOME}/-/diff/{SITE}/privacy/{OLD}/{SITE}/privacy/{MIDDLE}?view=inline",
    ]
    words = _words(ask_one(database, leads[0]))
    assert "Asked for 2011-06-01 00:00:00 UTC; shown is the version that was the latest then" in words
    assert "Whether it still stood then is not known: it was last seen 2011-03-01." in words
    within = _words(ask_one(database, f"{base}/{OLD}?asked=20110201000000"))
    assert "Asked for" in within and "is not known: it was" not in within
    assert "Asked for" not in _words(ask_one(database, f"{base}/{OLD}?asked=%3Cb%3E"))


@pytest.mark.parametrize(
    ("stamp", "said"),
    [
        ("20990101000000", "after 2018-05-25"),
        ("20129901000000", "is no instant"),
        ("19990101000000", "before"),
    ],
)
def test_a_mistyped_instant_shows_no_other_text(database: Path, stamp: str, said: str) -> None:
    for path in (f"/{SITE}/privacy/{stamp}", f"/-/diff/{SITE}/privacy/{OLD}/{SITE}/privacy/{stamp}"):
        answer = ask_one(database, HOME + path)
        assert (answer.status_code, said in _words(answer)) == (404, True)


@pytest.mark.parametrize("written", ["Calm.Example", f"https://www.{SITE}/privacy?x", f"{SITE}."])
def test_a_site_is_searched_however_it_is_written(database: Path, written: str) -> None:
    assert "4 versions, best first, a row for each document." in _words(
        _search(database, q="harbour", site=written)
    )


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"site": "clam.example"}, "Did you mean calm.example?"),
        ({"site": "no domain"}, "is no domain"),
        ({"language": "English"}, "write two letters"),
        ({"kind": "secrets"}, "is no kind of policy"),
    ],
)
def test_a_filter_that_fits_nothing_is_told_and_never_taken_for_nothing_found(
    database: Path, asked: dict[str, str], said: str
) -> None:
    words = _words(_search(database, q="harbour", **asked))
    assert said in words and "No version says this" not in words
    feed = ask_one(database, f"{HOME}/-/search.atom?{urlencode({'q': 'harbour', **asked})}")
    assert feed.status_code in (400, 404)


def _search(database: Path, **asked: str) -> httpx.Response:
    return ask_one(database, f"{HOME}/-/search?{urlencode(asked)}")


def test_search_marks_what_it_found_and_says_who_was_first_and_last(database: Path) -> None:
    answer = _search(database, q='"the harbour"')
    words = _words(answer)
    assert "4 versions, best first, a row for each document." in words
    assert "Earliest version that says this calm.example" in words
    assert "last seen 2018-05-25" in words
    assert "the harbour" in html.fromstring(answer.content).xpath("//mark/text()")


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ({"site": SITE}, 4),
        ({"site": "nothing.example"}, 0),
        ({"kind": "terms"}, 1),
        ({"year": "2012"}, 1),
        ({"year": "2011"}, 1),
        ({"language": "en"}, 4),
        ({"language": "de"}, 0),
        ({"year": "2018", "kind": "privacy", "site": SITE, "language": "en"}, 1),
    ],
)
def test_search_is_narrowed(database: Path, asked: dict[str, str], count: int) -> None:
    assert f"{count} version{'s' * (count != 1)}" in _words(_search(database, q="harbour", **asked))


@pytest.mark.parametrize(
    "injected",
    ["'; drop table versions; --", "' or 1=1 --", '" or ""="', "1); delete from texts;", "]", "\\", "%00"],
)
def test_whatever_is_asked_is_a_value(database: Path, injected: str) -> None:
    for name in ("q", "site", "kind", "year", "language"):
        answer = _search(database, **{"q": "harbour", name: injected})
        assert answer.status_code == 200
    with sqlite3.connect(database) as connection:
        assert connection.execute("select count(*) from versions").fetchone() == (5,)


def test_a_year_that_is_none_gets_a_sentence(database: Path) -> None:
    assert "is no year" in _words(_search(database, q="harbour", year="MMX"))


def test_a_site_typed_into_the_search_is_offered(database: Path) -> None:
    assert f"{HOME}/{SITE}" in _links(_search(database, q=SITE))


def test_every_answer_of_ours_forbids_whatever_could_run(database: Path) -> None:
    paths = ["", f"/{SITE}", f"/{SITE}/privacy", f"/{SITE}/privacy/{OLD}", f"/{SITE}/privacy/{OLD}.md"]
    paths += [
        "/-/search?q=x",
        "/-/feed.atom",
        "/-/policies.css",
        "/nothing",
        f"/{SITE}/privacy/at/2012-06-01",
    ]
    answers = ask(database, *(HOME + path for path in paths))
    for answer in answers:
        assert answer.headers["content-security-policy"] == PAGE_POLICY
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
    assert len(answers) == 10


def test_hostile_texts_titles_names_and_addresses_are_words(hostile_database: Path) -> None:
    site = quote(HOSTILE_SITE, safe="")
    segment = quote("privacy~<img src=x onerror=alert(1)>", safe="~")
    stamps = [f"{year}0101000000" for year in range(2000, 2000 + len(HOSTILE))]
    paths = ["", f"/{site}", f"/{site}/feed.atom", "/-/search?q=harbour", "/-/feed.atom"]
    paths += [f"/{site}/{segment}/{stamp}" for stamp in stamps]
    paths += [f"/-/diff/{site}/{segment}/{stamps[0]}/{site}/{segment}/{stamp}" for stamp in stamps]
    answers = ask(hostile_database, *(HOME + path for path in paths))
    assert {answer.status_code for answer in answers} == {200}
    for answer in answers:
        page = html.fromstring(answer.content)
        assert not page.xpath("//iframe | //object | //embed | //base | //img | //math | //style")
        assert page.xpath("//script/@src") == [
            f"{HOME}/-/policies.js?v={version_of_file('policies.js')}"
        ] * len(page.xpath("//script"))
        assert not any(script.text for script in page.xpath("//script"))
        assert not page.xpath("//@*[starts-with(name(), 'on')] | //meta[@http-equiv]")
        for address in page.xpath("//@href | //@action | //@src | //@formaction"):
            assert str(address).startswith(
                (HOME, "#", "?p=", "http://", "https://", "mailto:", "/policies")
            ), address


def test_pages_are_read_while_a_crawl_writes(tmp_path: Path) -> None:
    path = tmp_path / "policies.db"
    with Store.open(path) as store:
        store_texts(store, [(OLD, "# One\n\nThe first text.\n")], document=PRIVACY)
        assert "1 version," in _words(ask_one(path, f"{HOME}/{SITE}"))
        store.connection.execute("begin immediate")
        try:
            assert "1 version," in _words(ask_one(path, f"{HOME}/{SITE}"))
        finally:
            store.connection.execute("rollback")
        store_texts(store, [(NEW, "# Two\n\nThe second text.\n")], document=PRIVACY)
        assert "2 versions," in _words(ask_one(path, f"{HOME}/{SITE}"))


def test_addresses_follow_the_place_where_datasette_is_served(database: Path) -> None:
    (answer,) = ask(database, HOME, settings={"base_url": "/archive/"})
    assert f"/archive{HOME}/{SITE}" in _links(answer)
    assert Addresses(base="/archive/-/policies").site(SITE) in _links(answer)


def test_an_empty_corpus_has_a_home_too(tmp_path: Path) -> None:
    path = tmp_path / "policies.db"
    Store.open(path).close()
    home, search, feed = ask(path, HOME, f"{HOME}/-/search?q=x", f"{HOME}/-/feed.atom")
    assert "Versions 0" in _words(home)
    assert "No version says this." in _words(search)
    assert feed.status_code == 200


def test_a_document_without_a_text_says_what_became_of_its_captures(tmp_path: Path) -> None:
    path = tmp_path / "policies.db"
    with Store.open(path) as store:
        store.add_document(PRIVACY)
        row = make_row(OLD, original=f"https://{SITE}/privacy")
        store.add_rows(PRIVACY, [row])
        store.record_capture(make_capture(row, document=PRIVACY, outcome=Outcome.NOT_ARCHIVED))
    assert "No version is known: 1 not-archived." in _words(ask_one(path, f"{HOME}/{SITE}"))


def test_a_date_that_was_kept_is_told_from_one_seen_late(tmp_path: Path) -> None:
    database = tmp_path / "policies.db"
    document = Document(site="dated.example", kind=Kind.PRIVACY)
    texts = [("20180601", "One.\n"), ("20190101", "One. Two.\n"), ("20200101", "One. Two. Three.\n")]
    days = [date(2018, 5, 25), date(2018, 5, 25), date(2019, 1, 2)]
    with Store.open(database) as store:
        store.add_document(document)
        for (timestamp, text), day in zip(texts, days, strict=True):
            row = make_row(timestamp)
            store.add_rows(document, [row])
            store.record_capture(make_capture(row, document=document), make_reading(text, stated=day))
        store.fold_versions(document)
    base = f"{HOME}/dated.example"
    site, *versions = ask(database, base, *(f"{base}/privacy/{stamp}000000" for stamp, _ in texts))
    rows = " ".join(html.fromstring(site.content).xpath("//table[@class='versions']//td//text()"))
    assert re.findall("date kept|seen late|announced ahead", rows) == ["date kept"]
    assert "date kept – the text changed, its date did not" in _words(site)
    assert [answer.status_code for answer in versions] == [200, 200, 200]
