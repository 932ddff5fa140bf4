"""What the user named → items, by what is in it: which format a file, folder or repository is."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import chain, islice
from pathlib import Path

from policy_archive.archive_server.warc_files import is_web_archive
from policy_archive.crawler.core.errors import UsageError
from policy_archive.pipelines.exchange import open_terms, princeton_leuven
from policy_archive.pipelines.exchange.git_history import (
    FileChange,
    GitRepository,
    is_bundle,
    is_repository,
    open_repository,
)
from policy_archive.pipelines.exchange.imported import (
    MOST_CAPTURES,
    MOST_FILE_BYTES,
    ImportOutcome,
    Item,
    Refusal,
    RefusedError,
    Stated,
    attempt,
    storable,
)
from policy_archive.pipelines.exchange.part_files import is_part, is_parts_folder, list_parts
from policy_archive.pipelines.exchange.text_files import read_text_file
from policy_archive.pipelines.extract.source.decode import decode_body

_IS_TABLE = "select count(*) from pragma_table_list where name = ? and type = 'table' and not wr"
"""A view is a program of the file's author, and may never end; a table without row numbers is not read."""
_TEXT_SUFFIXES = (".md", ".markdown", ".txt", ".text")
_HEAD_BYTES = 512
_GUESSED_CHANGES = 50


class SourceFormat(StrEnum):
    """What `--as` offers."""

    PRINCETON_LEUVEN = "princeton-leuven"
    """Markdown with the corpus's block quote: a file, a tree, a git repository; or its SQLite table."""
    OTA_VERSIONS = "ota-versions"
    OTA_SNAPSHOTS = "ota-snapshots"
    OTA_DATASET = "ota-dataset"
    OTA_DECLARATIONS = "ota-declarations"
    TEXTS = "texts"
    """Markdown with front matter, and plain text."""


@dataclass(kw_only=True)
class Sources:
    """All that the user named, sorted: declarations first, for what comes after needs them."""

    paths: tuple[Path, ...]
    stated: Stated = field(default_factory=Stated)
    form: SourceFormat | None = None
    """None: guessed."""
    known: dict[tuple[str, str], open_terms.Declared] = field(default_factory=dict)
    """Declarations that the corpus has already."""

    def list_web_archives(self) -> list[Path]:
        """Return the WARC, ARC and WACZ files in and below what was named, by name."""
        named = (path for path in self.paths if not is_repository(path) and not is_parts_folder(path))
        files = (file for path in named for file in _iter_files(path))
        return [Path(file) for file in files if is_web_archive(file)]

    def list_parts(self) -> list[Path]:
        """Return the parts of `bulk read` among what was named, and in folders of them."""
        return list_parts(self.paths)

    def iter_items(self) -> Iterator[Item]:
        """Yield what the sources hold; what cannot be read is a Refusal, and the rest goes on.

        Raises UsageError when one of them holds nothing that is known.
        """
        declared = dict(self.known)
        for path in self.paths:
            if not path.is_file() and not path.is_dir():
                yield _refuse_special(path.name)
        folders = [path for path in self.paths if _holds_declarations(path)]
        read, refusals = open_terms.read_declarations(_iter_declarations(folders))
        declared |= read
        yield from refusals
        yield from open_terms.iter_addresses(read)
        for path in self.paths:
            is_text = path.is_file() or path.is_dir()
            is_elsewhere = is_web_archive(path) or is_part(path) or is_parts_folder(path)
            if is_text and path not in folders and not is_elsewhere:
                yield from _bounded(self._iter_source(path, declared), path.name)

    def _iter_source(self, path: Path, declared: open_terms.Declarations) -> Iterator[Item]:
        if path.is_dir() and not is_repository(path):
            yield from self._iter_folder(path, declared)
            return
        form = self._guess_file(path)
        if form == "git":
            with open_repository(path) as repository:
                yield from self._iter_repository(repository, path.name, declared)
        elif form == "sqlite":
            yield from _iter_sqlite(path)
        elif form == "zip":
            yield from self._iter_zip(path, declared)
        else:
            yield self._read_text(path, path.name)

    def _guess_file(self, path: Path) -> str:
        if path.is_dir():
            return "git"
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
        if is_bundle(head):
            return "git"
        if head.startswith(b"SQLite format 3\0"):
            return "sqlite"
        return "zip" if head.startswith(b"PK\x03\x04") else "text"

    def _iter_folder(self, folder: Path, declared: open_terms.Declarations) -> Iterator[Item]:
        files = _iter_files(folder)
        first = next(files, None)
        if first is None:
            raise UsageError(
                f"'{folder.name}' holds no file that can be imported: .md, .txt, .zip, .bundle, .db."
            )
        below = len(os.path.join(folder, ""))  # noqa: PTH118 (of a million files no Path is built)
        for file in chain([first], files):
            name = file[below:].replace(os.sep, "/")
            if is_web_archive(file):
                continue  # list_web_archives
            if file.lower().endswith(_TEXT_SUFFIXES):
                yield self._read_text(file, name)
                continue
            try:
                yield from self._iter_source(Path(file), declared)
            except (UsageError, OSError) as error:  # what one path alone is told in a sentence
                yield storable(Refusal(name=name, outcome=ImportOutcome.UNREADABLE, reason=str(error)))
        for special in _specials_in(folder):
            yield _refuse_special(special[below:].replace(os.sep, "/"))

    def _read_text(self, file: str | Path, path: str) -> Item:
        return attempt(path, self._load_text, file, path)

    def _load_text(self, file: str | Path, path: str) -> Item:
        try:
            content = _read_bounded(file)
        except OSError as error:
            raise RefusedError(ImportOutcome.UNREADABLE, error.strerror or str(error)) from error
        if content is None:
            raise RefusedError(ImportOutcome.TOO_LARGE, f"more than {MOST_FILE_BYTES:,} bytes")
        return read_text(content, path=path, stated=self.stated, form=self.form)

    def _iter_repository(
        self, repository: GitRepository, name: str, declared: open_terms.Declarations
    ) -> Iterator[Item]:
        form = self.form or _guess_repository(repository, name)
        if form is SourceFormat.OTA_VERSIONS:
            yield from open_terms.iter_versions(repository, declared, self.stated)
        elif form is SourceFormat.OTA_SNAPSHOTS:
            yield from open_terms.iter_snapshots(repository, declared, self.stated)
        else:
            yield from self._iter_corpus_history(repository)

    def _iter_corpus_history(self, repository: GitRepository) -> Iterator[Item]:
        with closing(repository.iter_changes()) as changes:
            for change in changes:
                if not change.path.endswith(".md"):
                    continue
                try:
                    text = repository.load(change.blob).decode("utf-8", "replace")
                except RefusedError as refused:
                    yield Refusal(name=change.path, outcome=refused.outcome, reason=str(refused))
                    continue
                if princeton_leuven.is_corpus_file(text):  # others are the repository's own pages
                    yield attempt(change.path, _read_committed, text, change)

    def _iter_zip(self, path: Path, declared: open_terms.Declarations) -> Iterator[Item]:
        try:
            archive = _open_zip(path)
        except RefusedError as refused:
            yield storable(Refusal(name=path.name, outcome=refused.outcome, reason=str(refused)))
            return
        with archive:
            digest = _digest_of_file(path)
            yield from open_terms.iter_dataset(
                archive, name=path.name, digest=digest, declared=declared, stated=self.stated
            )


