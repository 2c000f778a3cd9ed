"""Offline is online: however recordings are read, the night says the same, and wakes the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import cycle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.alert import Alert, AlertClass, to_json
from detector.alerts.rules import Rule, parse_rules
from detector.block import Block, Samples, Timebase
from detector.devices.profile import Chunk
from detector.devices.stream import LinkUp, Packet, Reading
from detector.events import Event, Phase
from detector.events import to_json as event_json
from detector.night.night import Night
from detector.night.observation import WornSensor
from detector.night.outcome import Outcome
from detector.night.recorded import RecordedNight, RecordedSensor
from detector.recognition.events.stamp import Provenance
from detector.store.formats.checks import runs
from detector.store.formats.reading import RecordingReader
from firmware_sim.motion.scenarios import scenario

FS = 50.0
S = 1_000_000_000
START_UTC_NS = 1_763_679_600 * S
RULES = parse_rules(("clonus >= 5s", "2 spasms in 10min", "no-signal >= 30s"))
LENGTH_S = 300

gaps = st.lists(
    st.tuples(st.floats(0, LENGTH_S, width=16), st.sampled_from([0.3, 2.0, 20.0, 60.0])), max_size=3
)
sizes = st.lists(st.integers(1, 3000), min_size=1, max_size=5)


@pytest.fixture(scope="module")
def motions() -> list[Samples]:
    return [
        scenario(name, seed=seed, fs=FS, duration_s=LENGTH_S).samples
        for name, seed in (("mixed", 3), ("spasms", 4), ("mixed", 5))
    ]


def holed(samples: Samples, missing: Sequence[tuple[float, float]]) -> list[Block]:
    """What is left of a recording in which stretches (onset and length, s) are missing."""
    whole = np.ones(len(samples), dtype=bool)
    for onset_s, length_s in missing:
        whole[int(onset_s * FS) : int((onset_s + length_s) * FS)] = False
    return [Block(samples[first:stop], first, FS) for first, stop in runs(whole)]


def cut(blocks: Sequence[Block], sizes: Sequence[int]) -> Iterator[Block]:
    size = cycle(sizes)
    for block in blocks:
        first = 0
        while first < len(block):
            samples = block.samples[first : first + next(size)]
            yield Block(samples, block.start + first, FS)
            first += len(samples)


def reader(name: str, blocks: Iterator[Block], later_s: float = 0.0) -> RecordingReader:
    return RecordingReader(
        name=name,
        recording=name,
        timebase=Timebase(FS, START_UTC_NS + round(later_s * S)),
        total=None,
        source=blocks,
        close=lambda: None,
    )


def worn(name: str) -> WornSensor:
    return WornSensor(Provenance(recording=name, sensor=name), "ankle")


def recorded(
    readers: Sequence[RecordingReader],
    rules: Sequence[Rule] = RULES,
    piece_s: float | None = None,
) -> Outcome:
    """Every word of recordings taken together."""
    sensors = [RecordedSensor(each, worn(each.name)) for each in readers]
    steps = RecordedNight(sensors, rules=rules, piece_s=piece_s).steps()
    return Outcome(tuple(each for step in steps for each in step.told.news))


def lines(told: Outcome) -> list[str]:
    return [event_json(e) if isinstance(e, Event) else to_json(e) for e in told.news]


@settings(max_examples=12, deadline=None)
@given(gaps=gaps, sizes=sizes, motion=st.integers(0, 2))
def test_the_cutting_of_a_recording_changes_no_word_and_no_alert(motions, gaps, sizes, motion):
    blocks = holed(motions[motion], gaps)
    at_once = recorded([reader("leg", iter(blocks))])
    in_pieces = recorded([reader("leg", cut(blocks, sizes))])
    as_live = recorded([reader("leg", iter(blocks))], piece_s=0.5)

    assert lines(in_pieces) == lines(at_once)
    assert lines(as_live) == lines(at_once)


@settings(max_examples=10, deadline=None)
@given(
    gaps=st.tuples(gaps, gaps),
    sizes=st.tuples(sizes, sizes),
    later_s=st.sampled_from([0.0, 0.5, 7.0, 100.0, 1000.0]),
)
def test_several_sensors_are_one_wearer_however_their_recordings_are_cut(
    motions, gaps, sizes, later_s
):
    legs = [holed(motions[number], missing) for number, missing in enumerate(gaps)]
    starts_s = (0.0, later_s)
    at_once = recorded([reader(f"leg{n}", iter(leg), starts_s[n]) for n, leg in enumerate(legs)])
    in_pieces = recorded(
        [reader(f"leg{n}", cut(leg, sizes[n]), starts_s[n]) for n, leg in enumerate(legs)]
    )

    assert lines(in_pieces) == lines(at_once)


def packets(
    blocks: Sequence[Block],
    packet: int,
    session: int = 1,
    mono_ns: int = 0,
    utc_ns: int = START_UTC_NS,
) -> list[Reading]:
    """A sensor's packets of so many samples, each heard when its last sample was measured.

    mono_ns, utc_ns: the host's clocks at its sample 0, when it was connected to
    """
    up = LinkUp(session, "polar-verity-sense", "C0:5E", "Polar", mono_ns, utc_ns)
    readings = [Reading(up)]
    for piece in cut(blocks, [packet]):
        after_ns = round(piece.stop / FS * S)
        item = Packet(session, "acc", b"", mono_ns + after_ns, utc_ns + after_ns)
        readings.append(Reading(item, (Chunk(piece.samples, FS, after_ns),)))
    return readings


def live(sent: Sequence[Reading], rules: Sequence[Rule] = RULES) -> Outcome:
    """What the night says while these packets come, with a tick each second."""
    night = Night([worn("leg")], rules=rules)
    said = listened(night, sent)
    said.append(night.finish(sent[-1].item.mono_ns, sent[-1].item.utc_ns))
    return Outcome(tuple(each for told in said for each in told.news))


def listened(night: Night, sent: Sequence[Reading]) -> list[Outcome]:
    """What it says of these packets, with a tick each second after the first."""
    said: list[Outcome] = []
    tick_ns = sent[0].item.mono_ns + S
    for reading in sent:
        item = reading.item
        while tick_ns < item.mono_ns:
            said.append(night.tick(tick_ns, item.utc_ns - item.mono_ns + tick_ns))
            tick_ns += S
        said.append(night.take(reading))
    return said


def replayed(sent: Sequence[Reading], rules: Sequence[Rule]) -> Outcome:
    """What is said of the recording of these packets."""
    of_packets = reader("leg", iter(()))
    of_packets.packets = iter(sent)
    return recorded([of_packets], rules=rules)


def clinical(told: Outcome) -> list[str]:
    return [to_json(a) for a in told.alerts if a.alert_class is AlertClass.CLINICAL]


def technical(told: Outcome) -> list[tuple[str, str, float]]:
    return [
        (a.kind, str(a.state), a.at.timestamp() if a.at else 0.0)
        for a in told.alerts
        if a.alert_class is AlertClass.TECHNICAL
    ]


@settings(max_examples=10, deadline=None)
@given(gaps=gaps, packet=st.integers(10, 100), motion=st.integers(0, 2))
def test_a_recording_says_and_wakes_as_the_night_did(motions, gaps, packet, motion):
    blocks = holed(motions[motion], [(max(onset_s, 3.0), length_s) for onset_s, length_s in gaps])
    blocks = [block for block in blocks if len(block) > packet]  # a sensor's packets are whole
    then = live(packets(blocks, packet))
    again = recorded([reader("leg", iter(blocks))])

    assert [event_json(e) for e in again.events] == [event_json(e) for e in then.events]
    assert clinical(again) == clinical(then)
    for one, other in zip(technical(again), technical(then), strict=True):
        assert one[:2] == other[:2]
        assert abs(one[2] - other[2]) <= packet / FS + 0.001


@pytest.fixture(scope="module")
def calm() -> Samples:
    """Minutes of clonus with rest between, long enough for an alert to be over."""
    rng = np.random.default_rng(0)
    rest = np.array([0.1, 0.0, 0.99]) + rng.normal(0, 2e-3, (int(150 * FS), 3))
    shaken = [scenario("clonus", seed=seed, fs=FS, duration_s=60).samples for seed in (1, 2, 3)]
    return np.concatenate([part for each in shaken for part in (each, rest)])


@settings(max_examples=10, deadline=None)
@given(
    gaps=st.lists(
        st.tuples(st.floats(3, 630, width=16), st.sampled_from([0.3, 2.0, 20.0, 60.0, 130.0])),
        max_size=6,
    ),
    packet=st.integers(10, 100),
)
def test_a_replay_tells_events_and_alerts_in_the_order_in_which_the_night_told_them(
    calm, gaps, packet
):
    sent = packets([block for block in holed(calm, gaps) if len(block) > packet], packet)
    rules = parse_rules(("clonus >= 2s", "2 spasms in 1min", "no-signal >= 10s"))

    assert lines(replayed(sent, rules=rules)) == lines(live(sent, rules=rules))


@settings(max_examples=10, deadline=None)
@given(
    killed_s=st.integers(60, 500),
    away_s=st.sampled_from([3, 50, 125, 400]),
    boots=st.booleans(),
)
def test_a_replay_of_a_night_that_was_killed_raises_the_alerts_that_were_raised(
    calm, killed_s, away_s, boots
):
    first, rest = (Block(each, 0, FS) for each in np.split(calm, [int(killed_s * FS)]))
    before = packets([first], 50)
    last = before[-1].item
    begun_ns = 2 * S if boots else last.mono_ns + away_s * S
    after = packets([rest], 50, 2, begun_ns, last.utc_ns + away_s * S)
    rules = parse_rules(("clonus >= 2s", "2 spasms in 1min", "no-signal >= 2min"))

    night, again = (Night([worn("leg")], rules=rules) for _ in range(2))
    said = listened(night, before)
    again.load(night.save())
    now = after[0].item.mono_ns, after[0].item.utc_ns
    said += [again.resume(*now), again.tick(*now), *listened(again, after)]
    said.append(again.finish(after[-1].item.mono_ns, after[-1].item.utc_ns))
    told = replayed([*before, *after], rules)

    assert told.events == tuple(each for one in said for each in one.events)
    # A recording does not know why nothing came: whether a process or a link had ended. It ends
    # what was open at the kill with the next packet, after the silence was told; the night that
    # goes on ends it first.
    assert by_id(told.alerts) == by_id(each for one in said for each in one.alerts)


def by_id(alerts: Iterable[Alert]) -> list[Alert]:
    """Return alerts with each one's own moments in their order."""
    return sorted(without_reasons(alerts), key=lambda alert: alert.id)


