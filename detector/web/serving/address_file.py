"""Where the page is: the service writes it, other commands on this computer read it."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from detector import plain_json
from detector.files import PRIVATE, read_start, write_whole

NAME = "page.json"
SCHEMA = "page-address/2"
LARGEST_BYTES = 4096


@dataclass(frozen=True, slots=True)
class PageAddress:
    """Where a page is, and what proves that who asks may read its data folder.

    address : for people
    host, port : for programs on this computer
    key : of this process; a secret
    certificate : SHA-256 of the one it shows, in hex; empty without TLS
    """

    address: str
    host: str
    port: int
    key: str = field(repr=False)
    certificate: str = ""


def write_address(folder: Path, page: PageAddress) -> None:
    """Write where a page listens now; where the disk refuses, other commands do not find it."""
    with suppress(OSError):
        text = json.dumps({"schema": SCHEMA, **asdict(page)})
        write_whole(folder / NAME, text, mode=PRIVATE, synced=False)


def remove_address(folder: Path, page: PageAddress) -> None:
    """Remove it, if it is still this page's."""
    if read_address(folder) == page:
        with suppress(OSError):
            (folder / NAME).unlink()


def read_address(folder: Path) -> PageAddress | None:
    """Return where the page is that listens; None where none does."""
    try:
        said = plain_json.parsed(read_start(folder / NAME, LARGEST_BYTES))
        if not isinstance(said, dict) or said.get("schema") != SCHEMA:
            return None
        texts = {name: said[name] for name in ("address", "host", "key", "certificate")}
        plain = all(isinstance(text, str) and text.isprintable() for text in texts.values())
        return PageAddress(**texts, port=int(said["port"])) if plain else None
    except (OSError, ValueError, TypeError, KeyError):
        return None
