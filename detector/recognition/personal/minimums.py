"""Minimums that a wearer confirmed for their own spasms: applied visibly, easily undone.

An event beneath a minimum is still published and stored, with all its numbers, as a `movement`
whose `held_back` and `facts` say what it was. Nothing else about an event changes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import floor, isfinite
from typing import Any

from detector.events import Event, Kind, Phase, relabelled
from detector.recognition.personal.weights import WEIGHED, Weights
from detector.recognition.rules.reason import Reason, because

SCHEMA = "personal/2"
READ = ("personal/1", SCHEMA)
"""The first had no weights: any of its minimums is one without."""

OWN = "own_confidence"
"""How likely an event is real by the wearer's own labels: what is proposed. The other quantities
are an event's own fields, for who sets a minimum by hand."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number that events carry: the `step` and the `most` of a minimum on it."""

    step: float
    most: float

    def above(self, value: float) -> float:
        """Return the lowest round minimum that holds back a value below `most`."""
        return min(round((floor(round(value / self.step, 6)) + 1) * self.step, 6), self.most)


QUANTITIES = {
    "confidence": Quantity(0.01, 0.95),  # what is nearly sure is always published
    "peak_g": Quantity(0.01, 1.0),  # a kick of 1 g is plain to everybody
    "rms_g": Quantity(0.005, 0.3),  # 1 g at its peak, for a movement that lasts
    "duration_s": Quantity(0.1, 10.0),  # beyond is SCATS grade 3 (events.grade_of)
    "beats": Quantity(1.0, 30.0),  # ten seconds of the slowest clonus, 3 Hz
    "rhythm_hz": Quantity(0.1, 5.0),  # typical clonus is above: 5-7 Hz
    "turn_deg": Quantity(1.0, 45.0),  # half of a bent knee
    OWN: Quantity(0.001, 0.5),  # what is likelier real than not is always published
}
"""What a minimum may be asked of. `most` bounds what any file or proposal can hold back."""

MEASURED = {
    Kind.CLONUS: (OWN, "confidence", "beats", "duration_s", "peak_g", "rhythm_hz"),
    Kind.SPASM: (OWN, "confidence", "peak_g", "duration_s", "turn_deg"),
    Kind.TWITCH: (OWN, "confidence", "peak_g"),
    Kind.TONIC: (OWN, "confidence", "duration_s", "rms_g", "turn_deg"),
}
"""Which numbers mean something for a kind."""


@dataclass(frozen=True, slots=True)
class Minimum:
    """The least that an event of `kind` must have to count; asked of events up to `up_to_s` long.

    What lasts longer than anything the wearer called false is beyond their experience and always
    counts, however weak it is. `weights` are those of `own_confidence`, None of all others.
    """

    kind: Kind
    quantity: str
    at_least: float
    up_to_s: float
    weights: Weights | None = None

    def __post_init__(self) -> None:
        if self.quantity not in MEASURED.get(self.kind, ()):
            known = ", ".join(MEASURED.get(self.kind, ())) or "nothing"
            raise ValueError(f"a minimum for {self.kind} is on {known}, got {self.quantity!r}")
        most = QUANTITIES[self.quantity].most
        if not 0 < _number(self.at_least) <= most:
            raise ValueError(f"{self.quantity} must be above 0, at most {most}: {self.at_least}")
        if not (isfinite(_number(self.up_to_s)) and self.up_to_s >= 0):
            raise ValueError(f"up_to_s must be a number of seconds, got {self.up_to_s}")
        wanted = len(WEIGHED[self.kind]) if self.quantity == OWN else 0
        if wanted != (0 if self.weights is None else len(self.weights.of)):
            raise ValueError(f"{self.quantity} of {self.kind} takes {wanted} weights")

    def value_of(self, event: Event) -> float | None:
        """Return the number that the minimum is on; None where it is not known."""
        if self.weights is not None:
            return self.weights.likely(event)
        value: float | None = getattr(event, self.quantity)
        return value

    def holds_back(self, event: Event) -> bool:
        """Whether the event is known to be beneath; what is not known holds nothing back."""
        if event.kind is not self.kind or not event.duration_s <= self.up_to_s:
            return False
        value = self.value_of(event)
        return value is not None and value < self.at_least


