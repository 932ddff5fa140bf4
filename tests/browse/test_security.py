"""Who may ask the browser's server: nobody by a foreign name, and no other site's page."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from policy_archive.crawler.core.errors import UsageError
from policy_archive.pipelines.store.search_syntax import MOST_TERMS, build_match
from policy_archive.pipelines.store.writer import Store
from tests.support.asking import HOME, browse, get_when_ready


def test_foreign_names_and_foreign_pages_are_refused(tmp_path: Path) -> None:
    database = tmp_path / "policies.db"
    Store.open(database).close()
    with browse(database, "--allow-host", "policies.example") as address:
        assert get_when_ready(f"{address}{HOME}").status_code == 200

        def ask(path: str = HOME, **headers: str) -> int:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return httpx.get(f"{address}{path}", headers=named).status_code

        assert ask(host="evil.example") == 403
        assert ask("/policies.json?sql=select+1", host="evil.example:8001") == 403
        assert ask(host="policies.example") == ask(host="localhost:80") == ask(host="[::1]:80") == 200
        assert ask(sec_fetch_site="cross-site", sec_fetch_mode="no-cors") == 403
        assert ask(sec_fetch_site="cross-site", sec_fetch_mode="navigate") == 200  # a link that was followed
        assert ask(sec_fetch_site="same-origin", sec_fetch_mode="cors") == 200


@pytest.mark.parametrize(
    "text",
    ["the " * (MOST_TERMS + 1), f"NEAR({'the ' * 36}, 5)", '"' + "the " * 1000 + '"'],
    ids=["words", "near", "phrase"],
)
def test_a_search_that_nothing_could_stop_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="at the most"):
        build_match(text)
