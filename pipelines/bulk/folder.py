"""The folder that parts are written into, and its manifest: what was asked for, what is read, what failed.

    DIR/part-<key>.parquet        a part: whole, or not there
    DIR/_manifest/code.json       which releases and settings read here; another may not
    DIR/_manifest/<id>.input.json a file, or rows of an index, that somebody asked for
    DIR/_manifest/<id>.done.json  which part it is in, and what came of its captures
    DIR/_manifest/<id>.failed.json  why there is none
    DIR/_unfinished/              what is being written; whoever is killed leaves it

Every file is written beside its place and renamed. Nothing else says how far a run is, so whatever dies, and
wherever, the same command goes on.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from policy_archive.crawler.core.errors import DiskFullError, InUseError, UsageError
from policy_archive.pipelines.bulk.job import BulkError, Job, Settings

_MANIFEST = "_manifest"
_UNFINISHED = "_unfinished"


class State(StrEnum):
    """Where a file stands."""

    READ = "read"
    WAITING = "waiting"
    """Nobody has come to it, or whoever did was killed."""
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Done:
    """What came of a file that was read."""

    part: str
    """Key of its part."""
    outcomes: dict[str, int]
    """Captures by outcome; `not read` of those that were not."""
    faults: list[str] = field(default_factory=list)
    """What is wrong with the file, a sentence each: its part holds the rest."""
    cpu_seconds: float = 0.0
    """Of all processes, reading it; 0 for one whose bytes had been read under another name."""

    @property
    def captures(self) -> int:
        return sum(self.outcomes.values())


@dataclass(frozen=True, kw_only=True)
class FileState:
    """Where one file stands."""

    id: str
    file: str
    state: State
    done: Done | None = None
    reason: str = ""
    """Of a failure; of a file that was read, its faults."""


class BulkFolder:
    """A folder of parts."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._manifest = path / _MANIFEST

    @classmethod
    def open(cls, path: Path) -> BulkFolder:
        """Return the folder; raises UsageError when nothing was ever read into it."""
        folder = cls(path)
        if not folder.is_there():
            raise UsageError(
                f"'{path}' holds nothing of 'bulk read': name the folder that its --to was given."
            )
        return folder

    def is_there(self) -> bool:
        """Return whether anything was ever read into it."""
        return (self._manifest / "code.json").is_file()

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Hold the folder for one run; the system frees it, however that ends. Raises InUseError."""
        try:
            for part in (self._manifest, self.path / _UNFINISHED):
                part.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._manifest / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise UsageError(f"'{self.path}' cannot be written into: {error.strerror}.") from error
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise InUseError(
                    f"another 'bulk read' writes into {self.path}: wait for it, or name another folder"
                ) from error
            yield
        finally:
            os.close(descriptor)

    def claim(self, code: str, settings: Settings) -> None:
        """Note by which code parts are read here; raises UsageError when others stand there.

        A folder is studied as one table: rows of two releases would stand in it twice.
        """
        wanted = {"code": code, "settings": asdict(settings)}
        path = self._manifest / "code.json"
        if path.is_file() and json.loads(path.read_text("utf-8")) != wanted:
            raise UsageError(
                f"'{self.path}' was read by another release or with other options, and rows would stand in "
                "it twice: name another folder."
            )
        self._write(path, wanted)

    def add_inputs(self, jobs: Iterable[Job]) -> None:
        """Note what is asked for; what the same place held before, and no longer does, is forgotten."""
        known = {(said["place"], tuple(said["span"] or ())): path for path, said in self._iter_said("input")}
        for job in jobs:
            before = known.get((job.place, job.span or ()))
            name = f"{job.id}.input.json"
            if before is not None and before.name == name:
                continue
            self._write(self._manifest / name, {"file": job.name, "place": job.place, "span": job.span})
            if before is not None:
                old = before.name.partition(".")[0]
                # the input last: who is killed here does it again
                for ending in ("failed.json", "done.json", "input.json"):
                    (self._manifest / f"{old}.{ending}").unlink(missing_ok=True)

    def is_done(self, job: Job) -> bool:
        """Return whether a file is read, and its part there."""
        done = self.read_done(job.id)
        return done is not None and self.part_path(done.part).is_file()

    def read_done(self, job_id: str) -> Done | None:
        """Return what came of a file, None when it is not read."""
        said = self._read(self._manifest / f"{job_id}.done.json")
        return Done(**said) if said else None

    def part_path(self, key: str) -> Path:
        """Return where a part lies."""
        return self.path / f"part-{key}.parquet"

    @contextmanager
    def build_part(self, key: str) -> Iterator[Path]:
        """Give a file that becomes the part when the block ends well, else it is gone."""
        unfinished = self.scratch(f"part-{key}")
        try:
            yield unfinished
            unfinished.replace(self.part_path(key))
            _sync(self.path)
        finally:
            unfinished.unlink(missing_ok=True)

    def scratch(self, name: str) -> Path:
        """Return a path for a file that is needed for a while; nobody else has it."""
        return self.path / _UNFINISHED / f"{name}.{os.getpid()}.{secrets.token_hex(4)}"

    def note_done(self, job: Job, done: Done) -> None:
        """Note what came of a file, once its part is there."""
        self._write(self._manifest / f"{job.id}.done.json", asdict(done))
        (self._manifest / f"{job.id}.failed.json").unlink(missing_ok=True)

    def note_failed(self, job: Job, reason: str) -> None:
        """Note why a file has no part; the next run tries again."""
        self._write(self._manifest / f"{job.id}.failed.json", {"reason": reason})

    def list_files(self) -> list[FileState]:
        """Return where every file stands that was ever asked for, by name."""
        found = [
            self._stand(path.name.partition(".")[0], said["file"]) for path, said in self._iter_said("input")
        ]
        return sorted(found, key=lambda one: (one.file, one.id))

    def _stand(self, job_id: str, file: str) -> FileState:
        done = self.read_done(job_id)
        if done is not None and self.part_path(done.part).is_file():
            return FileState(id=job_id, file=file, state=State.READ, done=done, reason="; ".join(done.faults))
        if failed := self._read(self._manifest / f"{job_id}.failed.json"):
            return FileState(id=job_id, file=file, state=State.FAILED, reason=failed["reason"])
        return FileState(id=job_id, file=file, state=State.WAITING)

    def tidy(self) -> None:
        """Delete parts that no file is in any more, and what killed processes left, once nothing waits."""
        files = self.list_files()
        if any(one.state is State.WAITING for one in files):
            return
        parts = {self.part_path(one.done.part) for one in files if one.done}
        for path in self.path.glob("part-*.parquet"):
            if path not in parts:
                path.unlink(missing_ok=True)
        for path in (self.path / _UNFINISHED).iterdir():
            with contextlib.suppress(OSError):
                path.unlink()

    def _iter_said(self, kind: str) -> Iterator[tuple[Path, dict[str, Any]]]:
        for path in sorted(self._manifest.glob(f"*.{kind}.json")):
            if said := self._read(path):
                yield path, said

    def _read(self, path: Path) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = json.loads(path.read_text("utf-8"))
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise BulkError(f"{path} is damaged: delete it, and run the same command again") from error
        return found

    def _write(self, path: Path, said: object) -> None:
        unfinished = self.scratch(path.name)
        try:
            unfinished.write_text(json.dumps(said, ensure_ascii=False), "utf-8", "surrogatepass")
            with unfinished.open("rb") as file:
                os.fsync(file.fileno())
            unfinished.replace(path)
        except OSError as error:
            if error.errno == 28:  # ENOSPC
                raise DiskFullError(f"the disk of {self.path} is full: free some space and go on") from error
            raise


def count_all(files: Iterable[FileState]) -> Counter[str]:
    """Return how many captures there are of each outcome, in parts; a part of two files counts once."""
    parts = {one.done.part: one.done.outcomes for one in files if one.done}
    total: Counter[str] = Counter()
    for outcomes in parts.values():
        total.update(outcomes)
    return total


def _sync(folder: Path) -> None:
    """Have a rename on the disk; file systems that cannot say so are taken at their word."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
