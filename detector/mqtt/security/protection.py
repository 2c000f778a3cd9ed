"""What a run of the service has for its protection, made of its file of keys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from detector.mqtt.contract import Topics
from detector.mqtt.security.gate import Gate
from detector.mqtt.security.keys import next_run, read_service_keys
from detector.mqtt.security.signing import Signer, Verifier, public_key_of


@dataclass(frozen=True, slots=True)
class Protection:
    """Signs what the service publishes, and judges the commands and heartbeats it gets."""

    signer: Signer
    gate: Gate
    verifier: Verifier


def protection(
    keys_file: Path, topics: Topics, *, boot_id: str, utc_s: float, mono_s: Callable[[], float]
) -> Protection:
    """Return the protection of one run.

    Raises
    ------
    ConfigError
        The file cannot be used.
    """
    keys = read_service_keys(keys_file)
    return Protection(
        Signer(keys.private_key, next_run(keys_file, utc_s)),
        Gate(topics, keys.caregivers, boot_id=boot_id, mono_s=mono_s),
        Verifier(public_key_of(keys.private_key)),
    )
