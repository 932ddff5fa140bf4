"""A difference as people and programs read it: words marked on a terminal, HTML, unified, JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from html import escape
from typing import Any

import click

from policy_archive.crawler.core.plurals import plural
from policy_archive.crawler.core.steering import clean_text
from policy_archive.pipelines.text import iter_headings
from policy_archive.pipelines.versions.diff import Diff, DiffLine, Hunk, LineKind, Span
from policy_archive.pipelines.versions.gist import Change, describe_change

_CHANGED_STYLE = {
    "old": {"fg": "red", "strikethrough": True},
    "new": {"fg": "green", "bold": True},
}
_LINE_SIGNS = {
    LineKind.SAME: "  ",
    LineKind.CHANGED: "~ ",
    LineKind.ADDED: "+ ",
    LineKind.REMOVED: "- ",
    LineKind.MOVED_AWAY: "< ",
    LineKind.MOVED_HERE: "> ",
}


def iter_marked_lines(diff: Diff, *, colour: bool, context: int = 2) -> Iterator[str]:
    """Yield the lines of a word-level diff for a terminal.

    Without colour the words are marked as wdiff does: [-removed-] {+added+}.
    Signs before a line: `~` changed, `+` added, `-` removed, `<` moved away, `>` moved here.
    """
    mark = _mark_colour if colour else _mark_plain
    for hunk in diff.fold(context):
        if hunk.folded:
            yield f"  ... {_count_lines(hunk.folded)} the same"
        for line in hunk.lines:
            yield _LINE_SIGNS[line.kind] + _mark_line(line, mark)


def list_removed(diff: Diff) -> list[dict[str, Any]]:
    """Return what was taken away, in the order of the old text: `section` (heading above it, None before the
    first), `old_number`, `text` of the line, `words` that went (the whole line's, or the spans of it).

    What stands elsewhere in the new text was not taken away.
    """
    section: str | None = None
    rows = []
    for line in sorted((one for one in diff.lines if one.old), key=lambda one: one.old_number or 0):
        text = "".join(span.text for span in line.old)
        section = next((heading.text for heading in iter_headings(text)), section)
        gone = [span.text.strip() for span in line.old if span.changed or line.kind is LineKind.REMOVED]
        if line.kind in (LineKind.REMOVED, LineKind.CHANGED) and any(gone):
            rows.append({"section": section, "old_number": line.old_number, "text": text, "words": gone})
    return rows


def iter_removed_lines(diff: Diff, *, colour: bool) -> Iterator[str]:
    """Yield what was taken away for a terminal, under the headings where it stood."""
    mark = _mark_colour if colour else _mark_plain
    by_number = {line.old_number: line for line in diff.lines if line.old}
    shown: str | None = None
    for row in list_removed(diff):
        line = by_number[row["old_number"]]
        if row["section"] != shown and (shown := row["section"]):
            yield f"# {clean_text(shown)}"
        is_whole = line.kind is LineKind.REMOVED
        yield "- " + "".join(
            mark("old", clean_text(span.text)) if is_whole or span.changed else clean_text(span.text)
            for span in line.old
        )


def _count_lines(number: int) -> str:
    return plural(number, "line")


def _mark_line(line: DiffLine, mark: Callable[[str, str], str]) -> str:
    if line.kind is LineKind.SAME:
        return clean_text(line.new[0].text)
    return "".join(
        mark(side, clean_text(span.text)) if side else clean_text(span.text)
        for side, span in iter_merged(line)
    )


def iter_merged(line: DiffLine) -> Iterator[tuple[str, Span]]:
    """Yield a line's spans in reading order: (`old`, removed), (`new`, added) or ('', kept).

    Kept spans stand in both sides in the same order; removed words come before the added ones.
    """
    old, new = list(line.old), list(line.new)
    while old or new:
        if old and old[0].changed:
            yield "old", old.pop(0)
        elif new and new[0].changed:
            yield "new", new.pop(0)
        else:
            if old:
                old.pop(0)
            yield "", new.pop(0)


def _mark_colour(side: str, text: str) -> str:
    return click.style(text, **_CHANGED_STYLE[side])  # type: ignore[arg-type]


def _mark_plain(side: str, text: str) -> str:
    words = text.rstrip()
    space = text[len(words) :]
    return f"[-{words}-]{space}" if side == "old" else f"{{+{words}+}}{space}"


def render_unified(old: str, new: str, *, old_label: str, new_label: str) -> str:
    """Return a unified diff, as `diff -u` writes it and `patch` takes it."""
    import difflib  # for this format alone

    lines = difflib.unified_diff(
        old.split("\n")[:-1], new.split("\n")[:-1], fromfile=old_label, tofile=new_label, lineterm=""
    )
    return "".join(f"{line}\n" for line in lines)


PAGE_STYLE = """
:root { color-scheme: light dark; --old: #fdd; --new: #d9f5d9; --moved: #e4e6fb; --quiet: #767676 }
@media (prefers-color-scheme: dark) { :root { --old: #5c2222; --new: #1f4a25; --moved: #33366b } }
body { max-width: 46rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.6 Georgia, serif }
h1 { font-size: 1.3rem } p { margin: .6rem 0; overflow-wrap: anywhere; white-space: pre-wrap }
del, .removed { background: var(--old) } ins, .added { background: var(--new) } ins { text-decoration: none }
.moved-away, .moved-here { background: var(--moved) } .moved-away { text-decoration: line-through }
.folded, small { color: var(--quiet); font-family: sans-serif; font-size: .85rem }
"""
"""Of pages that need nothing else: marks of what was removed and added, in light and dark."""


def render_html(diff: Diff, change: Change, *, old_label: str, new_label: str) -> str:
    """Return one page that needs nothing else: no script, nothing loaded, archived text only as text."""
    title = f"{old_label} → {new_label}"
    summary = f"+{change.words_added} −{change.words_removed} words; {describe_change(change)}"
    body = f"""<h1><del>{_text(old_label)}</del> <ins>{_text(new_label)}</ins></h1>
<p><small>{_text(summary)}</small></p>
{render_changes(diff)}"""
    return render_page(title, PAGE_STYLE, body)


def render_page(title: str, style: str, body: str) -> str:
    """Return a whole page of a title, a style and a body of HTML; it may load and run nothing."""
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{_text(title)}</title>
<style>{style}</style>
</head>
<body>
{body}
</body>
</html>
"""


def render_changes(diff: Diff) -> str:
    """Return the changed lines as HTML, `del` and `ins` around what differs, archived text only as text."""
    body = "\n".join(_html_hunk(hunk) for hunk in diff.fold())
    return body or "<p>The two texts are the same.</p>"


def _text(text: str) -> str:
    """Return archived text as text of a page, without what would turn the page's own lines round."""
    return escape(clean_text(text))


def _html_hunk(hunk: Hunk) -> str:
    folded = [f'<p class="folded">… {_count_lines(hunk.folded)} the same</p>'] if hunk.folded else []
    return "\n".join([*folded, *(_html_line(line) for line in hunk.lines)])


def _html_line(line: DiffLine) -> str:
    if line.kind is not LineKind.CHANGED:
        return f'<p class="{line.kind}">{_text((line.new or line.old)[0].text)}</p>'
    tags = {"old": "del", "new": "ins"}
    spans = (
        f"<{tags[side]}>{_text(span.text)}</{tags[side]}>" if side else _text(span.text)
        for side, span in iter_merged(line)
    )
    return f'<p class="changed">{"".join(spans)}</p>'


def describe_lines(lines: Sequence[DiffLine]) -> list[dict[str, Any]]:
    """Return the lines of a diff for JSON; equal ones by their numbers alone."""
    return [
        {"kind": line.kind, "old_number": line.old_number, "new_number": line.new_number}
        if line.kind is LineKind.SAME
        else asdict(line)
        for line in lines
    ]
