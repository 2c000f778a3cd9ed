"""The device that Home Assistant discovers: one retained message with all entities. Pure."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from typing import Any

from detector.events import Origin
from detector.mqtt.contract import Leaf, Message, Topics
from detector.mqtt.home_assistant import templates
from detector.mqtt.home_assistant.entities import components
from detector.release import VERSION

PREFIX = "homeassistant"
STATUS = "homeassistant/status"  # Home Assistant's birth and will, whatever its discovery prefix
ONLINE, OFFLINE = b"online", b"offline"
SUPPORT_URL = "https://github.com/spasmwatch/spasmwatch/blob/main/docs/home-assistant.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class NightDevice:
    """One wearer's night as a device.

    label : shown instead of a name
    prefix : Home Assistant's discovery prefix
    commands : whether its buttons are obeyed
    """

    topics: Topics
    label: str
    prefix: str = PREFIX
    commands: bool = False

    @property
    def node(self) -> str:
        """Identifier of the device, with which every entity's begins."""
        origin = self.topics.origin
        apart = "" if origin is Origin.LIVE else f"_{origin}"
        return f"spasmwatch_{self.topics.wearer}{apart}"

    @property
    def topic(self) -> str:
        """Topic of its discovery."""
        return f"{self.prefix}/device/{self.node}/config"


def discovery(device: NightDevice) -> Message:
    """Return the retained message from which Home Assistant makes the device and its entities."""
    return Message(device.topic, json.dumps(payload(device), ensure_ascii=False), retain=True)


def removal(device: NightDevice) -> Message:
    """Return the message that takes the device out of the broker and of Home Assistant."""
    return Message(device.topic, "", retain=True)


def payload(device: NightDevice) -> dict[str, Any]:
    """Return the content of the discovery."""
    topics, node = device.topics, device.node
    live = topics.origin is Origin.LIVE
    shown = device.label if live else f"{device.label}, {topics.origin}"
    slug = _slug(f"night sensor {shown}") if _slug(device.label) else node
    found = components(topics, commands=device.commands)
    return {
        "dev": {
            "identifiers": [node],
            "name": f"Night sensor ({shown})",
            "manufacturer": "spasmwatch",
            "model": "Not a medical device",
            "sw_version": VERSION,
        },
        "o": {"name": "spasmwatch", "sw_version": VERSION, "support_url": SUPPORT_URL},
        "availability": [
            {"topic": topics.of(Leaf.AVAILABILITY), "value_template": templates.AVAILABLE}
        ],
        "cmps": {
            key: {
                **component,
                "unique_id": f"{node}_{key}",
                "default_entity_id": f"{component['platform']}.{slug}_{key}",
            }
            for key, component in found.items()
        },
    }


def _slug(text: str) -> str:
    """Return a text as a part of an entity's id: a-z, 0-9 and _."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
