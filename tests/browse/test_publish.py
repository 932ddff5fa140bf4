from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree, html

from policy_archive.browse import static_search
from policy_archive.browse.commands.publish import publish_command
from policy_archive.browse.days import list_days
from policy_archive.browse.publish import Published, Publisher
from policy_archive.browse.static_search import Part, choose_parts, has_pagefind, iter_records
from policy_archive.cli import policy_archive
from policy_archive.crawler.core.errors import UsageError
from policy_archive.crawler.core.records import Document, Kind
from policy_archive.crawler.core.safe_files import ExportError
from policy_archive.pipelines.store import queries
from policy_archive.pipelines.store.at import read_at
from policy_archive.pipelines.store.connection import is_corpus, open_reader
from policy_archive.pipelines.store.writer import Store
from tests.browse.conftest import MIDDLE, NEW, OLD, SITE
from tests.support.synthetic import open_new, store_texts

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
    assert "\n0 files written, " in result.output
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


def test_a_second_run_makes_the_pages_of_changed_sites_alone(database: Path, tmp_path: Path) -> None:
    corpus, target = tmp_path / "policies.db", tmp_path / "site"
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(corpus)) as copy:
        source.backup(copy)
    other = Document(site="other.example", kind=Kind.PRIVACY)
    with Store.open(corpus) as store:
        store_texts(store, [("20150101", "We keep geese.\n")], document=other)
    _publish(corpus, target, "--no-database")
    same, changed = target / SITE / "index.html", target / "other.example" / "index.html"
    for page in (same, changed):
        page.write_text("touched", "utf-8")
    (target / SITE / "privacy" / f"{OLD}.md").unlink()
    with Store.open(corpus) as store:
        store_texts(store, [("20160101", "We keep geese and hens.\n")], document=other)
    result = _publish(corpus, target, "--no-database")
    assert same.read_text("utf-8") == "touched"  # it was not even looked at
    assert "2 versions" in changed.read_text("utf-8")
    assert (target / SITE / "privacy" / f"{OLD}.md").is_file()  # what is missing is made again
    assert "other.example" in (target / "-" / "changes" / "index.html").read_text("utf-8")
    assert _broken_links(target) == []
    assert "0 files written" not in result.output


def test_every_page_of_the_copy_says_what_it_may_load(any_database: Path, tmp_path: Path) -> None:
    _publish(any_database, tmp_path, "--no-database")
    found = {}
    for path in tmp_path.rglob("*.html"):
        (policy,) = html.fromstring(path.read_bytes()).xpath(
            "//meta[@http-equiv='Content-Security-Policy']/@content"
        )
        assert "default-src 'none'" in policy and "unsafe-inline" not in policy
        found[path.relative_to(tmp_path).as_posix()] = "wasm-unsafe-eval" in policy
    assert len(found) > 10
    assert {path for path, may in found.items() if may} == (
        {"-/search/index.html"} if has_pagefind() else set()
    )


def test_sizes_are_told_and_a_search_that_is_left_out(database: Path, tmp_path: Path) -> None:
    told = _publish(database, tmp_path / "a", "--root", _ROOT).output
    for kind in ("pages", "differences", "files", "feeds", "database"):
        assert f"\n{kind} " in f"\n{told}"
    assert (tmp_path / "a" / "-" / "pagefind" / "LICENSE.txt").is_file() == has_pagefind()
    _publish(database, tmp_path / "b", "--no-search", "--no-database")
    assert not (tmp_path / "b" / "-" / "pagefind").exists()
    assert "search" not in (tmp_path / "b" / "index.html").read_text("utf-8")
    assert _broken_links(tmp_path / "a") == _broken_links(tmp_path / "b") == []


