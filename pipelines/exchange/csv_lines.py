"""One line of CSV, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from typing import Any

_FORMULA_START = ("=", "+", "-", "@", "\t", "\r")


def format_csv_line(values: Iterable[Any], *, raw: bool = False) -> str:
    """Return one line of CSV with its line end; lists and objects as JSON; `raw` leaves formulas alone."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow([_csv_cell(value, raw=raw) for value in values])
    return line.getvalue()


def _csv_cell(value: Any, *, raw: bool) -> Any:
    if isinstance(value, (dict, list, tuple)):
        value = json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and not raw and value.startswith(_FORMULA_START):
        return f"'{value}"
    return value
