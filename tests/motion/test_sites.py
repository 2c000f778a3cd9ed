"""Each site feels what reaches it: the foot's shaking fades on its way up the leg."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_sim.motion import bed, restless, rhythms, spasm
from firmware_sim.motion.act import peak_of, play
from firmware_sim.motion.limb import LEVER_M, LIFTING, SEEN_G, SHAKING, strap_on

ROUND_A_JOINT = [
    spasm.spasm, spasm.twitch, spasm.tonic, rhythms.tremor, restless.fidget,
    restless.reposition, restless.cycle,
    lambda rng, limb: bed.leg_movement(rng, limb, bed.draw_habit(rng)),
]  # fmt: skip


def median_peak(site, perform, draws=25):
    peaks = []
    for seed in range(draws):
        rng = np.random.default_rng(seed)
        limb = strap_on(rng, site)
        peaks.append(peak_of(perform(rng, limb).motion, limb))
    return np.median(peaks)


def test_every_site_has_a_lever_and_shares():
    assert LEVER_M.keys() == SHAKING.keys() == LIFTING.keys()
    for low, high in (*SHAKING.values(), *LIFTING.values()):
        assert 0 < low <= high <= 1


@pytest.mark.parametrize("perform", [spasm.twitch, partial(rhythms.tremor, longest_s=5)])
def test_a_shaking_fades_from_the_ankle_to_the_trunk(perform):
    ankle, calf, thigh, trunk = (
        median_peak(site, perform) for site in ("ankle", "calf", "thigh", "trunk")
    )
    assert ankle > calf > thigh > trunk >= 0.99 * SEEN_G
    assert 0.1 * ankle <= calf <= 0.5 * ankle


def test_a_whole_leg_spasm_reaches_the_thigh_and_hardly_the_trunk():
    brief = partial(spasm.spasm, longest_hold_s=1)
    ankle, thigh, trunk = (median_peak(site, brief) for site in ("ankle", "thigh", "trunk"))
    assert thigh > 0.4 * ankle
    assert trunk < 0.3 * ankle


@settings(max_examples=50)
@given(
    seed=st.integers(0, 2**32 - 1),
    site=st.sampled_from(sorted(LEVER_M)),
    perform=st.sampled_from(ROUND_A_JOINT),
)
def test_every_movement_can_be_seen_wherever_the_sensor_is(seed, site, perform):
    rng = np.random.default_rng(seed)
    limb = strap_on(rng, site)
    played = play(perform(rng, limb), limb)
    assert np.linalg.norm(played.force_g - limb.up, axis=1).max() > 0.7 * SEEN_G
