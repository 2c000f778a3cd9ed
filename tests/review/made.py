"""Likely spasms of several nights, as a state has them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from detector.events import DetectorVersion, Event, Kind, Phase

EVENING = datetime(2026, 11, 20, 22, tzinfo=UTC)
WEARER = "k3vq7m2xta"
MODEL = DetectorVersion("spasmwatch", "0.1.0", "learned-v1")


def spasm(name: str, after_s: float = 0.0, **more: Any) -> Event:
    """Return a likely spasm so long after ten in the evening of 20 November."""
    onset, duration_s = EVENING + timedelta(seconds=after_s), more.get("duration_s", 2.0)
    known: dict[str, Any] = {
        "id": name, "kind": Kind.SPASM, "phase": Phase.END, "onset_s": max(after_s, 0.0),
        "duration_s": duration_s, "onset": onset, "end": onset + timedelta(seconds=duration_s),
        "confidence": 0.4, "turn_deg": 10.0, "rms_g": 0.1, "episode": name, "sensor": "left-calf",
        "wearer": WEARER, "detector": MODEL, "reason": "a sudden jerk",
    }  # fmt: skip
    return Event(**(known | more))


@st.composite
def nights(draw: st.DrawFn) -> list[Event]:
    """Return a night's events: some of one episode, some open, undated, or of somebody else."""
    row = st.tuples(
        st.floats(0, 30000), st.sampled_from([0.5, 2.0, 5.0, 13.0]) | st.floats(0.1, 90),
        st.sampled_from([0.1, 0.5, 0.9]) | st.floats(0, 1), st.integers(0, 12),
        st.sampled_from(list(Kind)), st.sampled_from([WEARER] * 5 + [None, "another234"]),
        st.sampled_from([Phase.END] * 6 + [Phase.START]), st.booleans(),
    )  # fmt: skip
    rows = draw(st.lists(row, max_size=40))
    return [
        spasm(
            f"e{n}", at, duration_s=length, confidence=sure, kind=kind, wearer=wearer, phase=phase,
            episode=f"p{part}" if part < 8 else None,
            held_back=Kind.SPASM if held and kind is Kind.MOVEMENT else None,
        )
        for n, (at, length, sure, part, kind, wearer, phase, held) in enumerate(rows)
    ]  # fmt: skip
