"""`plan` and `runs`, against the real server: one question a site, nothing fetched, compared afterwards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from policy_archive.archive_server import faults
from policy_archive.archive_server.server import ArchiveServer
from policy_archive.cli import policy_archive
from policy_archive.crawler.planning.plan import PlanOptions
from tests.support.generated import GeneratedSource, crawl, generate, read


def ask(*arguments: object) -> Any:
    """Run a command with --json; return what it printed."""
    result = CliRunner().invoke(policy_archive, [*map(str, arguments), "--json"], standalone_mode=False)
    assert result.exception is None, result.output
    return json.loads(result.stdout)


def ask_plan(archive: ArchiveServer, database: Path, *arguments: object) -> Any:
    rates = ("--index-rate", 0, "--replay-rate", 0)
    return ask("plan", *arguments, "--archive", archive.url, "--db", database, *rates)


def test_a_page_is_forecast_from_one_index_query_and_compared_with_what_it_took(database: Path) -> None:
    with ArchiveServer(source=generate(24)) as archive:
        forecast = ask_plan(archive, database, "https://www.x.example/privacy")
        assert [entry.kind for entry in archive.log] == ["index"]
        crawl(archive.url, database, plan=PlanOptions())

    assert (forecast["documents"], forecast["captures"], forecast["index_requests"]) == (1, 24, 1)
    assert (
        2
        <= forecast["requests"]["low"]
        <= forecast["requests"]["likely"]
        <= forecast["requests"]["high"]
        <= 24
    )
    assert read(database, "select count(*) from captures where run_id = 1") == [(0,)]
    plan, fetch = ask("runs", "--db", database)
    assert (plan["command"], fetch["command"]) == ("plan", "fetch")
    assert plan["forecast_likely"] == round(forecast["requests"]["likely"])
    assert plan["took"] == fetch["replay_requests"] > 2
    assert fetch["forecast_likely"] is None


def test_of_a_domain_the_documents_are_found_in_the_index_alone(database: Path) -> None:
    with ArchiveServer(source=generate(12)) as archive:
        forecast = ask_plan(archive, database, "x.example")
        assert [entry.kind for entry in archive.log] == ["index"]

    assert (forecast["documents"], forecast["captures"]) == (1, 12)


def test_a_sample_asks_as_many_sites_as_told_and_scales_up(database: Path, tmp_path: Path) -> None:
    source = GeneratedSource()
    names = [f"site{number}.example" for number in range(20)]
    for name in names:
        source.answers.update(generate(6, url=f"https://{name}/privacy").answers)
    sites = tmp_path / "sites.txt"
    sites.write_text("\n".join(names))

    with ArchiveServer(source=source) as archive:
        forecast = ask_plan(archive, database, "--sites", sites, "--sample", 5)
        assert len(archive.log) == 5

    assert (forecast["sites"], forecast["asked"], len(forecast["sites_asked"])) == (20, 5, 5)
    assert (forecast["documents"], forecast["captures"]) == (20, 120)
    assert ask("runs", "--db", database)[0]["took"] is None


def test_a_site_that_the_index_does_not_show_costs_one_query(database: Path) -> None:
    with ArchiveServer(source=generate(3), faults=[faults.Blocked(form="403")]) as archive:
        forecast = ask_plan(archive, database, "x.example")

    assert (forecast["documents"], forecast["requests"]["high"], forecast["index_requests"]) == (0, 0, 1)


def test_a_forecast_is_printed_as_a_table(database: Path) -> None:
    with ArchiveServer(source=generate(24)) as archive:
        result = CliRunner().invoke(
            policy_archive, ["plan", "x.example", "--archive", archive.url, "--db", str(database)]
        )

    lines = [line.split() for line in result.output.splitlines()]
    assert ["captures", "listed", "24"] in lines
    fetched = next(line for line in lines if line[:3] == ["captures", "to", "fetch"])
    assert [int(cell) for cell in fetched[3:]] == sorted(int(cell) for cell in fetched[3:])
    assert len(fetched) == 6


def test_of_an_archive_that_is_not_there_nothing_is_forecast(database: Path) -> None:
    with ArchiveServer(source=generate(1)) as archive:
        nobody = archive.url
    arguments = ["plan", "x.example", "--archive", nobody, "--db", str(database)]
    result = CliRunner().invoke(policy_archive, arguments, standalone_mode=False)
    assert (result.return_value, result.stdout) == (1, "")
    assert result.stderr == f"Nothing answers at {nobody}: is the archive running?\n"
