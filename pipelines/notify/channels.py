"""Who is told, out of what a command line names: where each address comes from, and how it is written to.

An address of a chat's webhook, or of a mail server with its password, is a secret: it comes from an
environment variable or a file, and no message of ours holds it.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from urllib.parse import SplitResult, quote, unquote, urlsplit

from policy_archive.crawler.core.errors import UsageError
from policy_archive.crawler.core.records import Channel

FORMAT_NAMES = ("json", "slack", "teams", "discord", "text")
_FORMAT = re.compile(rf"({'|'.join(FORMAT_NAMES)})=(.*)", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

_HOSTS = (
    (re.compile(r"hooks\.slack(?:-gov)?\.com"), "slack"),
    (re.compile(r"(?:[a-z]{1,63}\.)?discord(?:app)?\.com"), "discord"),
    (re.compile(r".{0,253}\.(?:webhook\.office\.com|logic\.azure\.(?:com|us)|powerplatform\.com)"), "teams"),
    (re.compile(r"ntfy\.sh"), "text"),
)
"""Services whose webhooks are known by their host; every path there is a secret."""
_TOKEN = re.compile(r"(?=[^/]*[0-9])(?=[^/]*[A-Za-z])[A-Za-z0-9_~.:-]{16,}|[A-Za-z0-9_-]{24,}")
"""A part of a path that nobody would type: it is a key."""
_SHOWN = "holds a secret, which process lists, shell histories and schedules show: "
_INSTEAD = (
    "put it into an environment variable and give --notify-env NAME, or into a file and --notify-file PATH."
)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What options name as channels, before a variable or a file is read."""

    commands: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    since: date | None = None

    def check(self) -> None:
        """Raise UsageError for what can be no channel on any machine; nothing is read."""
        for command in self.commands:
            _split_command(command)
        for url in self.urls:
            format_name, address = _split_format(url)
            if is_secret(address):
                raise UsageError(f"--notify-url {_SHOWN}{_INSTEAD}")
            _build(address, format_name, source=f"--notify-url '{address}'")
        for text in self.variables:
            _parse_variable(text)


def build_channels(asked: Asked, *, substantive: bool = False, min_words: int = 0) -> tuple[Channel, ...]:
    """Return the channels that are named, each once; what they are told may be limited.

    Raises UsageError if one of them can be no command and no address, if a secret stands on the command line,
    if a variable is not set or a file cannot be read.
    """
    asked.check()
    channels = dict.fromkeys(
        replace(one, since=asked.since, substantive=substantive, min_words=min_words)
        for one in _iter_channels(asked)
    )
    return tuple({one.id: one for one in channels}.values())


def _iter_channels(asked: Asked) -> Iterator[Channel]:
    for command in asked.commands:
        program = _split_command(command)[0]
        if shutil.which(program) is None:
            raise UsageError(f"--notify-command: there is no program '{program}' here.")
        yield Channel(kind="command", target=command)
    for url in asked.urls:
        format_name, address = _split_format(url)
        yield from _build(address, format_name, source=f"--notify-url '{address}'")
    for text in asked.variables:
        format_name, name = _parse_variable(text)
        value = os.environ.get(name, "").strip()
        if not value:
            raise UsageError(f"--notify-env {name}: that environment variable is not set.")
        yield from _build(value, format_name, source=f"the variable {name}")
    for text in asked.files:
        format_name, name = _split_format(text)
        for number, line in _read_lines(Path(name)):
            yield from _build(line, format_name, source=f"line {number} of {name}")


def _split_command(command: str) -> list[str]:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UsageError(f"--notify-command '{command}' cannot be read: {error}.") from error
    if not words:
        raise UsageError("--notify-command is empty: name a program.")
    if any(is_secret(address) for word in words for address in re.findall(r"\w+://\S+", word)):
        raise UsageError(f"--notify-command {_SHOWN}let the program read it from a file.")
    return words


def _split_format(text: str) -> tuple[str | None, str]:
    match = _FORMAT.fullmatch(text)
    return (match[1], match[2]) if match else (None, text)


def strip_format(text: str) -> str:
    """Return a variable's or a file's name without the format before it.

    >>> strip_format("slack=HOOK"), strip_format("HOOK")
    ('HOOK', 'HOOK')
    """
    return _split_format(text)[1]


def _parse_variable(text: str) -> tuple[str | None, str]:
    format_name, name = _split_format(text)
    if not _NAME.fullmatch(name):
        if is_secret(name):
            raise UsageError(f"--notify-env {_SHOWN}{_INSTEAD}")
        raise UsageError(f"--notify-env '{name}' is no name of a variable: write one like SLACK_URL.")
    return format_name, name


