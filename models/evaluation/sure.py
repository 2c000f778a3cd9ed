"""In how many recordings a clonus is named, and named surely."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from detector.events import Kind
from detector.night.observation import WornSensor
from detector.night.recorded import RecordedNight, RecordedSensor
from detector.recognition.events.stamp import Provenance
from detector.store.formats.labels import find_labels
from detector.store.formats.reader import open_recording

SURE = 0.5
"""Confidence from which a clonus is sure: by its own account likelier right than wrong."""


def sure_clonus(files: Sequence[Path], site: str) -> dict[str, dict[str, int]]:
    """Return by label how many recordings there are, and how many hold a clonus, and a sure one."""
    counts: dict[str, dict[str, int]] = {}
    for file in files:
        labels = find_labels(file)
        with open_recording(file) as reader:
            worn = WornSensor(Provenance(recording=reader.recording), site)
            recorded = RecordedNight([RecordedSensor(reader, worn)])
            for _ in recorded.steps():
                pass
        said = [each.confidence for each in recorded.events if each.kind is Kind.CLONUS]
        for text in sorted({label.text for label in labels.items} if labels else ()):
            count = counts.setdefault(text, {"recordings": 0, "clonus": 0, "sure": 0})
            count["recordings"] += 1
            count["clonus"] += bool(said)
            count["sure"] += any(confidence >= SURE for confidence in said)
    return counts
