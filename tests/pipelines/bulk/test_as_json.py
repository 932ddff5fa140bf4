"""Readings as JSON: what goes out comes back, and what is none is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy_archive.crawler.core.records import Reading
from policy_archive.pipelines.bulk.as_json import parse_reading, write_reading
from policy_archive.pipelines.bulk.page import Page, read_page

PAGES = sorted((Path(__file__).parents[2] / "pages").glob("*/input.html"))


@pytest.mark.parametrize("path", PAGES[:12], ids=lambda path: path.parent.name)
def test_what_a_page_is_read_as_comes_back_as_it_was(path: Path) -> None:
    page = Page(
        site="books.example", kind=None, url="https://books.example/a", timestamp="20190611120000",
        content_type="text/html", codings="", body=path.read_bytes(),
    )  # fmt: skip
    reading = read_page(page).reading
    assert parse_reading(*write_reading(reading)) == reading


@given(st.from_type(Reading))
def test_any_reading_comes_back_as_it_was(reading: Reading) -> None:
    assert repr(parse_reading(*write_reading(reading))) == repr(reading)  # no number is itself


@pytest.mark.parametrize(
    "written",
    ["", "7", "null", "[]", "{}", '{"outcome": "text"}', "[" * 100_000, '{"outcome": 7}'],
    ids=["nothing", "number", "null", "list", "object", "few-fields", "deep", "other-type"],
)
def test_what_is_no_reading_is_refused(written: str) -> None:
    with pytest.raises(ValueError):
        parse_reading(written, "")
