"""Characters that steer what shows a text: controls (ESC, BEL, C1) and those that turn its direction."""

from __future__ import annotations

import re

STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""One of them; line ends and tabs are none."""


def clean_text(text: str) -> str:
    """Return the text with U+FFFD in place of what would steer what shows it; line ends and tabs stay."""
    return STEERING.sub("\ufffd", text)


def escape_steering(json_text: str) -> str:
    """Return JSON that reads back as it did and steers nothing: such characters are written as numbers."""
    return STEERING.sub(lambda match: f"\\u{ord(match[0]):04x}", json_text)
