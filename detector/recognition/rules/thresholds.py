"""Loads `models/`: thresholds and weights as plain JSON, each with its unit and its reason."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import Any

from detector.errors import ModelError
from detector.recognition.rules.model_files import model_file

DEFAULT = "rules-v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The thresholds of the rules; what each means and why stands in the model file."""

    name: str
    gate_g: float
    gate_over_floor: float
    rhythm_on: float
    rhythm_hindsight: float
    regularity: tuple[float, float]
    beats: tuple[float, float]
    stride: tuple[float, float]
    band_low_hz: float
    band_high_hz: float
    clonus_frames: int
    plm_low_s: float
    plm_high_s: float
    plm_alike: tuple[float, float, float, float]
    plm_alike_strong: tuple[float, float, float, float]
    plm_jerk_g_s: float
    plm_turn_deg: float
    announce_score: float
    clonus_beats: tuple[float, float]
    clonus_odds: tuple[float, float, float, float, float, float, float]
    buzz_s: tuple[float, float]
    buzz_g: tuple[float, float]
    buzz_slope_s: tuple[float, float]
    buzz_turn_deg: tuple[float, float]
    calm_share: tuple[float, float]
    pulsing: tuple[float, float]
    rest_s: tuple[float, float]
    busy: tuple[float, float]
    spasm_jerk_g_s: tuple[float, float]
    spasm_rise_s: tuple[float, float]
    spasm_peak_g: tuple[float, float]
    spasm_turn_deg: tuple[float, float]
    slope_s: tuple[float, float]
    rolled_deg: tuple[float, float]
    still_minute: tuple[float, float]
    clonus_g: tuple[float, float]
    clonus_rate_hz: tuple[float, float]
    drowning_share: tuple[float, float]
    clear_beats: tuple[float, float]
    undeniable_beats: tuple[float, float]
    rhythm_faint: float
    hand_rate_hz: tuple[float, float]
    hand_g: tuple[float, float]
    hand_waning: tuple[float, float]
    early_share: tuple[float, float]
    stayed: tuple[float, float]
    stayed_jerk_g_s: tuple[float, float]
    stayed_peak: tuple[float, float]
    stayed_deg: float
    plm_least_deg: float
    long_s: tuple[float, float]
    twitch_s: tuple[float, float]
    twitch_peak_g: tuple[float, float]
    return_deg: tuple[float, float]
    tonic_s: tuple[float, float]
    tonic_turn_deg: tuple[float, float]
    tonic_drift_deg: tuple[float, float]
    trembling: tuple[float, float]
    tremble_hz: float
    turn_deg: tuple[float, float]
    turn_s: tuple[float, float]
    shaken_turn_deg: tuple[float, float]
    shaken_s: tuple[float, float]
    walk_s: tuple[float, float]
    striding: tuple[float, float]


def load_rules(name: str = DEFAULT, *, site: str = "ankle") -> Rules:
    """Read `models/<name>/model.json` as it applies to a sensor worn at `site`.

    Raises
    ------
    ModelError
        The file is missing, or holds other thresholds than this version knows.
    """
    try:
        thresholds: dict[str, dict[str, Any]] = json.loads(model_file(name))["thresholds"]
        values = {key: _at(entry, site) for key, entry in thresholds.items()}
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"model {name!r} cannot be read: {error}. Reinstall spasmwatch") from error
    known = {field.name for field in fields(Rules)} - {"name"}
    if values.keys() != known:
        odd = ", ".join(sorted(values.keys() ^ known))
        raise ModelError(f"model {name!r} is of another version (thresholds {odd})")
    return Rules(name=name, **values)


def _at(entry: dict[str, Any], site: str) -> Any:
    value = entry.get("sites", {}).get(site, entry)["value"]
    return tuple(value) if isinstance(value, list) else value
