"""What `policy-archive compact` saves, plain and `--dense`, and what reading costs before and after.

    python -m bench.compact [--db FILE | --generated SITES]

FILE is a corpus made before; without it ../shared/replay/dev is fetched, every capture of it. `--generated`
makes sites of fifty captures and ten texts of some 1,200 words each, as bench/merge.py does.

Bodies are compared with zstd level 3 alone (as they are stored before), and with the layouts that were
measured against it: each against the one before in chains of 16, each against the keyframe of its sixteen.
Texts: as they are, zstd level 3 alone, in shared lines, packed, and the same texts as git has them after
`gc --aggressive`, its blobs alone without trees and commits: the peer. Goal: 2,500 bytes of a packed text.
Times are CPU milliseconds a read, in the order of digests, that is, with nothing kept from the read before;
of packed texts in the order of time too, which is how histories, exports and `verify` read them. Git's are
those of `cat-file --batch` for all of them. At the end all texts are taken back, and have to be the same.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import zstandard

from bench.merge import make_shard
from bench.recorded import REPLAY, read_truths
from policy_archive.archive_server.server import ArchiveServer
from policy_archive.pipelines.store.bodies import load_body
from policy_archive.pipelines.store.codec import compress_against
from policy_archive.pipelines.store.maintenance.compact import (
    LONGEST_CHAIN,
    Sizes,
    Texts,
    compact_document,
    end_texts,
    give_back_space,
    list_documents,
    measure_sizes,
)
from policy_archive.pipelines.store.maintenance.dense import begin_dense
from policy_archive.pipelines.store.writer import Store

ROOT = Path(__file__).resolve().parent.parent
READ_TEXT = "select text from policy_texts where sha256 = ?"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--db", type=Path)
    parser.add_argument("--generated", type=int, metavar="SITES")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "policies.db"
        if arguments.db:
            with closing(sqlite3.connect(arguments.db)) as source, closing(sqlite3.connect(database)) as copy:
                source.backup(copy)
        elif arguments.generated:
            make_shard(database, range(arguments.generated))
        else:
            fetch_all(database, Path(folder))
        compare(database, Path(folder))


def fetch_all(database: Path, folder: Path) -> None:
    """Fetch every recorded capture from the local archive."""
    urls = [found[0].row.original for found in read_truths().values()]
    with ArchiveServer(sorted((REPLAY / "archive").glob("[0-9]*.warc.gz"))) as archive:
        rates = ("--plan", "all", "--index-rate", "0", "--replay-rate", "0")
        command = [sys.executable, "-m", "policy_archive", "fetch", *urls, *rates, "--archive", archive.url]
        environment = {**os.environ, "POLICY_ARCHIVE_STATE": str(folder)}
        command += ["--db", str(database)]
        subprocess.run(command, cwd=ROOT, env=environment, stdout=sys.stderr, check=False)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One way of storing."""

    sizes: Sizes
    body_milliseconds: float
    text_milliseconds: float
    texts: str
    """A digest of all of them."""


