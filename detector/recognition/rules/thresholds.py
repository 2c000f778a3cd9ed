"""Loads `models/`: thresholds as plain JSON, grouped by what they decide, each with its reason.

What a threshold means, and why it has its value, stands in the model file. A pair is a ramp: no
evidence at the first number, full evidence at the second.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, TypeAlias, get_args, get_type_hints

from detector.errors import ModelError
from detector.plain_json import parsed
from detector.recognition.rules.model_files import model_file

RULES = "rules-v1"

ODD_MOST, LONGEST_ERROR = 5, 300  # thresholds named, and characters of the message
_NUMBERS = {0: "a number", 2: "two numbers", 4: "four numbers", 7: "seven numbers"}

Ramp: TypeAlias = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRules:
    """When a frame counts as movement."""

    least_g: float
    over_floor: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BeatRules:
    """What a frame must show to beat: see `bouts.beat`."""

    regularity: Ramp
    beats: Ramp
    stride: Ramp
    low_hz: float
    high_hz: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RhythmRules:
    """How much beating, in a row and in all, is a rhythm."""

    on: float
    hindsight: float
    faint: float
    least_frames: int
    announce_score: float
    beats: Ramp
    pulsing: Ramp


@dataclass(frozen=True, slots=True, kw_only=True)
class ClonusRules:
    """Clonus against tremor, alone and in the midst of other movement."""

    odds: tuple[float, float, float, float, float, float, float]
    rms_g: Ramp
    rate_hz: Ramp
    calm_share: Ramp
    drowning_share: Ramp
    clear_beats: Ramp
    undeniable_beats: Ramp


@dataclass(frozen=True, slots=True, kw_only=True)
class SpasmRules:
    """A sudden start out of rest, and a spasm that begins with one."""

    rest_s: Ramp
    busy: Ramp
    jerk_g_s: Ramp
    rise_s: Ramp
    slope_s: Ramp
    early_share: Ramp
    peak_g: Ramp
    turn_deg: Ramp
    rolled_deg: Ramp
    length_s: Ramp


@dataclass(frozen=True, slots=True, kw_only=True)
class StayedRules:
    """What is asked besides of a limb that stays where a sudden start took it."""

    least_deg: float
    share: Ramp
    jerk_g_s: Ramp
    times_peak: Ramp


@dataclass(frozen=True, slots=True, kw_only=True)
class TwitchRules:
    """A twitch; its quiet minute also goes for a pull, its return also for shaking."""

    length_s: Ramp
    peak_g: Ramp
    return_deg: Ramp
    busy: Ramp


@dataclass(frozen=True, slots=True, kw_only=True)
class TonicRules:
    """A pull that is held."""

    length_s: Ramp
    held_deg: Ramp
    drift_deg: Ramp
    trembling: Ramp
    tremble_hz: float
    least_s: float
    stiff_share: float
    most_deg: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnRules:
    """A turn of the limb."""

    settled_deg: Ramp
    length_s: Ramp


@dataclass(frozen=True, slots=True, kw_only=True)
class ShakenRules:
    """Shaking that turns nothing."""

    turn_deg: Ramp
    length_s: Ramp


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkRules:
    """Walking."""

    length_s: Ramp
    striding: Ramp


@dataclass(frozen=True, slots=True, kw_only=True)
class BuzzRules:
    """A phone's motor."""

    length_s: Ramp
    rms_g: Ramp
    slope_s: Ramp
    turn_deg: Ramp


@dataclass(frozen=True, slots=True, kw_only=True)
class HandRules:
    """The strokes of a hand at work."""

    rate_hz: Ramp
    rms_g: Ramp
    waning: Ramp


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodicRules:
    """A series of periodic limb movements."""

    low_s: float
    high_s: float
    alike: tuple[float, float, float, float]
    alike_strong: tuple[float, float, float, float]
    jerk_g_s: float
    turn_deg: float
    least_deg: float
    stays_deg: float
    moved_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The thresholds of the rules as they apply to a sensor at one site."""

    name: str
    gate: GateRules
    beat: BeatRules
    rhythm: RhythmRules
    clonus: ClonusRules
    spasm: SpasmRules
    stayed: StayedRules
    twitch: TwitchRules
    tonic: TonicRules
    turn: TurnRules
    shaken: ShakenRules
    walk: WalkRules
    buzz: BuzzRules
    hand: HandRules
    periodic: PeriodicRules


_GROUPS: Final[Mapping[str, type[Any]]] = {
    "gate": GateRules,
    "beat": BeatRules,
    "rhythm": RhythmRules,
    "clonus": ClonusRules,
    "spasm": SpasmRules,
    "stayed": StayedRules,
    "twitch": TwitchRules,
    "tonic": TonicRules,
    "turn": TurnRules,
    "shaken": ShakenRules,
    "walk": WalkRules,
    "buzz": BuzzRules,
    "hand": HandRules,
    "periodic": PeriodicRules,
}


def load_rules(name: str = RULES, *, site: str = "ankle") -> Rules:
    """Read `models/<name>/model.json` as it applies to a sensor worn at `site`.

    Raises
    ------
    ModelError
        The file is missing, or `parse_rules` refuses it.
    """
    return parse_rules(name, model_file(name), site=site)


def parse_rules(name: str, data: bytes, *, site: str) -> Rules:
    """Return the rules of a model's JSON.

    Raises
    ------
    ModelError
        It holds other thresholds than this version knows, or something else than numbers.
    """
    try:
        thresholds: dict[str, dict[str, Any]] = parsed(data)["thresholds"]
        values = {
            group: {key: _at(entry, site) for key, entry in entries.items()}
            for group, entries in thresholds.items()
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"model {name!r} cannot be read: {error}. Reinstall spasmwatch") from error
    known = {f"{group}.{each.name}" for group, of in _GROUPS.items() for each in fields(of)}
    given = {f"{group}.{key}" for group, entries in values.items() for key in entries}
    if given != known or values.keys() != _GROUPS.keys():
        odd = ", ".join(sorted(given ^ known)[:ODD_MOST])
        raise ModelError(f"model {name!r} is of another version (thresholds {odd})"[:LONGEST_ERROR])
    for group, of in _GROUPS.items():
        for key, kind in get_type_hints(of).items():
            if not _fits(values[group][key], kind):
                raise ModelError(
                    f"model {name!r}: {group}.{key} must be {_NUMBERS[len(get_args(kind))]}, not "
                    f"{str(values[group][key])[:40]}. Reinstall spasmwatch"
                )
    return Rules(name=name, **{group: of(**values[group]) for group, of in _GROUPS.items()})


def _fits(value: Any, kind: Any) -> bool:
    """Whether a value is a number, or as many numbers as the threshold has."""
    if parts := get_args(kind):
        return (
            isinstance(value, tuple) and len(value) == len(parts) and all(map(_fits, value, parts))
        )
    return type(value) is int or (type(value) is float and kind is float)


def _at(entry: dict[str, Any], site: str) -> Any:
    value = entry.get("sites", {}).get(site, entry)["value"]
    return tuple(value) if isinstance(value, list) else value
