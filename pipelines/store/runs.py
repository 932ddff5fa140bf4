"""The runs that a database notes, and forecasts beside what came of them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from typing import Any

_RUNS = """
select id, command, started_at, status, reason, index_requests, replay_requests, forecast
from runs order by id
"""
_TOOK = """
select coalesce(sum(captures.requests), 0) from captures
join documents on documents.id = captures.document_id
where captures.run_id > ? and documents.site in (select value from json_each(?))
"""


def iter_runs(connection: sqlite3.Connection) -> Iterator[dict[str, Any]]:
    """Yield each run, the oldest first: its requests, and a plan's forecast beside what its sites took."""
    for number, command, started, status, reason, index, replay, text in connection.execute(_RUNS):
        forecast = json.loads(text) if text else None
        yield {
            "run": number,
            "command": command,
            "started": started,
            "status": status,
            "index_requests": index,
            "replay_requests": replay,
            **_compare(connection, number, forecast),
            "reason": reason,
        }


def _compare(connection: sqlite3.Connection, run_id: int, forecast: dict[str, Any] | None) -> dict[str, Any]:
    """Return the forecast of a plan beside what its sites took afterwards; of a sample only the forecast."""
    if forecast is None:
        return {"forecast_low": None, "forecast_likely": None, "forecast_high": None, "took": None}
    took = None
    if forecast["asked"] == forecast["sites"]:
        took = connection.execute(_TOOK, (run_id, json.dumps(forecast["sites_asked"]))).fetchone()[0]
    requests = forecast["requests"]
    return {
        **{f"forecast_{name}": round(requests[name]) for name in ("low", "likely", "high")},
        "took": took,
    }
