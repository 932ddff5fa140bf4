"""What is known of rows before any plan: which may hold a text, and what equal digests prove."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from policy_archive.crawler.core.records import EMPTY_BODY_DIGEST, CdxRow, KnownCapture, Outcome, RowState
from policy_archive.crawler.planning.timeline import build_timeline, judge_by_index

PAGE = CdxRow(
    urlkey="org,example)/privacy",
    timestamp="20150101000000",
    original="https://example.org/privacy",
    mimetype="text/html",
    statuscode="200",
    digest="A" * 32,
    length=5000,
)


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({}, None),
        ({"mimetype": "warc/revisit", "statuscode": "-"}, None),
        ({"mimetype": "unk", "statuscode": "-"}, None),
        ({"mimetype": "application/pdf"}, None),
        ({"mimetype": "application/xhtml+xml"}, None),
        ({"statuscode": "301"}, RowState.REDIRECT),
        ({"statuscode": "302", "mimetype": "warc/revisit"}, RowState.REDIRECT),
        ({"statuscode": "404"}, RowState.ERROR_PAGE),
        ({"statuscode": "503"}, RowState.ERROR_PAGE),
        ({"mimetype": "image/png"}, RowState.NOT_TEXT),
        ({"mimetype": "text/css"}, RowState.NOT_TEXT),
        ({"mimetype": "application/zip"}, RowState.NOT_TEXT),
        ({"digest": EMPTY_BODY_DIGEST, "statuscode": "-", "mimetype": "warc/revisit"}, RowState.REDIRECT),
        ({"digest": EMPTY_BODY_DIGEST}, None),
    ],
    ids=str,
)
def test_the_index_alone_rules_out(fields: dict[str, str], state: RowState | None) -> None:
    decision = judge_by_index(replace(PAGE, **fields))  # type: ignore[arg-type]

    assert (decision.state if decision else None) == state


def test_a_revisit_holds_the_text_of_the_capture_that_it_repeats() -> None:
    revisit = replace(PAGE, timestamp="20160101000000", mimetype="warc/revisit", statuscode="-", length=400)
    fetched = KnownCapture(row=PAGE, outcome=Outcome.TEXT, text_sha256="t", stated_days=(date(2015, 1, 1),))

    timeline = build_timeline([KnownCapture(row=revisit), fetched])

    assert [spot.text for spot in timeline.spots] == ["t", "t"]
    assert [spot.size for spot in timeline.spots] == [5000, 5000]
    assert timeline.decisions[revisit].state is RowState.SAME_DIGEST
    assert timeline.decisions[revisit].same_as == PAGE


def test_an_equal_digest_shares_junk_but_no_failure_of_replay() -> None:
    later = replace(PAGE, timestamp="20160101000000")

    def timeline_after(outcome: Outcome) -> list[bool]:
        spots = build_timeline([KnownCapture(row=PAGE, outcome=outcome), KnownCapture(row=later)]).spots
        return [spot.has_no_text for spot in spots]

    assert timeline_after(Outcome.NOT_A_POLICY) == [True, True]
    assert timeline_after(Outcome.NOT_ARCHIVED) == [True, False]


@pytest.mark.parametrize("digest", [EMPTY_BODY_DIGEST, "-", ""])
def test_some_digests_prove_nothing(digest: str) -> None:
    first, later = (replace(PAGE, digest=digest, timestamp=f"{year}0101000000") for year in (2015, 2016))
    fetched = KnownCapture(row=first, outcome=Outcome.TEXT, text_sha256="t")

    timeline = build_timeline([fetched, KnownCapture(row=later)])

    assert [spot.text for spot in timeline.spots] == ["t", None]
    assert later not in timeline.decisions


def test_of_rows_with_one_digest_the_earliest_is_asked() -> None:
    rows = [replace(PAGE, timestamp=f"{year}0101000000") for year in (2017, 2015, 2016)]

    timeline = build_timeline([KnownCapture(row=row) for row in rows])

    assert {timeline.representative(spot).timestamp[:4] for spot in timeline.spots} == {"2015"}
