"""Where the page is: the service writes it, `pair` on the same computer reads it."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from detector import plain_json
from detector.files import PRIVATE, read_start, write_whole

NAME = "page.json"
SCHEMA = "page-address/1"
LARGEST_BYTES = 4096


def write_address(folder: Path, address: str) -> None:
    """Write the address of a page that listens now; where the disk refuses, `pair` guesses it."""
    with suppress(OSError):
        text = json.dumps({"schema": SCHEMA, "address": address})
        write_whole(folder / NAME, text, mode=PRIVATE, synced=False)


def remove_address(folder: Path, address: str) -> None:
    """Remove it, if it is still this page's."""
    if read_address(folder) == address:
        with suppress(OSError):
            (folder / NAME).unlink()


def read_address(folder: Path) -> str | None:
    """Return the address of the page that listens; None where none does."""
    try:
        said = plain_json.parsed(read_start(folder / NAME, LARGEST_BYTES))
    except (OSError, ValueError):
        return None
    if not isinstance(said, dict) or said.get("schema") != SCHEMA:
        return None
    address = said.get("address")
    return address if isinstance(address, str) and address.isprintable() else None
