"""How bodies stand in the database: as they are, compressed, or compressed against another body."""

from __future__ import annotations

from enum import IntEnum

import zstandard

from policy_archive.crawler.core.errors import StoreError

LEVEL = 3
"""zstd's level. Real pages come to 25 % of their size, with the capture before as dictionary to 9 %."""
_SMALLEST_WINDOW_LOG = 10
_LARGEST_WINDOW_LOG = 27  # 128 MB: what a decompressor takes without being asked


class Codec(IntEnum):
    """The column `bodies.codec`."""

    AS_IS = 0
    ZSTD = 1
    ZSTD_AGAINST_BASE = 2


def compress_body(body: bytes) -> tuple[Codec, bytes]:
    """Return the codec and the bytes to store: compressed, unless that is no smaller."""
    compressed = zstandard.ZstdCompressor(level=LEVEL).compress(body)
    return (Codec.ZSTD, compressed) if len(compressed) < len(body) else (Codec.AS_IS, body)


def compress_against(body: bytes, base: bytes) -> bytes:
    """Return the body compressed with another body as dictionary: to be stored as ZSTD_AGAINST_BASE."""
    parameters = zstandard.ZstdCompressionParameters.from_level(
        LEVEL, window_log=_window_log(len(body) + len(base))
    )
    return zstandard.ZstdCompressor(dict_data=_dictionary(base), compression_params=parameters).compress(body)


def restore_body(codec: int, content: bytes, *, body_bytes: int, base: bytes | None = None) -> bytes:
    """Return the body that was stored.

    `body_bytes` is the size that the row states: nothing longer is decompressed.

    Raises StoreError when the bytes do not decode to that size.
    """
    try:
        body = _restore(Codec(codec), content, body_bytes, base)
    except (zstandard.ZstdError, ValueError) as error:
        raise StoreError(f"a stored body does not decode: {error}") from error
    if len(body) != body_bytes:
        raise StoreError(f"a stored body has {len(body)} bytes, not the {body_bytes} that its row states")
    return body


def _restore(codec: Codec, content: bytes, body_bytes: int, base: bytes | None) -> bytes:
    if codec is Codec.AS_IS:
        return content
    if codec is Codec.ZSTD:
        return zstandard.ZstdDecompressor().decompress(content, max_output_size=body_bytes)
    if base is None:
        raise ValueError("it is compressed against another body, which is not there")
    decompressor = zstandard.ZstdDecompressor(dict_data=_dictionary(base))
    return decompressor.decompress(content, max_output_size=body_bytes)


def _dictionary(base: bytes) -> zstandard.ZstdCompressionDict:
    return zstandard.ZstdCompressionDict(base, dict_type=zstandard.DICT_TYPE_RAWCONTENT)


def _window_log(size: int) -> int:
    """Return the window that still sees the start of the base from the end of the body."""
    return min(max(size.bit_length(), _SMALLEST_WINDOW_LOG), _LARGEST_WINDOW_LOG)
