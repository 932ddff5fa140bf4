from __future__ import annotations

import shutil
import sqlite3
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from lxml import html

from policy_archive.browse.metadata import QUERIES
from policy_archive.cli import policy_archive
from tests.browse.conftest import OLD, SITE
from tests.support.asking import HOME, ask, ask_one, get_when_ready, serve

_ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def other_database(tmp_path: Path) -> Path:
    path = tmp_path / "dogs.db"
    with sqlite3.connect(path) as connection:
        connection.execute("create table captures (id integer primary key, name text)")
    return path


def test_datasettes_front_page_leads_to_the_policies(database: Path) -> None:
    front, tables = ask(database, "/", f"/{database.stem}")
    for answer in (front, tables):
        assert f'href="{HOME}"' in answer.text
        assert "Read, search and compare the policies" in answer.text


def test_rows_lead_to_our_pages_and_hold_no_whole_policy(database: Path, other_database: Path) -> None:
    table, query, theirs = ask(
        [database, other_database],
        f"/{database.stem}/policy_versions?site={SITE}&kind=privacy&name=",
        f"/{database.stem}/in_force_on?day=2012-06-02&site={SITE}&kind=privacy",
        "/dogs/captures",
    )
    cells = html.fromstring(table.content).xpath("//tbody/tr[1]/td")
    by_column = {cell.get("class").split()[0].removeprefix("col-"): cell for cell in cells}
    links = {name: cell.xpath(".//a/@href") for name, cell in by_column.items()}
    version = f"{HOME}/{SITE}/privacy/{OLD}"
    assert links["site"] == [f"{HOME}/{SITE}"] and links["kind"] == [f"{HOME}/{SITE}#privacy"]
    assert links["version"] == links["timestamp"] == links["text"] == [version]
    assert len(by_column["text"].text_content()) < 200
    assert f"{HOME}/{SITE}" in query.text
    assert "policies.css" not in theirs.text and "tables.css" not in theirs.text
    # as data the text is whole
    (row,) = ask_one(
        database,
        f"/{database.stem}/policy_versions.json?_shape=array&site={SITE}&timestamp={OLD}&kind=privacy",
    ).json()
    assert row["text"].endswith("Write to the keeper of the harbour.\n") and row["site"] == SITE


def test_a_hostile_row_is_words(hostile_database: Path) -> None:
    page = html.fromstring(ask_one(hostile_database, f"/{hostile_database.stem}/policy_versions").content)
    assert page.xpath("//tbody//a") and not page.xpath("//tbody//img | //tbody//script | //tbody//b")


def test_tables_that_people_need_are_named_first(database: Path) -> None:
    page = html.fromstring(ask_one(database, f"/{database.stem}").content)
    starts = page.xpath("//p[starts-with(., 'Tables to start with')]/a/@href")
    answers = ask(database, *map(str, starts))
    assert len(answers) == 4 and all(answer.status_code == 200 for answer in answers)
    shown = {str(text) for text in page.xpath("//h2/a/text() | //h3/a/text()")}
    assert {"documents", "captures"} <= shown
    assert not {"outbox", "looks", "text_runs", "index_answers", "texts_search_content"} & shown


def test_tables_tell_what_their_columns_are(database: Path) -> None:
    answer = ask_one(database, f"/{database.stem}/policy_versions")
    assert "Number of the earliest version with the same text; null when it is new." in answer.text
    captures = ask_one(database, f"/{database.stem}/captures?_facet=outcome")
    assert "Compressed bytes on the archive&#39;s disk" in captures.text


def test_every_canned_query_has_a_title_and_answers(database: Path) -> None:
    paths = [f"/{database.stem}/{name}.json?day=2012-06-01&_shape=objects" for name in QUERIES]
    answers = dict(zip(QUERIES, ask(database, *paths), strict=True))
    assert all(answer.status_code == 200 and answer.json()["ok"] for answer in answers.values())
    assert all(query["title"] and query["description"] for query in QUERIES.values())
    assert answers["in_force_on"].json()["rows"][0]["version"] == 2
    assert answers["texts_that_came_back"].json()["rows"][0]["returns_to"] == 1


def test_the_data_are_had_as_json_and_csv(database: Path) -> None:
    json_answer, csv_answer = ask(
        database,
        f"/{database.stem}/policy_versions.json?_shape=array&site={SITE}&_col=version",
        f"/{database.stem}/policy_versions.csv?_col=site&_size=max",
    )
    assert len(json_answer.json()) == 5
    assert csv_answer.text.splitlines()[0].startswith("site")


def test_tables_of_a_corpus_load_nothing_from_elsewhere(database: Path, other_database: Path) -> None:
    ours, theirs, ours_beside = ask(
        [database, other_database],
        f"/{database.stem}/policy_versions",
        f"/{other_database.stem}/captures",
        f"/{database.stem}",
    )
    for answer in (ours, ours_beside):
        assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "content-security-policy" not in theirs.headers


