from __future__ import annotations

import re
from pathlib import Path

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from policy_archive.pipelines.extract.language import (
    LONGEST_SEQUENCE,
    identify_language,
    load_identifier,
    prose_of,
)

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


def _of_the_library() -> LanguageIdentifier:
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages([label for label in identifier.labels if len(label) == 2])
    return identifier


LIBRARY = _of_the_library()


@given(
    st.one_of(
        st.text(max_size=40), st.text("aeinrst äß\n", max_size=200), st.text("プライバシー個人の", max_size=9)
    )
)
def test_a_text_walked_at_once_is_scored_as_the_library_scores_it(text: str) -> None:
    assert load_identifier().rank(text) == LIBRARY.rank(text)


@pytest.mark.parametrize("path", LANGUAGES, ids=lambda path: path.stem)
def test_a_paragraph_walked_at_once_is_scored_as_the_library_scores_it(path: Path) -> None:
    text = path.read_text("utf-8")
    assert load_identifier().rank(text) == LIBRARY.rank(text)
    assert load_identifier().rank(text * 9) == LIBRARY.rank(text * 9)


def test_the_model_knows_no_sequence_longer_than_what_is_walked() -> None:
    moves = numpy.asarray(LIBRARY.tk_nextmove).reshape(-1, 256)[numpy.asarray(LIBRARY.tk_row)]
    reached, states, steps = numpy.zeros(len(moves), dtype=bool), numpy.array([0]), 0
    reached[0] = True
    while True:
        states = numpy.unique(moves[states])
        states = states[~reached[states]]
        if not len(states):
            break
        reached[states] = True
        steps += 1
    assert steps == LONGEST_SEQUENCE


@given(st.text("a@.:/h tp<1|", max_size=40))
def test_what_is_no_prose_is_left_out_word_by_word_as_in_one_go(text: str) -> None:
    whole = re.sub(r"<?https?://\S+|[^\s@]{1,64}@\S+|[\d|*#>_`\[\]()-]+", " ", text)
    assert prose_of(text).split() == whole.split()
