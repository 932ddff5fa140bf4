"""Two rules for what is kept instead of worked out again; a test allows no third.

`functools.cache` keeps what is ours: tables of our own files, patterns and models built of them. Such a
function has no argument, or names of our files and lists, so that what it keeps has an end.

`remembered` keeps results for texts of others: the captures of a page repeat each other, text by text. It
has a number of entries and a length, so that no page can fill the memory.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache, wraps
from threading import Lock
from typing import ParamSpec, TypeVar

LONGEST = 400_000
"""Characters of a text that is kept; the longest of 1,606 real captures has 0.3 million."""
SHORT = 500
"""Characters of an address, a name or a label that is kept, of which there may be tens of thousands."""

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
        if function.__code__.co_kwonlyargcount:
            return _recall_with_means(function, entries, longest)
        known = lru_cache(maxsize=entries)(function)
        if function.__code__.co_argcount == 1:
            return _recall_by_text(function, known, longest)

        @wraps(function)
        def recall(*args: _Arguments.args, **_: _Arguments.kwargs) -> _Result:
            return known(*args) if len(args[0]) <= longest else function(*args)  # type: ignore[call-arg, arg-type]

        return recall

    return decorate


def _recall_by_text(
    function: Callable[_Arguments, _Result], known: Callable[_Arguments, _Result], longest: int
) -> Callable[_Arguments, _Result]:
    """Return what `remembered` gives for a function of one text: asked tens of thousands of times a page."""

    @wraps(function)
    def recall(text: str) -> _Result:
        return known(text) if len(text) <= longest else function(text)  # type: ignore[call-arg, arg-type]

    return recall  # type: ignore[return-value]


def _recall_with_means(
    function: Callable[_Arguments, _Result], entries: int, longest: int
) -> Callable[_Arguments, _Result]:
    """Return a function that keeps results by its positional arguments alone, which lru_cache cannot."""
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
