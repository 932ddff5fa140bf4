"""News told to programs and web addresses: at least once each, whatever fails, whenever we die."""

from __future__ import annotations

import contextlib
import json
import shlex
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from policy_archive.crawler.core import failpoints
from policy_archive.crawler.core.records import Channel, Document, Kind
from policy_archive.crawler.core.timestamps import now_iso
from policy_archive.pipelines.notify.delivery import Patience, deliver_news
from policy_archive.pipelines.store.monitoring.outbox import read_backlog
from policy_archive.pipelines.store.writer import Store
from tests.support import programs
from tests.support.receivers import serve_chat
from tests.support.synthetic import PRIVACY, make_reading, make_row, store_texts

ROOT = Path(__file__).resolve().parents[3]
SITES = ["one.example", "two.example", "three.example", "four.example"]
SINCE = date(2000, 1, 1)
DELIVER = """
import sys
from datetime import date
from policy_archive.pipelines.notify.channels import Asked, build_channels
from policy_archive.pipelines.notify.delivery import deliver_news
from policy_archive.pipelines.store.writer import Store
with Store.open(sys.argv[1]) as store:
    deliver_news(store.connection, build_channels(Asked(urls=(sys.argv[2],), since=date(2000, 1, 1))))
"""


class Receiver:
    """A web server of the user's: keeps what it gets, and answers as it is told."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.answers: list[int] = []
        """Statuses of the next answers; 200 when there are none left."""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = receiver.answers.pop(0) if receiver.answers else 200
                receiver.headers.append({key.lower(): value for key, value in self.headers.items()})
                if status < 300:
                    receiver.got.append(json.loads(body))
                self.send_response(status)
                self.send_header("Location", receiver.url)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"

    @property
    def told(self) -> list[int]:
        """Return which of SITES it was told of, counted from 1."""
        return [SITES.index(message["site"]) + 1 for message in self.got]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    opened = Receiver()
    thread = threading.Thread(target=opened.server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield opened
    opened.server.shutdown()
    thread.join()
    opened.server.server_close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "policies.db") as opened:
        yield opened


def fill(store: Store, *channels: Channel, sites: Sequence[str] = SITES) -> None:
    """Let a version of each site become known."""
    store.channels = channels
    for site in sites:
        document = Document(site=site, kind=Kind.PRIVACY)
        store_texts(
            store, [("20180101", f"{site}.\n")], document=document, original=f"https://{site}/privacy"
        )


def find_nobody() -> str:
    """Return an address where nobody answers."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        return f"http://127.0.0.1:{closed.getsockname()[1]}/hook"


def url_channel(url: str, format: str = "json") -> Channel:
    return Channel(kind="url", target=url, format=format, since=SINCE)


def command_channel(code: str, *arguments: str) -> Channel:
    target = shlex.join([sys.executable, "-c", code, *arguments])
    return Channel(kind="command", target=target, since=SINCE)


def test_every_document_is_posted_once_and_in_order(store: Store, receiver: Receiver) -> None:
    channel = url_channel(receiver.url)
    fill(store, channel)
    (delivery,) = deliver_news(store.connection, [channel])
    assert (delivery.delivered, delivery.failed, delivery.waiting) == (4, 0, 0)
    assert receiver.told == [1, 2, 3, 4]
    assert receiver.got[0]["gist"] == "first version"
    assert len({message["id"] for message in receiver.got}) == 4
    first = receiver.headers[0]
    assert first["idempotency-key"] == receiver.got[0]["id"]
    assert first["content-type"].startswith("application/json")
    deliver_news(store.connection, [channel])
    assert len(receiver.got) == 4


def test_what_was_not_taken_is_told_in_a_later_run(store: Store, receiver: Receiver) -> None:
    channel = url_channel(receiver.url)
    fill(store, channel)
    receiver.answers = [200, 500, 200, 200]
    (delivery,) = deliver_news(store.connection, [channel])
    assert (delivery.delivered, delivery.failed, delivery.waiting) == (3, 1, 1)
    assert "answered 500" in delivery.error
    (backlog,) = read_backlog(store.connection)
    assert (backlog["waiting"], backlog["failed"], backlog["label"]) == (1, 1, "url 127.0.0.1")
    assert "answered 500" in backlog["error"]
    deliver_news(store.connection, [channel])
    assert receiver.told == [1, 3, 4, 2]
    assert read_backlog(store.connection) == []


def test_an_address_that_refuses_all_is_left_alone_till_the_next_run(
    store: Store, receiver: Receiver
) -> None:
    channel = url_channel(receiver.url)
    fill(store, channel)
    receiver.answers = [503] * 4
    (delivery,) = deliver_news(store.connection, [channel])
    assert len(receiver.headers) == Patience().failures_in_a_row
    assert delivery.waiting == 4


