"""Wherever an answer points, only the archive is asked: a second server listens and hears nothing."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from policy_archive.archive_server import faults
from policy_archive.archive_server.server import ArchiveServer
from tests.support.generated import crawl, generate, outcomes, read
from tests.support.processes import assert_sound


class Listener:
    """A server on every local address that notes who calls."""

    def __init__(self) -> None:
        self.calls = 0
        self._sockets = [socket.create_server(("127.0.0.1", 0))]
        self.port: int = self._sockets[0].getsockname()[1]
        for host, family in (("127.0.0.2", socket.AF_INET), ("::1", socket.AF_INET6)):
            try:
                self._sockets.append(socket.create_server((host, self.port), family=family))
            except OSError:  # no such address on this machine: then nobody can be led there
                continue
        for one in self._sockets:
            threading.Thread(target=self._listen, args=(one,), daemon=True).start()

    def _listen(self, one: socket.socket) -> None:
        while True:
            try:
                connection, _ = one.accept()
            except OSError:
                return
            self.calls += 1
            connection.close()

    def close(self) -> None:
        for one in self._sockets:
            one.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.close()


def hostile_locations(port: int) -> list[str]:
    return [
        f"http://localhost:{port}/",
        f"http://127.0.0.1:{port}/web/20010215120000id_/https://www.x.example/privacy",
        f"http://127.0.0.2:{port}/",
        f"http://[::1]:{port}/",
        f"http://[::ffff:127.0.0.1]:{port}/",
        f"http://0x7f.1:{port}/",
        f"http://0177.0.0.1:{port}/",
        f"http://2130706433:{port}/",
        f"http://127.1:{port}/",
        f"http://0:{port}/",
        f"http://localhost.localdomain:{port}/",
        f"http://user:password@127.0.0.1:{port}/",
        f"http://web.archive.org@127.0.0.1:{port}/",
        f"//127.0.0.1:{port}/web/2001/",
        f"\\\\127.0.0.1:{port}/",
        f"http:/\\127.0.0.1:{port}/",
        f"  http://127.0.0.1:{port}/",
        f"HTTP://LOCALHOST:{port}/",
        f"http://①②⑦.⓪.⓪.①:{port}/",
        "file:///etc/passwd",
        f"ftp://127.0.0.1:{port}/x",
        f"gopher://127.0.0.1:{port}/x",
        f"s3://127.0.0.1:{port}/x",
        "data:text/html,policy",
        "javascript:alert(1)",
        f"dict://127.0.0.1:{port}/",
    ]


@pytest.mark.parametrize("captured", [False, True], ids=["nearest-time", "captured"])
def test_no_redirect_leads_off_the_archive(database: Path, listener: Listener, captured: bool) -> None:
    locations = hostile_locations(listener.port)
    source = generate(len(locations) + 1)
    timestamps = [row.timestamp for row in source.iter_rows()]
    strikes = [
        faults.Redirected(location=location, captured=captured, when=faults.about(timestamp))
        for location, timestamp in zip(locations, timestamps, strict=False)
    ]
    with ArchiveServer(source=source, faults=strikes) as archive:
        crawl(archive.url, database)
        assert len(archive.log) <= 1 + 2 * len(timestamps)
    assert listener.calls == 0
    found = outcomes(database)
    assert found[-1] == "text"
    # two are no other host by the rules of addresses: a path of the archive's own, which holds nothing
    assert found[:-1].count("off-archive-redirect") >= len(locations) - 2, found
    assert "text" not in found[:-1]
    assert all(strike.struck for strike in strikes)
    hosts = {urlsplit(url).hostname for (url,) in read(database, "select url from addresses")}
    assert hosts == {"www.x.example"}  # nor did another host become an address of the document
    assert_sound(database)


def test_a_smuggled_header_a_long_chain_and_a_refresh_lead_nowhere(
    database: Path, listener: Listener
) -> None:
    source = generate(3)
    refresh = f'<meta http-equiv="refresh" content="0; url=http://127.0.0.1:{listener.port}/"><p>text'
    source.add("20020115120000", refresh.encode())
    frame = f'<frameset><frame src="http://127.0.0.1:{listener.port}/frame.html"></frameset>'
    source.add("20020215120000", frame.encode())
    strikes = [
        faults.CrLfLocation(when=faults.about("20010115")),
        faults.Loop(steps=30, when=faults.about("20010215")),
    ]
    with ArchiveServer(source=source, faults=strikes) as archive:
        crawl(archive.url, database)
        assert sum("20010215" in entry.path for entry in archive.log) <= 12
    assert listener.calls == 0
    found = dict(read(database, "select timestamp, outcome from captures where original like '%x.example%'"))
    assert found["20010115120000"] in ("off-archive-redirect", "redirect", "archive-error")
    assert found["20010215120000"] == "redirect-loop"
    assert (found["20010315120000"], found["20020115120000"]) == ("text", "text")
    assert_sound(database)
