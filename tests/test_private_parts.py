"""The private parts of others' packages that we stand on: when a release drops one, this says which."""

from __future__ import annotations

import ast
import asyncio
import importlib
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("crawler", "pipelines", "browse", "archive_server", "data")
HANDLERS = "scrapy.core.downloader.handlers._aiohttp"
PRIVATE = {
    "scrapy": {
        f"{HANDLERS}.AiohttpDownloadHandler": "requests wait at the gate at the last moment before the wire",
        f"{HANDLERS}.AiohttpDownloadHandler._extract_headers": "captured headers need not be UTF-8",
        f"{HANDLERS}.AiohttpDownloadHandler.download_request": "the gate stands in it",
        f"{HANDLERS}._ClientResponse": "the type of what _extract_headers is given",
        "scrapy.crawler.CrawlerRunnerBase._create_crawler": "`scrapy crawl` needs the report of its crawler",
        "scrapy.Spider._set_crawler": "Scrapy's own from_crawler calls it, which takes no options of ours",
    },
    "aiohttp": {
        "aiohttp.ClientSession._max_field_size": "captured headers are long",
        "aiohttp.ClientSession._max_line_size": "the same",
        "aiohttp.ClientSession._max_headers": "captured headers are many",
    },
    "waybackpy": {"waybackpy.cdx_utils.full_url": "builds the address of an index query"},
    "py3langid": {
        "py3langid.langid.MODEL_FILE": "the model in the wheel, read without its global identifier",
        "py3langid.langid.LanguageIdentifier.tk_nextmove": "the automaton, walked in numpy",
        "py3langid.langid.LanguageIdentifier.tk_row": "the same",
        "py3langid.langid.LanguageIdentifier.tk_output": "the same",
        "py3langid.langid.LanguageIdentifier._raw_score": "where the walk is ours",
        "py3langid.langid.LanguageIdentifier._sparse_score": "adds up what the walk found",
        "py3langid.langid.LanguageIdentifier._set_alias_pairs": "a classifier of tables that were kept",
        "py3langid.langid.LanguageIdentifier._norm_probs": "the same",
        "py3langid.langid.LanguageIdentifier._full_model": "the same",
    },
    "pypdfium2": {"pypdfium2.raw": "the size of type, which its helpers do not tell"},
}
"""By distribution: the name, and what we need it for."""
DOCUMENTED = {"_exit", "_session", "_Decompress"}
"""Of the standard library (`os._exit`, the type of what undoes gzip); the session whose parts stand above."""


def is_there(name: str) -> bool:
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False


@pytest.fixture(scope="module")
def session_parts() -> frozenset[str]:
    """Return the attributes of a real session: they are no class's."""

    async def look() -> frozenset[str]:
        async with aiohttp.ClientSession() as session:
            return frozenset(dir(session))

    return asyncio.run(look())


@pytest.mark.parametrize(
    ("name", "why"), [(name, why) for names in PRIVATE.values() for name, why in names.items()]
)
def test_a_private_part_that_we_use_is_there(name: str, why: str, session_parts: frozenset[str]) -> None:
    session, _, part = name.rpartition(".")
    there = part in session_parts if session == "aiohttp.ClientSession" else is_there(name)
    assert there, (
        f"{name} is gone from this release: {why}. Find another way, or bound the version in pyproject.toml."
    )


@pytest.mark.parametrize("distribution", PRIVATE)
def test_a_package_whose_private_parts_we_use_is_bounded(distribution: str) -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    (requirement,) = [one for one in listed if re.match(rf"{distribution}\b(?!-)", one)]
    assert re.search(r"<|==", requirement), requirement


def modules() -> Iterator[ast.Module]:
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            yield ast.parse(path.read_text("utf-8"))


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def private_imports(tree: ast.Module) -> Iterator[str]:
    """Yield the private modules and names that are imported from others."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.module.startswith("policy_archive"):
            for alias in node.names:
                if any(map(is_private, (*node.module.split("."), alias.name))):
                    yield f"{node.module}.{alias.name}"


def private_attributes(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and is_private(node.attr):
            yield node.attr


def our_names(tree: ast.Module) -> Iterator[str]:
    """Yield the names that a module of ours gives to functions, classes, fields and variables."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield from [node.attr] if isinstance(node.value, ast.Name) else ()  # not `self._session._x = …`


def test_no_other_private_part_is_used() -> None:
    trees = list(modules())
    known = {name for names in PRIVATE.values() for name in names}
    imported = {name for tree in trees for name in private_imports(tree)}
    assert imported <= known
    ours = {name for tree in trees for name in our_names(tree)} | set(dir(tuple)) | {"_replace", "_asdict"}
    parts = {name.rpartition(".")[2] for name in known}
    foreign = {name for tree in trees for name in private_attributes(tree)} - ours - parts - DOCUMENTED
    assert foreign == set(), "a private attribute of another package: put it into PRIVATE, with the reason"
