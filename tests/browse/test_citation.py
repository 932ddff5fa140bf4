from __future__ import annotations

import json
import sqlite3

import bibtexparser
from hypothesis import given
from hypothesis import strategies as st

from policy_archive.browse.citation import cite_version
from policy_archive.browse.corpus import read_version
from tests.browse.conftest import MIDDLE, PRIVACY

_DIGEST = "3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ"


def _read_bibtex(text: str) -> dict[str, str]:
    library = bibtexparser.parse_string(text)
    assert not library.failed_blocks
    (entry,) = library.entries
    fields = {field.key: str(field.value) for field in entry.fields}
    return {"ENTRYTYPE": entry.entry_type, "ID": entry.key, **fields}


def test_a_version_is_cited_with_all_that_proves_it(connection: sqlite3.Connection) -> None:
    version = read_version(connection, PRIVACY, MIDDLE)
    citation = cite_version(version, archived_digest=_DIGEST)
    entry = _read_bibtex(citation.bibtex)
    assert (entry["ENTRYTYPE"], entry["year"], entry["month"], entry["day"]) == ("misc", "2012", "6", "1")
    assert entry["title"] == "{Privacy at Calm}"
    (item,) = json.loads(citation.csl_json)
    assert item["issued"] == {"date-parts": [[2012, 6, 1]]}
    assert item["URL"] == f"https://web.archive.org/web/{MIDDLE}/https://calm.example/privacy"
    for form in (citation.text, entry["note"], item["note"]):
        for fact in (f"sha1:{_DIGEST}", version["text_sha256"], "test/1", "2011-03-01", "2012-06-01"):
            assert fact in form
    assert item["URL"] in citation.text
    assert item["URL"] in entry["howpublished"]


def test_a_digest_that_is_not_known_is_not_named(connection: sqlite3.Connection) -> None:
    citation = cite_version(read_version(connection, PRIVACY, MIDDLE), archived_digest="-")
    assert "sha1" not in citation.text


@given(
    title=st.text(alphabet="{}\\$%&#_~^\"'@,=\n ab", max_size=40), url=st.text(alphabet="{}\\ a/", max_size=9)
)
def test_no_title_and_no_address_breaks_the_entry(title: str, url: str) -> None:
    version = {
        **{"site": "calm.example", "kind": "privacy", "name": "", "timestamp": MIDDLE, "version": 2},
        **{"title": title, "replay_url": None, "url": f"http://calm.example/{url}", "changed_after": None},
        **{"first_captured": "2012-06-01T12:00:00Z", "last_captured": "2012-06-01T12:00:00Z"},
        **{"text_sha256": "0" * 64, "extractor": "test_1"},
    }
    citation = cite_version(version, archived_digest="-")
    entry = _read_bibtex(citation.bibtex)
    assert entry["ID"] == "calm-example-privacy-20120601"
    assert set(entry) == {*"ENTRYTYPE ID author title howpublished year month day note".split()}
    assert json.loads(citation.csl_json)[0]["title"] == (" ".join(title.split()) or "Privacy policy")
