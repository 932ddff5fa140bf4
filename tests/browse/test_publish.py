from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from click.testing import CliRunner, Result
from lxml import etree, html

from policy_archive.browse.commands.publish import publish_command
from policy_archive.crawler.core.errors import UsageError
from policy_archive.crawler.core.safe_files import ExportError
from policy_archive.pipelines.store.connection import is_corpus
from tests.browse.conftest import SITE

_ROOT = "https://policies.example"


def _publish(database: Path, target: Path, *options: str) -> Result:
    return CliRunner().invoke(publish_command, [str(target), "--db", str(database), *options])


def _broken_links(target: Path) -> list[str]:
    """Return the links of all pages that lead to no file of the copy."""
    broken = []
    pages = sorted(target.rglob("*.html"))
    assert pages
    for page in pages:
        here = f"{_ROOT}/{page.relative_to(target).as_posix()}".replace("%", "%25")
        tree = html.fromstring(page.read_bytes())
        for href in tree.xpath("//@href"):
            address = urlsplit(urljoin(here, str(href)))
            if (
                f"{address.scheme}://{address.netloc}" == _ROOT
                and not (target / unquote(address.path).lstrip("/")).is_file()
            ):
                broken.append(f"{here}: {href}")
    return broken


@pytest.fixture(params=["database", "hostile_database"])
def any_database(request: pytest.FixtureRequest) -> Path:
    path: Path = request.getfixturevalue(request.param)
    return path


def test_every_link_of_the_copy_leads_to_a_file_of_it(any_database: Path, tmp_path: Path) -> None:
    target = tmp_path / "site"
    result = _publish(any_database, target, "--root", _ROOT, "--no-database")
    assert result.exit_code == 0, result.output
    assert _broken_links(target) == []
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_feeds_of_the_copy_lead_to_its_pages(database: Path, tmp_path: Path) -> None:
    _publish(database, tmp_path, "--root", f"{_ROOT}/archive/")
    feed = etree.parse(tmp_path / SITE / "feed.atom")
    links = feed.xpath("//a:entry/a:link/@href", namespaces={"a": "http://www.w3.org/2005/Atom"})
    assert len(links) == 2
    for link in links:
        assert link.startswith(f"{_ROOT}/archive/")
        assert (tmp_path / unquote(link.removeprefix(f"{_ROOT}/archive/"))).is_file()


def test_without_an_address_the_copy_has_no_feeds(database: Path, tmp_path: Path) -> None:
    _publish(database, tmp_path, "--no-database")
    assert not list(tmp_path.rglob("*.atom"))
    assert "feed.atom" not in (tmp_path / "index.html").read_text("utf-8")


def test_a_second_copy_writes_nothing_anew(database: Path, tmp_path: Path) -> None:
    _publish(database, tmp_path, "--no-database")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.html")}
    result = _publish(database, tmp_path, "--no-database")
    assert result.output.startswith("0 files written")
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.html")} == before


def test_the_database_stands_beside_the_pages(database: Path, tmp_path: Path) -> None:
    _publish(database, tmp_path)
    assert is_corpus(tmp_path / "policies.db")
    with closing(sqlite3.connect(tmp_path / "policies.db")) as copy:
        assert copy.execute("select count(*) from versions").fetchone() == (5,)


def test_a_link_does_not_lead_the_copy_out_of_its_folder(database: Path, tmp_path: Path) -> None:
    target, outside = tmp_path / "site", tmp_path / "outside"
    target.mkdir()
    outside.mkdir()
    (target / SITE).symlink_to(outside)
    result = _publish(database, target, "--no-database")
    assert isinstance(result.exception, ExportError)
    assert list(outside.iterdir()) == []


def test_an_address_that_is_none_is_refused(database: Path, tmp_path: Path) -> None:
    result = _publish(database, tmp_path, "--root", "policies")
    assert isinstance(result.exception, UsageError)
    assert not list(tmp_path.iterdir())
