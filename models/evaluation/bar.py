"""One acceptance limit beside its measured figure, and on what it was measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Results = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: the limit, the data, the measured value, and the section with details."""

    asks: str
    on: str
    measured: str
    met: bool | None
    section: str


WHERE = {
    "clonus/own-reflex": "simulated: own generator, reflex engine",
    "clonus/own-pulse": "simulated: own generator, pulse engine",
    "clonus/sealed": "simulated: sealed generator",
    "spasms/own": "simulated: own generator",
    "spasms/sealed": "simulated: sealed generator",
    "still-nights/own": "simulated: own generator",
    "still-nights/own-hard": "simulated: own generator, hard nights",
    "still-nights/torque": "simulated: forward dynamics",
    "still-nights/sealed": "simulated: sealed generator",
    "still-nights/sealed-hard": "simulated: sealed generator, hard nights",
    "counts/own": "simulated: own generator, rates of forward dynamics",
    "counts/torque": "simulated: forward dynamics, rates of the own generator",
    "counts/sealed": "simulated: sealed generator, rates of both others",
    "words/own-spasms": "simulated: own generator, spasms",
    "words/own-ramped": "simulated: own generator, ramped",
    "words/own-hard": "simulated: own generator, hard nights",
    "words/own-severe": "simulated: own generator, severe nights",
    "words/torque": "simulated: forward dynamics",
    "words/torque-severe": "simulated: forward dynamics, severe nights",
    "words/demo": "simulated: `make demo`, as in the README",
    "words/demos": "simulated: `spasmwatch demo`, other seeds",
    "personal/torque": "simulated: forward dynamics, a model that never saw them",
    "personal/sealed": "simulated: sealed generator",
    "gait/daphnet-ankle": "real: Daphnet, ankle",
    "gait/daphnet-thigh": "real: Daphnet, thigh",
    "gait/daphnet-trunk": "real: Daphnet, trunk",
    "gait/stanford-ankle": "real: Stanford, ankles",
    "gait/stanford-wrist": "real: Stanford, wrists",
    "gait/skdh-trunk": "real: scikit-digital-health, lower back",
    "gait/mobgap-trunk": "real: Mobilise-D, lower back",
    "tremor/hand": "real: CloudUPDRS, phone in the hand",
    "tremor/leg": "real: CloudUPDRS, phone on the thigh",
}
"""What each measurement was made on."""
