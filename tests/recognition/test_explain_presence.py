"""Laws of explanations where nothing was seen: a gap or a sleep is never told as stillness."""

from __future__ import annotations

import numpy as np
import pytest

from detector.block import Block
from detector.dsp.frames import FRAME_S
from detector.recognition.why.explanation import Asked, Coverage, Verdict

from .explained import FS, explain, still

GAP = (40.0, 44.6)


def broken() -> list[Block]:
    samples = still(90)
    first, second = (round(s * FS) for s in GAP)
    return [Block(samples[:first], 0, FS), Block(samples[second:], second, FS)]


@pytest.mark.parametrize(
    ("at_s", "state", "since_s", "until_s"),
    [
        (-3.0, Coverage.BEFORE, None, 0.0),
        (39.0, Coverage.SEEN, None, None),
        (42.0, Coverage.GAP, *GAP),
        (43.0, Coverage.GAP, *GAP),
        (45.0, Coverage.SEEN, None, None),
        (90.0, Coverage.BEYOND, 90.0, None),
        (500.0, Coverage.BEYOND, 90.0, None),
    ],
)
def test_without_samples_the_answer_is_not_known_and_says_where_they_are(
    at_s: float, state: Coverage, since_s: float | None, until_s: float | None
) -> None:
    (answer,) = explain(broken(), Asked(at_s, 1.0))

    assert answer.presence.state is state
    assert (answer.presence.since_s, answer.presence.until_s) == (since_s, until_s)
    assert (answer.verdict is Verdict.UNKNOWN) == (state is not Coverage.SEEN)
    assert (answer.frame is None) == (state is not Coverage.SEEN)


def test_a_scrap_between_two_gaps_is_too_little_to_measure() -> None:
    samples = still(30)
    cuts = [(0, 500), (603, 609), (900, 1500)]
    (answer,) = explain([Block(samples[a:b], a, FS) for a, b in cuts], Asked(603 / FS, 0.0))

    assert answer.presence.state is Coverage.SCRAP
    assert answer.verdict is Verdict.UNKNOWN


def asleep(value_s: tuple[float, float], length_s: float = 60.0) -> np.ndarray:
    samples = still(length_s)
    first, stop = (round(s * FS) for s in value_s)
    samples[first:stop] = samples[first]
    return samples


@pytest.mark.parametrize("until_s", [30.0, 60.0])
def test_a_repeated_value_is_told_as_sleep_not_as_stillness(until_s: float) -> None:
    (answer,) = explain([Block(asleep((20.0, until_s)), 0, FS)], Asked(25.0, 1.0))

    assert answer.presence.state is Coverage.HELD
    assert answer.presence.since_s == pytest.approx(20.0, abs=2 * FRAME_S)
    assert answer.presence.until_s == pytest.approx(until_s, abs=2 * FRAME_S)
    assert answer.verdict is Verdict.UNKNOWN


def test_a_short_repetition_and_a_coarse_sensor_are_no_sleep() -> None:
    coarse = np.round(still(60) / 0.016) * 0.016
    coarse[2500:2503] += 0.032
    (short,) = explain([Block(asleep((20.0, 23.0)), 0, FS)], Asked(21.0, 1.0))
    (rough,) = explain([Block(coarse, 0, FS)], Asked(25.0, 1.0))

    assert short.presence.state is Coverage.SEEN
    assert rough.presence.state is Coverage.SEEN
    assert rough.verdict is Verdict.NOTHING