def test_earlier_texts_are_found_by_what_later_ones_no_longer_say(connection: sqlite3.Connection) -> None:
    found = [
        record
        for record in iter_records(connection, SITE)
        if record.title.startswith(f"{SITE} – Privacy policy,")
    ]
    newest, middle = found[0], found[1]
    assert newest.address == f"{SITE}/privacy/{NEW}/index.html" and "your address" in newest.content
    assert middle.address == f"{SITE}/privacy/{MIDDLE}/index.html"
    assert "We do not sell your personal information." in middle.content
    assert "Then we burn it on the pier." not in middle.content  # said by the newest too
    assert "last seen 2012-06-01" in middle.when


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.tuples(st.datetimes(datetime(2015, 1, 1), datetime(2015, 2, 20)), st.booleans()),
        min_size=1,
        max_size=6,
        unique_by=lambda one: one[0].replace(microsecond=0),
    )
)
def test_the_table_of_days_says_what_a_day_is_answered(captures: list[tuple[datetime, bool]]) -> None:
    document = Document(site="days.example", kind=Kind.PRIVACY)
    texts = [(f"{at:%Y%m%d%H%M%S}", "One." if says else "Two.") for at, says in sorted(captures)]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "policies.db"
        with open_new(path) as store:
            store_texts(store, texts, document=document)
        with closing(open_reader(path)) as opened:
            spans = list_days(queries.list_versions(opened, document))
            for day in (date(2014, 12, 30) + timedelta(days=number) for number in range(60)):
                told = read_at(opened, document, day)
                found = [span for span in spans if span.first <= day <= span.last]
                if told["certainty"] == "in-force":
                    assert [span.version and span.version["version"] for span in found] == [told["version"]]
                elif told["certainty"] == "changed-around":
                    (span,) = found
                    assert span.version is None and span.before and span.after
                    assert span.before["version"] == told["before_version"]
                    assert span.after["version"] == told["after_version"]
                else:
                    assert found == []


def test_what_is_no_longer_in_the_corpus_is_removed(tmp_path: Path) -> None:
    corpus, target = tmp_path / "policies.db", tmp_path / "site"
    with Store.open(corpus) as store:
        for site in ("kept.example", "gone.example"):
            texts = [("20150101", "We keep geese.\n"), ("20160101", "We keep hens.\n")]
            store_texts(store, texts, document=Document(site=site, kind=Kind.PRIVACY))
    _publish(corpus, target, "--no-database", "--no-search")
    (target / "CNAME").write_text("policies.example", "utf-8")
    with closing(sqlite3.connect(corpus)) as writer:
        gone = "(select id from documents where site = 'gone.example')"
        for table in ("news", "versions"):
            writer.execute(f"delete from {table} where document_id in {gone}")
        writer.execute("update sites set site = 'renamed.example' where site = 'gone.example'")
        writer.execute("update documents set site = 'renamed.example' where site = 'gone.example'")
        writer.execute("delete from versions where version = 2")
        writer.commit()
    result = _publish(corpus, target, "--no-database", "--no-search")
    assert result.exit_code == 0 and " removed; open " in result.output
    files = {path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file()}
    assert not [path for path in files if "gone.example" in path or "20160101" in path]
    assert "kept.example/privacy/20150101000000/index.html" in files and "CNAME" in files
    assert _broken_links(target) == []


