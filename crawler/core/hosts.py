"""Who may ask a server of ours: nobody by a foreign name, and no other site's page."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Mapping


def why_refused(headers: Mapping[str, str], allowed: Collection[str]) -> str:
    """Return why a request with these headers (lower-case names) gets no answer, '' when it gets one.

    A name may be made to stand for 127.0.0.1 by whoever owns it (DNS rebinding), and its pages
    then read ours; other sites' pages may send requests here, but for links that a person follows.
    """
    if not is_allowed_host(headers.get("host", ""), allowed):
        return "This name is not one of this server's: start it with --allow-host NAME."
    foreign = headers.get("sec-fetch-site", "none") in ("cross-site", "same-site")
    if foreign and headers.get("sec-fetch-mode") != "navigate":
        return "Pages of other sites may not ask this server."
    return ""


def is_allowed_host(host: str, allowed: Collection[str]) -> bool:
    """Return whether a Host header names an address in digits, this machine, or a name that was allowed.

    >>> [is_allowed_host(h, ["x.org"]) for h in ("[::1]:80", "127.0.0.1", "X.org:80", "evil.example", "")]
    [True, True, True, False, False]
    """
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
    name = name.strip("[]").rstrip(".").lower()
    if name == "localhost" or name in {one.lower() for one in allowed}:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
