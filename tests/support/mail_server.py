"""A mail server on this machine that refuses what mail servers refuse: no TLS, no login, lines too long."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from pathlib import Path
from typing import Any

import pytest

from tests.support.fronts import make_certificate

pytest.importorskip("aiosmtpd", reason="needs aiosmtpd: pip install -e '.[test]'")
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword

USER, PASSWORD = "me@example.org", "pass:w/rd#1"


@dataclass
class Mailbox:
    port: int
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    logins: list[bool] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    """Answers to the next mails, in place of taking them."""


class _Handler:
    def __init__(self, mailbox: Mailbox) -> None:
        self.mailbox = mailbox

    async def handle_RCPT(
        self, _server: Any, _session: Any, envelope: Envelope, address: str, _options: Any
    ) -> str:
        if address.startswith("nobody@"):
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, session: Any, envelope: Envelope) -> str:
        if self.mailbox.refusals:
            return self.mailbox.refusals.pop(0)
        content = envelope.original_content or b""
        if any(len(line) > 998 for line in content.split(b"\r\n")):
            return "500 line too long"
        self.mailbox.logins.append(bool(session.authenticated))
        self.mailbox.mails.append(message_from_bytes(content, policy=SMTP_POLICY))  # type: ignore[arg-type]
        self.mailbox.recipients.append(list(envelope.rcpt_tos))
        return "250 OK"


class _Server(Controller):
    def __init__(self, mailbox: Mailbox, context: ssl.SSLContext | None, *, implicit: bool) -> None:
        self._starttls = None if implicit else context
        super().__init__(
            _Handler(mailbox), hostname="127.0.0.1", port=0, ssl_context=context if implicit else None
        )
        self._needs_login = self._starttls is not None  # under TLS from the first byte aiosmtpd knows of none

    def factory(self) -> SMTP:
        return SMTP(
            self.handler,
            tls_context=self._starttls,
            require_starttls=self._starttls is not None,
            auth_required=self._needs_login,
            auth_require_tls=self._starttls is not None,
            authenticator=_check_login,
        )

    def _trigger_server(self) -> None:
        """Learn the port that the system chose; aiosmtpd would ask port 0 whether it is there."""
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


def _check_login(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
    assert isinstance(data, LoginPassword)
    is_right = (data.login.decode(), data.password.decode()) == (USER, PASSWORD)
    return AuthResult(success=is_right, handled=False)


@contextmanager
def serve_mail(folder: Path, *, tls: str = "none") -> Iterator[tuple[Mailbox, Path | None]]:
    """Serve SMTP, by `none`, `starttls` or `implicit` TLS; the latter two want a login.

    Yields the mailbox and the certificate to trust.
    """
    certificate = None if tls == "none" else make_certificate(folder, "localhost")
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    mailbox = Mailbox(port=0)
    server = _Server(mailbox, context, implicit=tls == "implicit")
    server.start()
    try:
        mailbox.port = server.port
        yield mailbox, certificate
    finally:
        server.stop()
