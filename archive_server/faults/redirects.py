"""The answer leads elsewhere: another time, another host, or round in circles."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from policy_archive.archive_server.answers import Answer, Request
from policy_archive.archive_server.faults.base import Fault, Proceed, When, replay

_ADDRESS = re.compile(r"(/web/)([0-9]{14})([a-z_]*/.+)")

HOSTILE_LOCATIONS = (
    "http://localhost:1/",
    "http://127.0.0.2:1/",
    "http://[::1]:1/",
    "http://0x7f.1:1/",
    "http://2130706433:1/",
    "http://169.254.169.254/latest/meta-data/",
    "file:///etc/passwd",
    "ftp://127.0.0.1/x",
    "gopher://127.0.0.1:1/x",
    "//other-host.invalid/web/2018/",
    "data:text/html,policy",
)
"""Where no client of an archive may ever go."""


@dataclass(kw_only=True)
class Drift(Fault):
    """The capture cannot be played: a nearest-time redirect to one of another time."""

    to: str
    """14 digits of a capture that the archive has; asked for directly it is served."""
    when: When = replay

    def answer(self, request: Request, proceed: Proceed) -> Answer:
        match = _ADDRESS.fullmatch(request.target)
        if not match or match[2] == self.to:
            return proceed(request)
        headers = (
            ("Content-Type", "text/plain"),
            ("x-archive-redirect-reason", f"found capture at {self.to}"),
            ("Location", f"{request.archive_url}{match[1]}{self.to}{match[3]}"),
        )
        return Answer(status=302, headers=headers)


@dataclass(kw_only=True)
class Redirected(Fault):
    """A redirect of the archive to any Location, raw; `captured` makes it look like a capture."""

    location: str
    captured: bool = False
    when: When = replay

    def answer(self, request: Request, proceed: Proceed) -> Answer:
        headers: tuple[tuple[str, str], ...] = (("Location", self.location),)
        if self.captured:
            answer = proceed(request)
            headers = (*answer.without("location"), *headers)
        return Answer(status=302, headers=headers)


@dataclass(kw_only=True)
class CrLfLocation(Fault):
    """A Location that tries to smuggle in a header of its own."""

    when: When = replay

    def answer(self, request: Request, proceed: Proceed) -> Answer:
        smuggled = "/web/2018\r\nSet-Cookie: smuggled=1"
        return Answer(status=302, headers=(("Location", smuggled),))


@dataclass(kw_only=True)
class Loop(Fault):
    """Captured redirects in a circle of so many steps; 1: to itself."""

    steps: int = 2
    when: When = replay

    def answer(self, request: Request, proceed: Proceed) -> Answer:
        base, _, step = request.target.partition("%23loop=")
        following = (int(step or 0) + 1) % self.steps
        answer = proceed(replace(request, target=base))
        location = f"{request.archive_url}{base}" + (f"%23loop={following}" if following else "")
        headers = (*answer.without("location"), ("Location", location))
        return Answer(status=302, headers=headers)


@dataclass(kw_only=True)
class LocationForm(Fault):
    """Captured redirects give their Location as `absolute`, `path`, `scheme-relative` or `https`."""

    form: str
    when: When = replay

    def answer(self, request: Request, proceed: Proceed) -> Answer:
        answer = proceed(request)
        location = answer.header("location")
        if location is None:
            return answer
        path = location[location.index("/web/") :]
        bases = {
            "absolute": request.archive_url,
            "path": "",
            "scheme-relative": request.archive_url.removeprefix("http:"),
            "https": request.archive_url.replace("http:", "https:", 1),
        }
        headers = (*answer.without("location"), ("Location", bases[self.form] + path))
        return replace(answer, headers=headers)
