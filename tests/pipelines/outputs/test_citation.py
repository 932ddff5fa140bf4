"""Citations of versions and changes, read back by readers of each format."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import bibtexparser
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from policy_archive.cli import policy_archive
from policy_archive.crawler.core.errors import NotKnownError, UsageError
from policy_archive.crawler.core.urls import build_uri_m
from policy_archive.pipelines.outputs.citation import cite_version
from policy_archive.pipelines.store.writer import Store
from tests.support.synthetic import PRIVACY, URL, make_capture, make_reading, make_row, store_texts

MIDDLE = "20120601120000"
_OTHER = "http://127.0.0.1:8080/pol"


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return two versions of the public archive, then one of another archive."""
    path = tmp_path_factory.mktemp("corpus") / "policies.db"
    with Store.open(path) as store:
        store_texts(store, [("20110301000000", "One.\n"), (MIDDLE, "One. Two.\n")], title="Privacy at Calm")
        row = make_row("20180525")
        store.add_rows(PRIVACY, [row])
        elsewhere = build_uri_m(_OTHER, row.timestamp, row.original)
        store.record_capture(replace(make_capture(row), replay_url=elsewhere), make_reading("Three.\n"))
        store.fold_versions(PRIVACY)
    return path


def run(database: Path, *arguments: str) -> Result:
    words = ["cite", PRIVACY.site, *arguments, "--db", str(database)]
    return CliRunner().invoke(policy_archive, words, standalone_mode=False)


def _read_ris(text: str) -> dict[str, list[str]]:
    """Return the fields of a record as the format's description has them: tag, two blanks, dash, blank."""
    found: dict[str, list[str]] = {}
    assert text.endswith("ER  - \r\n")
    for line in text.split("\r\n")[:-1]:
        match = re.fullmatch(r"([A-Z][A-Z0-9])  - (.*)", line)
        assert match, line
        found.setdefault(match[1], []).append(match[2])
    assert next(iter(found)) == "TY"
    return found


def _read_bibtex(text: str) -> dict[str, str]:
    library = bibtexparser.parse_string(text)
    assert not library.failed_blocks
    (entry,) = library.entries
    fields = {field.key: str(field.value) for field in entry.fields}
    return {"ENTRYTYPE": entry.entry_type, "ID": entry.key, **fields}


def test_a_version_is_cited_with_all_that_proves_it_in_every_form(database: Path) -> None:
    (cited,) = json.loads(run(database, "--at", "2012-06-01", "--json").stdout)
    entry, ris, item = _read_bibtex(cited["bibtex"]), _read_ris(cited["ris"]), cited["csl_json"]
    assert (entry["ENTRYTYPE"], entry["year"], entry["month"], entry["day"]) == ("misc", "2012", "6", "1")
    assert (ris["TY"], ris["DA"], ris["UR"]) == (["ELEC"], ["2012/06/01"], [cited["url"]])
    assert entry["title"] == "{Privacy at Calm}" and ris["TI"] == ["Privacy at Calm"]
    assert item["issued"] == {"date-parts": [[2012, 6, 1]]}
    assert item["URL"] == cited["url"] == f"https://web.archive.org/web/{MIDDLE}/{URL}"
    digest = make_row(MIDDLE).digest
    for form in (cited["text"], entry["note"], item["note"], "; ".join(ris["N1"])):
        for fact in (f"sha1:{digest}", "sha256:", "test/1", "2011-03-01", "2012-06-01"):
            assert fact in form
    for form in (cited["text"], cited["archive"], entry["note"], item["archive"], *ris["DB"]):
        assert "Internet Archive Wayback Machine" in form
    assert cited["id"] == entry["ID"] == item["id"] == ris["ID"][0] == f"intently-example-privacy-{MIDDLE}"


