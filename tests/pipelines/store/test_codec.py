"""Bodies come back byte for byte, or not at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy_archive.crawler.core.errors import StoreError
from policy_archive.pipelines.store.codec import (
    MOST_BYTES,
    Codec,
    compress_against,
    compress_body,
    restore_body,
)


@given(st.binary(max_size=2000))
def test_a_body_comes_back_as_it_was_and_is_never_stored_larger(body: bytes) -> None:
    codec, content = compress_body(body)
    assert len(content) <= len(body)
    assert restore_body(codec, content, body_bytes=len(body)) == body


@given(st.binary(max_size=2000), st.binary(min_size=1, max_size=2000))
def test_a_body_comes_back_from_the_one_it_was_compressed_against(body: bytes, base: bytes) -> None:
    content = compress_against(body, base)
    assert restore_body(Codec.ZSTD_AGAINST_BASE, content, body_bytes=len(body), base=base) == body


def test_a_large_body_that_changed_a_little_becomes_very_small() -> None:
    base = b"".join(b"<p>%x</p>" % (number * 2654435761 % 2**32) for number in range(60_000))
    content = compress_against(base.replace(b"<p>0</p>", b"<p>changed</p>"), base)
    assert len(content) < len(base) / 100


@pytest.mark.parametrize(
    ("codec", "content", "body_bytes", "base"),
    [
        (Codec.AS_IS, b"abc", 4, None),
        (Codec.ZSTD, b"no zstd", 7, None),
        (Codec.ZSTD, compress_body(b"a" * 1000)[1], 10, None),
        (Codec.ZSTD, compress_body(b"a" * 1000)[1][:-3], 1000, None),
        (Codec.ZSTD_AGAINST_BASE, compress_against(b"abc", b"abd"), 3, None),
        (9, b"abc", 3, None),
        (Codec.ZSTD, compress_body(b"a" * 1000)[1], 990, None),
        (Codec.ZSTD, compress_body(bytes(MOST_BYTES + 1))[1], MOST_BYTES + 1, None),
        (Codec.ZSTD, compress_body(b"a" * 1000)[1], -1, None),
    ],
    ids=[
        "size",
        "not zstd",
        "longer than stated",
        "cut off",
        "base missing",
        "unknown codec",
        "longer than stated, not by much",
        "a bomb",
        "less than nothing",
    ],
)
def test_damage_is_an_error(codec: int, content: bytes, body_bytes: int, base: bytes | None) -> None:
    with pytest.raises(StoreError, match="stored body"):
        restore_body(codec, content, body_bytes=body_bytes, base=base)
