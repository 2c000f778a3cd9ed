"""A sample clock that is saved and loaded goes on as if nothing had happened."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.devices.profile import Chunk
from detector.devices.stream import LinkDown, LinkUp, Packet, Reading
from detector.timing.gap import Gap, GapCause
from detector.timing.sample_clock import SampleClock

from .chunks import SENSOR_NS, UTC_NS, S, chunk


def reading(what: str, first: int, host_s: float, ppm: float, *, stamped: bool) -> Reading:
    """One item of a night: `first` is the sensor's own count of samples."""
    mono_ns = round(host_s * S)
    clocks = mono_ns, UTC_NS + mono_ns
    if what == "down":
        return Reading(LinkDown(1, "away", *clocks))
    if what == "up":
        return Reading(LinkUp(2, "some", "00", "some", *clocks))
    stamp_ns = SENSOR_NS + round((first + 25) / 50 / (1 + ppm * 1e-6) * S) if stamped else None
    fs = 25.0 if what == "other rate" else 50.0
    return Reading(Packet(1, "c", b"", *clocks), (Chunk(chunk(first, 25).samples, fs, stamp_ns),))


TROUBLES = st.dictionaries(
    st.integers(1, 799),
    st.sampled_from(["lost", "down", "up", "other rate", "away"]),
    max_size=10,
)


def night(troubles: dict[int, str], ppm: float, *, stamped: bool) -> list[Reading]:
    """Seven minutes: drift, jitter, losses, links lost, a long absence."""
    rng = np.random.default_rng(1)
    said, first, host_s = list[Reading](), 0, 0.0
    for number in range(800):
        trouble = troubles.get(number, "")
        first += {"lost": 40, "away": 50 * 400}.get(trouble, 0)
        host_s = max(host_s, (first + 25) / 50 + rng.exponential(0.02))
        what = trouble if trouble in {"down", "up", "other rate"} else "packet"
        said.append(reading(what, first, host_s, ppm, stamped=stamped))
        first += 25 * (what == "packet")
    return said


def through_json(clock: SampleClock) -> SampleClock:
    again = SampleClock()
    again.load(json.loads(json.dumps(clock.save(), allow_nan=False)))
    return again


def known(clock: SampleClock) -> tuple[object, ...]:
    counts = clock.gap_count, clock.missing, clock.repeated, clock.unplaced
    return clock.timebase, clock.gaps, clock.rate_hz, clock.drift_ppm, clock.fault, counts


@settings(max_examples=30, deadline=None)
@given(
    TROUBLES,
    st.floats(-300, 300),
    st.booleans(),
    st.lists(st.integers(0, 799), min_size=1, max_size=20),
)
def test_a_restart_at_any_packet_changes_no_index_and_no_date(troubles, ppm, stamped, places):
    whole, parts = SampleClock(), SampleClock()
    for number, item in enumerate(night(troubles, ppm, stamped=stamped)):
        if number in places:
            parts = through_json(parts)
        starts = [(b.start, b.stop) for b in parts.take(item)]
        assert starts == [(b.start, b.stop) for b in whole.take(item)]
        if number in places:
            assert known(parts) == known(whole)
    assert known(parts) == known(whole)


def test_a_saved_clock_is_small_after_three_days():
    clock = SampleClock()
    for number in range(4 * 24 * 60):
        clock.take(reading("packet", 3000 * number, 60 * number + 1.0, 40.0, stamped=True))
    assert clock.timebase is not None
    size = len(json.dumps(clock.save()))

    print(f"a clock after four days with {len(clock.timebase.knots)} knots: {size} bytes")
    assert size < 50_000


@pytest.mark.parametrize(("mono_s", "uptime_s"), [(40_000, 5), (600, 55), (10, 50)])
def test_samples_go_on_to_the_sample_when_the_computer_was_started_anew(mono_s, uptime_s):
    """The sensor counts on, whatever the new monotonic clock says."""
    clock = SampleClock()
    away_s = 60
    for number in range(20):
        now_ns = round((mono_s + number) * S)
        item = Packet(1, "c", b"", now_ns, UTC_NS + (number + 1) * S)
        clock.take(Reading(item, (chunk(50 * number, 50),)))
    clock = through_json(clock)
    utc_ns = UTC_NS + (20 + away_s + 1) * S
    clock.take(Reading(LinkUp(2, "some", "00", "some", round(uptime_s * S), utc_ns)))
    item = Packet(2, "c", b"", round((uptime_s + 0.01) * S), utc_ns)
    (block,) = clock.take(Reading(item, (chunk(1000 + 50 * away_s, 50),)))

    assert block.start == 1000 + 50 * away_s
    assert clock.gaps == (Gap(block.start, 50 * away_s, GapCause.LOSS),)


def test_a_computer_that_slept_loses_no_time():
    """A monotonic clock stands still meanwhile; the sensor and the wall clock agree on the rest."""
    clock = SampleClock()
    clock.take(Reading(Packet(1, "c", b"", S, UTC_NS + S), (chunk(0, 50),)))
    clock.take(Reading(LinkDown(1, "asleep", 2 * S, UTC_NS + 2 * S)))
    late = Packet(2, "c", b"", 3 * S, UTC_NS + 3601 * S)
    (block,) = clock.take(Reading(late, (chunk(50 * 3600, 50),)))

    assert block.start == 50 * 3600


def test_a_sensor_without_stamps_has_a_gap_where_a_killed_process_left_no_trace():
    clock = SampleClock()
    bare = Chunk(chunk(0, 50).samples, 50.0, None)
    clock.take(Reading(Packet(1, "c", b"", S, UTC_NS + S), (bare,)))
    clock.take(Reading(LinkUp(2, "some", "00", "some", 2 * S, UTC_NS + 2 * S)))
    (block,) = clock.take(Reading(Packet(2, "c", b"", 3 * S, UTC_NS + 3 * S), (bare,)))

    assert (block.start, clock.missing) == (100, 50)