def _bounded(items: Iterator[Item], name: str) -> Iterator[Item]:
    """Yield the first MOST_CAPTURES items of a source, and what became of the rest."""
    yield from islice(items, MOST_CAPTURES)
    if next(items, None) is not None:
        reason = f"more than {MOST_CAPTURES:,} texts and pages: the rest is left out, import it in parts"
        yield storable(Refusal(name=name, outcome=ImportOutcome.TOO_LARGE, reason=reason))


def _refuse_special(name: str) -> Refusal:
    """Return what becomes of a pipe, a device, a link: they may have no end, and name what is elsewhere."""
    reason = "it is neither a file nor a folder"
    return storable(Refusal(name=name, outcome=ImportOutcome.UNREADABLE, reason=reason))


def _iter_declarations(folders: Sequence[Path]) -> Iterator[tuple[str, bytes]]:
    """Yield the declarations (name, content), those of times gone by first; one is held at a time."""
    for of_history in (True, False):
        for folder in folders:
            for file in map(Path, _iter_files(folder)):
                if file.suffix == ".json" and (".history." in file.name) is of_history:
                    try:
                        yield file.name, _read_bounded(file) or b""
                    except OSError:
                        yield file.name, b""  # no JSON


def _open_zip(path: Path) -> zipfile.ZipFile:
    """Return a zip, open; raises RefusedError when it is none, or lists more than anybody has."""
    if _count_members(path) > MOST_CAPTURES:  # before zipfile holds an object for each
        raise RefusedError(ImportOutcome.TOO_LARGE, f"more than {MOST_CAPTURES:,} files")
    try:
        return zipfile.ZipFile(path)
    except Exception as error:  # zipfile raises a dozen kinds for damaged files
        raise RefusedError(ImportOutcome.UNREADABLE, f"no whole zip: {error}"[:200]) from error


def _count_members(path: Path) -> int:
    """Return how many files a zip lists, or some more: the mark of such an entry may stand in a file, too."""
    count, mark, tail = 0, b"PK\1\2", b""
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            count += (tail + piece).count(mark)
            tail = piece[1 - len(mark) :]
    return count


def _read_committed(text: str, change: FileChange) -> Item:
    return princeton_leuven.read_corpus_file(text, path=change.path, digest=f"git:{change.commit}")