def _read_lines(path: Path) -> list[tuple[int, str]]:
    """Return the addresses of a file with the numbers of their lines; lines of # are remarks."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "is no text"
        raise UsageError(f"--notify-file {path}: {why}.") from error
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), start=1)]
    found = [(number, line) for number, line in lines if line and not line.startswith("#")]
    if not found:
        raise UsageError(f"--notify-file {path} holds no address.")
    return found


def find_loose_files(asked: Asked) -> list[str]:
    """Return a sentence for each file with addresses that others than its owner may read."""
    said = []
    for path in (Path(_split_format(text)[1]) for text in asked.files):
        mode = path.stat().st_mode
        if stat.S_ISREG(mode) and mode & (stat.S_IRGRP | stat.S_IROTH):
            mend = shlex.join(["chmod", "600", str(path)])
            said.append(f"others than you can read {path}, which holds secrets: '{mend}' mends that")
    return said


def is_secret(address: str) -> bool:
    """Return whether who knows an address may write to it: it holds a key, or is a known service's webhook.

    >>> is_secret("https://hooks.slack.com/services/T0/B0/x"), is_secret("http://127.0.0.1:8080/hook")
    (True, False)
    >>> is_secret("smtp://me:word@mail.example.org"), is_secret("https://x.org/h?token=1")
    (True, True)
    """
    try:
        parts = urlsplit(address if "://" in address else f"https://{address}")
    except ValueError:
        return True
    if parts.scheme in ("smtp", "smtps"):
        return ":" in parts.netloc.rpartition("@")[0]
    if parts.scheme not in ("http", "https"):
        return False
    known = any(host.fullmatch(parts.hostname or "") for host, name in _HOSTS if name != "text")
    keyed = any(_TOKEN.fullmatch(part) for part in parts.path.split("/"))
    return known or keyed or "@" in parts.netloc or bool(parts.query)


def _build(address: str, format_name: str | None, *, source: str) -> list[Channel]:
    """Return the channels of an address: one, or of a mail one a recipient."""
    try:
        parts = urlsplit(address)
        is_address = bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port, or an address of IPv6, that is none
        is_address = False
    if not is_address or not address.isascii() or not address.isprintable() or " " in address:
        parts = urlsplit("")
    if parts.scheme in ("smtp", "smtps"):
        if format_name is not None:
            raise UsageError(f"{source}: a mail has no other format, leave '{format_name}=' away.")
        return _build_mail(parse_mail(address, source=source), address)
    if parts.scheme not in ("http", "https"):
        raise UsageError(
            f"{source} is no address: write one like https://example.org/hook, or smtp://server/?to=me@example.org."
        )
    if parts.username is not None:
        raise UsageError(f"{source}: an address takes no user name here; let --notify-command run a program.")
    host = parts.hostname or ""
    guessed = next((name for pattern, name in _HOSTS if pattern.fullmatch(host)), "json")
    chosen = format_name or guessed
    called = f"{'url' if chosen in ('json', 'text') else chosen} {host}"
    return [Channel(kind="url", target=address, format=chosen, called=called)]


@dataclass(frozen=True, kw_only=True)
class MailServer:
    """Where mails are handed in, and from whom to whom."""

    host: str
    port: int
    tls: str
    """starttls, implicit or none."""
    user: str
    password: str = field(repr=False)
    sender: str
    recipients: tuple[str, ...]


_MAILBOX = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def parse_mail(address: str, *, source: str) -> MailServer:
    """Return what smtp://USER:PASSWORD@HOST:PORT/?to=…&from=… means; smtps is TLS from the first byte on.

    smtp asks for STARTTLS and goes on by nothing else, but on this machine or with `tls=none`, where no
    password is sent. Several recipients are parted by commas. `source` is what the address is called.

    >>> parse_mail("smtps://me%40x.org:a%2Fb@mail.x.org/?to=you@x.org", source="it").password
    'a/b'
    """
    parts = urlsplit(address)
    user, _, password = parts.netloc.rpartition("@")[0].partition(":")
    asked = _parse_query(parts.query)
    unknown = sorted(set(asked) - {"to", "from", "tls"})
    if unknown or parts.path not in ("", "/"):
        wrong = unknown[0] if unknown else "the path"
        raise UsageError(f"{source}: {wrong} means nothing; a mail's address ends with /?to=…&from=…")
    user, password = unquote(user), unquote(password)
    sender = asked.get("from") or (user if _MAILBOX.fullmatch(user) else "")
    recipients = tuple(filter(None, re.split(r"[,\s]+", asked.get("to", ""))))
    for name, mailboxes in (("to", recipients or ("",)), ("from", (sender,))):
        for mailbox in mailboxes:
            if not _MAILBOX.fullmatch(mailbox):
                raise UsageError(f"{source}: {name}= needs a mailbox, {name}=me@example.org.")
    tls = _choose_tls(parts, asked.get("tls"), source=source, has_password=bool(password))
    default_port = 465 if tls == "implicit" else 25 if tls == "none" else 587
    return MailServer(
        host=parts.hostname or "",
        port=parts.port or default_port,
        tls=tls,
        user=user,
        password=password,
        sender=sender,
        recipients=recipients,
    )


def _parse_query(query: str) -> dict[str, str]:
    """Return the parts of a query; a + is one, as in a mailbox, and no blank.

    >>> _parse_query("to=me+alerts@x.org&from=%26@x.org")
    {'to': 'me+alerts@x.org', 'from': '&@x.org'}
    """
    pairs = (part.partition("=") for part in query.split("&") if part)
    return {unquote(name): unquote(value) for name, _, value in pairs}


def _choose_tls(parts: SplitResult, asked: str | None, *, source: str, has_password: bool) -> str:
    if asked not in (None, "none", "starttls"):
        raise UsageError(f"{source}: tls= is none or starttls; smtps:// is TLS from the first byte on.")
    if parts.scheme == "smtps":
        return "implicit"
    is_here = parts.hostname in _LOOPBACK
    if asked == "none" and has_password and not is_here:
        raise UsageError(f"{source}: no password is sent without TLS; leave tls=none away.")
    return asked or ("none" if is_here else "starttls")


def _quote(mailbox: str) -> str:
    return quote(mailbox, safe="@+")


def _build_mail(server: MailServer, address: str) -> list[Channel]:
    """Return a channel for each recipient, so that one who is refused keeps no other from being told."""
    base = address.partition("?")[0]
    channels = []
    for recipient in server.recipients:
        tls = f"&tls={server.tls}" if server.tls != "implicit" else ""
        identity = f"{server.user}@{server.host} {recipient}"
        channels.append(
            Channel(
                kind="mail",
                target=f"{base}?to={_quote(recipient)}&from={_quote(server.sender)}{tls}",
                format="mail",
                identity=identity,
                called=f"mail {recipient.rpartition('@')[2]}",
            )
        )
    return channels
