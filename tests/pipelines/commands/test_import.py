"""`import`: what each format becomes, and what each bad input gets."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from policy_archive.archive_server.server import ArchiveServer
from policy_archive.archive_server.warc_files import find_warcs
from policy_archive.cli import policy_archive
from policy_archive.crawler.core.errors import UsageError
from policy_archive.pipelines.commands.demo import DEMO
from policy_archive.pipelines.exchange.corpus_format import render_document, render_version
from policy_archive.pipelines.exchange.imported import MOST_FILE_BYTES, Item, Refusal, attempt
from policy_archive.pipelines.exchange.intake import ImportReport, Intake
from policy_archive.pipelines.exchange.sources import Sources
from policy_archive.pipelines.reading.pool import ReadingPool
from policy_archive.pipelines.store.connection import open_reader
from policy_archive.pipelines.store.weighing import WORTH_A_PROCESS
from policy_archive.pipelines.store.writer import Store
from policy_archive.pipelines.versions.sameness import (
    SAME_SHARE,
    Difference,
    find_difference,
    measure_part,
)
from tests.support.attacks import warc_record, write_warc
from tests.support.git import commit, git

QUOTE = (
    "> *The following text is extracted and transformed from the {site} {kind} that was archived on {day}. "
    "Please check the [original snapshot on the Wayback Machine](https://web.archive.org/web/{timestamp}id_/"
    "https%3A//{site}/privacy) for the most accurate reproduction.*\n\n# {title}\n\n"
)


def corpus_file(
    text: str = "We share nothing.\n",
    *,
    site: str = "x.example",
    kind: str = "privacy policy",
    timestamp: str = "20180127122821",
    title: str = "Privacy",
) -> str:
    day = f"{timestamp[:4]}-{timestamp[4:6]}-{timestamp[6:8]}"
    return QUOTE.format(site=site, kind=kind, day=day, timestamp=timestamp, title=title) + text


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Result]:
    def run_import(*arguments: object, command: str = "import") -> Result:
        words = [command, *map(str, arguments), "--db", str(tmp_path / "policies.db")]
        return CliRunner().invoke(policy_archive, words, standalone_mode=False)

    return run_import


def outcomes(result: Result) -> dict[str, int]:
    assert result.exception is None, result.exception
    counted: dict[str, int] = json.loads(result.stdout)["outcomes"]
    return counted


def rows(
    tmp_path: Path, sql: str = "select * from policy_versions order by site, version"
) -> list[dict[str, Any]]:
    with closing(open_reader(tmp_path / "policies.db")) as connection:
        return [dict(row) for row in connection.execute(sql)]


def test_all_reference_texts_are_imported(tmp_path: Path, shared: Path, run: Callable[..., Result]) -> None:
    texts = shared / "reference-texts"
    assert outcomes(run(texts, "--site", "iactions.co.uk", "--kind", "privacy", "--json")) == {"imported": 5}
    found = rows(tmp_path)
    assert [(row["site"], row["timestamp"], row["dated_by"]) for row in found] == [
        ("contactually.com", "20130711204610", ""),
        ("iactions.co.uk", "20201116000000", "statement 2020-11-16"),
        ("iactions.co.uk", "20230901070000", "front-matter 2023-09-01"),
        ("intently.co", "20180127122821", ""),
        ("manycontacts.com", "20190419074601", ""),
    ]
    assert {row["origin"] is not None for row in found} == {True}
    (origins,) = rows(
        tmp_path, "select group_concat(name || digest || format, ' ') as all_of_it from origins"
    )
    assert str(shared) not in origins["all_of_it"]
    assert outcomes(run(texts, "--site", "iactions.co.uk", "--kind", "privacy", "--json")) == {"known": 5}
    assert run("--json", command="verify").return_value == 0


@pytest.mark.parametrize(
    "name", ["intently.co-2018-01-27", "contactually.com-2013-07-11", "manycontacts.com-2019-04-19"]
)
def test_an_imported_corpus_file_is_exported_byte_for_byte(
    tmp_path: Path, shared: Path, run: Callable[..., Result], name: str
) -> None:
    source = shared / "reference-texts" / f"{name}.md"
    run(source)
    run("--all", "--to", tmp_path / "out", command="export")
    (written,) = (tmp_path / "out").rglob("*.md")
    assert written.read_bytes() == source.read_bytes()


def test_an_export_of_ours_goes_round_and_comes_out_the_same(
    tmp_path: Path, run: Callable[..., Result]
) -> None:
    first = tmp_path / "x" / "x." / "x.e" / "x.example" / "terms-shop" / "20190101000000.md"
    first.parent.mkdir(parents=True)
    first.write_text(
        render_document(
            site="x.example",
            kind="terms",
            name="shop",
            timestamp="20190101000000",
            original="https://x.example/t?a=1&b=%20",
            title="*Our* 1 < 2 | <b>",
            text="Be *kind*.\n",
        )
    )
    assert outcomes(run(tmp_path / "x", "--json")) == {"imported": 1}
    (row,) = rows(tmp_path)
    assert (row["kind"], row["name"], row["title"], row["extractor"]) == (
        "terms",
        "shop",
        "*Our* 1 < 2 | <b>",
        "corpus-format",
    )
    run("--all", "--to", tmp_path / "out", command="export")
    (written,) = (tmp_path / "out").rglob("*.md")
    assert written.read_bytes() == first.read_bytes()


def test_a_month_stays_a_month(tmp_path: Path, run: Callable[..., Result]) -> None:
    text = tmp_path / "p.txt"
    text.write_text("Privacy policy\n\nLast updated: Sept, 2023\n\nWe share nothing.\n")
    run(text, "--site", "x.example", "--kind", "privacy")
    (row,) = rows(tmp_path)
    assert (row["dated_by"], row["timestamp"]) == ("statement 2023-09", "20230901000000")
    assert row["url"] == "file:p.txt"


def test_texts_of_others_are_no_news_and_no_food_of_the_planner(
    tmp_path: Path, run: Callable[..., Result]
) -> None:
    for year in ("2017", "2018"):
        (tmp_path / f"{year}.md").write_text(
            corpus_file(f"In {year} we share.\n", timestamp=f"{year}0101000000")
        )
    run(tmp_path / "2017.md", tmp_path / "2018.md")
    assert [row["version"] for row in rows(tmp_path)] == [1, 2]
    assert rows(tmp_path, "select distinct of_site from news") == [{"of_site": 0}]
    with Store.open(tmp_path / "policies.db") as store:
        (document,) = store.documents_of("x.example")
        assert store.known_captures(document) == []
        assert [address.source for address in store.addresses_of(document)] == ["import"]


def test_the_sqlite_table_of_the_corpus(tmp_path: Path, run: Callable[..., Result]) -> None:
    with closing(sqlite3.connect(tmp_path / "release.sqlite")) as table, table:
        table.execute("create table policy_texts (site_url, policy_snapshot_url, policy_text, year)")
        replay = "https://web.archive.org/web/20180127122821id_/https://x.example/p"
        table.executemany(
            "insert into policy_texts values (?, ?, ?, 2018)",
            [
                ("x.example", replay, "We share nothing."),
                ("y.example", "nowhere", "A."),
                ("../x", replay, "B."),
                ("z.example", replay, None),
            ],
        )
    result = run(tmp_path / "release.sqlite", "--json")
    assert outcomes(result) == {"imported": 1, "bad-date": 1, "bad-site": 1, "empty": 1}
    (row,) = rows(tmp_path)
    assert row["replay_url"] == "https://web.archive.org/web/20180127122821id_/https://x.example/p"


def test_the_git_repository_of_the_corpus(tmp_path: Path, run: Callable[..., Result]) -> None:
    repository = tmp_path / "corpus"
    for year in ("2017", "2018"):
        text = corpus_file(f"In {year}.\n", timestamp=f"{year}0101000000")
        commit(
            repository,
            {"x/x./x.e/x.example.md": text, "README.md": "# Corpus\n"},
            "{}",
            at="2021-01-01T00:00:00Z",
        )
    assert outcomes(run(repository, "--json")) == {"imported": 2}
    assert [row["timestamp"][:4] for row in rows(tmp_path)] == ["2017", "2018"]


def make_collection(folder: Path) -> Path:
    (folder / "declarations").mkdir(parents=True)
    declaration = {
        "name": "Shop",
        "terms": {"Privacy Policy": {"fetch": "https://www.shop.example/privacy", "select": "main"}},
    }
    (folder / "declarations" / "Shop.json").write_text(json.dumps(declaration))
    history = {
        "Privacy Policy": [{"fetch": "https://www.shop.example/old", "validUntil": "2020-06-01T00:00:00Z"}]
    }
    (folder / "declarations" / "Shop.history.json").write_text(json.dumps(history))
    return folder / "declarations"


def test_versions_of_open_terms_archive(tmp_path: Path, run: Callable[..., Result]) -> None:
    declarations, versions = make_collection(tmp_path), tmp_path / "versions"
    path, engine = "Shop/Privacy Policy.md", "\n\nX-engine-version: 14.0.0"
    commit(
        versions,
        {path: "# Privacy\n\nOne.\n"},
        f"First record of Shop Privacy Policy{engine}",
        at="2020-01-01T00:00:00Z",
    )
    commit(
        versions,
        {path: "# Privacy\n\nOne .\n"},
        f"Apply technical or declaration upgrade on Shop{engine}",
        at="2020-07-01T00:00:00Z",
    )
    commit(
        versions,
        {path: "# Privacy\n\nTwo.\n", "../x/A.md".replace("../", "dots"): "No."},
        f"Record{engine}",
        at="2020-08-01T00:00:00Z",
    )
    result = run(versions, declarations, "--json")
    assert outcomes(result) == {"imported": 3, "no-site": 1}
    found = rows(tmp_path)
    assert [row["extractor"] for row in found] == ["ota-engine/14.0.0", *["ota-engine/14.0.0 upgrade-1"] * 2]
    assert [row["url"] for row in found] == [
        "https://www.shop.example/old",
        *["https://www.shop.example/privacy"] * 2,
    ]
    assert found[0]["title"] == "Privacy"
    (bundled,) = [tmp_path / "versions.bundle"]
    git(versions, "bundle", "create", "--quiet", str(bundled), "HEAD")
    assert outcomes(run(bundled, "--json")) == {"known": 3, "no-site": 1}


def test_snapshots_are_read_by_our_own_extractor(tmp_path: Path, run: Callable[..., Result]) -> None:
    declarations, snapshots = make_collection(tmp_path), tmp_path / "snapshots"
    policy = "<title>Privacy Policy</title><h1>Privacy policy</h1>" + "".join(
        f"<p>We collect the personal data that you give us, case {number}, and share it with nobody.</p>"
        for number in range(9)
    )
    told = "Record\n\nX-source-document-location: https://www.shop.example/privacy"
    commit(snapshots, {"Shop/Privacy Policy.html": policy}, told, at="2026-01-01T00:00:00Z")
    commit(snapshots, {"Shop/Privacy Policy.html": "<h1>Not found</h1>"}, told, at="2026-02-01T00:00:00Z")
    assert outcomes(run(declarations, snapshots, "--processes", "1", "--json")) == {
        "imported": 1,
        "no-policy": 1,
    }
    (row,) = rows(tmp_path)
    assert row["extractor"].startswith("policy-archive/")
    assert (row["site"], row["url"], row["verified"]) == (
        "shop.example",
        "https://www.shop.example/privacy",
        None,
    )
    with Store.open(tmp_path / "policies.db") as store:
        (document,) = store.documents_of("shop.example")
        assert len(store.known_captures(document)) == 2
    assert run("--json", command="verify").return_value == 0


def test_a_dataset_whose_names_put_the_day_first(tmp_path: Path, run: Callable[..., Result]) -> None:
    declarations = make_collection(tmp_path)
    with zipfile.ZipFile(tmp_path / "dataset.zip", "w") as archive:
        for name in ("2021-03-05T12-30-20Z", "2021-23-05T12-30-20Z"):
            archive.writestr(f"dataset/Shop/Privacy Policy/{name}.md", f"# Privacy\n\n{name}\n")
        archive.writestr("dataset/../../con/Terms of Service/2021-01-05T00-00-00Z.md", "Out.\n")
        archive.writestr("dataset/README.md", "about")
        archive.writestr(
            "dataset/Shop/Privacy Policy/2021-02-05.md", b"0" * (MOST_FILE_BYTES + 1), zipfile.ZIP_DEFLATED
        )
    result = run(declarations, tmp_path / "dataset.zip", "--json")
    assert outcomes(result) == {"imported": 2, "no-site": 1, "too-large": 1}
    assert [row["timestamp"] for row in rows(tmp_path)] == ["20210503123020", "20210523123020"]


BAD = {
    "empty": (b"", "empty"),
    "blanks": (b" \n\n", "empty"),
    "no words": (corpus_file("\n---\n").encode(), "empty"),
    "cut in the header": (corpus_file().encode()[:150], "bad-header"),
    "no capture named": (corpus_file().replace("20180127122821id_", "id_").encode(), "bad-header"),
    "year zero": (corpus_file(timestamp="00000000000000").encode(), "bad-date"),
    "31 February": (corpus_file(timestamp="20180231000000").encode(), "bad-date"),
    "unknown kind": (corpus_file(kind="secret plan").encode(), "no-kind"),
    "no domain": (corpus_file(site="../x").encode(), "bad-site"),
    "zeros": (b"PNG\0\0\1\2\3" * 40, "not-text"),
    "too large": (b"a " * (MOST_FILE_BYTES // 2 + 1), "too-large"),
    "whose?": (b"We share nothing.\n", "no-site"),
    "YAML with a tag": (b"---\ntitle: !!python/object/apply:os.system [id]\n---\nText.\n", "no-site"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_gets_its_outcome_and_the_rest_goes_on(
    tmp_path: Path, run: Callable[..., Result], name: str
) -> None:
    content, expected = BAD[name]
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.md").write_bytes(content)
    (tmp_path / "in" / "z.md").write_text(corpus_file(site="WWW.X.example"))
    result = run(tmp_path / "in", "--json")
    assert outcomes(result) == {"imported": 1, expected: 1}
    assert result.return_value == 0
    assert run(tmp_path / "in", "--strict").return_value == 1
    assert run(tmp_path / "in" / "a.md").return_value == 1
    assert [row["site"] for row in rows(tmp_path)] == ["x.example"]


def test_a_second_text_of_one_capture_is_refused_and_the_first_stays(
    tmp_path: Path, run: Callable[..., Result]
) -> None:
    (tmp_path / "a.md").write_text(corpus_file("One.\n"))
    (tmp_path / "b.md").write_text(corpus_file("Two.\n"))
    (tmp_path / "c.md").write_text(corpus_file("One.\n").replace("the x.example", "the X.EXAMPLE"))
    files = [tmp_path / name for name in ("a.md", "b.md", "c.md")]
    assert outcomes(run(*files, "--json")) == {"imported": 1, "other-text": 1, "known": 1}
    assert [row["text"] for row in rows(tmp_path)] == ["One.\n"]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [("x.sqlite", b"SQLite format 3\0" + b"\1" * 200, "unreadable"), ("x.zip", b"PK\3\4 cut", "unreadable")],
)
def test_a_damaged_container_is_one_outcome(
    tmp_path: Path, run: Callable[..., Result], name: str, content: bytes, words: str
) -> None:
    (tmp_path / name).write_bytes(content)
    assert outcomes(run(tmp_path / name, "--json")) == {words: 1}


def test_folders_and_repositories_with_nothing_in_them_are_one_sentence(
    tmp_path: Path, run: Callable[..., Result]
) -> None:
    (tmp_path / "empty").mkdir()
    assert "holds no file" in str(run(tmp_path / "empty").exception)
    git(tmp_path, "init", "--quiet", "bare.git", "--bare")
    assert "commits" in str(run(tmp_path / "bare.git").exception)
    (tmp_path / "cut.bundle").write_bytes(b"# v2 git bundle\nnonsense")
    assert "bundle" in str(run(tmp_path / "cut.bundle").exception)


def test_programs_that_a_repository_names_are_not_run(tmp_path: Path, run: Callable[..., Result]) -> None:
    repository, trace = tmp_path / "corpus", tmp_path / "trace"
    commit(repository, {"x.example.md": corpus_file()}, "one", at="2021-01-01T00:00:00Z")
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {trace}\n")
    program.chmod(0o700)
    for key in (
        "core.fsmonitor",
        "core.pager",
        "diff.external",
        "gpg.program",
        "core.sshCommand",
        "diff.md.textconv",
    ):
        git(repository, "config", key, str(program))
    git(repository, "config", "log.showSignature", "true")
    (repository / ".git" / "info" / "attributes").write_text("*.md diff=md\n")
    trace.unlink(missing_ok=True)
    assert outcomes(run(repository, "--json")) == {"imported": 1}
    assert not trace.exists()


def test_a_dry_run_writes_nothing(tmp_path: Path, run: Callable[..., Result]) -> None:
    (tmp_path / "a.md").write_text(corpus_file())
    result = run(tmp_path / "a.md", "--dry-run")
    assert "would be: 1 imported" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["a.md"]


def test_the_collection_at_hand_is_one_history_a_document(
    tmp_path: Path, shared: Path, run: Callable[..., Result]
) -> None:
    result = run(shared / "ota" / "declarations", shared / "ota" / "demo-versions.bundle", "--json")
    assert outcomes(result) == {"imported": 120}
    sites = {row["site"] for row in rows(tmp_path)}
    assert {"github.com", "npmjs.com", "uptimerobot.com", "opencollective.com", "brevo.com"} <= sites


def test_imported_texts_and_a_crawl_are_one_history_without_an_unknown_seam(
    tmp_path: Path, run: Callable[..., Result]
) -> None:
    """The ends of the import are read by us, too; then each change is told once, by one reader's texts."""
    fetch = ("fetch", "tidelock.example", "--index-rate", "0", "--replay-rate", "0")
    with ArchiveServer(find_warcs((DEMO,))) as archive:
        alone = [*fetch, "--archive", archive.url, "--db", str(tmp_path / "alone.db")]
        assert CliRunner().invoke(policy_archive, alone, standalone_mode=False).return_value == 0
        with closing(open_reader(tmp_path / "alone.db")) as connection:
            ours = [dict(row) for row in connection.execute("select * from policy_versions where name = ''")]
        middle = ours[1:-1]
        for version in middle:
            text = f"**Read by another program.** {version['text']}"
            whole = render_version(version | {"text": text, "archive": None})
            (tmp_path / f"{version['timestamp']}.md").write_text(whole)
        run(*sorted(tmp_path.glob("2*.md")))
        run(*fetch[1:], "--archive", archive.url, command="fetch")
    both = rows(tmp_path, "select * from policy_versions where name = '' order by version")
    assert len(both) >= len(ours) + 2
    assert "unknown" not in {row["class"] for row in both}
    own = ("", "dates", "small", "substantive", "rewritten")
    told = [row for row in both if row["class"] in own]
    assert len(told) == len([row for row in ours if row["class"] in own])
    assert all((row["change"] is None) == (row["class"] in (None, "extractor")) for row in both)
    assert run("--json", command="verify").return_value == 0


