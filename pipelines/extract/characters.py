"""Characters that no reader sees, and letters that can be written in two ways: one way in all texts."""

from __future__ import annotations

import re
import unicodedata

_UNSEEN_CHARACTERS = "\u00ad\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb"
_UNSEEN = re.compile(f"[{_UNSEEN_CHARACTERS}]+")
"""Soft hyphens, blanks and joiners of no width, marks of direction and of annotation."""
_JOINER = re.compile("[\u200c\u200d]+")
_UNSEEN_OR_JOINER = re.compile(f"[{_UNSEEN_CHARACTERS}\u200c\u200d]")
_JOINED_SCRIPTS = re.compile(
    "[\u0600-\u08ff\u0900-\u0dff\u0e80-\u109f\u1780-\u18af\ufb50-\ufdff\ufe70-\ufeff\U0001f000-\U0001faff\u2600-\u27bf\ufe0f]"
)
"""Arabic, the scripts of India and around, Mongolian, pictures: there U+200C and U+200D shape words."""


def normalize_text(text: str) -> str:
    r"""Return a text in Unicode's NFC without characters that no reader sees.

    U+200C and U+200D stay between letters of scripts that need them.

    >>> normalize_text("mar\u00adketing cus\u200btomers cafe\u0301"), normalize_text("می\u200cخواهم")
    ('marketing customers café', 'می\u200cخواهم')
    """
    if text.isascii():
        return text
    if _UNSEEN_OR_JOINER.search(text):
        text = _JOINER.sub(_keep_joiner, _UNSEEN.sub("", text))
    return unicodedata.normalize("NFC", text)


def _keep_joiner(match: re.Match[str]) -> str:
    before, after = (
        match.string[match.start() - 1 : match.start()],
        match.string[match.end() : match.end() + 1],
    )
    needed = _JOINED_SCRIPTS.match(before) and _JOINED_SCRIPTS.match(after)
    return match[0] if needed else ""