@dataclass(frozen=True, slots=True, kw_only=True)
class Personal:
    """One wearer's own minimums, at most one for a kind, and those before the last change.

    They hold for the `wearer`, `sensor` and `model` they were learned with: another placement or
    another model measures otherwise. None stands for any. `version` only ever grows.
    """

    version: int = 0
    wearer: str | None = None
    sensor: str | None = None
    model: str | None = None
    minimums: tuple[Minimum, ...] = ()
    previous: tuple[Minimum, ...] | None = None

    def __post_init__(self) -> None:
        if type(self.version) is not int or self.version < 0:
            raise ValueError(f"version must be a whole number from 0, got {self.version!r}")
        for name in ("wearer", "sensor", "model"):
            if not isinstance(getattr(self, name), str | None):
                raise ValueError(f"{name} must be text or null, got {getattr(self, name)!r}")
        for minimums in (self.minimums, self.previous or ()):
            kinds = [minimum.kind for minimum in minimums]
            if kinds != sorted(set(kinds)):
                raise ValueError("minimums must be one for a kind, in order of kind")

    def minimum(self, kind: Kind) -> Minimum | None:
        """Return what is asked of a kind; None if anything counts."""
        return next((minimum for minimum in self.minimums if minimum.kind is kind), None)

    def concerns(self, event: Event) -> bool:
        """Whether the event is this wearer's, from the sensor and model that were learned with."""
        model = None if event.detector is None else event.detector.model
        scopes = ((self.wearer, event.wearer), (self.sensor, event.sensor), (self.model, model))
        return all(ours is None or ours == theirs for ours, theirs in scopes)

    def changed(self, kind: Kind, minimum: Minimum | None) -> Personal:
        """Return the next version, with another minimum (or none) for one kind."""
        kept = [each for each in self.minimums if each.kind is not kind]
        fresh = sorted([*kept, *([minimum] if minimum else [])], key=lambda each: each.kind)
        return self._next(tuple(fresh))

    def reverted(self) -> Personal:
        """Go back to the minimums before the last change; twice is where it began.

        Raises
        ------
        ValueError
            Nothing was changed yet.
        """
        if self.previous is None:
            raise ValueError("there is nothing to go back to: no minimum was ever changed")
        return self._next(self.previous)

    def _next(self, minimums: tuple[Minimum, ...]) -> Personal:
        return replace(self, version=self.version + 1, minimums=minimums, previous=self.minimums)


def apply(event: Event, personal: Personal, told: Event | None = None) -> Event:
    """Return an event as this wearer's minimums have it.

    Parameters
    ----------
    told : the last form of the same event that this function returned

    Notes
    -----
    An event that is still going on is movement until it meets its minimum; it then rises to its
    kind, as a new revision. Once published as a likely spasm it stays one while it lasts: a
    number that wavers takes nothing back. At its end, the final numbers decide. Revisions never
    fall, so that a receiver who keeps the highest one always has the latest.

    Raises
    ------
    ValueError
        `told` is of another event.
    """
    if told is not None and told.id != event.id:
        raise ValueError(f"told must be of event {event.id!r}, got {told.id!r}")
    minimum = personal.minimum(event.kind) if personal.concerns(event) else None
    lasting = told is not None and told.kind.is_spasm_family and event.phase is not Phase.END
    said = event
    if minimum is not None and minimum.holds_back(event) and not lasting:
        facts = because(
            Reason.BELOW_MINIMUM,
            quantity=minimum.quantity,
            at_least=minimum.at_least,
            kind=event.kind,
            was=event.facts,
        )
        said = replace(
            relabelled(event, Kind.MOVEMENT, facts),
            held_back=event.kind,
            episode=None,
            grade=None,
        )
    if told is None:
        return said
    return replace(said, revision=max(said.revision, told.revision + (told.kind is not said.kind)))


def kind_found(event: Event) -> Kind:
    """Return the kind that the detector found, whether or not a minimum held the event back."""
    return event.kind if event.held_back is None else event.held_back


def to_dict(personal: Personal) -> dict[str, Any]:
    """Return the JSON object `personal/2`: every field present, unknown ones None."""
    previous = personal.previous
    return {
        "schema": SCHEMA,
        "version": personal.version,
        "wearer": personal.wearer,
        "sensor": personal.sensor,
        "model": personal.model,
        "minimums": _plain(personal.minimums),
        "previous": None if previous is None else _plain(previous),
    }


def from_dict(data: Any) -> Personal:
    """Return what `to_dict` wrote, now or as `personal/1`.

    Raises
    ------
    ValueError
        It is of another version, or asks for something that no proposal would.
    """
    if not isinstance(data, dict) or data.get("schema") not in READ:
        raise ValueError(f"not a {SCHEMA} object: its schema must be {SCHEMA!r}")
    try:
        rest = {key: value for key, value in data.items() if key != "schema"}
        rest["minimums"] = _minimums(data["minimums"])
        previous = data["previous"]
        rest["previous"] = None if previous is None else _minimums(previous)
        return Personal(**rest)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"not a {SCHEMA} object: {error}") from error


def _plain(minimums: tuple[Minimum, ...]) -> dict[str, dict[str, Any]]:
    return {
        str(each.kind): {
            "quantity": each.quantity,
            "at_least": each.at_least,
            "up_to_s": each.up_to_s,
            "weights": None if each.weights is None else _plain_weights(each.kind, each.weights),
        }
        for each in minimums
    }


def _plain_weights(kind: Kind, weights: Weights) -> dict[str, float]:
    return {"offset": weights.offset, **dict(zip(WEIGHED[kind], weights.of, strict=True))}


def _minimums(data: dict[str, dict[str, Any]]) -> tuple[Minimum, ...]:
    return tuple(_minimum(Kind(kind), data[kind]) for kind in sorted(data))


def _minimum(kind: Kind, said: dict[str, Any]) -> Minimum:
    rest = dict(said)
    weights = rest.pop("weights", None)
    return Minimum(kind=kind, **rest, weights=None if weights is None else _weights(kind, weights))


def _weights(kind: Kind, said: dict[str, float]) -> Weights:
    names = ("offset", *WEIGHED[kind])
    if sorted(said) != sorted(names):
        raise ValueError(f"weights of {kind} are {', '.join(names)}, got {', '.join(said)}")
    offset, *of = (float(_number(said[name])) for name in names)
    return Weights(offset, tuple(of))


def _number(value: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"must be a number, got {value!r}")
    return value