def read_text(content: bytes, *, path: str, stated: Stated, form: SourceFormat | None = None) -> Item:
    """Return the text of one file; raises RefusedError. `path` is relative to what the user named."""
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    if not content.strip():
        raise RefusedError(ImportOutcome.EMPTY, "it holds nothing")
    if b"\0" in content[:8000] and content[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        raise RefusedError(ImportOutcome.NOT_TEXT, "it is no text")
    text = content.decode("utf-8", "replace")
    if form is not SourceFormat.TEXTS and princeton_leuven.is_corpus_file(text):
        return princeton_leuven.read_corpus_file(
            text, path=path, digest=digest, attribution=stated.attribution
        )
    if form is SourceFormat.PRINCETON_LEUVEN:
        raise RefusedError(ImportOutcome.BAD_HEADER, "it does not begin with the corpus's block quote")
    return read_text_file(decode_body(content, None), path=path, digest=digest, stated=stated)


def _iter_sqlite(path: Path) -> Iterator[Item]:
    """Yield the rows of a corpus's table; other databases are refused."""
    uri = f"{path.absolute().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            connection.text_factory = lambda content: content.decode("utf-8", "replace")
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MOST_FILE_BYTES)
            connection.execute("pragma trusted_schema = off")
            (tables,) = connection.execute(_IS_TABLE, (princeton_leuven.TABLE,)).fetchone()
            found = connection.execute("select name from pragma_table_info(?)", (princeton_leuven.TABLE,))
            columns = {row["name"] for row in found}
            if not tables or not {"site_url", "policy_snapshot_url", "policy_text"} <= columns:
                reason = (
                    f"no table {princeton_leuven.TABLE} with site_url, policy_snapshot_url and policy_text"
                )
                yield Refusal(name=path.name, outcome=ImportOutcome.UNKNOWN_FORMAT, reason=reason)
                return
            digest = _digest_of_file(path)
            yield from princeton_leuven.iter_table(connection, name=path.name, digest=digest)
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:  # SQLite quotes a damaged schema, no text
        yield Refusal(name=path.name, outcome=ImportOutcome.UNREADABLE, reason=str(error))


def _guess_repository(repository: GitRepository, name: str) -> SourceFormat:
    """Return what a repository is by the files of its first commits; raises UsageError."""
    with closing(repository.iter_changes()) as changes:
        for change in islice(changes, _GUESSED_CHANGES):
            if change.path.endswith(".md"):
                content = repository.read(change.blob) or b""
                if princeton_leuven.is_corpus_file(content.decode("utf-8", "replace")):
                    return SourceFormat.PRINCETON_LEUVEN
            if open_terms.looks_like_collection(change.path):
                markdown = change.path.endswith(".md")
                return SourceFormat.OTA_VERSIONS if markdown else SourceFormat.OTA_SNAPSHOTS
    raise UsageError(f"'{name}' is a git repository of another kind: say with --as what it is.")


def _holds_declarations(path: Path) -> bool:
    """Return whether a file or folder holds declarations: JSON files, and nothing else."""
    if path.is_file():
        return path.suffix == ".json"
    if is_repository(path):
        return False
    files = _iter_files(path)
    first = next(files, None)
    return first is not None and all(file.endswith(".json") for file in chain([first], files))


def _iter_files(path: str | Path) -> Iterator[str]:
    """Yield a file, or all below a folder, in order of their names; links are left out."""
    if not os.path.isdir(path):  # noqa: PTH112 (as below)
        yield str(path)
        return
    yield from (file for file, is_plain in _entries_in(path) if is_plain)


def _specials_in(path: Path) -> Iterator[str]:
    """Yield what `_iter_files` leaves out below a folder: links, pipes, devices."""
    return (file for file, is_plain in _entries_in(path) if not is_plain)


def _entries_in(path: str | Path) -> Iterator[tuple[str, bool]]:
    """Yield all below a folder but folders, and whether it is a plain file, in order of names.

    What begins with a point is not looked at, a folder that may not be read is passed over. No Path is built
    for each of a million files.
    """
    folders = [str(path)]
    while folders:
        try:
            with os.scandir(folders.pop()) as entries:
                found = sorted((one for one in entries if one.name[0] != "."), key=lambda one: one.name)
        except OSError:
            continue
        below = []
        for entry in found:
            if entry.is_dir(follow_symlinks=False):
                below.append(entry.path)
            else:
                yield entry.path, entry.is_file(follow_symlinks=False)
        folders += reversed(below)


def _read_bounded(file: str | Path) -> bytes | None:
    """Return a file's bytes, None when there are more than MOST_FILE_BYTES."""
    with open(file, "rb") as stream:  # noqa: PTH123 (of a million files no Path is built)
        content = stream.read(MOST_FILE_BYTES + 1)
    return content if len(content) <= MOST_FILE_BYTES else None


def _digest_of_file(path: Path) -> str:
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
