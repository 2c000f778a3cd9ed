"""Tonic-clonic seizures of the OpenSeizureDatabase: our findings beside OpenSeizureDetector's.

Three detectors run on the same samples: our pipeline, OpenSeizureDetector's rule as `peers` has
it, and what its app said at the time, block by block. A seizure may lie in several segments; it
is found when any of them holds an alarm that overlaps its label, 5 s to either side, since that is
how exact the labels are. What an alarm overlaps no seizure of any type is false.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from detector.evaluation.matching import LOGGED
from detector.evaluation.peers import OSD_BLOCK_S, Peers
from detector.evaluation.scoring import RHYTHMIC
from detector.evaluation.spans import Measure, Spans, union, without
from detector.events import Kind
from detector.night.observation import WornSensor
from detector.night.recorded import RecordedNight, RecordedSensor
from detector.recognition.events.stamp import Provenance
from detector.store.formats.reader import open_recording

TOLERANCE_S = 5.0
TONIC_CLONIC, SEIZURE = "Seizure/Tonic-Clonic", "Seizure/"
WARNED, ALARMED = 1, 2  # 5 is the wearer's own button, and no detection

WHO = {
    "ours": "spasmwatch: clonus, spasm or tonic",
    "rhythmic": "spasmwatch: clonus or tremor",
    "clonus": "spasmwatch: clonus",
    "OSD alarm": "OSD's rule, ALARM",
    "OSD first block": "OSD's rule, first positive block",
    "app alarm": "OSD's app at the time, ALARM",
    "app warning": "OSD's app at the time, WARNING or ALARM",
    "band power": "band-power rule",
}
OF_KINDS = {"ours": LOGGED, "rhythmic": RHYTHMIC, "clonus": frozenset({Kind.CLONUS})}


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """One recorded stretch; `alarms` are spans in s by detector."""

    event: str
    seconds: float
    labels: tuple[tuple[float, float, str], ...]
    alarms: dict[str, Spans]

    def near(self, start: str) -> Spans:
        """Labels that begin so, 5 s wider to either side."""
        return [
            (max(a - TOLERANCE_S, 0.0), min(b + TOLERANCE_S, self.seconds))
            for a, b, text in self.labels
            if text.startswith(start)
        ]


def compare_seizures(files: Sequence[Path]) -> dict[str, Any]:
    """Return seizures found and false alarms of each detector."""
    return summary([segment_of(file) for file in files])


def summary(segments: Sequence[Segment]) -> dict[str, Any]:
    """Return counts as plain data."""
    events = sorted({s.event for s in segments if s.near(TONIC_CLONIC)})
    quiet = {id(s): without([(0.0, s.seconds)], s.near(SEIZURE)) for s in segments}
    hours = sum(Measure(spans).total for spans in quiet.values()) / 3600
    rows = {}
    for who in WHO:
        found = {
            s.event
            for s in segments
            if any(
                _overlap(alarm, near) for alarm in s.alarms[who] for near in s.near(TONIC_CLONIC)
            )
        }
        false = sum(
            not any(_overlap(alarm, near) for near in s.near(SEIZURE))
            for s in segments
            for alarm in s.alarms[who]
        )
        rows[who] = {"found": len(found), "of": len(events), "false": false}
    return {
        "segments": len(segments),
        "hours": sum(s.seconds for s in segments) / 3600,
        "hours_without_seizure": hours,
        "seizures": len(events),
        "who": rows,
    }


def segment_of(file: Path) -> Segment:
    """Return the findings of every detector in one segment."""
    with np.load(file, allow_pickle=False) as held:
        meta = json.loads(str(held["meta"]))
        labels = tuple((a, b, str(text)) for a, b, text in json.loads(str(held["labels"])))
    others, seconds = Peers(), 0.0
    with open_recording(file) as reader:
        worn = WornSensor(Provenance(recording=reader.recording), "wrist")
        recorded = RecordedNight([RecordedSensor(reader, worn)])
        for step in recorded.steps():
            for _, block in step.blocks:
                others.process(block)
                seconds = block.stop / block.fs
    events = recorded.events
    alarms: dict[str, Spans] = {
        who: union([(e.onset_s, e.end_s) for e in events if e.kind in kinds])
        for who, kinds in OF_KINDS.items()
    }
    alarms |= {who: [(f.onset_s, f.end_s) for f in found] for who, found in others.finish().items()}
    alarms["app alarm"] = _told(meta["osd_block_alarmState"], {ALARMED})
    alarms["app warning"] = _told(meta["osd_block_alarmState"], {WARNED, ALARMED})
    event = re.sub(r"_s\d+$", "", file.stem)
    return Segment(event, seconds, labels, alarms)


def _told(states: Sequence[float], wanted: set[int]) -> Spans:
    """Return runs of blocks with such a state."""
    blocks = [(i * OSD_BLOCK_S, (i + 1) * OSD_BLOCK_S) for i, s in enumerate(states) if s in wanted]
    return union(blocks)


def _overlap(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return one[0] < other[1] and one[1] > other[0]
