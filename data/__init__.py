"""What the program knows that is not code: word lists, the demo archive, the judge's weights."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent


@cache
def read_words(name: str) -> Mapping[str, Any]:
    """Return the tables of `words/<name>.toml`, read once; the only reader of word files."""
    return read_word_file(DATA / "words" / f"{name}.toml")


def read_word_file(path: Path) -> Mapping[str, Any]:
    """Return the tables of a word file that need not be one of ours."""
    return tomllib.loads(path.read_text("utf-8"))