def test_sites_are_found_in_web_archives_without_being_named(
    tmp_path: Path, run: Callable[..., Result]
) -> None:
    """What fetch finds in an archive that serves these files, import finds in the files."""
    sites = ("tidelock", "nordhafen")
    folder = tmp_path / "mine" / "below"
    folder.mkdir(parents=True)
    for warc in find_warcs((DEMO,)):
        if warc.name.startswith(sites):
            shutil.copy(warc, folder)
    (tmp_path / "mine" / "broken.wacz").write_bytes(b"no zip")
    result = run(tmp_path / "mine", "--json")
    assert outcomes(result)["unreadable"] == 1
    found = rows(tmp_path)
    assert {row["site"] for row in found} == {"tidelock.example", "nordhafen-versand.example"}
    assert {row["replay_url"] for row in found} == {None}
    names = rows(tmp_path, "select distinct name, format from origins order by name")
    assert [row["format"] for row in names] == ["warc", "warc"]
    assert rows(tmp_path, "select distinct of_site from news") == [{"of_site": 0}]
    assert rows(tmp_path, "select 1 from listings") == []
    with ArchiveServer(find_warcs((tmp_path / "mine" / "below",))) as archive:
        fetch = ["fetch", "tidelock.example", "nordhafen-versand.example", "--kind", "all", "--plan", "all"]
        fetch += ["--archive", archive.url, "--index-rate", "0", "--replay-rate", "0"]
        CliRunner().invoke(policy_archive, [*fetch, "--db", str(tmp_path / "b.db")], standalone_mode=False)
    with closing(open_reader(tmp_path / "b.db")) as connection:
        columns = "site, kind, name, version, timestamp, text_sha256"
        query = f"select {columns} from policy_versions order by 1, 2, 3, 4"
        expected = [tuple(row) for row in connection.execute(query)]
    assert [tuple(row.values()) for row in rows(tmp_path, query)] == expected
    again = outcomes(run(tmp_path / "mine", "--json"))
    assert set(again) == {"known", "unreadable"}
    assert run("--json", command="verify").return_value == 0