@pytest.mark.parametrize("status", [301, 302, 307, 404, 418])
def test_a_redirect_or_a_refusal_is_no_delivery(store: Store, receiver: Receiver, status: int) -> None:
    channel = url_channel(receiver.url)
    fill(store, channel)
    receiver.answers = [status] * 3
    (delivery,) = deliver_news(store.connection, [channel])
    assert delivery.delivered == 0
    assert receiver.got == []
    assert f"answered {status}" in delivery.error


def test_an_address_where_nobody_answers_is_a_failure_in_one_sentence(store: Store) -> None:
    channel = url_channel(find_nobody())
    fill(store, channel)
    (delivery,) = deliver_news(store.connection, [channel])
    assert "does not answer" in delivery.error
    assert delivery.waiting == 4


@pytest.mark.parametrize(
    "answer",
    [
        b"garbage\r\n\r\n",
        b"",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
    ],
    ids=["garbage", "nothing", "no status", "an endless header"],
)
def test_what_answers_no_http_is_a_failure_and_no_end_of_the_run(
    store: Store, receiver: Receiver, answer: bytes
) -> None:
    with _answering(answer) as url:
        broken, well = url_channel(url), url_channel(receiver.url)
        fill(store, broken, well)
        delivery, _ = deliver_news(store.connection, [broken, well])
    assert "does not answer" in delivery.error
    assert (delivery.waiting, receiver.told) == (4, [1, 2, 3, 4])


def test_a_body_that_breaks_off_after_a_2xx_is_a_delivery(store: Store) -> None:
    with _answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n") as url:
        channel = url_channel(url)
        fill(store, channel)
        (delivery,) = deliver_news(store.connection, [channel])
    assert (delivery.delivered, delivery.waiting) == (4, 0)


