"""fetch, watch, update as a scheduler runs them: processes, days apart, killed in between."""

from __future__ import annotations

import json
from pathlib import Path

from policy_archive.archive_server.server import ArchiveServer
from policy_archive.crawler.core.failpoints import EXIT_STATUS
from tests.support.processes import run_cli as run

SITE = "quillfort.example"


def test_a_corpus_keeps_itself_up_over_the_weeks(archive: ArchiveServer, tmp_path: Path) -> None:
    told = tmp_path / "told.jsonl"
    notify = ("--notify-command", f"tee -a {told}", "--notify-since", "2004")
    fetched = json.loads(run("fetch", SITE, "--to", "2003", "--json").stdout)
    assert run("watch", "add", SITE).returncode == 0
    # the first update dies after its versions are stored, before anybody is told of them
    died = run("update", *notify, POLICY_ARCHIVE_FAULT="before-delivery:exit:1")
    assert died.returncode == EXIT_STATUS
    assert not told.exists()
    nothing_due = run("update", "--json", *notify, days=1)
    report = json.loads(nothing_due.stdout)
    assert (nothing_due.returncode, report["requests"]) == (0, {"index": 0, "replay": 0})
    (message,) = (json.loads(line) for line in told.read_text().splitlines())
    versions = [one["version"] for one in message["versions"]]
    assert versions == list(range(fetched["versions"] + 1, versions[-1] + 1))
    assert (message["site"], message["version"]) == (SITE, versions[-1])
    asked = len(archive.log)
    due = run("update", "--log-json", *notify, days=8)
    assert due.returncode == 0
    assert [entry.kind for entry in archive.log[asked:]] == ["index"]
    events = [json.loads(line) for line in due.stderr.splitlines()]
    assert [event["event"] for event in events] == ["run-started", "site-done", "run-finished"]
    assert (events[1]["site"], events[1]["outcome"]) == (SITE, "found")
    assert (events[2]["sites_due"], events[2]["index_requests"]) == (1, 1)
    assert len(told.read_text().splitlines()) == 1


def test_each_new_version_is_one_event_on_stderr(archive: ArchiveServer) -> None:
    fetched = run("fetch", SITE, "--log-json", "--json")
    report = json.loads(fetched.stdout)
    events = [json.loads(line) for line in fetched.stderr.splitlines()]
    new = [event for event in events if event["event"] == "version-new"]
    assert len(new) == report["versions"] == report["health"]["versions_new"] > 1
    assert {event["site"] for event in new} == {SITE}
    assert all(event["time"] and event["level"] == "info" for event in events)
