"""RFC 3161 time stamps: somebody else's signature on when a digest existed."""

from __future__ import annotations

import hashlib
import http.client
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from policy_archive.crawler.core.errors import UsageError

_MOST_BYTES = 1_000_000
_SECONDS = 30


def request_stamp(url: str, data: bytes) -> bytes:
    """Return a time stamp of the data by an authority (RFC 3161, section 3.4: over HTTP).

    Raises UsageError when it cannot be asked or its answer is none; nothing but a SHA-256 is sent.
    """
    client = _client()
    if not url.startswith(("http://", "https://")):
        raise UsageError(f"'{url}' is no address of a time stamp authority: http://… or https://…")
    asked = client.TimestampRequestBuilder().hash_algorithm(client.HashAlgorithm.SHA256).data(data).build()
    request = urllib.request.Request(  # noqa: S310 (http and https alone)
        url, data=asked.as_bytes(), headers={"Content-Type": "application/timestamp-query"}
    )
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
            token = bytes(answer.read(_MOST_BYTES))
    except (urllib.error.URLError, OSError, http.client.HTTPException, ValueError) as error:
        raise UsageError(f"the time stamp authority at {url} does not answer: {error}") from error
    try:
        response = client.decode_timestamp_response(token)
        imprint = response.tst_info.message_imprint.message
    except ValueError as error:
        raise UsageError(f"the time stamp authority at {url} gave no time stamp: {error}") from error
    if response.status != 0 or imprint != _sha256(data):
        raise UsageError(f"the time stamp authority at {url} stamped something else.")
    return token


def check_stamp(token: bytes, data: bytes, certificates: Path) -> str:
    """Return a sentence on a time stamp that holds under one of the certificates (PEM, roots and others).

    Raises ValueError, which says why it does not, UsageError for a file without a certificate.
    """
    client = _client()
    from cryptography import x509

    try:
        trusted = x509.load_pem_x509_certificates(certificates.read_bytes())
    except ValueError as error:
        raise UsageError(f"'{certificates.name}' holds no certificate (PEM).") from error
    roots = [one for one in trusted if one.issuer == one.subject] or trusted
    others = [one for one in trusted if one not in roots]
    verifier = client.VerifierBuilder(roots=roots, intermediates=others).build()
    try:
        response = client.decode_timestamp_response(token)
        verifier.verify_message(response, data)
    except (ValueError, client.VerificationError) as error:
        raise ValueError(str(error)) from error
    instant, authority = response.tst_info.gen_time, roots[0].subject.rfc4514_string()
    return f"time stamp of {instant:%Y-%m-%dT%H:%M:%SZ}, signed under {authority}"


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _client() -> Any:
    try:
        import rfc3161_client
    except ImportError as error:
        raise UsageError(
            "time stamps need rfc3161-client: pip install 'policy-archive[exchange]'."
        ) from error
    return rfc3161_client
