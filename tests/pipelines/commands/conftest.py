"""What tests of commands that run for weeks share: the demo archive, named by the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from policy_archive.archive_server.server import ArchiveServer


@pytest.fixture
def archive(demo_archive: ArchiveServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ArchiveServer:
    monkeypatch.setenv("POLICY_ARCHIVE_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("POLICY_ARCHIVE_DB", str(tmp_path / "policies.db"))
    monkeypatch.setenv("POLICY_ARCHIVE_URL", demo_archive.url)
    return demo_archive
