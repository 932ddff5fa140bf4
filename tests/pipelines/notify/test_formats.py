"""Each format is taken by a receiver that refuses what the service refuses, whatever a page says."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from email import message_from_bytes
from email.policy import SMTP
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import html

from policy_archive.crawler.core.records import Channel, Document, Kind
from policy_archive.pipelines.notify.delivery import Patience, deliver_news
from policy_archive.pipelines.notify.formats import FORMATS, discord, slack
from policy_archive.pipelines.notify.formats.mail import build_html, render_mail
from policy_archive.pipelines.notify.notice import Link, Notice, build_page_link, build_sample
from policy_archive.pipelines.outputs.news import write_feed
from policy_archive.pipelines.outputs.quotation import Quotation, quote_change
from policy_archive.pipelines.store.monitoring.news import NewsFilter, list_news
from policy_archive.pipelines.store.writer import Store
from tests.pipelines.notify.test_delivery import SINCE
from tests.support.hostile import HOSTILE
from tests.support.receivers import REFUSE, refuse_mail, serve_chat
from tests.support.synthetic import PRIVACY, store_texts

SAMPLE = build_sample()
EVIL = (
    "<!channel> <!here> <@U123> @everyone @here @channel </at><at>All</at> **bold** _it_ `code` "
    "<script>alert(1)</script> [x](javascript:alert(1)) ![p](http://evil.example/p.png) http://evil.example "
    "\r\nBcc: all@example.org\r\n\r\n:smile: &lt; \x1b]0;t\x07 \u202e"
)


def make_notice(texts: tuple[str, str, str], *, versions: int, quoted: str, links: int) -> Notice:
    """Return a notice whose every text is of others' making."""
    site, name, heading = texts
    row = SAMPLE.newest | {"site": site or "x", "name": name, "title": heading}
    row["change"] = row["change"] | {"sections_added": [heading] * 5, "sections_removed": [heading]}
    rows = tuple(row | {"version": number} for number in range(2, 2 + versions))
    quotation = quote_change(f"# {heading}\n\nOld {quoted}\n", f"# {heading}\n\nNew words {quoted[::-1]}\n")
    addresses = [
        Link(name="diff", label="What changed", url="https://x.example/" + "a" * length)
        for length in (1, 3000)
    ]
    return replace(
        SAMPLE, versions=rows, quotation=quotation, links=tuple([*addresses, *SAMPLE.links][:links])
    )


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.sampled_from([EVIL, *HOSTILE])
_LONG = st.builds(lambda text, times: text * times, _TEXT, st.integers(0, 200))


@settings(deadline=None)
@given(
    texts=st.tuples(_TEXT, _TEXT, _LONG), versions=st.integers(1, 60), quoted=_LONG, links=st.integers(0, 5)
)
def test_whatever_a_page_says_every_service_takes_it(
    texts: tuple[str, str, str], versions: int, quoted: str, links: int
) -> None:
    notice = make_notice(texts, versions=versions, quoted=quoted, links=links)
    for name, render in FORMATS.items():
        body = render(notice)
        assert REFUSE[name](body.content) == "", name
        assert body.content_type.startswith("text/plain" if name == "text" else "application/json")
    mail = render_mail(notice, sender="me@example.org", recipient="you@example.org")
    assert refuse_mail(mail) == ""


@pytest.mark.parametrize("format_name", FORMATS)
def test_a_change_arrives_with_its_sentence_and_its_links(tmp_path: Path, format_name: str) -> None:
    with serve_chat(format_name) as service, Store.open(tmp_path / "p.db") as store:
        channel = Channel(kind="url", target=service.url, format=format_name, since=SINCE)
        store.channels = (channel,)
        old = "## Sharing\n\nWe keep your data. We do not share it with anybody.\n"
        new = old.replace("do not share it with anybody", f"share it with {EVIL} partners")
        store_texts(store, [("20180101", old), ("20190101", new)])
        (delivery,) = deliver_news(store.connection, [channel], base_url="https://policies.example.org/")
    assert (service.refused, delivery.error, delivery.delivered) == ([], "", 1)
    (body,) = service.taken
    text = body.decode()
    assert "We do not share it with anybody" in text
    assert "https://policies.example.org/-/diff/intently.example/privacy/20180101000000/" in text
    assert "https://web.archive.org/web/20190101000000/https://intently.example/privacy" in text
    assert "https://web.archive.org/web/20180101000000/https://intently.example/privacy" in text
    assert "\x1b" not in text and "\u202e" not in text


