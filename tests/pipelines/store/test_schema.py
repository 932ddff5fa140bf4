"""Each table and column is documented, and nothing is documented that is not there."""

from __future__ import annotations

import re
from pathlib import Path

from policy_archive.pipelines.store.maintenance.dense import begin_dense
from policy_archive.pipelines.store.writer import Store

DOCUMENTED = Path(__file__).parents[3] / "docs" / "schema.md"
# of SQLite, of sqlite-utils, and the shadow tables of the full-text index
_INTERNAL = re.compile(r"sqlite_|_sqlite_migrations|texts_search_(data|idx|docsize|config)")


def test_every_table_and_column_is_documented(tmp_path: Path) -> None:
    with Store.open(tmp_path / "policies.db") as store:
        begin_dense(store.connection)  # a table more, which says so
        tables = store.connection.execute("select name from sqlite_master where type in ('table', 'view')")
        columns = {
            table: [column["name"] for column in store.connection.execute(f"pragma table_info({table})")]
            for (table,) in tables.fetchall()
            if not _INTERNAL.match(table)
        }
    sections = re.split(r"^## ", DOCUMENTED.read_text("utf-8").partition("\n# ")[0], flags=re.MULTILINE)[1:]
    documented = {
        section.split("\n", 1)[0]: re.findall(r"^\| `(\w+)` \| \S", section, flags=re.MULTILINE)
        for section in sections
    }
    assert documented.keys() == columns.keys()
    assert documented == columns


def test_the_contract_has_the_columns_that_were_promised(tmp_path: Path) -> None:
    promised = {"site", "kind", "url", "version", "first_captured", "last_captured", "changed_after"}
    promised |= {"timestamp", "title", "language", "words", "text_sha256", "text", "returns_to"}
    promised |= {"replay_url", "captures", "verified"}
    with Store.open(tmp_path / "policies.db") as store:
        columns = store.connection.execute("pragma table_info(policy_versions)")
        assert promised <= {column["name"] for column in columns}
