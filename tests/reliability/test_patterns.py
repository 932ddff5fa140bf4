"""Every regular expression of the program takes time in proportion to its text, whoever wrote that text.

The patterns are found by walking the modules. What is hard for each is made of its own parse: what it
repeats, repeated, behind what must come before it, and then a character that no repetition takes.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Iterator
from itertools import product
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

import pytest

import policy_archive
from tests.support.linear import growth

_LONG = 16
"""A repetition that may be longer than this counts as one without end."""


def _iter_modules() -> Iterator[Any]:
    for found in pkgutil.walk_packages(policy_archive.__path__, "policy_archive."):
        if not found.name.endswith("__main__"):
            yield importlib.import_module(found.name)


def _iter_patterns(value: object, depth: int = 3) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif depth and isinstance(value, dict):
        for item in value.values():
            yield from _iter_patterns(item, depth - 1)
    elif depth and isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from _iter_patterns(item, depth - 1)
    elif depth and type(value).__module__.startswith("policy_archive") and hasattr(value, "__dict__"):
        yield from _iter_patterns(vars(value), depth - 1)


def _find_patterns() -> dict[str, re.Pattern[Any]]:
    found: dict[int, tuple[str, re.Pattern[Any]]] = {}
    for module in _iter_modules():
        for name, value in vars(module).items():
            for number, pattern in enumerate(_iter_patterns(value)):
                if isinstance(pattern.pattern, str | bytes):
                    label = f"{module.__name__.removeprefix('policy_archive.')}.{name}"
                    found.setdefault(id(pattern), (f"{label}-{number}" if number else label, pattern))
    return dict(found.values())


PATTERNS = _find_patterns()
_ANCHORED = {"match", "fullmatch"}


def _methods(label: str) -> set[str]:
    """Return how a pattern is used: `match` and `fullmatch` when its module does nothing else with it."""
    module, _, name = label.partition("-")[0].rpartition(".")
    source = inspect.getsource(sys.modules[f"policy_archive.{module}"])
    uses = re.findall(rf"\b{name}\b(?!\s*=[^=])(?:\.(\w+)\()?", source)
    return set(uses) if uses and set(uses) <= _ANCHORED else {"finditer"}


def test_the_patterns_are_found() -> None:
    assert len(PATTERNS) > 40


def _sample(node: tuple[Any, Any], flags: int) -> str:
    """Return a short text that a node of a parsed pattern matches, as far as that is easily told."""
    kind, value = node
    if kind is codes.LITERAL:
        return chr(value)
    if kind is codes.NOT_LITERAL:
        return "a" if value != ord("a") else "b"
    if kind is codes.ANY:
        return "a"
    if kind is codes.IN:
        return _sample_of_class(value)
    if kind is codes.BRANCH:
        return _sample_all(value[1][0], flags)
    if kind is codes.SUBPATTERN:
        return _sample_all(value[-1], flags)
    if kind in (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT):
        least, _, body = value
        return _sample_all(body, flags) * max(1, min(least, 20))
    if kind is codes.ATOMIC_GROUP:
        return _sample_all(value, flags)
    if kind is codes.ASSERT and value[0] == 1:
        return ""
    return ""


def _sample_all(nodes: Any, flags: int) -> str:
    return "".join(_sample(node, flags) for node in nodes)


_CANDIDATES = "a 1-[(<.,年é\n\"'/_:=*\\`~|\t\x01"


def _sample_of_class(items: list[tuple[Any, Any]]) -> str:
    kept = parser.SubPattern(parser.State(), [(codes.IN, items)])
    compiled = re._compiler.compile(kept)  # type: ignore[attr-defined]
    everything = _CANDIDATES + "".join(chr(n) for n in range(32, 127))
    for character in everything:
        if compiled.match(character):
            return character
    first = items[0]
    if first[0] is codes.LITERAL:
        return chr(first[1])
    return chr(first[1][0]) if first[0] is codes.RANGE else ""


def _iter_repeats(nodes: Any, before: str, flags: int) -> Iterator[tuple[str, str]]:
    """Yield (what must stand before, what is repeated) for every repetition without end."""
    for node in nodes:
        kind, value = node
        if kind in (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT):
            if value[1] > _LONG:
                yield before, _sample_all(value[2], flags)
            yield from _iter_repeats(value[2], before, flags)
        elif kind is codes.BRANCH:
            for branch in value[1]:
                yield from _iter_repeats(branch, before, flags)
        elif kind is codes.SUBPATTERN:
            yield from _iter_repeats(value[-1], before, flags)
        elif kind is codes.ATOMIC_GROUP:
            yield from _iter_repeats(value, before, flags)
        elif kind in (codes.ASSERT, codes.ASSERT_NOT):
            yield from _iter_repeats(value[1], before, flags)
        before += _sample(node, flags)


def _iter_hard(pattern: re.Pattern[Any]) -> Iterator[tuple[str, str, str]]:
    """Yield (beginning, unit, end): the unit is repeated."""
    text = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    seen = set()
    for before, unit in _iter_repeats(parser.parse(text, pattern.flags & ~re.UNICODE), "", pattern.flags):
        for hard in (
            (before, unit, "\x00"),
            (before, unit, "\n!"),
            ("", before + unit, "\x00"),
            ("", before, "\x00"),
            ("", f"{unit} ", "\x00"),
            ("", f"{before}{unit} ", "\x00"),
        ):
            if hard[1] and hard not in seen:
                seen.add(hard)
                yield hard


@pytest.mark.parametrize("name", sorted(PATTERNS))
def test_a_pattern_takes_time_in_proportion_to_the_text(name: str) -> None:
    pattern = PATTERNS[name]
    is_text = isinstance(pattern.pattern, str)
    for method, (begin, unit, end) in product(sorted(_methods(name)), _iter_hard(pattern)):
        use = getattr(pattern, method)

        def work(size: int, use: Any = use, begin: str = begin, unit: str = unit, end: str = end) -> None:
            text = begin + unit * (size // len(unit)) + end
            found = use(text if is_text else text.encode("latin-1", "replace"))
            for _ in found if isinstance(found, Iterator) else ():
                pass

        assert growth(work) < 3, (method, pattern.pattern, begin, unit, end)
