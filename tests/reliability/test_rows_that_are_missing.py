"""A row that is listed and not there: `verify` names it, and nobody leaves anything out, or makes it up."""

from __future__ import annotations

import shlex
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from policy_archive.archive_server.server import ArchiveServer
from policy_archive.cli import policy_archive
from policy_archive.crawler.core.errors import DamagedError, StoreError
from policy_archive.pipelines.store.writer import Store
from tests.reliability.test_upkeep import build, verify
from tests.support.asking import HOME, ask
from tests.support.generated import crawl, generate
from tests.support.processes import finish, start_program
from tests.support.synthetic import PRIVACY, store_texts

SITE, OTHER = PRIVACY.site, "other.example"
THIRD = "(select id from captures where timestamp like '2002%')"
DAMAGE = {
    "a text without content": (
        "update texts set content = null where id = 3",
        {"text-missing"},
    ),
    "a text that is another": (
        "update texts set content = 'other words' where id = 3",
        {"text-of-another-hash"},
    ),
    "no row of a text": ("delete from texts where id = 3", {"text-without-extraction"}),
    "no reading of a capture": (
        f"delete from extractions where capture_id = {THIRD}",
        {"text-without-extraction"},
    ),
    "no capture": (f"delete from captures where id = {THIRD}", {"dangling-reference"}),
}
BODY_GONE = f"delete from bodies where digest = (select body_digest from captures where id = {THIRD})"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a corpus of two sites; the second is never damaged."""
    path = build(tmp_path_factory.mktemp("built") / "policies.db", 6)
    with Store.open(path) as store:
        document = PRIVACY.__class__(site=OTHER, kind=PRIVACY.kind)
        texts = [("20010101", "# Whole\n\nSound as a bell.\n"), ("20020101", "# Whole\n\nSound as two.\n")]
        store_texts(store, texts, document=document, original=f"https://{OTHER}/p")
    return path


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLICY_ARCHIVE_STATE", str(tmp_path / "state"))


def damaged(built: Path, folder: Path, sql: str) -> Path:
    path = Path(shutil.copy(built, folder / "policies.db"))
    with closing(sqlite3.connect(path)) as connection, connection:
        assert connection.execute(sql).rowcount == 1
    return path


def run(database: Path, words: str) -> Result:
    said = shlex.split(words.replace("OUT", str(database.parent)))
    return CliRunner().invoke(policy_archive, [*said, "--db", str(database)], standalone_mode=False)


@pytest.mark.parametrize("name", DAMAGE)
def test_verify_names_it(built: Path, tmp_path: Path, name: str) -> None:
    sql, faults = DAMAGE[name]
    status, found = verify(damaged(built, tmp_path, sql))
    assert status == 1
    assert faults <= {one["fault"] for one in found["faults"]}  # type: ignore[attr-defined, index]


def test_verify_names_a_body_that_is_missing(built: Path, tmp_path: Path) -> None:
    status, found = verify(damaged(built, tmp_path, BODY_GONE))
    faults = {one["fault"] for one in found["faults"]}  # type: ignore[attr-defined, index]
    assert (status, faults) == (1, {"dangling-reference", "body-does-not-decode"})


WHO_NEEDS_IT = (
    f"show {SITE} --version 3",
    f"diff {SITE} v2 v3",
    f"diff {SITE} v3 v4 --unified",
    f"bundle {SITE} --version 3 --to OUT/proof.zip",
    *(f"export --all --format {one} --to OUT/out" for one in ("markdown", "jsonl", "csv", "parquet", "git")),
    "export --all --format princeton-leuven --to OUT/out.sqlite",
    "export --all --format xlsx --to OUT/out.xlsx",
    "export --all --format wacz --to OUT/out.wacz",
    "export --all --release OUT/release",
    "publish OUT/copy --root https://policies.example --no-search",
)


@pytest.mark.parametrize("words", WHO_NEEDS_IT)
@pytest.mark.parametrize("name", DAMAGE)
def test_who_needs_it_says_a_sentence_that_names_it(
    built: Path, tmp_path: Path, name: str, words: str
) -> None:
    """None of them may write `None`, or leave the version out and count the others."""
    result = run(damaged(built, tmp_path, DAMAGE[name][0]), words)
    assert isinstance(result.exception, DamagedError), result.output
    assert f"version 3 of {SITE} privacy" in str(result.exception)
    assert "policy-archive verify" in str(result.exception)


WHO_DOES_NOT = (
    f"show {OTHER}",
    f"history {OTHER}",
    f"diff {OTHER} v1 v2",
    f"export {OTHER} --format markdown --to OUT/out",
    "documents",
    "sites",
    "status",
    "phrase bell",
    "changes --json",
    "at 2001-06-01",
)


@pytest.mark.parametrize("name", DAMAGE)
def test_who_does_not_need_it_works_on(built: Path, tmp_path: Path, name: str) -> None:
    database = damaged(built, tmp_path, DAMAGE[name][0])
    for words in WHO_DOES_NOT:
        result = run(database, words)
        assert result.exception is None, (words, result.exception)
        assert result.output.strip()


def test_a_search_shows_the_others_and_says_which_text_is_damaged(built: Path, tmp_path: Path) -> None:
    result = run(damaged(built, tmp_path, DAMAGE["a text without content"][0]), "search edition --json")
    assert result.exception is None
    assert result.stdout.count("missing or damaged") == 1
    assert result.stdout.count('"snippet"') == 6


@pytest.mark.parametrize("name", DAMAGE)
def test_pages_that_need_it_say_so_and_all_others_are_shown(built: Path, tmp_path: Path, name: str) -> None:
    own = f"{HOME}/{SITE}/privacy/20020101000000"
    needing = (own, f"{own}.md", f"{HOME}/-/diff/{SITE}/privacy/20010101000000/{SITE}/privacy/20020101000000")
    others = (
        "",
        f"/{OTHER}",
        f"/{OTHER}/privacy/20010101000000",
        "/-/changes",
        "/-/overview",
        "/-/phrase?q=bell",
    )
    database = damaged(built, tmp_path, DAMAGE[name][0])
    answers = ask(database, *needing, *(HOME + path for path in others))
    for answer in answers[: len(needing)]:
        assert answer.status_code == 500
        assert f"ersion 3 of {SITE} privacy" in answer.text and "policy-archive verify" in answer.text
    assert [answer.status_code for answer in answers[len(needing) :]] == [200] * len(others)


def test_a_merge_heals_what_another_shard_has_and_says_what_it_cannot(built: Path, tmp_path: Path) -> None:
    shard = Path(shutil.copy(built, tmp_path / "shard.db"))
    for name in ("no row of a text", "no reading of a capture", "no capture"):
        database = damaged(built, tmp_path, DAMAGE[name][0])
        assert run(database, f"merge {shard}").exception is None
        faults = {one["fault"] for one in verify(database)[1]["faults"]}  # type: ignore[attr-defined, index]
        # of a text whose row is gone nobody knows the words that the index had of it
        assert faults <= {"search-without-text"}, name
        assert run(database, f"show {SITE} --version 3").exception is None
    database = damaged(built, tmp_path, BODY_GONE)
    assert run(database, f"merge {shard}").exception is None
    assert verify(database)[0] == 0
    result = run(damaged(built, tmp_path, DAMAGE["a text without content"][0]), f"merge {shard}")
    assert isinstance(result.exception, StoreError)
    assert "missing or damaged" in str(result.exception)


def test_a_body_that_is_missing_costs_its_own_capture(built: Path, tmp_path: Path) -> None:
    """Texts are read without their pages; what needs the page says which is missing, and goes on."""
    database = damaged(built, tmp_path, BODY_GONE)
    assert run(database, f"show {SITE} --version 3").exception is None
    for words in (
        f"bundle {SITE} --version 3 --to OUT/proof.zip",
        "export --all --format warc --to OUT/out.warc",
    ):
        result = run(database, words)
        assert isinstance(result.exception, DamagedError)
        assert "the body " in str(result.exception) and "is missing" in str(result.exception)
    status, out, err = finish(start_program("re-extract", "--json", "--db", str(database)))
    assert (status, '"unread": 1' in out) == (1, True), err
    assert f"not read again: {SITE} privacy 20020101000000 the body" in err


def test_a_fetch_goes_on_with_other_sites(tmp_path: Path) -> None:
    database, urls = tmp_path / "policies.db", [f"https://www.{name}.example/privacy" for name in ("x", "y")]
    few, more = (generate(number, url=urls[0]) for number in (4, 8))
    for source in (few, more):
        source.answers.update(generate(len(source.answers), url=urls[1]).answers)
    with ArchiveServer(source=few) as archive:
        port = int(archive.url.rsplit(":", 1)[1])
        assert crawl(archive.url, database, *urls).status == "done"
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(
            "update texts set content = null where id in (select text_id from versions join documents "
            "on documents.id = document_id where site = 'x.example' and version = 4)"
        )
    with ArchiveServer(source=more, port=port) as archive:
        report = crawl(archive.url, database, *urls, ask_again=True)
    with closing(sqlite3.connect(database)) as connection:
        found = dict(
            connection.execute(
                "select site, count(*) from documents join versions on document_id = id group by site"
            ).fetchall()
        )
        said = dict(connection.execute("select site, reason from sites").fetchall())
    assert found["y.example"] == 8
    assert "missing or damaged" in said["x.example"]
    assert report.status != "done"
