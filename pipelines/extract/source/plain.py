"""Plain text and Markdown as captured: passed through."""

from __future__ import annotations

import re
from dataclasses import dataclass

_FRONT_MATTER_CHARACTERS = 65_536
_FRONT_MATTER = re.compile(r"(---|\+\+\+)[ \t]*\n(.*?\n)?\1[ \t]*(?:\n|$)", re.DOTALL)
_TITLE_LINE = re.compile(
    r"""^title\s*+[:=]\s*+(?P<value>"(?:[^"\\]|\\.)*+"(?=[ \t]*+$)|'(?:[^']|'')*+'(?=[ \t]*+$)|\S.*)""",
    re.MULTILINE,
)
_HEADING = re.compile(r"^#[ \t]+(.+)$", re.MULTILINE)
# what a Markdown reader would take for HTML; <https://x> and <a@b> are links
_LOOKS_LIKE_HTML = re.compile(r"<(?=[A-Za-z/!?])(?!(?:https?|mailto|ftp):|[^\s<>@]+@[^\s<>]+>)")


@dataclass(frozen=True, kw_only=True)
class PlainText:
    """A text without markup of its own, or in Markdown."""

    text: str
    """Ends with one newline; '' when there is nothing."""
    title: str
    """From the front matter, else the first `# ` heading; '' when there is neither."""


def read_plain(text: str) -> PlainText:
    """Return a plain or Markdown text as it is: only what would be read as HTML is escaped.

    Front matter (`---` YAML or `+++` TOML, at most 64 KB) is left out; of it
    only the line `title:` is read, no YAML is loaded, so no alias bomb and no nesting matters.
    """
    matter, body = _split_front_matter(text.lstrip("\ufeff"))
    body = _LOOKS_LIKE_HTML.sub(r"\\<", body).strip("\n")
    body = "\n".join(
        line.rstrip() if not line.endswith("  ") else line.rstrip() + "  " for line in body.split("\n")
    )
    return PlainText(text=f"{body}\n" if body.strip() else "", title=_title(matter) or _first_heading(body))


def _split_front_matter(text: str) -> tuple[str, str]:
    start = text.lstrip("\n")
    match = _FRONT_MATTER.match(start[:_FRONT_MATTER_CHARACTERS])
    if not match or not re.search(r"^\w[\w-]*\s*[:=]", match[2] or "", re.MULTILINE):
        return "", text
    return match[2], start[match.end() :]


def _title(matter: str) -> str:
    match = _TITLE_LINE.search(matter)
    if not match:
        return ""
    value = match["value"].rstrip()
    if value[0] == value[-1] == '"' and len(value) > 1:
        value = re.sub(r"\\(.)", r"\1", value[1:-1])
    elif value[0] == value[-1] == "'" and len(value) > 1:
        value = value[1:-1].replace("''", "'")
    return " ".join(value.split())


def _first_heading(body: str) -> str:
    match = _HEADING.search(body)
    return " ".join(match[1].rstrip(" \t#").split()) if match else ""
