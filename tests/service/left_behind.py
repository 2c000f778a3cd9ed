"""What a killed process left, the night that goes on from it, and what that says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from detector.alerts.rules import parse_rules
from detector.devices.interpreter import Interpreter
from detector.devices.registry import installed
from detector.devices.stream import Item, Reading
from detector.events import Origin, to_json
from detector.night.night import Night
from detector.night.observation import WornSensor
from detector.night.outcome import Outcome
from detector.recognition.events.stamp import Provenance
from detector.service.persistence.resumption import Begun, Now, begin
from detector.store.recording import RecordingHeader
from detector.store.recording_writer import RecordingWriter

S = 1_000_000_000
RULES = parse_rules(["clonus >= 1s", "2 spasms in 10min", "no-signal >= 20s"])
WEARER, LABELS = "k3vq7m2xta", ("left-calf", "right-calf")


def worn(evening: str = "2026-11-20", *, wearer: str = WEARER, count: int = 1) -> list[WornSensor]:
    return [
        WornSensor(Provenance(wearer, label, f"{evening}-{label}", Origin.SIMULATED), "calf")
        for label in LABELS[:count]
    ]


def header(of: WornSensor) -> RecordingHeader:
    whose = of.provenance
    return RecordingHeader(
        name=whose.recording or "",
        wearer=whose.wearer or "",
        sensor=whose.sensor or "",
        site=of.site,
        driver="",
        origin=whose.source,
        created=datetime(2026, 11, 20, 22, tzinfo=UTC),
        version="0",
        time_zone="",
    )


@dataclass
class House:
    """What a killed process left: its state and its recordings."""

    folder: Path
    state: dict[str, Any]

    def record(self, of: WornSensor, items: Sequence[Item]) -> None:
        path = self.folder / f"{of.provenance.recording}.sqlite"
        writer = RecordingWriter.create(path, header(of))
        for item in items:
            writer.write(item)
        writer.close()

    def begin(
        self,
        sensors: Sequence[WornSensor],
        now_ns: tuple[int, int] | Now,
        *,
        records: bool = True,
    ) -> tuple[Begun, list[str]]:
        """Start the next process; return its night and the notes of its beginning."""
        notes: list[str] = []
        begun = begin(
            sensors,
            RULES,
            saved=self.state.get,
            nights=self.folder,
            resume=(lambda of, path: RecordingWriter.resume(path, header(of))) if records else None,
            now=now_ns if callable(now_ns) else lambda _: now_ns,
            note=lambda name, why: notes.append(f"{name}: {why}"),
        )
        for recorder in begun.recorders:
            if recorder is not None:
                recorder.close()
        return begun, notes


def words(told: Outcome) -> list[str]:
    alerts = [f"{a.kind} {a.state} {a.episode} {a.rule}" for a in told.alerts if a.episode]
    return [to_json(event) for event in told.events] + alerts


def readings(items: Sequence[Item]) -> Iterator[Reading]:
    interpreter = Interpreter(installed())
    return (interpreter.feed(item) for item in items)


def hear(night: Night, items: Sequence[Item]) -> list[str]:
    return [word for each in readings(items) for word in words(night.take(each))]


def finish(night: Night, last: Item) -> list[str]:
    return words(night.finish(last.mono_ns, last.utc_ns))
