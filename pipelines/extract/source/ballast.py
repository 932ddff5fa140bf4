"""Pure: elements whose content is no text, cut out of a page's source before it is parsed."""

from __future__ import annotations

import re
from collections.abc import Sequence


def cut_elements(source: str, names: Sequence[str], by: str = "") -> str:
    """Return the source without the elements of those names, each from its start tag to the next end tag.

    One that has no end is left. In one walk: a pattern with both tags would
    look for the missing end anew from each of a million starts.

    >>> cut_elements("a<script>b</script >c<SCRIPT>d", ["script", "style"])
    'ac<SCRIPT>d'
    """
    starts = re.compile(rf"<({'|'.join(names)})\b", re.IGNORECASE)
    ends = {name: re.compile(rf"</{name}\s*+>", re.IGNORECASE) for name in names}
    parts: list[str] = []
    position = 0
    endless: set[str] = set()
    for start in starts.finditer(source):
        name = start[1].lower()
        if start.start() < position or name in endless:
            continue
        end = ends[name].search(source, start.end())
        if end is None:
            endless.add(name)
            continue
        parts += (source[position : start.start()], by)
        position = end.end()
    return "".join([*parts, source[position:]])
