from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy_archive.pipelines.extract.language import identify_language, prose_of

LANGUAGES = sorted((Path(__file__).parent / "languages").glob("*.txt"))
CODES = {"zh-hant": "zh", "nb": "no"}


@pytest.mark.parametrize("path", LANGUAGES, ids=lambda path: path.stem)
def test_a_paragraph_is_enough_to_tell_the_language(path: Path) -> None:
    language, confidence = identify_language(path.read_text("utf-8"))
    assert language == CODES.get(path.stem, path.stem)
    assert 0.9 < confidence <= 1


@pytest.mark.parametrize(
    "text", ["", "Privacy", "[x](https://example.org/a-very-long/address/in/no/language)", "1 2 3"]
)
def test_what_holds_no_prose_has_no_language(text: str) -> None:
    assert identify_language(text) == (None, 0.0)


def test_addresses_do_not_outvote_the_prose() -> None:
    german = "Wir nehmen den Schutz Ihrer Daten ernst und erheben nur, was nötig ist."
    links = (
        "[hier](https://www.example.com/privacy/policy/all-the-information-you-need-about-our-terms)\n" * 5
    )
    assert identify_language(f"{german}\n{links}")[0] == "de"


@given(st.text("a@.:/h tp<1|", max_size=40))
def test_what_is_no_prose_is_left_out_word_by_word_as_in_one_go(text: str) -> None:
    whole = re.sub(r"<?https?://\S+|[^\s@]{1,64}@\S+|[\d|*#>_`\[\]()-]+", " ", text)
    assert prose_of(text).split() == whole.split()