def test_the_archive_named_is_the_one_that_was_asked_and_not_where_equal_bytes_came_from(
    tmp_path: Path,
) -> None:
    """A capture that one archive lists is proven by its digest, the bytes came from another."""
    mine, other = "http://127.0.0.1:8123/mine", "https://web.archive.org"
    with serve_chat("json") as service, Store.open(tmp_path / "p.db") as store:
        channel = Channel(kind="url", target=service.url, since=SINCE)
        store.channels = (channel,)
        store_texts(store, [("20180101", "We keep it.\n"), ("20190101", "We sell it.\n")])
        store.connection.execute(
            "update captures set archive = ? where timestamp = '20190101000000'", (mine,)
        )
        store.connection.commit()
        deliver_news(store.connection, [channel])
        feed = tmp_path / "feed.atom"
        write_feed(feed, list_news(store.connection, NewsFilter()), site=None)
    (message,) = map(json.loads, service.taken)
    page = "https://intently.example/privacy"
    assert message["replay_url"].startswith(f"{other}/web/20190101000000id_/")
    assert message["archive"] == mine
    assert message["links"] == {
        "capture": f"{mine}/20190101000000/{page}",
        "capture_before": f"{other}/web/20180101000000/{page}",
        "archive": f"{mine}/*/{page}",
    }
    assert f'href="{mine}/20190101000000/{page}"' in feed.read_text("utf-8")


def test_a_first_version_arrives_in_every_format(tmp_path: Path) -> None:
    for format_name in FORMATS:
        with serve_chat(format_name) as service, Store.open(tmp_path / f"{format_name}.db") as store:
            channel = Channel(kind="url", target=service.url, format=format_name, since=SINCE)
            store.channels = (channel,)
            terms = Document(site="x.example", kind=Kind.TERMS)
            store_texts(store, [("20180101", "We keep it.\n")], document=terms)
            deliver_news(store.connection, [channel])
        (body,) = service.taken
        assert "was first captured on 2018-01-01, with 3 words" in body.decode().replace("\\", "")


def test_many_new_versions_of_a_document_are_one_message_on_what_changed_in_all(
    tmp_path: Path,
) -> None:
    with serve_chat("json") as service, Store.open(tmp_path / "p.db") as store:
        store_texts(store, [("20170101", "We keep it.\n")])
        channel = Channel(kind="url", target=service.url, since=date(2018, 1, 1))
        store.channels = (channel,)
        texts = [(f"2018{month:02}01", f"We keep it for {month} months.\n") for month in range(1, 13)]
        store_texts(store, texts)
        deliver_news(store.connection, [channel])
    (message,) = map(json.loads, service.taken)
    assert (message["version"], message["before"]["version"], len(message["versions"])) == (13, 1, 12)
    assert message["text"] == (
        "The privacy policy of intently.example changed 12 times between 2017-01-01 and 2018-12-01."
    )
    assert (
        message["quote"]["removed"] == "We keep it."
        and message["quote"]["added"] == "We keep it for 12 months."
    )


def test_changes_in_between_that_are_passed_over_are_counted(tmp_path: Path) -> None:
    with serve_chat("json") as service, Store.open(tmp_path / "p.db") as store:
        store_texts(store, [("20170101", "We keep it.\n")])
        channel = Channel(kind="url", target=service.url, since=date(2018, 1, 1), min_words=4)
        store.channels = (channel,)
        store_texts(
            store,
            [
                ("20180101", "We keep it and we sell it to many.\n"),
                ("20180201", "We keep it and we sell it to many others.\n"),
                ("20180301", "We keep it and we sell it to many others, for money and for fame.\n"),
            ],
        )
        deliver_news(store.connection, [channel])
    (message,) = map(json.loads, service.taken)
    assert ([one["version"] for one in message["versions"]], message["passed_over"]) == ([2, 4], 1)


_DIFF = "-/diff/intently.example/privacy/20180101000000/intently.example/privacy/20190101000000"


@pytest.mark.parametrize(
    ("base_url", "before", "address"),
    [
        ("http://127.0.0.1:8001/-/policies", 1, f"http://127.0.0.1:8001/-/policies/{_DIFF}"),
        ("https://p.example.org/", 1, f"https://p.example.org/{_DIFF}/index.html"),
        (
            "https://p.example.org",
            None,
            "https://p.example.org/intently.example/privacy/20190101000000/index.html",
        ),
    ],
)
def test_the_link_is_one_that_browse_or_a_published_copy_has(
    base_url: str, before: int | None, address: str
) -> None:
    newest = {"version": 2, "timestamp": "20190101000000"}
    older = {"version": before, "timestamp": "20180101000000"} if before else None
    assert build_page_link(base_url, PRIVACY, newest, older) == address


