"""The outbox carried out: each message at least once, as fast as its receiver takes it."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta

from policy_archive.crawler.core.events import log_event
from policy_archive.crawler.core.failpoints import point
from policy_archive.crawler.core.plurals import plural
from policy_archive.crawler.core.records import Channel
from policy_archive.crawler.core.timestamps import format_instant, now_iso, utc_now
from policy_archive.pipelines.notify.notice import Notice, build_notice
from policy_archive.pipelines.notify.senders import TIMEOUT_SECONDS, DeliveryError, send
from policy_archive.pipelines.store.monitoring import outbox
from policy_archive.pipelines.store.monitoring.outbox import Message

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long receivers are waited for."""

    timeout_seconds: float = TIMEOUT_SECONDS
    """For one command, one answer, one mail."""
    failures_in_a_row: int = 3
    """Then a channel is left alone until the next run: what refuses three messages refuses thousands."""
    wait_seconds: float = 120.0
    """That a receiver may ask for (Retry-After) within one run; a longer wait is kept to by later runs."""
    pace_seconds: dict[str, float] = field(
        default_factory=lambda: {
            "slack": 1.0,  # a message a second: https://docs.slack.dev/apis/web-api/rate-limits
            "teams": 0.25,  # four a second: learn.microsoft.com …/how-to/add-incoming-webhook
            "discord": 2.0,  # 30 a minute a channel, undocumented; 429 says the rest
        }
    )
    """Between two messages to one receiver, by format."""
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """What became of a channel's messages."""

    label: str
    delivered: int
    failed: int
    waiting: int
    """Still to be told in a later run, those that failed included."""
    gone: int
    """Dropped, for none of their versions is in the corpus any more."""
    error: str
    """Of the last failure, '' when there was none."""

    @property
    def is_refused(self) -> bool:
        """Return whether news waits that its receiver did not take."""
        return bool(self.waiting)

    def and_then(self, later: Delivery) -> Delivery:
        """Return what became of the messages in two deliveries, one after the other."""
        return replace(
            later,
            delivered=self.delivered + later.delivered,
            failed=self.failed + later.failed,
            gone=self.gone + later.gone,
            error=later.error if later.waiting else "",
        )

    def describe(self) -> str:
        """Return it in a sentence."""
        if not self.waiting:
            return f"{self.label}: told {plural(self.delivered, 'message')}"
        wait = plural(self.waiting, "message waits", "messages wait")
        return f"{self.label} was not told: {self.error}; {wait} for the next run"


_Told = tuple[str, str]


def deliver_news(
    connection: sqlite3.Connection,
    channels: Iterable[Channel],
    *,
    base_url: str | None = None,
    patience: Patience | None = None,
) -> list[Delivery]:
    """Tell the channels what they have not been told yet, oldest first; return what became of it.

    A message leaves the outbox after it has arrived: a run that dies between the two tells it
    again, so that receivers should pass over an `id` that they have seen. `base_url`: where the corpus's
    pages are served.
    """
    patience = patience or Patience()
    return [_deliver_to(connection, channel, base_url, patience) for channel in channels]


def _deliver_to(
    connection: sqlite3.Connection, channel: Channel, base_url: str | None, patience: Patience
) -> Delivery:
    outbox.catch_up(connection, channel, now=now_iso())
    until = outbox.waits_until(connection, channel)
    if until is not None and until > now_iso():
        told = iter([("failed", f"asked to be left alone until {until}")])
    else:
        told = _iter_told(connection, channel, base_url, patience)
    counts = {"delivered": 0, "failed": 0, "gone": 0}
    reason = ""
    for what, why in told:
        counts[what] += 1
        reason = why or reason
    waiting = outbox.count_messages(connection, channel)
    if reason:
        facts = {"channel": channel.label, "waiting": waiting, "error": reason}
        wait = plural(waiting, "message waits", "messages wait")
        message_text = f"{channel.label}: {reason}; {wait} for the next run"
        log_event(log, "notify-failed", message_text, level=logging.WARNING, **facts)
    return Delivery(label=channel.label, waiting=waiting, error=reason, **counts)


def _iter_told(
    connection: sqlite3.Connection, channel: Channel, base_url: str | None, patience: Patience
) -> Iterator[_Told]:
    """Yield for each message what became of it (delivered, failed or gone), and why it failed."""
    in_a_row = 0
    left = patience.wait_seconds
    pace = patience.pace_seconds.get(channel.format, 0.0)
    for number, message in enumerate(outbox.list_messages(connection, channel)):
        notice = build_notice(connection, message, base_url=base_url)
        if notice is None:
            outbox.note_delivered(connection, message, now=now_iso())
            log_event(log, "notify-gone", f"{channel.label}: what was to be told is in the corpus no more")
            yield "gone", ""
            continue
        if number and pace:
            patience.sleep(pace)
        point("before-delivery")
        failure, waited = _send_patiently(channel, notice, patience, left)
        left -= waited
        if failure is None:
            point("after-delivery")
            outbox.note_delivered(connection, message, now=now_iso())
            in_a_row = 0
            yield "delivered", ""
            continue
        in_a_row += 1
        _note_failed(connection, message, failure)
        yield "failed", str(failure)
        if in_a_row == patience.failures_in_a_row or failure.retry_after_seconds is not None:
            return


_MOST_TRIES = 5
"""Of one message in one run, when its receiver asks to wait."""


def _send_patiently(
    channel: Channel, notice: Notice, patience: Patience, left: float
) -> tuple[DeliveryError | None, float]:
    """Send a message, again when its receiver asks for a wait that is short enough.

    Returns why it did not arrive, None when it did; and the seconds that were waited.
    """
    waited = 0.0
    for tries in range(1, _MOST_TRIES + 1):
        try:
            send(channel, notice, timeout_seconds=patience.timeout_seconds)
        except DeliveryError as error:
            wait = error.retry_after_seconds
            if wait is None or wait > left - waited or tries == _MOST_TRIES:
                return error, waited
            patience.sleep(wait)
            waited += wait
        else:
            break
    return None, waited


def _note_failed(connection: sqlite3.Connection, message: Message, failure: DeliveryError) -> None:
    wait = failure.retry_after_seconds
    until = None if wait is None else format_instant(utc_now() + timedelta(seconds=wait))
    outbox.note_failed(connection, message, str(failure), now=now_iso(), wait_until=until)
