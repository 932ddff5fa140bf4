"""Home pages written to be hard, in sixty languages: policies are found, headlines and sweets are not."""

from __future__ import annotations

import pytest

from bench.written_pages import HALVES, LETTERS, read_pages

LEAST_RECALL = 0.98
LEAST_PRECISION = {"seen": 0.97, "unseen": 0.98, "later": 0.97}


@pytest.mark.parametrize("half", HALVES)
def test_links_of_written_pages_are_read(half: str) -> None:
    readings = list(read_pages(half))
    assert len(readings) > 45
    for kind in LETTERS:
        wanted = sum(reading.wanted[kind] for reading in readings)
        missed = sum(missed is kind for reading in readings for missed, _ in reading.missed)
        assert wanted - missed >= LEAST_RECALL * wanted > 0
    links, wrong = sum(reading.links for reading in readings), sum(len(r.wrong) for r in readings)
    assert links - wrong >= LEAST_PRECISION[half] * links > 0
