"""JSON Schemas (draft 2020-12) of all payloads, generated from the types that make and read them.

`python -m detector.mqtt.schemas FOLDER` writes them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Annotated, Any

from detector import alert as alerts
from detector import events
from detector.alert import Alert
from detector.alerts.commands import (
    Acknowledge,
    AddNote,
    LabelEvent,
    MarkSpasm,
    PauseAlerts,
    ResumeAlerts,
    Snooze,
)
from detector.events import Event, Kind
from detector.fields import FormOf, Within
from detector.mqtt import commands
from detector.mqtt.commands import AlarmTest, LiveLease, Replay, Seen
from detector.mqtt.contract import REPLY, Availability, Command, Leaf
from detector.mqtt.json_schema import Schema, object_of, properties_of, schema_of
from detector.mqtt.payloads import (
    HealthPayload,
    LivePayload,
    ReplayedPayload,
    ReplyPayload,
    StatePayload,
)
from detector.mqtt.security.gate import PROOF, Proven
from detector.recognition.rules.reason import Reason

DIALECT = "https://json-schema.org/draft/2020-12/schema"

MOST_FACTS = 12  # of one reason: twice as many as any has today

REPLAYED = "replayed"
"""Name of the schema of entries that are sent again, on a receiver's reply topic."""

TITLES: Mapping[str, str] = {
    Leaf.AVAILABILITY: "Whether the service is there: a bare word, not JSON text",
    Leaf.HEALTH: "Heartbeat, every 5 s",
    Leaf.STATE: "Snapshot, retained",
    Leaf.EVENT: "Something was found, or is found to be over",
    Leaf.ALERT: "One moment in the life of an alert",
    Leaf.LIVE: "Movement of the last second, while somebody looks",
    REPLY: "What came of a command",
    REPLAYED: "Entries that a receiver lacked",
}

COMMANDS: Mapping[Command, tuple[str, type]] = {
    Command.ACK: ("Somebody is on it: of this alert, or all, nobody is told again", Acknowledge),
    Command.SNOOZE: ("An alert, or all that are open, shall wake nobody for a while", Snooze),
    Command.PAUSE: ("Alerts shall wake nobody for a while", PauseAlerts),
    Command.RESUME: ("A pause ends now", ResumeAlerts),
    Command.MARK: ("A spasm was felt or seen, now or when it says", MarkSpasm),
    Command.LABEL: ("What an event was", LabelEvent),
    Command.NOTE: ("Something that belongs to the night", AddNote),
    Command.SEEN: ("A receiver has every entry up to a number", Seen),
    Command.REPLAY: ("A receiver lacks the entries from a number on", Replay),
    Command.LIVE: ("Somebody looks at the movement for so many seconds", LiveLease),
    Command.TEST: ("A person wants a test, or heard the one with this alert", AlarmTest),
}
"""What each command is for, and the type of its fields."""


def schemas() -> dict[str, Schema]:
    """Return the schema of each payload by the end of its topic, as `alert` or `cmd/ack`.

    `reply` and `replayed` are both sent to reply topics.
    """
    forms = {
        Leaf.AVAILABILITY: schema_of(Availability),
        Leaf.HEALTH: schema_of(HealthPayload),
        Leaf.STATE: schema_of(StatePayload),
        Leaf.EVENT: _event(),
        Leaf.ALERT: _logged(FormOf(Alert, alerts.SCHEMA)),
        Leaf.LIVE: schema_of(LivePayload),
        REPLY: schema_of(ReplyPayload),
        REPLAYED: schema_of(ReplayedPayload),
    }
    told = {str(name): (title, forms[name]) for name, title in TITLES.items()}
    told |= {f"cmd/{name}": (title, _command(kind)) for name, (title, kind) in COMMANDS.items()}
    return {name: titled(title, form) for name, (title, form) in told.items()}


def titled(title: str, form: Schema) -> Schema:
    """Return a schema as it is published."""
    return {"$schema": DIALECT, "title": title, **form}


def write(published: Mapping[str, Schema], folder: Path) -> None:
    """Write one file for each schema; `make docs` does so."""
    for name, schema in published.items():
        path = folder / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(schema, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _event() -> Schema:
    """Return the schema of an event.

    Its facts are a `recognition.rules.reason` with its numbers, empty in events of the first
    release; Home Assistant reads `event_type`.
    """
    event = _logged(FormOf(Event, events.SCHEMA), event_type=schema_of(Kind))
    event["properties"]["facts"] |= {
        "properties": {"reason": schema_of(Reason)},
        "maxProperties": MOST_FACTS,
    }
    return event


def _logged(form: FormOf, **more: Schema) -> Schema:
    """Return the schema of an entry: its number in the log is null when the disk refused it."""
    entry = schema_of(Annotated[dict[str, Any], form])
    number = schema_of(Annotated[int, Within(1)] | None)
    return object_of(entry["properties"] | {"n": number} | more)


def _command(kind: type) -> Schema:
    """Return the schema of a command: where the service has keys, with all fields of the proof.

    A field that has a default may be left out.
    """
    names = {"at": commands.WHEN}
    properties = {names.get(name, name): form for name, form in properties_of(kind).items()}
    optional = {each.name for each in fields(kind) if each.default is not MISSING}
    schema = object_of(properties, optional | {commands.WHEN})
    schema["properties"] |= properties_of(Proven)
    schema["dependentRequired"] = {name: list(PROOF) for name in PROOF}
    return schema


if __name__ == "__main__":
    write(schemas(), Path(sys.argv[1]))
