"""Whatever headers and bytes an archive sends become a playback or an outcome; nothing else is raised."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bench import fuzz_targets
from policy_archive.crawler.archive.content_coding import CodingError, unwrap_body
from policy_archive.crawler.archive.replay import Answer, Question, classify_answer, is_archive_fault
from policy_archive.crawler.core.records import Outcome
from policy_archive.pipelines.versions.change import compare_texts
from tests.support.synthetic import make_row

ROW = make_row("20180101", original="http://x.example/", digest="-")
NAMES = st.sampled_from(
    [
        "memento-datetime",
        "link",
        "location",
        "content-type",
        "content-encoding",
        "x-archive-orig-content-length",
        "x-archive-orig-content-encoding",
        "x-archive-wayback-runtime-error",
    ]
)
VALUES = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        [
            "Mon, 01 Jan 2018 00:00:00 GMT",
            "Fri, 31 Dec 9999 23:59:59 -0100",
            "Mon, 01 Jan 2018 00:00:00 +99999999",
            "\u00b2",
            "9" * 5000,
            "gzip, br",
            "deflate",
            "zstd",
            '<http://x.example/>; rel="original"',
            "/web/20180101000001id_/http://x.example/",
            "http://[::1",
            "//",
        ]
    ),
)
BODIES = st.one_of(
    st.binary(max_size=200),
    st.binary(max_size=200).map(gzip.compress),
    st.binary(max_size=200).map(zlib.compress),
    st.binary(max_size=200).map(lambda body: gzip.compress(body)[:-5]),
)


@given(st.integers(100, 599), st.dictionaries(NAMES, VALUES), BODIES)
@example(200, {"memento-datetime": "Fri, 31 Dec 9999 23:59:59 -0100"}, b"x")
@example(200, {"memento-datetime": "x", "x-archive-orig-content-length": "\u00b2"}, b"x")
def test_any_headers_and_body_are_a_playback(status: int, headers: dict[str, str], body: bytes) -> None:
    answer = Answer(url="http://127.0.0.1/web/x", status=status, headers=headers, body=body)
    found = classify_answer(answer, Question(row=ROW, archive_url="http://127.0.0.1"))
    assert found.outcome is not None or found.follow or found.body
    assert is_archive_fault(answer) in (True, False)


@given(BODIES, st.lists(st.sampled_from(["gzip", "br", "zstd", "deflate", "none", "x"]), max_size=4))
def test_any_bytes_are_unwrapped_or_have_an_outcome(body: bytes, codings: list[str]) -> None:
    try:
        assert unwrap_body(body, codings).layers[0] == body
    except CodingError as error:
        assert error.outcome in (Outcome.TRUNCATED, Outcome.BAD_ENCODING, Outcome.TOO_LARGE)


@given(*[st.text(alphabet="ab1 \n[]()<>#*_/:.\"'年2018", max_size=120)] * 2)
def test_any_texts_are_compared(old: str, new: str) -> None:
    change = compare_texts(old, new)
    assert 0 <= change.share <= 1
    assert compare_texts(old, old).words_added == 0


@pytest.fixture(scope="module", autouse=True)
def _cleaned() -> Iterator[None]:
    yield
    fuzz_targets.clean_up()


@pytest.mark.parametrize("name", fuzz_targets.TARGETS)
def test_every_target_of_the_fuzz_job_takes_its_inputs(name: str) -> None:
    """A few inputs each: `python bench/fuzz.py --minutes 10` makes very many."""
    target = fuzz_targets.TARGETS[name]
    quick = settings(max_examples=8, deadline=None, database=None, derandomize=True)
    settings(quick, suppress_health_check=list(HealthCheck))(target)()
