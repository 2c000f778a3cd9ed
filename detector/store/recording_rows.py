"""The rows of a recording: items as SQLite keeps them, each with a CRC over place and content."""

from __future__ import annotations

import json
import struct
from typing import Any, get_args
from zlib import crc32

from detector.devices.stream import Item, LinkDown, LinkUp, Packet

SCHEMA = "recording/1"

TABLES = (
    "CREATE TABLE header (body TEXT NOT NULL, crc INTEGER NOT NULL)",
    """CREATE TABLE item (
        seq INTEGER PRIMARY KEY, type INTEGER NOT NULL, session INTEGER NOT NULL,
        mono_ns INTEGER NOT NULL, utc_ns INTEGER NOT NULL,
        texts TEXT NOT NULL, data BLOB NOT NULL, crc INTEGER NOT NULL)""",
    "CREATE TABLE note (seq INTEGER PRIMARY KEY, utc_ns INTEGER NOT NULL, body TEXT NOT NULL)",
)
"""`type` is 1 LinkUp, 2 Packet, 3 LinkDown; `texts` their text fields as a JSON list."""

MAX_ROW = 1 << 20  # bytes; a notification has at most 512, so anything larger is an attack
_TYPES: tuple[type[Item], ...] = get_args(Item)
Row = tuple[Any, ...]
_PLACE = struct.Struct("<5qI")


def to_row(seq: int, item: Item) -> Row:
    """Return a table row."""
    match item:
        case LinkUp():
            texts, data = [item.driver, item.address, item.name], b""
        case Packet():
            texts, data = [item.channel], item.data
        case LinkDown():
            texts, data = [item.reason], b""
    text = json.dumps(texts)  # ASCII, so that even a name that is no valid Unicode can be kept
    place = (seq, _TYPES.index(type(item)) + 1, item.session, item.mono_ns, item.utc_ns)
    return *place, text, data, _crc(place, text.encode(), data)


def from_row(row: Row | None) -> Item | None:
    """Return the item of a row, None unless it is exactly what was written."""
    try:
        seq, kind, session, mono_ns, utc_ns, text, data, crc = row or ()
        if crc != _crc((seq, kind, session, mono_ns, utc_ns), text, data):
            return None
        texts = json.loads(text)
        if not all(isinstance(value, str) for value in texts):
            return None
        if kind == 1:
            driver, address, name = texts
            return LinkUp(session, driver, address, name, mono_ns, utc_ns)
        (only,) = texts
        if kind == 2:
            return Packet(session, only, data, mono_ns, utc_ns)
        return LinkDown(session, only, mono_ns, utc_ns) if kind == 3 else None
    except (ValueError, TypeError, struct.error, RecursionError):
        return None


def _crc(place: tuple[int, ...], text: bytes, data: bytes) -> int:
    return crc32(data, crc32(text, crc32(_PLACE.pack(*place, len(text)))))
