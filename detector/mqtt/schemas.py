"""JSON Schemas (draft 2020-12) of everything this package publishes."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from detector import alert as alerts
from detector import events
from detector.alert import AlertClass, AlertState, Level
from detector.alerts.pause import MOST_MIN
from detector.channels import RECEIVER_NAME
from detector.events import Kind, Origin, Phase
from detector.mqtt.contract import (
    COUNTS,
    HEALTH_EXPIRES_S,
    OPEN_ALERTS_MOST,
    REPLY,
    RETAINED_EXPIRES_S,
    Availability,
    Command,
    Leaf,
)
from detector.mqtt.requests import ENTRIES_MOST
from detector.mqtt.security.gate import NONCE
from detector.recognition.rules.reason import Reason
from detector.status import StateWord

Schema = dict[str, Any]

MOST_FACTS = 12  # of one reason: twice as many as any has today

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schemas() -> dict[str, Schema]:
    """Return the schema of each payload, by the last level of its topic.

    `availability` is a bare word, not JSON text; `reply` is the answer to `replay`.
    """
    return {
        name: {"$schema": DIALECT, "title": title, **schema}
        for name, title, schema in (
            (Leaf.AVAILABILITY, "Whether the service is there", _one_of(Availability)),
            (Leaf.HEALTH, "Heartbeat, every 5 s", _health()),
            (Leaf.STATE, "Snapshot, retained", _state()),
            (Leaf.EVENT, "Something was found, or is found to be over", _event()),
            (Leaf.ALERT, "One moment in the life of an alert", _alert(n=_NUMBER)),
            (Command.SEEN, "A receiver has every entry up to a number", _seen()),
            (Command.REPLAY, "A receiver lacks the entries from a number on", _replay()),
            (Command.TEST, "A person wants a test, or heard the one with this alert", _test()),
            (Command.PAUSE, "Alerts shall wake nobody for a while", _pause()),
            (REPLY, "Entries that a receiver lacked", _reply()),
        )
    }


def _object(**properties: Schema) -> Schema:
    """Return the schema of an object with all fields required: unknown values are null."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _signable(**properties: Schema) -> Schema:
    """Return the schema of a command: where the service has keys, with all of `_PROOF`."""
    schema = _object(**properties)
    schema["properties"] |= _PROOF
    schema["dependentRequired"] = {name: list(_PROOF) for name in _PROOF}
    return schema


def _seen() -> Schema:
    return _signable(by=_RECEIVER, epoch=_NAME, upto=_count())


def _replay() -> Schema:
    return _signable(by=_RECEIVER, **{"from": _count(1)})


def _pause() -> Schema:
    return _signable(by=_RECEIVER, minutes={"type": "integer", "minimum": 1, "maximum": MOST_MIN})


def _test() -> Schema:
    return _signable(by=_RECEIVER, alert=_or_null(_NAME))


def _reply() -> Schema:
    entry = _object(leaf=_one_of([Leaf.EVENT, Leaf.ALERT]), body=_TEXT)
    return _object(
        schema={"const": "replay/1"},
        epoch=_NAME,
        **{"from": _count(1)},
        upto=_count(),
        last_n=_count(),
        entries={"type": "array", "items": entry, "maxItems": ENTRIES_MOST},
    )


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _one_of(words: Any) -> Schema:
    return {"enum": [str(word) for word in words]}


def _number(least: float | None = None, most: float | None = None) -> Schema:
    limits = {"minimum": least, "maximum": most}
    return {"type": "number", **{name: at for name, at in limits.items() if at is not None}}


def _count(least: int = 0) -> Schema:
    return {"type": "integer", "minimum": least}


_PROOF: Schema = {
    "at": {"type": "string", "pattern": "^[^:]{1,64}:[0-9]{1,15}$"},
    "nonce": {"type": "string", "pattern": f"^{NONCE.pattern}$"},
    "mac": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
}
_TEXT: Schema = {"type": "string"}
_NAME: Schema = {"type": "string", "minLength": 1}
_TIME: Schema = {
    "type": "string",
    "format": "date-time",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
}


_RECEIVER: Schema = {"type": "string", "pattern": f"^{RECEIVER_NAME.pattern}$"}

