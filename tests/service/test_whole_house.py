"""From a sensor's antenna to an MQTT client: nothing is lost, nothing is said twice otherwise."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from detector.devices.stream import LinkDown, LinkUp
from detector.events import final_forms, from_dict, to_dict
from detector.status import StateWord
from detector.store.formats.reader import open_recording
from detector.store.recording import Recording
from detector.store.state import State
from firmware_sim.motion.scenarios import scenario

from ..kit.traces import save, walking
from .conftest import House, live_through

SPEED = 30.0


def spasmwatch(*arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "detector", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"HOME": str(home), "XDG_CONFIG_HOME": str(home / "config"), "PATH": ""},
    )


def without_origin(event: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in event.items() if key not in ("source", "event_type", "n")}


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> tuple[House, Path, Path]:
    """One simulated night with something of everything, lived through once."""
    folder = tmp_path_factory.mktemp("night")
    trace = scenario("mixed", seed=3, fs=52.0)
    path = save(folder / "mixed.npz", np.round(trace.samples, 3), 52.0)
    return asyncio.run(live_through(path, folder / "data", speed=SPEED)), path, folder


def test_a_helper_hears_every_word_in_order_and_nothing_on_live_topics(broker, config_home):
    trace = scenario("clonus", seed=5, fs=52.0, duration_s=90)
    path = save(config_home / "clonus.npz", trace.samples, 52.0)
    house = asyncio.run(live_through(path, config_home / "data", speed=SPEED, broker=broker))

    said = [to_dict(event) for event in house.events]
    assert said
    assert said == [
        {k: v for k, v in event.items() if k not in ("event_type", "n")}
        for event in house.events_heard()
    ]
    with State.open(house.state) as state:
        logged = [entry.body.encode() for entry in state.replay_from(0) if entry.kind == "event"]
    assert logged == [body for topic, body in house.heard if topic.endswith("/event")]
    assert all(event["event_type"] == event["kind"] for event in house.events_heard())
    home = f"sw/v1/simulated/{house.topics.wearer}/"
    leaves = {topic.removeprefix(home) for topic, _ in house.heard}
    assert leaves >= {"availability", "state", "event"}
    assert all(topic.startswith(home) for topic, _ in house.heard)


def test_a_night_is_watched_to_the_last_sample(night):
    house, path, _ = night
    with np.load(path) as file:
        samples = file["acc"]

    assert (len(samples), 0, 1) == (house.samples, house.gaps, house.sessions)


def test_a_replay_says_what_was_said_live_byte_for_byte(night):
    house, _, folder = night
    replayed = spasmwatch("replay", str(house.recording), "--json", home=folder)

    assert replayed.returncode == 0, replayed.stderr
    lines = replayed.stdout.splitlines()
    assert house.log == [line for line in lines if '"schema": "event/1"' in line]


def test_detect_finds_in_the_recording_what_was_found_live(night):
    house, _, folder = night
    detected = spasmwatch("detect", str(house.recording), "--json", home=folder)
    live = [without_origin(to_dict(event)) for event in final_forms(house.events)]

    assert detected.returncode == 0, detected.stderr
    assert live == [without_origin(json.loads(line)) for line in detected.stdout.splitlines()]


def test_detect_finds_in_the_file_what_the_sensor_felt(night):
    house, path, folder = night
    detected = spasmwatch("detect", str(path), "--json", home=folder)
    found = [from_dict(json.loads(line)) for line in detected.stdout.splitlines()]
    live = final_forms(house.events)

    assert len(live) == len(found) > 3
    for one, other in zip(live, found, strict=True):
        assert (one.kind, one.onset_s, one.duration_s, one.rhythm_hz, one.beats, one.reason) == (
            other.kind, other.onset_s, other.duration_s, other.rhythm_hz, other.beats, other.reason
        )  # fmt: skip


def test_what_was_told_was_committed(night):
    house, _, _ = night
    assert house.state is not None
    with State.open(house.state) as state:
        assert final_forms(house.events) == state.events(recording=house.recording.stem)
        assert state.depth("mqtt") == 0


def test_a_lost_link_is_told_within_ten_seconds_and_streams_again_within_five(config_home):
    """The drop lasts 10 s of the sensor's time, at its own speed: nothing here is scaled."""
    rng = np.random.default_rng(0)
    samples = np.round(np.array([0, 0, 1.0]) + rng.normal(0, 0.002, (52 * 24, 3)), 3)
    path = save(config_home / "rest.npz", samples, 52.0)
    house = asyncio.run(live_through(path, config_home / "data", speed=1.0, drops=["4:10"]))

    ups = [at for at, news in house.news if isinstance(news, LinkUp)]
    downs = [at for at, news in house.news if isinstance(news, LinkDown)]
    assert (len(ups), len(downs)) == (2, 2)  # the last one is the end of the trace
    silent = [at for at, status in house.statuses() if status.watch is StateWord.NO_SIGNAL]
    watching = [at for at, status in house.statuses() if status.watch is StateWord.WATCHING]
    lost, again = downs[0], watching[1]
    noticed = min(at for at in silent if at > lost)
    assert noticed - lost <= 10.0
    assert again - (lost + 10.0) <= 5.0
    # One subscription: samples arrive once. All are there but those that were missed.
    with Recording.open(house.recording) as recording:
        sessions = {item.session for item in recording.items()}
    assert sessions == {1, 2}
    assert house.gaps == 1
    missed = len(samples) - house.samples
    assert 10 * 52 <= missed + 36 <= 15 * 52


@pytest.mark.parametrize(("speed", "length_s"), [(1.0, 8), (8.0, 60), (60.0, 600)])
def test_a_walk_arrives_whole_at_any_speed(speed, length_s, config_home):
    samples, fs = walking(0, length_s)
    path = save(config_home / "walk.npz", samples, fs)
    house = asyncio.run(live_through(path, config_home / "data", speed=speed))

    with open_recording(house.recording) as recording:
        arrived = np.concatenate([block.samples for block in recording.blocks()])

    assert (len(samples), 0) == (house.samples, house.gaps)
    np.testing.assert_array_equal(
        np.clip(np.round(samples.astype(np.float64) * 1000) / 1000, -8, 8), arrived
    )
