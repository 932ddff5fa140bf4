"""One message on its way, by HTTP, mail or a program; each has its time, and one sentence when it fails."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shlex
import signal
import smtplib
import ssl
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from email.message import EmailMessage
from importlib.metadata import version
from tempfile import TemporaryFile
from typing import IO, Any
from urllib.parse import unquote, urlsplit

from policy_archive.crawler.core.errors import PolicyArchiveError
from policy_archive.crawler.core.records import Channel
from policy_archive.pipelines.notify.channels import MailServer, parse_mail
from policy_archive.pipelines.notify.formats import FORMATS
from policy_archive.pipelines.notify.formats.body import Body
from policy_archive.pipelines.notify.formats.mail import render_mail
from policy_archive.pipelines.notify.notice import Notice

TIMEOUT_SECONDS = 60.0
"""For one command, one answer, one mail."""
_QUOTED = 200
"""Characters of an answer's body that are quoted: `invalid_blocks` says more than 400."""


class DeliveryError(PolicyArchiveError):
    """A message did not arrive; one sentence says why, and holds no secret."""

    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds
        """What the receiver asked for; None: nothing."""


def send(channel: Channel, notice: Notice, *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
    """Tell one channel one message; raises DeliveryError when it did not arrive."""
    try:
        if channel.kind == "mail":
            _mail(channel.target, notice, timeout_seconds)
        elif channel.kind == "url":
            _post(channel.target, FORMATS[channel.format](notice), notice.id, timeout_seconds)
        else:
            _run(channel.target, FORMATS["json"](notice).content, timeout_seconds)
    except DeliveryError as error:
        clean = redact(str(error), channel.target) if channel.kind != "command" else str(error)
        raise DeliveryError(clean, retry_after_seconds=error.retry_after_seconds) from None


def redact(text: str, address: str) -> str:
    """Return a text without the parts of an address that may be its key, whoever wrote them there.

    >>> redact("404 for /services/T0/B0/x", "https://hooks.slack.com/services/T0/B0/x")
    '404 for …'
    """
    parts = urlsplit(address)
    login = parts.netloc.rpartition("@")[0]
    password = login.partition(":")[2]
    secrets = [address, login, password, parts.query, parts.path]
    secrets += [piece for piece in parts.path.split("/") if len(piece) >= 8]
    secrets += (
        [value.partition("=")[2] for value in parts.query.split("&")]
        if not parts.scheme.startswith("smtp")
        else []
    )
    for secret in sorted({*secrets, *map(unquote, secrets)}, key=len, reverse=True):
        if len(secret) >= 4 or (secret and secret in (password, unquote(password))):
            text = text.replace(secret, "…")
    return text


def _in_time(work: Callable[[], None], seconds: float) -> None:
    """Do something; raises TimeoutError when it has not ended in time.

    In a thread: the time-out of a socket begins anew with each byte that comes. The thread of
    a receiver that drips goes on until that ends, or the program does.
    """
    failures: list[BaseException] = []

    def do_it() -> None:
        try:
            work()
        except Exception as error:  # raised below, where it is waited for
            failures.append(error)

    worker = threading.Thread(target=do_it, name="notify", daemon=True)
    worker.start()
    worker.join(seconds)
    if failures:
        raise failures[0]
    if worker.is_alive():
        raise TimeoutError(f"no whole answer within {seconds:.0f} s")


# By HTTP


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirected POST would become a GET without its body, at another host."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


def _post(url: str, body: Body, message_id: str, seconds: float) -> None:
    request = urllib.request.Request(  # noqa: S310 (build_channels takes http and https alone)
        url,
        data=body.content,
        headers={
            "Content-Type": body.content_type,
            "User-Agent": f"policy-archive/{version('policy-archive')}",
            "Idempotency-Key": message_id,
        },
    )

    def post() -> None:
        urllib.request.build_opener(_NoRedirects).open(request, timeout=seconds).close()

    try:
        _in_time(post, seconds)
    except urllib.error.HTTPError as error:
        raise _refused(error) from error
    except (OSError, ValueError) as error:  # refused, timed out, no such host, none that could be one
        reason = getattr(error, "reason", None) or error
        if isinstance(reason, TimeoutError):  # of the socket, or of all of it: whichever comes first
            reason = f"no whole answer within {seconds:.0f} s"
        raise DeliveryError(f"does not answer: {reason}") from error
    except http.client.HTTPException as error:
        raise DeliveryError(f"does not answer in HTTP: {type(error).__name__}") from error


def _refused(error: urllib.error.HTTPError) -> DeliveryError:
    """Return what a receiver said that did not take a message, and for how long it wants to hear nothing."""
    from policy_archive.crawler.archive.rate_gate import parse_retry_after

    body = b""
    with contextlib.suppress(OSError, http.client.HTTPException), error:
        body = error.read(2000)
    wait = parse_retry_after(error.headers.get("Retry-After"), error.headers.get("Date"))
    words = " ".join(body.decode("utf-8", "replace").split())
    said = f": {words[:_QUOTED]}" if words and not words.startswith("<") else ""
    return DeliveryError(
        f"answered {error.code} {error.reason}{said}",
        retry_after_seconds=wait if wait is not None else _read_wait(body),
    )


def _read_wait(body: bytes) -> float | None:
    """Return the seconds that Discord's answer asks for in its body; None when it does not."""
    try:
        wait = json.loads(body)["retry_after"]
    except (ValueError, KeyError, TypeError):
        return None
    return float(wait) if isinstance(wait, (int, float)) and 0 <= wait < 86_400 else None


# By mail


def _mail(address: str, notice: Notice, seconds: float) -> None:
    server = parse_mail(address, source="the mail server's address")
    (recipient,) = server.recipients
    message = render_mail(notice, sender=server.sender, recipient=recipient)
    try:
        _in_time(lambda: _hand_in(server, message, seconds), seconds)
    except smtplib.SMTPResponseException as error:
        raise DeliveryError(f"answered {error.smtp_code} {_say(error.smtp_error)}") from error
    except smtplib.SMTPRecipientsRefused as error:
        code, said = next(iter(error.recipients.values()))
        raise DeliveryError(f"refused the recipient: {code} {_say(said)}") from error
    except smtplib.SMTPException as error:
        raise DeliveryError(f"does not take mail: {error}") from error
    except (OSError, ValueError) as error:
        raise DeliveryError(f"does not answer: {getattr(error, 'strerror', None) or error}") from error


def _say(said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return " ".join(text.split())[:_QUOTED]


def _hand_in(server: MailServer, message: EmailMessage, seconds: float) -> None:
    context = ssl.create_default_context()
    with _connect(server, context, seconds) as smtp:
        if server.tls == "starttls":
            smtp.starttls(context=context)
        if server.user and server.password:
            smtp.login(server.user, server.password)
        smtp.send_message(message)


def _connect(server: MailServer, context: ssl.SSLContext, seconds: float) -> smtplib.SMTP:
    if server.tls == "implicit":
        return smtplib.SMTP_SSL(server.host, server.port, timeout=seconds, context=context)
    return smtplib.SMTP(server.host, server.port, timeout=seconds)


# By a program


def _run(command: str, body: bytes, seconds: float) -> None:
    """Run a command without a shell, in a session of its own, so that all of it ends when time is up."""
    with TemporaryFile() as said:  # no pipe: a child left in the background would hold it open
        _run_saying(command, body, said, seconds)


def _run_saying(command: str, body: bytes, said: IO[bytes], seconds: float) -> None:
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
            process.communicate(body, timeout=seconds)
        except BaseException as error:  # time is up, or Ctrl-C, which its own session keeps from it
            os.killpg(process.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                raise DeliveryError(f"did not end within {seconds:.0f} s") from error
            raise
    if process.returncode:
        said.seek(max(0, said.seek(0, os.SEEK_END) - 2000))
        words = " ".join(said.read().decode("utf-8", "replace").split())[-300:]
        raise DeliveryError(f"exit status {process.returncode}{f': {words}' if words else ''}")
