"""The families of virtual sensors."""

from __future__ import annotations

from collections.abc import Mapping

from firmware_sim.wearables.firmware import Wearable
from firmware_sim.wearables.microbit import MICROBIT
from firmware_sim.wearables.movesense import MOVESENSE
from firmware_sim.wearables.open_frame import OPEN_FRAME
from firmware_sim.wearables.openseizure import OPENSEIZURE
from firmware_sim.wearables.polar import H10, VERITY_SENSE
from firmware_sim.wearables.witmotion import WITMOTION

WEARABLES: Mapping[str, Wearable] = {
    wearable.name: wearable
    for wearable in (VERITY_SENSE, H10, MOVESENSE, OPENSEIZURE, WITMOTION, MICROBIT, OPEN_FRAME)
}
"""Keyed by the contract's device name."""
