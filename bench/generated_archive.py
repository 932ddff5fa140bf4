"""An archive of made-up sites of any number, written when asked for: what long runs are measured on."""

from __future__ import annotations

import hashlib
from base64 import b32encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from policy_archive.archive_server.captures import CapturedAnswer
from policy_archive.crawler.core.records import CdxRow
from policy_archive.crawler.core.timestamps import format_timestamp, parse_timestamp
from policy_archive.crawler.core.urlkeys import urlkey

FIRST = datetime(2005, 1, 1, 12, tzinfo=UTC)
CAPTURES_A_VERSION = 8
HOME_EVERY = 25
"""The home page is captured beside every 25th capture of the policy."""
ODD_EVERY = 20
"""One in twenty captures of a policy is none: an error, a redirect, nothing at all."""
_ODD_AT = 13  # not the first of its twenty: a site is found by a text
_ODD_STATUSES = (404, 403, 429, 503, 301, 302, None)  # None: listed, but the archive has lost it

_SENTENCES = """
We collect personal information that you give us, such as your name, address and email address.
We use cookies and similar technologies to remember your settings and to measure how our website is used.
We do not sell your personal information to third parties, and share it only as this policy describes.
You have the right to access, correct and delete the personal data that we hold about you.
We keep your data only as long as we need it to provide our services or as the law requires.
Our service providers process personal data on our behalf and under our instructions.
We protect your information with technical and organisational measures against loss and misuse.
If you have questions about this privacy policy, please contact us by mail at our postal address.
""".strip().splitlines()


@dataclass(frozen=True, kw_only=True)
class GeneratedArchive:
    """Sites with one policy each; each capture has its own bytes, every 8th a new text, every 20th none."""

    sites: int
    captures: int
    """Of each policy."""
    paragraphs: int = len(_SENTENCES)
    days_between: float = 11.3

    @property
    def texts(self) -> int:
        """Captures of one policy that hold its text."""
        return sum(not _is_odd(number) for number in range(self.captures))

    @property
    def versions(self) -> int:
        """Texts of one policy, one after the other."""
        return -(-self.captures // CAPTURES_A_VERSION)

    @property
    def _step(self) -> timedelta:
        return timedelta(seconds=round(self.days_between * 86_400))

    def site(self, number: int) -> str:
        return f"site{number:05}.example"

    def iter_rows(self) -> Iterator[CdxRow]:
        for site in range(self.sites):
            for number in range(self.captures):
                yield self._row(site, number, "/privacy")
                if number % HOME_EVERY == 0:
                    yield self._row(site, number, "/")

    def load(self, row: CdxRow) -> CapturedAnswer | None:
        site = int(row.original.split("//www.site")[1][:5])
        number = round((parse_timestamp(row.timestamp) - FIRST) / self._step)
        is_policy = row.original.endswith("/privacy")
        status = _status_of(site, number) if is_policy else 200
        if status is None:
            return None
        body = self._build_body(site, number, is_policy)
        headers = [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(body)))]
        if status in (301, 302):  # the former to itself, the latter to where nothing was captured
            headers.append(("Location", row.original if status == 301 else "/moved"))
        return CapturedAnswer(status=status, reason="", headers=tuple(headers), body=body)

    def _row(self, site: int, number: int, path: str) -> CdxRow:
        url = f"https://www.{self.site(site)}{path}"
        is_policy = path == "/privacy"
        body = self._build_body(site, number, is_policy)
        status = _status_of(site, number) if is_policy else 200
        is_unknown = status is None or (status != 200 and number // ODD_EVERY % 2 == 0)
        return CdxRow(
            urlkey=urlkey(url),
            timestamp=format_timestamp(FIRST + number * self._step),
            original=url,
            mimetype="text/html",
            statuscode="-" if is_unknown else str(status),
            digest=b32encode(hashlib.sha1(body, usedforsecurity=False).digest()).decode(),
            length=len(body) // 2,
        )

    def _build_body(self, site: int, number: int, is_policy: bool) -> bytes:
        name = f"House of {_name(site)}"  # in letters: a site called 404 would be read as an error page
        menu = f'<nav><a href="/news?{number}">News</a> <a href="/privacy">Privacy policy</a></nav>'
        status = _status_of(site, number) if is_policy else 200
        if status != 200:
            return f"<title>{status}</title><h1>{status}</h1><p>Moment {number} of {name}.</p>".encode()
        text = self._build_policy(name, number) if is_policy else f"<h1>{name}</h1><p>Welcome to {name}.</p>"
        title = f"Privacy policy of {name}" if is_policy else name
        return f"<!doctype html><title>{title}</title><body>{menu}<main>{text}</main></body>".encode()

    def _build_policy(self, name: str, number: int) -> str:
        edition = number // CAPTURES_A_VERSION
        paragraphs = [
            f"{_SENTENCES[place % len(_SENTENCES)]} This is clause {place + 1} of {name}."
            for place in range(self.paragraphs)
        ]
        changed = edition % self.paragraphs
        paragraphs[changed] += f" Clause {changed + 1} was revised in edition {edition + 1}."
        return f"<h1>Privacy policy of {name}</h1>" + "".join(f"<p>{text}</p>" for text in paragraphs)


def _is_odd(number: int) -> bool:
    return number % ODD_EVERY == _ODD_AT


def _status_of(site: int, number: int) -> int | None:
    """Return what a policy's capture was answered with; None: the archive has lost it."""
    return _ODD_STATUSES[(site + number // ODD_EVERY) % len(_ODD_STATUSES)] if _is_odd(number) else 200


def _name(number: int) -> str:
    """Return a number in letters.

    >>> _name(404)
    'Eae'
    """
    return "".join(chr(ord("a") + int(digit)) for digit in str(number)).capitalize()
