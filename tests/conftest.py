"""Fixtures that every room's tests may use."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parent.parent.parent / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of real pages and captures; skip where only the project itself is checked out."""
    if not SHARED.is_dir():
        pytest.skip("needs the folder of real data, ../shared beside the checkout")
    return SHARED
