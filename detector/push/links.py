"""Addresses that notifications carry: the page, and the button that answers an alert."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from detector.config import WebSettings
from detector.errors import StorageError
from detector.files import PRIVATE, locked, read_start, replacement
from detector.push.tokens import KEY_BYTES, PushAnswer, make_token

KEY_FILE = "push.key"  # in the data folder
LONGEST_KEY_BYTES = 64  # read of a file: a longer one is no key
ANSWER_PATH = "/push/ack/"  # of the page; the token stands behind it


@dataclass(frozen=True, slots=True)
class AnswerLinks:
    """Makes the addresses of one page.

    page : address at which a phone reaches it, without a slash at the end
    key : that the page verifies tokens with
    """

    page: str
    key: bytes

    def answer(self, alert_id: str, contact: str, at: datetime) -> str:
        """Return the address that acknowledges an alert for a contact, for a day from `at`."""
        token = make_token(self.key, PushAnswer(alert_id, contact), at.timestamp())
        return f"{self.page}{ANSWER_PATH}{token}"


def links_of(web: WebSettings, folder: Path) -> AnswerLinks | None:
    """Return what makes the addresses of the settings' page; None where no phone reaches one.

    Raises
    ------
    StorageError
        The key in the data folder cannot be read or made.
    """
    if web.public_url is None or not web.enabled:
        return None
    return AnswerLinks(web.public_url, answer_key(folder))


def answer_key(folder: Path) -> bytes:
    """Return the key of a data folder, which is made where there is none.

    Raises
    ------
    StorageError
        It cannot be read or made.
    """
    return kept_key(
        folder / KEY_FILE,
        fresh=lambda: secrets.token_bytes(KEY_BYTES),
        usable=lambda key: len(key) == KEY_BYTES and any(key),  # zeros: a power cut left them
    )


def kept_key(path: Path, *, fresh: Callable[[], bytes], usable: Callable[[bytes], bool]) -> bytes:
    """Return the key in a file that is its owner's alone; a fresh one where none is usable.

    Whoever asks at the same time, in this process or another, gets the same key.

    Raises
    ------
    StorageError
        It cannot be read or made.
    """
    try:
        key = _read(path)
        if not usable(key):  # none yet, or damaged: what the old one proved is void
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with locked(path):
                key = _read(path)
                if not usable(key):
                    key = fresh()
                    with replacement(path, mode=PRIVATE) as draft:
                        draft.write_bytes(key)
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}") from error
    return key


def _read(path: Path) -> bytes:
    try:
        return read_start(path, LONGEST_KEY_BYTES)
    except FileNotFoundError:
        return b""