def test_an_import_leaves_what_another_archive_listed_as_it_is(
    tmp_path: Path, run: Callable[..., Result]
) -> None:
    warcs = [warc for warc in find_warcs((DEMO,)) if warc.name.startswith("tidelock")]
    fetch = ("tidelock.example", "--to", "2014", "--index-rate", "0", "--replay-rate", "0")
    with ArchiveServer(warcs) as archive:
        run(*fetch, "--archive", archive.url, command="fetch")
        before = rows(
            tmp_path, "select id, outcome, replay_url from captures where outcome is not null order by id"
        )
        listed = rows(tmp_path, "select urlkey, archive, listed_from, listed_to from listings")
        assert outcomes(run(*warcs, "--json"))["imported"] > 0
    after = {row["id"]: row for row in rows(tmp_path, "select id, outcome, replay_url from captures")}
    assert [after[row["id"]] for row in before] == before
    assert listed and listed == rows(tmp_path, "select urlkey, archive, listed_from, listed_to from listings")


def test_no_text_is_taken_from_a_record_that_is_cut(
    tmp_path: Path, shared: Path, run: Callable[..., Result]
) -> None:
    for name in ("a-cut.warc.gz", "b-cut.warc"):
        cut = shared / "cases" / "archives" / "14-cut-warc" / name
        assert outcomes(run(cut, "--site", "brindlewick.example", "--json"))["truncated"] == 1
        found = rows(tmp_path, "select outcome from captures where timestamp like '2019%'")
        assert [row["outcome"] for row in found] == ["truncated"]
        assert len(rows(tmp_path)) == 1


