"""Alerts by mail, handed to a real mail server: with TLS, with a login, and refused."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from policy_archive.crawler.core import failpoints
from policy_archive.crawler.core.records import Channel
from policy_archive.pipelines.notify.channels import Asked, build_channels
from policy_archive.pipelines.notify.delivery import Delivery, Patience, deliver_news
from policy_archive.pipelines.store.writer import Store
from tests.pipelines.notify.test_delivery import SINCE, find_nobody
from tests.support import programs
from tests.support.mail_server import PASSWORD, USER, serve_mail
from tests.support.receivers import refuse_mail
from tests.support.synthetic import store_texts

LOGIN = f"{quote(USER, safe='')}:{quote(PASSWORD, safe='')}"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "policies.db") as opened:
        yield opened


def mail_channels(address: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Channel, ...]:
    monkeypatch.setenv("MAIL", address)
    return build_channels(Asked(variables=("MAIL",), since=SINCE))


def tell(store: Store, channels: tuple[Channel, ...], **patience: float) -> list[Delivery]:
    store.channels = channels
    store_texts(store, [("20180101", "We keep it.\n"), ("20190101", "We sell it – “all” of it.\n")])
    return deliver_news(store.connection, channels, patience=Patience(**patience))  # type: ignore[arg-type]


@pytest.mark.parametrize("tls", ["none", "starttls", "implicit"])
def test_a_mail_arrives(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tls: str) -> None:
    with serve_mail(tmp_path, tls=tls) as (mailbox, certificate):
        scheme = "smtps" if tls == "implicit" else "smtp"
        login = "" if tls == "none" else f"{LOGIN}@"
        options = "?to=you@example.org&from=me@example.org" + ("&tls=starttls" if tls == "starttls" else "")
        if certificate is not None:
            monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        address = f"{scheme}://{login}localhost:{mailbox.port}/{options}"
        (delivery,) = tell(store, mail_channels(address, monkeypatch))
    assert (delivery.label, delivery.error, delivery.delivered) == ("mail example.org", "", 1)
    (mail,) = mailbox.mails
    assert refuse_mail(mail) == ""
    assert mailbox.recipients == [["you@example.org"]] and mailbox.logins == [tls != "none"]
    assert (mail["From"], mail["To"]) == ("me@example.org", "you@example.org")
    assert mail["Subject"] == "intently.example: privacy policy changed"
    text, page = (part.get_content() for part in mail.iter_parts())  # type: ignore[attr-defined]
    assert "Now: We sell it – “all” of it." in text
    assert "<ins>We sell it – “all” of it.</ins>" in page


def test_without_tls_no_password_leaves_this_machine(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve_mail(tmp_path) as (mailbox, _):
        address = f"smtp://{LOGIN}@localhost:{mailbox.port}/?to=you@example.org&tls=starttls"
        (delivery,) = tell(store, mail_channels(address, monkeypatch))
    assert (delivery.delivered, mailbox.mails) == (0, [])
    assert "STARTTLS" in delivery.error and PASSWORD not in delivery.error


def test_a_certificate_that_nobody_vouches_for_ends_it(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve_mail(tmp_path, tls="starttls") as (mailbox, _):
        address = f"smtp://{LOGIN}@localhost:{mailbox.port}/?to=you@example.org&tls=starttls"
        (delivery,) = tell(store, mail_channels(address, monkeypatch))
    assert mailbox.mails == []
    assert "certificate" in delivery.error.lower()


def test_a_wrong_password_is_told_without_it(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve_mail(tmp_path, tls="starttls") as (mailbox, certificate):
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        address = f"smtp://{quote(USER)}:hunter2@localhost:{mailbox.port}/?to=you@example.org&tls=starttls"
        (delivery,) = tell(store, mail_channels(address, monkeypatch))
    assert "answered 535" in delivery.error and "hunter2" not in delivery.error


def test_a_recipient_who_is_refused_keeps_no_other_from_being_told(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve_mail(tmp_path) as (mailbox, _):
        address = f"smtp://localhost:{mailbox.port}/?to=nobody@x.org,you@example.org&from=me@example.org"
        refused, told = tell(store, mail_channels(address, monkeypatch))
    assert refused.error == "refused the recipient: 550 no such mailbox"
    assert (told.delivered, mailbox.recipients) == (1, [["you@example.org"]])


def test_a_mail_that_was_put_off_is_sent_in_the_next_run_under_the_same_id(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve_mail(tmp_path) as (mailbox, _):
        mailbox.refusals = ["451 try again later"]
        channels = mail_channels(
            f"smtp://localhost:{mailbox.port}/?to=you@example.org&from=me@example.org", monkeypatch
        )
        (delivery,) = tell(store, channels)
        assert (delivery.waiting, delivery.error) == (1, "answered 451 try again later")
        (delivery,) = deliver_news(store.connection, channels)
    assert (delivery.waiting, len(mailbox.mails)) == (0, 1)
    assert mailbox.mails[0]["Message-ID"].endswith("@example.org>")


def test_a_server_that_says_nothing_is_given_up_when_the_time_is_over(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        channels = mail_channels(f"smtp://localhost:{port}/?to=you@example.org&from=me@x.org", monkeypatch)
        (delivery,) = tell(store, channels, timeout_seconds=0.5)
    assert "timed out" in delivery.error or "no whole answer" in delivery.error


def test_a_server_that_is_not_there_is_a_sentence(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    port = find_nobody().rpartition(":")[2].partition("/")[0]
    channels = mail_channels(f"smtp://localhost:{port}/?to=you@example.org&from=me@x.org", monkeypatch)
    (delivery,) = tell(store, channels)
    assert "does not answer" in delivery.error


DELIVER = """
import sys
from datetime import date
from policy_archive.pipelines.notify.channels import Asked, build_channels
from policy_archive.pipelines.notify.delivery import deliver_news
from policy_archive.pipelines.store.writer import Store
with Store.open(sys.argv[1]) as store:
    deliver_news(store.connection, build_channels(Asked(variables=("MAIL",), since=date(2000, 1, 1))))
"""


def test_killed_between_sending_and_noting_a_mail_comes_again_under_its_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve_mail(tmp_path) as (mailbox, _):
        channels = mail_channels(
            f"smtp://localhost:{mailbox.port}/?to=you@example.org&from=me@example.org", monkeypatch
        )
        with Store.open(tmp_path / "policies.db") as store:
            store.channels = channels
            store_texts(store, [("20180101", "We keep it.\n")])
        for fault, status in (("after-delivery:exit:1", failpoints.EXIT_STATUS), ("", 0), ("", 0)):
            died = programs.run(
                ["-c", DELIVER, tmp_path / "policies.db"], environment={failpoints.VARIABLE: fault}
            )
            assert died.returncode == status
    first, again = (mail["Message-ID"] for mail in mailbox.mails)
    assert first == again
