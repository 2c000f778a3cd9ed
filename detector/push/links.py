"""Addresses that notifications carry: the page, and the button that answers an alert."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from detector.config import WebSettings
from detector.errors import StorageError
from detector.files import PRIVATE, hand_over, read_start
from detector.push.tokens import KEY_BYTES, PushAnswer, make_token

KEY_FILE = "push.key"  # in the data folder
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
    return kept_key(folder / KEY_FILE, KEY_BYTES, lambda: secrets.token_bytes(KEY_BYTES))


def kept_key(path: Path, size_bytes: int, fresh: Callable[[], bytes]) -> bytes:
    """Return the key in a file that is its owner's alone; a fresh one where there is none.

    Raises
    ------
    StorageError
        It cannot be read or made.
    """
    try:
        try:
            key = read_start(path, size_bytes + 1)
        except FileNotFoundError:
            key = b""
        if len(key) != size_bytes:  # none yet, or cut short: what the old one proved is void
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            key = fresh()
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, PRIVATE)
            hand_over(descriptor, path.parent)
            with os.fdopen(descriptor, "wb") as file:
                file.write(key)
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}") from error
    return key
