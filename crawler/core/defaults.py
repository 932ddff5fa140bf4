"""What a command uses when nobody says otherwise, and several rooms must agree on."""

from __future__ import annotations

from policy_archive.crawler.core.urls import WAYBACK_MACHINE

ARCHIVE = WAYBACK_MACHINE
DATABASE = "policies.db"
