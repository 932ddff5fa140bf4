"""The demo archive is what its sources say, and it is served whole."""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import io
import json
import sys
from base64 import b32encode
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pypdf
import pytest

from policy_archive.archive_server.server import ArchiveServer
from policy_archive.crawler.core.records import EMPTY_BODY_DIGEST
from policy_archive.data import DATA

DEMO = DATA / "demo"
WARCS = sorted(DEMO.glob("*.warc.gz"))
TRUTH: dict[str, Any] = json.loads((DEMO / "truth.json").read_text("utf-8"))
DOCUMENTS = [
    pytest.param(site["site"], document, id=f"{site['site']}-{document['kind']}")
    for site in TRUTH["sites"]
    for document in site["documents"]
]


@pytest.fixture(scope="module")
def demo() -> Iterator[ArchiveServer]:
    with ArchiveServer(WARCS) as server:
        yield server


@pytest.fixture(scope="module")
def asking(demo: ArchiveServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=demo.url, headers={"user-agent": "test"}) as client:
        yield client


def test_building_again_gives_the_same_archive(tmp_path: Path) -> None:
    _load_build().build(tmp_path)
    assert sorted(path.name for path in tmp_path.glob("*.warc.gz")) == [path.name for path in WARCS]
    for path in WARCS:
        # unpacked: another zlib may pack the same records otherwise
        assert gzip.decompress((tmp_path / path.name).read_bytes()) == gzip.decompress(path.read_bytes())
    for name in ("truth.json", "sites.txt"):
        assert (tmp_path / name).read_bytes() == (DEMO / name).read_bytes()


def _load_build() -> Any:
    spec = importlib.util.spec_from_file_location("demo_build", DEMO / "build.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["demo_build"] = module  # where dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_the_archive_is_small_and_holds_the_promised_mess(demo: ArchiveServer) -> None:
    rows = demo.archive.index.rows
    assert sum(path.stat().st_size for path in WARCS) < 1_500_000
    assert len(WARCS) >= 5
    assert len(rows) == sum(site["captures"] for site in TRUTH["sites"])
    assert all(site["captures"] >= 8 for site in TRUTH["sites"])
    assert {"200", "301", "302", "403", "404", "429", "503", "-"} <= {row.statuscode for row in rows}
    assert {"text/html", "application/pdf", "warc/revisit"} <= {row.mimetype for row in rows}


def test_every_capture_replays_and_has_the_digest_of_its_row(
    demo: ArchiveServer, asking: httpx.Client
) -> None:
    for row in demo.archive.index.rows:
        answer = asking.get(f"/web/{row.timestamp}id_/{row.original}")
        assert answer.headers["memento-datetime"], row
        assert b32encode(hashlib.sha1(answer.content).digest()).decode() == row.digest, row
        assert answer.content or row.digest == EMPTY_BODY_DIGEST


@pytest.mark.parametrize(("site", "document"), DOCUMENTS)
def test_neighbouring_versions_differ_and_each_is_in_the_index(
    site: str, document: dict[str, Any], demo: ArchiveServer
) -> None:
    versions = document["versions"]
    assert len(versions) >= 2
    assert all(one["text"] != other["text"] for one, other in pairwise(versions))
    assert len({_read_source(site, version["text"]) for version in versions}) == len(
        {version["text"] for version in versions}
    )
    timestamps = {row.timestamp for row in demo.archive.index.rows}
    assert {version["first"] for version in versions} | {
        version["last"] for version in versions
    } <= timestamps


def _read_source(site: str, text: str) -> str:
    _, content = _load_build().read_content(DEMO / "sites" / site, text)
    return str(content)


def test_the_pdf_capture_is_a_pdf_with_a_text_layer(demo: ArchiveServer, asking: httpx.Client) -> None:
    row = next(row for row in demo.archive.index.rows if row.mimetype == "application/pdf")
    body = asking.get(f"/web/{row.timestamp}id_/{row.original}").content
    text = pypdf.PdfReader(io.BytesIO(body)).pages[0].extract_text()
    assert "Allgemeine Geschäftsbedingungen" in text
    assert "§ 3 Preise und Versand" in text


def test_an_old_page_has_the_quotes_of_windows_1252_and_says_another_charset(
    demo: ArchiveServer, asking: httpx.Client
) -> None:
    row = next(row for row in demo.archive.index.rows if row.original.endswith("/datenschutz.html"))
    answer = asking.get(f"/web/{row.timestamp}id_/{row.original}")
    assert answer.headers["content-type"] == "text/html"
    assert "500 € holen" in answer.content.decode("windows-1252")
