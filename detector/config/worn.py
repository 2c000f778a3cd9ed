"""Which sensor was chosen and where it is worn, as settings; the same from every screen. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from detector.config.settings import SensorSettings
from detector.devices.identity import is_unique
from detector.devices.registry import installed
from detector.sites import SITES
from detector.words.phrases import harmless

SIDES = ("left", "right")


@dataclass(frozen=True, slots=True)
class WornAnswer:
    """Where a sensor is worn; `label` is its new name in events, None keeps the old one."""

    placement: str
    label: str | None


def parse_worn(text: str) -> WornAnswer:
    """Return where a sensor is worn: `ankle`, `2`, `left ankle`, `left-ankle`.

    Raises
    ------
    ValueError
        It is not a place; the message lists them.
    """
    words = re.split(r"[\s-]+", text.strip().casefold())
    side = words.pop(0) if len(words) > 1 and words[0] in SIDES else None
    place = words[0] if len(words) == 1 else ""
    if place in map(str, range(1, len(SITES) + 1)):
        place = SITES[int(place) - 1]
    if place not in SITES:
        raise ValueError(
            f"{text[:20]!r} is not a place: type one of {', '.join(SITES)}, with left "
            "or right before it if you like."
        )
    return WornAnswer(place, None if side is None else f"{side}-{place}")


def new_label(now: SensorSettings, worn: WornAnswer) -> str | None:
    """Return a new name for the sensor in events, None to keep the present one."""
    if worn.label is not None:
        return worn.label
    side, _, place = now.label.partition("-")
    stale = side in SIDES and place in SITES and place != worn.placement
    return f"{side}-{worn.placement}" if stale else None


def sensor_values(
    now: SensorSettings, worn: WornAnswer, *, address: str, name: str, driver: str | None
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the settings of the chosen sensor, and comments to stand behind them.

    Parameters
    ----------
    now : its present settings
    name : what it advertises
    driver : that knows it
    """
    values = {"device": address, "placement": worn.placement}
    label = new_label(now, worn)
    if label is not None:
        values["label"] = label
    if now.driver is not None and driver is not None:
        values["driver"] = driver  # the old one was that of another sensor
    shown = harmless(name).replace("\n", " ").strip()
    if driver and is_unique(name, installed().named(driver)):
        values["name"] = name
    elif now.name is not None:
        values["name"] = address  # the old one was that of another sensor
    return values, {"device": shown} if shown else {}
