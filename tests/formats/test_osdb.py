"""Laws of events of OpenSeizureDatabase: one of them is a recording, a lost piece is a gap."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detector.errors import RecordingError
from detector.store.formats.reader import load

START = datetime(2026, 3, 14, 2, 10, tzinfo=UTC)
PIECES = 12
MOVING = np.round(np.random.default_rng(4).normal((60, -600, 790), 20, (PIECES * 125, 3)))


def event(number: int, *, axes: bool = True, lost: set[int] = frozenset()) -> dict[str, Any]:  # type: ignore[assignment]
    points = []
    for piece in range(PIECES):
        part = MOVING[piece * 125 : (piece + 1) * 125]
        at = START + timedelta(seconds=5 * piece)
        points.append(
            {
                "dataTime": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "rawData": [*np.linalg.norm(part, axis=1).tolist(), 0.0, 0.0],
                "rawData3D": part.reshape(-1).tolist() if axes else [],
            }
        )
    kept = [point for piece, point in enumerate(points) if piece not in lost]
    return {"id": number, "type": "Seizure", "sampleFreq": 25, "datapoints": kept}


def written(folder: Path, events: Any) -> Path:
    file = folder / "osdb_3min_allSeizures.json"
    file.write_text(json.dumps(events), encoding="utf-8")
    return file


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lost=st.sets(st.integers(1, PIECES - 2)), axes=st.booleans())
def test_an_event_is_a_recording_and_a_lost_piece_a_gap(
    tmp_path: Path, lost: set[int], axes: bool
) -> None:
    found = load(written(tmp_path, [event(7, axes=axes, lost=lost)]))

    assert found.fs == 25
    assert found.timebase.at_s(0) == START
    gone = np.repeat([piece in lost for piece in range(PIECES)], 125)
    assert (np.isnan(found.samples).any(axis=1) == gone).all()
    size = np.linalg.norm(MOVING, axis=1)
    np.testing.assert_allclose(np.linalg.norm(found.samples[~gone], axis=1), size[~gone] / 1000)
    assert any("magnitudes only" in warning for warning in found.warnings) is not axes


def test_of_several_events_one_is_named_as_the_message_says(tmp_path: Path) -> None:
    file = written(tmp_path, [event(7), event(8, axes=False)])
    with pytest.raises(RecordingError, match="holds 2 events") as caught:
        load(file)
    told = re.search(r'--where "(\w+)=(\w+)"', str(caught.value))
    assert told is not None
    np.testing.assert_allclose(load(file, where=(told[1], told[2])).samples, MOVING / 1000)
    with pytest.raises(RecordingError, match="no event with 9 as id"):
        load(file, where=("id", "9"))


@pytest.mark.parametrize(
    "content",
    [[], {}, [1, "x"], [{"datapoints": 3}], [{"id": 1, "datapoints": [None, {"dataTime": "x"}]}],
     {"id": 2, "datapoints": [{"dataTime": "2026-03-14T02:10:00Z", "rawData": ["a"] * 125}]}],
)  # fmt: skip
def test_what_is_no_event_is_refused_in_a_sentence(tmp_path: Path, content: Any) -> None:
    with pytest.raises(RecordingError, match=r"no recording|no piece") as caught:
        load(written(tmp_path, content))
    assert "\n" not in str(caught.value)
