"""Receivers of alerts that refuse what the services refuse: their limits, by their own documents.

Each `refuse_…` takes what was posted and returns the service's word for what is wrong, '' when it takes it.
The sources of the limits stand beside the formats, in pipelines/notify/formats/.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest

from policy_archive.data import DATA

jsonschema = pytest.importorskip("jsonschema", reason="needs jsonschema: pip install -e '.[test]'")
_SCHEMA = jsonschema.Draft202012Validator(json.loads((DATA / "alert.schema.json").read_text("utf-8")))


def units(text: str) -> int:
    """Return a text's length as JavaScript and C# count it, the longest count there is."""
    return len(text.encode("utf-16-le")) // 2


def is_web_address(url: object) -> bool:
    return (
        isinstance(url, str)
        and bool(re.fullmatch("[!-~]+", url))
        and urlsplit(url).scheme in ("http", "https")
    )


def parse(body: bytes) -> Any:
    try:
        return json.loads(body.decode("utf-8"))
    except ValueError:
        return None


# Slack


def refuse_slack(body: bytes) -> str:
    message = parse(body)
    if not isinstance(message, dict):
        return "invalid_payload"
    text, blocks = message.get("text"), message.get("blocks", [])
    if not text and not blocks:
        return "no_text"
    if not isinstance(text, str) or len(text) > 40_000:
        return "msg_too_long"
    if re.search(r"<[!@#]|<[^<>]*\|", text):  # a mention, or a link that a page made up
        return "mentions"
    if not isinstance(blocks, list) or len(blocks) > 50 or not all(map(_is_slack_block, blocks)):
        return "invalid_blocks"
    return "msg_blocks_too_long" if sum(map(_count_slack_text, blocks)) > 13_000 else ""


def _is_slack_block(block: Any) -> bool:
    if block["type"] == "header":
        return _is_slack_text(block["text"], most=150) and block["text"]["type"] == "plain_text"
    if block["type"] == "section":
        return _is_slack_text(block["text"], most=3000)
    return block["type"] == "rich_text" and all(map(_is_rich_element, block["elements"]))


def _is_slack_text(text: Any, *, most: int) -> bool:
    return text["type"] in ("plain_text", "mrkdwn") and 1 <= units(text["text"]) <= most


def _is_rich_element(element: Any) -> bool:
    kind, parts = element["type"], element["elements"]
    if kind == "rich_text_list":
        return element["style"] in ("bullet", "ordered") and all(map(_is_rich_element, parts))
    return kind in ("rich_text_section", "rich_text_quote") and bool(parts) and all(map(_is_rich_part, parts))


def _is_rich_part(part: Any) -> bool:
    style = part.get("style", {})
    if not set(style) <= {"bold", "italic", "strike", "code"} or not all(v is True for v in style.values()):
        return False
    if part["type"] == "link":
        return is_web_address(part["url"]) and len(part["url"]) <= 3000
    return part["type"] == "text" and isinstance(part["text"], str) and 1 <= units(part["text"]) <= 3000


def _count_slack_text(value: Any) -> int:
    if isinstance(value, dict):
        return sum(map(_count_slack_text, value.values()))
    if isinstance(value, list):
        return sum(map(_count_slack_text, value))
    return units(value) if isinstance(value, str) else 0


# Discord


def refuse_discord(body: bytes) -> str:
    message = parse(body)
    if not isinstance(message, dict):
        return "50109 The request body contains invalid JSON."
    content, embeds = message.get("content", ""), message.get("embeds", [])
    if not content and not embeds:
        return "50006 Cannot send an empty message"
    if units(content) > 2000 or len(embeds) > 10 or not all(map(_is_embed, embeds)):
        return "50035 Invalid Form Body"
    if sum(units(embed.get("title", "")) + units(embed.get("description", "")) for embed in embeds) > 6000:
        return "50035 Invalid Form Body: MAX_EMBED_SIZE_EXCEEDED"
    if message.get("allowed_mentions") != {"parse": []}:
        return "mentions"
    shown = [content, *(embed.get("description", "") for embed in embeds)]
    return (
        "mentions" if any(re.search(r"(?<!\\)@(?:everyone|here)|(?<!\\)<@", text) for text in shown) else ""
    )


