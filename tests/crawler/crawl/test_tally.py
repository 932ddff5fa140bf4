"""A run is counted by one hand: the spiders and sites say what happened, the tally keeps the numbers."""

from __future__ import annotations

import ast
from pathlib import Path

from policy_archive.crawler.core.records import Document, Kind, Outcome, ReadCapture, RowState
from policy_archive.crawler.core.vocabularies import SiteOutcome
from policy_archive.crawler.crawl.run import Tally

from ...support.synthetic import make_capture, make_reading, make_row

ROOT = Path(__file__).resolve().parents[3]


def test_captures_are_counted_by_what_came_of_them() -> None:
    tally = Tally()
    row = make_row("20180101")
    tally.note_planned(3)
    tally.note_capture(ReadCapture(capture=make_capture(row), reading=make_reading("We collect things.\n")))
    tally.note_capture(ReadCapture(capture=make_capture(row, outcome=Outcome.REDIRECT), reading=None))
    home = Document(site="intently.example", kind=Kind.HOME)
    tally.note_capture(
        ReadCapture(capture=make_capture(row, document=home, outcome=Outcome.HOME), reading=None)
    )
    assert (tally.planned, tally.fetched, tally.homes, tally.fetched_as_planned) == (3, 3, 1, 2)
    assert tally.outcomes == {Outcome.TEXT: 1, Outcome.REDIRECT: 1, Outcome.HOME: 1}


def test_documents_sites_and_problems_add_up() -> None:
    tally = Tally()
    tally.note_document(versions=2, states={RowState.FETCHED: 5, RowState.BRACKETED: 3})
    tally.note_document(versions=1, states={RowState.FETCHED: 1})
    tally.note_site(SiteOutcome.FOUND)
    tally.note_site(None)
    tally.note_malformed(4)
    tally.note_requests(index=2, replay=9)
    tally.note_problem("the index was cut")
    assert (tally.documents, tally.versions, tally.listed) == (2, 3, 9)
    assert tally.states == {RowState.FETCHED: 6, RowState.BRACKETED: 3}
    assert (tally.sites_done, tally.site_outcomes) == (2, {SiteOutcome.FOUND: 1})
    assert (tally.malformed, tally.index_requests, tally.replay_requests) == (4, 2, 9)
    assert tally.problems == ["the index was cut"]


CHANGING = ("append", "extend", "update", "clear")


def writes(node: ast.AST) -> list[str]:
    """Return what a statement writes into something called tally."""
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AugAssign):
        targets = [node.target]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CHANGING:
        targets = [node.func.value]
    return [text for target in targets if "tally." in (text := ast.unparse(target))]


def test_nobody_writes_into_the_tally_but_its_own_methods() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {text}"
        for room in ("crawler", "pipelines")
        for path in (ROOT / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        for text in writes(node)
    ]
    assert found == []
    assert writes(ast.parse("self.tally.problems.append('x')").body[0].value) == ["self.tally.problems"]  # type: ignore[attr-defined]
    assert writes(ast.parse("self.tally.outcomes[outcome] += 1").body[0]) == ["self.tally.outcomes[outcome]"]
