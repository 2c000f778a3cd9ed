"""Where on the body a sensor can be worn: each site has thresholds of its own."""

from __future__ import annotations

from typing import Final, Literal, get_args

Site = Literal["foot", "ankle", "calf", "thigh", "wrist", "trunk"]
SITES: Final[tuple[Site, ...]] = get_args(Site)
LEGS: Final[tuple[Site, ...]] = ("foot", "ankle", "calf", "thigh")
