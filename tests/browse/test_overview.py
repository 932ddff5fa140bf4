"""Sites and quarters in one table."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import html

from policy_archive.browse.overview import Order, read_matrix
from policy_archive.crawler.core.records import Document, Kind
from policy_archive.pipelines.store.connection import open_reader
from policy_archive.pipelines.store.writer import Store
from tests.browse.conftest import SITE
from tests.support.asking import HOME, ask, ask_one
from tests.support.synthetic import open_new, store_texts

_PAGE = f"{HOME}/-/overview"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("overview") / "policies.db"
    with Store.open(path) as store:
        histories = {
            # seen twice early in 2019; then not until the end of 2020, when it had changed
            "gap.example": [
                ("20190105", "One."),
                ("20190505", "One."),
                ("20201105", "One. Two. Three. Four."),
            ],
            "busy.example": [(f"2020{month:02}15", f"Text {month}.") for month in range(1, 13)],
        }
        for site, texts in histories.items():
            store_texts(store, texts, document=Document(site=site, kind=Kind.PRIVACY))
        for rank, site in enumerate(histories, start=1):
            store.connection.execute("update sites set rank = ? where site = ?", (rank, site))
    return path


def test_each_quarter_says_what_is_known_of_it(corpus: Path) -> None:
    with closing(open_reader(corpus)) as connection:
        matrix = read_matrix(connection, kind="privacy", order=Order.CHANGES)
        by_rank = read_matrix(connection, kind="privacy", order=Order.RANK, last_year=2019)
    assert matrix.quarters[0] == (2019, 1) and matrix.quarters[-1] == (2020, 4)
    (busy, busy_cells), (gap, gap_cells) = matrix.sites
    assert (busy, gap) == ("busy.example", "gap.example")
    assert [cell.state for cell in gap_cells] == [
        "same",
        "same",
        "maybe",
        "maybe",
        "maybe",
        "maybe",
        "maybe",
        "same",
    ]
    assert [cell.changes for cell in gap_cells] == [0] * 7 + [1]
    assert [cell.changes for cell in busy_cells] == [0, 0, 0, 0, 2, 3, 3, 3]
    assert (gap_cells[-1].old, gap_cells[-1].new) == ("20190105000000", "20201105000000")
    assert matrix.changed == [0, 0, 0, 0, 1, 1, 1, 2]
    assert matrix.seen == [1, 1, 0, 0, 1, 1, 1, 2]
    assert [site for site, _ in by_rank.sites] == ["gap.example", "busy.example"]
    assert by_rank.quarters[-1] == (2019, 4)


def test_a_cell_leads_to_its_largest_change(corpus: Path) -> None:
    page = html.fromstring(ask_one(corpus, _PAGE).content)
    links = [str(link) for link in page.xpath("//td/a/@href")]
    assert len(links) == 5
    assert all(answer.status_code == 200 for answer in ask(corpus, *links))
    assert page.xpath("//td/a/@title")[-1].startswith(
        "1 change; the largest first seen 2020-11-05: +3 −0 words"
    )


@pytest.mark.parametrize(
    ("asked", "status", "told"),
    [
        ("?kind=terms", 200, "1 site, quarter by quarter"),
        ("?kind=cookies", 200, "No such policy is known."),
        ("?order=size", 400, "is no order"),
        ("?until=soon", 400, "is no year"),
        ("?until=1890", 200, SITE),
        ("?kind=privvy", 400, "is no kind"),
    ],
)
def test_what_is_asked_for_is_shown_or_refused(database: Path, asked: str, status: int, told: str) -> None:
    answer = ask_one(database, _PAGE + asked)
    assert answer.status_code == status
    assert told in " ".join(html.fromstring(answer.content).text_content().split())


def test_an_empty_corpus_has_an_overview_too(tmp_path: Path) -> None:
    Store.open(tmp_path / "policies.db").close()
    assert "No such policy is known." in ask_one(tmp_path / "policies.db", _PAGE).text


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(2010, 2024), st.integers(1, 12), st.integers(0, 3)), min_size=1, max_size=8
    ),
    st.sampled_from([None, 1990, 2012, 2030]),
)
def test_each_change_stands_in_one_quarter(
    captures: list[tuple[int, int, int]], last_year: int | None
) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "policies.db"
        texts = {f"{year}{month:02}10": f"Text {text}." for year, month, text in captures}
        with open_new(path) as store:
            store_texts(store, sorted(texts.items()), document=Document(site="a.example", kind=Kind.PRIVACY))
            versions = store.connection.execute(
                "select first_timestamp from versions where changed_after is not null"
            ).fetchall()
        with closing(open_reader(path)) as connection:
            matrix = read_matrix(connection, kind="privacy", order=Order.CHANGES, last_year=last_year)
    shown = {year for year, _ in matrix.quarters}
    ((_, cells),) = matrix.sites
    assert sum(cell.changes for cell in cells) == sum(int(row[0][:4]) in shown for row in versions)
    assert all(cell.state == "same" for cell in cells if cell.changes)
