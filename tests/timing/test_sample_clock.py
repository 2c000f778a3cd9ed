"""Laws of the sample clock: index / fs is time, gaps are as long as they were, replays agree."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from detector.block import Timebase
from detector.devices.profile import Chunk
from detector.timing.gap import Gap, GapCause
from detector.timing.sample_clock import SampleClock, WrongRate

from .chunks import SENSOR_NS, UTC_NS, S, chunk

rates = st.sampled_from([25.0, 50.0, 52.0, 104.0])


def unstamped(first: int, count: int, fs: float = 50.0) -> Chunk:
    return Chunk(chunk(first, count).samples, fs, None)


def at(seconds: float) -> tuple[int, int]:
    """Both clocks of the host when the sensor had measured for so long."""
    return round(seconds * S), UTC_NS + round(seconds * S)


def play(clock: SampleClock, chunks, fs: float = 50.0, delay_s=lambda i: 0.0):
    """Feed (first, count) pairs, each as it is complete; return (number, index) of all samples."""
    placed = []
    arrived_s = 0.0
    for i, (first, count) in enumerate(chunks):
        arrived_s = max(arrived_s, (first + count) / fs + delay_s(i))  # radio keeps the order
        for block in clock.feed(chunk(first, count, fs), *at(arrived_s)):
            placed += zip(block.samples[:, 0], range(block.start, block.stop), strict=True)
    return placed


def cut(sizes):
    first = 0
    for size in sizes:
        if size:
            yield first, size
        first += size


@given(rates, st.lists(st.integers(0, 120), min_size=1, max_size=60))
def test_any_cutting_gives_the_same_indices(fs, sizes):
    total = sum(sizes)
    clock = SampleClock()
    placed = play(clock, cut(sizes), fs)

    assert placed == [(i, i) for i in range(total)]
    assert clock.gap_count == 0


@given(
    rates,
    st.integers(1, 80),
    st.lists(st.floats(0, 0.08), min_size=5, max_size=60),
    st.integers(0, 60),
    st.floats(0, 30),
)
def test_late_arrival_and_bursts_invent_no_gap(fs, count, jitter_s, stalled, stall_s):
    chunks = [(i * count, count) for i in range(len(jitter_s))]
    clock = SampleClock()
    placed = play(clock, chunks, fs, lambda i: jitter_s[i] + (stall_s if i == stalled else 0))

    assert placed == [(i, i) for i in range(count * len(jitter_s))]
    assert clock.gap_count == 0


@given(
    rates,
    st.integers(4, 80),
    st.data(),
)
def test_a_gap_moves_the_index_by_what_was_lost_to_the_sample(fs, count, data):
    kept = data.draw(st.lists(st.booleans(), min_size=3, max_size=40))
    kept[0] = True
    jitter_s = data.draw(st.lists(st.floats(0, 0.08), min_size=len(kept), max_size=len(kept)))
    chunks = [(i * count, count) for i, keep in enumerate(kept) if keep]
    clock = SampleClock()
    placed = play(clock, chunks, fs, lambda i: jitter_s[i])

    assert placed == [(n, n) for first, _ in chunks for n in range(first, first + count)]
    last = max(i for i, keep in enumerate(kept) if keep)
    assert clock.missing == count * kept[:last].count(False)
    assert all(gap.cause is GapCause.LOSS for gap in clock.gaps)


@given(rates, st.integers(20, 80), st.integers(41, 100_000))
def test_a_gap_need_not_be_whole_packets(fs, count, lost):
    clock = SampleClock()
    placed = play(clock, [(0, count), (count + lost, count)], fs)

    assert placed[count:] == [(n, n) for n in range(count + lost, 2 * count + lost)]
    assert clock.gaps == (Gap(count + lost, lost, GapCause.LOSS),)


def test_a_quarter_of_a_second_is_never_missing_unseen_however_long_the_frames():
    clock = SampleClock()
    play(clock, [(0, 400), (414, 400)])

    assert clock.gaps == (Gap(414, 14, GapCause.LOSS),)


@given(st.lists(st.floats(-0.24, 0.24), min_size=2, max_size=50))
def test_stamps_that_jitter_by_less_than_half_a_frame_are_contiguous(jitter):
    clock = SampleClock()
    indices = []
    for i, share in enumerate(jitter):
        jittered = chunk(50 * i, 50, set_by_ns=round(share * S / 2))
        indices += [block.start for block in clock.feed(jittered, *at(i + 1))]

    assert indices == [50 * i for i in range(len(jitter))]
    assert clock.gap_count == 0


@pytest.mark.parametrize("fs_true", [49.0, 51.0])
def test_an_oscillator_that_is_a_little_off_makes_no_gaps(fs_true):
    clock = SampleClock()
    for i in range(2000):
        stamp_ns = SENSOR_NS + round(50 * (i + 1) / fs_true * S)
        off = Chunk(chunk(50 * i, 50).samples, 50.0, stamp_ns)
        (block,) = clock.feed(off, *at(50 * (i + 1) / fs_true))

    assert (block.stop, clock.gap_count) == (100_000, 0)
    assert clock.rate_hz == pytest.approx(fs_true, rel=1e-6)
    assert clock.drift_ppm == pytest.approx((fs_true / 50 - 1) * 1e6, rel=1e-6)


@given(
    st.integers(1, 8 * 3600),
    st.sampled_from([-700_000_000 * S, -3600 * S, -2 * S, 3600 * S, 700_000_000 * S, 2**63]),
)
@example(3600, -3600 * S)  # set back to where it was
@example(3599, -3600 * S)
def test_a_clock_that_was_set_anew_gives_a_gap_by_the_hosts_clock(away_s, set_by_ns):
    clock = SampleClock()
    play(clock, [(50 * i, 50) for i in range(10)])
    clock.link_lost()
    first = 500 + 50 * away_s
    if set_by_ns == -2 * S:  # back, however long it was away
        set_by_ns -= away_s * S
    (block,) = clock.feed(chunk(first, 50, set_by_ns=set_by_ns), *at((first + 50) / 50 + 0.04))

    assert abs(block.start - first) <= 2
    assert clock.gaps == (Gap(block.start, block.start - 500, GapCause.RESET),)
    (block,) = clock.feed(chunk(first + 50, 50, set_by_ns=set_by_ns), *at((first + 100) / 50))
    assert clock.gap_count == 1
    assert block.start == clock.gaps[0].stop + 50


def test_a_clock_set_anew_is_a_gap_even_if_the_host_heard_no_pause():
    clock = SampleClock()
    play(clock, [(0, 50)])
    (block,) = clock.feed(chunk(50, 50, set_by_ns=-100 * S), *at(2))

    assert (block.start, clock.missing) == (51, 1)


@given(st.lists(st.tuples(st.integers(0, 2**64 - 1), st.integers(1, 99), st.integers(0, 10**14))))
def test_whatever_the_clocks_say_the_index_strictly_increases(arrivals):
    clock = SampleClock()
    stop = 0
    for stamp_ns, count, mono_ns in arrivals:
        wild = Chunk(np.zeros((count, 3)), 50.0, stamp_ns)
        for block in clock.feed(wild, mono_ns, UTC_NS):
            assert block.start >= stop
            stop = block.stop
    received = sum(count for _, count, _ in arrivals)
    assert stop <= clock.missing + received
    assert len(clock.gaps) <= 256
    assert clock.rate_hz is None or np.isfinite(clock.rate_hz)


def test_a_packet_that_comes_twice_is_placed_once():
    once, twice = SampleClock(), SampleClock()
    chunks = [(50 * i, 50) for i in range(100)]

    assert play(twice, [c for c in chunks for _ in range(2)]) == play(once, chunks)
    assert twice.repeated == 100
    assert twice.gap_count == 0


def test_the_timebase_is_the_first_arrival_less_the_first_chunk():
    clock = SampleClock()
    assert clock.timebase is None
    play(clock, [(0, 100), (100, 50), (500, 50)])

    assert clock.timebase == Timebase(50.0, UTC_NS)


@given(st.lists(st.tuples(st.integers(0, 300), st.floats(0, 2)), max_size=40))
def test_a_replay_of_the_same_items_is_the_same(steps):
    def run():
        clock, said, first, now_s = SampleClock(), [], 0, 0.0
        for skipped, waited_s in steps:
            first, now_s = first + skipped, now_s + waited_s
            said += [
                (b.start, b.samples.tobytes()) for b in clock.feed(chunk(first, 36), *at(now_s))
            ]
            first += 36
        return said, clock.timebase, clock.gaps, clock.rate_hz, clock.drift_ppm

    assert run() == run()


def test_without_stamps_a_stream_is_contiguous_until_a_long_silence():
    clock = SampleClock()
    starts = []
    for i, arrived_s in enumerate([1, 2, 3, 6.5, 6.6, 6.7, 7, 20]):
        (block,) = clock.feed(unstamped(50 * i, 50), *at(arrived_s))
        starts.append(block.start)

    assert starts[:7] == [0, 50, 100, 150, 200, 250, 300]
    assert clock.gaps == (Gap(350 + 600, 600, GapCause.SILENCE),)


def test_without_stamps_a_lost_link_is_a_gap_however_short():
    clock = SampleClock()
    clock.feed(unstamped(0, 50), *at(1))
    clock.link_lost()
    (block,) = clock.feed(unstamped(100, 50), *at(3))
    (after,) = clock.feed(unstamped(150, 50), *at(4))

    assert (block.start, after.start, clock.missing) == (100, 150, 50)


def test_samples_at_another_rate_are_not_placed_but_missing_and_a_fault():
    clock = SampleClock()
    play(clock, [(0, 50)])
    assert clock.fault is None
    assert clock.feed(chunk(25, 25, fs=25.0), *at(2)) == []
    assert (clock.fault, clock.unplaced) == (WrongRate(50.0, 25.0), 25)
    (block,) = clock.feed(chunk(100, 50), *at(3))

    assert (block.start, clock.missing, clock.fault) == (100, 50, None)


def test_samples_before_the_rate_is_known_are_counted():
    clock = SampleClock()

    assert clock.feed(Chunk(np.zeros((7, 3)), None, 0), *at(1)) == []
    assert (clock.unplaced, clock.fault, clock.timebase) == (7, None, None)


@pytest.mark.parametrize(("fs_true", "faulty"), [(50, False), (51, False), (42, True), (100, True)])
def test_a_wrong_rate_is_known_within_a_minute(fs_true, faulty):
    rng = np.random.default_rng(1)
    clock = SampleClock()
    for i in range(round(60 * fs_true / 25)):
        clock.feed(unstamped(25 * i, 25), *at(25 * (i + 1) / fs_true + rng.uniform(0, 0.045)))

    assert clock.rate_hz == pytest.approx(fs_true, rel=0.005)
    assert (clock.fault is not None) is faulty


def test_a_stall_of_ten_seconds_is_not_taken_for_a_wrong_rate():
    clock = SampleClock()
    faults = set()
    arrived_s = 0.0
    for i in range(300):
        arrived_s = max(arrived_s, i + 1 + 10 * (120 <= i < 130))
        clock.feed(chunk(50 * i, 50), *at(arrived_s))
        faults.add(clock.fault)

    assert faults == {None}


@pytest.mark.parametrize("true_ppm", [-400, -21, 0, 21, 400])
def test_drift_is_measured_to_a_few_ppm_in_ten_minutes(true_ppm):
    rng = np.random.default_rng(abs(true_ppm))
    errors = []
    for _ in range(10):
        clock, arrived_s = SampleClock(), 0.0
        for i in range(900):
            late_s = (
                rng.uniform(0, 0.045) + 2 * (rng.random() < 0.002) + 0.1 * (rng.random() < 0.05)
            )
            measured_s = 36 * (i + 1) / (52 * (1 + true_ppm * 1e-6))
            arrived_s = max(arrived_s, measured_s + late_s)
            clock.feed(chunk(36 * i, 36, 52.0), *at(arrived_s))
        errors.append(clock.drift_ppm - true_ppm)

    assert np.abs(errors).max() < 5


def test_a_host_that_is_started_anew_asks_its_wall_clock():
    clock = SampleClock()
    play(clock, [(0, 50)])
    (mono_ns, utc_ns) = at(101)
    (block,) = clock.feed(unstamped(5000, 50), 5, utc_ns)

    assert mono_ns > 5
    assert block.start == 5000


@pytest.mark.parametrize("true_ppm", [-200, 0, 200])
def test_after_ten_minutes_a_sample_is_dated_to_ten_milliseconds(true_ppm):
    """Against the truth, in spite of drift, jitter, retransmissions and bursts of two seconds."""
    errors_ms = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        clock, arrived_s = SampleClock(), 0.0
        taken_s = [(36 * i + np.arange(1, 37)) / 52 / (1 + true_ppm * 1e-6) for i in range(1000)]
        for i in range(1000):
            late_s = rng.uniform(0.002, 0.045)
            late_s += 2 * (rng.random() < 0.002) + 0.1 * (rng.random() < 0.05)
            arrived_s = max(arrived_s, taken_s[i][-1] + late_s)
            clock.feed(chunk(36 * i, 36, 52.0), *at(arrived_s))
            if i * 36 / 52 > 600:
                assert clock.timebase is not None
                dated = clock.timebase.at_s((36 * i + 36) / 52)
                assert dated is not None
                truth_ns = at(taken_s[i][-1])[1]
                errors_ms.append(dated.timestamp() * 1e3 - truth_ns / 1e6)

    print(f"{true_ppm} ppm: {np.min(errors_ms):.1f} to {np.max(errors_ms):.1f} ms off")
    assert np.abs(errors_ms).max() <= 10


def test_packets_that_are_minutes_late_on_a_link_that_stands_are_no_gap():
    clock = SampleClock()
    placed = play(clock, [(50 * i, 50) for i in range(400)], delay_s=lambda i: 200 * (i > 20))

    assert placed == [(i, i) for i in range(20_000)]
    assert clock.gap_count == 0


def test_a_gap_in_the_samples_moves_no_date():
    clock = SampleClock()
    play(clock, [(0, 50), (50, 50), (500, 50)])
    timebase = clock.timebase

    assert timebase is not None
    assert timebase.at_s(11.0) == timebase.at_s(10.0) + timedelta(seconds=1)


@given(st.floats(0, 3000), st.floats(0, 3000), st.floats(-300, 300))
def test_a_date_once_given_stays(moment_s, asked_s, ppm):
    """Live it is asked for at once, of a recording when all of it was read."""
    dates = set()
    clock = SampleClock()
    for i in range(300):
        arrived_s = 10 * (i + 1) / (1 + ppm * 1e-6) + 0.03 * (i % 3)
        clock.feed(chunk(500 * i, 500), *at(arrived_s))
        assert clock.timebase is not None
        if 10 * (i + 1) >= max(moment_s, min(asked_s, 2990)):
            dates.add(clock.timebase.at_s(moment_s))

    assert len(dates) == 1


@given(
    pause_s=st.floats(1.1, 3.4),
    lost=st.booleans(),
    at_s=st.integers(20, 200),
    frame=st.sampled_from([3, 10, 25]),
)
def test_without_stamps_a_short_pause_is_a_loss_unless_the_stream_catches_up(
    pause_s, lost, at_s, frame
):
    """Told within a window or two, so that nothing is counted across for longer."""
    clock, rng = SampleClock(), np.random.default_rng(0)
    first, arrived_s = 0, 0.0
    missing = round(pause_s * 50 / frame) * frame if lost else 0
    while first < 50 * (at_s + 30):
        taken_s = (first + frame + (missing if first >= 50 * at_s else 0)) / 50
        stalled = not lost and at_s <= taken_s < at_s + pause_s
        due_s = at_s + pause_s if stalled else taken_s + rng.uniform(0, 0.045)
        arrived_s = max(arrived_s, due_s)
        clock.feed(unstamped(first, frame), *at(arrived_s))
        first += frame

    assert clock.gap_count == int(lost)
    assert abs(clock.missing - missing) <= 3
