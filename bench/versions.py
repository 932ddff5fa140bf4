"""Versions found and requests spent, ours beside plain plans, on the recorded histories.

    python bench/versions.py                    plans simulated, with the recorded (hand-curated) texts
    python bench/versions.py --texts ours       … with the texts that our extraction gives
    python bench/versions.py --made             … on made-up histories (bench/histories.py), for each temper
    python bench/versions.py --program          `fetch` itself, against the local archive server

What the columns mean:

- requests: captures asked for, and one index query a document.
- recall: settled versions found, of all. A settled version is a run of captures with one `version_settled`,
  junk left out (pages with less than half of the recorded text). The first of a document is found when
  any text of it is; another one when a reported change covers it, i.e. the interval (changed_after,
  first captured] meets that between the last capture of the version before and its own first.
  One reported change finds one version: an interval that swallows two has missed one.
- false: reported changes that cover no recorded change at all. A recorded change that was not settled,
  or that changed only a link or a picture (`version_ota`, `gold_text`), is real, so finding it is not false;
  it is counted under `small`.
- dated: of the false, those between texts that both state a day of themselves, and not the same: changes
  that are real, and that the record does not have. (Not told apart with --program.)
- days: distance from the middle of the reported interval to the recorded day of the change, median.
- width: width of the reported intervals in days, median.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.histories import TEMPERS, History, iter_histories
from bench.program import fetch_recorded
from bench.recorded import REPLAY, Truth, curated_history, extracted_histories, read_truths
from policy_archive.crawler.core.records import CdxRow, KnownCapture, Version
from policy_archive.crawler.core.timestamps import parse_timestamp
from policy_archive.crawler.planning.plan import PlanName, PlanOptions, plan_captures
from policy_archive.pipelines.versions.fold import fold_versions

Interval = tuple[str, str]
"""14 digits of the last capture of the text before, and of the first of the new text."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """What came of one plan on one history."""

    changes: tuple[Interval, ...]
    requests: int
    any_text: bool
    dated: frozenset[Interval] = frozenset()
    """Changes between texts that state different days of themselves."""


@dataclass(kw_only=True)
class Score:
    """Sums over histories."""

    requests: int = 0
    versions: int = 0
    found: int = 0
    reported: int = 0
    small: int = 0
    false: int = 0
    dated: int = 0
    days: list[float] = field(default_factory=list)
    widths: list[float] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)

    def line(self, name: str) -> str:
        recall, false = self.found / self.versions, self.false / max(1, self.reported)
        days = f"{median(self.days):6.1f}" if self.days else "     -"
        width = f"{median(self.widths):6.1f}" if self.widths else "     -"
        each = self.requests / max(1, self.found)
        return (
            f"{name:16}{self.requests:9}{self.found:6}/{self.versions:<5}{recall:7.3f}{self.reported:9}"
            f"{self.small:7}{self.false:6} {false:6.1%}{self.dated:7}{each:11.2f}{days}{width}"
        )


HEADING = (
    f"{'plan':16}{'requests':>9}{'found':>8}    {'recall':>7}{'reported':>9}{'small':>7}"
    f"{'false':>6} {'share':>6}{'dated':>7}{'a version':>11}{'days':>6}{'width':>6}"
)


def simulate(history: History, options: PlanOptions) -> Run:
    """Run a plan on a history, each answer being the recorded one."""
    oracle = {recorded.known.row: recorded.known for recorded in history.captures}
    known = {row: KnownCapture(row=row) for row in oracle}
    requests = 1
    while (plan := plan_captures(list(known.values()), options)).next:
        known.update((wish.row, oracle[wish.row]) for wish in plan.next)
        requests += len(plan.next)
    return _run(known.values(), fold_versions(known.values(), plan.decisions), requests)


def _run(known: Iterable[KnownCapture], versions: Sequence[Version], requests: int) -> Run:
    days = {capture.text_sha256: set(capture.stated_days) for capture in known}
    return Run(
        changes=tuple((v.changed_after, v.first.timestamp) for v in versions if v.changed_after),
        requests=requests,
        any_text=bool(versions),
        dated=frozenset(
            (new.changed_after, new.first.timestamp)
            for old, new in pairwise(versions)
            if new.changed_after and days[old.text_sha256] and days[new.text_sha256] - days[old.text_sha256]
        ),
    )


def simulate_collapse(history: History) -> Run:
    """Fetch what the index gives with `collapse=digest`: the first row of each run of one digest."""
    captures = [recorded.known for recorded in history.captures]
    kept = captures[:1] + [b for a, b in pairwise(captures) if a.row.digest != b.row.digest]
    return _run(kept, fold_versions(kept), 1 + len(kept))


def transitions(rows: Sequence[tuple[CdxRow, int | str | None]]) -> list[Interval]:
    """Return the intervals between neighbouring captures of different versions, junk left out."""
    good = [(row.timestamp, version) for row, version in rows if version is not None]
    return [(a[0], b[0]) for a, b in pairwise(good) if a[1] != b[1]]


def add_score(
    score: Score, run: Run, name: str, settled: list[Interval], recorded: list[Interval], days: dict[str, str]
) -> None:
    """Count one run. `days` gives for the end of a settled interval the recorded instant of the change."""
    score.requests += run.requests
    score.versions += 1 + len(settled)
    score.reported += len(run.changes)
    matched = dict(_match(run.changes, settled))
    score.found += run.any_text + len(matched)
    score.missed += [
        f"{name} {start}-{end}" for start, end in settled if (start, end) not in matched.values()
    ]
    if not run.any_text:
        score.missed.append(f"{name}: no text")
    for change in run.changes:
        score.widths.append(_days(*change))
        if change in matched:
            instant = days.get(matched[change][1], matched[change][1])
            score.days.append(abs(_days(change[0], instant) + _days(change[1], instant)) / 2)
        elif any(_meet(change, other) for other in recorded):
            score.small += 1
        else:
            score.false += 1
            score.dated += change in run.dated


def _match(reported: Iterable[Interval], real: Sequence[Interval]) -> Iterator[tuple[Interval, Interval]]:
    """Pair reported with real changes, each at most once, in order of time."""
    left = list(real)
    for change in sorted(reported):
        hit = next((other for other in left if _meet(change, other)), None)
        if hit is not None:
            left.remove(hit)
            yield change, hit


def _meet(one: Interval, other: Interval) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _days(start: str, end: str) -> float:
    return (parse_timestamp(end) - parse_timestamp(start)) / timedelta(days=1)


Runner = Callable[[History], Run]


def plans(precision: float, max_gap: float | None) -> dict[str, Runner]:
    """Return the plans to compare, ours first."""
    ours = PlanOptions(precision_days=precision, max_gap_days=max_gap)
    runners: dict[str, Runner] = {"changes (ours)": lambda history: simulate(history, ours)}
    for name in (PlanName.ALL, PlanName.MONTHLY, PlanName.HALF_YEARLY, PlanName.YEARLY):
        options = PlanOptions(plan=name)
        runners[name] = lambda history, options=options: simulate(history, options)  # type: ignore[misc]
    runners["collapse=digest"] = simulate_collapse
    return runners


def score_recorded(
    run: Callable[[str], Run], truths: dict[str, list[Truth]], days: dict[str, dict[str, str]]
) -> Score:
    """Return the score of `run(document)` over the recorded documents."""
    score = Score()
    for name, found in truths.items():
        settled = transitions([(truth.row, truth.settled) for truth in found])
        recorded = transitions([(truth.row, truth.recorded) for truth in found])
        add_score(score, run(name), name, settled, recorded, days[name])
    return score


def read_days(truths: dict[str, list[Truth]]) -> dict[str, dict[str, str]]:
    """Return for each document: 14 digits of a settled version's first capture → of the recorded change."""
    import json

    changed: dict[tuple[str, int], str] = {}
    for line in (REPLAY / "versions.jsonl").read_text("utf-8").splitlines():
        version = json.loads(line)
        if version["settled"]:
            changed[version["document"], version["settled_no"]] = version["changed_at"]
    return {
        name: {
            truth.row.timestamp: changed[name, truth.settled]
            for truth in reversed(found)
            if truth.settled is not None and (name, truth.settled) in changed
        }
        for name, found in truths.items()
    }


