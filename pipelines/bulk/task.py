"""One task: a file read page by page, in processes that may die, into one part."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future
from pathlib import Path
from typing import Any

import zstandard

from policy_archive.crawler.core.errors import DiskFullError, ExtractionError, UsageError
from policy_archive.crawler.core.failpoints import point
from policy_archive.crawler.core.records import Kind, Outcome, Reading
from policy_archive.pipelines.bulk.as_json import write_reading
from policy_archive.pipelines.bulk.captures import Found, Input
from policy_archive.pipelines.bulk.folder import BulkFolder, Done, FileState, State
from policy_archive.pipelines.bulk.job import Job, check_code
from policy_archive.pipelines.bulk.page import NotRead, Page, PageRead, read_page, sort_capture
from policy_archive.pipelines.bulk.part import COLUMNS, PartFacts, PartWriter, count_outcomes, read_facts
from policy_archive.pipelines.reading.pool import ReadingPool

_AHEAD = 10
"""Pages that a task has in reading, or waiting for it, for each process of its pool: more than a process
that knows a page may have before it when another takes over."""
_AHEAD_BYTES = 32 << 20
"""Of their bodies."""
_LEVEL = 3
"""Of zstd for bodies: they are HTML, a fifth of their size, at 300 MB a second."""


class StoppedError(Exception):
    """The run was interrupted; the part is not written."""


def read_file(job: Job, pool: ReadingPool, stop: threading.Event | None = None) -> FileState:
    """Return what came of a file: its part is there and noted, or why not is. Nothing else is raised but

    SkewError when the task was given by another release, StoppedError, and DiskFullError.
    """
    check_code(job)
    folder = BulkFolder(Path(job.folder))
    stop = stop or threading.Event()
    try:
        done = _read(job, folder, pool, stop)
    except (StoppedError, DiskFullError):
        raise
    except Exception as error:  # whatever a file makes a library raise is that file's
        if stop.is_set():  # but for the pool's, which takes no page any more
            raise StoppedError from error
        reason = _say(error)
        folder.note_failed(job, reason)
        return FileState(id=job.id, file=job.name, state=State.FAILED, reason=reason)
    folder.note_done(job, done)
    return FileState(id=job.id, file=job.name, state=State.READ, done=done, reason="; ".join(done.faults))


def _say(error: Exception) -> str:
    if isinstance(error, UsageError):
        return str(error).rstrip(".")
    if isinstance(error, OSError):
        if error.errno == 28:  # ENOSPC
            raise DiskFullError("the disk that parts are written to is full: free some space") from error
        return f"{error.strerror or error}"
    return f"{type(error).__name__}: {error}"[:300]


def _read(job: Job, folder: BulkFolder, pool: ReadingPool, stop: threading.Event) -> Done:
    if folder.is_done(job):  # by a worker that was thought dead, or a run before
        done = folder.read_done(job.id)
        assert done is not None
        return done
    with Input(job=job) as source:
        key = job.key_of(source.digest)
        if (path := folder.part_path(key)).is_file():  # the same bytes by another name, or the note was lost
            faults = [f"{file}: {reason}" for file, reason in read_facts(path).faults]
            return Done(part=key, outcomes=dict(count_outcomes(path)), faults=faults)
        pool.run(int)  # no process to be had: that is this machine's fault, and no page's
        work, start = _Work(source=source, job=job, pool=pool, stop=stop), time.thread_time()
        with PartWriter(folder.scratch(f"rows-{key}")) as writer, folder.build_part(key) as unfinished:
            for row in work.iter_rows():
                writer.add(row)
                point("bulk-row")
            facts = PartFacts(
                code=job.code, key=key, files=source.files, faults=source.faults, left_out=source.left_out
            )
            writer.write(unfinished, facts)
            point("bulk-before-rename")
        point("bulk-before-note")
        return Done(
            part=key,
            outcomes=dict(writer.outcomes),
            faults=[f"{file}: {reason}" for file, reason in source.faults],
            cpu_seconds=round(time.thread_time() - start + work.cpu_seconds, 3),
        )


class _Work:
    """The captures of a file on their way through the pool."""

    def __init__(self, *, source: Input, job: Job, pool: ReadingPool, stop: threading.Event) -> None:
        self._source = source
        self._settings = job.settings
        self._pool = pool
        self._stop = stop
        self.cpu_seconds = 0.0
        """That the processes of the pool took."""

    def iter_rows(self) -> Iterator[dict[str, Any]]:
        """Yield the row of each capture, in the file's order; raises StoppedError."""
        waiting: deque[tuple[Found, Page | NotRead, Future[PageRead] | None]] = deque()
        most, held = _AHEAD * self._pool.processes, 0
        for found in self._source.iter_captures():
            page = sort_capture(found.row, found.answer, policies_only=self._settings.policies_only)
            # captures of a page repeat each other, and a process remembers what it has read
            is_page = isinstance(page, Page)
            future = self._pool.submit_beside(found.row.urlkey, read_page, page) if is_page else None
            waiting.append((found, page, future))
            held += _bytes_of(found)
            while len(waiting) > most or (held > _AHEAD_BYTES and len(waiting) > 1):
                held -= _bytes_of(waiting[0][0])
                yield self._finish(*waiting.popleft())
        while waiting:
            yield self._finish(*waiting.popleft())

    def _finish(self, found: Found, page: Page | NotRead, future: Future[PageRead] | None) -> dict[str, Any]:
        if isinstance(page, NotRead):
            self._check()
            return (
                _row_of(found) | _describe_unread(page) | {"body": _pack(found) if page.keep_body else None}
            )
        assert future is not None
        try:
            read = future.result()
        except ExtractionError as error:  # the page killed its process, or was too slow, or too large
            reading = Reading(outcome=Outcome(error.outcome), reason=str(error))
            read = PageRead(reading=reading, kind=page.kind or Kind.OTHER, body_digest="")
        except CancelledError as error:
            raise StoppedError from error
        self._check()
        self.cpu_seconds += read.cpu_seconds
        return _row_of(found) | _describe(page, read) | {"body": _pack(found)}

    def _check(self) -> None:
        if self._stop.is_set():
            raise StoppedError


