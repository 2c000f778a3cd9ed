"""`sealed`: makes a recording with its truth from a name and a seed."""

from __future__ import annotations

import math
from zlib import crc32

import numpy as np

from firmware_sim.motion.truth import Trace
from firmware_sim.sealed import hard, plan
from firmware_sim.sealed.recorder import Recorder
from firmware_sim.sealed.sensor import Wearable, add_life, slip
from firmware_sim.sealed.skeleton import SITES, lying

NIGHT_S = 8 * 3600.0
SHORT_S = 30 * 60.0
NIGHTS = {"night": True, "night-without-spasms": False}
HARD_NIGHTS = ("hard-night", "hard-night-without-spasms", "severe-night")
HARD = (*hard.SCENES, *HARD_NIGHTS)
"""Recordings with what the older ones leave out; a quarter of them on a slack strap."""
NAMES = (
    "clonus", "spasms", "tonic", "mixed", "tremor", "turning", "plm", "knocks", *NIGHTS, *HARD,
)  # fmt: skip
LEAST_HZ, MOST_HZ = 15.0, 400.0
"""Below, the product refuses a recording; above, a movement would be simulated too coarsely."""
LONGEST_S = 24 * 3600.0
"""A day at 50 Hz takes some 0.5 GB while it is made."""


def sealed(
    name: str,
    *,
    seed: int,
    duration_s: float | None = None,
    fs: float = 50.0,
    site: str = "ankle",
) -> Trace:
    """Simulate a recording for scoring; nothing may be tuned on it (see the package).

    Parameters
    ----------
    name : one of `NAMES`
    seed : >= 0; the same arguments give the same bytes (with the same numpy and scipy), and
        another site sees the same plan of movements
    duration_s : on the sample clock; 8 h for nights and 30 min for the rest unless said
    fs : the rate the sensor claims, Hz
    site : one of `SITES`

    Raises
    ------
    ValueError
        An argument is out of its range; the message says what is allowed.
    """
    if name not in NAMES:
        raise ValueError(f"there is no sealed scenario {name!r}; choose from {', '.join(NAMES)}")
    if site not in SITES:
        raise ValueError(f"there is no site {site!r}; choose from {', '.join(SITES)}")
    if seed < 0:
        raise ValueError(f"seed must be >= 0, got {seed}")
    if not LEAST_HZ <= fs <= MOST_HZ:
        raise ValueError(f"fs must be {LEAST_HZ:g} to {MOST_HZ:g} Hz, got {fs:g}")
    if duration_s is None:
        duration_s = NIGHT_S if name in {*NIGHTS, *HARD_NIGHTS} else SHORT_S
    if not 1.0 <= duration_s <= LONGEST_S:
        raise ValueError(f"duration_s must be 1 to {LONGEST_S:g} s, got {duration_s:g}")
    return _recorded(name, seed, duration_s, fs, site)


def _recorded(name: str, seed: int, duration_s: float, fs: float, site: str) -> Trace:
    when, how, body, device, strap = (
        np.random.default_rng([seed, crc32(name.encode()), part]) for part in range(5)
    )
    firm = wearable = Wearable.drawn(device, fs=fs)
    if name in HARD and strap.random() < hard.LOOSE:
        wearable = firm.loosened(strap)
    samples = math.floor(duration_s * fs)
    recorder = Recorder(
        samples, fs=fs, site=SITES[site], wearable=wearable, firm=firm, fine=name in HARD,
        pose_rad=lying(body),
    )  # fmt: skip
    for entry in _entries(when, name, duration_s):
        _play(recorder, how, entry)
    recorder.finish()
    add_life(body, recorder.specific_g, fs=wearable.true_fs, site=SITES[site])
    slip(body, recorder.specific_g, fs=fs, moved=recorder.moved, loose=wearable.loose)
    return Trace(
        samples=wearable.read(device, recorder.specific_g),
        fs=fs,
        true_fs=wearable.true_fs,
        truth=tuple(recorder.truth),
        seed=seed,
        scenario=f"sealed-{name}",
    )


def _entries(when: np.random.Generator, name: str, duration_s: float) -> list[plan.Entry]:
    if name == "severe-night":
        return hard.severe_night(when, duration_s)
    if name in HARD_NIGHTS:
        return hard.night(when, duration_s, spasms=name == "hard-night")
    if name in hard.SCENES:
        return hard.scene(when, name, duration_s)
    if name in NIGHTS:
        return plan.night(when, duration_s, spasms=NIGHTS[name])
    return plan.scenario(when, name, duration_s)


def _play(recorder: Recorder, rng: np.random.Generator, entry: plan.Entry) -> None:
    """Play the movements of one entry, each no earlier than its interval and the stillness."""
    begun_s = entry.at_s
    for number, (interval_s, draw) in enumerate(entry.steps):
        wanted_s = entry.at_s if number == 0 else begun_s + interval_s
        begun_s = max(wanted_s, recorder.now_s + plan.REST_S)
        (own,) = rng.spawn(1)  # so that a pose's influence on one movement ends with it
        if not recorder.play(own, draw, at_s=begun_s):
            return
