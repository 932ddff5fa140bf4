"""What is done of one document grows with its captures, not with their square: counted in one run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from policy_archive.crawler.core.digests import body_digest
from policy_archive.crawler.core.records import OUTSIDE_ROOT, Document, Kind, Outcome, Reading
from policy_archive.pipelines.outputs.history import iter_lines, read_history
from policy_archive.pipelines.store.bodies import BodyReader
from policy_archive.pipelines.store.codec import compress_body
from policy_archive.pipelines.store.connection import open_reader
from policy_archive.pipelines.store.maintenance.compact import compact_document
from policy_archive.pipelines.store.maintenance.verify import iter_steps, list_checks
from policy_archive.pipelines.store.versions import build_site
from policy_archive.pipelines.store.writer import Store

from ...support.growth import count_statements, count_steps, exponent
from ...support.linear import growth
from ...support.synthetic import PRIVACY, make_capture, make_extraction, make_reading, make_row

SMALL, LARGE = 200, 1_600
LINEAR = 1.15
TEXTS: dict[str, Callable[[int], str]] = {
    "a new text each 8 captures": lambda number: f"We collect {number // 8} things.\n",
    "two texts take turns": lambda number: f"We collect {number % 2} things.\n",
}


def timestamp(number: int) -> str:
    return f"{date(2001, 1, 1) + timedelta(days=number):%Y%m%d}120000"


def add_capture(store: Store, number: int, text: str) -> None:
    row = make_row(timestamp(number))
    store.add_rows(PRIVACY, [row])
    store.record_capture(make_capture(row), make_reading(text))


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, int], Path]:
    """Return a maker of databases of one document: by the course of its texts, and the number of captures."""
    made: dict[tuple[str, int], Path] = {}

    def make(course: str, captures: int) -> Path:
        if (course, captures) not in made:
            path = tmp_path_factory.mktemp("growth") / "policies.db"
            with Store.open(path) as store:
                store.connection.execute("pragma synchronous = off")
                store.add_document(PRIVACY)
                for number in range(captures):
                    add_capture(store, number, TEXTS[course](number))
                store.fold_versions(PRIVACY)
            made[course, captures] = path
        return made[course, captures]

    return make


@contextmanager
def both(stores: Callable[[str, int], Path], course: str) -> Iterator[tuple[Store, Store]]:
    with Store.open(stores(course, SMALL)) as small, Store.open(stores(course, LARGE)) as large:
        yield small, large


@pytest.mark.parametrize("course", TEXTS)
def test_a_fold_that_finds_nothing_new_is_linear_and_writes_nothing(stores, course: str) -> None:
    with both(stores, course) as pair:
        before = [store.connection.total_changes for store in pair]
        steps = [count_steps(s.connection, lambda s=s: s.fold_versions(PRIVACY)) for s in pair]
        assert exponent(*steps) <= LINEAR
        assert [store.connection.total_changes for store in pair] == before


@pytest.mark.parametrize("course", TEXTS)
def test_a_fold_asks_as_many_questions_of_a_long_history_as_of_a_short_one(stores, course: str) -> None:
    with both(stores, course) as pair:
        asked = [count_statements(s.connection, lambda s=s: s.fold_versions(PRIVACY)) for s in pair]
    assert asked[0] == asked[1]


def test_one_new_version_writes_as_many_rows_into_a_long_history_as_into_a_short_one(
    stores, tmp_path
) -> None:
    written = []
    for captures in (SMALL, LARGE):
        copy = tmp_path / f"{captures}.db"
        copy.write_bytes(stores("a new text each 8 captures", captures).read_bytes())
        with Store.open(copy) as store:
            add_capture(store, captures + 10, "We collect nothing any more.\n")
            before = store.connection.total_changes
            store.fold_versions(PRIVACY)
            written.append(store.connection.total_changes - before)
    assert written[0] == written[1] < 10


@pytest.mark.parametrize("course", TEXTS)
def test_a_history_is_read_and_shown_in_linear_time(stores, course: str) -> None:
    steps = []
    for captures in (SMALL, LARGE):
        connection = open_reader(stores(course, captures))
        steps.append(count_steps(connection, lambda c=connection: read_history(c, PRIVACY)))
        connection.close()
    assert exponent(*steps) <= LINEAR


def test_the_lines_of_a_history_that_flaps_in_many_stretches_are_linear() -> None:
    def show(stretches: int) -> None:
        assert len(list(iter_lines(histories[stretches]))) == stretches

    plain = dict.fromkeys(
        (
            "returns_to",
            "stated_updated",
            "stated_effective",
            "stated_flag",
            "title",
            "words",
            "gist",
            "foreign",
        )
    ) | {"changed_after": None, "first_captured": "2001-01-01", "last_captured": "2001-01-02", "moves": []}

    def stretch(first: int) -> dict[str, int]:
        return {"first": first + 1, "last": first + 4, "texts": 2}

    histories = {
        n: [
            plain
            | {"version": i + 1, "flapping": {"first": i // 4 * 4 + 1, "last": i // 4 * 4 + 4, "texts": 2}}
            for i in range(4 * n)
        ]
        for n in (500, 1_000, 2_000, 4_000)
    }
    assert growth(show, start=500, largest=2_000) < 3


@pytest.mark.parametrize("course", TEXTS)
def test_verify_is_linear(stores, course: str) -> None:
    steps = []
    for captures in (SMALL, LARGE):
        connection = open_reader(stores(course, captures))
        steps.append(count_steps(connection, lambda c=connection: list(iter_steps(c, list_checks()))))
        connection.close()
    assert exponent(*steps) <= LINEAR


# Sites


def store_site(path: Path, documents: int) -> Store:
    """Return a store of one site: a home page, and documents of five versions each that share its menu."""
    store = Store.open(path)
    home = Document(site=PRIVACY.site, kind=Kind.HOME)
    store.add_document(home)
    row = make_row(timestamp(0))
    menu = tuple(f"Thing {word}" for word in ("one", "two", "three", "four", "five"))
    store.record_capture(make_capture(row, document=home), Reading(outcome=Outcome.HOME, lines=menu))
    for name in (f"part {number}" for number in range(documents)):
        document = replace(PRIVACY, name=name)
        store.add_document(document)
        for number in range(5):
            row, text = make_row(timestamp(number)), f"{SENTENCE} We are {name}.\n\n{menu[number]}\n"
            extraction = replace(make_extraction(text), line_places=(0, 0, OUTSIDE_ROOT))
            reading = replace(make_reading(text), extraction=extraction)
            store.record_capture(make_capture(row, document=document), reading)
    return store


SENTENCE = "We collect your name and your address when you order, and keep both while the law asks us to."


def test_a_site_is_judged_in_time_linear_in_its_documents(tmp_path: Path) -> None:
    steps = []
    for number in (20, 160):
        with store_site(tmp_path / f"{number}.db", number) as store:
            documents = [one for one in store.documents_of(PRIVACY.site) if one.kind is not Kind.HOME]

            def judge(store: Store = store, documents: list[Document] = documents) -> None:
                build_site(store.connection, PRIVACY.site, documents)

            steps.append(count_steps(store.connection, judge))
            found = build_site(store.connection, PRIVACY.site, documents).folded
            assert {row[-1] for rows in found.values() for row in rows} == {None, "page"}
    assert exponent(*steps) <= LINEAR


# Small bodies


def bodies_of(path: Path, number: int) -> Store:
    """Return a store of one document with so many bodies of a hundred bytes, not compacted."""
    store = Store.open(path)
    store.add_document(PRIVACY)
    bodies = [
        f"<p>We collect {i} things, and {i * 7919 % 1009} more, of you.".encode() for i in range(number)
    ]
    rows = [make_row(timestamp(i), original="https://intently.example/privacy") for i in range(number)]
    store.add_rows(PRIVACY, rows)
    with store.connection:
        store.connection.executemany(
            "insert into bodies (digest, bytes, codec, content) values (?, ?, ?, ?)",
            [(body_digest(body), len(body), *compress_body(body)) for body in bodies],
        )
        store.connection.executemany(
            "update captures set body_digest = ? where id = ?",
            [(body_digest(body), row.id_in(PRIVACY.id)) for body, row in zip(bodies, rows, strict=True)],
        )
    return store


def test_many_small_bodies_are_read_and_compacted_in_linear_time(tmp_path: Path) -> None:
    made = iter(range(1_000))

    def compact(number: int) -> float:
        with bodies_of(tmp_path / f"{next(made)}.db", number) as store:
            return count_steps(store.connection, lambda: compact_document(store.connection, PRIVACY.id))

    assert exponent(compact(SMALL), compact(LARGE)) <= LINEAR


def test_what_a_reader_of_bodies_keeps_is_not_added_up_for_each(tmp_path: Path) -> None:
    with bodies_of(tmp_path / "policies.db", 8_000) as store:
        rows = [row[0] for row in store.connection.execute("select digest from bodies")]

        def read(number: int) -> None:
            reader = BodyReader(store.connection)
            for digest in rows[:number]:
                reader.load(digest)

        assert growth(read, start=1_000, largest=4_000) < 3


def test_a_reader_keeps_no_more_bytes_than_it_may_and_the_last_bodies(tmp_path: Path) -> None:
    with bodies_of(tmp_path / "policies.db", 50) as store:
        digests = [row[0] for row in store.connection.execute("select digest from bodies order by digest")]
        reader = BodyReader(store.connection, kept_bytes=500)
        for digest in [*digests, *digests[-3:]]:
            assert body_digest(reader.load(digest)) == digest
        assert 300 <= sum(map(len, reader._kept.values())) <= 500
        asked = count_statements(store.connection, lambda: reader.load(digests[-1]))
        assert asked == 0


def test_a_line_that_a_text_holds_a_thousand_times_costs_no_more_than_others(tmp_path: Path) -> None:
    from policy_archive.pipelines.store.maintenance.compact import _Lines

    def find(number: int) -> None:
        lines = _Lines()
        for line_id in range(number):
            lines.add(line_id, "the same\n")
        for line_id in range(number):
            lines.find("the same\n", after=line_id)

    assert growth(find, start=1_000, largest=16_000) < 3
