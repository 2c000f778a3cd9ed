"""Channels of the log that are no more: a cursor that nobody moves would keep every entry."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection


def close_channels(db: sqlite3.Connection, prefix: str, kept: Collection[str]) -> None:
    """Forget the channels whose name begins so, but for these; inside `State`'s transaction.

    Parameters
    ----------
    prefix : of letters and a colon, such as push:
    """
    known = db.execute("SELECT channel FROM cursor WHERE channel LIKE ? || '%'", (prefix,))
    for (channel,) in known.fetchall():
        if channel not in kept:
            for table in ("cursor", "passed", "refusal"):
                db.execute(f"DELETE FROM {table} WHERE channel = ?", (channel,))  # noqa: S608
