"""What the product says of an input: the one place that knows how it is asked today."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import merge
from pathlib import Path

import numpy as np
from typer.testing import CliRunner

from detector import alert as alerts
from detector.alerts.rules import DEFAULT_RULES, parse_rules
from detector.cli import app
from detector.devices.interpreter import Interpreter
from detector.devices.registry import installed
from detector.events import Origin, to_json
from detector.mqtt import contract
from detector.night.night import Night
from detector.night.observation import WornSensor
from detector.night.outcome import Outcome
from detector.recognition.events.stamp import Provenance
from detector.store.log import of_alert, of_event
from detector.store.recording import RecordingHeader
from detector.store.recording_writer import RecordingWriter

from .inputs import START_UTC_NS, Packets, S, Samples3

WEARER = "k3vq7m2xta"
EVENING = datetime(2026, 11, 20, 22, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Said:
    """Lines of JSON: events (all phases or final), alerts, MQTT payloads with their topics."""

    events: tuple[str, ...] = ()
    alerts: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()


def of_recording(recording: Samples3, folder: Path) -> dict[str, Said]:
    """Ask `detect` and `replay` of an array in a file."""
    file = folder / f"{recording.name.replace('/', '-')}.npz"
    np.savez(file, acc=recording.acc, fs=recording.fs)
    found = _run("--json", "detect", file, "--site", recording.site, "--alerts")
    words = _run("--json", "replay", file)
    return {"detect": _parted(found), "replay": _parted(words)}


def of_packets(sent: Packets, folder: Path) -> dict[str, Said]:
    """Ask `detect` and `replay` of our own recording, and the night that watches live."""
    file = folder / f"{sent.name}.sqlite"
    header = RecordingHeader(
        name="2026-11-20",
        wearer=WEARER,
        sensor="left-calf",
        site="calf",
        driver=sent.driver,
        origin=Origin.LIVE,
        created=EVENING,
        version="0",
        time_zone="",
    )
    writer = RecordingWriter.create(file, header)
    for item in sent.items:
        writer.write(item)
    writer.close()
    return {
        "detect": _parted(_run("--json", "detect", file, "--alerts")),
        "replay": _parted(_run("--json", "replay", file)),
        "live": of_night([sent]),
    }


def of_night(sensors: Sequence[Packets]) -> Said:
    """Watch these sensors as one wearer's night, a tick each second."""
    worn = [
        WornSensor(Provenance(WEARER, sent.name, f"2026-11-20-{sent.name}", Origin.LIVE), "calf")
        for sent in sensors
    ]
    night = Night(worn, rules=parse_rules(DEFAULT_RULES))
    streams = [
        [
            (r.item.mono_ns, number, place, r)
            for place, r in enumerate(map(Interpreter(installed()).feed, sent.items))
        ]
        for number, sent in enumerate(sensors)
    ]
    said: list[Outcome] = []
    next_tick_ns = 0
    last_ns = 0
    for mono_ns, number, _, reading in merge(*streams):
        while next_tick_ns <= mono_ns:
            said.append(night.tick(next_tick_ns, START_UTC_NS + next_tick_ns))
            next_tick_ns += S
        said.append(night.take(reading, sensor=number))
        last_ns = mono_ns
    said.append(night.finish(last_ns, START_UTC_NS + last_ns))
    return Said(
        tuple(to_json(event) for told in said for event in told.events),
        tuple(alerts.to_json(alert) for told in said for alert in told.alerts),
        tuple(_messages(said)),
    )


def of_pair(files: Sequence[Path]) -> Said:
    """Ask `detect --together` of recordings that `of_packets` or `of_recording` wrote."""
    return _parted(_run("--json", "detect", "--together", "--alerts", *files))


def _messages(said: Iterable[Outcome]) -> Iterator[str]:
    topics = contract.Topics(wearer=WEARER)
    drafts = (
        d for told in said for d in (*map(of_event, told.events), *map(of_alert, told.alerts))
    )
    for n, draft in enumerate(drafts, 1):
        sent = contract.outgoing(draft.entry(n, EVENING), topics, EVENING)
        yield f"{sent.topic} {sent.qos} {sent.retain} {sent.expiry_s} {sent.payload}"


def _run(*words: object) -> list[str]:
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 0, (words, done.stderr)
    return done.stdout.splitlines()


def _parted(lines: Sequence[str]) -> Said:
    is_alert = ['"schema": "alert/1"' in line for line in lines]
    return Said(
        tuple(line for line, alert in zip(lines, is_alert, strict=True) if not alert),
        tuple(line for line, alert in zip(lines, is_alert, strict=True) if alert),
    )
