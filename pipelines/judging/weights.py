"""The linear model: named weights in a small file, read and applied without any library."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from policy_archive.data import DATA


@dataclass(frozen=True, kw_only=True)
class Weights:
    """A multinomial logistic regression."""

    classes: tuple[str, ...]
    intercepts: tuple[float, ...]
    features: Mapping[str, tuple[float, ...]]
    """Weight of a feature for each class, in the order of `classes`."""

    def weigh(self, features: Mapping[str, float]) -> dict[str, float]:
        """Return the probability of each class; they add up to 1. Unknown features count nothing."""
        scores = self.add_up(features)
        top = max(scores.values())
        exponentials = {name: math.exp(score - top) for name, score in scores.items()}
        total = sum(exponentials.values())
        return {name: one / total for name, one in exponentials.items()}

    def add_up(self, features: Mapping[str, float]) -> dict[str, float]:
        """Return each class's score: of one class alone its logit, log(p / (1 - p))."""
        scores = list(self.intercepts)
        for name, value in features.items():
            for place, weight in enumerate(self.features.get(name, ())):
                scores[place] += weight * value
        return dict(zip(self.classes, scores, strict=True))


@cache
def load_weights(name: str) -> Weights:
    """Return weights that ship with the program, by their file's name (see data/judge/README.md)."""
    return read_weights(DATA / "judge" / f"{name}.json")


def read_weights(path: Path) -> Weights:
    """Return the weights in a file that bench/judge.py wrote."""
    stored = json.loads(path.read_text("utf-8"))
    return Weights(
        classes=tuple(stored["classes"]),
        intercepts=tuple(stored["intercepts"]),
        features={name: tuple(row) for name, row in stored["features"].items()},
    )
