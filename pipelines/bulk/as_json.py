"""Readings as JSON and back: parts are passed on, and what others give us is parsed, never unpickled."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass, replace
from datetime import date
from enum import Enum
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from policy_archive.crawler.core.records import Reading


def write_reading(reading: Reading) -> tuple[str, str]:
    """Return a reading as JSON, and its text beside it: a part has a column of texts."""
    text = reading.extraction.text if reading.extraction else ""
    if reading.extraction:
        reading = replace(reading, extraction=replace(reading.extraction, text=""))
    return json.dumps(asdict(reading), default=date.isoformat, ensure_ascii=False), text


def parse_reading(written: str, text: str) -> Reading:
    """Return the reading that `write_reading` was given; raises ValueError if it is none."""
    try:
        reading: Reading = _build(Reading, json.loads(written))
    except (TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"no reading: {error}") from error
    if reading.extraction:
        reading = replace(reading, extraction=replace(reading.extraction, text=text))
    return reading


def _build(kind: Any, value: Any) -> Any:
    """Return a value of a type, from what JSON made of it; raises TypeError or ValueError."""
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        options = get_args(kind)
        if value is None and type(None) in options:
            return None
        return _build(next(one for one in options if one is not type(None)), value)
    if origin is tuple:
        if not isinstance(value, list):
            raise TypeError(f"{value!r} is no list")
        return tuple(_build(get_args(kind)[0], one) for one in value)
    if isinstance(kind, type) and is_dataclass(kind):
        if not isinstance(value, Mapping):
            raise TypeError(f"{value!r} is no object")
        hints = _hints_of(kind)
        return kind(**{one.name: _build(hints[one.name], value[one.name]) for one in fields(kind)})
    if kind is date:
        return date.fromisoformat(value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(value)
    if type(value) is not kind:
        raise TypeError(f"{value!r} is no {kind}")
    return value


@cache
def _hints_of(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)
