"""Updates: what is asked of the archive, counted in its own log."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from policy_archive.archive_server import faults
from policy_archive.archive_server.log import LogEntry
from policy_archive.archive_server.server import ArchiveServer
from policy_archive.cli import policy_archive
from policy_archive.crawler.core.records import Kind
from policy_archive.crawler.core.timestamps import parse_day
from policy_archive.crawler.crawl.run import FetchOptions, FetchReport, Target
from policy_archive.crawler.planning.due import Watch
from policy_archive.crawler.planning.plan import PlanOptions
from policy_archive.pipelines.commands.run import run_and_tell
from policy_archive.pipelines.commands.update import gather_targets
from policy_archive.pipelines.store.connection import open_reader, write
from policy_archive.pipelines.store.monitoring.watches import list_watches, write_watch
from policy_archive.pipelines.store.writer import Store
from tests.support.generated import URL, GeneratedSource, crawl, generate, outcomes, read

TERMS = "https://www.x.example/terms"
MOVED = "https://www.x.example/legal/privacy"
SITE = Target(site="x.example")


def run(source: GeneratedSource, database: Path, **options: Any) -> tuple[FetchReport, list[LogEntry]]:
    """Return how a run over these captures ended, and what the archive was asked."""
    with ArchiveServer(source=source, faults=options.pop("faults", ())) as archive:
        targets = options.pop("targets", [SITE])
        report = crawl(archive.url, database, targets=targets, **{"plan": PlanOptions(), **options})
        return report, list(archive.log)


def update(source: GeneratedSource, database: Path, **options: Any) -> tuple[FetchReport, list[LogEntry]]:
    """Return how an update ended, with the targets that the command would choose."""
    targets = gather_targets(database, ["x.example"])
    return run(source, database, **{"targets": targets, "ask_again": True, "command": "update", **options})


def kinds_of(log: list[LogEntry]) -> list[str]:
    return [entry.kind for entry in log]


def watch_of(database: Path) -> Watch:
    with closing(open_reader(database)) as connection:
        (watch,) = list_watches(connection)
    return watch


def add_watch(database: Path, *kinds: Kind) -> None:
    with Store.open(database) as store:
        write(
            store.connection,
            lambda c: write_watch(
                c, "x.example", every="1w", kinds=kinds or (Kind.PRIVACY,), now="2026-01-01T00:00:00Z"
            ),
        )


def test_where_nothing_is_new_an_update_costs_one_index_query_a_document(database: Path) -> None:
    source = generate(12)
    source.answers |= generate(12, url=TERMS).answers
    run(source, database, kinds=(Kind.PRIVACY, Kind.TERMS))
    before = read(database, "select * from captures order by id")
    assert len(read(database, "select distinct document_id from versions")) == 2
    report, log = update(source, database)
    assert kinds_of(log) == ["index", "index"]
    assert (report.status, report.tally.fetched, report.health and report.health.versions_new) == (
        "done",
        0,
        0,
    )
    assert read(database, "select * from captures order by id") == before


def test_the_index_is_asked_from_the_newest_capture_known(database: Path) -> None:
    with ArchiveServer(source=generate(5)) as archive:
        crawl(archive.url, database, targets=[SITE], plan=PlanOptions())
        before = len(archive.log)
        again = {"targets": gather_targets(database, ["x.example"]), "ask_again": True}
        crawl(archive.url, database, **again, plan=PlanOptions(), command="update")
        assert "from=20010515120000&" in archive.log[before].path


def test_another_archive_is_asked_for_all_that_it_has(database: Path) -> None:
    run(generate(5), database)
    _, log = update(generate(5), database)
    assert "from=19900101000000&" in log[0].path
    assert kinds_of(log) == ["index"]  # what the first archive gave is not fetched twice


def test_an_update_fetches_what_is_new_and_nothing_else(database: Path) -> None:
    run(generate(5), database)
    report, log = update(generate(8), database)
    asked = [entry.path for entry in log if entry.kind == "replay"]
    assert kinds_of(log) == ["index", "replay", "replay", "replay"]
    assert {path.split("/web/")[1][:6] for path in asked} == {"200106", "200107", "200108"}
    assert report.health is not None
    assert report.health.versions_new == 3
    assert read(database, "select count(*) from versions") == [(8,)]
    _, log = update(generate(8), database)
    assert kinds_of(log) == ["index"]


def test_an_update_follows_the_policy_to_where_a_redirect_leads(database: Path) -> None:
    source = generate(5)
    run(source, database)
    source.add("20010701120000", status=301, headers=(("Location", MOVED),))
    source.add("20010801120000", b"<p>moved", url=MOVED)
    report, log = update(source, database)
    assert report.status == "done"
    assert kinds_of(log) == ["index", "replay", "index", "replay"]
    assert outcomes(database)[-2:] == ["redirect", "text"]
    _, log = update(source, database)
    assert kinds_of(log) == ["index"]
    assert "legal" in log[0].path


def test_an_update_does_not_go_back_behind_what_was_wanted_first(database: Path) -> None:
    run(generate(10), database, plan=PlanOptions(since=parse_day("2001-06")))
    update(generate(12), database)
    fetched = read(database, "select min(timestamp), count(*) from captures where outcome = 'text'")
    assert fetched == [("20010615120000", 7)]


def test_what_an_earlier_run_left_over_is_fetched(database: Path) -> None:
    broken = faults.ServerError(when=faults.about("20010315"))
    first, _ = run(generate(5), database, faults=[broken])
    assert first.status == "incomplete"
    report, log = update(generate(5), database)
    assert kinds_of(log) == ["index", "replay"]
    assert (report.status, outcomes(database)) == ("done", ["text"] * 5)


def test_a_site_whose_first_fetch_never_ended_is_searched(database: Path) -> None:
    storm = faults.RateLimited(when=faults.replay, after=2, retry_after="86400")
    first, _ = run(generate(5), database, faults=[storm])
    assert first.status == "incomplete"
    assert outcomes(database).count("text") > 0
    assert gather_targets(database, ["x.example"]) == (replace(SITE, kinds=(Kind.PRIVACY,), discover=True),)
    update(generate(5), database)
    assert gather_targets(database, ["x.example"]) == (replace(SITE, kinds=(Kind.PRIVACY,), discover=False),)


def test_a_site_that_was_not_found_is_searched_and_misses_are_counted(database: Path) -> None:
    add_watch(database)
    nothing = generate(3, url="https://www.other.example/privacy")
    for misses in (1, 2):
        report, _ = update(nothing, database)
        watch = watch_of(database)
        assert (watch.misses, watch.outcome) == (misses, "not-archived")
        assert report.status == "done"
    report, _ = update(generate(3), database)
    assert (watch_of(database).misses, watch_of(database).outcome) == (0, "found")
    assert read(database, "select count(*) from versions") == [(3,)]


def test_a_site_is_due_until_an_update_came_to_a_conclusion(database: Path) -> None:
    run(generate(3), database)
    add_watch(database)
    assert gather_targets(database, []) == (replace(SITE, kinds=(Kind.PRIVACY,), discover=False),)
    update(generate(3), database)
    assert gather_targets(database, []) == ()
    assert gather_targets(database, [], everything=True) != ()


def test_an_archive_that_fails_leaves_the_site_due_and_says_since_when(database: Path) -> None:
    run(generate(3), database)
    add_watch(database)
    seen = []
    for _ in range(2):
        report, _ = update(generate(3), database, faults=[faults.ServerError(when=faults.index)])
        assert report.health is not None
        seen.append(report.health.longest_failing[0])
        assert (report.status, report.exit_code) == ("incomplete", 1)
        assert report.health.failed == {"archive-error": 1}
        assert report.health.sites_done == 0
    assert seen[0].site == "x.example"
    assert seen[0].since == seen[1].since
    assert gather_targets(database, []) != ()
    report, _ = update(generate(3), database)
    assert report.health is not None
    assert (report.health.failed, report.health.longest_failing) == ({}, ())


def test_sites_that_the_run_did_not_come_to_are_named(database: Path) -> None:
    storm = faults.RateLimited(retry_after="86400")
    report, _ = run(generate(3), database, targets=[SITE, Target(site="y.example")], faults=[storm])
    assert report.health is not None
    assert report.health.failed == {"not-reached": 2}
    assert "2 sites due, 0 done, 2 failed (2 not-reached)" in report.health.describe()
    stored = read(database, "select json_extract(health, '$.failed.not-reached') from runs")
    assert stored == [(2,)]


def test_a_corpus_that_another_release_read_is_named_before_its_update(
    database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(generate(2), database)
    options = FetchOptions(targets=(), database=database, command="update", ask_again=True)
    run_and_tell(options)
    warned = capsys.readouterr().err
    assert "were read by plain/1" in warned
    assert "re-extract" in warned


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(policy_archive, arguments, standalone_mode=False)


@pytest.fixture
def watched(database: Path) -> Callable[..., Result]:
    return lambda *arguments: invoke("watch", *arguments, "--db", str(database))


def test_the_list_is_kept(watched: Callable[..., Result], database: Path) -> None:
    run(generate(3), database)
    assert watched("add", "x.example", "HTTPS://www.Y.example/a", "--every", "1mo").exception is None
    rows = watched("list", "--csv").stdout.splitlines()
    assert rows[0].startswith("site,kinds,every,checked_at,due_at,due")
    assert [row.split(",")[0] for row in rows[1:]] == ["x.example", "y.example"]
    assert watched("add", "y.example", "--every", "1d", "--kind", "all").exception is None
    assert '"every": "1d"' in watched("list", "--nl").stdout.splitlines()[1]
    assert "every 1d." in watched("add", "y.example", "--kind", "terms").stderr
    assert "y.example is watched: terms, every 1y." in watched("add", "y.example", "--every", "1y").stderr
    assert "z.example is not watched" in str(watched("remove", "x.example", "z.example").exception)
    assert "x.example" in watched("list").stdout
    assert watched("remove", "x.example").exception is None
    assert "x.example" not in watched("list").stdout
    assert "is not watched" in str(watched("remove", "x.example").exception)
    assert read(database, "select count(*) from versions") == [(3,)]


def test_a_list_of_sites_is_watched_at_once(watched: Callable[..., Result], tmp_path: Path) -> None:
    listed = tmp_path / "sites.csv"
    listed.write_text("1,a.example\n2,b.example\n")
    assert watched("add", "c.example", "--sites", str(listed)).exception is None
    assert len(watched("list", "--nl").stdout.splitlines()) == 3
    assert "name a site" in str(watched("add").exception)


def test_a_line_of_a_list_that_names_no_site_is_named_and_left_out(
    watched: Callable[..., Result], tmp_path: Path
) -> None:
    listed = tmp_path / "sites.csv"
    listed.write_bytes(b"a.example\nm\x81nchen example\nb.example\n")
    result = watched("add", "--sites", str(listed))
    assert "line 2 left out" in result.stderr
    assert "sites.csv: 2 of 3 companies; left out: line 2" in result.stderr
    assert result.return_value == 65
    assert [line.split(",")[0] for line in watched("list", "--csv").stdout.splitlines()[1:]] == [
        "a.example",
        "b.example",
    ]


def test_the_kinds_that_the_corpus_has_are_watched(watched: Callable[..., Result], database: Path) -> None:
    run(generate(3, url=TERMS), database, kinds=(Kind.TERMS,))
    watched("add", "x.example", "new.example")
    with closing(open_reader(database)) as connection:
        assert {w.site: w.kinds for w in list_watches(connection)} == {
            "x.example": (Kind.TERMS,),
            "new.example": (Kind.PRIVACY,),
        }


def test_an_update_of_nothing_is_a_mistake_that_is_named(database: Path) -> None:
    assert "there is no database" in str(invoke("update", "--db", str(database)).exception)
    Store.open(database).close()
    assert "Nothing is watched" in str(invoke("update", "--db", str(database)).exception)
    add_watch(database)
    assert "search for its policies" in invoke("update", "--dry-run", "--db", str(database)).stdout
    assert URL not in invoke("update", "--dry-run", "--db", str(database)).stdout
