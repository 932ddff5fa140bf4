"""The model that tells languages, py3langid's: walked at once, and kept unpacked from run to run.

To unpack it took 0.4 s of CPU at each start, a third of what a server of readers needs to be there. What is
kept are the library's own numbers, under the digest of its file; where nothing can be kept, or what was kept
is damaged, they come from that file again.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy
from py3langid.langid import MODEL_DIR, MODEL_FILE, LanguageIdentifier  # type: ignore[import-untyped]

from policy_archive.crawler.core.errors import PolicyArchiveError
from policy_archive.crawler.core.safe_files import write_file

LONGEST_SEQUENCE = 6
"""Bytes of the longest feature that the model has."""
_FORM = 1
"""Of the kept file; raised when it holds other tables."""
_ALIGNED = 64
"""Bytes at a multiple of which the tables begin: numpy is slow with what lies across."""
_TABLES = ("weights", "priors", "moves", "rows", "outputs")


class LanguageModel(LanguageIdentifier):  # type: ignore[misc]  # py3langid has no types
    """The library's classifier, a few times as fast, of which all numbers are its own.

    Its automaton knows sequences of LONGEST_SEQUENCE bytes at most (a test holds that): the state after a
    byte hangs on so many bytes up to it alone, so all bytes of a text are walked at once, and not one by one.
    The weights of a feature lie side by side.
    """

    def __init__(self, languages: list[str], tables: dict[str, Any]) -> None:
        self.nb_classes, self.nb_ptc, self.nb_pc = languages, tables["weights"], tables["priors"]
        self.min_confidence, self._norm_probs = None, True
        self._full_model = self.nb_ptc, self.nb_pc, self.nb_classes
        self._set_alias_pairs()
        self._moves, self._rows, self._outputs = tables["moves"], tables["rows"], tables["outputs"]

    def _raw_score(self, text: bytes) -> Any:
        features = self._features(text)
        if not features:
            return numpy.zeros(len(self.nb_classes), dtype=numpy.float32)
        return self._sparse_score(Counter(features), self.nb_ptc)

    def _features(self, text: bytes) -> list[int]:
        """Return what the automaton tells of a text, in order: the sum over them is one of floats."""
        letters = numpy.frombuffer(text, dtype=numpy.uint8)
        padded = numpy.concatenate((numpy.zeros(LONGEST_SEQUENCE - 1, dtype=numpy.uint8), letters))
        states = numpy.zeros(len(letters), dtype=numpy.intp)
        for place in range(LONGEST_SEQUENCE):
            states = self._moves[self._rows[states] + padded[place : place + len(letters)]]
            # before the text's first byte nothing was read
            states[: LONGEST_SEQUENCE - 1 - place] = 0
        told = self._outputs[states]
        return list(told[told >= 0].tolist())


def load_model() -> LanguageModel:
    """Return the model, held to languages with an ISO 639-1 code: the others are mostly its mistakes."""
    source = (MODEL_DIR / MODEL_FILE).read_bytes()
    digest = blake2b(source, digest_size=16, key=f"{_FORM} {sys.byteorder}".encode()).hexdigest()
    path = find_kept_folder() / f"{digest}.zst"
    model = _read_kept(path)
    if model is None:
        model = _read_library()
        _keep(model, path)
    return model


def find_kept_folder() -> Path:
    """Return where the unpacked model is kept: in the user's cache."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path("~/.cache").expanduser()) / "policy-archive" / "language-model"


def _read_library() -> LanguageModel:
    read = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    read.set_languages([label for label in read.labels if len(label) == 2])
    tables = {
        "weights": numpy.ascontiguousarray(read.nb_ptc),
        "priors": numpy.ascontiguousarray(read.nb_pc),
        "moves": numpy.asarray(read.tk_nextmove),
        "rows": numpy.asarray(read.tk_row, dtype=numpy.int32) << 8,
        "outputs": numpy.asarray(read.tk_output, dtype=numpy.int32),
    }
    return LanguageModel(list(read.nb_classes), tables)


def _tables_of(model: LanguageModel) -> dict[str, Any]:
    found = (model.nb_ptc, model.nb_pc, model._moves, model._rows, model._outputs)
    return dict(zip(_TABLES, found, strict=True))


def _keep(model: LanguageModel, path: Path) -> None:
    """Write the model's tables behind a line that says what they are; those of other releases go."""
    from zstandard import ZstdCompressor

    tables = _tables_of(model)
    shapes = [(name, table.dtype.str, table.shape) for name, table in tables.items()]
    told = json.dumps({"languages": model.nb_classes, "tables": shapes}).encode()
    head = told + b" " * (-(len(told) + 1) % _ALIGNED) + b"\n"
    packed = ZstdCompressor(write_checksum=True).compress(
        b"".join((head, *(table.tobytes() for table in tables.values())))
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, [packed], within=path.parent)
        for other in path.parent.glob("*.zst"):
            if other != path:
                other.unlink()
    except (OSError, RuntimeError, PolicyArchiveError):
        return  # a place where nothing can be kept: the next start takes as long as this one


def _read_kept(path: Path) -> LanguageModel | None:
    """Return the model out of a file of `_keep`; None where there is none, or it is not whole."""
    from zstandard import ZstdDecompressor, ZstdError

    try:
        content = ZstdDecompressor().decompress(path.read_bytes())
        return _unpack(content)
    except (OSError, RuntimeError, ZstdError, ValueError, KeyError, TypeError):
        return None


def _unpack(content: bytes) -> LanguageModel:
    """Return the model out of what `_keep` packed; raises ValueError, KeyError, TypeError for others."""
    head, _, _ = content.partition(b"\n")
    told = json.loads(head)
    tables, place = {}, len(head) + 1
    for name, kind, shape in told["tables"]:
        size = int(numpy.prod(shape))
        tables[name] = numpy.frombuffer(content, kind, size, place).reshape(shape)
        place += tables[name].nbytes
    return LanguageModel(told["languages"], tables)
