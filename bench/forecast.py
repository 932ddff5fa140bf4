"""Whether the forecast's range holds what a fetch takes, on the recorded histories and on made-up ones.

    python bench/forecast.py                    the plan run on texts that our extraction gives
    python bench/forecast.py --texts curated    … on the recorded (hand-curated) texts
    python bench/forecast.py --made 200         … on so many made-up histories of each temper, too

Columns: rows listed; captures asked for; the forecast's low, likely and high; whether the range holds it.
Half of the recorded documents (by their names' digests) are held back: nothing was chosen by them, and
they are counted apart. Of a list of all of them the sum is held against the forecast of the sum.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.histories import TEMPERS, History, iter_histories
from bench.recorded import curated_history, extracted_histories, read_truths
from bench.versions import simulate
from policy_archive.crawler.planning.forecast import Range, SiteCost, add_up, cost_site
from policy_archive.crawler.planning.plan import PlanOptions


def is_held_back(name: str) -> bool:
    """Return whether a document is of the half that nothing was chosen by."""
    return hashlib.sha256(name.encode()).digest()[0] % 2 == 1


def forecast_one(history: History) -> tuple[SiteCost, Range]:
    """Return the forecast of a fetch of one document."""
    rows = [recorded.known.row for recorded in history.captures]
    cost = cost_site(history.name, [rows], PlanOptions(), index_requests=1)
    return cost, add_up([cost], sites=1, index_per_minute=0, replay_per_second=0).requests


def count_asked(history: History) -> int:
    """Return how many captures the plan asks for; the index query that `simulate` counts left out."""
    return simulate(history, PlanOptions()).requests - 1


def print_recorded(histories: Iterable[History]) -> None:
    print(f"{'document':36} {'rows':>5} {'asked':>6} {'low':>6} {'likely':>6} {'high':>6}  held")
    held: dict[bool, list[bool]] = {False: [], True: []}
    costs, total = [], 0
    for history in histories:
        cost, span = forecast_one(history)
        asked = count_asked(history)
        is_in = span.low <= asked <= span.high
        held[is_held_back(history.name)].append(is_in)
        costs.append(cost)
        total += asked
        figures = f"{len(history.captures):5} {asked:6} {span.low:6.0f} {span.likely:6.0f} {span.high:6.0f}"
        back = " (held back)" if is_held_back(history.name) else ""
        print(f"{history.name:36} {figures}  {'yes' if is_in else 'NO'}{back}")
    of_all = add_up(costs, sites=len(costs), index_per_minute=0, replay_per_second=0).requests
    print(f"{'all together':36} {'':5} {total:6} {of_all.low:6.0f} {of_all.likely:6.0f} {of_all.high:6.0f}")
    for name, found in (("chosen by", held[False]), ("held back", held[True])):
        print(f"{name}: {sum(found)} of {len(found)}")


def print_made(number: int) -> None:
    for name, temper in TEMPERS.items():
        held = [_holds(history) for history in iter_histories(temper, number, seed=1)]
        print(f"made-up, {name}: {sum(held)} of {len(held)} = {sum(held) / len(held):.2f}")


def _holds(history: History) -> bool:
    _, span = forecast_one(history)
    return span.low <= count_asked(history) <= span.high


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--texts", choices=("ours", "curated"), default="ours")
    parser.add_argument("--made", type=int, default=0, metavar="N")
    options = parser.parse_args(arguments)
    random.seed(0)
    truths = read_truths()
    if options.texts == "ours":
        print_recorded(extracted_histories(truths))
    else:
        print_recorded(curated_history(name, found) for name, found in truths.items())
    if options.made:
        print_made(options.made)


if __name__ == "__main__":
    main()