def print_recorded(texts: str, runners: dict[str, Runner], *, show_missed: bool) -> None:
    truths = read_truths()
    days = read_days(truths)
    if texts == "curated":
        histories = {name: curated_history(name, found) for name, found in truths.items()}
    else:
        histories = {history.name: history for history in extracted_histories(truths)}
    print(f"{len(truths)} recorded documents, texts: {texts}\n{HEADING}")
    for name, runner in runners.items():
        score = score_recorded(lambda document, runner=runner: runner(histories[document]), truths, days)  # type: ignore[misc]
        print(score.line(name))
        if show_missed and name.startswith("changes"):
            print(*(f"    missed: {missed}" for missed in score.missed), sep="\n")


def print_program(arguments: Sequence[str], *, show_missed: bool) -> None:
    truths = read_truths()
    fetched = fetch_recorded(truths, arguments)
    runs = {
        name: Run(
            changes=tuple((after, first) for after, first in versions if after),
            requests=requests,
            any_text=bool(versions),
        )
        for name, (versions, requests) in fetched.items()
    }
    score = score_recorded(runs.__getitem__, truths, read_days(truths))
    print(f"{len(truths)} recorded documents, through `policy-archive fetch`\n{HEADING}")
    print(score.line("changes (ours)"))
    if show_missed:
        print(*(f"    missed: {missed}" for missed in score.missed), sep="\n")


def print_made(runners: dict[str, Runner], count: int, seed: int) -> None:
    for name, temper in TEMPERS.items():
        histories = list(iter_histories(temper, count, seed))
        print(f"\n{count} made-up histories: {name}\n{HEADING}")
        for plan, runner in runners.items():
            score = Score()
            for history in histories:
                settled = transitions([(r.known.row, r.settled) for r in history.captures])
                texts = {t: n for n, t in enumerate({r.known.text_sha256 for r in history.captures} - {None})}
                rows = [
                    (r.known.row, texts[r.known.text_sha256] if r.known.text_sha256 else None)
                    for r in history.captures
                ]
                add_score(score, runner(history), history.name, settled, transitions(rows), {})
            print(score.line(plan))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--texts", choices=["curated", "ours"], default="curated")
    parser.add_argument("--made", action="store_true", help="made-up histories in place of the recorded ones")
    parser.add_argument("--program", action="store_true", help="run fetch itself")
    parser.add_argument("--count", type=int, default=40, help="made-up histories of each temper")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--precision", type=float, default=7)
    parser.add_argument("--max-gap", type=float)
    parser.add_argument("--missed", action="store_true", help="name the versions that our plan missed")
    arguments = parser.parse_args()
    runners = plans(arguments.precision, arguments.max_gap)
    if arguments.program:
        gap = () if arguments.max_gap is None else ("--max-gap", str(arguments.max_gap))
        print_program(("--precision", str(arguments.precision), *gap), show_missed=arguments.missed)
    elif arguments.made:
        print_made(runners, arguments.count, arguments.seed)
    else:
        print_recorded(arguments.texts, runners, show_missed=arguments.missed)


if __name__ == "__main__":
    main()
