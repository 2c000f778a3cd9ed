"""Tell push services whose messages these are: VAPID, RFC 8292. The data folder keeps the key."""

from __future__ import annotations

import base64
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02

from detector.push.links import kept_key

KEY_FILE = "web-push.key"  # in the data folder
KEY_BYTES = 32

EXPIRES_S = 12 * 3600  # at most 24 h (RFC 8292, 2); a clock that is an hour wrong is still taken

CONTACT = "https://github.com/spasmwatch/spasmwatch"
"""Whom a push service turns to when something is wrong (RFC 8292, 2.1): the project, as the
household's own address is nobody's business there. Apple refuses names that are reserved."""


class VapidKey:
    """The key of a data folder, which is made where there is none; StorageError where it cannot.

    Subscriptions are good for this key alone: with another, browsers subscribe again when their
    page is opened.
    """

    def __init__(self, folder: Path) -> None:
        raw = kept_key(folder / KEY_FILE, fresh=_fresh, usable=_usable)
        self._vapid = Vapid02.from_raw(base64.urlsafe_b64encode(raw))
        self._vapid.conf = {"no-strict": True}  # else it takes no address with a path

    @property
    def public(self) -> str:
        """The public key, as a browser needs it to subscribe: an uncompressed point, base64url."""
        point = self._vapid.public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return base64.urlsafe_b64encode(point).decode().rstrip("=")

    def authorization(self, origin: str, now_s: float) -> str:
        """Return the header that proves to the push service at an origin that we are the sender.

        Parameters
        ----------
        now_s : UTC, s since 1970
        """
        claims = {"aud": origin, "exp": int(now_s) + EXPIRES_S, "sub": CONTACT}
        header: str = self._vapid.sign(claims)["Authorization"]
        return header


def _usable(raw: bytes) -> bool:
    """Return whether bytes are a private key: zeros, which a power cut leaves, are none."""
    if len(raw) != KEY_BYTES:
        return False
    try:
        ec.derive_private_key(int.from_bytes(raw, "big"), ec.SECP256R1())
    except ValueError:
        return False
    return True


def _fresh() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_numbers().private_value.to_bytes(KEY_BYTES, "big")
