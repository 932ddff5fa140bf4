"""How bodies and packed texts stand in the database: as they are, compressed, compressed against another."""

from __future__ import annotations

from enum import IntEnum

import zstandard

from policy_archive.crawler.core.errors import DamagedError

LEVEL = 3
"""zstd's level. Real pages come to 25 % of their size, with the capture before as dictionary to 9 %."""
LEVEL_OF_TEXTS = 9
"""Of packed texts: 2.2 KB of 62 where level 3 has 2.4, at twice its 0.2 ms; level 19 has 2.0, at 6 ms."""
MOST_BYTES = 64 * 1024 * 1024
"""Of a body or a text: three times the longest that is taken in. A row of somebody else's may state any."""
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


def pack_text(text: bytes, *, base: bytes | None) -> bytes:
    """Return a text packed, against another one where one is given, with a checksum of its own.

    A body's name is its digest, a text is read without a look at its hash: the checksum tells a damaged base.
    """
    parameters = zstandard.ZstdCompressionParameters.from_level(
        LEVEL_OF_TEXTS, window_log=_window_log(len(text) + len(base or b"")), write_checksum=True
    )
    dictionary = _dictionary(base) if base else None
    return zstandard.ZstdCompressor(dict_data=dictionary, compression_params=parameters).compress(text)


def unpack_text(content: bytes, *, size: int, base: bytes | None) -> bytes:
    """Return what pack_text was given; raises DamagedError when it is not of the size that the row states."""
    decompressor = zstandard.ZstdDecompressor(dict_data=_dictionary(base) if base else None)
    try:
        text = _decompress(decompressor, content, size)
    except (zstandard.ZstdError, ValueError) as error:
        raise DamagedError(f"it does not unpack: {error}") from error
    if len(text) != size:
        raise DamagedError(f"it unpacks to {len(text)} bytes, not to the {size} that its row states")
    return text


def restore_body(codec: int, content: bytes, *, body_bytes: int, base: bytes | None = None) -> bytes:
    """Return the body that was stored.

    `body_bytes` is the size that the row states: nothing longer is decompressed.

    Raises DamagedError when the bytes do not decode to that size.
    """
    try:
        body = _restore(Codec(codec), content, body_bytes, base)
    except (zstandard.ZstdError, ValueError) as error:
        raise DamagedError(f"a stored body does not decode: {error}") from error
    if len(body) != body_bytes:
        raise DamagedError(f"a stored body has {len(body)} bytes, not the {body_bytes} that its row states")
    return body


def _restore(codec: Codec, content: bytes, body_bytes: int, base: bytes | None) -> bytes:
    if codec is Codec.AS_IS:
        return content
    if codec is Codec.ZSTD:
        return _decompress(zstandard.ZstdDecompressor(), content, body_bytes)
    if base is None:
        raise ValueError("it is compressed against another body, which is not there")
    return _decompress(zstandard.ZstdDecompressor(dict_data=_dictionary(base)), content, body_bytes)


def _decompress(decompressor: zstandard.ZstdDecompressor, content: bytes, size: int) -> bytes:
    """Return what is decompressed, at most so many bytes.

    The library keeps to `max_output_size` only where the frame does not state its own size; where it does, as
    all of ours do, so much memory is taken as the frame says. Raises ValueError when that is another size.
    """
    if size > MOST_BYTES:
        raise ValueError(f"its row states {size} bytes, and no more than {MOST_BYTES} are taken in")
    stated = zstandard.frame_content_size(content)
    if stated not in (size, -1):
        raise ValueError(f"it states a size of {stated} bytes, not {size}")
    return decompressor.decompress(content, max_output_size=max(size, 1))


def _dictionary(base: bytes) -> zstandard.ZstdCompressionDict:
    return zstandard.ZstdCompressionDict(base, dict_type=zstandard.DICT_TYPE_RAWCONTENT)


def _window_log(size: int) -> int:
    """Return the window that still sees the start of the base from the end of the body."""
    return min(max(size.bit_length(), _SMALLEST_WINDOW_LOG), _LARGEST_WINDOW_LOG)
