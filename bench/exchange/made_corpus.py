"""A made corpus: files as the Princeton-Leuven corpus lays them, of any number, the same for the same seed.

Lengths are those that the corpus's paper states ("Privacy Policies over Time", 2021): a median of 1,025 to
1,325 words, one text in ten below 250 or above 3,400, two captures a year. That one capture in three shows
the text of the one before is a guess.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from pathlib import Path

from policy_archive.data import DATA
from policy_archive.pipelines.exchange.corpus_format import render_document

VERSIONS_A_SITE = 10
_UNCHANGED = 1 / 3
_SPREAD = 0.8
"""Of the logarithm of a text's length: its fifth and ninety-fifth percentile lie as the corpus's do."""
_RARE_WORDS = 20_000
_RARE = 0.06
"""Of all words: names, products, places, which no other text shares."""
_SYLLABLES = ("ka", "lo", "mi", "tu", "ren", "sas", "vid", "por")
_HEADINGS = ("What we collect", "Cookies", "Your rights", "Sharing", "Security", "Contact us", "Children")


def write_corpus(folder: Path, files: int, *, median_words: int = 1200, seed: int = 1) -> int:
    """Write that many files below a folder; return how many bytes they have."""
    written = 0
    for path, content in iter_files(files, median_words=median_words, seed=seed):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        written += target.write_bytes(content.encode())
    return written


def iter_files(files: int, *, median_words: int, seed: int) -> Iterator[tuple[str, str]]:
    """Yield path and content of so many files, site by site."""
    for number in range(files):
        site_number, version = divmod(number, VERSIONS_A_SITE)
        if version == 0:
            rng = random.Random(f"{seed} {site_number}")
            site = f"{_word(rng)}{site_number}.com"
            length = rng.lognormvariate(0, _SPREAD) * median_words
            paragraphs = list(_iter_paragraphs(rng, site, length))
        elif rng.random() > _UNCHANGED:
            _change(rng, paragraphs, site)
        day = date(2009, 4, 1) + timedelta(days=182 * version + rng.randrange(60))
        timestamp = f"{day:%Y%m%d}{rng.randrange(24):02}{rng.randrange(60):02}{rng.randrange(60):02}"
        if version % 3 == 0:
            paragraphs[0] = f"Last updated: {day:%B} {day.day}, {day.year}"
        url = f"http://www.{site}/privacy"
        content = render_document(
            site=site, kind="privacy", timestamp=timestamp, original=url, title=f"Privacy Policy | {site}",
            text="\n\n".join(paragraphs) + "\n", )  # fmt: skip
        yield f"{site[0]}/{site[:2]}/{site[:3]}/{site}/{timestamp}.{version}.md", content


def _iter_paragraphs(rng: random.Random, site: str, words: float) -> Iterator[str]:
    yield f"{site} respects your privacy."
    while words > 0:
        if rng.random() < 0.2:
            yield f"## {rng.choice(_HEADINGS)}"
        elif rng.random() < 0.15:
            items = [_sentence(rng) for _ in range(rng.randrange(2, 6))]
            words -= sum(item.count(" ") for item in items)
            yield "\n".join(f"  * {item}" for item in items)
        else:
            paragraph = " ".join(_sentence(rng) for _ in range(rng.randrange(1, 7)))
            if rng.random() < 0.1:
                paragraph += f" See [{_word(rng)} {_word(rng)}](http://www.{site}/{_word(rng)})."
            words -= paragraph.count(" ")
            yield paragraph


def _change(rng: random.Random, paragraphs: list[str], site: str) -> None:
    """Change a text as policies change: a sentence, a paragraph, now and then a good part of it."""
    share = 0.3 if rng.random() < 0.1 else 0.03
    for _ in range(max(1, round(share * len(paragraphs)))):
        at = rng.randrange(1, len(paragraphs))
        match rng.randrange(4):
            case 0:
                paragraphs.insert(at, " ".join(_sentence(rng) for _ in range(rng.randrange(1, 5))))
            case 1 if len(paragraphs) > 3:
                del paragraphs[at]
            case 2:
                paragraphs[at] += f" {_sentence(rng)}"
            case _:
                words = paragraphs[at].split(" ")
                words[rng.randrange(len(words))] = _word(rng)
                paragraphs[at] = " ".join(words)


def _sentence(rng: random.Random) -> str:
    words = rng.choice(_sentences()).split(" ")
    return " ".join(_word(rng) if rng.random() < _RARE else word for word in words)


def _word(rng: random.Random) -> str:
    """Return a rare word: of a long list, some far oftener than others, as words are."""
    number = min(int(rng.paretovariate(0.7)), _RARE_WORDS)
    return "".join(
        ("ka", "lo", "mi", "tu", "ren", "sas", "vid", "por")[int(digit)] for digit in f"{number:o}"
    )


@cache
def _sentences() -> list[str]:
    """Return the English sentences of the demo archive's policies."""
    from policy_archive.archive_server.warc import WarcSource
    from policy_archive.crawler.core.records import Document, Kind
    from policy_archive.pipelines.reading.read import read_body

    source = WarcSource(sorted((DATA / "demo").glob("*.warc.gz")))
    found: dict[str, None] = {}
    for row in source.iter_rows():
        answer = source.load(row) if row.mimetype == "text/html" and row.statuscode == "200" else None
        if answer is None:
            continue
        document = Document(site="site.example", kind=Kind.PRIVACY, name="")
        reading = read_body(
            answer.body,
            document=document,
            url=row.original,
            timestamp=row.timestamp,
            content_type="text/html",
        )
        if reading.extraction is not None and reading.extraction.language == "en":
            for sentence in reading.extraction.text.replace("\n", " ").split(". "):
                if 6 <= sentence.count(" ") <= 40 and not re.search(r"\]\(|[|0-9]", sentence):
                    found.setdefault(sentence.strip("#* .") + ".")
    return sorted(found)