def test_a_copy_of_a_dense_file_is_the_same_and_says_what_reads_its_database(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLICY_ARCHIVE_STATE", str(tmp_path / "state"))
    dense = Path(shutil.copy(database, tmp_path / "dense.db"))
    assert CliRunner().invoke(policy_archive, ["compact", "--dense", "--db", str(dense)]).exit_code == 0
    found = []
    for name, corpus in (("plain", database), ("dense", dense)):
        target = tmp_path / name
        assert _publish(corpus, target, "--root", _ROOT).exit_code == 0
        found.append(
            {
                path.relative_to(target).as_posix(): path.read_bytes()
                for path in target.rglob("*")
                if path.is_file() and path.suffix in (".html", ".md", ".json", ".atom", ".bib", ".ris")
            }
        )
    plain, packed = (one.pop("index.html").decode() for one in found)
    for one in found:  # they say that the home page is another
        one.pop("-/made-of.json")
    assert found[0] == found[1]
    assert "any tool that reads it" in plain and "any tool that reads it" not in packed
    assert "its texts are packed" in packed and "read_me_first" in packed


def _other(number: int) -> Document:
    return Document(site=f"site{number}.example", kind=Kind.PRIVACY)


def _publish_one_change(folder: Path, sites: int) -> tuple[Published, list[str], int, set[str]]:
    """Return what a copy is told after one of so many sites changed: the figures, the pages made, the sites
    indexed, the files that are others than before."""
    corpus, target = folder / f"{sites}.db", folder / f"{sites}"
    with Store.open(corpus) as store:
        store.connection.execute("pragma synchronous = off")
        for number in range(sites):
            store_texts(store, [("20150101", f"We keep {number} geese.\n")], document=_other(number))
    options = ("--no-database", "--root", _ROOT)
    assert _publish(corpus, target, *options).exit_code == 0
    before = {path: path.stat().st_ino for path in target.rglob("*") if path.is_file()}
    with Store.open(corpus) as store:
        store_texts(store, [("20170101", "We keep no animals.\n")], document=_other(0))
    made: list[str] = []
    with closing(open_reader(corpus)) as connection:
        publisher = Publisher(connection=connection, target=target, root=_ROOT, with_search=has_pagefind())
        done = publisher.publish(tell=lambda path, files: made.append(path) if files == 1 else None)
    after = {path: path.stat().st_ino for path in target.rglob("*") if path.is_file()}
    written = {path.relative_to(target).as_posix() for path in after if before.get(path) != after[path]}
    parts = list(static_search.read_parts(target))
    newest = min((len(part.sites) for part in parts), default=0)
    return done, made, newest, written


def test_one_changed_site_costs_the_same_beside_few_sites_and_beside_many(tmp_path: Path) -> None:
    few, many = (_publish_one_change(tmp_path, sites) for sites in (4, 32))
    assert few[0].written == many[0].written > 0
    assert sorted(few[1]) == sorted(many[1])
    assert few[2] == many[2] == (1 if has_pagefind() else 0)
    pages = [{name for name in written if "pagefind" not in name} for *_, written in (few, many)]
    assert pages[0] == pages[1]
    assert not [name for name in pages[0] if "site1.example" in name]
    assert sum(few[0].files_of.values()) < sum(many[0].files_of.values())  # all are counted, not made


def test_a_copy_that_was_ended_in_the_middle_is_finished_by_the_next(database: Path, tmp_path: Path) -> None:
    corpus, target = Path(shutil.copy(database, tmp_path / "policies.db")), tmp_path / "site"
    _publish(corpus, target, "--no-database")
    with Store.open(corpus) as store:
        store_texts(store, [("20170101", "We keep no animals.\n")], document=_other(0))
        store_texts(store, [("20300101", "We sell everything.\n")])

    class EndedError(Exception):
        pass

    def tell(path: str, files: int) -> None:
        if path.startswith("site0.example"):
            raise EndedError

    with closing(open_reader(corpus)) as connection:
        publisher = Publisher(connection=connection, target=target, with_search=has_pagefind())
        with pytest.raises(EndedError):
            publisher.publish(tell=tell)
    assert _publish(corpus, target, "--no-database").exit_code == 0
    assert _broken_links(target) == []
    fresh = tmp_path / "fresh"
    _publish(corpus, fresh, "--no-database")
    one, other = (
        {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file() and "pagefind" not in path.parts
        }
        for folder in (target, fresh)
    )
    assert one == other


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.lists(st.sets(st.integers(0, 39), min_size=1, max_size=5), max_size=60))
def test_each_site_is_searched_in_one_part_and_no_site_is_indexed_often(
    many: int, changes: list[set[int]]
) -> None:
    sites = {f"site{number}.example": "0" for number in range(many)}
    parts: list[Part] = []
    indexed = changed = 0
    for run, numbers in enumerate([set(), *changes]):
        for number in numbers:
            sites[f"site{number}.example"] = f"{run}"
        changed += len(numbers)
        kept, wanted = choose_parts(parts, sites)
        parts = kept + ([Part(name=f"p{run}", sites={s: sites[s] for s in wanted})] if wanted else [])
        assert sorted(site for part in parts for site in part.live(sites)) == sorted(sites)
        assert len(parts) <= 13
        indexed += len(wanted)
        assert choose_parts(parts, sites) == (parts, set()) or len(parts) > 1
    assert indexed <= many + 8 * changed  # doublings of forty sites, and what went stale


@pytest.mark.skipif(not has_pagefind(), reason="needs Pagefind: pip install -e '.[publish]'")
def test_a_part_of_the_index_that_is_not_whole_is_made_again(database: Path, tmp_path: Path) -> None:
    _publish(database, tmp_path, "--no-database")
    (part,) = static_search.read_parts(tmp_path)
    folder = tmp_path / static_search.FOLDER / part.name
    next(folder.rglob("*.pf_index")).unlink()
    for name in ("a", "b"):  # named otherwise, when it was made before
        (folder / "fragment" / f"{name}.pf_fragment").write_bytes(b"")
    (folder.parent / "p-left").mkdir()  # by a run that was ended
    _publish(database, tmp_path, "--no-database")
    (again,) = static_search.read_parts(tmp_path)
    assert again == part and list(folder.rglob("*.pf_index"))
    assert not (folder.parent / "p-left").exists()
