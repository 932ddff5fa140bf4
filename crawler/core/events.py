"""What happens in a run, one event a line: for machines as JSON, for people as a sentence."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from policy_archive.crawler.core.steering import clean_text, escape_steering

OURS = ("policy_archive",)


def log_event(
    log: logging.Logger, event: str, message: str, *, level: int = logging.INFO, **facts: object
) -> None:
    """Log a sentence for people that machines read as `event` with its facts."""
    log.log(level, message, extra={"event": event, "facts": facts})


class JsonLines(logging.Formatter):
    """A record as one line of JSON: `time`, `level`, `event`, `message`, then the event's facts."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "level": record.levelname.lower(),
            "event": getattr(record, "event", "log"),
            "message": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return escape_steering(json.dumps(line, ensure_ascii=False, default=str))


class PlainLines(logging.Formatter):
    """A record for people: what an archive or a page wrote into it steers no terminal."""

    def __init__(self) -> None:
        super().__init__("%(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        return clean_text(super().format(record))


@contextmanager
def log_to_stderr(*, as_json: bool = False) -> Iterator[None]:
    """Log to stderr meanwhile: every event as JSON, or warnings alone as plain lines."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if as_json else PlainLines())
    root = logging.getLogger()
    handler.addFilter(lambda record: record.levelno >= logging.WARNING or hasattr(record, "event"))
    root.addHandler(handler)
    ours = [logging.getLogger(name) for name in OURS]
    levels = [logger.level for logger in ours]
    for logger in ours:
        logger.setLevel(logging.INFO if as_json else logging.WARNING)
    try:
        yield
    finally:
        root.removeHandler(handler)
        for logger, level in zip(ours, levels, strict=True):
            logger.setLevel(level)
