"""--substantive and --min-words: what a history, a list of changes and a message leave out."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from policy_archive.cli import policy_archive
from policy_archive.crawler.core.records import Channel
from policy_archive.pipelines.store.monitoring.outbox import list_messages, list_versions
from policy_archive.pipelines.store.writer import Store
from tests.support.synthetic import PRIVACY, make_capture, make_reading, make_row

_BASE = "".join(f"Paragraph {word} is about the harbour and its old lamps.\n\n" for word in "abcdefghij")
TEXTS = [
    ("20180101000000", _BASE + "We sell lamps to visitors.\n"),
    ("20180601000000", _BASE + "We sell old lamps to visitors.\n"),
    ("20190101000000", _BASE + "We do not sell old lamps to visitors.\n"),
    ("20190601000000", _BASE + "We do not sell old lamps to visitors. [See](https://calm.example/a).\n"),
    ("20200101000000", _BASE + "We do not sell old lamps to visitors. [See](https://calm.example/b).\n"),
]
LOUD = Channel(kind="command", target="loud", since=date(2000, 1, 1))
CALM = replace(LOUD, target="calm", substantive=True)
WORDY = replace(LOUD, target="wordy", min_words=2)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "policies.db"
    with Store.open(path) as store:
        store.add_document(PRIVACY)
        store.channels = (LOUD, CALM, WORDY)
        for stamp, text in TEXTS:
            row = make_row(stamp)
            store.add_rows(PRIVACY, [row])
            store.record_capture(make_capture(row), make_reading(text))
        store.fold_versions(PRIVACY)
    return path


def run(database: Path, *arguments: str) -> Result:
    result = CliRunner().invoke(policy_archive, [*arguments, "--db", str(database)], standalone_mode=False)
    assert result.exception is None, result.exception
    return result


def versions(result: Result) -> list[int]:
    return sorted(json.loads(line)["version"] for line in result.stdout.splitlines())


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ([], [1, 2, 3, 4, 5]),
        (["--substantive"], [1, 3]),
        (["--min-words", "2"], [1, 3]),
        (["--min-words", "100"], [1]),
    ],
    ids=str,
)
@pytest.mark.parametrize("command", [["history", PRIVACY.site], ["changes"]], ids=lambda words: words[0])
def test_what_matters_less_is_left_out_and_counted(
    database: Path, command: list[str], options: list[str], told: list[int]
) -> None:
    result = run(database, *command, *options, "--nl")
    assert versions(result) == told
    assert (f"{5 - len(told)} " in result.stderr) == (len(told) < 5)


def test_a_channel_is_told_what_it_asked_for(database: Path) -> None:
    with Store.open(database) as store:
        waiting = {
            channel.target: [
                row["version"]
                for message in list_messages(store.connection, channel)
                for row in list_versions(store.connection, message)
            ]
            for channel in (LOUD, CALM, WORDY)
        }
    assert waiting == {"loud": [1, 2, 3, 4, 5], "calm": [1, 3], "wordy": [1, 3]}


def test_a_feed_holds_what_matters(database: Path, tmp_path: Path) -> None:
    run(database, "changes", "--substantive", "--atom", str(tmp_path / "feed.atom"))
    assert (tmp_path / "feed.atom").read_text("utf-8").count("<entry>") == 2
