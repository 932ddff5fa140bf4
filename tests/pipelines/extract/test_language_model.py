"""The model that tells languages: its numbers are the library's, wherever they come from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from py3langid.langid import MODEL_FILE, LanguageIdentifier
from zstandard import ZstdCompressor

from policy_archive.pipelines.extract.language_model import LONGEST_SEQUENCE, find_kept_folder, load_model

LANGUAGES = sorted((Path(__file__).parent / "languages").glob("*.txt"))


def _of_the_library() -> LanguageIdentifier:
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages([label for label in identifier.labels if len(label) == 2])
    return identifier


LIBRARY, MODEL = _of_the_library(), load_model()


@given(
    st.one_of(
        st.text(max_size=40), st.text("aeinrst äß\n", max_size=200), st.text("プライバシー個人の", max_size=9)
    )
)
def test_a_text_walked_at_once_is_scored_as_the_library_scores_it(text: str) -> None:
    assert MODEL.rank(text) == LIBRARY.rank(text)


@pytest.mark.parametrize("path", LANGUAGES, ids=lambda path: path.stem)
def test_a_paragraph_walked_at_once_is_scored_as_the_library_scores_it(path: Path) -> None:
    text = path.read_text("utf-8")
    assert MODEL.rank(text) == LIBRARY.rank(text)
    assert MODEL.rank(text * 3) == LIBRARY.rank(text * 3)


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


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return find_kept_folder()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy that was kept."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        assert _is_the_library()
        (file,) = find_kept_folder().iterdir()
    return file


def _is_the_library() -> bool:
    text = LANGUAGES[0].read_text("utf-8")
    return bool(load_model().rank(text) == LIBRARY.rank(text))


def test_the_model_is_kept_and_read_again(kept: Path, whole: Path) -> None:
    kept.mkdir(parents=True)
    file = kept / whole.name
    file.write_bytes(whole.read_bytes())
    written = file.stat().st_mtime_ns
    assert _is_the_library() and file.stat().st_mtime_ns == written


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[: len(content) // 2],
        lambda content: content[:1000] + bytes([content[1000] ^ 1]) + content[1001:],
        lambda content: b"no model",
        lambda content: ZstdCompressor().compress(b"no model"),
        lambda content: ZstdCompressor().compress(b"{}\n"),
        lambda content: ZstdCompressor().compress(b"[1]\n"),
    ],
    ids=["empty", "half", "a bit", "something else", "something packed", "no tables", "a list"],
)
def test_a_damaged_copy_is_made_anew(kept: Path, whole: Path, damage: Callable[[bytes], bytes]) -> None:
    kept.mkdir(parents=True)
    (kept / whole.name).write_bytes(damage(whole.read_bytes()))
    assert _is_the_library()
    assert (kept / whole.name).read_bytes() == whole.read_bytes()


def test_the_copy_of_another_release_goes(kept: Path) -> None:
    kept.mkdir(parents=True)
    (kept / "0123.zst").write_bytes(b"older")
    assert _is_the_library()
    (file,) = kept.iterdir()
    assert file.name != "0123.zst"


def test_where_nothing_can_be_kept_the_model_is_there(kept: Path) -> None:
    kept.parent.parent.mkdir(exist_ok=True)
    kept.parent.write_text("a file in the folder's place", "utf-8")
    assert _is_the_library()
