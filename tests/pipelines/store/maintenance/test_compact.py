"""What compacting does to the file as a whole."""

from __future__ import annotations

from pathlib import Path

from policy_archive.pipelines.store.maintenance.compact import give_back_space
from policy_archive.pipelines.store.maintenance.verify import iter_steps, list_checks
from policy_archive.pipelines.store.search import SearchFilters, search_versions
from policy_archive.pipelines.store.writer import Store

from ....support.synthetic import store_texts


def test_the_search_of_a_compacted_file_is_one_piece_and_finds_the_same(tmp_path: Path) -> None:
    with Store.open(tmp_path / "policies.db") as store:
        words = "geese hens emus ducks swans larks wrens owls".split()
        for number in range(40):
            text = f"We keep {words[number % 8]} and {number} others.\n"
            store_texts(store, [(f"{2001 + number // 12}{number % 12 + 1:02}01", text)])
        connection = store.connection
        pieces = "select count(distinct segid) from texts_search_idx"
        assert connection.execute(pieces).fetchone()[0] > 1

        def find() -> list[list[tuple[int, str]]]:
            found = (search_versions(connection, word, SearchFilters(), limit=50) for word in words)
            return [[(row["version"], row["text_sha256"]) for row in result.rows] for result in found]

        before = find()
        give_back_space(connection)
        assert connection.execute(pieces).fetchone()[0] == 1
        assert find() == before and all(before)
        assert not [step.fault for step in iter_steps(connection, list_checks()) if step.fault]
