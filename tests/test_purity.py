"""Below the store nothing reads a file, a clock or the installation, and nothing logs."""

from __future__ import annotations

import builtins
import importlib.metadata
import io
import logging
import os
import threading
import time
from heapq import merge
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detector import detect
from detector.alerts.rules import DEFAULT_RULES, parse_rules
from detector.block import Block
from detector.devices.interpreter import Interpreter
from detector.devices.registry import installed
from detector.events import Event, Origin, final_forms, to_json
from detector.night.night import Night
from detector.night.observation import WornSensor
from detector.recognition.events.stamp import Provenance, detector_version
from detector.recognition.pipeline import Watcher
from detector.recognition.rules.opinions import load_model
from detector.release import VERSION
from detector.words.reasons import worded
from firmware_sim.motion.scenarios import scenario

from .pin.inputs import START_UTC_NS, Packets, S, pairs

OUTSIDE: list[tuple[Any, str]] = [
    (builtins, "open"),
    (io, "open"),
    (os, "open"),
    (os, "listdir"),
    (os, "scandir"),
    (Path, "open"),
    (Path, "read_text"),
    (Path, "read_bytes"),
    (importlib.metadata, "version"),
    (importlib.metadata, "distribution"),
    (importlib.metadata, "entry_points"),
    (time, "time"),
    (time, "time_ns"),
    (time, "monotonic"),
    (time, "monotonic_ns"),
    (time, "perf_counter"),
    (time, "perf_counter_ns"),
    (logging.Logger, "_log"),
    (logging.Logger, "handle"),
]


class TouchedError(Exception):
    """The core asked the world outside."""


@pytest.fixture
def sealed(monkeypatch):
    """Return a function from whose call on this thread cannot reach files, clocks and loggers."""
    here = threading.get_ident()

    def forbid(where: Any, name: str) -> None:
        real = getattr(where, name)

        def guarded(*arguments: Any, **named: Any) -> Any:
            if threading.get_ident() == here:
                raise TouchedError(f"{getattr(where, '__name__', where)}.{name}{arguments}")
            return real(*arguments, **named)

        monkeypatch.setattr(where, name, guarded)

    def seal() -> None:
        for where, name in OUTSIDE:
            forbid(where, name)

    yield seal
    monkeypatch.undo()


@pytest.fixture(scope="module")
def legs() -> tuple[Packets, Packets]:
    """Two sensors of one wearer, as bytes, each with a lost link."""
    return next(sent for name, sent in pairs() if name == "two-legs-apart")


def watched(legs: tuple[Packets, ...], registry) -> tuple[list[Event], list[Any], Night]:
    """Decode, date, recognise, fuse and raise alerts, a tick each second."""
    worn = [
        WornSensor(
            Provenance("k3vq7m2xta", leg.name, f"2026-11-20-{leg.name}", Origin.LIVE), "calf"
        )
        for leg in legs
    ]
    night = Night(worn, rules=parse_rules((*DEFAULT_RULES, "1 spasms in 10min")))
    interpreters = [Interpreter(registry) for _ in legs]
    streams = [
        [(it.mono_ns, n, at, it) for at, it in enumerate(leg.items)] for n, leg in enumerate(legs)
    ]
    told, tick_ns = [], 0
    for mono_ns, number, _, item in merge(*streams):
        while tick_ns <= mono_ns:
            told.append(night.tick(tick_ns, START_UTC_NS + tick_ns))
            tick_ns += S
        told.append(night.take(interpreters[number].feed(item), sensor=number))
    told.append(night.tick(mono_ns + 300 * S, START_UTC_NS + mono_ns + 300 * S))
    told.append(night.trouble("disk", "full", mono_ns + 301 * S, START_UTC_NS))
    saved = night.save()
    night.load(saved)
    told.append(night.finish(mono_ns + 302 * S, START_UTC_NS + mono_ns + 302 * S))
    events = [event for each in told for event in each.events]
    return events, [alert for each in told for alert in each.alerts], night


def test_a_night_of_two_sensors_reads_nothing_from_its_bytes_to_its_alerts(sealed, legs):
    registry = installed()  # which drivers there are is asked at the edge
    load_model.cache_clear()
    sealed()

    events, alerts, night = watched(legs, registry)
    lines = [to_json(event) for event in events]

    assert night.gap_count >= 2
    assert {event.detector.version for event in events} == {VERSION}
    assert len(lines) > 5
    assert alerts


@pytest.mark.parametrize("model", ["rules-v1", "learned-v1"])
def test_a_recording_is_searched_saved_and_gone_on_with_without_a_file(sealed, model):
    made = scenario("demo", seed=1)
    samples = np.array(made.samples)
    half = len(samples) // 2
    load_model.cache_clear()
    sealed()

    found = detect(samples, made.fs, model=model)
    first, second = Watcher(site="ankle", model=model), Watcher(site="ankle", model=model)
    said = first.process(Block(samples[:half], 0, made.fs))
    second.load(first.save())
    said += second.process(Block(samples[half:], half, made.fs)) + second.finish()

    assert len(found) > 5
    assert [worded(event) for event in final_forms(said)] == found
    assert detector_version(model).model == model


def test_the_seal_holds(sealed):
    """The guards are in force: each way outside raises."""
    sealed()

    for reach in (
        lambda: open(__file__),  # noqa: SIM115, PTH123
        lambda: Path(__file__).read_text(),
        lambda: os.listdir("."),  # noqa: PTH208
        lambda: importlib.metadata.version("spasmwatch"),
        time.time,
        time.monotonic_ns,
        lambda: logging.getLogger("x").warning("heard"),
    ):
        with pytest.raises(TouchedError):
            reach()