def test_other_databases_are_left_as_they_are(database: Path, other_database: Path) -> None:
    policies, table, queries = ask(
        [other_database, database], HOME, f"/{other_database.stem}/captures", f"/{other_database.stem}"
    )
    assert f"{HOME}/{SITE}" in policies.text
    assert "Every row that the index gave" not in table.text
    assert "Changes per year" not in queries.text


def test_without_a_corpus_there_is_a_sentence(other_database: Path) -> None:
    answer = ask_one(other_database, HOME)
    assert (answer.status_code, "No policy database is open." in answer.text) == (404, True)


def test_robots_are_asked_to_stay_away(database: Path) -> None:
    robots, page = ask(database, "/robots.txt", HOME)
    assert "Disallow: /" in robots.text
    assert '<meta name="robots" content="noindex">' in page.text


def test_browse_is_ready_and_does_not_hold_the_file(database: Path) -> None:
    with serve(sys.executable, "-m", "policy_archive", "browse", "--db", database, "--port", "0") as base:
        assert SITE in get_when_ready(f"{base}{HOME}").text
        told = get_when_ready(f"{base}/-/databases.json").json()
        (opened,) = told["databases"] if isinstance(told, dict) else told  # 1.0 wraps it
        assert opened["is_mutable"] is True


def test_plain_datasette_takes_the_plugin_once(database: Path) -> None:
    datasette = Path(sys.executable).with_name("datasette")
    plugins = _ROOT / "browse" / "plugins"
    with serve(datasette, database, "--plugins-dir", plugins, "--port", "0", "-h", "127.0.0.1") as base:
        assert get_when_ready(f"{base}{HOME}/{SITE}/privacy/{OLD}").status_code == 200
        assert get_when_ready(base).text.count(f'<a href="{HOME}">Policies</a>') == 1


@pytest.fixture
def dense_database(database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the calm corpus, its texts packed."""
    monkeypatch.setenv("POLICY_ARCHIVE_STATE", str(tmp_path / "state"))
    path = Path(shutil.copy(database, tmp_path / "packed.db"))
    done = CliRunner().invoke(policy_archive, ["compact", "--dense", "--db", str(path)])
    assert done.exit_code == 0, done.output
    return path


def test_a_dense_file_is_browsed_as_any_other_and_says_what_it_is(
    database: Path, dense_database: Path
) -> None:
    paths = (f"{HOME}/{SITE}/privacy/{OLD}", f"{HOME}/-/search?q=harbour", f"{HOME}/-/phrase?q=harbour")
    plain = ask(database, *paths)
    for before, now in zip(plain, ask(dense_database, *paths), strict=True):
        assert before.status_code == now.status_code == 200
        assert now.text.replace("/packed", f"/{database.stem}") == before.text
    front, tables, notice, rows = ask(
        dense_database,
        "/",
        "/packed",
        "/packed/read_me_first",
        f"/packed/policy_versions.json?_shape=array&site={SITE}&timestamp={OLD}&kind=privacy",
    )
    for page in (front, tables):
        assert "The texts of packed.db are packed" in page.text
        assert 'href="/packed/read_me_first"' in page.text
    assert "compact --readable" in notice.text
    assert rows.json()[0]["text"].endswith("Write to the keeper of the harbour.\n")
    assert "are packed" not in ask_one(database, "/").text


# by this mark Datasette knows its own tests, and loads no plugin that is installed
_ALONE = "import sys; sys._called_from_test = True; from datasette.cli import cli; cli()"


def test_datasette_alone_says_why_the_texts_of_a_dense_file_are_not_shown(dense_database: Path) -> None:
    datasette = (sys.executable, "-c", _ALONE, "serve")
    with serve(*datasette, dense_database, "--port", "0", "-h", "127.0.0.1") as base:
        table = get_when_ready(f"{base}/packed/policy_versions")
        assert (table.status_code, HOME in table.text) == (400, False)
        assert "this text is packed" in table.text and "the table read_me_first" in table.text
        others = get_when_ready(f"{base}/packed.json?sql=select+version,words+from+policy_versions")
        assert others.status_code == 200 and others.json()["rows"]
        assert "read_me_first" in get_when_ready(f"{base}/packed").text


def test_the_plugins_folder_has_the_packed_texts_read(dense_database: Path) -> None:
    datasette, plugins = (sys.executable, "-c", _ALONE, "serve"), _ROOT / "browse" / "plugins"
    with serve(
        *datasette, dense_database, "--plugins-dir", plugins, "--port", "0", "-h", "127.0.0.1"
    ) as base:
        assert "keeper of the harbour" in get_when_ready(f"{base}{HOME}/{SITE}/privacy/{OLD}").text
