"""Characters that steer what shows a text: controls (ESC, BEL, C1) and those that turn its direction."""

from __future__ import annotations

import re

STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""One of them; line ends and tabs are none."""
