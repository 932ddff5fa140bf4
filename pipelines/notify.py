"""News told to the user's own programs: at least once each, also when a run dies in between."""

from __future__ import annotations

import http.client
import json
import logging
import os
import shlex
import signal
import sqlite3
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass, replace
from importlib.metadata import version
from tempfile import TemporaryFile
from typing import IO, Any
from urllib.parse import urlsplit

from policy_archive.crawler.core.errors import PolicyArchiveError, UsageError
from policy_archive.crawler.core.events import log_event
from policy_archive.crawler.core.failpoints import point
from policy_archive.crawler.core.records import Channel
from policy_archive.crawler.core.timestamps import now_iso
from policy_archive.pipelines.outputs.history import describe_version
from policy_archive.pipelines.store.monitoring import outbox
from policy_archive.pipelines.store.monitoring.outbox import Message

TIMEOUT_SECONDS = 60.0
"""For one command, or one answer."""
FAILURES_IN_A_ROW = 3
"""Then a channel is left alone until the next run: what refuses three messages refuses thousands."""

log = logging.getLogger(__name__)


class DeliveryError(PolicyArchiveError):
    """A message did not arrive; one sentence says why."""


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """What became of a channel's messages."""

    label: str
    delivered: int
    failed: int
    waiting: int
    """Still to be told in a later run, those that failed included."""
    error: str
    """Of the last failure, '' when there was none."""


def build_channels(
    commands: Iterable[str], urls: Iterable[str], *, substantive: bool = False, min_words: int = 0
) -> tuple[Channel, ...]:
    """Return the channels that a command line names, each once; what they are told may be limited.

    Raises UsageError if one of them can be no command, or no web address.
    """
    channels = [Channel(kind="command", target=command) for command in commands]
    for channel in channels:
        try:
            words = shlex.split(channel.target)
        except ValueError as error:
            raise UsageError(f"--notify-command '{channel.target}' cannot be read: {error}.") from error
        if not words:
            raise UsageError("--notify-command is empty: name a program.")
    for url in urls:
        _check_address(url)
        channels.append(Channel(kind="url", target=url))
    limited = (replace(one, substantive=substantive, min_words=min_words) for one in channels)
    return tuple(dict.fromkeys(limited))


def _check_address(url: str) -> None:
    """Raise UsageError for what no POST can be sent to, now and not after the crawl."""
    try:
        parts = urlsplit(url)
        is_web = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port, or an address of IPv6, that is none
        is_web = False
    if not is_web or not url.isascii() or not url.isprintable() or " " in url:
        raise UsageError(f"--notify-url '{url}' is no address: write one like https://example.org/hook.")
    if parts.username is not None:
        raise UsageError("--notify-url takes no user name: let --notify-command run a program that logs in.")


def deliver_news(connection: sqlite3.Connection, channels: Iterable[Channel]) -> list[Delivery]:
    """Tell the channels what they have not been told yet, oldest first; return what became of it.

    A message leaves the outbox after it has arrived: a run that dies between the two tells it
    again, so that receivers should pass over an `id` that they have seen.
    """
    return [_deliver_to(connection, channel) for channel in channels]


def _deliver_to(connection: sqlite3.Connection, channel: Channel) -> Delivery:
    delivered = failed = in_a_row = 0
    reason = ""
    for message in outbox.iter_messages(connection, channel):
        point("before-delivery")
        try:
            send(channel, message)
        except DeliveryError as error:
            reason, failed, in_a_row = str(error), failed + 1, in_a_row + 1
            outbox.note_failed(connection, message, reason, now=now_iso())
        else:
            point("after-delivery")
            outbox.note_delivered(connection, message)
            delivered, in_a_row = delivered + 1, 0
        if in_a_row == FAILURES_IN_A_ROW:
            break
    waiting = outbox.count_messages(connection, channel)
    if reason:
        facts = {"channel": channel.label, "waiting": waiting, "error": reason}
        message_text = f"{channel.label}: {reason}; {waiting} messages wait for the next run"
        log_event(log, "notify-failed", message_text, level=logging.WARNING, **facts)
    return Delivery(label=channel.label, delivered=delivered, failed=failed, waiting=waiting, error=reason)


def send(channel: Channel, message: Message) -> None:
    """Tell one channel one message; raises DeliveryError when it did not arrive."""
    body = build_body(message)
    if channel.kind == "url":
        _post(channel.target, body, message.payload["id"])
    else:
        _run(channel.target, body)


def build_body(message: Message) -> bytes:
    """Return what is delivered: one line of JSON, UTF-8."""
    gist = {"gist": describe_version(message.payload)}
    return json.dumps(message.payload | gist, ensure_ascii=False).encode() + b"\n"


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirected POST would become a GET without its body, at another host."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


def _post(url: str, body: bytes, message_id: str) -> None:
    request = urllib.request.Request(  # noqa: S310 (build_channels takes http and https alone)
        url,
        data=body,
        headers={
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": f"policy-archive/{version('policy-archive')}",
            "Idempotency-Key": message_id,
        },
    )
    try:
        _open_in_time(request)
    except urllib.error.HTTPError as error:
        error.close()
        raise DeliveryError(f"answered {error.code} {error.reason}") from error
    except (OSError, ValueError) as error:  # refused, timed out, no such host, none that could be one
        raise DeliveryError(f"does not answer: {getattr(error, 'reason', None) or error}") from error
    except http.client.HTTPException as error:
        raise DeliveryError(f"does not answer in HTTP: {type(error).__name__}") from error


def _open_in_time(request: urllib.request.Request) -> None:
    """Send a request; raises TimeoutError when the answer's head is not there in time.

    In a thread: the time-out of a socket begins anew with each byte that comes. The thread of
    a receiver that drips goes on until that ends, or the program does.
    """
    failures: list[BaseException] = []

    def send_it() -> None:
        try:
            urllib.request.build_opener(_NoRedirects).open(request, timeout=TIMEOUT_SECONDS).close()
        except Exception as error:  # raised below, where it is waited for
            failures.append(error)

    sender = threading.Thread(target=send_it, name="notify", daemon=True)
    sender.start()
    sender.join(TIMEOUT_SECONDS)
    if failures:
        raise failures[0]
    if sender.is_alive():
        raise TimeoutError(f"no whole answer within {TIMEOUT_SECONDS:.0f} s")


def _run(command: str, body: bytes) -> None:
    """Run a command without a shell, in a session of its own, so that all of it ends when time is up."""
    with TemporaryFile() as said:  # no pipe: a child left in the background would hold it open
        _run_saying(command, body, said)


def _run_saying(command: str, body: bytes, said: IO[bytes]) -> None:
    try:
        process = subprocess.Popen(  # noqa: S603 (the user's own command)
            shlex.split(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=said,
            start_new_session=True,
        )
    except OSError as error:
        raise DeliveryError(f"cannot be started: {error.strerror}") from error
    with process:
        try:
            process.communicate(body, timeout=TIMEOUT_SECONDS)
        except BaseException as error:  # time is up, or Ctrl-C, which its own session keeps from it
            os.killpg(process.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                raise DeliveryError(f"did not end within {TIMEOUT_SECONDS:.0f} s") from error
            raise
    if process.returncode:
        said.seek(max(0, said.seek(0, os.SEEK_END) - 2000))
        words = " ".join(said.read().decode("utf-8", "replace").split())[-300:]
        raise DeliveryError(f"exit status {process.returncode}{f': {words}' if words else ''}")
