"""Templates by which Home Assistant reads our messages, in Jinja. Pure.

`value_json` is the message, `this` the entity as it was before. An event entity ignores a message
whose template renders nothing; a sensor that gets `None` shows *unknown*.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from detector.alert import AlertClass, AlertState, Level
from detector.events import SPASM_FAMILY, Kind, Phase
from detector.mqtt.contract import HEALTH_EXPIRES_S, Availability
from detector.status import WORDS, StateWord

REMEMBERED = 16
"""Messages that an event entity remembers, in an attribute that Home Assistant keeps over its
restart: a broker may deliver each twice, and a few at a time are sent again."""

FAMILY = sorted(kind.value for kind in Kind if kind in SPASM_FAMILY)

UNHANDLED = (AlertState.RAISED, AlertState.REPEATED, AlertState.ESCALATED)
"""States of an open alert that nobody has taken on."""

SHOWN_LEVELS = (Level.HIGH, Level.MEDIUM, Level.LOW)  # the most urgent first

AVAILABLE = (
    f"{{{{ '{Availability.ONLINE}' if value == '{Availability.ONLINE}' "
    f"else '{Availability.OFFLINE}' }}}}"
)
"""Of three words two: to Home Assistant what a person has stopped is not there either."""

SERVICE = "{{ {'service': value} | to_json }}"

STATE = f"{{{{ {json.dumps(WORDS, ensure_ascii=False)}.get(value_json.state) }}}}"
STATE_DETAILS = (
    "{{ {'state': value_json.state, 'words': value_json.words, 'message': value_json.why, "
    "'until': value_json.until} | to_json }}"
)
SPASM_NOW = f"{{{{ 'ON' if value_json.state == '{StateWord.SPASM}' else 'OFF' }}}}"
WATCHING = (
    f"{{{{ 'OFF' if value_json.state == '{StateWord.NO_SIGNAL}' or value_json.data_age_s is none "
    f"or value_json.data_age_s > {HEALTH_EXPIRES_S} else 'ON' }}}}"
)
"""In a pause too, which the word of the state shows first."""
BATTERY = "{{ value_json.battery_percent }}"
DATA_AGE = "{{ value_json.data_age_s }}"
MONITORED = "{{ value_json.tonight.monitored_s | round(0) }}"
TONIGHT_DETAILS = (
    "{{ dict(value_json.tonight.counts, since=value_json.tonight.since, "
    "monitored_s=value_json.tonight.monitored_s) | to_json }}"
)

_BLIND = f"value_json.state == '{StateWord.NO_SIGNAL}'"
_TECHNICAL = (
    "{% set found = value_json.open_alerts | selectattr('class', 'eq', "
    f"'{AlertClass.TECHNICAL}') | selectattr('level', 'in', {json.dumps(SHOWN_LEVELS)}) | list %}}"
)
PROBLEM = f"{_TECHNICAL}{{{{ 'ON' if found or {_BLIND} else 'OFF' }}}}"
PROBLEM_DETAILS = (
    f"{_TECHNICAL}{{{{ {{'message': value_json.why if {_BLIND} else "
    "(found | map(attribute='reason') | first | default(none)), "
    "'kinds': found | map(attribute='kind') | list} | to_json }}"
)

_UNHANDLED = (
    "{% set ns = namespace(found=[]) %}"
    f"{{% for level in {json.dumps(SHOWN_LEVELS)} %}}"
    "{% set ns.found = ns.found + (value_json.open_alerts | selectattr('level', 'eq', level) "
    f"| selectattr('state', 'in', {json.dumps(UNHANDLED)}) | list) %}}"
    "{% endfor %}"
)
OPEN_ALERT = f"{_UNHANDLED}{{{{ 'ON' if ns.found else 'OFF' }}}}"


_ALERT_FIELDS = ("kind", "level", "class", "state", "by", "raised_at", "tier", "count")


def count(kinds: Sequence[str]) -> str:
    """Return the template of tonight's number of events of these kinds."""
    return f"{{{{ {' + '.join(f'value_json.tonight.counts.{kind}' for kind in kinds)} }}}}"


def open_alert_details(commands: str | None) -> str:
    """Return the template of what is open and unhandled, the most urgent of it.

    Parameters
    ----------
    commands : first part of the topics of buttons; None where they are not obeyed
    """
    fields = {"message": "reason", "alert": "id"} | {name: name for name in _ALERT_FIELDS}
    details = ", ".join(f"'{name}': first.get('{field}')" for name, field in fields.items())
    return (
        f"{_UNHANDLED}{{% set first = ns.found | first | default({{}}) %}}"
        f"{{{{ {{{details}, 'open': ns.found | length, "
        f"'commands': {'none' if commands is None else json.dumps(commands)}}} | to_json }}}}"
    )


LAST_EVENT = (
    f"{{% if value_json.kind in {json.dumps(FAMILY)} and value_json.onset %}}"
    "{{ value_json.onset }}"
    "{% elif this.state | as_datetime(none) %}{{ this.state }}{% else %}None{% endif %}"
)
"""The onset of the latest likely spasm; another movement leaves what was there."""


def once(key: str, event: str, *, when: str = "true") -> str:
    """Return the template of an event entity that fires once for each `key`.

    Parameters
    ----------
    key, event, when : expressions: what is remembered, the event as an object, whether it fires
    """
    return (
        f"{{% set seen = this.attributes.get('told') or [] %}}{{% set key = {key} %}}"
        f"{{% if {when} and key not in seen %}}"
        f"{{{{ dict({event}, told=(seen + [key])[-{REMEMBERED}:]) | to_json }}}}{{% endif %}}"
    )


_EVENT_FIELDS = (
    *("id", "kind", "phase", "onset", "end", "duration_s", "rhythm_hz", "beats", "peak_g"),
    *("confidence", "grade", "episode", "reason", "sensor"),
)
_EVENT = ", ".join(
    ["'event_type': value_json.kind", *(f"'{name}': value_json.{name}" for name in _EVENT_FIELDS)]
)
_LIKELY = f"value_json.kind in {json.dumps(FAMILY)}"

BEGINS = once("value_json.id", f"{{{_EVENT}}}", when=_LIKELY)
"""With the first that is told of it: short ones are told when they are over."""

ENDED = once(
    "value_json.id", f"{{{_EVENT}}}", when=f"{_LIKELY} and value_json.phase == '{Phase.END}'"
)

ALERT = once(
    "value_json.id ~ ' ' ~ value_json.state ~ ' ' ~ value_json.at",
    "dict(value_json, event_type=value_json.state)",
)
