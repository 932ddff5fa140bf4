"""One tree of errors. A message says what, which URL, what to try; facts ride as attributes."""

from __future__ import annotations

from policy_archive.crawler.core.exit_statuses import ExitStatus


class PolicyArchiveError(Exception):
    """Base of every error that this project raises on purpose."""

    exit_status = ExitStatus.FAILED
    """What a command that ends by it exits with."""


class UsageError(PolicyArchiveError):
    """What the user asked for cannot be meant: one sentence that says what to do."""

    exit_status = ExitStatus.USAGE


class CdxError(PolicyArchiveError):
    """The index did not give an answer that can be read as rows."""

    def __init__(self, message: str, *, url: str | None = None, status: int | None = None) -> None:
        super().__init__(message)
        self.url = url
        self.status = status


class RateLimitedError(PolicyArchiveError):
    """The archive asked us to wait, or refuses connections."""

    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class UnreachableError(RateLimitedError):
    """Nobody gets through to the archive from here: no such name, no network, no certificate that holds."""


class PlaybackError(PolicyArchiveError):
    """A replay answer is not the capture that was asked for."""

    def __init__(self, message: str, *, url: str | None = None) -> None:
        super().__init__(message)
        self.url = url


class BlockedError(PlaybackError):
    """The archive does not show this site (excluded, robots)."""


class ExtractionError(PolicyArchiveError):
    """No text can be had from a body; `outcome` says why, as it is stored with the capture."""

    def __init__(self, message: str, *, outcome: str) -> None:
        super().__init__(message)
        self.outcome = outcome


class StoreError(PolicyArchiveError):
    """The database cannot be used: newer than the program, locked, full, not ours."""


class DamagedError(StoreError):
    """What is stored of one thing is missing or damaged; all others can be used."""


class DiskFullError(StoreError):
    """Nothing more can be written; what was committed stays, the next run goes on from there."""

    exit_status = ExitStatus.DISK_FULL


class InUseError(StoreError):
    """Another run holds the database; the message says which."""

    exit_status = ExitStatus.IN_USE


class NotKnownError(PolicyArchiveError):
    """The corpus does not hold what was asked for; the message says what it does hold."""
