"""status: healthy or not, and why, for people and for a monitor."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from policy_archive.cli import policy_archive
from policy_archive.crawler.core.records import Channel, Kind
from policy_archive.crawler.core.vocabularies import SiteOutcome
from policy_archive.pipelines.store.connection import write
from policy_archive.pipelines.store.monitoring import outbox
from policy_archive.pipelines.store.monitoring.watches import write_watch
from policy_archive.pipelines.store.runlock import hold_lock
from policy_archive.pipelines.store.writer import Store
from tests.support.synthetic import PRIVACY, store_texts

HOOK = Channel(kind="url", target="https://hooks.example.org/x", since=date(2000, 1, 1))


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Return a corpus whose last update went well."""
    path = tmp_path / "policies.db"
    with Store.open(path) as store:
        store_texts(store, [("20180101", "One.\n")])
        health = {"sites_due": 1, "sites_done": 1, "failed": {}, "versions_new": 1}
        store.finish_run(store.start_run("update"), "done", index_requests=7, health=health)
    return path


def run(database: Path, *arguments: str) -> Result:
    command = ["status", *arguments, "--db", str(database)]
    return CliRunner().invoke(policy_archive, command, standalone_mode=False)


def complaints(database: Path) -> list[str]:
    result = run(database, "--json")
    standing = json.loads(result.stdout)
    assert standing["healthy"] is (standing["complaints"] == [])
    assert result.return_value == (0 if standing["healthy"] else 1)
    return list(standing["complaints"])


def watch(store: Store, *, added_days_ago: int, every: str = "1w") -> None:
    now = (datetime.now(UTC) - timedelta(days=added_days_ago)).strftime("%Y-%m-%dT%H:%M:%SZ")
    write(
        store.connection, lambda c: write_watch(c, PRIVACY.site, every=every, kinds=[Kind.PRIVACY], now=now)
    )


def test_all_well(database: Path) -> None:
    result = run(database)
    assert result.return_value == 0
    assert result.stdout.startswith("healthy\n")
    assert "no run is under way" in result.stdout
    assert complaints(database) == []


@pytest.mark.parametrize("status", ["incomplete", "failed", "interrupted"])
def test_a_last_run_that_ended_badly_is_a_complaint(database: Path, status: str) -> None:
    with Store.open(database) as store:
        store.finish_run(store.start_run("update"), status, "the archive failed")
    assert complaints(database) == [f"the last update ended {status}: the archive failed"]
    with Store.open(database) as store:
        store.finish_run(store.start_run("fetch"), "done")
    assert complaints(database) == []


def test_a_run_that_was_stopped_by_hand_is_none(database: Path) -> None:
    with Store.open(database) as store:
        store.finish_run(store.start_run("update"), "interrupted", "stopped by hand")
    assert complaints(database) == []


def test_a_run_whose_process_is_gone_has_died(database: Path) -> None:
    with Store.open(database) as store:
        store.start_run("update")
    assert complaints(database) == ["run 2 (update) died"]
    with hold_lock(database, "policy-archive update"):
        assert complaints(database) == []
        assert "in use: 'policy-archive update', process" in run(database).stdout


def test_a_site_that_fails_is_named_with_since_when(database: Path) -> None:
    with Store.open(database) as store:
        store.set_site_outcome(PRIVACY.site, SiteOutcome.ARCHIVE_ERROR, "The index did not answer")
    (complaint,) = complaints(database)
    assert complaint.startswith(f"{PRIVACY.site} has failed since 20")
    assert complaint.endswith("The index did not answer")
    with Store.open(database) as store:
        store.set_site_outcome(PRIVACY.site, SiteOutcome.FOUND)
    assert complaints(database) == []


@pytest.mark.parametrize(
    ("days", "every", "overdue"), [(1, "1d", 0), (3, "1d", 1), (6, "1w", 0), (9, "1w", 1)]
)
def test_sites_that_nothing_updates_are_overdue(database: Path, days: int, every: str, overdue: int) -> None:
    with Store.open(database) as store:
        watch(store, added_days_ago=days, every=every)
    found = complaints(database)
    assert len(found) == overdue
    assert all("does 'update' run?" in complaint for complaint in found)


def test_news_that_could_not_be_told_is_a_complaint_until_it_is_given_up(database: Path) -> None:
    with Store.open(database) as store:
        store.channels = (HOOK,)
        store_texts(store, [("20190101", "Two.\n")])
    assert complaints(database) == []
    with Store.open(database) as store:
        (message,) = outbox.list_messages(store.connection, HOOK)
        outbox.note_failed(store.connection, message, "answered 500", now="2026-01-01T00:00:00Z")
    (complaint,) = complaints(database)
    assert complaint.startswith("url hooks.example.org was not told: answered 500; 1 message waits since 20")
    told = run(database)
    assert "1 to url hooks.example.org since" in told.stdout and ": answered 500" in told.stdout
    assert run(database, "--quiet").stdout == f"! {complaint}\n"
    assert run(database, "--give-up", "url hooks.example.org").return_value == 0
    assert complaints(database) == []


def test_watched_sites_without_a_policy_are_counted_and_strict_complains_of_them(database: Path) -> None:
    with Store.open(database) as store:
        watch(store, added_days_ago=1)
        for site in ("nothing.example", "unasked.example"):
            write(
                store.connection,
                lambda c, site=site: write_watch(  # type: ignore[misc]
                    c, site, every="1w", kinds=[Kind.PRIVACY], now="2026-01-01T00:00:00Z"
                ),
            )
        store.set_site_outcome("nothing.example", SiteOutcome.NOT_ARCHIVED, checked=True)
        store.set_site_outcome(PRIVACY.site, SiteOutcome.FOUND, checked=True)
    result = run(database, "--json")
    standing = json.loads(result.stdout)
    said = "1 of 3 watched sites has no policy here, nothing.example first: 'sites --missing' says why"
    assert (standing["notices"], standing["without_policy"]) == ([said], ["nothing.example"])
    assert said in run(database).stdout
    assert f"! {said}" in run(database, "--strict").stdout
    assert run(database, "--strict").return_value == 1


def test_the_last_runs_are_listed_with_their_health(database: Path) -> None:
    rows = json.loads(run(database, "--json").stdout)["runs"]
    assert [(row["command"], row["index_requests"], row["health"]["sites_due"]) for row in rows] == [
        ("update", 7, 1)
    ]
    assert "update" in run(database).stdout


def test_a_bare_day_that_another_program_wrote_is_a_time(database: Path) -> None:
    with Store.open(database) as store:
        watch(store, added_days_ago=1)
        store.connection.execute("update watches set checked_at = '2020-01-01'")
        store.connection.commit()
    assert run(database, "--json").exception is None
    with Store.open(database) as store:
        store.connection.execute("update watches set checked_at = 'yesterday'")
        store.connection.commit()
    assert "is no time" in str(run(database).exception)