def test_what_no_archive_has_cites_its_file_and_what_dates_it(
    tmp_path: Path, run: Callable[..., Result]
) -> None:
    text = "Privacy policy\n\nLast updated: Sept, 2023\n\nWe share nothing.\n"
    (tmp_path / "p_1.txt").write_text(text)
    run(tmp_path / "p_1.txt", "--site", "x.example", "--kind", "privacy")
    digest = hashlib.sha256(text.encode()).hexdigest()
    shown = run("x.example", command="show").stdout
    assert shown.startswith(
        "> *The following text is extracted and transformed from the x.example privacy policy of 2023-09 "
        f"(dated by its own statement). Please check the file that it was imported from, p_1.txt "
        f"(sha256:{digest}), for the most accurate reproduction.*"
    )
    cited = run("x.example", command="cite").stdout
    assert f"p_1.txt (sha256:{digest})" in cited
    for said in (shown, cited):
        assert "web.archive.org" not in said
        assert "Wayback" not in said


JOINED = {
    ("github.com", "privacy"): "00-demo-github-privacy-policy",
    ("github.com", "terms"): "01-demo-github-terms-of-service",
    ("uptimerobot.com", "privacy"): "02-demo-uptimerobot-privacy-policy",
    ("opencollective.com", "terms"): "03-demo-open-collective-terms-of-service",
}


