"""Text, structure and speed of extraction on real pages: `python -m bench.extraction [--sample N]`.

Ours, trafilatura (default, favor_recall), html2text of the whole page, and html2text of our body, against
the hand-curated texts of ../shared/extraction, in one process and one run. Word F1 and structure are counted
by the score.py that lies beside the pages. Speed: from decoded text to Markdown, CPU time.
"""

from __future__ import annotations

import gzip
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click
import html2text
import trafilatura
from lxml import html as lxml_html

from policy_archive.crawler.core.records import Kind
from policy_archive.pipelines.extract.body.choose import choose_body
from policy_archive.pipelines.extract.outline import outline_page
from policy_archive.pipelines.extract.page import transform_page
from policy_archive.pipelines.extract.source.parse import parse_html

SET = Path(__file__).resolve().parent.parent.parent / "shared" / "extraction"
STRUCTURE = {
    "heading": "heading_f1",
    "level": "heading_level_acc",
    "item": "item_f1",
    "depth": "item_depth_recall",
    "number": "ordered_number_recall",
    "row": "row_f1",
    "link": "link_f1",
    "bold": "bold_f1",
}
Page = dict[str, Any]
Scores = list[dict[str, Any]]


def extract_ours(html: str, page: Page) -> str:
    return transform_page(parse_html(html), url=page["url"] or "", kind=_kind(page["document"])).text


def extract_body_with_html2text(html: str, page: Page) -> str:
    tree = parse_html(html)
    body = choose_body(tree, outline_page(tree))
    for element in body.dropped:
        if element.getparent() is not None:
            element.drop_tree()
    return _html2text(lxml_html.tostring(body.root, encoding="unicode"), page)


def _html2text(html: str, page: Page) -> str:
    writer = html2text.HTML2Text(baseurl=page["url"] or "", bodywidth=0)
    writer.unicode_snob = writer.ignore_images = True
    return writer.handle(html)


def _trafilatura(*, recall: bool) -> Callable[[str, Page], str]:
    def extract(html: str, page: Page) -> str:
        text = trafilatura.extract(
            html,
            url=page["url"],
            output_format="markdown",
            include_links=True,
            include_formatting=True,
            favor_recall=recall,
        )
        return text or ""

    return extract


EXTRACTORS: dict[str, Callable[[str, Page], str]] = {
    "ours": extract_ours,
    "trafilatura": _trafilatura(recall=False),
    "trafilatura, recall": _trafilatura(recall=True),
    "html2text, page": _html2text,
    "html2text, our body": extract_body_with_html2text,
}


def _kind(document: str) -> Kind:
    """Return the kind that a user would ask for by the curators' name of the document."""
    name = document.lower()
    for word, kind in (
        ("privacy", Kind.PRIVACY),
        ("tracker", Kind.COOKIES),
        ("cookie", Kind.COOKIES),
        ("terms", Kind.TERMS),
    ):
        if word in name:
            return kind
    return Kind.OTHER


@click.command()
@click.option("--sample", type=int, help="Every page in so many that about N remain.")
@click.option("--split", default="dev", show_default=True, help="Folder of pages.")
@click.option("--only", "names", multiple=True, type=click.Choice(list(EXTRACTORS)), help="Only these.")
@click.option("--worst", default=10, show_default=True, help="How many of our worst pages to name.")
def main(sample: int | None, split: str, names: tuple[str, ...], worst: int) -> None:
    """Print text, structure and speed, a line an extractor, and our worst pages."""
    sys.path.insert(0, str(SET))
    import score  # type: ignore[import-not-found]

    pages = _pages(split, sample)
    golds = {
        page["id"]: score.Gold((SET / split / f"{page['id']}.md").read_text(), page["url"]) for page in pages
    }
    results: dict[str, Scores] = {}
    speeds: dict[str, float] = {}
    for name in names or EXTRACTORS:
        texts, speeds[name] = _run(EXTRACTORS[name], pages, split)
        results[name] = [{**page, **score.score(texts[page["id"]], golds[page["id"]])} for page in pages]
    _print_table(results, speeds)
    if "ours" in results:
        _print_split(results["ours"])
        _print_worst(results["ours"], worst)


def _pages(split: str, sample: int | None) -> list[Page]:
    lines = (SET / split / "index.jsonl").read_text("utf-8").splitlines()
    pages = [json.loads(line) for line in lines]
    return pages[:: max(1, len(pages) // sample)] if sample else pages


def _run(
    extract: Callable[[str, Page], str], pages: Iterable[Page], split: str
) -> tuple[dict[str, str], float]:
    """Return the texts by page, and pages a CPU second."""
    texts = {}
    seconds = 0.0
    for page in pages:
        html = gzip.decompress((SET / split / f"{page['id']}.html.gz").read_bytes()).decode(
            "utf-8", "replace"
        )
        begun = time.process_time()
        texts[page["id"]] = extract(html, page)
        seconds += time.process_time() - begun
    return texts, len(texts) / seconds


def _print_table(results: dict[str, Scores], speeds: dict[str, float]) -> None:
    click.echo(f"{'single pages':22} {_heads()} {'pages/s':>8}  of trafilatura's")
    for name, scores in results.items():
        single = [row for row in scores if not row["partial_gold"]]
        ratio = f"{speeds[name] / speeds['trafilatura']:.2f}" if "trafilatura" in speeds else ""
        click.echo(f"{name:22} {_line(single)} {speeds[name]:8.1f}  {ratio}")
    click.echo(f"\n{'all pages':22} mean F1")
    for name, scores in results.items():
        click.echo(f"{name:22} {statistics.fmean(row['lcs_f1'] for row in scores):.4f}")


def _heads() -> str:
    return " ".join([f"{'F1':>6} {'≥.95':>5} {'≥.99':>5} {'<.5':>4}", *(f"{name:>7}" for name in STRUCTURE)])


def _line(scores: Scores) -> str:
    f1 = [row["lcs_f1"] for row in scores]
    shares = [sum(value >= bound for value in f1) / len(f1) for bound in (0.95, 0.99)]
    cells = [
        f"{statistics.fmean(f1):.4f} {shares[0]:5.3f} {shares[1]:5.3f} {sum(value < 0.5 for value in f1):4d}"
    ]
    for key in STRUCTURE.values():
        values = [row[key] for row in scores if row.get(key) is not None]
        cells.append(f"{statistics.fmean(values):7.3f}" if values else f"{'-':>7}")
    return " ".join(cells)


def _print_split(scores: Scores) -> None:
    """Print the two thirds of services that were looked at, and the third that was not."""
    services = sorted({row["service"] for row in scores})
    held = set(services[2::3])
    click.echo(f"\n{'ours, by service':22} {_heads()}")
    for name, wanted in (("looked at", False), ("held back", True)):
        rows = [row for row in scores if not row["partial_gold"] and (row["service"] in held) is wanted]
        if rows:
            click.echo(f"{name:22} {_line(rows)}")


def _print_worst(scores: Scores, count: int) -> None:
    single = sorted((row for row in scores if not row["partial_gold"]), key=lambda row: row["lcs_f1"])
    click.echo("\nour worst single pages: F1, precision, recall")
    for row in single[:count]:
        click.echo(
            f"{row['lcs_f1']:.3f} {row['lcs_p']:.3f} {row['lcs_r']:.3f} "
            f"{row['id']} {row['service']}, {row['document']}"
        )


if __name__ == "__main__":
    main()
