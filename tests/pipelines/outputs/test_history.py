"""What a history says of the dates that a policy states of itself."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from policy_archive.pipelines.outputs.history import iter_lines, read_history
from policy_archive.pipelines.store.connection import open_reader
from policy_archive.pipelines.store.writer import Store
from tests.support.synthetic import PRIVACY, make_capture, make_reading, make_row


def test_a_text_that_changes_under_the_same_date_was_edited_silently(tmp_path: Path) -> None:
    stated = [("20180601", "one", date(2018, 5, 25)), ("20190101", "two", date(2018, 5, 25))]
    stated += [("20200601", "three", date(2018, 12, 1))]
    with Store.open(tmp_path / "p.db") as store:
        store.add_document(PRIVACY)
        for timestamp, text, day in stated:
            row = make_row(timestamp)
            store.add_rows(PRIVACY, [row])
            store.record_capture(make_capture(row), make_reading(text, stated=day))
        store.fold_versions(PRIVACY)
    history = read_history(open_reader(tmp_path / "p.db"), PRIVACY)
    assert [row["date_kept"] for row in history] == [False, True, False]
    assert [line["Stated"] for line in iter_lines(history)] == [
        "2018-05-25",
        "2018-05-25 (date kept: edited silently)",
        "2018-12-01 (a day before it was seen to change)",
    ]
