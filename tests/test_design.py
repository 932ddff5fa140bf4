"""docs/design.md is true: its rooms, its import lists, the names on its walks, its glossary."""

from __future__ import annotations

import importlib
import re
import tomllib
from pathlib import Path

import pytest

from policy_archive.crawler import settings

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "design.md").read_text("utf-8")
PACKAGES = ("crawler", "pipelines", "browse", "archive_server")
CONTRACTS = [
    contract
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    if contract["type"] == "layers"
]
NAMES = sorted(set(re.findall(rf"`((?:{'|'.join(PACKAGES)})\.[\w.]+)`", PAGE)))
GLOSSARY = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.partition("## Glossary")[2].splitlines()
    if line.startswith("| ") and not line.startswith("| term")
]
RETIRED = sorted(word.strip() for row in GLOSSARY for word in row[3].split(",") if word.strip())


def look_up(name: str) -> object:
    """Return what a dotted name below `policy_archive` stands for."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        module = ".".join(("policy_archive", *parts[:length]))
        try:
            found: object = importlib.import_module(module)
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            found = getattr(found, part)
        return found
    raise LookupError(name)


def texts() -> dict[Path, str]:
    """Return all that people read or that runs: code, help (it stands in the code), docs and schema."""
    files = [path for room in PACKAGES for path in (ROOT / room).rglob("*.py")]
    files += [ROOT / "cli.py", ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    return {path: path.read_text("utf-8") for path in files}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_on_the_page_is_in_the_code(name: str) -> None:
    assert look_up(name) is not None


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract["name"])
def test_the_import_lists_are_those_that_are_checked(contract: dict[str, list[str]]) -> None:
    (container,) = contract["containers"]
    assert f"- `{container}`: " + " → ".join(f"`{layer}`" for layer in contract["layers"]) in PAGE


def test_every_room_stands_in_the_table_and_every_row_is_a_room() -> None:
    table = PAGE.partition("## Rooms")[2].partition("## Who")[0]
    written = set(
        re.findall(r"`([\w/]+(?:/|\.py))`", "".join(re.findall(r"^\|([^|]*)\|", table, re.MULTILINE)))
    )
    there = {"cli.py", "__main__.py", "browse/", "archive_server/", "data/", "bench/", "docs/", "tests/"}
    for package in ("crawler", "pipelines"):
        for path in (ROOT / package).iterdir():
            if path.is_dir() and any(path.glob("*.py")):
                there.add(f"{package}/{path.name}/")
            elif path.suffix == ".py" and path.name != "__init__.py":
                there.add(f"{package}/{path.name}")
    assert written == there


def test_the_glossary_has_terms_and_the_walks_have_names() -> None:
    assert len(GLOSSARY) > 15
    assert len(NAMES) > 40
    assert RETIRED


@pytest.mark.parametrize("row", GLOSSARY, ids=lambda row: row[0])
def test_a_term_of_the_glossary_stands_in_the_code(row: list[str]) -> None:
    term = row[0].replace("CDX row", "CdxRow")
    code = "".join(text for path, text in texts().items() if path.suffix == ".py")
    assert re.search(rf"\b{re.escape(term)}", code, re.IGNORECASE)
    assert f"`{row[2].strip('`')}`" in PAGE


@pytest.mark.parametrize("word", RETIRED)
def test_a_retired_word_is_used_no_more(word: str) -> None:
    elsewhere = {path: text for path, text in texts().items() if path != ROOT / "docs" / "design.md"}
    found = [
        str(path.relative_to(ROOT))
        for path, text in elsewhere.items()
        if re.search(rf"\b{re.escape(word)}\b", text, re.IGNORECASE)
    ]
    assert found == []


def test_every_setting_of_ours_that_is_read_is_declared_with_its_value() -> None:
    read = {
        name
        for package in PACKAGES
        for file in (ROOT / package).rglob("*.py")
        for name in re.findall(r"[\"']((?:POLICY|READING)_[A-Z_]+)[\"']", file.read_text("utf-8"))
        if not name.startswith("POLICY_ARCHIVE_") or name == "POLICY_ARCHIVE_URL"  # those are the shell's
    }
    assert len(read) > 10
    assert sorted(name for name in read if not hasattr(settings, name)) == []
