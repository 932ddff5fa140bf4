"""docs/reliability.md and docs/archive-client.md name tests: each must be there."""

from __future__ import annotations

import re

import pytest

from tests.support.processes import ROOT

NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


@pytest.mark.parametrize("name", ["reliability.md", "archive-client.md"])
def test_every_test_that_the_list_names_exists(name: str) -> None:
    named = NAMED.findall((ROOT / "docs" / name).read_text("utf-8"))
    assert len(named) > 50
    missing = [
        f"{path}::{test}"
        for path, test in named
        if not re.search(rf"^(async )?def {test}\(", (ROOT / path).read_text("utf-8"), flags=re.MULTILINE)
    ]
    assert missing == []


def test_every_row_of_the_list_names_a_test() -> None:
    text = (ROOT / "docs" / "reliability.md").read_text("utf-8")
    rows = [line for line in text.split("## The list")[1].splitlines() if line.startswith("| ")][1:]
    assert len(rows) >= 25
    assert [row for row in rows if not NAMED.search(row)] == []


def test_every_attack_has_its_row_and_every_row_a_test() -> None:
    text = (ROOT / "docs" / "reliability.md").read_text("utf-8")
    table = text.split("## Attacks, row by row")[1].split("## ")[0]
    rows = {line.split("|")[1].strip(): line for line in table.splitlines() if re.match(r"\| [A-Z]", line)}
    expected = [f"F{number}" for number in range(1, 21)] + [f"H{number}" for number in range(1, 20)]
    assert [name for name in rows if name[0] in "FH"] == expected
    assert {"L", "S", "N1", "N2", "N3", "N4"} <= set(rows)
    assert [row for row in rows.values() if not NAMED.search(row)] == []
