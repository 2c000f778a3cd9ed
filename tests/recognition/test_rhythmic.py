"""The beating in a bout: where it lies, how it came and how it went."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from detector.dsp.frames import FRAME, FRAME_S
from detector.dsp.rhythm import SUBFRAME
from detector.recognition.bouts.beat import rhythm_score
from detector.recognition.bouts.beating import (
    BEATS_TO_SEE,
    BLUR_FRAMES,
    MIXED_S,
    Rhythm,
    find_rhythm,
)
from detector.recognition.bouts.bout import Bout, Moment
from detector.recognition.bouts.frame_table import FrameTable

from .made_bouts import FIRST, RULES, beating, bout, frames

VALUES = FRAME // SUBFRAME  # of the envelope, in a frame


def rhythm_of(made: Bout, *, sudden: bool = False) -> Rhythm:
    found = find_rhythm(made, RULES, sudden=sudden)
    assert found is not None
    return found


def shaped(envelope_g: NDArray[np.float64], rate_hz: float = 5.0) -> FrameTable:
    """Beating frames whose strength follows this envelope: (3 * frames,) g."""
    table = beating(len(envelope_g) // VALUES, rate_hz)
    table["envelope_g2"] = (envelope_g**2).reshape(-1, VALUES)
    table["rms_g"] = np.sqrt(table["envelope_g2"].mean(axis=1))
    return table


def grown(frames_: int, rise_s: float) -> NDArray[np.float64]:
    """Strength that grows evenly for so long and stays."""
    return 0.1 * np.clip((np.arange(frames_ * VALUES) + 0.5) * 0.08 / rise_s, 0.01, 1.0)


@settings(max_examples=60)
@given(st.integers(1, 14), st.sampled_from([5.0, 5.4, 6.0]), st.booleans())
def test_the_same_beat_after_a_moment_of_blur_is_the_same_rhythm(
    blur: int, rate_after_hz: float, rests: bool
) -> None:
    between = frames(blur)
    between["active"] = not rests
    table = np.concatenate((beating(20, 5.0), between, beating(16, rate_after_hz)))
    found = rhythm_of(bout(table))

    same = rate_after_hz < 5.5 and blur <= BLUR_FRAMES and not rests
    assert (found.first, found.stop) == (0, 36 + blur if same else 20)


def test_no_rhythm_is_found_where_none_is() -> None:
    assert find_rhythm(bout(frames(40)), RULES, sudden=False) is None


@settings(max_examples=60)
@given(
    st.integers(0, 12),
    st.integers(2, 60),
    st.integers(0, 12),
    st.floats(3.0, 8.0),
    st.sampled_from(Moment),
    st.booleans(),
)
def test_the_beating_is_where_its_frames_are(
    before: int, count: int, after: int, rate_hz: float, moment: Moment, sudden: bool
) -> None:
    table = np.concatenate((frames(before), beating(count, rate_hz), frames(after)))
    found = rhythm_of(bout(table, moment=moment), sudden=sudden)

    assert (found.first, found.stop) == (before, before + count)
    assert found.rate_hz == pytest.approx(rate_hz, rel=1e-6)
    assert found.lead_s == pytest.approx(before * FRAME_S - BEATS_TO_SEE / rate_hz, abs=1e-6)
    assert FIRST * FRAME - 70 <= found.onset < found.end <= (FIRST + len(table)) * FRAME
    assert found.beats == max(round(found.beating_s * found.rate_hz), 1)
    assert found.beating_s <= count * FRAME_S + BEATS_TO_SEE / rate_hz + 1e-6


@settings(max_examples=60)
@given(st.integers(0, 10_000), st.integers(3, 60), st.floats(0.05, 20.0))
def test_strength_tells_nothing_but_the_strength(seed: int, count: int, times: float) -> None:
    envelope_g = np.random.default_rng(seed).gamma(2.0, 0.05, VALUES * count)
    weak = rhythm_of(bout(shaped(envelope_g)))
    strong = rhythm_of(bout(shaped(times * envelope_g)))
    scaled = replace(strong, full_g=weak.full_g)

    assert strong.full_g == pytest.approx(times * weak.full_g, rel=1e-5)
    for name in ("growth_beats", "fade_beats", "lead_share", "waning", "pulsing"):
        assert getattr(weak, name) == pytest.approx(getattr(scaled, name), rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("rate_hz", [3.5, 5.0, 6.5])
@pytest.mark.parametrize("rise_s", [1.5, 3.0, 6.0])
def test_growth_is_timed_in_beats(rate_hz: float, rise_s: float) -> None:
    """From 15 to 70 % of the strength: 0.55 of an even rise, blurred by a beat."""
    found = rhythm_of(bout(shaped(grown(60, rise_s), rate_hz)))

    assert found.growth_beats == pytest.approx(0.55 * rise_s * rate_hz, rel=0.25, abs=1.0)


def test_a_slower_rise_never_takes_fewer_beats() -> None:
    growth = [rhythm_of(bout(shaped(grown(60, s)))).growth_beats for s in np.arange(0.2, 8, 0.4)]

    assert (np.diff(growth) >= -0.5).all()
    assert growth[0] < 2 < 15 < growth[-1]


def test_what_the_gate_did_not_see_of_the_growth_is_added() -> None:
    """A waxing tremor is met with a third of its strength there already; a clonus is not."""
    whole = grown(60, 4.0)
    late = whole[5 * VALUES :]
    seen, cut = (rhythm_of(bout(shaped(envelope))).growth_beats for envelope in (whole, late))

    assert cut == pytest.approx(seen, rel=0.15)


def test_fading_is_growth_seen_from_behind() -> None:
    envelope = grown(60, 3.0)
    rising, falling = (rhythm_of(bout(shaped(e))) for e in (envelope, envelope[::-1].copy()))

    assert falling.fade_beats == pytest.approx(rising.growth_beats, abs=1.1)


@pytest.mark.parametrize("mark", ["cut_short", "goes_on"])
def test_an_end_that_nobody_saw_has_no_fading(mark: str) -> None:
    table = beating(30)

    assert rhythm_of(bout(table)).fade_beats is not None
    assert rhythm_of(bout(table, **{mark: True})).fade_beats is None
    assert rhythm_of(bout(table, moment=Moment.UPDATE)).fade_beats is None


def test_dying_away_is_no_waning_and_coming_back_is() -> None:
    seconds = np.arange(60 * VALUES) * 0.08
    dying = rhythm_of(bout(shaped(0.1 * np.exp(-seconds / 6))))
    steady = rhythm_of(bout(shaped(np.full(180, 0.1))))
    waxing = rhythm_of(bout(shaped(0.1 * (1 + 0.6 * np.sin(2 * np.pi * seconds / 5)))))

    assert dying.waning < 0.05
    assert steady.waning < 0.05
    assert waxing.waning > 0.4


def test_a_dropped_beat_is_no_waning() -> None:
    """A second is averaged over: what wanes more quickly is one beat after another."""
    envelope = np.full(60 * VALUES, 0.1)
    envelope[90:92] = 0.01

    assert rhythm_of(bout(shaped(envelope))).waning < 0.15


def test_bursts_with_pauses_pulse_and_a_tail_of_stillness_does_not() -> None:
    table = beating(30)
    table["rms_g"][[5, 6, 12, 13, 19, 20]] = 0.001
    tail = beating(30)
    tail["rms_g"][-8:] = 0.001

    assert rhythm_of(bout(table)).pulsing == pytest.approx(6 / 30)
    assert rhythm_of(bout(tail)).pulsing == 0.0


def test_a_clonus_at_once_has_nothing_before_it_and_one_in_movement_has() -> None:
    alone = rhythm_of(bout(beating(20)))
    within = rhythm_of(bout(np.concatenate((frames(20, rms_g=0.05), beating(20)))))

    assert alone.lead_share == 0.0
    assert within.lead_share == pytest.approx(0.5, abs=1e-6)


def test_a_rhythm_behind_a_spasm_is_one_event_with_it_and_one_in_movement_is_not() -> None:
    lead = round(2 * MIXED_S / FRAME_S)
    table = np.concatenate((frames(lead), beating(20)))
    mixed, apart = (rhythm_of(bout(table), sudden=sudden) for sudden in (True, False))

    assert mixed.onset == FIRST * FRAME
    assert apart.onset == pytest.approx((FIRST + lead) * FRAME - BEATS_TO_SEE / 5 * 50, abs=1)


def test_of_two_stretches_of_beating_the_longer_is_told() -> None:
    for first, second in ((5, 9), (9, 5)):
        table = np.concatenate((beating(first, 4.0), frames(12), beating(second, 6.0)))

        assert rhythm_of(bout(table)).stop - rhythm_of(bout(table)).first == 9


def test_a_rhythm_late_in_a_movement_ends_where_it_fades_into_more_of_it() -> None:
    """Two seconds of movement behind it still belong to it, as a limb settles; more does not."""
    lead = frames(round(2 * MIXED_S / FRAME_S))
    for trailing, part in ((6, False), (20, True)):
        made = bout(np.concatenate((lead, beating(20), frames(trailing))))

        assert (rhythm_of(made).end < made.end_sample) == part


def test_three_weak_beats_between_two_rests_are_a_rhythm_in_hindsight_only() -> None:
    weak = beating(4, regularity=0.45)
    among = np.concatenate((frames(20), weak, frames(20)))

    assert RULES.rhythm.hindsight < float(rhythm_score(weak, RULES)[0]) < RULES.rhythm.on
    assert find_rhythm(bout(weak, moment=Moment.RHYTHM), RULES, sudden=False) is None
    assert not rhythm_of(bout(weak)).faint
    assert rhythm_of(bout(among)).faint


def test_one_clear_frame_is_enough_while_it_lasts_and_too_little_once_it_is_over() -> None:
    table = np.concatenate((frames(6), beating(1), frames(6)))

    assert not rhythm_of(bout(table, moment=Moment.RHYTHM)).faint
    assert find_rhythm(bout(table), RULES, sudden=False) is None
