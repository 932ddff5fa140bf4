"""Who is told, out of a command line: what is taken, what is refused in a sentence, what is a secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from policy_archive.crawler.core.errors import UsageError
from policy_archive.pipelines.notify.channels import (
    Asked,
    build_channels,
    find_loose_files,
    is_secret,
    parse_mail,
)
from policy_archive.pipelines.notify.senders import redact

SLACK = "https://hooks.slack.com/services/T0/B0/secret"


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (Asked(commands=("'",)), "cannot be read"),
        (Asked(commands=(" ",)), "is empty"),
        (Asked(commands=("no-such-program x",)), "there is no program 'no-such-program'"),
        (Asked(commands=(f"curl -d @- {SLACK}",)), "--notify-command holds a secret"),
        (Asked(urls=("example.org/hook",)), "is no address"),
        (Asked(urls=("file:///etc/passwd",)), "is no address"),
        (Asked(urls=("ftp://example.org",)), "is no address"),
        (Asked(urls=("http://",)), "is no address"),
        (Asked(urls=("http://[::1/hook",)), "holds a secret"),
        (Asked(urls=("http://example.org:99999/hook",)), "is no address"),
        (Asked(urls=("http://example.org/my hook",)), "is no address"),
        (Asked(urls=("http://example.org/höök",)), "is no address"),
        (Asked(urls=("http://me:secret@example.org/hook",)), "holds a secret"),
        (Asked(urls=(SLACK,)), "--notify-url holds a secret"),
        (Asked(urls=("hooks.slack.com/services/T0/B0/secret",)), "--notify-url holds a secret"),
        (Asked(urls=("https://x.webhook.office.com/webhookb2/secret",)), "holds a secret"),
        (
            Asked(urls=("https://prod-1.westeurope.logic.azure.com:443/workflows/x?sig=secret",)),
            "holds a secret",
        ),
        (Asked(urls=("https://x.example/hook?token=secret",)), "holds a secret"),
        (Asked(urls=("https://x.example/hooks/0a1b2c3d4e5f6a7bsecret",)), "holds a secret"),
        (Asked(urls=("slack=smtp://localhost/?to=a@x.org&from=a@x.org",)), "leave 'slack=' away"),
        (Asked(urls=("smtp://localhost/?to=a@x.org",)), "from= needs a mailbox"),
        (Asked(urls=("smtp://localhost/?from=a@x.org",)), "to= needs a mailbox"),
        (Asked(urls=("smtp://localhost/?to=a@x.org%0d%0aBcc:b@x.org&from=a@x.org",)), "needs a mailbox"),
        (Asked(urls=("smtp://localhost/?to=a@x.org&form=a@x.org",)), "form means nothing"),
        (Asked(variables=("UNSET_HOOK",)), "--notify-env UNSET_HOOK: that environment variable is not set"),
        (Asked(variables=("a-b",)), "is no name of a variable"),
        (Asked(variables=(SLACK,)), "--notify-env holds a secret"),
        (Asked(files=("/nowhere/at/all",)), "No such file"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_can_be_no_channel_is_named_and_no_secret_is_shown(asked: Asked, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        build_channels(asked)
    assert words in str(caught.value)
    assert "secret@" not in str(caught.value) and "/secret" not in str(caught.value)
    assert "=secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "kind", "format_name", "label"),
    [
        (SLACK, "url", "slack", "slack hooks.slack.com"),
        ("https://discord.com/api/webhooks/1/x", "url", "discord", "discord discord.com"),
        ("https://prod-1.x.logic.azure.com:443/w/y?sig=z", "url", "teams", "teams prod-1.x.logic.azure.com"),
        ("https://a.powerplatform.com/x", "url", "teams", "teams a.powerplatform.com"),
        ("https://ntfy.sh/topic", "url", "text", "url ntfy.sh"),
        ("https://x.example/hook", "url", "json", "url x.example"),
        ("smtps://u%40x.org:p@m.x.org/?to=you@y.org", "mail", "mail", "mail y.org"),
    ],
)
def test_the_format_is_seen_from_the_address(
    monkeypatch: pytest.MonkeyPatch, address: str, kind: str, format_name: str, label: str
) -> None:
    monkeypatch.setenv("HOOK", address)
    (channel,) = build_channels(Asked(variables=("HOOK",)))
    assert (channel.kind, channel.format, channel.label) == (kind, format_name, label)
    assert "target" not in repr(channel)


def test_a_format_may_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", "https://mattermost.example.org/hooks/x")
    (channel,) = build_channels(Asked(variables=("slack=HOOK",)))
    assert (channel.format, channel.label) == ("slack", "slack mattermost.example.org")


def test_a_file_holds_an_address_a_line(tmp_path: Path) -> None:
    file = tmp_path / "hooks"
    file.write_text(f"# team\n{SLACK}\n\nhttps://discord.com/api/webhooks/1/x\n")
    file.chmod(0o600)
    asked = Asked(files=(str(file),))
    assert [one.format for one in build_channels(asked)] == ["slack", "discord"]
    assert find_loose_files(asked) == []
    file.chmod(0o644)
    said = f"others than you can read {file}, which holds secrets: 'chmod 600 {file}' mends that"
    assert find_loose_files(asked) == [said]


def test_what_is_wrong_in_a_file_is_named_by_its_line_alone(tmp_path: Path) -> None:
    file = tmp_path / "hooks"
    file.write_text("# x\nht tp://secret\n")
    with pytest.raises(UsageError, match=f"^line 2 of {file} is no address") as caught:
        build_channels(Asked(files=(str(file),)))
    assert "secret" not in str(caught.value)
    file.write_text("# nothing\n")
    with pytest.raises(UsageError, match="holds no address"):
        build_channels(Asked(files=(str(file),)))


def test_a_channel_named_twice_is_one() -> None:
    assert len(build_channels(Asked(commands=("true", "true"), urls=("http://x/", "http://x/")))) == 2


def test_the_password_is_no_part_of_what_is_hashed() -> None:
    ids = {
        channel.id
        for password in ("a", "b")
        for channel in _mail_channels(f"smtps://me%40x.org:{password}@m.x.org/?to=you@x.org")
    }
    assert len(ids) == 1


def _mail_channels(address: str) -> tuple[object, ...]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("MAIL", address)
        return build_channels(Asked(variables=("MAIL",)))


@pytest.mark.parametrize(
    ("address", "port", "tls"),
    [
        ("smtp://m.x.org/?to=a@x.org&from=b@x.org", 587, "starttls"),
        ("smtp://m.x.org:2525/?to=a@x.org&from=b@x.org&tls=none", 2525, "none"),
        ("smtps://m.x.org/?to=a@x.org&from=b@x.org", 465, "implicit"),
        ("smtp://localhost/?to=a@x.org&from=b@x.org", 25, "none"),
    ],
)
def test_ports_and_tls_of_mail_servers(address: str, port: int, tls: str) -> None:
    server = parse_mail(address, source="it")
    assert (server.port, server.tls) == (port, tls)


def test_any_mailbox_goes_through_an_address_and_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "MAIL", "smtps://me%40x.org:p@m.x.org/?to=me+alerts@x.org,a%26b%25c@x.org&from=d%3De@x.org"
    )
    channels = build_channels(Asked(variables=("MAIL",)))
    servers = [parse_mail(channel.target, source="it") for channel in channels]
    assert [server.recipients for server in servers] == [("me+alerts@x.org",), ("a&b%c@x.org",)]
    assert {(server.sender, server.password) for server in servers} == {("d=e@x.org", "p")}


def test_a_password_is_sent_to_nobody_without_tls() -> None:
    with pytest.raises(UsageError, match="no password is sent without TLS"):
        parse_mail("smtp://me:word@m.x.org/?to=a@x.org&from=b@x.org&tls=none", source="it")


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:8080/hook",
        "https://example.org/policies/changed",
        "smtp://localhost/?to=a@x.org",
        "http://[::1]:80/",
    ],
)
def test_an_address_without_a_key_is_no_secret(address: str) -> None:
    assert not is_secret(address)


def test_whoever_quotes_an_address_it_is_cut_out() -> None:
    said = f"404 POST {SLACK}: no such hook /services/T0/B0/secret"
    assert redact(said, SLACK) == "404 POST …: no such hook …"
    mail = "smtp://me%40x.org:p%2Fw@m.x.org/?to=a@x.org"
    assert redact("535 bad password p/w for me@x.org (p%2Fw)", mail) == "535 bad password … for me@x.org (…)"
