"""What nothing of ours can have written into a database: verify names it, merge takes none of it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from policy_archive.crawler.core.errors import StoreError
from policy_archive.pipelines.store.connection import open_reader
from policy_archive.pipelines.store.maintenance.merge import attach
from policy_archive.pipelines.store.maintenance.values import look_at_values
from policy_archive.pipelines.store.writer import Store
from tests.support.synthetic import store_texts

DAMAGED = {
    "update sites set outcome = 'fóund'": "unknown-word sites.outcome",
    "update documents set kind = 'privacz' where kind = 'privacy'": "unknown-word documents.kind",
    "update documents set owner = ''": "unknown-word documents.owner",
    "insert into addresses select id, 'a', 'b', 'hearsay', '', 1.0, null, null from documents": (
        "unknown-word addresses.source"
    ),
    "update captures set page_class = 'page'": "unknown-word captures.page_class",
    "update runs set status = 'dine'": "unknown-word runs.status",
    "update versions set class = 'big'": "unknown-word versions.class",
    "update extractions set stated_dates = '[{]'": "no-json extractions.stated_dates",
    "update extractions set line_places = '(0)'": "no-json extractions.line_places",
    "update versions set change = '{\"x\"'": "no-json versions.change",
    "update captures set timestamp = '2012-01-01'": "no-timestamp captures.timestamp",
    "update versions set changed_after = ''": "no-timestamp versions.changed_after",
    "update documents set name = 'of another'": "id-of-another",
    "update captures set original = 'http://elsewhere.example/'": "id-of-another",
}


@pytest.fixture
def shard(tmp_path: Path) -> Path:
    with Store.open(tmp_path / "shard.db") as store:
        run = store.start_run("fetch", {})
        store_texts(store, [(f"201{year}0101000000", f"# Privacy\n\nOf {year}.\n" * 9) for year in range(5)])
        assert run
    return tmp_path / "shard.db"


def test_what_we_write_is_sound(shard: Path) -> None:
    with closing(open_reader(shard)) as reader:
        assert [fault for fault in look_at_values(reader) if fault] == []


@pytest.mark.parametrize(("damage", "named"), DAMAGED.items())
def test_each_is_named_and_refused(shard: Path, tmp_path: Path, damage: str, named: str) -> None:
    with closing(sqlite3.connect(shard)) as connection, connection:
        assert connection.execute(damage).rowcount
    with closing(open_reader(shard)) as reader:
        faults = [fault for fault in look_at_values(reader) if fault]
    assert any(f"{fault.fault} {fault.id}".startswith(named) for fault in faults), faults

    with (
        Store.open(tmp_path / "whole.db") as whole,
        pytest.raises(StoreError, match="damaged"),
        attach(whole, shard),
    ):
        raise AssertionError("a damaged shard was attached")
    with closing(open_reader(tmp_path / "whole.db")) as reader:
        assert reader.execute("select count(*) from captures").fetchone()[0] == 0