@pytest.fixture(scope="module")
def joined(tmp_path_factory: pytest.TempPathFactory, shared: Path) -> tuple[Path, Path]:
    """Return the folders of a corpus of the collection alone, and of one with captures of its pages, too."""
    alone, both = (tmp_path_factory.mktemp(name) for name in ("alone", "both"))

    def run_import(*paths: Path) -> None:
        words = ["import", *map(str, paths), "--db", str(both / "policies.db")]
        result = CliRunner().invoke(policy_archive, words, standalone_mode=False)
        assert result.return_value == 0, result.exception

    run_import(shared / "ota" / "declarations", shared / "ota" / "demo-versions.bundle")
    shutil.copy(both / "policies.db", alone)
    archive = shared / "replay" / "dev" / "archive"
    run_import(*(archive / f"{name}.warc.gz" for name in JOINED.values()))
    return alone, both


@pytest.mark.parametrize(("site", "kind"), [*JOINED, ("opencollective.com", "privacy")])
def test_a_collection_and_captures_of_the_same_page_are_one_history(
    joined: tuple[Path, Path], site: str, kind: str
) -> None:
    """Each change that the collection's texts show is told, and none between texts of two readers."""
    page = f"from policy_versions where site = '{site}' and kind = '{kind}'"
    told = f"select changed_after, first_captured {page} and class not in ('extractor', 'unknown')"
    theirs, all_told = (rows(folder, told) for folder in joined)
    versions = rows(joined[1], f"select class, change, extractor, document_id {page} order by version")
    assert len({row["document_id"] for row in versions}) == 1
    is_read = (site, kind) in JOINED  # of Open Collective's other page no capture is recorded
    readers = {"ota-engine", "policy-archive"} if is_read else {"ota-engine"}
    assert {row["extractor"].split("/")[0] for row in versions} == readers
    assert "unknown" not in {row["class"] for row in versions}
    assert all(row["change"] is None for row in versions if row["class"] == "extractor")
    assert len(theirs) >= 2
    for change in theirs:
        within = [
            one
            for one in all_told
            if change["changed_after"] < one["first_captured"] <= change["first_captured"]
        ]
        assert within
        inner = [one for one in within if change["changed_after"] <= one["changed_after"]]
        assert len(inner) == 1
    columns = "select class, changed_after, first_captured, extractor, text"
    told_once = list(_find_told(rows(joined[1], f"{columns} {page} order by version")))
    assert len(told_once) == len(all_told)
    for one, other in combinations(told_once, 2):
        if one.after < other.by and other.after < one.by:
            assert measure_part(one.difference, other.difference) < SAME_SHARE


