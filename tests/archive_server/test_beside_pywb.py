"""Our server beside an independent archive: the real pywb over the same WARC files."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest

from policy_archive.archive_server.server import ArchiveServer
from policy_archive.crawler.core.records import CdxRow

from ..support.patience import PATIENCE


@pytest.fixture(scope="module")
def asking() -> Iterator[httpx.Client]:
    with httpx.Client(headers={"user-agent": "test"}, timeout=PATIENCE) as client:
        yield client


def read_index(client: httpx.Client, pywb: str, site: str) -> set[tuple[str, str, str, str]]:
    """Return timestamp, address, status and digest of pywb's rows of a domain."""
    answer = client.get(f"{pywb}/cdx", params={"url": site, "matchType": "domain", "output": "json"})
    rows = [json.loads(line) for line in answer.text.splitlines()]
    # pywb leaves out the status of a revisit, the Wayback Machine writes `-`
    return {
        (row["timestamp"], row["url"], row.get("status", "-"), row["digest"].rpartition(":")[2])
        for row in rows
    }


@pytest.mark.parametrize(
    "site",
    ["tidelock.example", "copperlane.example", "hoshizora-bunko.example", "clausehaven.example"],
)
def test_both_indexes_list_the_same_captures(
    site: str, pywb_archive: str, demo_archive: ArchiveServer, asking: httpx.Client
) -> None:
    query = {"url": site, "matchType": "domain", "output": "json"}
    _, *ours = asking.get(f"{demo_archive.url}/cdx/search/cdx", params=query).json()
    theirs = read_index(asking, pywb_archive, site)
    assert len(ours) == len(theirs) > 0
    assert {(row[1], row[2], row[4], row[5]) for row in ours} == theirs


def test_both_archives_replay_the_same_bytes(
    pywb_archive: str, demo_archive: ArchiveServer, asking: httpx.Client
) -> None:
    rows = [row for row in demo_archive.archive.index.rows if row.statuscode != "301"][::3]
    assert len(rows) > 40
    for row in rows:
        ours = asking.get(f"{demo_archive.url}/web/{row.timestamp}id_/{row.original}")
        theirs = asking.get(f"{pywb_archive}/{row.timestamp}id_/{row.original}")
        assert_agree(row, ours, theirs)


def assert_agree(row: CdxRow, ours: httpx.Response, theirs: httpx.Response) -> None:
    assert ours.status_code == theirs.status_code, row
    assert ours.content == theirs.content, row
    assert ours.headers["memento-datetime"] == theirs.headers["memento-datetime"], row
    assert ours.headers.get("content-type") == theirs.headers.get("content-type"), row