@pytest.mark.parametrize("form", ["text", "bibtex", "csl-json", "ris"])
def test_each_form_is_printed_as_it_is(database: Path, form: str) -> None:
    (cited,) = json.loads(run(database, "--version", "2", "--json").stdout)
    shown = run(database, "--version", "2", "--format", form).stdout_bytes.decode()
    if form == "csl-json":
        assert json.loads(shown) == [cited["csl_json"]]
    else:
        assert shown.rstrip("\n") == cited[form].rstrip("\n")


def test_numbers_move_so_no_citation_holds_one(database: Path) -> None:
    for arguments in (["--version", "2"], ["--version", "2", "--change"]):
        assert not re.search(r"version 2|\bv2\b", run(database, *arguments).stdout)


def test_the_archive_named_is_the_one_that_was_asked(database: Path) -> None:
    (cited,) = json.loads(run(database, "--json").stdout)
    assert cited["archive"] == f"archive at {_OTHER}"
    assert cited["url"] == f"{_OTHER}/20180525000000/{URL}"
    words = ["show", PRIVACY.site, "--db", str(database)]
    shown = CliRunner().invoke(policy_archive, words, standalone_mode=False).stdout
    assert f"[original snapshot in the archive at {_OTHER}]({_OTHER}/20180525000000id_/{URL})" in shown
    assert "web.archive.org" not in shown


def test_a_change_is_cited_by_the_captures_on_both_sides(database: Path) -> None:
    text = run(database, "--version", "2", "--change").stdout
    assert "change of the privacy policy" in text
    assert "changed between 2011-03-01 and 2012-06-01: +1 -0 words" in text
    for stamp in ("20110301000000", MIDDLE):
        assert f"https://web.archive.org/web/{stamp}/{URL}, sha1:{make_row(stamp).digest}" in text


def test_a_capture_means_the_version_that_it_holds(database: Path) -> None:
    assert run(database, "--capture", MIDDLE).stdout == run(database, "--version", "2").stdout


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (("--version", "1", "--change"), NotKnownError, "no change is known before 2011-03-01"),
        (("--at", "2012-01-01"), NotKnownError, "was version 1 or version 2"),
        (("--capture", "20150101000000"), NotKnownError, "no capture of 20150101000000"),
        (("--at", "2012", "--version", "1"), UsageError, "give one of"),
    ],
)
def test_what_cannot_be_cited_gets_one_sentence(
    database: Path, arguments: tuple[str, ...], error: type, words: str
) -> None:
    result = run(database, *arguments)
    assert isinstance(result.exception, error)
    assert words in str(result.exception)


def test_a_digest_that_is_not_known_is_not_named(database: Path) -> None:
    with Store.open(database) as store:
        version = dict(store.connection.execute("select * from policy_versions where version = 1").fetchone())
    assert "sha1" not in cite_version(version, archived_digest="-").text


@given(
    title=st.text(alphabet="{}\\$%&#_~^\"'@,=\n ab", max_size=40), url=st.text(alphabet="{}\\ a/", max_size=9)
)
def test_no_title_and_no_address_breaks_the_entry(title: str, url: str) -> None:
    version = {
        **{"site": "calm.example", "kind": "privacy", "name": "", "timestamp": MIDDLE, "version": 2},
        **{
            "title": title,
            "replay_url": None,
            "archive": None,
            "origin": None,
            "url": f"http://calm.example/{url}",
            "changed_after": None,
        },
        **{"first_captured": "2012-06-01T12:00:00Z", "last_captured": "2012-06-01T12:00:00Z"},
        **{"text_sha256": "0" * 64, "extractor": "test_1"},
    }
    citation = cite_version(version, archived_digest="-")
    entry = _read_bibtex(citation.bibtex)
    assert entry["ID"] == f"calm-example-privacy-{MIDDLE}"
    assert set(entry) == {*"ENTRYTYPE ID author title howpublished year month day note".split()}
    assert json.loads(citation.csl_json)[0]["title"] == (" ".join(title.split()) or "Privacy policy")
    assert _read_ris(citation.ris)["TI"] == [" ".join(title.split()) or "Privacy policy"]
