"""Classes of changes where a text is every visible line of its page: menus, banners, counters.

What `fetch` stores has little furniture left, so it cannot show what the frame's rules do. Here the same
recorded captures are read whole: lines beside the text and under navigation come with their places, as the
extractor gives them, and the record says which changes are the document's.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import pickle
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.recorded import REPLAY, iter_bodies  # noqa: E402 (the path comes first)
from policy_archive.crawler.core.urls import registrable_domain  # noqa: E402
from policy_archive.pipelines.extract.body.choose import choose_body, kept_blocks  # noqa: E402
from policy_archive.pipelines.extract.body.ways import Way  # noqa: E402
from policy_archive.pipelines.extract.everything import read_lines  # noqa: E402
from policy_archive.pipelines.extract.links import LinkReader  # noqa: E402
from policy_archive.pipelines.extract.markdown.build import build_pieces  # noqa: E402
from policy_archive.pipelines.extract.markdown.render import render_lines  # noqa: E402
from policy_archive.pipelines.extract.outline import outline_page  # noqa: E402
from policy_archive.pipelines.extract.places import Places  # noqa: E402
from policy_archive.pipelines.extract.source.decode import decode_body, unpack_body  # noqa: E402
from policy_archive.pipelines.extract.source.parse import parse_html  # noqa: E402
from policy_archive.pipelines.text import count_words  # noqa: E402
from policy_archive.pipelines.versions.elsewhere import NOWHERE, Elsewhere, SeenPage, SiteLines  # noqa: E402
from policy_archive.pipelines.versions.frame import Run, classify_changes  # noqa: E402

LEAST_COVERAGE = 0.5
"""Share of the recorded text's words on a page, below which it is junk; as kinds_of_change has it."""
LEAST_WORDS = 3
"""Of a line that is the policy's because the annotated text holds its words."""
BAD = ("leak", "cosmetic")
TOLD = ("settled", "unsettled", "markup", "real", *BAD)

Whole = tuple[str, tuple[int, ...]]
"""A page's visible lines as one text, and the places of them."""


def read_whole(text: str, url: str) -> Whole:
    """Return every visible line of a page's source, and where each stands beside the document's text."""
    tree = parse_html(text)
    _elements = tuple(
        tree.iter()
    )  # held: lxml builds the Python side of an element anew at each touch otherwise
    outline = outline_page(tree)
    chosen = choose_body(tree, outline, Way.CHOSEN)
    place_of = Places(outline, kept_blocks(chosen, outline)).of
    body = tree.find("body")
    pieces = build_pieces(
        tree if body is None else body, link_mark=LinkReader(tree, url).mark, place_of=place_of
    )
    rendered = render_lines(pieces)
    return rendered.text, rendered.places


@dataclass(frozen=True, kw_only=True)
class WholeHistory:
    """A document's captures and the runs of their texts."""

    name: str
    captures: list[dict[str, Any]]
    runs: tuple[Run, ...]

    @property
    def site(self) -> str:
        return registrable_domain(urlsplit(self.captures[0]["url"]).hostname or "")

    @property
    def is_held_back(self) -> bool:
        """Whether the document is of the half that no rule is made on."""
        return hashlib.sha1(self.name.encode()).digest()[0] % 2 == 1


def read_histories(keep: Path | None = None, folder: Path = REPLAY) -> list[WholeHistory]:
    """Return the recorded histories; `keep` is a file of read pages, which takes minutes to make."""
    pages: dict[tuple[str, str], Whole] = {}
    if keep is not None and keep.exists():
        pages = pickle.loads(keep.read_bytes())  # our own file of a moment ago
    else:
        for url, digest, _, content_type, body in iter_bodies(folder):
            if (url, digest) not in pages:
                decoded = decode_body(unpack_body(body), content_type)
                pages[url, digest] = read_whole(decoded.text, url)
        if keep is not None:
            keep.write_bytes(pickle.dumps(pages))
    captures: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in (folder / "captures.jsonl").read_text("utf-8").splitlines():
        capture = json.loads(line)
        captures[capture["document"]].append(capture)
    return [
        WholeHistory(name=name, captures=found, runs=tuple(_runs(found, pages)))
        for name, found in sorted(captures.items())
    ]


def _runs(captures: Iterable[dict[str, Any]], pages: Mapping[tuple[str, str], Whole]) -> Iterator[Run]:
    """Yield the runs of equal texts, junk left out."""
    good = [c for c in captures if (c["gold_coverage"] or 0) >= LEAST_COVERAGE]
    good.sort(key=lambda capture: str(capture["timestamp"]))
    for (text, places), group in groupby(good, key=lambda c: pages[c["url"], c["digest"]]):
        same = list(group)
        yield Run(
            text=text,
            text_sha256=hashlib.sha256(text.encode()).hexdigest(),
            places=places,
            first=same[0]["timestamp"],
            last=same[-1]["timestamp"],
        )


def judge(
    history: WholeHistory, judge_kinds: Callable[..., Counter[str]], *, classes: bool, elsewhere: Elsewhere
) -> Counter[str]:
    """Return what the changes of a history are, held against the record; without `classes` all are told."""
    found = classify_changes(history.runs, elsewhere) if classes else [None] * len(history.runs)
    rows = []
    for index, (run, one) in enumerate(zip(history.runs, found, strict=True)):
        rows.append(
            {
                "changed_after": history.runs[index - 1].last if index else None,
                "first_captured": run.first,
                "text": run.text,
                "change_class": one.value if one is not None else None,
            }
        )
    return judge_kinds(history.captures, rows)


