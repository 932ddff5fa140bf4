"""Results of pure functions, kept for a while: the captures of a page repeat each other, text by text."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import wraps
from threading import Lock
from typing import ParamSpec, TypeVar

LONGEST = 400_000
"""Characters of a text that is kept; the longest of 1,606 real captures has 0.3 million."""

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


def remembered(
    entries: int, *, longest: int = LONGEST
) -> Callable[[Callable[_Arguments, _Result]], Callable[_Arguments, _Result]]:
    """Keep a pure function's results for the last so many different positional arguments.

    The first of them is a text; a longer one than `longest` is not kept, so that no page can fill
    the memory. What is given by name is no part of the question: it only helps to answer it.
    """

    def decorate(function: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
        kept: OrderedDict[object, _Result] = OrderedDict()
        lock = Lock()

        @wraps(function)
        def recall(*args: _Arguments.args, **means: _Arguments.kwargs) -> _Result:
            with lock:
                if args in kept:
                    kept.move_to_end(args)
                    return kept[args]
            result = function(*args, **means)
            if len(args[0]) <= longest:  # type: ignore[arg-type]  # a text; no type says so
                with lock:
                    kept[args] = result
                    if len(kept) > entries:
                        kept.popitem(last=False)
            return result

        return recall

    return decorate
