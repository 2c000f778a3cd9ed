"""Events with their labels, and minimums of a wearer."""

from __future__ import annotations

from hypothesis import strategies as st

from detector.events import Event, Kind, Phase
from detector.recognition.personal.minimums import MEASURED, OWN, QUANTITIES, Minimum, Personal
from detector.recognition.personal.tuning import ReviewedEvent, WearerVerdict
from detector.recognition.personal.weights import WEIGHED, Weights
from detector.recognition.rules.reason import Reason, because

REAL, FALSE, UNSURE = WearerVerdict
FACTS = because(Reason.TURN, settled_deg=20.0)
NAN, INF = float("nan"), float("inf")


def event(kind=Kind.SPASM, phase=Phase.END, **numbers) -> Event:
    known = {"id": "a", "onset_s": 60.0, "duration_s": 2.0, "confidence": 0.8, "peak_g": 0.2}
    return Event(kind=kind, phase=phase, facts=FACTS, **(known | numbers))


def label(verdict, number, night, **numbers) -> ReviewedEvent:
    return ReviewedEvent(event(id=f"{night}/{number:03}", **numbers), verdict, night)


SPASM = Minimum(Kind.SPASM, "peak_g", 0.12, up_to_s=4.0)
CLONUS = Minimum(Kind.CLONUS, "duration_s", 3.0, up_to_s=5.0)
PERSONAL = Personal(minimums=(CLONUS, SPASM))


def weights(kind: Kind):
    some = st.floats(-5, 5)
    return st.builds(Weights, some, st.tuples(*[some] * len(WEIGHED[kind])))


minimums = st.one_of(
    st.builds(
        Minimum, st.just(kind), st.just(name),
        st.floats(1e-3, QUANTITIES[name].most), st.floats(0, 60),
        weights(kind) if name == OWN else st.none(),
    )
    for kind, names in MEASURED.items() for name in names
)  # fmt: skip

personals = st.lists(minimums, unique_by=lambda each: each.kind).map(
    lambda some: Personal(minimums=tuple(sorted(some, key=lambda each: each.kind)))
)

numbers = st.none() | st.floats(0, 2) | st.just(NAN)
events = st.builds(
    event,
    kind=st.sampled_from(Kind),
    phase=st.sampled_from(Phase),
    revision=st.integers(0, 3),
    duration_s=st.floats(0, 90),
    confidence=st.floats(0, 1),
    beats=st.none() | st.integers(1, 60),
    episode=st.none() | st.just("e"),
    **dict.fromkeys(("peak_g", "rms_g", "rhythm_hz", "turn_deg"), numbers),
)
