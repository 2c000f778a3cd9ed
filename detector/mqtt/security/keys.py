"""Files of keys: the service's has everybody's, a caregiver's theirs and how to know the service.

JSON that only their owner may read. A run of the service has a number, which is kept beside its
keys: receivers take no heartbeat of an earlier run, which somebody may have recorded.
"""

from __future__ import annotations

import contextlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote
from typing import Any

from detector import plain_json
from detector.channels import RECEIVER_NAME
from detector.errors import ConfigError
from detector.files import PRIVATE, read_start, write_whole
from detector.mqtt.security.signing import mac, public_key_of

KEY_BYTES = 32  # of HMAC-SHA256 and Ed25519 alike
LARGEST_BYTES = 64 * 1024  # five hundred caregivers
RUN_MOST = 10**15  # a file that says more is not ours

SERVICE = "service-keys/1"
CAREGIVER = "caregiver-keys/1"

HERE = "bedside"
"""Name of the receiver on the watching computer itself; no caregiver may have it."""

REMEDY = "name a file that `spasmwatch setup tls` made"


@dataclass(frozen=True, slots=True)
class CaregiverKey:
    """What one caregiver's receiver has.

    by : their name, and the receiver's
    key : of their commands
    service : the public key by which the service is known
    """

    by: str
    key: bytes = field(repr=False)
    service: bytes = field(repr=False)

    def signed(self, topic: str, payload: str, at: str, nonce: str | None = None) -> str:
        """Return the payload of a command of ours, signed.

        Parameters
        ----------
        at : boot id and number of the latest heartbeat, with a colon between
        nonce : of 16 to 64 characters, never used before; None for a random one
        """
        fields = {**json.loads(payload), "at": at, "nonce": nonce or secrets.token_hex(12)}
        said = plain_json.plain(fields)
        return plain_json.line({**said, "mac": mac(said, topic=topic, key=self.key)})

    def to_json(self) -> str:
        """Return the file's text."""
        return plain_json.line(
            {
                "schema": CAREGIVER,
                "by": self.by,
                "key": self.key.hex(),
                "service": self.service.hex(),
            }
        )


@dataclass(frozen=True, slots=True)
class ServiceKeys:
    """What the service has: its own private key, and the key of each receiver by name."""

    private_key: bytes = field(repr=False)
    caregivers: Mapping[str, bytes] = field(repr=False)

    @classmethod
    def new(cls) -> ServiceKeys:
        """Return a new service's, with a key for `HERE` and none for caregivers."""
        return cls(secrets.token_bytes(KEY_BYTES), {}).with_new(HERE)

    def with_new(self, name: str) -> ServiceKeys:
        """Return the keys with a new one for a caregiver."""
        return ServiceKeys(
            self.private_key, {**self.caregivers, name: secrets.token_bytes(KEY_BYTES)}
        )

    def without(self, name: str) -> ServiceKeys:
        """Return the keys without a caregiver's."""
        left = {other: key for other, key in self.caregivers.items() if other != name}
        return ServiceKeys(self.private_key, left)

    def of(self, name: str) -> CaregiverKey:
        """Return what a caregiver gets; KeyError where there is none of that name."""
        return CaregiverKey(name, self.caregivers[name], public_key_of(self.private_key))

    def to_json(self) -> str:
        """Return the file's text."""
        return plain_json.line(
            {
                "schema": SERVICE,
                "private_key": self.private_key.hex(),
                "caregivers": {name: key.hex() for name, key in self.caregivers.items()},
            }
        )


def read_service_keys(path: Path) -> ServiceKeys:
    """Return the keys of the service; ConfigError says what is wrong with the file."""
    said = _read(path)
    if said.get("schema") != SERVICE:
        raise ConfigError(f"mqtt.signing_file {path} is not the service's: {REMEDY}")
    return _service_keys(path, said)


