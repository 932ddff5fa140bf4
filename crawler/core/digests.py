"""The digest by which indexes and this corpus know a body."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable


def body_digest(body: bytes) -> str:
    """Return the digest of a body as the index writes it: base-32 SHA-1.

    >>> body_digest(b"")
    '3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ'
    """
    return digest_of_pieces((body,))


def digest_of_pieces(pieces: Iterable[bytes]) -> str:
    """Return the same of a body that comes in pieces."""
    # the archive's own digest: it finds equal bodies, nothing is secured by it
    digest = hashlib.sha1(usedforsecurity=False)
    for piece in pieces:
        digest.update(piece)
    return base64.b32encode(digest.digest()).decode()
