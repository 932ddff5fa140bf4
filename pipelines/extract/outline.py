"""A page as a row of text blocks; every container is a range of that row."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import islice

from lxml.html import HtmlElement

from policy_archive.pipelines.text import blank_common_signs, count_plain_words

SKIPPED = frozenset(
    """script style template head title noscript svg math iframe object embed canvas video audio map select
    option datalist input link meta base param source track picture frame frameset noframes
    """.split()
)
"""Elements whose text no reader sees as prose."""

HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
LISTS = frozenset(("ul", "ol", "menu", "dir"))
CONTAINERS = frozenset(
    """html body address article aside blockquote center dd details dialog dir div dl dt fieldset figcaption
    figure footer form header hgroup hr li listing main marquee menu nav ol p pre search section summary table
    caption tbody td tfoot th thead tr ul xmp plaintext h1 h2 h3 h4 h5 h6 button legend textarea""".split()
)
"""Elements that begin and end a block of text."""

_ALWAYS_READ = (CONTAINERS - {"button", "textarea"}) | {"b", "br", "em", "font", "i", "span", "strong", "sup"}
"""Elements of which the tag alone says that they are read, and whether they are containers; nearly all."""

PROSE_WORDS = 9
"""Words outside links that make a block prose: by trial on real pages, scored by bench/extraction.py."""

_SHORTEST_TERMS = 50
"""Words in a field that are the page's and no example of what to fill in."""

_GOES_ON = re.compile(r"\s*[.,;:)。、，]|\s+[^\W\d_]")
_MARKUP = re.compile("</?[a-z][^<>]*>", re.IGNORECASE)
"""A field that holds some is a template, or code to copy."""

_CJK = "\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_APART = re.compile(r"display\s*:\s*(?:none|block|flex|grid|list-item|table)", re.IGNORECASE)
_RAISED = re.compile(r"vertical-align\s*:\s*(?:super|text-top)", re.IGNORECASE)
_INVISIBLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_WORD = re.compile(rf"[{_CJK}]{{1,2}}|[^\W_{_CJK}]+")

_PERMALINKS = frozenset(("¶", "#", "🔗", "\u2693", "\uf0c1"))


def reading_length(text: str) -> int:
    """Return how long a text is to a reader, in words; where none are set apart, two characters are one.

    A measure for what a box is, not a count: `pipelines.text.count_words` counts.

    >>> reading_length("We collect data."), reading_length("我们收集数据")
    (3, 3)
    """
    plain = blank_common_signs(text)
    return count_plain_words(plain) if plain.isascii() else len(_WORD.findall(plain))


def is_read(element: HtmlElement) -> bool:
    """Return whether an element's text is part of what a reader reads.

    The text of a button is not ("Print", "Copy link"), unless it is the title of a part that it unfolds;
    nor that of a field to fill in, unless it is long: terms to agree to stand in a field that scrolls.
    """
    if element.tag in _ALWAYS_READ:
        return True
    if not isinstance(element.tag, str) or element.tag in SKIPPED:
        return False
    if element.tag == "textarea":
        text = element.text or ""
        return reading_length(text) >= _SHORTEST_TERMS and not _MARKUP.search(text)
    if element.tag == "a":
        return not is_permalink(element)
    return element.tag != "button" or is_said_in_line(element) or _is_title_button(element)


def is_permalink(link: HtmlElement) -> bool:
    """Return whether a link is the sign by which programs for manuals let a heading be linked to."""
    sign = (link.text or "").strip()
    return sign in _PERMALINKS and not len(link) and (link.get("href") or "").startswith("#")


def is_said_in_line(button: HtmlElement) -> bool:
    """Return whether this is a button whose text is a part of the sentence around it: "To do so, click
    [Cookie settings]."

    Words stand before it, a word or a sentence's end after it, in the same element.
    """
    if _GOES_ON.match(button.tail or "") is None:
        return False
    before = button.getprevious()
    parent = button.getparent()
    text = (parent.text if parent is not None else "") if before is None else before.tail
    return reading_length(text or "") > 1 and not (text or "")[-1:].isalnum()


def _is_title_button(button: HtmlElement) -> bool:
    if button.get("aria-expanded") is not None or button.get("aria-controls") is not None:
        return True
    if any(ancestor.tag in HEADINGS for ancestor in islice(button.iterancestors(), 3)):
        return True
    # a comment may stand between: it has no text of its own
    following = next((sibling for sibling in button.itersiblings() if isinstance(sibling.tag, str)), None)
    unfolded = following is not None and reading_length(following.text_content()) >= PROSE_WORDS
    return unfolded or any(child.tag in HEADINGS for child in button.iter())


_FOR_EARS = frozenset(
    ("sr-only", "visually-hidden", "visuallyhidden", "screen-reader-text", "screenreader-only")
)


def is_for_ears(element: HtmlElement) -> bool:
    """Return whether these are words that only screen readers speak ("opens in a new window").

    Classes of CSS frameworks.
    """
    return not _FOR_EARS.isdisjoint((element.get("class") or "").split())


def is_set_apart(element: HtmlElement) -> bool:
    """Return whether this is an element amid a line that a reader does not see amid it.

    A tooltip, a block by its style.
    """
    return element.get("role") == "tooltip" or _APART.search(element.get("style") or "") is not None