_NUMBER = _or_null(_count(1))  # in the log; null when the disk refused it


def _stamp() -> dict[str, Schema]:
    return {"boot_id": _NAME, "seq": _count(), "sent": _TIME}


def _status() -> dict[str, Schema]:
    return {
        "state": _one_of(StateWord),
        "words": _NAME,
        "why": _or_null(_TEXT),
        "until": _or_null(_TIME),
    }


def _health() -> Schema:
    return _object(
        schema={"const": "health/1"},
        **_stamp(),
        **_status(),
        data_age_s=_or_null(_number(0)),
        rate_hz=_or_null(_number(0)),
        battery_percent=_or_null(_number(0, 100)),
        battery_lasts_s=_or_null(_number(0)),
        outbox_depth=_or_null(_count()),
        epoch=_or_null(_NAME),
        last_n=_or_null(_count()),
        counts=_object(**{name: _count() for name in COUNTS}),
        expires_in_s={"const": HEALTH_EXPIRES_S},
    )


def _state() -> Schema:
    return _object(
        schema={"const": "state/1"},
        **_stamp(),
        **_status(),
        open_alerts={"type": "array", "items": _alert(), "maxItems": OPEN_ALERTS_MOST},
        open_alerts_total=_count(),
        tonight=_object(
            since=_or_null(_TIME),
            monitored_s=_number(0),
            counts=_object(**{kind.value: _count() for kind in Kind}),
        ),
        expires_in_s={"const": RETAINED_EXPIRES_S},
    )


def _alert(**more: Schema) -> Schema:
    named: dict[str, Schema] = {"class": _one_of(AlertClass)}  # a reserved word in Python
    return _object(
        schema={"const": alerts.SCHEMA},
        id=_NAME,
        episode=_or_null(_NAME),
        state=_one_of(AlertState),
        **named,
        level=_one_of(Level),
        kind=_NAME,
        reason=_TEXT,
        rule=_or_null(_TEXT),
        raised_at=_or_null(_TIME),
        at=_or_null(_TIME),
        at_s=_or_null(_number()),
        by=_or_null(_TEXT),
        tier={"type": "integer", "minimum": 1},
        until=_or_null(_TIME),
        count={"type": "integer", "minimum": 1},
        source=_one_of(Origin),
        wearer=_or_null(_TEXT),
        **more,
    )


def _event() -> Schema:
    kind = _one_of(Kind)
    return _object(
        schema={"const": events.SCHEMA},
        id=_NAME,
        kind=kind,
        phase=_one_of(Phase),
        revision=_count(),
        onset_s=_number(),
        duration_s=_number(0),
        onset=_or_null(_TIME),
        end=_or_null(_TIME),
        rhythm_hz=_or_null(_number(0)),
        beats=_or_null(_count()),
        peak_g=_or_null(_number(0)),
        rms_g=_or_null(_number(0)),
        turn_deg=_or_null(_number(0, 180)),
        confidence=_number(0, 1),
        grade=_or_null({"enum": [1, 2, 3]}),
        parts=_or_null({"type": "array", "items": kind, "minItems": 1}),
        episode=_or_null(_NAME),
        cut_short={"type": "boolean"},
        held_back=_or_null(kind),
        reason=_TEXT,
        facts=_facts(),
        sensor=_or_null(_TEXT),
        wearer=_or_null(_TEXT),
        detector=_or_null(_object(name=_NAME, version=_NAME, model=_NAME)),
        source=_one_of(Origin),
        recording=_or_null(_object(name=_NAME, first=_count(), last=_count())),
        n=_NUMBER,
        event_type=kind,
    )


def _facts() -> Schema:
    """Why an event has its kind: a `recognition.rules.reason` with its numbers.

    Empty only in events of the first release.
    """
    return {
        "type": "object",
        "properties": {"reason": _one_of(Reason)},
        "maxProperties": MOST_FACTS,
    }


def write(folder: Path) -> None:
    """Write one file for each schema; `make docs` makes `docs/schemas` with it."""
    folder.mkdir(parents=True, exist_ok=True)
    for leaf, schema in schemas().items():
        path = folder / f"{leaf}.json"
        path.write_text(json.dumps(schema, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
