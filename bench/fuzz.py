"""Whatever comes from outside is read or refused: bytes, index answers, headers, files, what is typed.

    python bench/fuzz.py --minutes 10
    python bench/fuzz.py --minutes 2 cdx replay     these alone

Hypothesis makes the inputs, in rounds, each with a seed of its own (--seed gives the first): pages of the
tests cut, doubled and spliced with what breaks parsers; index answers and headers in the forms that archives
write; sources of imports and databases with some bytes changed. bench/fuzz_targets.py has the targets.

Every 15 seconds a line says where it is. What anything but an outcome or a sentence came of is printed at
once, as it is, and kept in a file; so is an input that takes more than 20 seconds of CPU, which ends the job,
for nothing else stops it. Exit status 1 when there was one. With --shrink Hypothesis makes inputs smaller,
which may take it five minutes each.
"""

from __future__ import annotations

import argparse
import faulthandler
import os
import pickle
import sys
import tempfile
import threading
import time
import traceback
import types
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
sys.modules["tests"] = _ours = types.ModuleType("tests")  # installed packages are called so as well
_ours.__path__ = [str(ROOT / "tests")]

from hypothesis import HealthCheck, Phase, seed, settings  # noqa: E402

from bench.fuzz_targets import TARGETS, clean_up  # noqa: E402

EXAMPLES = 100
"""Of one round."""
LONGEST_CPU_SECONDS = 20.0
"""Of one input: the largest are some 10 KB, and a page of that size takes .1."""
LONGEST_SECONDS = 300.0
"""Of one input by the clock: it waits for something."""
EVERY_SECONDS = 15.0
STDOUT, STDERR = sys.stdout, sys.stderr
"""As they are now: targets put others in their place."""


def say(text: str) -> None:
    print(text.encode("utf-8", "backslashreplace").decode(), file=STDOUT, flush=True)


@dataclass
class Watch:
    """What is tried now, watched by a thread that also says how far the job is."""

    name: str = ""
    arguments: tuple[object, ...] = ()
    cpu_began: float = 0.0
    began: float = 0.0
    inputs: Counter[str] = field(default_factory=Counter)
    slowest: Counter[str] = field(default_factory=Counter)
    findings: dict[tuple[str, ...], Path] = field(default_factory=dict)

    def start(self) -> None:
        threading.Thread(target=self._look, daemon=True).start()

    def trying(self, name: str, function: Callable[..., None]) -> Callable[..., None]:
        """Return a target's function, watched; what it raises is noted, and passed on."""

        def attempt(*arguments: object, **named: object) -> None:
            self.arguments = (*arguments, *named.values())
            self.began, self.cpu_began = time.monotonic(), time.process_time()
            self.name = name  # last: from now on it is watched
            try:
                function(*arguments, **named)
            except Exception as error:
                self._note(error)
                raise
            finally:
                taken = time.process_time() - self.cpu_began
                self.slowest[name] = max(self.slowest[name], taken)  # type: ignore[assignment]
                self.inputs[name] += 1
                self.name = ""

        return attempt

    def _note(self, error: Exception) -> None:
        place = traceback.extract_tb(error.__traceback__)[-1]
        key = (self.name, type(error).__name__, f"{Path(place.filename).name}:{place.lineno}")
        if key not in self.findings:
            self.findings[key] = self._keep()
            told = "".join(traceback.format_exception(error, limit=-12))
            say(f"FINDING {' '.join(key)}\n{told}{self._show()}")

    def _keep(self) -> Path:
        with tempfile.NamedTemporaryFile(prefix=f"fuzz-{self.name}-", suffix=".pickle", delete=False) as file:
            pickle.dump(self.arguments, file)
        return Path(file.name)

    def _show(self) -> str:
        return "  input: " + "\n    ".join(repr(argument)[:2000] for argument in self.arguments)

    def _look(self) -> None:
        told = time.monotonic()
        while True:
            time.sleep(0.5)
            now = time.monotonic()
            cpu = time.process_time() - self.cpu_began
            if self.name and (cpu > LONGEST_CPU_SECONDS or now - self.began > LONGEST_SECONDS):
                say(
                    f"FINDING {self.name}: {cpu:.0f} s of CPU, {now - self.began:.0f} s by the clock; "
                    f"kept in {self._keep()}\n{self._show()}"
                )
                faulthandler.dump_traceback(STDOUT.fileno(), all_threads=True)
                os._exit(1)  # whatever it is, it may be in C, where no exception reaches
            if now - told >= EVERY_SECONDS:
                told = now
                print(self.describe(), file=STDERR, flush=True)

    def describe(self) -> str:
        return ", ".join(
            f"{name} {number:,} (at most {self.slowest[name]:.1f} s)" for name, number in self.inputs.items()
        ) + (f"; now {self.name}" if self.name else "")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--shrink", action="store_true")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    watch = Watch()
    watch.start()
    end = time.monotonic() + arguments.minutes * 60
    number = arguments.seed
    try:
        while time.monotonic() < end:
            for name in arguments.targets or TARGETS:
                if time.monotonic() < end:
                    run_round(name, number, watch, shrink=arguments.shrink)
            number += 1
    finally:
        clean_up()
    for (name, kind, place), path in watch.findings.items():
        print(f"{name}: {kind} at {place}, kept in {path}")
    print(f"{watch.describe()}: {len(watch.findings) or 'nothing'} found")
    return 1 if watch.findings else 0


def run_round(name: str, number: int, watch: Watch, *, shrink: bool) -> None:
    """Run one round of a target; an input that breaks it ends the round."""
    how = settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        phases=(Phase.generate, Phase.shrink) if shrink else (Phase.generate,),
    )
    target = TARGETS[name]
    inner = target.hypothesis.inner_test  # type: ignore[attr-defined]
    target.hypothesis.inner_test = watch.trying(name, inner)  # type: ignore[attr-defined]
    try:
        seed(number)(how(target))()
    except Exception as error:
        if not watch.findings:
            raise AssertionError("the job itself is broken") from error
    finally:
        target.hypothesis.inner_test = inner  # type: ignore[attr-defined]
        for mark in ("_hypothesis_internal_settings_applied", "_hypothesis_internal_use_settings"):
            target.__dict__.pop(mark, None)


if __name__ == "__main__":
    sys.exit(main())