def sisters_of(histories: Sequence[WholeHistory]) -> dict[str, Elsewhere]:
    """Return document → what its site's other recorded documents show; two sites have two of them."""
    sites: dict[str, list[WholeHistory]] = defaultdict(list)
    for history in histories:
        sites[history.site].append(history)
    return {
        one.name: SiteLines(
            SeenPage(
                document_id=other.name,
                span=(run.first, run.last),
                lines=run.text.split("\n")[:-1],
                places=run.places,
            )
            for other in same
            for run in other.runs
        ).around(one.name)
        if len(same) > 1
        else NOWHERE
        for same in sites.values()
        for one in same
    }


def print_every_line(judge_kinds: Callable[..., Counter[str]], keep: Path | None) -> None:
    """Print a line a document, the two halves, and what classes and sister documents do."""
    histories = read_histories(keep)
    sisters = sisters_of(histories)
    print("document".ljust(44), *(name.rjust(9) for name in (*TOLD, "passed over", "recorded", "found")))
    ways: dict[str, Callable[[WholeHistory], Counter[str]]] = {
        "no classes": lambda one: judge(one, judge_kinds, classes=False, elsewhere=NOWHERE),
        "own history": lambda one: judge(one, judge_kinds, classes=True, elsewhere=NOWHERE),
        "and sister documents": lambda one: judge(
            one, judge_kinds, classes=True, elsewhere=sisters[one.name]
        ),
    }
    found = {way: {one.name: count(one) for one in histories} for way, count in ways.items()}
    for name, counts in found["and sister documents"].items():
        _print_counts(name, counts)
    for way, documents in found.items():
        for half, names in (
            ("all", documents),
            ("seen half", [one.name for one in histories if not one.is_held_back]),
            ("held back", [one.name for one in histories if one.is_held_back]),
        ):
            _print_counts(f"{way}: {half}", sum((documents[name] for name in names), Counter()))


def _print_counts(name: str, counts: Counter[str]) -> None:
    told, bad = sum(counts[kind] for kind in TOLD), sum(counts[kind] for kind in BAD)
    columns = (*TOLD, "passed over", "recorded", "found")
    print(
        name[:44].ljust(44),
        *(str(counts[column]).rjust(9) for column in columns),
        f"  {bad} of {told} = {bad / max(1, told):.3f}",
    )


# Home pages: ../shared/real-pages has those of sites whose policies it has, too, as they stood in 2015


@dataclass(kw_only=True)
class HomeScore:
    """Lines that come to real pages, one at a time: how many are told as a change."""

    pages: int = 0
    furniture: int = 0
    policy: int = 0
    told: Counter[str] = field(default_factory=Counter)


def print_home_pages(folder: Path) -> None:
    """Print how many lines that come to a policy's page are told, without and with the site's home page.

    A line of the annotated text is the policy's, any other one the page's; each comes, alone, to the page as
    it stood, and stays: one pair of runs.
    """
    score = HomeScore()
    for text, url, gold, home in _pages_with_homes(folder):
        whole, places = read_whole(text, url)
        lines = whole.split("\n")[:-1]
        words = " ".join(gold.lower().split())
        score.pages += 1
        moment = "20150601000000"
        site = SiteLines([SeenPage(document_id="home", span=(moment, moment), lines=home, is_home=True)])
        ways = {"without": NOWHERE, "with": site.around("policy")}
        whole_run = Run(text=whole, text_sha256="", places=places, first=moment, last=moment)
        for index, line in enumerate(lines):
            if not line.strip() or count_words(line) == 0:
                continue
            is_policy = " ".join(_words(line)) in words
            if is_policy and count_words(line) < LEAST_WORDS:
                continue  # "News": of the policy or of the menu
            kind = "policy" if is_policy else "furniture"
            setattr(score, kind, getattr(score, kind) + 1)
            left = lines[:index] + lines[index + 1 :]
            before = replace(
                whole_run,
                text="\n".join(left) + "\n",
                text_sha256=str(index),
                places=(*places[:index], *places[index + 1 :]),
            )
            after = replace(whole_run, text_sha256="whole")
            for way, elsewhere in ways.items():
                told = classify_changes([before, after], elsewhere)[1] is None
                score.told[f"{kind} {way}"] += told
    print(f"\nlines that come to {score.pages} real pages: told without the home page, and with it")
    for kind in ("furniture", "policy"):
        number = getattr(score, kind)
        print(f"{kind:10} {number:5} lines: {score.told[f'{kind} without']}, {score.told[f'{kind} with']}")


def _words(line: str) -> list[str]:
    return line.lower().replace("#", " ").replace("*", " ").split()


def _pages_with_homes(folder: Path) -> Iterator[tuple[str, str, str, tuple[str, ...]]]:
    """Yield source, address, annotated text, and the home page's lines of each policy whose site has both."""
    for line in (folder / "pages.jsonl").read_text("utf-8").splitlines():
        page = json.loads(line)
        name = page.get("opp") or ""
        original = folder / "opp115" / "original" / f"{name}.gz"
        annotated = list((folder / "opp115" / "sanitized").glob(f"{name.partition('_')[0]}_*.gz"))
        if not original.exists() or not annotated:
            continue
        home = gzip.decompress((folder / "pages" / f"{page['id']}.html.gz").read_bytes())
        lines = read_lines(parse_html(decode_body(home, page["content_type"] or None).text))
        gold = gzip.decompress(annotated[0].read_bytes()).decode("utf-8", "replace")
        gold = parse_html(gold.replace("|||", " ")).text_content()
        source = decode_body(gzip.decompress(original.read_bytes()), None).text
        yield source, page["policy_url"], gold, lines