def compare(database: Path, folder: Path) -> None:
    with Store.open(database) as store:
        connection = store.connection
        bodies = number(connection, "select count(*) from bodies")
        texts = number(connection, "select count(*) from texts")
        plain = number(connection, "select sum(bytes) from bodies")
        before = measure(connection)
        star = sum(iter_star_sizes(connection))
        packed = sum(len(zstandard.compress(text.encode(), 3)) for text in iter_texts(connection))
        git_bytes, git_milliseconds = measure_git(list(iter_in_time(connection)), folder / "git")
        seconds = compact(connection, Texts.READABLE)
        lines = measure(connection)
        links = measure_links(connection)
        dense_seconds = compact(connection, Texts.DENSE)
        dense = measure(connection)
        hashes = [sha256 for sha256, _ in iter_in_time(connection)]
        in_time = time_each(hashes, lambda sha256: connection.execute(READ_TEXT, (sha256,)).fetchone())
        back_seconds = compact(connection, Texts.READABLE)
        back = measure(connection)
        assert before.texts == lines.texts == dense.texts == back.texts, "texts differ"
        assert back.sizes.texts == lines.sizes.texts
    each = before.sizes.texts / texts
    print(f"{bodies} bodies of {plain / bodies:,.0f} bytes, {texts} texts of {each:,.0f} bytes")
    print(f"{'':40}{'bytes each':>12}{'of plain':>10}{'ms a read':>11}")
    show("bodies: zstd level 3 alone", before.sizes.bodies / bodies, plain / bodies, before.body_milliseconds)
    show("bodies: against the keyframe", star / bodies, plain / bodies, None)
    show("bodies: compact", lines.sizes.bodies / bodies, plain / bodies, lines.body_milliseconds)
    show("texts: as they are", each, each, before.text_milliseconds)
    show("texts: zstd level 3 alone", packed / texts, each, None)
    show("texts: compact, in plain SQL", lines.sizes.texts / texts, each, lines.text_milliseconds)
    show("texts: compact --dense", dense.sizes.texts / texts, each, dense.text_milliseconds)
    show("texts: the same, in order of time", dense.sizes.texts / texts, each, in_time)
    show("texts: git, after gc --aggressive", git_bytes / texts, each, git_milliseconds)
    print(f"--dense against git: {dense.sizes.texts / git_bytes:.2f} of its bytes")
    for name, one in (("compact", lines), ("compact --dense", dense)):
        share = before.sizes.file / one.sizes.file
        print(f"file, {name}: {before.sizes.file:,} → {one.sizes.file:,} bytes ({share:.1f} times smaller)")
    print(
        f"links: {links.rows} are {links.sets} sets of {links.set_rows} rows: the file has {links.as_sets:,}"
        f" bytes, {links.as_rows:,} with a row each ({links.as_sets / links.as_rows - 1:+.1%})"
    )
    print(f"compaction: {seconds / (bodies + texts) * 1000:.2f} ms of CPU a body or text")
    there, again = dense_seconds / texts * 1000, back_seconds / texts * 1000
    print(f"--dense: {there:.2f} ms a text, --readable: {again:.2f}")


def compact(connection: sqlite3.Connection, texts: Texts) -> float:
    """Do what the command does; return the CPU seconds that it took, without the rewriting of the file."""
    began = time.process_time()
    if texts is Texts.DENSE:
        begin_dense(connection)
    for document in list_documents(connection):
        compact_document(connection, document, texts)
    left = end_texts(connection, texts)
    assert not left
    seconds = time.process_time() - began
    give_back_space(connection)
    return seconds


def measure(connection: sqlite3.Connection) -> Measured:
    body_milliseconds, text_milliseconds = measure_reads(connection)
    digest = hashlib.sha256()
    for row in connection.execute("select sha256, text from policy_texts order by sha256"):
        assert hashlib.sha256(row["text"].encode()).hexdigest() == row["sha256"]
        digest.update(row["sha256"].encode())
    return Measured(
        sizes=measure_sizes(connection),
        body_milliseconds=body_milliseconds,
        text_milliseconds=text_milliseconds,
        texts=digest.hexdigest(),
    )


@dataclass(frozen=True, kw_only=True)
class Links:
    """What links take of a compacted file."""

    rows: int
    sets: int
    set_rows: int
    as_sets: int
    """Bytes of the file."""
    as_rows: int
    """Bytes of the same file with a row for each link of each capture, as before."""


def measure_links(connection: sqlite3.Connection) -> Links:
    """Return the sizes of the file as it is, and with its links as they were kept up to migration 13."""
    sizes = []
    for script in ("", _LINKS_AS_ROWS):
        with closing(sqlite3.connect(":memory:")) as copy:
            connection.backup(copy)
            copy.executescript(f"{script}; vacuum")
            sizes.append(number(copy, "pragma page_count") * number(copy, "pragma page_size"))
    return Links(
        rows=number(connection, "select count(*) from links"),
        sets=number(connection, "select count(distinct link_set) from link_sets"),
        set_rows=number(connection, "select count(*) from link_sets"),
        as_sets=sizes[0],
        as_rows=sizes[1],
    )


_LINKS_AS_ROWS = """
create table links_before (
    capture_id text not null, url text not null, kind text not null, label text not null default '',
    place text not null, language text, confidence real not null, primary key (capture_id, url, kind)
) strict;
insert into links_before select capture_id, url, kind, label, place, language, confidence from links;
drop view links;
drop table link_sets;
update captures set link_set = null
"""


