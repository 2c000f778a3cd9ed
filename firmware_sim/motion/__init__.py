"""Simulated movement with ground truth, from physics and kinematics, not from recordings."""

from firmware_sim.motion.backgrounds import inject_every, inject_many
from firmware_sim.motion.inject import inject
from firmware_sim.motion.scenarios import SCENARIOS, scenario
from firmware_sim.motion.truth import Trace, Truth, read_events, write_events

__all__ = [
    "SCENARIOS",
    "Trace",
    "Truth",
    "inject",
    "inject_every",
    "inject_many",
    "read_events",
    "scenario",
    "write_events",
]