def without_reasons(alerts: Iterable[Alert]) -> list[Alert]:
    return [replace(alert, reason="") if alert.kind == "no-signal" else alert for alert in alerts]


def test_a_long_gap_in_a_file_is_told_as_no_signal_from_its_first_second(motions):
    told = recorded([reader("leg", iter(holed(motions[1], [(100.0, 60.0)])))])
    alerts = [alert for alert in told.alerts if alert.kind == "no-signal"]

    assert [alert_at(alert) for alert in alerts] == [("raised", 130.0), ("resolved", 160.0)]
    assert "nothing was recorded here" in alerts[0].reason


@settings(max_examples=10, deadline=None)
@given(gaps=gaps, motion=st.integers(0, 2))
def test_without_a_wall_clock_alerts_have_their_places_on_the_recordings_axis(
    motions, gaps, motion
):
    blocks = holed(motions[motion], gaps)
    undated = reader("leg", iter(blocks))
    undated.timebase = Timebase(FS)
    dated = [alert_at(alert) for alert in recorded([reader("leg", iter(blocks))]).alerts]
    told = recorded([undated]).alerts

    assert {(alert.raised_at, alert.at) for alert in told} <= {(None, None)}
    placed = [(str(alert.state), alert.at_s) for alert in told]
    assert [state for state, _ in placed] == [state for state, _ in dated]
    assert [at_s for _, at_s in placed] == pytest.approx([at_s for _, at_s in dated], abs=0.002)


def alert_at(alert: Alert) -> tuple[str, float]:
    assert alert.at is not None
    return str(alert.state), alert.at.timestamp() - START_UTC_NS / S


def test_samples_keep_the_index_that_the_file_gave_them(motions):
    """A hole of a few samples moves nothing: an onset lies where its first sample lies."""
    whole = recorded([reader("leg", iter(holed(motions[0], [])))])
    holes = [(5.0 * n, 0.1) for n in range(1, 4)]
    pierced = recorded([reader("leg", iter(holed(motions[0], holes)))])

    def late(told: Outcome) -> list[Event]:
        return [replace(e, id="", episode=None) for e in told.events if e.onset_s > 60]

    found = [e.onset_s for e in late(pierced) if e.phase is Phase.END]
    assert found == [e.onset_s for e in late(whole) if e.phase is Phase.END]