@contextmanager
def _answering(answer: bytes) -> Iterator[str]:
    """Give the address of a server that sends these bytes, whatever it is asked."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65_536)
            self.request.sendall(answer)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/hook"
        server.shutdown()


def test_a_channel_that_fails_keeps_no_other_from_being_told(store: Store, receiver: Receiver) -> None:
    broken, well = url_channel(find_nobody()), url_channel(receiver.url)
    fill(store, broken, well)
    deliver_news(store.connection, [broken, well])
    assert receiver.told == [1, 2, 3, 4]


def test_a_command_gets_the_json_on_its_stdin(store: Store, tmp_path: Path) -> None:
    told = tmp_path / "told file.jsonl"
    channel = command_channel("import sys; open(sys.argv[1], 'a').write(sys.stdin.read())", str(told))
    fill(store, channel)
    (delivery,) = deliver_news(store.connection, [channel])
    assert delivery.delivered == 4
    assert [json.loads(line)["site"] for line in told.read_text().splitlines()] == SITES


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import sys; sys.exit('no room')", "exit status 1: no room"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "exit status -9"),
    ],
)
def test_a_command_that_fails_is_quoted(store: Store, code: str, words: str) -> None:
    channel = command_channel(code)
    fill(store, channel)
    (delivery,) = deliver_news(store.connection, [channel])
    assert delivery.delivered == 0
    assert words in delivery.error


def test_a_command_that_does_not_read_its_input_has_been_told_all_the_same(store: Store) -> None:
    channel = Channel(kind="command", target="true", since=SINCE)
    fill(store, channel)
    (delivery,) = deliver_news(store.connection, [channel])
    assert delivery.delivered == 4


def test_a_command_that_is_not_there_is_named(store: Store) -> None:
    channel = Channel(kind="command", target="/nowhere/at-all", since=SINCE)
    fill(store, channel)
    (delivery,) = deliver_news(store.connection, [channel])
    assert "cannot be started: No such file" in delivery.error


def test_a_command_that_never_ends_is_ended_with_all_its_children(
    store: Store,
) -> None:
    channel = Channel(kind="command", target="sh -c 'sleep 600 | sleep 600'", since=SINCE)
    fill(store, channel, sites=SITES[:1])
    started = time.monotonic()
    (delivery,) = deliver_news(store.connection, [channel], patience=Patience(timeout_seconds=0.5))
    assert time.monotonic() - started < 300  # ended, not waited for
    assert "did not end" in delivery.error


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("before-delivery:exit:1", [1, 2, 3, 4]),
        ("before-delivery:exit:3", [1, 2, 3, 4]),
        ("after-delivery:exit:2", [1, 2, 2, 3, 4]),
    ],
)
def test_killed_in_between_everything_is_told_at_least_once(
    tmp_path: Path, receiver: Receiver, fault: str, told: list[int]
) -> None:
    database = tmp_path / "policies.db"
    with Store.open(database) as store:
        fill(store, url_channel(receiver.url))
    for setting, status in ((fault, failpoints.EXIT_STATUS), ("", 0)):
        died = programs.run(
            ["-c", DELIVER, database, receiver.url], environment={failpoints.VARIABLE: setting}
        )
        assert died.returncode == status
    assert receiver.told == told
    assert len({message["id"] for message in receiver.got}) == 4


def test_a_receiver_that_drips_is_given_up_when_the_time_is_over(
    store: Store,
) -> None:
    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with connection, contextlib.suppress(OSError):
                while not done.wait(0.2):  # each byte would begin a time-out of the socket anew
                    connection.sendall(b"H")

        dripper = threading.Thread(target=drip)
        dripper.start()
        channel = url_channel(f"http://127.0.0.1:{server.getsockname()[1]}/")
        fill(store, channel)
        (delivery,) = deliver_news(store.connection, [channel], patience=Patience(timeout_seconds=1.0))
        done.set()
        dripper.join()
    assert delivery.delivered == 0
    assert "no whole answer within 1 s" in delivery.error


def test_a_command_that_leaves_a_child_behind_has_ended(store: Store) -> None:
    code = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(20)'])"
    channel = command_channel(code)
    fill(store, channel)
    (delivery,) = deliver_news(store.connection, [channel])
    assert (delivery.failed, delivery.waiting) == (0, 0)


# Receivers that ask to wait


def test_a_short_wait_that_a_receiver_asks_for_is_kept_and_the_message_told(store: Store) -> None:
    waits: list[float] = []
    with serve_chat("discord") as chat:
        channel = url_channel(chat.url, "discord")
        fill(store, channel, sites=SITES[:1])
        asked = [({"Retry-After": "7"}, b""), ({}, b'{"retry_after": 0.4}'), ({"Retry-After": "3"}, b"")]
        chat.answers = [(429, headers, body) for headers, body in asked]
        (delivery,) = deliver_news(store.connection, [channel], patience=Patience(sleep=waits.append))
    assert (waits, delivery.delivered, delivery.error) == ([7.0, 0.4, 3.0], 1, "")
    assert len(set(chat.keys)) == 1


def test_a_long_wait_is_kept_by_later_runs(store: Store) -> None:
    waits: list[float] = []
    with serve_chat("slack") as chat:
        channel = url_channel(chat.url, "slack")
        fill(store, channel)
        chat.answers = [(429, {"Retry-After": "3600"}, b"")]
        for _ in range(2):  # the second is within the hour, and asks nothing
            (delivery,) = deliver_news(store.connection, [channel], patience=Patience(sleep=waits.append))
            assert (len(chat.keys), delivery.waiting) == (1, 4)
        assert "asked to be left alone until" in delivery.error
        (backlog,) = read_backlog(store.connection)
        assert backlog["wait_until"] > now_iso()
        store.connection.execute("update outbox set wait_until = '2020-01-01T00:00:00Z'")
        store.connection.commit()
        (delivery,) = deliver_news(store.connection, [channel], patience=Patience(sleep=waits.append))
    assert (delivery.waiting, len(chat.taken)) == (0, 4)
    assert waits == [1.0] * 3  # Slack's pace, between four messages


def test_a_receiver_that_asks_to_wait_for_ever_is_left(store: Store) -> None:
    with serve_chat("json") as chat:
        channel = url_channel(chat.url)
        fill(store, channel)
        chat.answers = [(429, {"Retry-After": "1"}, b"")] * 99
        waits: list[float] = []
        (delivery,) = deliver_news(store.connection, [channel], patience=Patience(sleep=waits.append))
    assert (len(chat.keys), waits, delivery.waiting) == (5, [1.0] * 4, 4)


# What stands for nothing any more


def test_what_another_extractor_read_otherwise_is_told_by_its_capture(
    store: Store, receiver: Receiver
) -> None:
    channel = url_channel(receiver.url)
    store.channels = (channel,)
    store_texts(store, [("20180101", "One.\n"), ("20190101", "Two.\n")])
    for timestamp, text in (("20180101", "ONE.\n"), ("20190101", "TWO.\n")):
        store.record_reading(PRIVACY, make_row(timestamp), make_reading(text))
    store.fold_versions(PRIVACY, of_site=False)
    deliver_news(store.connection, [channel])
    (message,) = receiver.got
    assert [one["timestamp"][:8] for one in message["versions"]] == ["20180101", "20190101"]
    assert message["quote"]["added"] == "TWO."


def test_what_is_no_version_any_more_is_dropped_and_said(
    store: Store, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    channel = url_channel(receiver.url)
    store_texts(store, [("20180101", "One.\n")])
    store.channels = (replace(channel, since=date(2019, 1, 1)),)
    store_texts(store, [("20190101", "Two.\n")])
    store.record_reading(PRIVACY, make_row("20190101"), make_reading("One.\n"))
    store.fold_versions(PRIVACY, of_site=False)
    with caplog.at_level("INFO"):
        (delivery,) = deliver_news(store.connection, store.channels)
    assert (receiver.got, delivery.gone, delivery.waiting) == ([], 1, 0)
    assert "is in the corpus no more" in caplog.text
