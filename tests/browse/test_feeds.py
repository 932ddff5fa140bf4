from __future__ import annotations

from contextlib import closing
from pathlib import Path

from lxml import etree

from policy_archive.pipelines.outputs.news import write_feed
from policy_archive.pipelines.store.connection import open_reader
from policy_archive.pipelines.store.monitoring.news import NewsFilter, list_news
from policy_archive.pipelines.store.writer import Store
from tests.browse.conftest import MIDDLE, OLD, PRIVACY, SITE
from tests.support.asking import HOME, ask, ask_one
from tests.support.hostile import HOSTILE
from tests.support.synthetic import store_texts

_ATOM = {"a": "http://www.w3.org/2005/Atom"}


def _read(text: str) -> etree._Element:
    return etree.fromstring(text.encode())


def test_the_feed_tells_the_newest_first_with_permanent_ids(database: Path) -> None:
    feed = _read(ask_one(database, f"{HOME}/{SITE}/feed.atom").text)
    updated = feed.xpath("a:entry/a:updated/text()", namespaces=_ATOM)
    assert updated == sorted(updated, reverse=True)
    ids = feed.xpath("a:entry/a:id/text()", namespaces=_ATOM)
    assert sum(id.startswith(f"tag:policy-archive,2026:{PRIVACY.id}/") for id in ids) == 2
    assert len(set(ids)) == len(ids) == 2  # what was seen for the first time is no change
    links = feed.xpath("a:entry/a:link/@href", namespaces=_ATOM)
    assert f"http://localhost{HOME}/-/diff/{SITE}/privacy/{OLD}/{SITE}/privacy/{MIDDLE}" in links
    published = feed.xpath("a:entry/a:published/text()", namespaces=_ATOM)
    assert published == ["2018-05-25T00:00:00Z", "2012-06-01T12:00:00Z"]
    (_, quoted) = feed.xpath("a:entry/a:content[@type='html']/text()", namespaces=_ATOM)
    assert "<ins>We do not sell your personal information.</ins>" in quoted


def test_a_change_of_long_ago_that_was_found_today_comes_first(tmp_path: Path) -> None:
    path = tmp_path / "policies.db"
    with Store.open(path) as store:
        store_texts(store, [("20200101000000", "One.\n"), ("20220101000000", "One. Two.\n")])
        store_texts(store, [("20100101000000", "Zero.\n")])
    feed = _read(ask_one(path, f"{HOME}/-/feed.atom").text)
    assert (
        feed.xpath("a:entry/a:published/text()", namespaces=_ATOM)
        == [
            "2020-01-01T00:00:00Z",  # known for long, and a change only since something older was found
            "2022-01-01T00:00:00Z",
        ][::-1]
    )


def test_a_feed_holds_what_matters_to_who_asks_for_that(database: Path) -> None:
    everything, much, nothing = (
        _read(ask_one(database, f"{HOME}/{SITE}/feed.atom{asked}").text)
        for asked in ("", "?substantive=1&min_words=1", "?min_words=100000")
    )
    assert len(everything.findall("a:entry", _ATOM)) >= len(much.findall("a:entry", _ATOM)) > 0
    assert nothing.findall("a:entry", _ATOM) == []
    ids = {feed.find("a:id", _ATOM).text for feed in (everything, much, nothing)}
    assert len(ids) == 3
    (link,) = much.xpath("a:link[@rel='self']/@href", namespaces=_ATOM)
    assert link.endswith(f"{HOME}/{SITE}/feed.atom?substantive=1&min_words=1")
    assert ask_one(database, f"{HOME}/{SITE}/feed.atom?min_words=many").status_code == 400


def test_all_of_the_feeds_are_found_and_valid(database: Path) -> None:
    for answer in ask(database, f"{HOME}/-/feed.atom", f"{HOME}/-/search.atom?q=harbour&kind=terms"):
        assert answer.headers["content-type"].startswith("application/atom+xml")
        feed = _read(answer.text)
        for name in ("id", "title", "updated"):
            assert feed.find(f"a:{name}", _ATOM).text
        assert feed.findall("a:entry", _ATOM)


def test_a_search_feed_holds_what_the_search_finds(database: Path) -> None:
    feed = _read(ask_one(database, f"{HOME}/-/search.atom?q=%22do+not+sell%22").text)
    assert len(feed.findall("a:entry", _ATOM)) == 1
    assert feed.find("a:title", _ATOM).text == 'Policies that say "do not sell"'


def test_hostile_titles_are_text_in_the_feed(hostile_database: Path) -> None:
    feed = _read(ask_one(hostile_database, f"{HOME}/-/feed.atom").text)
    assert len(feed.findall("a:entry", _ATOM)) == 2 * (len(HOSTILE) - 1)
    assert {etree.QName(element).namespace for element in feed.iter()} == {_ATOM["a"]}


def test_no_entry_gets_another_id_when_earlier_captures_are_found(tmp_path: Path) -> None:
    def ids() -> tuple[set[str], set[str]]:
        with closing(open_reader(path)) as connection:
            news = list_news(connection, NewsFilter())
        write_feed(tmp_path / "feed.atom", news, site=None)
        feeds = (ask_one(path, f"{HOME}/-/feed.atom").text, (tmp_path / "feed.atom").read_text("utf-8"))
        found = [_read(feed).xpath("a:entry/a:id/text()", namespaces=_ATOM) for feed in feeds]
        assert all(len(set(one)) == len(one) for one in found)
        return set(found[0]), set(found[1])  # the file tells first versions too

    path = tmp_path / "policies.db"
    texts = [("20150101000000", "One.\n"), ("20160101000000", "Two.\n"), ("20170101000000", "One.\n")]
    with Store.open(path) as store:
        store_texts(store, texts)
    before = ids()
    assert before[0] < before[1]
    assert (len(before[0]), len(before[1])) == (2, 3)
    with Store.open(path) as store:
        store_texts(store, [("20140101000000", "One.\n"), *texts])
    assert ids() == before
