"""Fields of messages that anybody may have sent, read so that no value does harm. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from detector import plain_json
from detector.events import parse_utc
from detector.mqtt.commands import NUMBER_MOST
from detector.mqtt.contract import HEALTH_EXPIRES_S, PAYLOAD_MOST

EXPIRY_MOST_S = 60.0
"""No heartbeat may put the deadline off for longer, whatever it claims."""


def object_of(payload: bytes) -> Mapping[str, Any]:
    """Return a JSON object; empty where it is none."""
    try:
        return plain_json.read(payload, most_bytes=PAYLOAD_MOST)
    except ValueError:
        return {}


def good_for_s(expires_s: object) -> float:
    """Return for how long a heartbeat is good, whatever it claims."""
    if isinstance(expires_s, int | float) and 0 < expires_s <= EXPIRY_MOST_S:
        return float(expires_s)
    return HEALTH_EXPIRES_S


def number_of(value: object) -> int | None:
    """Return a whole number that any JSON parser reads as one, or None."""
    return value if type(value) is int and 0 <= value < NUMBER_MOST else None


def moment_of(value: object) -> datetime | None:
    """Return a moment with its offset, which every time zone can show, or None."""
    try:
        return parse_utc(value) if isinstance(value, str) else None
    except ValueError:
        return None
