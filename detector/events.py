"""Events that can be found in a night, and their JSON form."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import MAXYEAR, MINYEAR, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Annotated, Any

from detector import plain_json
from detector.fields import Count, Items, Name, Positive, Share, Within

SCHEMA = "event/1"

LONGEST_FACTS = 16_384
"""Characters of JSON: six sensors with every check take 3,000; MQTT brokers at home take 64 kB."""

SHARE_NAMES = ("clonus", "tremor", "voluntary")
_YOUNGER = ("facts", "held_back", "context", "shares")
"""Fields that events of the first release do not have."""


class Kind(StrEnum):
    """What a movement most likely was."""

    CLONUS = "clonus"
    SPASM = "spasm"
    TWITCH = "twitch"
    TONIC = "tonic"
    TREMOR = "tremor"
    PLM = "plm"
    TURN = "turn"
    MOVEMENT = "movement"
    VIBRATION = "vibration"

    @property
    def is_spasm_family(self) -> bool:
        """Whether it counts as a likely spasm, as against an ordinary movement."""
        return self in SPASM_FAMILY


SPASM_FAMILY = frozenset({Kind.CLONUS, Kind.SPASM, Kind.TWITCH, Kind.TONIC})


class Phase(StrEnum):
    """Phase of an event: announced, still going on, over."""

    START = "start"
    UPDATE = "update"
    END = "end"


class EventContext(StrEnum):
    """What the wearer was doing when an event began, as far as its sensor saw.

    Not known (None) where less than five minutes before it were seen and nothing else moved in
    them: what was not seen is not rest.
    """

    RESTING = "resting"  # no movement for five minutes that is not of likely spasms
    RESTLESS = "restless"
    UP = "up"  # upright or walking


class Origin(StrEnum):
    """Where the samples came from. Only `live` ever reaches a live topic."""

    LIVE = "live"
    REPLAY = "replay"
    SIMULATED = "simulated"


@dataclass(frozen=True, slots=True)
class DetectorVersion:
    """Which code and which model found an event."""

    name: Name
    version: Name
    model: Name


@dataclass(frozen=True, slots=True)
class RecordingSpan:
    """Samples of an event: `first` up to and including `last`, on the sensor's clock."""

    name: Name
    first: Count
    last: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One movement that was found; the fields and units of the contract's `event/1`.

    `onset_s` counts from the first sample of the recording; `onset` and `end` are None when
    that has no wall clock. `grade` is the SCATS bin: by length (`grade_of`), or by the angle
    of a limb that was drawn up, held and let go (`angle_grade_of`). `shares` say of a rhythm what
    speaks for clonus, tremor and voluntary movement, and sum to 1.
    `context` is that of its onset, and stays; None where it is not known, or of an old event.
    `held_back` is the kind that a personal minimum withheld. `facts` say why it has its kind, as
    plain data (`recognition.rules.reason`); `words.reasons.worded` renders `reason` from them.
    """

    id: Name
    kind: Kind
    phase: Phase
    revision: Count = 0
    onset_s: float
    duration_s: Positive
    onset: datetime | None = None
    end: datetime | None = None
    rhythm_hz: Positive | None = None
    beats: Count | None = None
    peak_g: Positive | None = None
    rms_g: Positive | None = None
    turn_deg: Annotated[float, Within(0, 180)] | None = None
    confidence: Share
    grade: Annotated[int, Within(1, 3)] | None = None
    parts: Annotated[tuple[Kind, ...], Items(least=1)] | None = None
    episode: Name | None = None
    cut_short: bool = False
    context: EventContext | None = None
    held_back: Kind | None = None
    shares: Mapping[str, Share] | None = field(default=None, hash=False)
    reason: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict, hash=False)
    sensor: str | None = None
    wearer: str | None = None
    detector: DetectorVersion | None = None
    source: Origin = Origin.REPLAY
    recording: RecordingSpan | None = None

    @property
    def end_s(self) -> float:
        """Seconds from the first sample of the recording to the end of the event."""
        return self.onset_s + self.duration_s


def grade_of(duration_s: float) -> int:
    """Return the SCATS bin of a clonus or extensor spasm (NINDS CDE F1766): < 3, 3-10, > 10 s."""
    return 1 if duration_s < 3 else 2 if duration_s <= 10 else 3


def angle_grade_of(turn_deg: float) -> int:
    """Return the SCATS bin of a flexor spasm by its angle: < 10, 10-30, > 30 degrees.

    Of the limb the sensor is on, where the scale means the hip and knee.
    """
    return 1 if turn_deg < 10 else 2 if turn_deg <= 30 else 3


def event_id(
    wearer: str | None, sensor: str | None, recording: str | None, onset: int | str
) -> str:
    """Return twenty hex digits, the same whenever the same recording is analysed again."""
    key = json.dumps([wearer, sensor, recording, onset])
    return sha256(key.encode()).hexdigest()[:20]


def format_utc(moment: datetime | None) -> str | None:
    """Return the moment as RFC 3339 text in UTC with milliseconds."""
    if moment is None:
        return None
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_utc(text: str | None) -> datetime | None:
    """Return a moment from its ISO 8601 form; None stays None.

    Raises
    ------
    ValueError
        It is none, has no offset, or not every time zone can show it: anybody may have sent it, and
        whoever compares, shifts or shows it would raise.
    """
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None or not MINYEAR < moment.year < MAXYEAR:
        raise ValueError(f"{text[:40]!a} has no offset from UTC, or is at an end of the calendar")
    return moment


def to_dict(event: Event) -> dict[str, Any]:
    """Return the contract's JSON object: every field present, unknown ones None."""
    return {
        "schema": SCHEMA,
        "id": event.id,
        "kind": event.kind.value,
        "phase": event.phase.value,
        "revision": event.revision,
        "onset_s": event.onset_s,
        "duration_s": event.duration_s,
        "onset": format_utc(event.onset),
        "end": format_utc(event.end),
        "rhythm_hz": event.rhythm_hz,
        "beats": event.beats,
        "peak_g": event.peak_g,
        "rms_g": event.rms_g,
        "turn_deg": event.turn_deg,
        "confidence": event.confidence,
        "grade": event.grade,
        "parts": None if event.parts is None else [part.value for part in event.parts],
        "episode": event.episode,
        "cut_short": event.cut_short,
        "context": None if event.context is None else event.context.value,
        "held_back": None if event.held_back is None else event.held_back.value,
        "shares": None if event.shares is None else dict(event.shares),
        "reason": event.reason,
        "facts": dict(event.facts),
        "sensor": event.sensor,
        "wearer": event.wearer,
        "detector": _plain(event.detector),
        "source": event.source.value,
        "recording": _plain(event.recording),
    }