@dataclass
class _Told:
    after: str
    by: str
    difference: Difference


def _find_told(versions: list[dict[str, Any]]) -> Iterator[_Told]:
    """Yield the changes told, with what changed by the texts of the one who read both."""
    before: dict[str, str] = {}
    for version in versions:
        reader = version["extractor"].split("/")[0]
        if version["class"] not in (None, "extractor", "unknown"):
            difference = find_difference(before[reader], version["text"])
            yield _Told(version["changed_after"], version["first_captured"], difference)
        before[reader] = version["text"]


def _write_history(folder: Path, versions: int, site: str = "x.example") -> None:
    (folder / site).mkdir(parents=True)
    for number in range(versions):
        text = f"We keep your data for {number + 2} days.\n\nWe sell {'nothing' if number % 3 else 'it'}.\n"
        content = corpus_file(text, site=site, timestamp=f"{2010 + number}0127122821")
        (folder / site / f"{number}.md").write_text(content)


def test_what_is_left_for_later_is_a_state_that_is_seen_and_gone_on_with(
    tmp_path: Path, run: Callable[..., Result]
) -> None:
    _write_history(tmp_path / "corpus", 4)
    _write_history(tmp_path / "corpus", 2, "y.example")
    result = run(tmp_path / "corpus", "--later")
    assert "changes of 2 imported documents are not weighed yet: run 'policy-archive weigh'" in result.stderr
    assert [(row["version"], row["class"], row["change"]) for row in rows(tmp_path)] == [
        (number, None, None) for number in (1, 2, 3, 4, 1, 2)
    ]
    assert (
        run("x.example", command="history").stdout.count("not weighed yet: run 'policy-archive weigh'") == 3
    )
    seen = run(command="status")
    assert seen.return_value == 1 and "2 imported documents are not weighed yet" in seen.stdout
    assert run(command="verify").return_value == 0
    assert "2 documents weighed" in run(command="weigh").stderr
    assert {row["class"] for row in rows(tmp_path) if row["version"] > 1} == {"substantive"}
    assert run(command="status").return_value == 0
    at_once = tmp_path / "at-once"
    at_once.mkdir()
    words = ["import", str(tmp_path / "corpus"), "--db", str(at_once / "policies.db")]
    CliRunner().invoke(policy_archive, words, standalone_mode=False)
    assert rows(at_once) == rows(tmp_path)


