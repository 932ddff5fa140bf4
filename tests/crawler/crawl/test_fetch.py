"""The real spider against the real server, with every fault that concerns a client of the archive."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from policy_archive.archive_server import faults
from policy_archive.archive_server.faults import Fault
from policy_archive.archive_server.faults.base import When
from policy_archive.archive_server.server import ArchiveServer
from policy_archive.crawler.core.records import RowState
from policy_archive.crawler.core.urls import build_uri_m
from policy_archive.crawler.planning.plan import PlanName, PlanOptions
from tests.support.generated import GeneratedSource, crawl, generate, outcomes, read

SECOND = faults.about("20010215")


def fetch_with(
    database: Path, *struck: Fault, source: GeneratedSource | None = None
) -> tuple[list[str], int]:
    """Return the outcomes of five captures, and how many requests the server saw."""
    with ArchiveServer(source=source or generate(), faults=struck) as archive:
        crawl(archive.url, database)
        return outcomes(database), len(archive.log)


def test_an_undisturbed_run_fetches_every_capture_once_and_proves_it(database: Path) -> None:
    with ArchiveServer(source=generate(5)) as archive:
        report = crawl(archive.url, database)
        assert [entry.kind for entry in archive.log] == ["index"] + ["replay"] * 5
        assert len({entry.connection for entry in archive.log}) <= 8
    assert (report.status, report.exit_code, report.tally.versions) == ("done", 0, 5)
    assert (report.tally.index_requests, report.tally.replay_requests) == (1, 5)
    assert read(database, "select verified, requests, tries from captures") == [(1, 1, 1)] * 5


def test_a_second_run_on_the_same_day_asks_nothing_and_changes_nothing(database: Path) -> None:
    with ArchiveServer(source=generate(5)) as archive:
        crawl(archive.url, database)
        before = read(database, "select * from captures")
        asked = len(archive.log)
        report = crawl(archive.url, database)
        assert len(archive.log) == asked
    assert read(database, "select * from captures") == before
    assert (report.status, report.tally.versions, report.tally.fetched) == ("done", 5, 0)


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        pytest.param(faults.Drift(to="20010115120000", when=SECOND), "drift", id="another time"),
        pytest.param(faults.NotArchived(when=SECOND), "not-archived", id="404 Hrm"),
        pytest.param(faults.Blocked(form="403", when=SECOND), "blocked", id="blocked, 403"),
        pytest.param(faults.Blocked(form="200", when=SECOND), "blocked", id="blocked, 200"),
        pytest.param(faults.Blocked(form="page", when=SECOND), "blocked", id="blocked, below the menus"),
        pytest.param(faults.Loop(when=SECOND), "redirect-loop", id="loop"),
        pytest.param(faults.Truncated(how="length", when=SECOND), "truncated", id="cut, by length"),
        pytest.param(faults.Truncated(how="chunked", when=SECOND), "truncated", id="cut, chunked"),
        pytest.param(faults.Truncated(how="close", when=SECOND), "truncated", id="cut, by original length"),
        pytest.param(faults.Truncated(how="silent", when=SECOND), "truncated", id="cut, silently"),
        pytest.param(faults.DamagedGzip(when=SECOND), "bad-encoding", id="gzip damaged"),
        pytest.param(faults.DamagedGzip(share=0.5, when=SECOND), "truncated", id="gzip cut"),
        pytest.param(faults.Bomb(megabytes=64, when=SECOND), "too-large", id="bomb"),
        pytest.param(faults.Body(body=b"", when=SECOND), "truncated", id="no body"),
        pytest.param(faults.DoubleGzip(when=SECOND), "text", id="gzip in gzip"),
        pytest.param(faults.RawGzip(when=SECOND), "text", id="gzip not named"),
        pytest.param(faults.EmptyContentEncoding(when=SECOND), "text", id="empty content-encoding"),
        pytest.param(faults.WrongContentEncoding(when=SECOND), "text", id="plain, said to be br"),
        pytest.param(faults.MissingCharset(when=SECOND), "text", id="no charset"),
        pytest.param(faults.ServerError(times=2, when=SECOND), "text", id="503, then well"),
        pytest.param(faults.ServerError(when=SECOND), "archive-error", id="503 for ever"),
        pytest.param(faults.Reset(times=1, when=SECOND), "text", id="reset, then well"),
        pytest.param(faults.Disconnect(times=1, when=SECOND), "text", id="disconnected, then well"),
        pytest.param(faults.RateLimited(times=1, when=SECOND), "text", id="429, then well"),
        *(
            pytest.param(
                faults.Redirected(location=where, when=SECOND, captured=captured),
                "off-archive-redirect",
                id=f"{'captured' if captured else 'nearest'} to {where}",
            )
            for where in faults.HOSTILE_LOCATIONS
            for captured in (False, True)
        ),
    ],
)
def test_what_goes_wrong_with_one_capture_is_its_outcome_alone(
    database: Path, fault: Fault, outcome: str
) -> None:
    found, _ = fetch_with(database, fault)
    expected = ["text"] * 5
    expected[1] = outcome
    assert fault.struck
    assert found == expected


def test_what_the_archive_says_is_read_when_it_is_packed_for_the_way(database: Path) -> None:
    found, _ = fetch_with(database, faults.Gzip(), faults.Blocked(form="200", when=SECOND))
    assert found == ["text", "blocked", "text", "text", "text"]


@pytest.mark.parametrize("form", ["absolute", "path", "scheme-relative", "https"])
def test_a_captured_redirect_is_recorded_whatever_form_its_location_has(database: Path, form: str) -> None:
    source = GeneratedSource()
    source.add(
        "20010115120000",
        status=301,
        listed_status="-",
        headers=(("Location", "https://www.x.example/legal"),),
    )
    with ArchiveServer(source=source, faults=[faults.LocationForm(form=form)]) as archive:
        crawl(archive.url, database)
    assert read(database, "select outcome, location from captures") == [
        ("redirect", "https://www.x.example/legal")
    ]


def test_a_document_is_followed_to_where_a_captured_redirect_leads(database: Path) -> None:
    source = generate(3)
    source.add(
        "20010515120000",
        status=301,
        listed_status="-",
        headers=(("Location", "https://www.x.example/legal"),),
    )
    source.add("20010615120000", b"<p>moved", url="https://www.x.example/legal")
    with ArchiveServer(source=source) as archive:
        report = crawl(archive.url, database)
    assert outcomes(database) == ["text"] * 3 + ["redirect", "text"]
    assert report.tally.versions == 4
    assert ("https://www.x.example/legal", "redirect") in read(database, "select url, source from addresses")


@pytest.mark.parametrize("status", [403, 404, 429, 500, 503])
def test_a_captured_error_is_a_fact_about_that_day_and_no_reason_to_back_off(
    database: Path, status: int
) -> None:
    source = generate(2)
    source.add(
        "20010520120000", b"busy", status=status, listed_status="-", headers=(("Retry-After", "3600"),)
    )
    found, requests = fetch_with(database, source=source)
    assert found == ["text", "text", "error-page"]
    assert requests == 4


def test_a_capture_without_a_body_is_empty(database: Path) -> None:
    source = generate(2)
    source.add("20010520120000")
    found, _ = fetch_with(database, source=source)
    assert found == ["text", "text", "empty"]


def test_a_frameset_leads_to_its_main_frame(database: Path) -> None:
    source = GeneratedSource()
    source.add("20010115120000", b'<frame src="https://www.x.example/main.html">')
    source.add("20010115120005", b"<p>the text", url="https://www.x.example/main.html")
    found, _ = fetch_with(database, source=source)
    assert found == ["text", "text"]


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(faults.Duplicates(), id="duplicates"),
        pytest.param(faults.UnknownFields(), id="unknown fields"),
        pytest.param(faults.NegativeLength(), id="negative length"),
        pytest.param(faults.MalformedRows(), id="malformed rows"),
        pytest.param(faults.JunkOriginals(), id="junk addresses"),
        pytest.param(faults.ServerError(when=faults.index, status=504, times=1), id="504 once"),
        pytest.param(faults.Truncated(when=faults.index, times=1), id="cut short once"),
        pytest.param(faults.DamagedGzip(when=faults.index, times=1), id="damaged once"),
        pytest.param(faults.DamagedGzip(when=faults.index, share=0.5, times=1), id="packed and cut once"),
        pytest.param(faults.Slow(when=faults.index, seconds=0.2), id="slow"),
        pytest.param(faults.RateLimited(when=faults.index, times=1, retry_after="1"), id="429 once"),
    ],
)
def test_the_index_may_be_odd_and_no_capture_is_lost(database: Path, fault: Fault) -> None:
    with ArchiveServer(source=generate(5), faults=[fault]) as archive:
        report = crawl(archive.url, database)
    assert fault.struck
    assert report.status == "done"
    assert outcomes(database).count("text") == 5


@pytest.mark.parametrize(
    ("fault", "status", "site_outcome"),
    [
        pytest.param(faults.Maintenance(), "incomplete", "archive-error", id="web page with 200"),
        pytest.param(faults.ServerError(when=faults.index), "incomplete", "archive-error", id="503"),
        pytest.param(faults.IndexTrouble(), "incomplete", "archive-error", id="index trouble"),
        pytest.param(faults.Blocked(when=faults.index), "done", "blocked", id="blocked"),
        pytest.param(faults.Blocked(form="page", when=faults.index), "done", "blocked", id="blocked, a page"),
    ],
)
def test_an_index_that_fails_never_looks_empty(
    database: Path, fault: Fault, status: str, site_outcome: str
) -> None:
    with ArchiveServer(source=generate(5), faults=[fault]) as archive:
        report = crawl(archive.url, database)
    assert report.status == status
    assert read(database, "select outcome from sites") == [(site_outcome,)]


def test_of_an_address_that_is_not_archived_the_site_is_searched_for_its_kind(database: Path) -> None:
    source = generate(5, url="https://www.x.example/legal/privacy.html")
    with ArchiveServer(source=source) as archive:
        report = crawl(archive.url, database, "https://www.x.example/privacy-policy")
    assert (report.status, report.tally.site_outcomes, report.tally.documents) == ("done", {"found": 1}, 1)
    said = (
        "x.example: https://www.x.example/privacy-policy is not archived; x.example was searched for its "
        "policies (privacy): found https://www.x.example/legal/privacy.html"
    )
    assert report.tally.notices == [said]
    assert read(database, "select reason from sites") == [(said.removeprefix("x.example: "),)]
    assert outcomes(database) == ["text"] * 5


def test_where_the_site_has_nothing_of_the_kind_either_both_are_said(database: Path) -> None:
    source = generate(5, url="https://www.x.example/terms")
    with ArchiveServer(source=source) as archive:
        report = crawl(archive.url, database, "https://www.x.example/privacy")
    assert (report.status, report.tally.site_outcomes) == ("done", {"not-archived": 1})
    ((reason,),) = read(database, "select reason from sites")
    assert reason.startswith("https://www.x.example/privacy is not archived; x.example was searched for its")
    assert "no policy found" in reason
    assert report.tally.notices == []


@pytest.mark.parametrize("fault", [faults.Blocked(form="page", after=1), faults.ServerError(after=1)])
def test_a_search_in_place_of_a_page_ends_as_the_archive_lets_it(database: Path, fault: Fault) -> None:
    fault.when = faults.index
    with ArchiveServer(source=generate(5, url="https://www.x.example/terms"), faults=[fault]) as archive:
        report = crawl(archive.url, database, "https://www.x.example/privacy")
    assert set(report.tally.site_outcomes) <= {"blocked", "archive-error"}


@pytest.mark.parametrize("struck", [1, 3])
def test_nothing_is_asked_while_the_archive_wants_to_be_left_alone(database: Path, struck: int) -> None:
    storm = faults.RateLimited(when=faults.replay, after=2, times=struck, retry_after="1")
    with ArchiveServer(source=generate(8), faults=[storm]) as archive:
        report = crawl(archive.url, database)
        log = list(archive.log)
    refused = [n for n, entry in enumerate(log) if entry.status == 429]
    last = max(entry.monotonic for entry in log if entry.status == 429)
    later = [entry for entry in log[refused[-1] + 1 :] if entry.monotonic > last + 0.5]
    assert min(entry.monotonic for entry in later) - last >= 1
    assert outcomes(database) == ["text"] * 8
    assert report.status == "done"


@pytest.mark.parametrize("when", [faults.index, faults.replay], ids=["index", "replay"])
def test_an_archive_that_is_being_mended_is_waited_for(database: Path, when: When) -> None:
    mending = faults.Maintenance(when=when, times=3)
    with ArchiveServer(source=generate(8), faults=[mending]) as archive:
        assert crawl(archive.url, database).status == "done"
    assert mending.struck == 3
    assert outcomes(database) == ["text"] * 8


def test_an_archive_that_is_mended_for_long_costs_few_captures(database: Path) -> None:
    with ArchiveServer(source=generate(60)) as archive:
        archive.faults = [faults.Maintenance(when=faults.replay)]
        hasty = {"POLICY_LONGEST_PAUSE_SECONDS": 0.5}
        assert crawl(archive.url, database, settings=hasty).status == "incomplete"
        assert len(archive.log) < 100
        assert outcomes(database).count("archive-error") < 30
        archive.faults = []
        assert crawl(archive.url, database).status == "done"
    assert outcomes(database) == ["text"] * 60


def test_an_archive_that_refuses_for_long_ends_the_run_and_the_next_run_goes_on(database: Path) -> None:
    with ArchiveServer(source=generate(8)) as archive:
        archive.faults = [faults.RateLimited(when=faults.replay, after=3, retry_after="86400")]
        report = crawl(archive.url, database)
        assert (report.status, report.exit_code) == ("incomplete", 1)
        assert "left alone" in report.reason
        assert read(database, "select status from runs") == [("incomplete",)]
        archive.faults = []
        done = crawl(archive.url, database)
        assert (done.status, done.tally.fetched) == ("done", 8 - report.tally.fetched)
    assert outcomes(database) == ["text"] * 8


def test_a_refused_connection_stops_everything_for_a_while(database: Path) -> None:
    refusal = faults.Refused(when=faults.replay, after=2, times=1, seconds=0.6)
    with ArchiveServer(source=generate(8), faults=[refusal]) as archive:
        report = crawl(archive.url, database)
        log = list(archive.log)
    refused = next(n for n, entry in enumerate(log) if entry.status == 0)
    assert refusal.struck == 1
    assert max(b.monotonic - a.monotonic for a, b in pairwise(log[refused - 1 :])) >= 2 * 0.3
    assert (report.status, outcomes(database)) == ("done", ["text"] * 8)


def test_an_index_that_fails_is_not_taken_for_one_of_another_dialect(database: Path) -> None:
    with ArchiveServer(source=generate(8), faults=[faults.ServerError(when=faults.index)]) as archive:
        crawl(archive.url, database)
        assert all(entry.path.startswith("/cdx/search/cdx?") for entry in archive.log)


def test_an_archive_that_is_not_there_is_named_at_once(database: Path) -> None:
    with ArchiveServer(source=generate(1)) as archive:
        nobody = archive.url
    report = crawl(nobody, database)
    assert report.status == "incomplete"
    assert "is the archive running" in report.reason


def test_sites_take_turns(database: Path) -> None:
    source = GeneratedSource()
    urls = [f"https://www.site{n}.example/privacy" for n in range(3)]
    for url in urls:
        source.answers |= generate(30, url=url).answers  # so many that all have joined before one is done
    pace = faults.Slow(when=faults.replay, seconds=0.4)
    with ArchiveServer(source=source, faults=[pace]) as archive:
        report = crawl(archive.url, database, *urls)
        asked = [
            urlsplit(entry.path.split("id_/")[1]).netloc for entry in archive.log if entry.kind == "replay"
        ]
    assert report.tally.fetched == 90
    last_joined = max(asked.index(site) for site in set(asked))
    first_done = min(len(asked) - 1 - asked[::-1].index(site) for site in set(asked))
    assert last_joined < first_done


def test_a_limit_on_requests_is_kept_and_said(database: Path) -> None:
    with ArchiveServer(source=generate(10)) as archive:
        plan = PlanOptions(plan=PlanName.ALL, max_requests=4)
        report = crawl(archive.url, database, plan=plan)
        assert sum(entry.kind == "replay" for entry in archive.log) == 4
    assert report.tally.states[RowState.UNPLANNED] == 6
    assert report.status == "done"


def test_a_ceiling_for_the_day_ends_the_run(database: Path) -> None:
    with ArchiveServer(source=generate(10)) as archive:
        report = crawl(archive.url, database, requests_a_day=5)
        assert len(archive.log) == 5
    assert report.status == "incomplete"
    assert "spent" in report.reason


def test_a_long_captured_header_is_no_obstacle(database: Path) -> None:
    source = GeneratedSource()
    source.add("20010115120000", b"<p>text", headers=(("Content-Security-Policy", "a" * 30_000),))
    found, _ = fetch_with(database, source=source)
    assert found == ["text"]


def test_addresses_are_asked_for_as_the_index_prints_them(database: Path) -> None:
    url = "https://www.x.example/p?b=2&a=%2Fx%20y"
    source = generate(1, url=url)
    with ArchiveServer(source=source) as archive:
        crawl(archive.url, database, url)
        assert archive.log[-1].path.endswith(f"id_/{url}")
    assert outcomes(database) == ["text"]


@pytest.mark.parametrize(
    "original",
    [
        "http://www.x.example//a//b",
        "http://www.x.example/a/../b/./c",
        "http://www.x.example:80/p;jsessionid=1",
        "http://www.x.example/100%/p%zz%2f%2F%20",
        "http://www.x.example/p?b=2&a=1&&c=+d",
        "http://www.x.example/'(a)!*[b]~@$,=:",
        'http://www.x.example/a|b^c{d}`e\\f<g>"h',
        "http://www.x.example/p#part",
        "http://www.x.example/datenschutzerklärung/ⅷ?ß=€",
        "http://www.x.example/" + "long/" * 1500,
    ],
)
def test_the_wire_carries_an_address_as_it_was_captured(database: Path, original: str) -> None:
    with ArchiveServer(source=generate(1, url=original)) as archive:
        crawl(archive.url, database, original)
        asked = [entry.path for entry in archive.log if entry.kind == "replay"]
        assert asked == [build_uri_m(archive.url, "20010115120000", original).removeprefix(archive.url)]
    assert outcomes(database) == ["text"]


def test_every_request_names_the_tool_and_whom_to_ask(database: Path) -> None:
    with ArchiveServer(source=generate(1)) as archive:
        crawl(archive.url, database, contact="me@example.org")
        agents = {entry.user_agent for entry in archive.log}
    assert len(agents) == 1
    assert agents.pop().startswith("policy-archive/")
