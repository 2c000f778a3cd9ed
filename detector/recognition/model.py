"""Loads `models/`: thresholds and weights as plain JSON, each with its unit and its reason."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from importlib import resources
from pathlib import Path
from typing import Any

from detector.errors import ModelError

DEFAULT = "rules-v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The thresholds of the rules; what each means and why stands in the model file."""

    name: str
    gate_g: float
    gate_over_floor: float
    rhythm_on: float
    rhythm_hindsight: float
    band_low_hz: float
    band_high_hz: float
    regularity: tuple[float, float]
    beats: tuple[float, float]
    stride: tuple[float, float]
    clonus_frames: int
    clonus_first_frames: int
    clonus_beats: float
    growth_beats: float
    calm_share: float
    rest_s: float
    spasm_peak_g: float
    spasm_jerk_g_s: float
    spasm_rise_s: float
    twitch_s: float
    twitch_peak_g: float
    return_deg: float
    turn_deg: float
    turn_s: float
    long_s: float
    plm_low_s: float
    plm_high_s: float
    plm_spread: float
    plm_turn_deg: float
    plm_jerk_g_s: float


def load_rules(name: str = DEFAULT) -> Rules:
    """Read `models/<name>/model.json`.

    Raises
    ------
    ModelError
        The file is missing, or holds other thresholds than this version knows.
    """
    try:
        text = _folder(name).joinpath("model.json").read_text(encoding="utf-8")
        thresholds: dict[str, dict[str, Any]] = json.loads(text)["thresholds"]
        values = {key: entry["value"] for key, entry in thresholds.items()}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"model {name!r} cannot be read: {error}. Reinstall spasmwatch") from error
    known = {field.name for field in fields(Rules)} - {"name"}
    if values.keys() != known:
        odd = ", ".join(sorted(values.keys() ^ known))
        raise ModelError(f"model {name!r} is of another version (thresholds {odd})")
    return Rules(name=name, **values)


def _folder(name: str) -> Any:
    """Inside the installed package, or beside it in a checkout."""
    installed = resources.files("detector").joinpath("models", name)
    if installed.is_dir():
        return installed
    return Path(__file__).parents[2] / "models" / name