def test_an_import_that_died_before_its_end_is_gone_on_with(
    tmp_path: Path, run: Callable[..., Result]
) -> None:
    _write_history(tmp_path / "corpus", 3)
    with Store.open(tmp_path / "policies.db") as store, ReadingPool(1) as pool:
        intake = Intake(store, pool, ImportReport())
        assert list(intake.take(Sources(paths=(tmp_path / "corpus",)).iter_items()))
    assert rows(tmp_path) == []
    assert run(command="verify").return_value == 0  # of what is not at its end nothing is wrong
    assert "1 imported document is not weighed" in run(command="status").stdout.replace("are not", "is not")
    assert "1 document weighed" in run(command="weigh").stderr
    assert [row["class"] for row in rows(tmp_path)] == [None, "substantive", "substantive"]


def test_texts_that_come_later_leave_what_was_weighed_as_it_was(
    tmp_path: Path, run: Callable[..., Result]
) -> None:
    _write_history(tmp_path / "corpus", 4)
    last = tmp_path / "corpus" / "x.example" / "3.md"
    kept = last.read_text()
    last.unlink()
    run(tmp_path / "corpus")
    last.write_text(kept)
    run(tmp_path / "corpus", "--later")
    assert [row["class"] for row in rows(tmp_path)] == [None, "substantive", "substantive", None]


def test_many_documents_are_weighed_in_other_processes(tmp_path: Path, run: Callable[..., Result]) -> None:
    for number in range(WORTH_A_PROCESS):
        _write_history(tmp_path / "corpus", 2, f"x{number}.example")
    assert f"{WORTH_A_PROCESS} documents, {2 * WORTH_A_PROCESS} versions" in run(tmp_path / "corpus").stderr
    classes = [row["class"] for row in rows(tmp_path)]
    assert classes == [None, "substantive"] * WORTH_A_PROCESS


