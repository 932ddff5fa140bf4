"""Made-up histories of policies, to check plans on more than the sixteen recorded ones.

A history is drawn from chance processes whose figures come from real ones (a hundred documents of some
300 captures each): texts that hold weeks to years, changes that come in bursts, texts that come back,
captures in clusters, junk with status 200, stated dates that are mostly right.
Nothing here is a measurement of the real web; it tells whether a rule that helps there is luck.
"""

from __future__ import annotations

import hashlib
from base64 import b32encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random

from policy_archive.crawler.core.records import CdxRow, KnownCapture, Outcome
from policy_archive.crawler.core.timestamps import format_timestamp, seconds_between

_BEGINNING = datetime(2012, 3, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """One capture and the truth about it."""

    known: KnownCapture
    """As the planner would know it once fetched."""
    settled: int | None
    """Number of the settled version it belongs to; None for junk."""


@dataclass(frozen=True, kw_only=True)
class History:
    """All captures of one document, in order of time."""

    name: str
    captures: tuple[Recorded, ...]


@dataclass(frozen=True, kw_only=True)
class Temper:
    """How a family of histories behaves."""

    captures: int = 300
    days: float = 850
    """Median length of a history."""
    changes: float = 3.0
    """Expected changes in a history of median length."""
    reverts: float = 0.04
    """Share of changes that are taken back."""
    flapping: float = 0.0
    """Share of captures that show another variant (language, region)."""
    dynamic: bool = True
    """Each capture has bytes of its own."""
    junky: float = 0.23
    """Share of documents with junk captures."""


TEMPERS = {
    "archive-like": Temper(),
    "busy": Temper(captures=100, days=700, changes=9.0),
    "byte-stable": Temper(captures=120, dynamic=False, reverts=0.02),
    "junky": Temper(junky=1.0),
    "sparse, long": Temper(captures=60, days=4500, changes=10.0),
    "taken back": Temper(changes=5.0, reverts=0.2),
    "flapping": Temper(captures=150, flapping=0.05),
}


def iter_histories(temper: Temper, count: int, seed: int) -> Iterator[History]:
    """Yield made-up histories: the same for the same seed."""
    for number in range(count):
        yield _draw(temper, Random(f"{seed}/{number}"), f"{seed}/{number}")


def _draw(temper: Temper, random: Random, name: str) -> History:
    days = temper.days * random.lognormvariate(0, 0.45)
    changes = _draw_changes(temper, random, days)
    states_dates = random.random() < 0.6
    offsets = sorted(
        _draw_offsets(random, days, max(4, round(temper.captures * random.lognormvariate(0, 0.4))))
    )
    junk = _draw_junk(random, len(offsets)) if random.random() < temper.junky else set()
    stated = [_draw_stated(random, at) if states_dates else () for at, _ in changes]
    recorded = []
    for index, offset in enumerate(offsets):
        version = max(i for i, (at, _) in enumerate(changes) if at <= offset)
        text = changes[version][1]
        if random.random() < temper.flapping:
            text = f"variant of {text}"
        recorded.append(
            _record(temper, name, index, offset, None if index in junk else text, stated[version])
        )
    return History(name=name, captures=tuple(_settle(recorded)))


def _draw_changes(temper: Temper, random: Random, days: float) -> list[tuple[float, str]]:
    """Return (day, text) of each version; bursts of corrections follow a change, some are taken back."""
    pace = temper.changes / temper.days * random.gammavariate(1.2, 1 / 1.2)
    changes = [(0.0, "text 0")]
    at = 0.0
    while True:
        burst = random.random() < 0.25
        at += random.lognormvariate(2.2, 0.8) if burst else random.expovariate(max(pace * 0.75, 1e-6))
        if at >= days:
            return changes
        changes.append((at, f"text {len(changes)}"))
        if random.random() < temper.reverts and len(changes) > 1:
            at += random.lognormvariate(3.0, 1.0)
            changes.append((at, changes[-2][1]))


def _draw_offsets(random: Random, days: float, count: int) -> Iterator[float]:
    """Yield days of captures: a pace that wanders, so that there are clusters and droughts."""
    weights = []
    pace = 0.0
    for _ in range(count):
        pace = 0.9 * pace + random.gauss(0, 0.5)
        weights.append(random.expovariate(1) * 2.7**pace)
    total, sofar = sum(weights), 0.0
    for weight in weights:
        sofar += weight
        yield days * sofar / total


def _draw_junk(random: Random, count: int) -> set[int]:
    """Return indexes of junk captures: single ones, and runs."""
    share = random.betavariate(0.8, 6)
    junk = {index for index in range(count) if random.random() < share}
    for _ in range(random.choice((0, 0, 1, 2))):
        start = random.randrange(count)
        junk.update(range(start, min(count, start + round(random.lognormvariate(2, 1)))))
    return junk


def _draw_stated(random: Random, at: float) -> tuple[date, ...]:
    """Return what a text says of its own date: mostly about the day, sometimes long before, or ahead."""
    chance = random.random()
    if chance < 0.15:
        offset = -random.expovariate(1 / 60)
    elif chance < 0.3:
        offset = random.expovariate(1 / 20)
    else:
        offset = -random.expovariate(1 / 3)
    return ((_BEGINNING + timedelta(days=at + offset)).date(),)


def _record(
    temper: Temper, name: str, index: int, offset: float, text: str | None, stated: tuple[date, ...]
) -> KnownCapture:
    body = f"{name} {text}" if not temper.dynamic else f"{name} {index}"
    row = CdxRow(
        urlkey="org,example)/privacy",
        timestamp=format_timestamp(_BEGINNING + timedelta(days=offset)),
        original="https://example.org/privacy",
        mimetype="text/html",
        statuscode="200",
        digest=b32encode(hashlib.sha1(body.encode()).digest()).decode(),
        length=None,
    )
    if text is None:
        return KnownCapture(row=row, outcome=Outcome.NOT_A_POLICY)
    sha256 = hashlib.sha256(f"{name} {text}".encode()).hexdigest()
    return KnownCapture(row=row, outcome=Outcome.TEXT, text_sha256=sha256, stated_days=stated)


def _settle(captures: list[KnownCapture], days: float = 2.0) -> Iterator[Recorded]:
    """Number the texts that held two days or more; a shorter one counts to the text before it."""
    runs: list[list[int]] = []
    for index, capture in enumerate(captures):
        if capture.text_sha256 is None:
            continue
        if runs and captures[runs[-1][0]].text_sha256 == capture.text_sha256:
            runs[-1].append(index)
        else:
            runs.append([index])
    settled: dict[int, int] = {}
    number, text = 0, captures[runs[0][0]].text_sha256 if runs else None
    for run in runs:
        held = seconds_between(captures[run[0]].row.timestamp, captures[run[-1]].row.timestamp)
        if captures[run[0]].text_sha256 != text and held >= days * 86_400:
            number, text = number + 1, captures[run[0]].text_sha256
        settled.update(dict.fromkeys(run, number))
    for index, capture in enumerate(captures):
        yield Recorded(known=capture, settled=settled.get(index))
