"""Tokens in a notification's button: they prove who answers which alert. Pure.

A token is what it says, in base64, and an HMAC of that: whoever holds the notification may
acknowledge its one alert in its one contact's name, for a day, and nothing else.
"""

from __future__ import annotations

import base64
import hmac
import json
from dataclasses import dataclass
from hashlib import sha256

from detector.alerts.commands import ID, PERSON

EXPIRES_S = 24 * 3600
"""A night and the morning after it; the button of an old notification does nothing."""

KEY_BYTES = 32
LONGEST = 512  # characters of a token; one that we make has 180 at most
_PURPOSE = b"spasmwatch push ack 1\n"  # the key signs nothing else that could be taken for this
_MAC_BYTES = 16  # 2**128 guesses, in an address of bearable length


class TokenError(ValueError):
    """The token is not ours, or too old; one sentence says which."""


@dataclass(frozen=True, slots=True)
class PushAnswer:
    """What a token says: a contact answers an alert."""

    alert: str
    contact: str


def make_token(key: bytes, answer: PushAnswer, now_s: float) -> str:
    """Return the token of an answer, from now on.

    Parameters
    ----------
    now_s : UTC, s since 1970
    """
    said = json.dumps([answer.alert, answer.contact, int(now_s) + EXPIRES_S]).encode()
    return f"{_text(said)}.{_text(_mac(key, said))}"


def verify_token(key: bytes, token: str, now_s: float) -> PushAnswer:
    """Return what a token says.

    Raises
    ------
    TokenError
        It was not made with this key, or more than a day ago.
    """
    try:
        said_text, mac_text = token[: LONGEST + 1].split(".")
        said, mac = _bytes(said_text), _bytes(mac_text)
    except ValueError:
        raise TokenError("this is no answer to an alert") from None
    if len(token) > LONGEST or not hmac.compare_digest(mac, _mac(key, said)):
        raise TokenError("this answer to an alert is not from this spasmwatch")
    alert, contact, until_s = json.loads(said)  # ours, as the HMAC says
    if not ID.fullmatch(alert) or not PERSON.fullmatch(contact):
        raise TokenError("this is no answer to an alert")
    if not now_s <= until_s <= now_s + 2 * EXPIRES_S:  # a clock that was set back is none of ours
        raise TokenError("this notification is too old to answer: open the page")
    return PushAnswer(alert, contact)


def _mac(key: bytes, said: bytes) -> bytes:
    return hmac.digest(key, _PURPOSE + said, sha256)[:_MAC_BYTES]


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    """Return what `_text` wrote; ValueError for any other text, so that a token has one form."""
    data = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    if _text(data) != text:
        raise ValueError("not canonical")
    return data