def iter_in_time(connection: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    """Yield hash and text, document by document, in order of time, each once."""
    rows = connection.execute(
        """select text_sha256 from captures join extractions on capture_id = captures.id and current
        group by text_sha256 order by min(document_id), min(timestamp)"""
    ).fetchall()
    for (sha256,) in rows:
        yield sha256, connection.execute(READ_TEXT, (sha256,)).fetchone()[0]


def measure_git(texts: list[tuple[str, str]], folder: Path) -> tuple[int, float]:
    """Return the bytes that git takes for the texts, and the CPU milliseconds of reading one."""
    subprocess.run(["git", "init", "-q", "--bare", folder], check=True)
    stream = bytearray()
    for mark, (_, text) in enumerate(texts, 1):
        content = text.encode()
        stream += b"blob\nmark :%d\ndata %d\n%s\n" % (mark, len(content), content)
    stream += b"commit refs/heads/all\ncommitter x <x> 0 +0000\ndata 0\n"
    stream += b"".join(b"M 644 :%d text/%06d\n" % (mark, mark) for mark in range(1, len(texts) + 1))
    git = ("git", "-C", str(folder))
    subprocess.run([*git, "fast-import", "--quiet"], input=bytes(stream), check=True)
    subprocess.run([*git, "gc", "-q", "--aggressive"], check=True)
    asked = "--batch-check=%(objecttype) %(objectname) %(objectsize:disk)"
    listed = subprocess.run(
        [*git, "cat-file", asked, "--batch-all-objects"], capture_output=True, text=True, check=True
    ).stdout
    blobs = [line.split() for line in listed.splitlines() if line.startswith("blob")]
    before = getrusage(RUSAGE_CHILDREN)
    names = "".join(f"{name}\n" for _, name, _ in blobs)
    subprocess.run([*git, "cat-file", "--batch"], input=names.encode(), stdout=subprocess.DEVNULL, check=True)
    after = getrusage(RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return sum(int(size) for _, _, size in blobs), spent / len(blobs) * 1000


def show(name: str, each: float, plain: float, milliseconds: float | None) -> None:
    spent = "" if milliseconds is None else f"{milliseconds:.2f}"
    print(f"{name:40}{each:12,.0f}{each / plain:10.1%}{spent:>11}")


def number(connection: sqlite3.Connection, sql: str) -> int:
    return int(connection.execute(sql).fetchone()[0])


def measure_reads(connection: sqlite3.Connection) -> tuple[float, float]:
    """Return the CPU milliseconds that reading a body and a text takes, in the mean."""
    digests = [row[0] for row in connection.execute("select digest from bodies order by digest")]
    hashes = [row[0] for row in connection.execute("select sha256 from texts order by sha256")]
    return (
        time_each(digests, lambda digest: load_body(connection, digest)),
        time_each(hashes, lambda sha256: connection.execute(READ_TEXT, (sha256,)).fetchone()),
    )


def time_each(items: list[str], read: Callable[[str], object]) -> float:
    began = time.process_time()
    for item in items:
        read(item)
    return (time.process_time() - began) / len(items) * 1000


def iter_texts(connection: sqlite3.Connection) -> Iterator[str]:
    for (text,) in connection.execute("select text from policy_texts"):
        yield text


def iter_star_sizes(connection: sqlite3.Connection) -> Iterator[int]:
    """Yield the bytes of each body against the first of its sixteen: two steps to read, whichever it is."""
    for document in list_documents(connection):
        digests = connection.execute(
            "select body_digest from captures where document_id = ? and body_digest is not null "
            "group by body_digest order by min(timestamp)",
            (document,),
        ).fetchall()
        for place, (digest,) in enumerate(digests):
            body = load_body(connection, digest)
            if place % (LONGEST_CHAIN + 1) == 0:
                keyframe = body
                yield len(zstandard.compress(body, 3))
            else:
                yield min(len(compress_against(body, keyframe)), len(zstandard.compress(body, 3)))


if __name__ == "__main__":
    main()
