"""When what happens in a night: sleep in cycles, clusters of spasms, company in bed.

Rates per hour are [estimate]s within the signal note's section 5: 2 to 4 turns an hour, 94 to 98 %
still. Periodic leg movements in a third of nights: 4 and more, 10 to 90 s apart (WASM 2016).
"""

from __future__ import annotations

import numpy as np

from firmware_sim.torque.channels import log_uniform

CYCLE_S = 5400.0
SETTLED_S = 60.0
"""Nothing in the first minute: a detector may learn the wearer's rest."""
OWN_PER_H = {
    "shift": 4.0, "turn": 2.6, "reposition": 0.5, "blanket": 1.0, "stretch": 0.6,
    "scratching hand": 0.6, "scratching foot": 0.3, "jiggling": 0.25, "rubbing": 0.4,
    "massage": 0.08, "fidgeting": 0.3, "tremor": 0.12,
}  # fmt: skip
HOUSE_PER_H = {"ring": 0.8, "repeated ring": 0.3, "buzz": 0.15, "machine": 0.05}
PARTNER_PER_H = {"partner turns": 2.0, "partner gets out": 0.15}
PET_PER_H = {"pet": 1.5}
WALKS_PER_H = 0.22
SPASTIC = (
    "sudden flexor", "ramped flexor", "sudden extensor", "ramped extensor", "tonic", "twitch",
    "clonus", "mixed",
)  # fmt: skip
SEVERE_SPASMS = 60
"""Least number of likely spasms in a severe night of eight hours."""

Moment = tuple[float, str]


def night(
    rng: np.random.Generator, duration_s: float, *, spastic: bool, severe: bool
) -> list[Moment]:
    """Return the second and the name of every movement that is meant to happen."""
    hours = duration_s / 3600
    phase = rng.uniform(0, 1)
    rates = {name: rate * rng.lognormal(0, 0.5) for name, rate in OWN_PER_H.items()}
    rates["turn"] = rng.uniform(2, 4)
    rates |= HOUSE_PER_H
    if rng.random() < 0.5:
        rates |= PARTNER_PER_H
    if rng.random() < 0.3:
        rates |= PET_PER_H
    moments: list[Moment] = []
    for name, rate in rates.items():
        moments += [(at, name) for at in _light(rng, rate * hours, duration_s, phase)]
    walk = "hemiparetic walk" if spastic and rng.random() < 0.5 else "walk"
    walks = _light(rng, WALKS_PER_H * hours, duration_s, phase)
    moments += [(at, walk) for at in walks]
    if spastic:
        moments += _clusters(rng, duration_s, phase, walks, severe=severe)
    if rng.random() < 1 / 3:
        moments = _with_series(rng, moments, duration_s)
    return sorted(m for m in moments if SETTLED_S < m[0] < duration_s - SETTLED_S)


def _light(rng: np.random.Generator, mean: float, duration_s: float, phase: float) -> list[float]:
    """Return moments gathered where sleep is light: ends of cycles, and the first half hour."""
    wanted, found = rng.poisson(mean), list[float]()
    while len(found) < wanted:
        at = rng.uniform(0, duration_s)
        light = 0.25 + 0.75 * np.cos(np.pi * (at / CYCLE_S + phase)) ** 4
        if at < 1800:
            light = max(light, 0.8)
        if rng.random() < light:
            found.append(at)
    return found


def _clusters(
    rng: np.random.Generator, duration_s: float, phase: float, walks: list[float], *, severe: bool
) -> list[Moment]:
    """Return likely spasms in clusters; in a severe night one after another."""
    hours = duration_s / 3600
    habits = rng.dirichlet([1.5, 1.5, 1.2, 1.2, 0.8, 1.2, 1.2, 0.7])
    starts = _light(rng, (1.6 if severe else 0.75) * hours, duration_s, phase)
    starts += [at + rng.uniform(90, 500) for at in walks if rng.random() < 0.6]
    starts = starts or [rng.uniform(0.2, 0.8) * duration_s]
    moments: list[Moment] = []
    least = SEVERE_SPASMS * hours / 8 if severe else 1
    while len(moments) < least or starts:
        at = starts.pop() if starts else rng.uniform(SETTLED_S, duration_s)
        count = 1 + rng.poisson(rng.gamma(1.2, 6.0 if severe else 1.7))
        for _ in range(count):
            moments.append((at, str(rng.choice(SPASTIC, p=habits))))
            at += log_uniform(rng, 4, 240) if rng.random() < 0.8 else log_uniform(rng, 1, 10)
    return moments


def _with_series(
    rng: np.random.Generator, moments: list[Moment], duration_s: float
) -> list[Moment]:
    """Return the moments with one to three series of periodic movements among them."""
    for _ in range(int(rng.integers(1, 4))):
        at, series = rng.uniform(SETTLED_S, 0.9 * duration_s), list[Moment]()
        typical_s = log_uniform(rng, 15, 35)
        for _ in range(int(log_uniform(rng, 4, 40))):
            series.append((at, "periodic"))
            at += float(np.clip(typical_s * rng.lognormal(0, 0.3), 11, 85))
        begin, end = series[0][0] - 60, series[-1][0] + 30
        keep = [m for m in moments if not begin < m[0] < end]
        moments = keep + series
    return moments


def in_turn(
    rng: np.random.Generator, names: tuple[str, ...], duration_s: float, slot_s: float
) -> list[Moment]:
    """Return one movement after another, each at the beginning of its slot."""
    count = max(1, int((duration_s - 5) / slot_s))
    return [
        (4.0 + i * slot_s + rng.uniform(0, 0.1 * slot_s), names[i % len(names)])
        for i in range(count)
    ]