def read_caregiver_key(path: Path, name: str | None) -> CaregiverKey:
    """Return the key of a receiver.

    Parameters
    ----------
    name : of the receiver; None takes the file's, of the service's file `HERE` or the only one

    Raises
    ------
    ConfigError
        The file cannot be used, or has no key for that name: what to do.
    """
    said = _read(path)
    if said.get("schema") == SERVICE:
        known = _service_keys(path, said)
        only = next(iter(known.caregivers)) if len(known.caregivers) == 1 else None
        wanted = name or (HERE if HERE in known.caregivers else only)
        if wanted is None or wanted not in known.caregivers:
            names = ", ".join(known.caregivers) or "none"
            raise ConfigError(
                f"mqtt.signing_file {path} has no key for {wanted or 'you'}, only for: {names}. "
                f"On this computer listen as one of these (--name); another computer needs one of "
                f"its own: spasmwatch setup tls --add {wanted or 'NAME'}"
            )
        return known.of(wanted)
    by = said.get("by")
    if (
        said.get("schema") != CAREGIVER
        or not isinstance(by, str)
        or not RECEIVER_NAME.fullmatch(by)
    ):
        raise ConfigError(f"mqtt.signing_file {path} is not a file of keys: {REMEDY}")
    if name not in (None, by):
        raise ConfigError(
            f"mqtt.signing_file {path} is the key of {by}, not of {name}: listen as {by}, or make "
            f"one on the watching computer: spasmwatch setup tls --add {name}"
        )
    return CaregiverKey(by, _key(path, said.get("key")), _key(path, said.get("service")))


def next_run(keys_file: Path, utc_s: float) -> int:
    """Return the number of this run, higher than all before it, and keep it beside the keys.

    Where nothing can be written the clock makes it higher, as it does after a copy from a backup.
    """
    path = keys_file.with_suffix(".run")
    before = 0
    with contextlib.suppress(OSError, ValueError):
        before = int(read_start(path, 32))
    run = max(before + 1 if 0 <= before < RUN_MOST else 0, int(utc_s), 1)
    with contextlib.suppress(OSError):
        write_secret(path, f"{run}\n")
    return run


def write_secret(path: Path, text: str) -> None:
    """Replace a file, whole or not at all, with one that only its owner may read."""
    write_whole(path, text, mode=PRIVATE)


def check_keys(path: Path) -> None:
    """Check that a file holds keys, the service's or a caregiver's; ConfigError says what not."""
    said = _read(path)
    if said.get("schema") == SERVICE:
        _service_keys(path, said)
    else:
        read_caregiver_key(path, None)


def _read(path: Path) -> dict[str, Any]:
    try:
        mode = path.stat().st_mode
        data = read_start(path, LARGEST_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"mqtt.signing_file {path}: {error.strerror}; {REMEDY}") from None
    if mode & 0o077:
        raise ConfigError(
            f"mqtt.signing_file {path} can be read by others: chmod 600 {quote(str(path))}"
        )
    try:
        return plain_json.read(data, most_bytes=LARGEST_BYTES, depth_most=4)
    except ValueError as error:
        raise ConfigError(f"mqtt.signing_file {path} cannot be used ({error}): {REMEDY}") from None


def _service_keys(path: Path, said: Mapping[str, Any]) -> ServiceKeys:
    caregivers = said.get("caregivers")
    if not isinstance(caregivers, dict) or not all(map(RECEIVER_NAME.fullmatch, caregivers)):
        raise ConfigError(f"mqtt.signing_file {path} has no caregivers: {REMEDY}")
    return ServiceKeys(
        _key(path, said.get("private_key")),
        {name: _key(path, key) for name, key in caregivers.items()},
    )


def _key(path: Path, text: object) -> bytes:
    try:
        key = bytes.fromhex(text) if isinstance(text, str) else b""
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise ConfigError(f"mqtt.signing_file {path} has a key that is damaged: {REMEDY}")
    return key
