"""AsyncAPI 3.0 document of the topics, from the code that publishes and obeys them.

`python -m detector.mqtt.asyncapi FILE` writes it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from detector.channels import RECEIVER_NAME
from detector.mqtt.contract import (
    BRIEF,
    DEFAULT_PREFIX,
    DELIVERY,
    REPLY,
    Command,
    Delivery,
    Leaf,
)
from detector.mqtt.replies import CORRELATION_MOST
from detector.mqtt.schemas import REPLAYED, schemas
from detector.store import wearer_file

BINDING = "0.2.0"  # version of the MQTT bindings, the first with MQTT 5

Json = dict[str, Any]

ABOUT = (
    "What spasmwatch publishes of one wearer's night, and what it obeys; MQTT 5. Simulated and "
    "replayed nights have the same topics one level deeper, below simulated/ and replay/. The "
    "prefix can be set. How a command is signed, and the rest, is in docs/mqtt.md. Not a medical "
    "device."
)
SIGNED = (
    "Where the service has keys each message has its signature as the user property "
    "spasmwatch-signature."
)


def document() -> Json:
    """Return the document; parts that occur once stand where they occur."""
    leaves = {str(leaf): (str(leaf), DELIVERY[leaf]) for leaf in Leaf}
    commands = {_id(f"cmd/{command}"): f"cmd/{command}" for command in Command}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "spasmwatch",
            "version": DEFAULT_PREFIX.rpartition("/v")[2],
            "description": ABOUT,
        },
        "defaultContentType": "application/json",
        "servers": {
            "broker": {
                "host": "localhost:1883",
                "protocol": "mqtt",
                "protocolVersion": "5",
                "description": "The broker that run names; on another computer with TLS, as mqtts.",
            }
        },
        "channels": {
            **{name: _channel(end, [name]) for name, (end, _) in leaves.items()},
            **{name: _channel(end, [name]) for name, end in commands.items()},
            REPLY: _channel(f"{REPLY}/{{client}}", [REPLY, REPLAYED]),
        },
        "operations": {
            **{_operation("send", n): _sent(n, how) for n, (_, how) in leaves.items()},
            **{_operation("receive", name): _obeyed(name) for name in commands},
            _operation("send", REPLY): _sent(REPLY, BRIEF),
        },
        "components": {
            "messages": {_id(name): _message(name, schema) for name, schema in schemas().items()},
            "parameters": {
                "wearer": {
                    "description": f"Whose night: {wearer_file.ID.pattern}, random, never a name."
                },
                "client": {"description": f"Who asked: {RECEIVER_NAME.pattern}."},
            },
        },
    }


def write(path: Path) -> None:
    """Write the document; `make docs` makes `docs/asyncapi.json` with it."""
    text = json.dumps(document(), indent=2, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def _channel(end: str, messages: list[str]) -> Json:
    address = f"{DEFAULT_PREFIX}/{{wearer}}/{end}"
    names = [name for name in ("wearer", "client") if f"{{{name}}}" in address]
    return {
        "address": address,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "parameters": {name: {"$ref": f"#/components/parameters/{name}"} for name in names},
    }


def _sent(name: str, how: Delivery) -> Json:
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{name}"},
        "bindings": {"mqtt": _delivered(how)},
    }


def _obeyed(name: str) -> Json:
    answers = [REPLY, REPLAYED] if name == _id(f"cmd/{Command.REPLAY}") else [REPLY]
    return {
        "action": "receive",
        "channel": {"$ref": f"#/channels/{name}"},
        "bindings": {"mqtt": _delivered(BRIEF)},
        "reply": {
            "channel": {"$ref": f"#/channels/{REPLY}"},
            "messages": [{"$ref": f"#/channels/{REPLY}/messages/{each}"} for each in answers],
        },
    }


def _delivered(how: Delivery) -> Json:
    return {
        "qos": how.qos,
        "retain": how.retain,
        "messageExpiryInterval": how.expiry_s,
        "bindingVersion": BINDING,
    }


def _message(name: str, schema: Json) -> Json:
    payload = {key: value for key, value in schema.items() if key not in ("$schema", "title")}
    binding: Json = {"bindingVersion": BINDING}
    if name == REPLY:
        binding["correlationData"] = {"type": "string", "maxLength": CORRELATION_MOST}
    if name.startswith("cmd/"):
        client = RECEIVER_NAME.pattern
        binding["correlationData"] = {"type": "string", "maxLength": CORRELATION_MOST}
        binding["responseTopic"] = {"type": "string", "pattern": f"/{REPLY}/{client}$"}
    return {
        "name": name,
        "title": schema["title"],
        "contentType": "text/plain" if name == Leaf.AVAILABILITY else "application/json",
        "payload": payload,
        "bindings": {"mqtt": binding},
        **({} if name.startswith("cmd/") else {"description": SIGNED}),
    }


def _operation(action: str, name: str) -> str:
    return f"{action}_{name}"


def _id(name: str) -> str:
    """Return the name as a key that every tool takes."""
    return name.replace("/", "_")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
