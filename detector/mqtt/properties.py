"""MQTT 5 properties of a publication: expiry, signature, response topic and correlation data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from paho.mqtt.properties import Properties

from detector.mqtt.contract import Message
from detector.mqtt.security.signing import SIGNATURE, SIGNATURE_MOST


@dataclass(frozen=True, slots=True)
class Received:
    """One publication that arrived; untrusted.

    response_topic, correlation : where its sender wants an answer, and how they will know it
    """

    topic: str
    payload: bytes
    retained: bool
    expiry_s: int | None
    signature: str | None = None
    response_topic: str | None = None
    correlation: bytes | None = None


def written(packet: int, message: Message) -> Properties | None:
    """Return the properties that a message is sent with; None where it has none."""
    values: dict[str, Any] = {
        "MessageExpiryInterval": message.expiry_s,
        "ResponseTopic": message.response_topic,
        "CorrelationData": message.correlation,
        "UserProperty": None if message.signature is None else (SIGNATURE, message.signature),
    }
    known = {name: value for name, value in values.items() if value is not None}
    if not known:
        return None
    properties = Properties(packet)  # type: ignore[no-untyped-call]
    for name, value in known.items():
        setattr(properties, name, value)
    return properties


def received(topic: str, payload: bytes, *, retained: bool, properties: Any) -> Received:
    """Return what arrived with its properties, as paho has them."""
    return Received(
        topic,
        payload,
        retained,
        getattr(properties, "MessageExpiryInterval", None),
        _signature(getattr(properties, "UserProperty", ())),
        getattr(properties, "ResponseTopic", None),
        getattr(properties, "CorrelationData", None),
    )


def _signature(user_properties: Any) -> str | None:
    """Return the signature among the user properties of a message; None where it is not one."""
    found = [value for name, value in user_properties if name == SIGNATURE]
    return found[0] if len(found) == 1 and len(found[0]) <= SIGNATURE_MOST else None