def to_json(event: Event) -> str:
    """Return one line of JSON; the same event always gives the same bytes.

    Raises
    ------
    ValueError
        `reason` was not yet rendered from `facts`.
    """
    if event.facts and not event.reason:
        raise ValueError(f"event {event.id!r} has facts and no reason: words.reasons.worded")
    return plain_json.line(to_dict(event))


def from_dict(data: Mapping[str, Any]) -> Event:
    """Return the event that `to_dict` wrote.

    Raises
    ------
    ValueError
        A field is missing or of the wrong kind; the sender is of another version.
    """
    if data.get("schema") != SCHEMA:
        raise ValueError(f"schema must be {SCHEMA!r}, got {data.get('schema')!r}")
    try:
        values = {each.name: data[each.name] for each in fields(Event) if each.name not in _YOUNGER}
        held_back, context = data.get("held_back"), data.get("context")
        detector, recording, parts = values["detector"], values["recording"], values["parts"]
        values |= {
            "kind": Kind(values["kind"]),
            "phase": Phase(values["phase"]),
            "source": Origin(values["source"]),
            "onset": parse_utc(values["onset"]),
            "end": parse_utc(values["end"]),
            "parts": None if parts is None else tuple(Kind(part) for part in parts),
            "detector": None if detector is None else DetectorVersion(**detector),
            "recording": None if recording is None else RecordingSpan(**recording),
            "context": None if context is None else EventContext(context),
            "held_back": None if held_back is None else Kind(held_back),
            "shares": _shares(data.get("shares")),
            "facts": _checked(data.get("facts", {})),
        }
        return Event(**values)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not an {SCHEMA} object: {error}") from error


def final_forms(events: Iterable[Event]) -> list[Event]:
    """Return each event once, in its latest form, in order of onset."""
    latest: dict[str, Event] = {}
    for event in events:
        latest[event.id] = event
    ended = (event for event in latest.values() if event.phase is Phase.END)
    return sorted(ended, key=lambda event: (event.onset_s, event.id))


@dataclass(frozen=True, slots=True)
class Announced:
    """Announcements ("begins …") of a night.

    Parameters
    ----------
    begun : all of them
    taken_back : what was announced is no likely spasm in its latest form
    renamed : ... is a likely spasm of another kind
    """

    begun: int
    taken_back: int
    renamed: int


def announced(said: Iterable[Event]) -> Announced:
    """Count announcements, and those that later findings changed.

    Parameters
    ----------
    said : every form of every event, those of each in the order in which they were told
    """
    first: dict[str, Kind] = {}
    latest: dict[str, Kind] = {}
    for event in said:
        if event.phase is Phase.START:
            first.setdefault(event.id, event.kind)
        latest[event.id] = event.kind
    others = [latest[id_] for id_, kind in first.items() if latest[id_] is not kind]
    renamed = sum(kind.is_spasm_family for kind in others)
    return Announced(len(first), len(others) - renamed, renamed)


def is_taken_back(event: Event) -> bool:
    """Return whether another event reports the movement: this one has no end and does not count."""
    return event.phase is Phase.UPDATE and event.kind is Kind.MOVEMENT and event.held_back is None


def broken_off(event: Event) -> Event:
    """Return the event as over and cut short, as far as it was seen."""
    return replace(event, phase=Phase.END, cut_short=True)


def relabelled(event: Event, kind: Kind, facts: Mapping[str, Any]) -> Event:
    """Return the next revision of an event, with another kind; its `reason` is not yet rendered."""
    return replace(event, kind=kind, facts=facts, reason="", revision=event.revision + 1)


def _checked(facts: Any) -> dict[str, Any]:
    """Return facts that are plain, finite and no larger than recognition makes them.

    Raises
    ------
    ValueError
        They are not.
    """
    if not isinstance(facts, dict):
        raise ValueError(f"not an {SCHEMA} object: facts must be an object, got {facts!r:.80}")
    if len(json.dumps(facts, allow_nan=False)) > LONGEST_FACTS:
        raise ValueError(f"not an {SCHEMA} object: facts exceed {LONGEST_FACTS} characters")
    return facts


def _shares(shares: Any) -> dict[str, float] | None:
    """Return shares of `SHARE_NAMES`.

    Raises
    ------
    ValueError
        They are none.
    """
    if shares is None:
        return None
    if not isinstance(shares, dict) or not set(shares) <= set(SHARE_NAMES):
        raise ValueError(f"not an {SCHEMA} object: shares must be of {', '.join(SHARE_NAMES)}")
    return {name: float(share) for name, share in shares.items()}


def _plain(value: DetectorVersion | RecordingSpan | None) -> dict[str, Any] | None:
    return None if value is None else {f.name: getattr(value, f.name) for f in fields(value)}
