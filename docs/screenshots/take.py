"""Take the screenshots of this folder from the demo corpus, with the system's Chromium.

policy-archive demo --db demo.db
python docs/screenshots/take.py demo.db
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import httpx
from playwright.sync_api import sync_playwright

from policy_archive.pipelines.outputs.addresses import PREFIX
from policy_archive.pipelines.store.connection import open_reader

_FOLDER = Path(__file__).parent
_SITE = "tidelock.example"
_EDITED = "bramblekit.example"
"""A site whose lawyers edit: its last change is shown."""


def main(database: Path) -> None:
    """Write one PNG a page, 1280 by 900 pixels, light."""
    pages = list_pages(database)
    command = [sys.executable, "-m", "policy_archive", "browse", "--db", str(database), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:  # noqa: S603 (our own)
        try:
            assert server.stderr is not None
            found = re.search(r"http://[\d.:]+", server.stderr.readline())
            assert found
            _wait(found[0])
            _take(found[0], pages)
        finally:
            server.terminate()


def list_pages(database: Path) -> dict[str, str]:
    """Return the address of each picture's page, by the picture's name."""
    *_, last = _list_stamps(database, _SITE)
    *_, before, after = _list_stamps(database, _EDITED)
    edited = f"{_EDITED}/privacy"
    return {
        "home": "",
        "site": f"/{_SITE}",
        "version": f"/{_SITE}/privacy/{last}?p=13",
        "diff": f"/-/diff/{edited}/{before}/{edited}/{after}#c2",
        "section": f"/{edited}/{after}/section/s-the-berry-library-and-artificial-intelligence",
        "phrase": "/-/phrase?q=cookies&q=personal+data&q=machine+learning#years",
        "search": "/-/search?q=%22personal+information%22",
    }


def _list_stamps(database: Path, site: str) -> list[str]:
    rows = open_reader(database).execute(
        "select timestamp from policy_versions where site = ? and kind = 'privacy' order by version", (site,)
    )
    return [row["timestamp"] for row in rows]


def _wait(base: str) -> None:
    for _ in range(200):
        try:
            httpx.get(base)
            return
        except httpx.TransportError:
            time.sleep(0.05)


def _take(base: str, pages: dict[str, str]) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        for name, path in pages.items():
            page.goto(f"{base}{PREFIX}{path}")
            page.screenshot(path=_FOLDER / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