def _export(run: Callable[..., Result], folder: Path) -> dict[str, bytes]:
    run("--all", "--to", folder, command="export")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.md")}


def test_what_no_archive_has_goes_out_and_in_and_out_the_same(
    tmp_path: Path, run: Callable[..., Result]
) -> None:
    """A file's text, a page out of a WARC file, a capture of another archive: their quotes are read, too."""
    month = tmp_path / "p (1) [*draft*].txt"
    month.write_text("Privacy policy\n\nLast updated: Sept, 2023\n\nWe share nothing.\n")
    front = tmp_path / "front.md"
    front.write_text("---\ndate: 2020-02-03\n---\n# Terms\n\nBe kind.\n")
    given = tmp_path / "given.txt"
    given.write_text("Cookies are set.\n")
    elsewhere = tmp_path / "20190101000000.md"
    url = "https://z.example/p?a=1"
    elsewhere.write_text(
        render_document(
            site="z.example",
            kind="privacy",
            timestamp="20190101000000",
            original=url,
            title="Z",
            text="Z.\n",
            archive="http://127.0.0.1:8080/dev",
        )
    )
    run(month, "--site", "x.example", "--kind", "privacy")
    run(front, "--site", "x.example", "--kind", "terms")
    run(given, "--site", "x.example", "--kind", "cookies", "--date", "2018-05")
    run(elsewhere)
    run(DEMO / "tidelock.example.warc.gz", "--site", "tidelock.example")
    before = rows(tmp_path)
    first = _export(run, tmp_path / "first")
    assert len(first) == len(before) > 5
    (tmp_path / "policies.db").rename(tmp_path / "old.db")
    assert outcomes(run(tmp_path / "first", "--json")) == {"imported": len(first)}
    assert _export(run, tmp_path / "second") == first
    kept = ("site", "kind", "text_sha256", "timestamp", "dated_by", "origin", "archive")
    after = {
        tuple(row[key] for key in kept) for row in rows(tmp_path) if row["origin"] and not row["archive"]
    }
    assert after == {tuple(row[key] for key in kept) for row in before if not row["archive"]}
    assert [row["archive"] for row in rows(tmp_path) if row["site"] == "z.example"] == [
        "http://127.0.0.1:8080/dev"
    ]


def test_a_text_that_nothing_dates_is_told_what_to_give(tmp_path: Path, run: Callable[..., Result]) -> None:
    (tmp_path / "a.txt").write_text("We share nothing.\n")
    result = run(tmp_path / "a.txt", "--site", "x.example", "--kind", "privacy", "--json")
    assert outcomes(result) == {"no-date": 1}
    (fault,) = json.loads(result.stdout)["faults"]
    assert fault["reason"].endswith("give --date") and result.return_value == 1


def test_broken_characters_are_imported_and_counted(tmp_path: Path, run: Callable[..., Result]) -> None:
    content = corpus_file("We share caf\u00e9s.\n", title="Caf\u00e9").encode()
    (tmp_path / "a.md").write_bytes(
        content.replace(b"Caf\xc3\xa9", b"Caf\xc3").replace(b"share", b"\xff\xff")
    )
    assert outcomes(run(tmp_path / "a.md", "--json")) == {"imported": 1}
    (row,) = rows(tmp_path)
    assert (row["title"], row["text"]) == ("Caf\ufffd", "We \ufffd\ufffd caf\u00e9s.\n")
    (lost,) = rows(tmp_path, "select replacement_characters as lost from extractions")
    assert lost["lost"] == 3


def test_anything_unforeseen_is_an_outcome() -> None:
    def read() -> Item:
        raise ZeroDivisionError("nobody foresaw it")

    item = attempt("a.md", read)
    assert isinstance(item, Refusal) and item.outcome == "unreadable" and "nobody foresaw it" in item.reason


@pytest.mark.parametrize(
    ("kind", "content"), [("image/png", b"PNG"), ("text/html", b"<body><p>A shop for shoes: buy them here.")]
)
def test_web_archives_without_a_policy_are_one_sentence(
    tmp_path: Path, run: Callable[..., Result], kind: str, content: bytes
) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n\r\n"
    write_warc(tmp_path / "a.warc.gz", warc_record([content], http=head))
    error = run(tmp_path / "a.warc.gz").exception
    assert isinstance(error, UsageError) and "Nothing in it can be imported" in str(error)
