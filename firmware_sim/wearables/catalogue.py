"""Which families of virtual sensors there are."""

from __future__ import annotations

from collections.abc import Mapping

from firmware_sim.wearables.firmware import Wearable
from firmware_sim.wearables.polar import H10, VERITY_SENSE

WEARABLES: Mapping[str, Wearable] = {wearable.name: wearable for wearable in (VERITY_SENSE, H10)}
"""By the contract's device name."""
