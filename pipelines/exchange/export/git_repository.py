"""Versions as commits: a file a document, a commit a version, made by `git fast-import`.

The format of a stream: git-fast-import(1). Author and committer date are the capture's, the message ends
in metadata as JSON, as the Princeton-Leuven repository's do, and in a trailer that names the version for
good: by it a second export adds what is new, and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from policy_archive.crawler.core.errors import UsageError
from policy_archive.crawler.core.timestamps import parse_timestamp
from policy_archive.pipelines.exchange.corpus_format import describe_kind, render_version
from policy_archive.pipelines.exchange.export.exporter import Exported, ExportOptions
from policy_archive.pipelines.exchange.export.markdown_tree import document_folder
from policy_archive.pipelines.exchange.git_program import SAFE, start_git
from policy_archive.pipelines.store import queries
from policy_archive.pipelines.store.bodies import BodyReader
from policy_archive.pipelines.store.selection import Row, Slice

TEXTS = "main"
PAGES = "policy_html"
"""Branches; the second one's name is that of the Princeton-Leuven repository."""
TRAILER = "Policy-Archive-Version"
_AUTHOR = b"policy-archive <policy-archive@localhost>"
_MESSAGE_FIELDS = (
    "site", "kind", "name", "url", "timestamp", "first_captured", "last_captured", "changed_after",
    "replay_url", "archive", "origin", "dated_by", "language", "words", "class", "text_sha256", "extractor",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Known:
    """What a repository has already."""

    names: frozenset[str] = frozenset()
    """Versions, as their trailers name them."""
    newest: tuple[tuple[str, str], ...] = ()
    """(document, timestamp) of each, oldest first."""


_NOTHING: Mapping[str, _Known] = {TEXTS: _Known(), PAGES: _Known()}


def export_git(corpus: Slice, target: Path, options: ExportOptions) -> Exported:
    """Add the versions that a bare repository does not have; it is made when there is none.

    All of them come in at once, or, if the export is interrupted, none.
    """
    is_there = (target / "HEAD").is_file()
    if not is_there:
        if target.exists() and any(target.iterdir()):
            raise UsageError(f"'{target}' is no repository that export made: name that, or a new folder.")
        _run(["init", "--quiet", "--bare", f"--initial-branch={TEXTS}", str(target)])
    known = {branch: _read_known(target, branch) for branch in (TEXTS, PAGES)} if is_there else _NOTHING
    if is_there and not known[TEXTS].names:
        if _run(["-C", str(target), "for-each-ref"]).strip():
            raise UsageError(f"'{target}' is a repository of something else: name a new folder.")
        # without a reference it is new, or what an export left that was interrupted: it is filled now
        _run(["-C", str(target), "symbolic-ref", "HEAD", f"refs/heads/{TEXTS}"])
    process = start_git([*SAFE, "-C", str(target), "fast-import", "--quiet"], is_asked=True)
    assert process.stdin is not None
    count = pages = 0
    try:
        with process.stdin as stream:
            count, pages = _write_stream(corpus, stream, options, known)
    except BrokenPipeError:
        pass  # git says why by its status
    except BaseException:
        process.kill()
        raise
    finally:
        assert process.stdout is not None
        process.stdout.close()
        status = process.wait()
    if status != 0:
        raise UsageError(f"git could not write '{target}': is its disk full, or the repository damaged?")
    has_pages = bool(pages or known[PAGES].names)
    return Exported(versions=count, notes=_notes(options, has_pages))


def stream_git(corpus: Slice, stream: IO[bytes], options: ExportOptions) -> Exported:
    """Write the whole history as a stream for `git fast-import`."""
    count, pages = _write_stream(corpus, stream, options, _NOTHING)
    return Exported(versions=count, notes=_notes(options, bool(pages)))


def _notes(options: ExportOptions, has_pages: bool) -> tuple[str, ...]:
    if not options.html:
        return ()
    if not has_pages:
        return (f"there is no branch {PAGES}: these texts were imported without their pages",)
    return (f"the pages stand on the branch {PAGES}; texts that were imported without one have none",)


def _write_stream(
    corpus: Slice, stream: IO[bytes], options: ExportOptions, known: Mapping[str, _Known]
) -> tuple[int, int]:
    """Write the versions that are not known, oldest first; return how many texts and pages these are."""
    bodies = BodyReader(corpus.connection) if options.html else None
    begun = {branch: bool(known[branch].names) for branch in (TEXTS, PAGES)}
    newest = dict(known[TEXTS].newest)
    stale: dict[str, None] = {}  # documents, in the order in which they became so
    count = pages = 0
    for key in options.follow(corpus.list_by_time()):
        has_text, has_page = (key.name in known[branch].names for branch in (TEXTS, PAGES))
        if has_text and (has_page or bodies is None):
            continue
        version = corpus.read(key)
        if not has_text:
            _write_commit(stream, TEXTS, version, key.name, _render(version), begun)
            count += 1
            if newest.get(key.document_id, "") > version["timestamp"]:
                stale[key.document_id] = None  # found late: the file is to hold the newest text again
            else:
                newest[key.document_id] = version["timestamp"]
                stale.pop(key.document_id, None)
        if bodies is None or has_page:
            continue
        if digest := queries.read_body_digest(corpus.connection, version["capture_id"]):
            _write_commit(stream, PAGES, version, key.name, bodies.load(digest), begun)
            pages += 1
    for document_id in stale:
        latest = corpus.read_newest(document_id)
        _write_commit(stream, TEXTS, latest, "", _render(latest), begun)
    return count, pages


def _render(version: Row) -> bytes:
    return render_version(version).encode("utf-8", "surrogatepass")


def _write_commit(
    stream: IO[bytes], branch: str, version: Row, name: str, content: bytes, begun: dict[str, bool]
) -> None:
    """Write a commit to a branch; `begun` says whether the branch is there, and the stream has not met it."""
    folder = document_folder(version)
    path = folder.with_name(f"{folder.name}.{'md' if branch == TEXTS else 'html'}")
    seconds = int(parse_timestamp(version["timestamp"]).timestamp())
    message = _message(version, name).encode("utf-8", "surrogatepass")
    lines = [b"commit refs/heads/%s\n" % branch.encode()]
    lines += [b"%s %s %d +0000\n" % (role, _AUTHOR, seconds) for role in (b"author", b"committer")]
    lines += [b"data %d\n" % len(message), message, b"\n"]
    if begun[branch]:
        lines.append(b"from refs/heads/%s^0\n" % branch.encode())
    begun[branch] = False  # the stream knows its own tip from here on
    lines += [b"M 100644 inline %s\n" % str(path).encode(), b"data %d\n" % len(content), content, b"\n"]
    stream.writelines(lines)


def _message(version: Row, name: str) -> str:
    document = f"{version['site']} {describe_kind(version['kind'], version['name'])}"
    subject = f"{document}, {version['first_captured'][:10]}"
    fields = {field: version[field] for field in _MESSAGE_FIELDS}
    body = json.dumps(fields, ensure_ascii=True, indent=1)
    if not name:
        return f"{subject}: the newest text again\n\n{body}\n"
    return f"{subject}\n\n{body}\n\n{TRAILER}: {name}\n"


def _read_known(target: Path, branch: str) -> _Known:
    """Return which versions a branch of a repository has."""
    form = f"%(trailers:key={TRAILER},valueonly,separator=%x20)%x09%at"
    reference = f"refs/heads/{branch}"
    git = ["-C", str(target), "--no-pager"]
    if not _run([*git, "for-each-ref", reference]).strip():
        return _Known()
    names, newest = [], []
    log = _run([*git, "log", f"--format={form}", reference, "--"]).decode("utf-8", "replace")
    for line in log.splitlines():
        name, _, seconds = line.partition("\t")
        if name:
            names.append(name)
            newest.append((name.partition("/")[0], _digits(int(seconds))))
    return _Known(frozenset(names), tuple(sorted(newest)))


def _digits(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y%m%d%H%M%S")


def _run(arguments: list[str]) -> bytes:
    process = start_git([*SAFE, *arguments])
    output, _ = process.communicate()
    if process.returncode != 0:
        raise UsageError(f"git cannot read or make the repository: 'git {arguments[-1]}' failed.")
    return output
