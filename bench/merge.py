"""Captures a CPU second that `merge` takes in, beside a plain copy of the same rows by SQLite.

    python -m bench.merge --sites 100 [--dense]

Two shards share one site in ten; a site has fifty captures and ten texts of some 1,200 words. Goal: 3,000.
`--dense` packs the texts of both shards before, as `compact --dense` does. The peer copies the tables of the
plain shards with `insert … select` alone: no versions are made, nothing is entered into search.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

from bench.exchange.made_corpus import iter_files
from policy_archive.crawler.core.digests import body_digest
from policy_archive.crawler.core.records import Capture, CdxRow, Document, Extraction, Kind, Outcome, Reading
from policy_archive.crawler.core.urlkeys import urlkey
from policy_archive.pipelines.store.writer import Store
from policy_archive.pipelines.text import count_words

CAPTURES, TEXTS = 50, 10
FETCHED = datetime(2026, 11, 22, tzinfo=UTC)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--sites", type=int, default=100, help="of each shard")
    parser.add_argument("--dense", action="store_true", help="the shards' texts are packed")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        shards = [Path(folder) / name for name in ("one.db", "two.db")]
        step = arguments.sites - arguments.sites // 10
        for number, shard in enumerate(shards):
            make_shard(shard, range(number * step, number * step + arguments.sites))
        start = time.process_time()
        for shard in shards:
            copy_plainly(shard, Path(folder) / f"plain-{shard.name}")
        copied = time.process_time() - start
        if arguments.dense:
            for shard in shards:
                pack = ["compact", "--dense", "--db", str(shard)]
                subprocess.run([sys.executable, "-m", "policy_archive", *pack], check=True)
        before = getrusage(RUSAGE_CHILDREN)
        words = ["merge", *map(str, shards), "--db", str(Path(folder) / "whole.db")]
        subprocess.run([sys.executable, "-m", "policy_archive", *words], check=True)
        after = getrusage(RUSAGE_CHILDREN)
        merged = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    captures = 2 * arguments.sites * CAPTURES
    rate, plain = captures / merged, captures / copied
    print(f"{captures:,} captures; merge {rate:,.0f} a CPU second, peak {after.ru_maxrss // 1024} MB")
    print(f"plain copy {plain:,.0f} a CPU second: merge costs {merged / copied:.1f} times as much")


def make_shard(path: Path, numbers: range) -> None:
    """Write a corpus of so many sites; the same number is the same site."""
    with Store.open(path) as store:
        store.is_news = False
        for number in numbers:
            files = iter_files(TEXTS, median_words=1200, seed=number)
            texts = [content.split("\n\n", 2)[2] for _, content in files]
            document = Document(site=f"site{number}.example", kind=Kind.PRIVACY)
            store.add_document(document)
            rng = random.Random(number)
            for place in range(CAPTURES):
                stamp = f"{2005 + place // 4}{1 + place % 4 * 3:02}01{rng.randrange(24):02}0000"
                url = f"https://site{number}.example/privacy"
                text = texts[place * TEXTS // CAPTURES]
                body = f"<html>{place}{text}</html>".encode()
                row = CdxRow(
                    urlkey=urlkey(url), timestamp=stamp, original=url, mimetype="text/html", statuscode="200",
                    digest=body_digest(body), length=len(body),
                )  # fmt: skip
                store.add_rows(document, [row])
                capture = Capture(
                    document=document, row=row, outcome=None, http_status=200, served_timestamp="", body=body,
                    content_type="text/html", digest_matches=True, fetched_at=FETCHED,
                    replay_url=f"https://web.archive.org/web/{stamp}id_/{url}",
                )  # fmt: skip
                extraction = Extraction(
                    text=text, title="", words=count_words(text), language="en", language_confidence=1.0,
                    stated_dates=(), kept_share=1.0, replacement_characters=0, charset="utf-8",
                    hidden_text_used=False, documents_on_page=1, extractor="bench",
                )  # fmt: skip
                store.record_capture(capture, Reading(outcome=Outcome.TEXT, extraction=extraction))
            store.judge_site(document.site, [document])


def copy_plainly(shard: Path, target: Path) -> None:
    with closing(sqlite3.connect(target)) as connection:
        connection.execute("attach ? as shard", (str(shard),))
        for table in ("sites", "documents", "captures", "bodies", "texts", "extractions"):
            connection.execute(f"create table {table} as select * from shard.{table}")
        connection.commit()


if __name__ == "__main__":
    main()
