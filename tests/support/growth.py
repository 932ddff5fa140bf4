"""Work that databases do as a corpus grows, counted instead of timed: the same on every machine."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable

_INSTRUCTIONS = 50
"""Of SQLite's virtual machine between two looks: few enough for small work, many enough to cost nothing."""


def count_steps(connection: sqlite3.Connection, work: Callable[[], object]) -> int:
    """Return how many instructions SQLite ran for a piece of work, in fifties."""
    steps = 0

    def step() -> int:
        nonlocal steps
        steps += 1
        return 0

    connection.set_progress_handler(step, _INSTRUCTIONS)
    try:
        work()
    finally:
        connection.set_progress_handler(None, 0)
    return steps


def count_statements(connection: sqlite3.Connection, work: Callable[[], object]) -> int:
    """Return how many SQL statements a piece of work ran, each row of an `executemany` counted."""
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    try:
        work()
    finally:
        connection.set_trace_callback(None)
    return len(statements)


def exponent(small: float, large: float, *, times: int = 8) -> float:
    """Return x where work grew by `times ** x`: 0 flat, 1 linear, 2 quadratic."""
    return math.log(max(large, 1) / max(small, 1)) / math.log(times)
