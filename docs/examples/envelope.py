"""Prints the envelope hash of each message on standard input, one JSON object a line. Python 3.11 or later."""

import hashlib
import json
import sys
from datetime import datetime, timezone
from uuid import UUID

import rfc8785


def timestamp(ts: datetime) -> str:
    """In UTC, without trailing zeros: 2026-01-02T03:04:05.12Z."""
    utc = ts.astimezone(timezone.utc).replace(tzinfo=None)
    return utc.isoformat(timespec="microseconds").rstrip("0").rstrip(".") + "Z"


def envelope(message: dict) -> dict:
    return {
        "cost": message["cost"],
        "from": message["from_agent"],
        "id": str(UUID(message["id"])),
        "metadata": message["metadata"],
        "payload": message["payload"],
        "span_id": message["span_id"] or "",
        "to": message["to_agent"],
        "trace_id": message["trace_id"] or "",
        "ts": timestamp(datetime.fromisoformat(message["ts"])),
        "type": message["type"],
    }


def envelope_hash(message: dict) -> str:
    return hashlib.sha256(rfc8785.dumps(envelope(message))).hexdigest()


if __name__ == "__main__":
    for line in sys.stdin:
        print(envelope_hash(json.loads(line)))
