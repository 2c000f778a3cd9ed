"""What proves who sent a message: a MAC for each caregiver, a signature of the service. Pure.

A command carries its proof as fields, so that any program with a JSON library can sign one. What
the service sends carries it as an MQTT 5 user property: its bytes stay those that were logged.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SIGNATURE = "spasmwatch-signature"
"""Name of the user property that holds a service's signature."""

SIGNATURE_MOST = 160  # characters; two numbers and 88 of a signature are 130

_SIGNATURE = re.compile(r"(\d{1,16}):(\d{1,16}):([A-Za-z0-9+/]{86}==)")


def mac(fields: Mapping[str, Any], *, topic: str, key: bytes) -> str:
    """Return the HMAC-SHA256 of a command, over its topic, a line feed, and its other fields.

    These as JSON with sorted keys, without spaces, not escaped. Numbers must be whole: programs
    write others differently.

    Raises
    ------
    ValueError
        A number is not whole.
    """
    signed = {name: value for name, value in fields.items() if name != "mac"}
    _check_whole(signed)
    body = json.dumps(signed, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hmac.new(key, f"{topic}\n{body}".encode(), "sha256").hexdigest()


def _check_whole(value: object) -> None:
    if isinstance(value, float):
        raise ValueError("numbers of a signed command must be whole")
    if isinstance(value, Mapping):
        value = list(value.values())
    for each in value if isinstance(value, list) else ():
        _check_whole(each)


@dataclass(frozen=True, slots=True, order=True)
class Proof:
    """Proven to be from the service, in its run of that number, the `seq`-th message of it."""

    run: int
    seq: int


class Signer:
    """Signs what one run of the service publishes.

    Parameters
    ----------
    private_key : 32 bytes, Ed25519 (RFC 8032)
    run : higher than that of every run before it
    """

    def __init__(self, private_key: bytes, run: int) -> None:
        self._key = _private(private_key)
        self._run = run
        self._seq = 0

    def sign(self, topic: str, payload: str) -> str:
        """Return the signature of the next message."""
        self._seq += 1
        signature = self._key.sign(_signed(topic, payload.encode(), Proof(self._run, self._seq)))
        return f"{self._run}:{self._seq}:{base64.b64encode(signature).decode()}"


class Verifier:
    """Examines what is said to be from the service whose public key this is."""

    def __init__(self, public_key: bytes) -> None:
        # Imported here: with asymmetric keys, 40 ms that only who has keys pays for.
        from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
            Ed25519PublicKey,
        )

        self._key = Ed25519PublicKey.from_public_bytes(public_key)

    def proof(self, topic: str, payload: bytes, signature: str | None) -> Proof | None:
        """Return what a signature proves; None where there is none or it is not theirs."""
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415

        parts = None if signature is None else _SIGNATURE.fullmatch(signature)
        if parts is None:
            return None
        proof = Proof(int(parts[1]), int(parts[2]))
        try:
            self._key.verify(base64.b64decode(parts[3]), _signed(topic, payload, proof))
        except (InvalidSignature, binascii.Error):
            return None
        return proof


def public_key_of(private_key: bytes) -> bytes:
    """Return the public key, by which the signatures of a private one are examined."""
    return _private(private_key).public_key().public_bytes_raw()


def _private(key: bytes) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
        Ed25519PrivateKey,
    )

    return Ed25519PrivateKey.from_private_bytes(key)


def _signed(topic: str, payload: bytes, proof: Proof) -> bytes:
    """Return the bytes that are signed; the topic keeps simulated messages from live topics."""
    return f"spasmwatch/1\n{topic}\n{proof.run}\n{proof.seq}\n".encode() + payload
