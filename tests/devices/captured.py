"""Bytes of real sensors, as `captures/` keeps them, and vectors that are kept elsewhere."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

CAPTURES = Path(__file__).parent / "captures"
ELSEWHERE = Path(os.environ.get("SPASMWATCH_BLE_VECTORS", "../shared/ble_vectors"))


def captured(name: str) -> dict[str, Any]:
    """Return a capture with its source."""
    capture: dict[str, Any] = json.loads((CAPTURES / f"{name}.json").read_text(encoding="ascii"))
    return capture


def makers_vectors() -> dict[str, dict[str, Any]]:
    """Return the vectors of Polar's own tests by their name; skip where they are not at hand."""
    file = ELSEWHERE / "polar.json"
    if not file.exists():
        pytest.skip("SPASMWATCH_BLE_VECTORS names no folder with the maker's vectors")
    return {vector["id"]: vector for vector in json.loads(file.read_text())["vectors"]}