def test_a_published_copy_has_no_page_of_two_that_are_no_neighbours() -> None:
    newest, older = ({"version": number, "timestamp": f"20{number}0101000000"} for number in (19, 16))
    link = build_page_link("https://p.example.org", PRIVACY, newest, older)
    assert link == "https://p.example.org/intently.example/index.html"


# What a page says means nothing anywhere


def test_slack_reads_no_mention_and_no_mark() -> None:
    notice = replace(SAMPLE, quotation=Quotation(removed=EVIL, added=EVIL))
    message = json.loads(slack.render(notice).content)
    assert "<!channel>" not in message["text"] and "&lt;!channel&gt;" in message["text"]
    assert "@everyone" not in message["text"] and "](" not in message["text"]
    assert not [block for block in message["blocks"] if "mrkdwn" in json.dumps(block)]


def test_discord_reads_no_mark() -> None:
    text = discord.escape(EVIL)
    for mark in ("*", "_", "`", "<", "@", "[", "]", "("):
        assert text.count(mark) == text.count(f"\\{mark}")
    assert "http://" not in text


def test_a_mail_shows_marks_as_letters_and_holds_no_header_of_a_page() -> None:
    row = SAMPLE.newest | {"site": "x\r\nBcc: all@example.org\r\n\r\n<b>"}
    notice = replace(SAMPLE, versions=(row,), quotation=Quotation(removed=EVIL, added=EVIL))
    mail = render_mail(notice, sender="me@example.org", recipient="you@example.org")
    read = message_from_bytes(mail.as_bytes(), policy=SMTP)
    assert read["Bcc"] is None and read["To"] == "you@example.org"
    tree = html.fromstring(build_html(notice))
    assert not tree.xpath("//script | //img | //*[@onerror] | //b")
    assert all(href.startswith("https://") for href in tree.xpath("//a/@href"))
    assert "<script>alert(1)</script>" in "".join(tree.itertext())


def test_the_same_message_has_the_same_id_in_every_mailbox_and_every_try() -> None:
    mails = [render_mail(SAMPLE, sender="me@x.org", recipient=to) for to in ("a@x.org", "a@x.org", "b@x.org")]
    assert mails[0]["Message-ID"] == mails[1]["Message-ID"] != mails[2]["Message-ID"]


# Limits of the receivers bite: what they would refuse is refused


def _section(text: str) -> dict[str, object]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


_NOBODY = {"allowed_mentions": {"parse": []}}


@pytest.mark.parametrize(
    ("format_name", "message"),
    [
        ("slack", {}),
        ("slack", {"text": "<!channel> x"}),
        ("slack", {"text": "x", "blocks": [_section("x" * 3001)]}),
        ("slack", {"text": "x", "blocks": [_section("x")] * 51}),
        ("slack", {"text": "x", "blocks": [_section("x" * 2900)] * 5}),
        ("discord", {"content": "x" * 2001} | _NOBODY),
        ("discord", {"content": "x", "embeds": [{"description": "x" * 4097}]} | _NOBODY),
        ("discord", {"content": "x", "embeds": [{"description": "x" * 4000}] * 2} | _NOBODY),
        ("discord", {"content": "@everyone"}),
        ("teams", {"text": "x" * 28_700}),
        ("teams", {"text": "hello"}),
        ("text", {"text": "x" * 4097}),
        ("json", {"event": "new-version"}),
    ],
)
def test_the_receivers_refuse_what_the_services_refuse(format_name: str, message: dict[str, object]) -> None:
    assert REFUSE[format_name](json.dumps(message).encode())


def test_a_refusal_is_told_in_the_services_own_words(tmp_path: Path) -> None:
    with serve_chat("slack") as service, Store.open(tmp_path / "p.db") as store:
        channel = Channel(kind="url", target=service.url, format="slack", since=SINCE)
        service.answers = [(400, {}, b"invalid_blocks")]
        store.channels = (channel,)
        store_texts(store, [("20180101", "One.\n")])
        (delivery,) = deliver_news(store.connection, [channel], patience=Patience(wait_seconds=0))
    assert delivery.error == "answered 400 Bad Request: invalid_blocks"
