"""changes: what is new since a day, since the last look, as a feed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from policy_archive.cli import policy_archive
from policy_archive.crawler.core.errors import NotKnownError, UsageError
from policy_archive.crawler.core.records import Document, Kind
from policy_archive.pipelines.store.writer import Store
from tests.support.synthetic import store_texts

OTHER = Document(site="other.example", kind=Kind.TERMS)
ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "policies.db"
    with Store.open(path) as store:
        store_texts(store, [("20180101", "One.\n"), ("20190601", "One and two.\n")])
        store_texts(store, [("20180201", "Terms.\n")], document=OTHER, title="=1+1 <b>&")
    return path


def run(database: Path, *arguments: str) -> Result:
    command = ["changes", *arguments, "--db", str(database)]
    return CliRunner().invoke(policy_archive, command, standalone_mode=False)


def shown(database: Path, *arguments: str) -> list[tuple[str, int]]:
    result = run(database, *arguments, "--json")
    assert result.exception is None, result.exception
    return [(row["site"], row["version"]) for row in json.loads(result.stdout)]


def test_a_date_means_the_day_of_capture(database: Path) -> None:
    assert shown(database, "--since", "2018-02") == [("intently.example", 2), ("other.example", 1)]
    assert shown(database, "--since", "2019") == [("intently.example", 2)]
    assert shown(database, "--since", "2020") == []
    assert shown(database) == [("intently.example", 2), ("other.example", 1), ("intently.example", 1)]


def test_a_site_is_chosen(database: Path) -> None:
    assert shown(database, "https://www.other.example/x") == [("other.example", 1)]
    assert isinstance(run(database, "unknown.example").exception, NotKnownError)
    assert isinstance(run(database, "--since", "soon").exception, UsageError)


def test_each_version_is_shown_once_since_the_last_look(database: Path) -> None:
    assert len(shown(database, "--since", "last")) == 3
    assert shown(database, "--since", "last") == []
    with Store.open(database) as store:
        store_texts(store, [("20100101", "Found late.\n")])
    assert shown(database, "--since", "last") == [("intently.example", 1)]
    assert shown(database, "--since", "last") == []


def test_a_look_at_one_site_is_not_a_look_at_the_others(database: Path) -> None:
    assert len(shown(database, "other.example", "--since", "last")) == 1
    assert len(shown(database, "--since", "last")) == 3
    assert shown(database, "other.example", "--since", "last") == []


def test_the_table_tells_interval_and_gist(database: Path) -> None:
    out = run(database, "--since", "2019").stdout
    assert "2018-01-01 and 2019-06-01" in out
    assert "intently.example" in out
    assert "% of the text" in out or "rewritten" in out
    assert "Nothing new." in run(database, "--since", "2020").stderr


def test_the_feed_is_well_formed_whatever_a_title_says(database: Path, tmp_path: Path) -> None:
    feed = tmp_path / "feeds" / "changes.atom"
    result = run(database, "--atom", str(feed))
    assert "3 versions" in result.stderr
    root = ElementTree.parse(feed).getroot()
    titles = [entry.findtext(f"{ATOM}title") for entry in root.iter(f"{ATOM}entry")]
    assert len(titles) == 3
    assert "other.example terms of service, version 1: =1+1 <b>&" in titles
    updated = [entry.findtext(f"{ATOM}updated") for entry in root.iter(f"{ATOM}entry")]
    assert updated == sorted(updated, reverse=True)
    before = feed.read_bytes()
    links = [entry.find(f"{ATOM}link").get("href") for entry in root.iter(f"{ATOM}entry")]
    assert all(re.search(r"/web/\d{14}/https?://", link) for link in links), (
        "people want the page, not its bytes"
    )
    assert "as before" in run(database, "--atom", str(feed)).stderr
    assert feed.read_bytes() == before


def test_entries_of_a_feed_quote_what_changed(tmp_path: Path) -> None:
    path = tmp_path / "quoted.db"
    with Store.open(path) as store:
        old = "## Sharing\n\nWe keep it <b>here</b>. We share it with nobody.\n"
        store_texts(store, [("20180101", old), ("20190101", old.replace("nobody", "<i>partners</i>"))])
    run(path, "--atom", str(tmp_path / "feed.atom"))
    root = ElementTree.parse(tmp_path / "feed.atom").getroot()
    contents = [element.text for element in root.iter(f"{ATOM}content")]
    (content,) = contents
    assert content is not None and "<p>In “Sharing”:</p>" in content
    assert "<blockquote><del>We share it with nobody.</del></blockquote>" in content
    assert "<blockquote><ins>We share it with &lt;i&gt;partners&lt;/i&gt;.</ins></blockquote>" in content


def test_a_feed_and_rows_at_once_are_refused(database: Path, tmp_path: Path) -> None:
    assert isinstance(run(database, "--atom", str(tmp_path / "x"), "--json").exception, UsageError)


def test_csv_cells_run_no_formula(database: Path) -> None:
    assert ",'=1+1 <b>&," in run(database, "--csv").stdout
