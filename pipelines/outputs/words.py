"""What is printed for the values that the database stores: one table, beside which the glossary stands."""

from __future__ import annotations

from collections.abc import Mapping

from policy_archive.crawler.core.stored import Outcome, RowState

STATES: Mapping[RowState, str] = {
    RowState.PENDING: "still to be fetched",
    RowState.FETCHED: "fetched",
    RowState.SAME_DIGEST: "same bytes as another capture",
    RowState.BRACKETED: "same text before and after",
    RowState.NARROW: "inside a change that is dated closely enough",
    RowState.ERROR_PAGE: "an error page, says the index",
    RowState.REDIRECT: "a redirect, says the index",
    RowState.NOT_TEXT: "not a text, says the index",
    RowState.UNPLANNED: "not asked for: --plan, --from, --to or a limit left it out",
}
"""Of an index row: what became of it."""

OUTCOMES: Mapping[Outcome, str] = {
    Outcome.TEXT: "a text",
    Outcome.INCOMPLETE_TEXT: "a text, words of its page missing",
    Outcome.HOME: "a home page",
    Outcome.NOT_A_POLICY: "no policy",
    Outcome.OTHER_KIND: "a policy of another kind",
    Outcome.FOREIGN: "somebody else's policy",
    Outcome.ERROR_PAGE: "an error page",
    Outcome.REDIRECT: "a redirect",
    Outcome.REDIRECT_LOOP: "a redirect that leads back",
    Outcome.DRIFT: "the archive had another time only",
    Outcome.NOT_ARCHIVED: "not in the archive",
    Outcome.BLOCKED: "not shown by the archive",
    Outcome.OFF_ARCHIVE: "led away from the archive",
    Outcome.EMPTY: "an empty page",
    Outcome.TRUNCATED: "cut off",
    Outcome.BAD_ENCODING: "bytes that cannot be unpacked",
    Outcome.TOO_LARGE: "too large",
    Outcome.NO_TEXT_LAYER: "a PDF of pictures",
    Outcome.NOT_TEXT: "an image, a program or a film",
    Outcome.EXTRACTION_FAILED: "could not be read",
    Outcome.EXTRACTOR_CRASH: "could not be read: the reader crashed",
    Outcome.EXTRACTOR_TIMEOUT: "could not be read in time",
    Outcome.EXTRACTOR_MEMORY: "could not be read in the memory allowed",
    Outcome.ARCHIVE_ERROR: "the archive failed",
}
"""Of a capture that was asked for: what came of it."""

FLAGS: Mapping[str, str] = {"before": "a day before it was seen to change", "after": "announced ahead"}
"""Of the day that a text states, against the interval of its change (`versions.stated_flag`)."""


def show_share(share: float | None) -> str:
    """Return a share of 0 to 1 in percent; '' for none.

    >>> show_share(0.0714), show_share(None)
    ('7 %', '')
    """
    return "" if share is None else f"{share * 100:.0f} %"


def describe_value(value: str) -> str:
    """Return plain words for a stored outcome or state; one of another release as it is.

    >>> describe_value("bracketed"), describe_value("foreign"), describe_value("of-tomorrow")
    ('same text before and after', "somebody else's policy", 'of-tomorrow')
    """
    if value in set(Outcome):
        return OUTCOMES[Outcome(value)]
    return STATES[RowState(value)] if value in set(RowState) else value


def describe_capture(state: str, outcome: str | None) -> str:
    """Return what became of an index row, in plain words; a value of another release as it is.

    >>> describe_capture("bracketed", None), describe_capture("fetched", "foreign")
    ('same text before and after', "somebody else's policy")
    """
    if outcome:
        return OUTCOMES[Outcome(outcome)] if outcome in set(Outcome) else outcome
    return STATES[RowState(state)] if state in set(RowState) else state
