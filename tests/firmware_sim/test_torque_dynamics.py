"""Laws of the forward dynamics: energy, rest, rows that do not know of each other."""

from __future__ import annotations

import numpy as np
import pytest

from firmware_sim.torque import spastic, upright
from firmware_sim.torque.body import GRAVITY, HIP_HEIGHT_M, Leg
from firmware_sim.torque.channels import CHANNELS, Array, Channel, Posture
from firmware_sim.torque.contact import flatness, resting_torques
from firmware_sim.torque.dynamics import LIMIT_N_M, simulate, stacked
from firmware_sim.torque.wearing import SITES, draw_worn, felt

from .torque_rows import people, played, rows_of, with_scalar

STEPS = 2000  # ten seconds of a drive


def still(leg: Leg, posture: Posture) -> Array:
    """The drive of a leg that rests in a posture."""
    joints = np.array(posture.joints)[:, np.newaxis]
    drive = np.zeros((CHANNELS, STEPS))
    drive[Channel.SET_HIP : Channel.SET_ROLL] = joints
    drive[Channel.SET_ROLL] = posture.roll
    single = stacked([leg])
    drive[Channel.BIAS_HIP :] = resting_torques(single, joints, np.array([posture.roll]))
    return drive


def energy(leg: Leg, drive: Array, seen: Array) -> Array:
    """Energy of a leg and its mattress, J, against what its joints are held with at the end."""
    angles, rates, roll = seen[0:3], seen[3:6], seen[9, 0]
    height, rising = seen[12], seen[16]
    joints = angles.copy()
    joints[1:] -= angles[:2]
    kinetic = 0.5 * (leg.diagonal[:, np.newaxis] * rates**2).sum(axis=0)
    for pair, (i, j) in enumerate(((0, 1), (0, 2), (1, 2))):
        kinetic += leg.coupling[pair] * np.cos(angles[i] - angles[j]) * rates[i] * rates[j]
    weight = GRAVITY * np.cos(roll) * (leg.moments[:, np.newaxis] * np.sin(angles)).sum(axis=0)
    rest = drive[Channel.SET_HIP : Channel.SET_ROLL, -1:]
    springs = 0.5 * (leg.stiffness[:, np.newaxis] * (rest - joints) ** 2).sum(axis=0)
    springs -= (drive[Channel.BIAS_HIP :, -1:] * joints).sum(axis=0)
    low, high = leg.lowest[:, np.newaxis], leg.highest[:, np.newaxis]
    springs += 0.5 * (LIMIT_N_M * (joints - np.clip(joints, low, high)) ** 2).sum(axis=0)
    flat = flatness(np.array(roll), np.array(0.0))
    pressed, carried = 0.0, 0.0
    for point in range(4):
        y = sum(
            leg.along[3 * point + k] * np.sin(angles[k])
            + leg.across[3 * point + k] * np.cos(angles[k])
            for k in range(3)
        )
        deep = np.maximum(height - HIP_HEIGHT_M - y, 0)
        pressed = pressed + leg.firmness[point] * flat * deep**2.5 / 2.5
        carried += leg.firmness[point] * flat * deep[0] ** 1.5
    mass = 1 / leg.follow[11]
    bed = 0.5 * mass * (rising**2 + leg.follow[3] * height**2) - carried * height
    return np.asarray(kinetic + weight + springs + pressed + bed)


def test_without_muscles_and_blows_energy_never_grows() -> None:
    legs, drives = [], []
    rng = np.random.default_rng(3)
    for _, leg, posture in people(40):
        drive = still(leg, posture)
        # Muscles that let go at once: the leg is somewhere else than where it rests.
        drive[Channel.SET_HIP : Channel.SET_ROLL, 2:] += rng.uniform(-0.5, 0.5, (3, 1))
        legs.append(with_scalar(leg, "hip_share", 0.0))  # a moving hip does work
        drives.append(drive)

    for leg, drive, seen in zip(legs, drives, simulate(stacked(legs), drives), strict=True):
        left = energy(leg, drive, seen[:, 4:])
        largest = np.maximum.accumulate(left[::-1])[::-1]  # from each moment on
        released = left[0] - left[-1]
        assert released > 0
        assert (largest - left).max() < 0.02 * released


def test_a_resting_leg_rests() -> None:
    legs, drives = [], []
    for _, leg, posture in people(60):
        legs.append(leg)
        drives.append(still(leg, posture))

    for seed, (leg, seen) in enumerate(zip(legs, simulate(stacked(legs), drives), strict=True)):
        for site in SITES:
            worn = draw_worn(np.random.default_rng(seed), leg, site, 50.0)
            nothing = np.zeros(seen.shape[1])
            gravity, moving = felt(seen, leg, worn, nothing, nothing)
            assert np.abs(moving).max() < 0.0003
            assert np.abs(gravity - gravity[0]).max() < 0.0003
            assert np.sqrt((gravity**2).sum(axis=1)) == pytest.approx(1.0, abs=1e-9)


def test_after_a_movement_the_leg_comes_to_rest() -> None:
    rows = rows_of(
        24,
        lambda rng, who: spastic.spasm(rng, who[1], who[0], who[2], manner="sudden flexor"),
    )

    late = []
    for seen in played(rows):
        assert np.isfinite(seen).all()
        assert np.abs(seen[6:9]).max() < 5000
        late.append(np.abs(seen[6:9, -50:]).max())

    # A heel may catch on the sheet and drop later: a recording leaves out such a row.
    assert np.mean(np.array(late) < 0.5) > 0.85  # rad/s^2: 0.02 g at the ankle of a long leg


def test_a_row_of_a_batch_has_the_bytes_of_the_same_row_alone() -> None:
    rows = rows_of(9, lambda rng, who: spastic.twitch(rng, who[0]))
    rows += rows_of(2, lambda rng, who: upright.walk(rng, who[1], who[0], who[2]))
    rows.sort(key=lambda row: -row.seconds)

    together = played(rows)

    for number in (0, 1, 2, 10):
        (alone,) = played([rows[number]])
        assert np.array_equal(alone, together[number])


def test_rows_must_come_longest_first() -> None:
    _, leg, posture = people(1)[0]
    drive = still(leg, posture)

    with pytest.raises(ValueError, match="longest"):
        simulate(stacked([leg, leg]), [drive[:, :500], drive])
