"""The command extract."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click

from policy_archive.crawler.core.errors import CdxError, UsageError
from policy_archive.crawler.core.exit_statuses import ExitStatus
from policy_archive.crawler.core.plurals import plural
from policy_archive.crawler.core.records import POLICY_KINDS, Extraction, Kind
from policy_archive.crawler.core.safe_files import write_file
from policy_archive.crawler.core.timestamps import parse_day, repair_timestamp
from policy_archive.crawler.core.urls import parse_site
from policy_archive.pipelines.commands.options import FolderPath, json_option
from policy_archive.pipelines.exchange.corpus_format import render_document
from policy_archive.pipelines.exchange.page_files import (
    ManifestFault,
    PageFile,
    explain_file,
    extract_file,
    iter_manifest,
    parse_loose_timestamp,
    quality_of,
)
from policy_archive.pipelines.outputs.bar import follow
from policy_archive.pipelines.outputs.rows import echo_foreign, format_json, print_rows, say
from policy_archive.pipelines.reading.pool import Done, ReadingPool

_SHOWN_FAILURES = 20


@click.command("extract")
@click.argument("page", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--url", default="", help="Address that the page stood at; links are made absolute against it.")
@click.option("--timestamp", default="", help="Capture's time, 14 digits or a date.")
@click.option("--site", default="", help="Whose policy it is.  [default: the address's site]")
@click.option(
    "--kind",
    type=click.Choice([kind.value for kind in POLICY_KINDS]),
    help="Kind of document wanted, for pages that hold several.",
)
@click.option("--content-type", help="Content-Type that the page was served with.")
@click.option(
    "--manifest",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Extract every page listed here: JSON lines with file, url, timestamp, site, kind.",
)
@click.option("--out", type=FolderPath(), help="Folder for a manifest's results.")
@click.option("--processes", type=click.IntRange(min=1), help="Pages read at a time.  [default: one a core]")
@click.option(
    "--explain", "explained", is_flag=True, help="Say which rule kept or dropped each part of the page."
)
@json_option
def extract_command(
    page: Path | None,
    url: str,
    timestamp: str,
    site: str,
    kind: str | None,
    content_type: str | None,
    manifest: Path | None,
    out: Path | None,
    processes: int | None,
    explained: bool,
    as_json: bool,
) -> int:
    """Print the policy on a saved page (HTML, plain text, PDF; also gzipped), or extract many.

    With an address and a time the text is printed as the corpus writes it, else the body alone; --json
    prints how good it is. A manifest writes STEM.md and STEM.json for every page into --out.

    \b
    Example:
      policy-archive extract page.html --url https://example.com/privacy --timestamp 20180525120000
      policy-archive extract page.html --explain
      policy-archive extract --manifest pages.jsonl --out texts
    """
    if manifest is not None:
        if page is not None or out is None or explained:
            raise UsageError("With --manifest give --out DIR, no page and no --explain.")
        return _extract_all(manifest, out, processes)
    if page is None or out is not None:
        raise UsageError("Give a page to extract, or --manifest FILE --out DIR.")
    wanted = PageFile(
        path=page,
        url=url,
        timestamp=_parse_time(timestamp) if timestamp else "",
        site=site,
        kind=Kind(kind) if kind else None,
        content_type=content_type,
    )
    with ReadingPool(1) as pool:
        if explained:
            print_rows(pool.run(explain_file, wanted), "json" if as_json else "table")
            return 0
        extraction = pool.run(extract_file, wanted)
    if as_json:
        click.echo(format_json(quality_of(extraction), indent=2))
    else:
        echo_foreign(_render(wanted, extraction))
    return 0


def _parse_time(text: str) -> str:
    """Return the 14 digits of a time as the command line has it; raises UsageError if it is none."""
    try:
        return repair_timestamp(parse_loose_timestamp(text) or f"{parse_day(text):%Y%m%d}000000")
    except CdxError as error:
        raise UsageError(f"--timestamp {error}.") from error


def _render(page: PageFile, extraction: Extraction) -> str:
    if not page.url or not page.timestamp:
        return extraction.text
    return render_document(
        site=page.site or parse_site(page.url),
        kind=page.kind or Kind.PRIVACY,
        timestamp=page.timestamp,
        original=page.url,
        title=extraction.title,
        text=extraction.text,
    )


def _extract_all(manifest: Path, out: Path, processes: int | None) -> int:
    """Write every page's text and quality; return 1 if any failed."""
    entries = list(iter_manifest(manifest))
    failed = [(entry.line, entry.reason, "bad line") for entry in entries if isinstance(entry, ManifestFault)]
    pages = [entry for entry in entries if isinstance(entry, PageFile)]
    out.mkdir(parents=True, exist_ok=True)
    for done in _read_all(pages, processes):
        _write_result(done, out)
        if done.error is not None:
            failed.append((done.item.line, f"{done.item.path.name}: {done.error}", done.error.outcome))
    _report(manifest, len(entries), sorted(failed))
    return ExitStatus.FAILED if failed else ExitStatus.DONE


def _read_all(pages: list[PageFile], processes: int | None) -> Iterator[Done[PageFile, Extraction]]:
    """Yield every page with its extraction, as they come, showing progress on a terminal."""
    with ReadingPool(processes) as pool:
        yield from follow(pool.map(extract_file, pages), "pages", total=len(pages))


def _write_result(done: Done[PageFile, Extraction], out: Path) -> None:
    """Write STEM.json, and STEM.md beside it unless the page failed: then an older one is removed."""
    page = done.item
    known = {"file": page.path.name, "url": page.url, "timestamp": page.timestamp, "site": page.site}
    text = out / f"{page.stem}.md"
    if done.result is not None:
        quality = quality_of(done.result)
        write_file(text, [done.result.text], within=out)
    else:
        assert done.error is not None
        quality = {"outcome": done.error.outcome, "reason": str(done.error)}
        text.unlink(missing_ok=True)
    lines = format_json(known | {"kind": page.kind} | quality, indent=2)
    write_file(out / f"{page.stem}.json", [lines, "\n"], within=out)


def _report(manifest: Path, total: int, failed: list[tuple[int, str, str]]) -> None:
    """Say what failed and why, by line, and how many in all."""
    for line, reason, _ in failed[:_SHOWN_FAILURES]:
        say(f"{manifest.name}:{line}: {reason}")
    if len(failed) > _SHOWN_FAILURES:
        click.echo(f"… and {len(failed) - _SHOWN_FAILURES} more; each page's .json says why", err=True)
    counts = Counter(outcome for _, _, outcome in failed).most_common()
    why = f" ({', '.join(f'{number} {outcome}' for outcome, number in counts)})" if counts else ""
    click.echo(
        f"{plural(total, 'page')}: {total - len(failed)} extracted, {len(failed)} failed{why}",
        err=True,
    )
