"""What a command uses when nobody says otherwise, and several rooms must agree on."""

from __future__ import annotations

from policy_archive.crawler.core.urls import WAYBACK_MACHINE

ARCHIVE = WAYBACK_MACHINE
DATABASE = "policies.db"
INDEX_PER_MINUTE = 24.0  # 80 % of the 30/min that the index allows, as IA asks; EDGI wayback 0.5.1, 2026-06
REPLAY_PER_SECOND = 8.0  # 80 % of 600/min for all else; same source
