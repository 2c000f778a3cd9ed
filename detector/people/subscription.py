"""Where a browser takes push messages, as it says so itself (W3C Push API). Pure."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import urlsplit

MAKERS = (
    "fcm.googleapis.com",
    "push.services.mozilla.com",
    "push.apple.com",
    "notify.windows.com",
)
"""Push services of Chrome and what is built on it, Firefox, Safari and Edge: they and what lies
below them. A browser names the address itself, so that no other is ever asked."""

LONGEST_ENDPOINT = 1024  # characters; Edge's, the longest, have about 500
POINT_BYTES, UNCOMPRESSED = 65, 4  # of a public key on P-256 (RFC 8291, 3.1)
SECRET_BYTES = 16  # RFC 8291, 3.2

HOST = re.compile(r"(?:[a-z0-9][a-z0-9.-]*|\[[0-9a-f:]+\])(?::[0-9]{1,5})?", re.IGNORECASE)
"""A host, and its port. Readers of addresses differ in what else may stand there: one sees a
backslash as part of the host, another as its end, and so asks another computer than was checked."""


@dataclass(frozen=True, slots=True)
class PushSubscription:
    """A browser that takes push messages.

    endpoint : address of its maker's push service; a secret
    p256dh, auth : key and secret with which messages are encrypted, base64url
    """

    endpoint: str = field(repr=False)
    p256dh: str = field(repr=False)
    auth: str = field(repr=False)

    @property
    def origin(self) -> str:
        """Scheme, host and port of the push service."""
        return "{0.scheme}://{0.netloc}".format(urlsplit(self.endpoint))

    def to_dict(self) -> dict[str, str]:
        """Return a JSON object, which `subscription_of` reads."""
        return asdict(self)


def subscription_of(said: Any) -> PushSubscription:
    """Return what a browser says of its subscription.

    Raises
    ------
    ValueError
        It is none; one sentence says why.
    """
    try:
        found = PushSubscription(
            _text(said["endpoint"]), _text(said["p256dh"]), _text(said["auth"])
        )
        point, secret = decoded(found.p256dh), decoded(found.auth)
        url = urlsplit(found.endpoint)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError("this is no subscription of a browser") from error
    if len(point) != POINT_BYTES or point[0] != UNCOMPRESSED or len(secret) != SECRET_BYTES:
        raise ValueError("this subscription has no key that can be used")
    if url.scheme != "https" or not HOST.fullmatch(url.netloc):
        raise ValueError("a push service must have an address with https://")
    return found


def is_known(subscription: PushSubscription, others: Sequence[str]) -> bool:
    """Return whether a subscription is of a browser maker's push service, or of one of `others`.

    Parameters
    ----------
    others : hosts, each with its port where that is not 443
    """
    place = urlsplit(subscription.endpoint).netloc.lower()
    makers = any(place == maker or place.endswith(f".{maker}") for maker in MAKERS)
    return makers or place in {other.lower() for other in others}


def decoded(text: str) -> bytes:
    """Return what base64url stands for; ValueError where it is none."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("not base64url") from error


def _text(said: Any) -> str:
    if not isinstance(said, str) or not 0 < len(said) <= LONGEST_ENDPOINT:
        raise ValueError("no text, or one that is too long")
    if not said.isascii() or not said.isprintable() or " " in said:
        raise ValueError("not plain text")
    return said
