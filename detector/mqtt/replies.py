"""Answers to commands: what came of one, sent where its sender asked for it. Pure.

A response topic (MQTT 5) outside the wearer's own `reply/<client>` is ignored, or anybody who may
send commands could have the service publish anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from detector import plain_json
from detector.channels import RECEIVER_NAME
from detector.mqtt.contract import COMMAND_EXPIRES_S, COMMAND_MOST, Message, Topics
from detector.mqtt.payloads import REPLY_SCHEMA, ReplyPayload
from detector.mqtt.properties import Received
from detector.mqtt.security.gate import NONCE

CORRELATION_MOST = 64  # bytes, of which MQTT allows 65,535: a UUID as text has 36


@dataclass(frozen=True, slots=True)
class ReplyTo:
    """Where an answer goes, and what it brings back.

    nonce : of the command; what proves the answer covers it, and does not cover the correlation
    """

    topic: str
    correlation: bytes | None
    nonce: str | None


def wanted(topics: Topics, received: Received) -> ReplyTo | None:
    """Return where the sender of a command wants an answer; None where it asked for none there."""
    topic, correlation = received.response_topic, received.correlation
    client = (topic or "").removeprefix(topics.reply(""))
    if topic != topics.reply(client) or not RECEIVER_NAME.fullmatch(client):
        return None
    if correlation is not None and len(correlation) > CORRELATION_MOST:
        return None
    return ReplyTo(topic, correlation, _nonce(received.payload))


def reply(to: ReplyTo, why: str | None) -> Message:
    """Return the answer: obeyed where `why` is None, else why not."""
    said: ReplyPayload = {"schema": REPLY_SCHEMA, "ok": why is None, "why": why, "nonce": to.nonce}
    return Message(
        to.topic,
        plain_json.line(said),
        qos=1,
        expiry_s=COMMAND_EXPIRES_S,
        correlation=to.correlation,
    )


def _nonce(payload: bytes) -> str | None:
    try:
        said: Mapping[str, Any] = plain_json.read(payload, most_bytes=COMMAND_MOST)
    except ValueError:
        return None
    nonce = said.get("nonce")
    return nonce if isinstance(nonce, str) and NONCE.fullmatch(nonce) else None
