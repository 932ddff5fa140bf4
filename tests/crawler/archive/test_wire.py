"""Between the program and the archive: names, certificates, proxies, headers, connections."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from scrapy.crawler import Crawler
from scrapy.http import Response

from policy_archive.archive_server import faults
from policy_archive.archive_server.answers import Answer, Request
from policy_archive.archive_server.faults.base import Fault, Proceed, When
from policy_archive.archive_server.server import ArchiveServer
from policy_archive.crawler.archive.cdx import Dialect, build_query_url
from policy_archive.crawler.archive.client import ArchiveClient
from policy_archive.crawler.archive.middlewares import EnvironmentProxy
from policy_archive.crawler.core.errors import UsageError
from policy_archive.crawler.core.records import POLICY_KINDS, Document, Kind, PlannedCapture, ReadCapture
from policy_archive.crawler.crawl.run import FetchOptions, build_target
from policy_archive.crawler.discovery.index import domain_query
from policy_archive.crawler.runner import build_settings, run_spider
from policy_archive.crawler.spiders.policy import PolicySpider
from policy_archive.crawler.spiders.recheck import SAMPLE_SETTING, RecheckSpider
from tests.support.fronts import make_certificate, proxy_front, tls_front
from tests.support.generated import PLAIN_PIPELINES, QUICK, URL, crawl, generate, outcomes, read
from tests.support.processes import start_program

from ...support.patience import PATIENCE

PROXIES = ("http_proxy", "https_proxy", "no_proxy", "all_proxy")
HOST = "archive.example"


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("POLICY_ARCHIVE_STATE", str(tmp_path / "state"))
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return tmp_path / "policies.db"


@pytest.fixture
def archive() -> Iterator[ArchiveServer]:
    with ArchiveServer(source=generate(3)) as archive:
        yield archive


# Headers


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(("Server", "Apach\udce9"), id="one byte of Latin-1"),
        pytest.param(("Server", "ⓐ"), id="UTF-8"),
        pytest.param(("Server", "a\x01\x7fb"), id="control characters"),
        pytest.param(("Content-Security-Policy", "a" * 30_000), id="a long one"),
        pytest.param(("", "x"), id="no name"),
    ],
)
def test_whatever_headers_a_site_sent_that_day_its_page_is_read(
    database: Path, header: tuple[str, str]
) -> None:
    source = generate(2)
    source.add("20010520120000", b"<p>text", headers=(header,))
    with ArchiveServer(source=source) as archive:
        assert crawl(archive.url, database).status == "done"
    assert outcomes(database) == ["text"] * 3


def test_a_page_that_came_with_hundreds_of_cookies_is_read(database: Path) -> None:
    source = generate(2)
    source.add("20010520120000", b"<p>text", headers=tuple(("Set-Cookie", f"a={n}") for n in range(500)))
    with ArchiveServer(source=source) as archive:
        crawl(archive.url, database)
    assert outcomes(database) == ["text"] * 3


def test_headers_that_are_no_http_cost_two_requests_each_and_stop_nobody(
    database: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = generate(2)
    for month in range(1, 13):
        source.add(f"2003{month:02}20120000", b"<p>%d" % month, headers=(("P3P CP", "no name of a header"),))
    with ArchiveServer(source=source) as archive:
        report = crawl(archive.url, database)
        assert len(archive.log) == 1 + 2 + 2 * 12
    assert outcomes(database) == ["text"] * 2 + ["archive-error"] * 12
    assert report.status == "incomplete"
    assert "left alone" not in caplog.text


def test_a_redirect_that_is_not_escaped_and_lost_its_modifier_leads_to_the_bytes_as_captured(
    database: Path,
) -> None:
    url = "https://www.x.example/f%C3%BCr"
    source = generate(1, url=url)
    source.add("20010115180000", b"<p>near", url=url)
    strike = faults.Redirected(
        location="/web/20010115180000/https://www.x.example/für", when=faults.about("20010115120000")
    )
    with ArchiveServer(source=source, faults=[strike]) as archive:
        crawl(archive.url, database, url)
        assert {entry.path for entry in archive.log if "180000" in entry.path} == {
            f"/web/20010115180000id_/{url}"
        }
    assert outcomes(database) == ["text", "text"]


class BrokenClient(ArchiveClient):
    """A client whose understanding of answers has a fault."""

    async def on_replay(self, response: Response) -> Any:
        assert [capture async for capture in super().on_replay(response)]
        raise ZeroDivisionError("a fault of ours")


class Broken(PolicySpider):
    """A crawl by such a client."""

    name = "broken"
    client_class = BrokenClient


def test_a_fault_of_ours_fails_its_site_and_nobody_waits_for_ever(
    archive: ArchiveServer, database: Path
) -> None:
    options = FetchOptions(
        targets=[build_target(URL)],
        database=database,
        archive_url=archive.url,
        index_per_minute=0,
        replay_per_second=0,
        settings=tuple({**QUICK, "ITEM_PIPELINES": PLAIN_PIPELINES}.items()),
    )
    asyncio.run(asyncio.wait_for(run_spider(Broken, options), timeout=PATIENCE))
    assert read(database, "select outcome, reason from sites") == [
        ("failed", "ZeroDivisionError: a fault of ours")
    ]


class RefusingClient(ArchiveClient):
    """A client that breaks off."""

    async def fetch_capture(self, document: Document, planned: PlannedCapture) -> ReadCapture:
        raise ZeroDivisionError("a fault of ours")


class BrokenRecheck(RecheckSpider):
    """A comparison by such a client."""

    name = "broken-recheck"
    client_class = RefusingClient


def test_a_run_that_breaks_off_is_not_done(archive: ArchiveServer, database: Path) -> None:
    crawl(archive.url, database)
    options = FetchOptions(
        targets=(),
        database=database,
        archive_url=archive.url,
        settings=((SAMPLE_SETTING, 3),),
    )
    report = asyncio.run(run_spider(BrokenRecheck, options)).report()
    assert (report.status, report.exit_code) == ("failed", 1)
    assert "a fault of ours" in report.reason


# Connections


def test_few_connections_are_opened_and_kept(database: Path) -> None:
    with ArchiveServer(source=generate(40)) as archive:
        crawl(archive.url, database, index_per_minute=6000, replay_per_second=200)
        assert len(archive.log) == 41
        assert len({entry.connection for entry in archive.log}) <= 5


@dataclass(kw_only=True)
class HungUp(Fault):
    """The connection is closed behind an answer, and the client not told: it asks again on a dead one."""

    def answer(self, request: Request, proceed: Proceed) -> Answer:
        answer = proceed(request)
        return replace(answer, cut_at=len(answer.body))


def test_a_connection_that_was_closed_behind_our_back_costs_no_capture(database: Path) -> None:
    with ArchiveServer(source=generate(12), faults=[HungUp()]) as archive:
        assert crawl(archive.url, database).status == "done"
    assert outcomes(database) == ["text"] * 12


@pytest.mark.parametrize("when", [faults.index, faults.replay], ids=["index", "replay"])
def test_a_silent_archive_is_given_up_after_the_timeout_and_asked_again(database: Path, when: When) -> None:
    with ArchiveServer(source=generate(2), faults=[faults.Slow(seconds=5, when=when, times=1)]) as archive:
        report = crawl(archive.url, database, settings={"DOWNLOAD_TIMEOUT": 1})
        asked = [entry.path for entry in archive.log]
    assert (report.status, outcomes(database)) == ("done", ["text"] * 2)
    assert len(asked) > len(set(asked))


def test_answers_are_packed_for_the_way_and_unpacked(database: Path) -> None:
    packed = faults.Gzip()
    with ArchiveServer(source=generate(3), faults=[packed]) as archive:
        assert crawl(archive.url, database).status == "done"
    assert packed.struck == 4
    assert read(database, "select distinct outcome, verified from captures") == [("text", 1)]


# Certificates


def test_a_certificate_that_nobody_vouches_for_ends_the_run_at_once(
    archive: ArchiveServer, database: Path, tmp_path: Path
) -> None:
    with tls_front(archive.url, make_certificate(tmp_path, "localhost")) as front:
        report = crawl(f"https://localhost:{front.port}", database)
    assert report.status == "incomplete"
    assert "certificate cannot be verified" in report.reason
    assert not archive.log


def test_a_certificate_of_another_host_is_none(
    archive: ArchiveServer, database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = make_certificate(tmp_path, "elsewhere.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with tls_front(archive.url, certificate) as front:
        report = crawl(f"https://localhost:{front.port}", database)
    assert "certificate cannot be verified" in report.reason
    assert not archive.log


def test_an_archive_is_asked_by_https_and_its_redirects_to_http_stay_there(
    archive: ArchiveServer, database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = make_certificate(tmp_path, "localhost")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    strike = faults.Drift(to="20010215120000", when=faults.about("20010115120000"))
    archive.faults = [strike]  # a Location with http:, as the archive behind the front knows itself
    with tls_front(archive.url, certificate) as front:
        report = crawl(f"https://localhost:{front.port}", database)
    assert report.status == "done"
    assert outcomes(database) == ["drift", "text", "text"]


# Names and proxies


def test_a_name_that_nobody_knows_is_said_at_once(database: Path) -> None:
    report = crawl("http://no-such-archive.invalid", database)
    assert report.status == "incomplete"
    assert "its name is not known here" in report.reason
    assert (report.tally.index_requests, report.tally.replay_requests) == (1, 0)


def test_a_proxy_is_used_by_who_asks_for_one(
    archive: ArchiveServer, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, port = archive.url.removeprefix("http://").split(":")
    with proxy_front((host, int(port))) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        report = crawl(f"http://{HOST}", database)
    assert (report.status, outcomes(database)) == ("done", ["text"] * 3)
    assert len(proxy.asked) == 4
    assert all(line.startswith(f"GET http://{HOST}/") for line in proxy.asked)


def test_https_goes_through_a_proxy_unread(
    archive: ArchiveServer, database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = make_certificate(tmp_path, HOST)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with (
        tls_front(archive.url, certificate) as front,
        proxy_front(("127.0.0.1", front.port)) as proxy,
    ):
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.port}")
        report = crawl(f"https://{HOST}", database)
    assert (report.status, outcomes(database)) == ("done", ["text"] * 3)
    assert set(proxy.asked) == {f"CONNECT {HOST}:443 HTTP/1.1"}


def test_an_archive_on_this_machine_needs_no_proxy(
    archive: ArchiveServer, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert crawl(archive.url, database).status == "done"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_is_not_there_is_named_at_once(
    database: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    with proxy_front(("127.0.0.1", 9)) as gone:
        monkeypatch.setenv(f"{scheme}_proxy", f"http://me:secret@127.0.0.1:{gone.port}")
    report = crawl(f"{scheme}://{HOST}", database)
    assert report.status == "incomplete"
    assert "the proxy that HTTP_PROXY or HTTPS_PROXY names does not answer" in report.reason
    assert "secret" not in report.reason
    assert (report.tally.index_requests, report.tally.replay_requests) == (1, 0)


def test_a_proxy_that_refuses_is_named_at_once(
    archive: ArchiveServer, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, port = archive.url.removeprefix("http://").split(":")
    with proxy_front((host, int(port)), refuse=True) as proxy:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.port}")
        report = crawl(f"https://{HOST}", database)
    assert "names answers 407" in report.reason


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1080", "::bad", "http://"])
def test_what_is_no_proxy_is_a_mistake_that_is_named(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("https_proxy", proxy)
    crawler = Crawler(PolicySpider, build_settings(FetchOptions(targets=())))
    with pytest.raises(UsageError, match="HTTP_PROXY or HTTPS_PROXY names"):
        EnvironmentProxy.from_crawler(crawler)


def test_a_proxy_of_the_wrong_kind_is_one_sentence(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "socks5://127.0.0.1:1080")
    _, err = (process := start_program("fetch", URL, "--db", str(database))).communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert "write one like http://host:8080" in err
    assert "Traceback" not in err


# What is asked of whom


@pytest.mark.parametrize(
    "rates",
    [{"index_per_minute": 0}, {"index_per_minute": 25}, {"replay_per_second": 0}, {"replay_per_second": 9}],
)
def test_nobody_asks_more_of_the_wayback_machine_than_it_allows(rates: dict[str, float]) -> None:
    def crawler_of(archive_url: str) -> Crawler:
        options = FetchOptions(targets=(), archive_url=archive_url, **rates)  # type: ignore[arg-type]
        return Crawler(PolicySpider, build_settings(options))

    for name in ("https://web.archive.org", "http://web.archive.org:80/web/"):
        with pytest.raises(UsageError, match="the Wayback Machine allows"):
            crawler_of(name)
    assert crawler_of("http://localhost/mine/").settings["POLICY_ARCHIVE_URL"] == "http://localhost/mine"


@pytest.mark.parametrize("kinds", [*((kind,) for kind in POLICY_KINDS), POLICY_KINDS], ids="-".join)
def test_no_question_to_the_index_is_longer_than_servers_take(kinds: tuple[Kind, ...]) -> None:
    """Python's servers refuse a request line of more than 4,094 bytes, nginx and Tomcat of 8,192."""
    query = domain_query("a-name-of-twenty.example", kinds).query
    url = build_query_url("https://web.archive.org", query, Dialect.WAYBACK)
    assert len(url) < (3_500 if len(kinds) == 1 else 4_150)