def _bytes_of(found: Found) -> int:
    return len(found.answer.body) if found.answer else 0


def _row_of(found: Found) -> dict[str, Any]:
    """Return the columns of a capture that is not read yet."""
    row, answer = found.row, found.answer
    return dict.fromkeys(COLUMNS) | {
        "urlkey": row.urlkey,
        "timestamp": row.timestamp,
        "original": row.original,
        "mimetype": row.mimetype,
        "statuscode": row.statuscode,
        "digest": row.digest,
        "length": row.length,
        "file": found.file,
        "offset": found.offset,
        "content_type": answer.header("content-type") if answer else None,
        "http_status": answer.status if answer else None,
        "http_reason": answer.reason if answer else None,
        "headers": json.dumps(answer.headers) if answer else None,
        "is_cut": answer.is_cut if answer else None,
    }


def _describe_unread(page: NotRead) -> dict[str, Any]:
    return {"outcome": page.outcome, "reason": page.reason}


def _describe(page: Page, read: PageRead) -> dict[str, Any]:
    reading = read.reading
    written, text = write_reading(reading)
    columns: dict[str, Any] = {
        "outcome": reading.outcome,
        "reason": reading.reason,
        "site": page.site,
        "kind": read.kind,
        "body_digest": read.body_digest or None,
        "reading": written,
    }
    if one := reading.extraction:
        columns |= {
            "title": one.title,
            "language": one.language,
            "words": one.words,
            "text_sha256": one.text_sha256,
            "text": text,
            "extractor": one.extractor,
        }
    if verdict := reading.verdict:
        columns |= {
            "page_class": verdict.page_class,
            "policy_kind": verdict.kind,
            "probability": verdict.probability,
        }
    return columns | ({"owner": reading.owner.relation} if reading.owner else {})


def _pack(found: Found) -> bytes | None:
    if found.answer is None:
        return None
    packed: bytes = zstandard.ZstdCompressor(level=_LEVEL).compress(found.answer.body)
    return packed
