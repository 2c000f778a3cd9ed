"""The sensor feels what a point on a rotating lever feels, by another road."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_sim.motion.kinematics import (
    FINE_HZ,
    STANDARD_GRAVITY,
    Hinge,
    felt,
    pushes,
    rotated,
    rotation,
    smooth_step,
)
from firmware_sim.motion.limb import LEVER_M, strap_on

seeds = st.integers(0, 2**32 - 1)


def world_frames(axis, angle):
    """Orientation of the sensor in the world, (n, 3, 3), from the textbook matrix exponential."""
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    sin, cos = np.sin(angle)[:, None, None], np.cos(angle)[:, None, None]
    return np.eye(3) + sin * cross + (1 - cos) * (cross @ cross)


def force_by_finite_differences(frames, arm_m, up):
    """Second difference of the sensor's position in the world, plus gravity, seen from inside."""
    position = frames @ arm_m
    acceleration = np.diff(position, 2, axis=0) * FINE_HZ**2
    return np.einsum("nji,nj->ni", frames[1:-1], acceleration / STANDARD_GRAVITY + up)


@settings(max_examples=30)
@given(
    seed=seeds,
    degrees=st.floats(-90, 90),
    seconds=st.floats(0.15, 2),
    lever_m=st.floats(0.05, 0.5),
)
def test_a_lever_feels_gravity_tangential_and_centripetal_force(seed, degrees, seconds, lever_m):
    rng = np.random.default_rng(seed)
    axis, up, arm = (v / np.linalg.norm(v) for v in rng.standard_normal((3, 3)))
    arm *= lever_m
    rest = round(0.05 * FINE_HZ)
    angle = np.pad(smooth_step(round(seconds * FINE_HZ)), rest, mode="edge") * np.radians(degrees)
    gravity, dynamic = felt(rotation(Hinge(axis, arm), angle), up)
    oracle = force_by_finite_differences(world_frames(axis, angle), arm, up)
    # Both differ from the continuous truth by terms of the order of the fine step.
    allowed = 0.02 * np.abs(dynamic).max() + 1e-6
    assert np.abs((gravity + dynamic)[1:-1] - oracle).max() < allowed


def test_two_joints_one_after_the_other_are_felt_like_two_levers():
    rng = np.random.default_rng(5)
    up = np.array([0.0, 0.6, 0.8])
    hinges = []
    for _ in range(2):
        axis = rng.standard_normal(3)
        hinges.append(Hinge(axis / np.linalg.norm(axis), rng.standard_normal(3) * 0.2))
    step = np.pad(smooth_step(300), 25, mode="edge")
    first, second = (rotation(h, a * step) for h, a in zip(hinges, (0.9, -1.3), strict=True))
    chained = first.then(second, len(first))
    force = sum(felt(chained, up))
    assert np.allclose(force[: len(first) - 2], sum(felt(first, up))[:-2])
    turned = first.turned(up[np.newaxis])[0]
    assert np.allclose(force[len(first) + 2 :], sum(felt(second, turned))[2:], atol=1e-9)
    assert np.allclose(force[-1], chained.turned(up[np.newaxis])[0], atol=1e-6)


@given(seed=seeds)
def test_at_rest_the_force_is_one_g_however_the_limb_lies(seed):
    limb = strap_on(np.random.default_rng(seed), "ankle")
    gravity, dynamic = felt(pushes(np.zeros((10, 3))), limb.up)
    assert np.allclose(np.linalg.norm(gravity, axis=1), 1.0)
    assert not dynamic.any()


@given(seed=seeds, site=st.sampled_from(sorted(LEVER_M)))
def test_a_joint_turns_across_its_lever_and_the_lever_is_a_limbs(seed, site):
    limb = strap_on(np.random.default_rng(seed), site)
    low, high = LEVER_M[site]
    assert low <= np.linalg.norm(limb.joint.arm_m) <= high
    assert abs(limb.joint.axis @ limb.joint.arm_m) < 1e-12
    assert abs(limb.joint.axis @ limb.side.axis) < 1e-12
    assert abs(limb.roll.axis @ limb.roll.arm_m) < 1e-12


def test_an_unknown_site_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"ankle.*nose"):
        strap_on(np.random.default_rng(0), "nose")


def test_turning_there_and_back_changes_nothing():
    rng = np.random.default_rng(1)
    vectors, angle = rng.standard_normal((50, 3)), rng.uniform(-3, 3, 50)
    axis = np.array([2.0, -1.0, 2.0]) / 3
    assert np.allclose(rotated(rotated(vectors, axis, angle), axis, -angle), vectors)


@settings(max_examples=20)
@given(seed=seeds)
def test_the_strap_passes_slow_pushes_and_rings_at_its_own_frequency(seed):
    limb = strap_on(np.random.default_rng(seed), "calf")
    push = np.zeros((4096, 3))
    push[:, 0] = smooth_step(4096)
    assert abs(limb.wobbled(push)[-1, 0] - 1) < 0.01
    blow = np.zeros((4096, 3))
    blow[0, 0] = 1
    spectrum = np.abs(np.fft.rfft(limb.wobbled(blow)[:, 0]))
    resonance = limb.strap_hz * np.sqrt(1 - 2 * limb.strap_damping**2)
    assert abs(np.fft.rfftfreq(4096, 1 / FINE_HZ)[spectrum.argmax()] - resonance) < 0.4
