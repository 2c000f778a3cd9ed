"""Entities of a night in Home Assistant, as the components of a device discovery. Pure.

Those that show the present state expire in Home Assistant as they do at the broker: neither shows
what a service that is gone has said.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from detector.alert import AlertState
from detector.events import Kind
from detector.mqtt.contract import HEALTH_EXPIRES_S, RETAINED_EXPIRES_S, WEEK_S, Leaf, Topics
from detector.mqtt.home_assistant import templates
from detector.mqtt.home_assistant.buttons import PRESS, ButtonName, topic_of
from detector.status import WORDS
from detector.words.phrases import COUNTED

Component = dict[str, Any]

ALWAYS: Component = {"availability": []}
"""Overrides the availability that the others share."""

NAMES: Mapping[ButtonName, tuple[str, str]] = {
    ButtonName.ACK: ("I'm on it", "mdi:hand-wave"),
    ButtonName.SNOOZE: ("Snooze alerts 15 min", "mdi:alarm-snooze"),
    ButtonName.PAUSE: ("Pause alerts 30 min", "mdi:pause-circle-outline"),
}
"""The contract's wording, and an icon."""


def components(topics: Topics, *, commands: bool) -> dict[str, Component]:
    """Return each component by its key, without the ids that depend on the device.

    Parameters
    ----------
    commands : whether buttons are obeyed; without, there are none
    """
    found = {
        **_states(topics, commands=commands),
        **_vitals(topics),
        **_tonight(topics),
        **_events(topics),
    }
    if commands:
        found |= {f"button_{button}": _button(topics, button) for button in ButtonName}
    return found


def _states(topics: Topics, *, commands: bool) -> dict[str, Component]:
    return {
        "state": _shown(
            topics,
            "sensor",
            "State",
            templates.STATE,
            templates.STATE_DETAILS,
            device_class="enum",
            options=list(WORDS.values()),
            icon="mdi:sleep",
        ),
        "problem": _shown(
            topics,
            "binary_sensor",
            "Problem",
            templates.PROBLEM,
            templates.PROBLEM_DETAILS,
            device_class="problem",
        ),
        "open_alert": _shown(
            topics,
            "binary_sensor",
            "Open alert",
            templates.OPEN_ALERT,
            templates.open_alert_details(f"{topics.base}/ha" if commands else None),
            icon="mdi:bell-alert",
        ),
        "spasm_now": _shown(
            topics, "binary_sensor", "Spasm now", templates.SPASM_NOW, icon="mdi:pulse"
        ),
        "watching": {
            **_component(topics, "binary_sensor", "Watching", Leaf.HEALTH, templates.WATCHING),
            **ALWAYS,
            "device_class": "connectivity",
            # Each heartbeat sets it again: without them Home Assistant's own clock says so.
            "off_delay": HEALTH_EXPIRES_S,
            "json_attributes_topic": topics.of(Leaf.AVAILABILITY),
            "json_attributes_template": templates.SERVICE,
        },
    }


def _vitals(topics: Topics) -> dict[str, Component]:
    shared = {"expire_after": RETAINED_EXPIRES_S, "entity_category": "diagnostic"}
    return {
        "battery": {
            **_component(topics, "sensor", "Battery", Leaf.HEALTH, templates.BATTERY),
            **shared,
            "device_class": "battery",
            "unit_of_measurement": "%",
            "state_class": "measurement",
        },
        "data_age": {
            **_component(topics, "sensor", "Data age", Leaf.HEALTH, templates.DATA_AGE),
            **shared,
            "device_class": "duration",
            "unit_of_measurement": "s",
            "enabled_by_default": False,  # 17,000 rows a day in Home Assistant's database
        },
    }


def _tonight(topics: Topics) -> dict[str, Component]:
    counted = {"state_class": "total_increasing"}
    return {
        "spasms_tonight": _shown(
            topics,
            "sensor",
            "Likely spasms tonight",
            templates.count(COUNTED),
            templates.TONIGHT_DETAILS,
            icon="mdi:counter",
            **counted,
        ),
        "clonus_tonight": _shown(
            topics,
            "sensor",
            "Clonus tonight",
            templates.count([Kind.CLONUS]),
            icon="mdi:counter",
            **counted,
        ),
        "monitored_tonight": _shown(
            topics,
            "sensor",
            "Monitored tonight",
            templates.MONITORED,
            device_class="duration",
            unit_of_measurement="s",
            **counted,
        ),
    }


def _events(topics: Topics) -> dict[str, Component]:
    """Return what has happened, which stays true when the service is gone."""
    likely = {"event_types": templates.FAMILY, "icon": "mdi:pulse"}
    found = {
        "last_event": {
            **_component(topics, "sensor", "Last likely spasm", Leaf.EVENT, templates.LAST_EVENT),
            "device_class": "timestamp",
            "expire_after": WEEK_S,  # with it Home Assistant keeps the value over its own restart
        },
        "event": {
            **_component(topics, "event", "Every movement", Leaf.EVENT),
            "event_types": [kind.value for kind in Kind],
            "entity_category": "diagnostic",
            "enabled_by_default": False,  # hundreds a night, and each several times
        },
        "begins": {
            **_component(topics, "event", "Likely spasm begins", Leaf.EVENT, templates.BEGINS),
            **likely,
        },
        "ended": {
            **_component(topics, "event", "Likely spasm ended", Leaf.EVENT, templates.ENDED),
            **likely,
        },
        "alert": {
            **_component(topics, "event", "Alert", Leaf.ALERT, templates.ALERT),
            "event_types": [state.value for state in AlertState],
            "icon": "mdi:bell-ring",
        },
    }
    return {key: component | ALWAYS for key, component in found.items()}


def _button(topics: Topics, button: ButtonName) -> Component:
    name, icon = NAMES[button]
    return {
        "platform": "button",
        "name": name,
        "icon": icon,
        "command_topic": topic_of(topics, button),
        "payload_press": PRESS,
        "qos": 1,
    }


def _shown(
    topics: Topics,
    platform: str,
    name: str,
    template: str,
    details: str | None = None,
    **more: Any,
) -> Component:
    """Return a component that is read from the snapshot."""
    made = _component(topics, platform, name, Leaf.STATE, template)
    if details is not None:
        made |= {
            "json_attributes_topic": topics.of(Leaf.STATE),
            "json_attributes_template": details,
        }
    return made | {"expire_after": RETAINED_EXPIRES_S} | more


def _component(
    topics: Topics, platform: str, name: str, leaf: Leaf, template: str | None = None
) -> Component:
    made = {"platform": platform, "name": name, "state_topic": topics.of(leaf), "qos": 1}
    return made if template is None else made | {"value_template": template}
