"""A bit of everything: what a long crawl meets, for soak tests."""

from __future__ import annotations

from dataclasses import replace

from policy_archive.archive_server.faults.base import Fault, index
from policy_archive.archive_server.faults.bodies import (
    DamagedGzip,
    Disconnect,
    DoubleGzip,
    EmptyContentEncoding,
    MissingCharset,
    RawGzip,
    Truncated,
    WrongContentEncoding,
)
from policy_archive.archive_server.faults.pages import (
    BadTimestamps,
    Duplicates,
    JunkOriginals,
    MalformedRows,
    NegativeLength,
    ResumeKey,
    Revisit,
    Twins,
    UnknownFields,
)
from policy_archive.archive_server.faults.refusals import (
    IndexTrouble,
    Maintenance,
    RateLimited,
    Refused,
    Reset,
    ServerError,
    Slow,
)


def build_mixture(chance: float) -> list[Fault]:
    """Return faults that a patient client gets over, which together strike that share of the requests.

    Faults of the index and of replay are drawn apart, each kind with the whole share.
    """
    anywhere = [
        RateLimited(retry_after="1"),
        RateLimited(),
        ServerError(status=502),
        ServerError(status=504),
        Reset(),
        Refused(seconds=0.3),
        Disconnect(at_byte=20),
        Truncated(),
        Truncated(how="chunked"),
        Slow(seconds=0.1),
    ]
    pages = [
        Duplicates(every=2),
        Twins(every=3),
        MalformedRows(every=5),
        NegativeLength(every=2),
        UnknownFields(every=2),
        BadTimestamps(every=7),
        JunkOriginals(every=9),
        ResumeKey(style="empty-page"),
        Revisit(),
        IndexTrouble(),
        Maintenance(when=index),
    ]
    bodies = [
        DoubleGzip(),
        RawGzip(),
        EmptyContentEncoding(),
        DamagedGzip(),
        WrongContentEncoding(encoding="gzip"),
        MissingCharset(),
    ]
    share = chance / (len(anywhere) + len(bodies))
    of_pages = share * len(bodies) / len(pages)
    return [
        *(replace(fault, chance=share) for fault in (*anywhere, *bodies)),
        *(replace(fault, chance=of_pages) for fault in pages),
    ]
