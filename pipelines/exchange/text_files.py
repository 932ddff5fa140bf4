"""Single texts, in: Markdown with front matter, and plain text that somebody saved."""

from __future__ import annotations

import re
from datetime import date, datetime
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

import yaml

from policy_archive.crawler.core.errors import UsageError
from policy_archive.crawler.core.records import Origin
from policy_archive.crawler.core.timestamps import format_timestamp, parse_day
from policy_archive.pipelines.exchange.imported import (
    MOST_HEADER_CHARACTERS,
    ImportedText,
    ImportOutcome,
    RefusedError,
    Stated,
)
from policy_archive.pipelines.exchange.princeton_leuven import check_instant
from policy_archive.pipelines.extract.dates import find_stated_dates, states_a_day
from policy_archive.pipelines.extract.language import identify_language
from policy_archive.pipelines.extract.source.decode import Decoded
from policy_archive.pipelines.extract.source.plain import read_plain

_FRONT_MATTER = re.compile(r"---[ \t]*\n(.*?\n)---[ \t]*(?:\n|$)", re.DOTALL)
_DATE_KEYS = (
    "date publishdate published pubdate updated lastmod last_updated lastupdated last_modified modified "
    "effective effective_date effectivedate"
).split()
_MARKDOWN = "front-matter"
_PLAIN = "plain"


def read_text_file(decoded: Decoded, *, path: str, digest: str, stated: Stated) -> ImportedText:
    """Return a text that does not say whose it is: `stated` must, and may say of when it is.

    Without a date given it is dated by its front matter, else by its own statement; `dated_by` says by which,
    and a month stays a month. Raises RefusedError.
    """
    if stated.site is None or stated.kind is None:
        missing = ImportOutcome.NO_SITE if stated.site is None else ImportOutcome.NO_KIND
        raise RefusedError(missing, "it does not say whose policy it is: give --site and --kind")
    matter = _read_front_matter(decoded.text)
    plain = read_plain(decoded.text)
    if not plain.text:
        raise RefusedError(ImportOutcome.EMPTY, "it holds no text")
    timestamp, dated_by = stated.timestamp, stated.dated_by
    language, _ = identify_language(plain.text)
    if timestamp is None:
        timestamp, dated_by = _date_by_front_matter(matter) or _date_by_statement(plain.text, language)
    name = PurePosixPath(path).name
    return ImportedText(
        site=stated.site,
        kind=stated.kind,
        name="",
        url=_address_in(matter),
        timestamp=check_instant(timestamp),
        title=plain.title,
        text=plain.text,
        extractor=_MARKDOWN if matter else _PLAIN,
        origin=Origin(
            format="markdown" if matter else "text",
            name=name,
            digest=digest,
            licence=stated.licence or _word(matter, "license", "licence"),
            attribution=stated.attribution or _word(matter, "author"),
        ),
        dated_by=dated_by,
        replacement_characters=decoded.replacement_characters,
    )


def file_address(name: str) -> str:
    """Return the address that stands for a file whose page is not known: its name, no folder.

    >>> file_address("policy 2020.txt")
    'file:policy%202020.txt'
    """
    return f"file:{quote(name)}"


def _read_front_matter(text: str) -> dict[str, Any]:
    """Return the front matter with its keys in lower case; {} when there is none, or it is no YAML."""
    match = _FRONT_MATTER.match(text.lstrip("\ufeff\n")[:MOST_HEADER_CHARACTERS])
    if not match:
        return {}
    try:
        found = yaml.safe_load(match[1])
    except Exception:  # PyYAML raises whatever its constructors do: AttributeError, OverflowError …
        return {}
    if not isinstance(found, dict):
        return {}
    return {key.lower(): value for key, value in found.items() if isinstance(key, str)}


def _word(matter: dict[str, Any], *keys: str) -> str:
    return next((matter[key][:500] for key in keys if isinstance(matter.get(key), str)), "")


def _address_in(matter: dict[str, Any]) -> str | None:
    words = (_word(matter, key) for key in ("url", "source", "canonical", "canonical_url"))
    return next((word for word in words if re.fullmatch(r"https?://[^\s\x00-\x1f]+", word)), None)


def _date_by_front_matter(matter: dict[str, Any]) -> tuple[str, str] | None:
    for key in _DATE_KEYS:
        value = matter.get(key)
        if isinstance(value, datetime):
            return _digits_of(value), f"front-matter {value.date().isoformat()}"
        if isinstance(value, date):
            return f"{value.isoformat().replace('-', '')}000000", f"front-matter {value.isoformat()}"
        if isinstance(value, str) and (found := _parse_written(value)):
            return found[0], f"front-matter {found[1]}"
    return None


def _digits_of(value: datetime) -> str:
    try:
        return format_timestamp(value)
    except OverflowError as error:  # the year 1, east of Greenwich
        raise RefusedError(ImportOutcome.BAD_DATE, f"{value.isoformat()} is no instant") from error


def _parse_written(text: str) -> tuple[str, str] | None:
    """Return (14 digits, the date as far as it goes) of an ISO date, with a time or not."""
    match = re.match(r"\s*(\d{4}(?:-\d\d(?:-\d\d)?)?)(?:[T ]+(\d\d):(\d\d)(?::(\d\d))?)?", text)
    if not match:
        return None
    try:
        first = parse_day(match[1])
    except UsageError:
        return None
    time = "".join(part or "00" for part in match.groups()[1:]) if match[2] else "000000"
    return check_time(f"{first:%Y%m%d}{time}"), match[1]


def check_time(timestamp: str) -> str:
    """Return the timestamp, its time set to midnight when it is none."""
    hours, minutes, seconds = timestamp[8:10], timestamp[10:12], timestamp[12:14]
    return timestamp if hours < "24" and minutes < "60" and seconds < "60" else f"{timestamp[:8]}000000"


def _date_by_statement(text: str, language: str | None) -> tuple[str, str]:
    stated = find_stated_dates(text, language=language)
    if not stated:
        raise RefusedError(
            ImportOutcome.NO_DATE, "neither its front matter nor its text says of when it is: give --date"
        )
    latest = max(stated, key=lambda one: one.day)
    day = latest.day.isoformat()
    return (
        f"{latest.day:%Y%m%d}000000",
        f"statement {day if states_a_day(latest.as_written) else day[:7]}",
    )
