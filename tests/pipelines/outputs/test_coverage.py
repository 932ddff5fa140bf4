"""What became of a document, month by month."""

from __future__ import annotations

import pytest

from policy_archive.crawler.core.records import Outcome
from policy_archive.pipelines.outputs.coverage import MonthState, list_months


@pytest.mark.parametrize("outcome", Outcome)
def test_a_month_says_that_a_page_was_read_only_when_it_was(outcome: Outcome) -> None:
    row = {"timestamp": "20180101000000", "state": "fetched", "outcome": outcome.value}
    (month,) = list_months([row], [])
    if outcome.is_unseen or outcome.is_accident:
        assert month["state"] is MonthState.FAILED
    else:
        assert month["state"] is (MonthState.TEXT if outcome.is_text else MonthState.NOT_A_TEXT)