def _is_embed(embed: Any) -> bool:
    title, description, url = (embed.get(name, "") for name in ("title", "description", "url"))
    fits = units(title) <= 256 and units(description) <= 4096
    return fits and bool(title or description) and (not url or (is_web_address(url) and len(url) <= 2048))


# Teams


def refuse_teams(body: bytes) -> str:
    if len(body) > 28 * 1024:
        return "413 Request entity too large"
    message = parse(body)
    if not isinstance(message, dict) or message.get("type") != "message" or not message.get("attachments"):
        return "400 TriggerInputSchemaMismatch"
    for attachment in message["attachments"]:
        card = attachment["content"]
        if attachment["contentType"] != "application/vnd.microsoft.card.adaptive":
            return "400 unknown card"
        if card["type"] != "AdaptiveCard" or card["version"] > "1.5" or "entities" in card.get("msteams", {}):
            return "400 not an adaptive card, or one that mentions"
        if not all(map(_is_card_element, card["body"])) or not all(map(_is_action, card.get("actions", []))):
            return "400 invalid card"
    return ""


def _is_card_element(element: Any) -> bool:
    inlines = element["inlines"]
    are_runs = all(
        run["type"] == "TextRun" and isinstance(run["text"], str) and run["text"] for run in inlines
    )
    return element["type"] == "RichTextBlock" and bool(inlines) and are_runs


def _is_action(action: Any) -> bool:
    return action["type"] == "Action.OpenUrl" and bool(action["title"]) and is_web_address(action["url"])


# The others


def refuse_text(body: bytes) -> str:
    if len(body) > 4096:
        return "400 attachments not allowed"
    text = body.decode("utf-8")
    return "" if text.strip() and "\x1b" not in text else "400 message empty"


def refuse_json(body: bytes) -> str:
    if body.count(b"\n") != 1 or not body.endswith(b"\n"):
        return "not one line"
    return "; ".join(error.message for error in _SCHEMA.iter_errors(parse(body)))


def refuse_mail(message: EmailMessage) -> str:
    """Return what a mail server, or who reads the mail, would object to."""
    raw = message.as_bytes()
    if any(len(line) > 998 for line in raw.split(b"\r\n")):
        return "500 line too long"
    read = message_from_bytes(raw, policy=SMTP)
    extra = set(read.keys()) - {"From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted"}
    if extra - {"MIME-Version", "Content-Type"}:
        return f"headers of others: {sorted(extra)}"
    if any(len(read.get_all(name, [])) != 1 for name in ("From", "To", "Subject", "Date", "Message-ID")):
        return "550 headers not by RFC 5322"
    if [part.get_content_type() for part in read.iter_parts()] != ["text/plain", "text/html"]:
        return "parts"
    return ""


REFUSE: dict[str, Callable[[bytes], str]] = {
    "slack": refuse_slack,
    "discord": refuse_discord,
    "teams": refuse_teams,
    "text": refuse_text,
    "json": refuse_json,
}
_TAKEN = {"discord": 204, "teams": 202}


@dataclass
class Service:
    """A chat on this machine."""

    url: str
    taken: list[bytes] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    """Idempotency-Key of all that came."""
    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    """Status, headers and body of the next answers, whatever is posted."""


@contextmanager
def serve_chat(format_name: str) -> Iterator[Service]:
    """Serve a chat that takes what the service of a format takes, and says no to the rest."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            service.keys.append(self.headers["Idempotency-Key"])
            if service.answers:
                self._answer(*service.answers.pop(0))
                return
            is_json = self.headers["Content-Type"].startswith("application/json")
            why = REFUSE[format_name](body) if is_json == (format_name != "text") else "invalid content type"
            if why:
                service.refused.append(why)
                self._answer(400, {}, why.encode())
            else:
                service.taken.append(body)
                self._answer(_TAKEN.get(format_name, 200), {}, b"")

        def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status != 204:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    service = Service(url=f"http://127.0.0.1:{server.server_port}/hook")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