def is_raised(element: HtmlElement) -> bool:
    """Return whether this is a superscript, by its tag or its style."""
    return element.tag == "sup" or _RAISED.search(element.get("style") or "") is not None


def is_container(element: HtmlElement) -> bool:
    """Return whether an element stands on lines of its own; custom elements do, unless amid a line."""
    tag = element.tag
    if tag in _ALWAYS_READ:
        return tag in CONTAINERS
    if tag == "button" and is_said_in_line(element):
        return False
    return isinstance(tag, str) and (tag in CONTAINERS or ("-" in tag and not _is_in_line(element)))


def _is_in_line(element: HtmlElement) -> bool:
    """Return whether this is an element, an icon or a link, with text right beside it and no containers
    inside.
    """
    before = element.getprevious()
    text_before = element.getparent().text if before is None else before.tail
    if not (text_before or "").strip() and not (element.tail or "").strip():
        return False
    return next(element.iterdescendants(*CONTAINERS), None) is None


Span = tuple[int, int]


@dataclass(slots=True, kw_only=True)
class TextBlock:
    """One run of text between two block boundaries."""

    holder: HtmlElement
    """Innermost container around it."""
    text: str
    words: int
    linked: int
    """Words inside buttons and links that lead away; not those of tables of contents, nor addresses."""

    hidden: bool
    """The page's own markup says that it is not shown, or not at first."""

    @property
    def is_prose(self) -> bool:
        return self.words - self.linked >= PROSE_WORDS


@dataclass(slots=True)
class Outline:
    """Blocks in document order, and the range [start, end) of every container that holds text."""

    blocks: list[TextBlock] = field(default_factory=list)
    ranges: dict[HtmlElement, Span] = field(default_factory=dict)
    parents: dict[HtmlElement, HtmlElement] = field(default_factory=dict)
    """The next container outwards of each container with text; of one's children the first comes first."""
    words: list[int] = field(default_factory=lambda: [0])
    """words[i]: words in the blocks before i; the lists below likewise."""
    linked: list[int] = field(default_factory=lambda: [0])
    prose: list[int] = field(default_factory=lambda: [0])
    """Words of prose blocks."""

    def words_in(self, span: Span) -> int:
        return self.words[span[1]] - self.words[span[0]]


def outline_page(root: HtmlElement) -> Outline:
    """Return the blocks of text under an element, none of them empty."""
    builder = _Builder()
    builder.walk(root, root)
    builder.flush()
    return builder.outline


def _is_hidden(element: HtmlElement) -> bool:
    if not element.keys():
        return bool(element.tag == "details")
    if element.get("hidden") is not None or element.get("aria-hidden") == "true":
        return True
    if element.tag == "details":
        return element.get("open") is None
    style = element.get("style")
    return style is not None and _INVISIBLE.search(style) is not None


def _leads_away(element: HtmlElement) -> bool:
    if element.tag == "button":
        return True
    href = element.get("href") if element.tag == "a" else None
    return href is not None and (href == "#" or not href.startswith(("#", "mailto:", "tel:")))


class _Builder:
    def __init__(self) -> None:
        self.outline = Outline()
        self._plain: list[str] = []
        self._link: list[str] = []
        self._holder: HtmlElement | None = None
        self._links_open = 0
        self._hidden = 0

    def walk(self, element: HtmlElement, holder: HtmlElement) -> None:
        contained = is_container(element)
        outside = holder
        if contained:
            self.flush()
            holder = element
        start = len(self.outline.blocks)
        linking = _leads_away(element)
        self._links_open += linking
        hidden = _is_hidden(element)
        self._hidden += hidden
        if text := element.text:
            self._take(text, holder)
        previous_break = False
        for child in element:
            child_tag = child.tag
            if child_tag == "br":
                if previous_break and not (child.getprevious().tail or "").strip():
                    self.flush()
                self._take(" ", holder)
            elif is_read(child):
                self.walk(child, holder)
            previous_break = child_tag == "br"
            if tail := child.tail:
                self._take(tail, holder)
        self._links_open -= linking
        if contained:
            self.flush()
        self._hidden -= hidden
        if contained and len(self.outline.blocks) > start:
            self.outline.ranges[element] = (start, len(self.outline.blocks))
            if element is not outside:
                self.outline.parents[element] = outside

    def _take(self, text: str, holder: HtmlElement) -> None:
        self._plain.append(text)
        if self._links_open:
            self._link.append(text)
        self._holder = holder

    def flush(self) -> None:
        if not self._plain:
            return
        text = "".join(self._plain)
        words = reading_length(text)
        if words and self._holder is not None:
            linked = reading_length(" ".join(self._link)) if self._link else 0
            block = TextBlock(
                holder=self._holder,
                text=text,
                words=words,
                linked=min(linked, words),
                hidden=self._hidden > 0,
            )
            outline = self.outline
            outline.blocks.append(block)
            outline.words.append(outline.words[-1] + words)
            outline.linked.append(outline.linked[-1] + block.linked)
            outline.prose.append(outline.prose[-1] + (words if block.is_prose else 0))
        self._plain.clear()
        self._link.clear()
