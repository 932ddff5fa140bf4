"""The plan `changes`: split between texts that differ, until each change is dated closely enough.

The plan is the closure of rules that look at one gap alone, a gap being the rows between two
neighbouring spots of known text. So a gap's next question does not depend on what is asked elsewhere,
and answers may arrive in any order. Two things reach across gaps, both so that order does not matter:
rows of one digest may lie in several gaps, and of such linked gaps only one asks at a time; and the
width at which a gap between equal texts is split falls with the number of changes seen, which only grows.

Where all of that is answered, an interval that is narrow enough may still hide a story: its sides differ by
much, or a text was seen once and was gone. Such gaps are asked one at a time, each question the first by rank
of all that are left, so that here the order is given.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from itertools import pairwise
from math import inf

from policy_archive.crawler.core.records import CdxRow, PlannedCapture, RowDecision, RowState
from policy_archive.crawler.core.timestamps import DAY_SECONDS
from policy_archive.crawler.planning.splits import (
    Gap,
    find_balanced_split,
    find_middle,
    find_odd_size,
    find_stated,
    nearest_unknown,
    typical_step,
)
from policy_archive.crawler.planning.timeline import Timeline, TimelineRow, proves_sameness

_SHORTEST_WATCH_SECONDS = 30 * DAY_SECONDS
"""A gap between equal texts is not split below this, unless the user names a largest gap."""

_WATCHES = 2.0
"""Parts that every history is divided into, to find texts that came and went …"""

_WATCHES_PER_TEXT = 0.5
"""… and further parts for each text seen."""

_WATCHES_PER_RETURN = 2.0
"""Further parts for each text seen to come back: where one was taken back, more were."""

_STORY_SIZE = 1 / 3
"""Share by which the pages at both sides of a change differ in size where more than a wording changed."""

_STORY_SPLITS = 3
"""Into so many parts of the precision a narrow interval is split that may hide a story."""

_ODD_STEPS = 10
"""A size is odd when it differs by so many times the step that is usual between neighbouring rows."""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """How closely to look."""

    precision_seconds: float
    """Width of an interval of change that is narrow enough."""
    max_gap_seconds: float | None
    """Widest gap between equal texts left unsplit; None: as the document's own pace suggests."""
    odd_size: float = 0.05
    """Share by which a row's size must differ from its neighbours' to be asked between equal texts."""


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What a plan wants, the most telling capture first, and the state of every row still unknown."""

    wanted: tuple[PlannedCapture, ...]
    decisions: dict[CdxRow, RowDecision]


class _Urgency(IntEnum):
    CHANGE = 0
    """Finds an end of the history, or dates a change that is known."""
    ODD_SIZE = 1
    """Between equal texts: a row whose size sticks out."""
    WATCH = 2
    """Between equal texts that lie far apart."""
    STORY = 3
    """In an interval of change that is narrow enough, between sides that differ by much."""


@dataclass(frozen=True, kw_only=True)
class _Question:
    spot: int
    reason: str
    weight: float
    """Seconds left uncertain without it."""
    urgency: _Urgency = _Urgency.CHANGE

    @property
    def rank(self) -> tuple[int, float, int]:
        """Sort key: the lowest is asked first."""
        return (self.urgency, -self.weight, self.spot)


def plan_changes(timeline: Timeline, rules: Rules) -> Selection:
    """Return the next questions of all gaps, independent of each other."""
    spots = timeline.spots
    rules = replace(rules, odd_size=max(rules.odd_size, _ODD_STEPS * typical_step(spots)))
    gaps = list(_iter_gaps(spots))
    asked = [_ask(spots, gap, rules) for gap in gaps]
    widest = _widest_watch(spots, rules)
    open_questions = [question if _is_open(question, widest) else None for question in asked]
    chosen = _choose(spots, gaps, asked, widest)
    if not chosen:
        open_questions = _ask_stories(spots, gaps, rules)
        chosen = sorted(filter(None, open_questions), key=lambda question: question.rank)[:1]
    decisions: dict[CdxRow, RowDecision] = {}
    for gap, question in zip(gaps, open_questions, strict=True):
        decision = _UNDECIDED if question else _close(spots, gap, rules)
        decisions.update((spot.row, decision) for spot in spots[gap.left + 1 : gap.right] if spot.unknown)
    wanted = {timeline.representative(spots[q.spot]): q.reason for q in sorted(chosen, key=lambda q: q.rank)}
    return Selection(
        wanted=tuple(PlannedCapture(row=row, reason=reason) for row, reason in wanted.items()),
        decisions=decisions,
    )


def _is_open(question: _Question | None, widest: float) -> bool:
    if question is None:
        return False
    return question.urgency is not _Urgency.WATCH or question.weight > widest


def _iter_gaps(spots: Sequence[TimelineRow]) -> Iterator[Gap]:
    """Yield the gaps that hold a spot nothing is known of."""
    left, unknown = -1, False
    for index, spot in enumerate(spots):
        if spot.text is not None:
            if unknown:
                yield Gap(left=left, right=index)
            left, unknown = index, False
        elif not spot.has_no_text:
            unknown = True
    if unknown:
        yield Gap(left=left, right=len(spots))


def _widest_watch(spots: Sequence[TimelineRow], rules: Rules) -> float:
    """Return how wide a gap between equal texts may stay.

    A document that changes often is likelier to hide a text that came and went, and is worth
    more requests: they stay in proportion to the texts found.
    """
    if rules.max_gap_seconds is not None:
        return rules.max_gap_seconds
    texts = [spot for spot in spots if spot.text is not None]
    if not texts:
        return inf
    runs = 1 + sum(one.text != other.text for one, other in pairwise(texts))
    returns = runs - len({spot.text for spot in texts})
    parts = _WATCHES + _WATCHES_PER_TEXT * runs + _WATCHES_PER_RETURN * returns
    return max(_SHORTEST_WATCH_SECONDS, (texts[-1].at - texts[0].at) / parts)


def _choose(
    spots: Sequence[TimelineRow], gaps: Sequence[Gap], asked: Sequence[_Question | None], widest: float
) -> list[_Question]:
    """Return the open questions that no answer to another can change.

    Of gaps that are linked by a digest only the first by rank asks. Its rank counts even while it is
    no open question, so that the order does not depend on how much is known elsewhere.
    """
    first: dict[int, _Question] = {}
    for link, question in zip(_links(spots, gaps), asked, strict=True):
        if question and (link not in first or question.rank < first[link].rank):
            first[link] = question
    chosen = [question for question in first.values() if _is_open(question, widest)]
    ends = [question for question in chosen if question.weight == inf]
    return ends or chosen


def _links(spots: Sequence[TimelineRow], gaps: Sequence[Gap]) -> list[int]:
    """Return a number for each gap, equal for gaps that share the digest of an unknown spot."""
    parent = list(range(len(gaps)))

    def root(number: int) -> int:
        while parent[number] != number:
            parent[number] = parent[parent[number]]
            number = parent[number]
        return number

    seen: dict[str, int] = {}
    for number, gap in enumerate(gaps):
        for spot in spots[gap.left + 1 : gap.right]:
            if spot.unknown and proves_sameness(spot.row.digest):
                parent[root(number)] = root(seen.setdefault(spot.row.digest, number))
    return [root(number) for number in range(len(gaps))]


def _ask(spots: Sequence[TimelineRow], gap: Gap, rules: Rules) -> _Question | None:
    """Return the next question of one gap; None when it is answered as well as it can be."""
    if gap.left < 0:
        return _ask_at_start(spots, gap, rules)
    if gap.right == len(spots):
        return _ask_at_end(spots, gap, rules)
    before, after = spots[gap.left], spots[gap.right]
    width = after.at - before.at
    if before.text == after.text:
        return _watch(spots, gap, rules)
    if width <= rules.precision_seconds:
        return None
    stated = find_stated(spots, gap, rules.precision_seconds)
    if stated is not None:
        return _question(spots, gap, stated, "stated-date")
    return _question(spots, gap, find_balanced_split(spots, gap, rules.precision_seconds), "bisect")


def _watch(spots: Sequence[TimelineRow], gap: Gap, rules: Rules) -> _Question | None:
    """Return where a text that came and went between equal texts would show."""
    odd = find_odd_size(spots, gap, rules.odd_size)
    if odd is not None:
        weight = spots[gap.right].at - spots[gap.left].at
        return _Question(spot=odd, reason="odd-size", weight=weight, urgency=_Urgency.ODD_SIZE)
    return _question(spots, gap, find_middle(spots, gap), "max-gap", _Urgency.WATCH)


def _ask_stories(spots: Sequence[TimelineRow], gaps: Sequence[Gap], rules: Rules) -> list[_Question | None]:
    """Return the next question of each narrow gap that may hide a story; None where nothing hints at one.

    A wording that is changed leaves language and size of a page as they were. And a text that was seen
    once may have been one of several: who takes something back within days may have put it there in pieces.
    """
    finest = rules.precision_seconds / _STORY_SPLITS
    once = _seen_once(spots, rules.precision_seconds)

    def ask(gap: Gap) -> _Question | None:
        if gap.left < 0 or gap.right == len(spots):
            return None
        before, after = spots[gap.left], spots[gap.right]
        if before.text == after.text or not finest < after.at - before.at <= rules.precision_seconds:
            return None
        if not (_differ_by_much(before, after) or before.text in once or after.text in once):
            return None
        return _question(spots, gap, find_balanced_split(spots, gap, finest), "story", _Urgency.STORY)

    return list(map(ask, gaps))


def _differ_by_much(one: TimelineRow, other: TimelineRow) -> bool:
    if one.language and other.language and one.language != other.language:
        return True
    if not one.size or not other.size:
        return False
    return abs(one.size - other.size) / max(one.size, other.size) >= _STORY_SIZE


def _seen_once(spots: Sequence[TimelineRow], precision_seconds: float) -> frozenset[str]:
    """Return the texts of which one capture is known, others close before and after it."""
    known = [spot for spot in spots if spot.text is not None]
    seen = Counter(spot.text for spot in known)
    return frozenset(
        spot.text
        for before, spot, after in zip(known, known[1:], known[2:], strict=False)
        if spot.text is not None and seen[spot.text] == 1
        if max(spot.at - before.at, after.at - spot.at) <= precision_seconds
    )


def _question(
    spots: Sequence[TimelineRow], gap: Gap, target: int, reason: str, urgency: _Urgency = _Urgency.CHANGE
) -> _Question | None:
    found = nearest_unknown(spots, gap, target)
    if found is None:
        return None
    if spots[target].has_no_text:
        reason = "neighbour-of-junk"
    weight = spots[gap.right].at - spots[gap.left].at
    return _Question(spot=found, reason=reason, weight=weight, urgency=urgency)


def _ask_at_start(spots: Sequence[TimelineRow], gap: Gap, rules: Rules) -> _Question | None:
    """Ask the first row; if it is junk, search for where the texts begin, in steps that double."""
    last = len(spots) - 1
    for end, reason in ((0, "first"), (last, "last")):
        if spots[end].unknown:
            return _Question(spot=end, reason=reason, weight=inf)
    text = min(gap.right, last)
    firsts: dict[str, int] = {}
    for index in range(text):
        if spots[index].has_no_text:
            firsts.setdefault(spots[index].body, index)
    junk = max(firsts.values())
    return _search_edge(spots, junk, text, min(2 * junk + 1, (junk + text) // 2), rules)


def _ask_at_end(spots: Sequence[TimelineRow], gap: Gap, rules: Rules) -> _Question | None:
    """Ask the last row; if it is junk, search backwards for where the texts end."""
    last = len(spots) - 1
    if spots[last].unknown:
        return _Question(spot=last, reason="last", weight=inf)
    lasts = {spots[i].body: i for i in range(gap.left + 1, last + 1) if spots[i].has_no_text}
    junk = min(lasts.values())
    return _search_edge(spots, junk, gap.left, max(2 * junk - last - 1, (junk + gap.left + 1) // 2), rules)


def _search_edge(
    spots: Sequence[TimelineRow], junk: int, text: int, target: int, rules: Rules
) -> _Question | None:
    """Ask at `target`, or the next unknown spot towards the text, or else towards the junk."""
    width = abs(spots[text].at - spots[junk].at)
    towards = 1 if text > junk else -1
    for index in (*range(target, text, towards), *range(target, junk, -towards)):
        if spots[index].unknown and width > rules.precision_seconds:
            return _Question(spot=index, reason="neighbour-of-junk", weight=width)
    return None


_UNDECIDED = RowDecision(state=RowState.PENDING, reason="the texts around it are not settled yet")


def _close(spots: Sequence[TimelineRow], gap: Gap, rules: Rules) -> RowDecision:
    """Return the state of the rows of a gap that asks nothing more."""
    if gap.left < 0 or gap.right == len(spots):
        # also the rows between junk and the first or last text, once these lie close enough
        return RowDecision(state=RowState.UNPLANNED, reason="the captures asked around it hold no policy")
    before, after = spots[gap.left], spots[gap.right]
    bracket = (before.row, after.row)
    if before.text == after.text:
        return RowDecision(state=RowState.BRACKETED, bracket=bracket)
    if after.at - before.at <= rules.precision_seconds:
        return RowDecision(state=RowState.NARROW, bracket=bracket)
    reason = "the captures asked beside it, between two texts, hold no policy"
    return RowDecision(state=RowState.UNPLANNED, reason=reason, bracket=bracket)
