"""One line of a text, as the judge of changes sees it: its words, and what it looks like."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property

from policy_archive.pipelines.text import cut_targets, drop_links, iter_links, strip_links, weigh_words
from policy_archive.pipelines.versions.telling import (
    has_address,
    has_amount,
    has_date_or_version,
    is_command,
    is_count_of_visits,
    is_credit,
    names_responsible,
    names_rights,
)

PROSE_WORDS, SENTENCE_WORDS = 20, 8
"""Prose has so many words, or so many and a sentence's end."""
_COPYRIGHT_WORDS = 16
_LABEL_WORDS = 4
_ROW_LABEL_WORDS, _ROW_LINKS = 8, 3
_RULES = " -|:*_=~+.\\\u2013\u2014\u2015"

_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_SIGNS = ('"', "“”„‟«»″"), ("'", "‘’‚‛′`´"), ("-", "‐‑‒–—―−")
_QUOTES = str.maketrans({sign: plain for plain, signs in _SIGNS for sign in signs})
_LINE_MARK = re.compile(r"^(?:\s|>|#{1,6}(?=\s)|[-*+•](?=\s)|\d{1,3}[.)](?=\s))*")
_ITEM = re.compile(r"\s*[-*+•]\s")
_EMPHASIS = re.compile(r"\\(?=[^\w\s])|\*+|(?<!\w)_+|_+(?!\w)")
_SENTENCE_END = re.compile(r"[.!?。！？؟।…][\"'”’»)\]]*$")
_HEADING = re.compile(r"\s*#{1,6}\s|\s*(\*\*|__)(?=\S).*\1\s*$")
_BETWEEN_LINKS = re.compile(r"[\s|·•,/›»>-]*")
DIGITS = re.compile(r"\d+")


@dataclass(frozen=True, kw_only=True)
class Line:
    """What the rules ask of one line; equal texts share it."""

    text: str

    @cached_property
    def key(self) -> str:
        """The words as they are compared; case, digits, currency and punctuation stay."""
        return line_key(cut_targets(strip_links(self.text)))

    @cached_property
    def words(self) -> float:
        return weigh_words(self.text)

    @cached_property
    def is_prose(self) -> bool:
        if self.words >= PROSE_WORDS:
            return True
        return self.words >= SENTENCE_WORDS and bool(_SENTENCE_END.search(self.key))

    @cached_property
    def is_heading_or_label(self) -> bool:
        return bool(_HEADING.match(self.text)) or self.key.endswith((":", "："))

    @cached_property
    def is_button_label(self) -> bool:
        short = self.words <= _LABEL_WORDS and not self.is_heading_or_label
        return short and not DIGITS.search(self.key) and not _SENTENCE_END.search(self.key)

    @cached_property
    def is_item(self) -> bool:
        return _ITEM.match(self.text) is not None

    @cached_property
    def is_dated(self) -> bool:
        return has_date_or_version(self.key)

    @cached_property
    def is_of_responsible(self) -> bool:
        """Of a sentence less is asked: banners speak of addresses, too."""
        if has_amount(self.key) or names_responsible(self.key):
            return True
        return not self.is_prose and has_address(self.key)

    @cached_property
    def link_labels(self) -> tuple[str, ...] | None:
        """The words of its links when it is nothing but links to pages, else None."""
        links = list(iter_links(self.text))
        rest = drop_links(_LINE_MARK.sub("", self.text))
        leads_away = all(target.startswith(("http://", "https://")) for _, target in links)
        if not links or not leads_away or not _BETWEEN_LINKS.fullmatch(rest):
            return None
        return tuple(label for label, _ in links)

    @cached_property
    def row_labels(self) -> tuple[str, ...] | None:
        """The words of its links when it is a table's row: a label, then nothing but three links or more."""
        label, bar, rest = self.text.partition("|")
        if not bar or any(iter_links(label)) or weigh_words(label) > _ROW_LABEL_WORDS:
            return None
        row = Line(text=rest.strip().rstrip("."))
        return row.link_labels if row.link_labels and len(row.link_labels) >= _ROW_LINKS else None

    @cached_property
    def is_blank(self) -> bool:
        """Return whether it holds nothing but rules and borders of tables."""
        return not self.key.strip(_RULES)

    @cached_property
    def names_rights(self) -> bool:
        """Return whether it names a policy or a reader's rights: a menu's label may do, and it matters."""
        return names_rights(self.key)

    @property
    def is_always_told(self) -> bool:
        """Return whether a change of it is one wherever it stands."""
        return self.is_heading_or_label or self.is_dated or self.is_of_responsible

    @cached_property
    def is_command_or_count(self) -> bool:
        """Return whether it is a command to the browser or a count of visits, nothing of a document."""
        return self.words <= _COPYRIGHT_WORDS and (is_command(self.key) or is_count_of_visits(self.key))

    @cached_property
    def is_credit(self) -> bool:
        """Return whether it says who or what made the site."""
        return self.words <= _COPYRIGHT_WORDS and not self.is_prose and is_credit(self.key)

    @cached_property
    def is_copyright(self) -> bool:
        return self.words <= _COPYRIGHT_WORDS and ("©" in self.key or self.key.lower().startswith("(c)"))


def line_key(text: str) -> str:
    """Return a line without marks, emphasis and invisible characters, its blanks joined."""
    plain = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).translate(_QUOTES)
    return " ".join(_EMPHASIS.sub("", _LINE_MARK.sub("", plain)).split())
