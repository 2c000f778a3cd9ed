"""Why something was found at a moment, or not: the numbers that the pipeline judged there.

`Explainer` takes blocks and returns events as a `Watcher` does: it is one, with an observer. Its
answers do not depend on how the recording was cut into blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from math import ceil, floor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.block import Block, Stretch, extend
from detector.dsp.frames import BLOCK_FRAMES, FRAME, FRAME_S, Floats
from detector.dsp.grid import GRID_HZ
from detector.dsp.holds import SLEEP_S
from detector.events import Event, Phase, event_id, final_forms
from detector.recognition.bouts.beat import nearest_to_beating
from detector.recognition.bouts.bout import Moment
from detector.recognition.bouts.frame_table import FRAME_DTYPE, FrameTable
from detector.recognition.pipeline import WARM_FRAMES, KnownEvent, Watcher
from detector.recognition.rules.kinds import Case
from detector.recognition.rules.opinions import DEFAULT_MODEL, load_model
from detector.recognition.rules.thresholds import Rules
from detector.recognition.rules.verdict import Finding, SecondOpinion, conclude
from detector.recognition.why.explanation import (
    Asked,
    Coverage,
    Explanation,
    NamedBy,
    Presence,
    SeenBout,
    SeenFrame,
    Step,
    Verdict,
)
from detector.recognition.why.margins import (
    gate_reading,
    rhythm_readings,
    weigh_all,
)

NEAR_S = 60.0
"""How far off an event is still named: as far as people's clocks and memories err."""

DEAD_G = 1e-7
"""A frame of one repeated value has less than this: rounding leaves 1e-16 g, a sensor's smallest
step in one sample of twelve 1e-5 g."""

_KEPT = ("active", "rms_g", "regularity", "beats", "frequency_hz", "stride")
SEEN_DTYPE = np.dtype(
    [("index", np.int64), ("born", np.int64), ("gate_g", np.float64), ("floor_g", np.float64)]
    + [(name, FRAME_DTYPE[name]) for name in _KEPT]
)
"""What is remembered of each frame of a recording: 53 bytes, 8 MB a night."""


class Explainer:
    """A watcher that keeps the cases of the moments it is asked about.

    Parameters
    ----------
    asked : the moments
    site, model, opinion : as in `Watcher`
    """

    def __init__(
        self,
        asked: Sequence[Asked],
        *,
        site: str = "ankle",
        model: str = DEFAULT_MODEL,
        opinion: SecondOpinion | None = None,
    ) -> None:
        self._asked = tuple(asked)
        self._rules, _ = load_model(model, site=site)
        self._watcher = Watcher(site=site, model=model, opinion=opinion, observer=self)
        self._seen: list[NDArray[np.void]] = []
        self._open: list[tuple[Case, Finding]] = []  # moments of the bout under way
        self._cases: list[list[tuple[Case, Finding]]] = []  # of bouts at the moments, the last over
        self._runs: list[Stretch] = []
        self._said: list[Event] = []

    def process(self, block: Block) -> list[Event]:
        """Take the next samples, as a `Watcher` does."""
        return [said.event for said in self.follow(block)]

    def finish(self) -> list[Event]:
        """Close what is open, as a `Watcher` does."""
        return [said.event for said in self.close()]

    @property
    def reached_s(self) -> float | None:
        """Seconds up to which samples were analysed, as a `Watcher` says."""
        return self._watcher.reached_s

    def follow(self, block: Block) -> list[KnownEvent]:
        """Take the next samples, as a `Watcher` does."""
        extend(self._runs, block)
        return self._hear(self._watcher.follow(block))

    def close(self) -> list[KnownEvent]:
        """Close what is open, as a `Watcher` does."""
        return self._hear(self._watcher.close())

    def see_frames(
        self,
        wearer: int,  # noqa: ARG002  (there is one)
        frames: FrameTable,
        *,
        first: int,
        born: int,
        gate_g: Floats,
        floor_g: Floats,
    ) -> None:
        """Remember frames, as a `pipeline.Observer`."""
        seen = np.empty(len(frames), SEEN_DTYPE)
        seen["index"] = first + np.arange(len(frames))
        seen["born"], seen["gate_g"], seen["floor_g"] = born, gate_g, floor_g
        for name in _KEPT:
            seen[name] = frames[name]
        self._seen.append(seen)

    def see_case(self, wearer: int, case: Case, finding: Finding) -> None:  # noqa: ARG002
        """Remember the moments of a bout that is asked about, as a `pipeline.Observer`."""
        self._open.append((case, finding))
        if case.bout.moment is Moment.OVER:
            since_s, until_s = _extent_s(case)
            if any(_overlap_s(a, since_s, until_s) >= 0 for a in self._meanings()):
                self._cases.append(self._open)
            self._open = []

    def explanations(self) -> list[Explanation]:
        """Return the answers, in the order of the questions. Call it after `finish`."""
        seen = np.concatenate(self._seen) if self._seen else np.empty(0, SEEN_DTYPE)
        events = final_forms(self._said)
        return [self._explain(self._meant(asked), seen, events) for asked in self._asked]

    def _hear(self, told: list[KnownEvent]) -> list[KnownEvent]:
        self._said += [said.event for said in told]
        return told

    def _meanings(self) -> list[Asked]:
        others = [replace(a, at_s=a.or_at_s) for a in self._asked if a.or_at_s is not None]
        return [*self._asked, *others]

    def _meant(self, asked: Asked) -> Asked:
        if asked.or_at_s is None or not self._runs:
            return asked
        early_s = self._runs[0].start_s - asked.or_at_s
        late_s = asked.at_s - self._runs[-1].stop_s
        return replace(asked, at_s=asked.or_at_s) if late_s >= 0 and early_s < late_s else asked

    def _explain(self, asked: Asked, seen: NDArray[np.void], events: list[Event]) -> Explanation:
        inside = _inside(seen, asked)
        presence = self._presence(asked, seen, inside)
        at_hand = [e for e in events if _overlap_s(asked, e.onset_s, e.end_s) > 0]
        moments = self._moments_at(asked, at_hand)
        if moments and not at_hand:
            onset_s, end_s = _extent_s(moments[-1][0])
            at_hand = [e for e in events if e.onset_s < end_s and e.end_s > onset_s]
        event = min(at_hand, key=lambda e: _rank(asked, e), default=None)
        frame = None
        if len(inside):
            strongest = inside[np.argmax(seen["rms_g"][inside] / seen["gate_g"][inside])]
            frame = _frame(seen[strongest], self._rules, count=int(strongest))
        return Explanation(
            asked=asked,
            verdict=_verdict(event, presence, moved=bool(moments)),
            presence=presence,
            frame=frame,
            bout=self._bout(moments, event) if moments else None,
            event=event,
            near=None if event else _nearest(asked, events),
        )

    def _moments_at(self, asked: Asked, events: list[Event]) -> list[tuple[Case, Finding]]:
        """Moments of the bout that the most telling event, or else the moment, lies in."""
        event = min(events, key=lambda e: _rank(asked, e), default=None)
        ranked: list[tuple[bool, float, list[tuple[Case, Finding]]]] = []
        for moments in self._cases:
            since_s, until_s = _extent_s(moments[-1][0])
            shared_s = _overlap_s(asked, since_s, until_s)
            if shared_s > 0:
                of_event = event is not None and since_s < event.end_s and until_s > event.onset_s
                ranked.append((of_event, shared_s, moments))
        return max(ranked, key=lambda each: each[:2])[2] if ranked else []

    def _presence(
        self, asked: Asked, seen: NDArray[np.void], inside: NDArray[np.int64]
    ) -> Presence:
        runs = [(run.start_s, run.stop_s) for run in self._runs]
        if not runs or asked.at_s >= runs[-1][1]:
            return Presence(Coverage.BEYOND, since_s=runs[-1][1] if runs else 0.0)
        if asked.at_s < runs[0][0] and asked.until_s <= runs[0][0]:
            return Presence(Coverage.BEFORE, until_s=runs[0][0])
        if not len(inside):
            for (_, stop_s), (start_s, _) in pairwise(runs):
                if stop_s <= asked.at_s < start_s and asked.until_s <= start_s:
                    return Presence(Coverage.GAP, since_s=stop_s, until_s=start_s)
            return Presence(Coverage.SCRAP)
        return _held(seen, inside) or Presence(Coverage.SEEN)

    def _bout(self, moments: list[tuple[Case, Finding]], event: Event | None) -> SeenBout:
        case, finding = moments[-1]
        bout, ruled = case.bout, conclude(case)
        best = nearest_to_beating(bout.frames, self._rules)
        return SeenBout(
            onset_s=bout.onset.sample / GRID_HZ,
            duration_s=case.facts.duration_s,
            is_piece=bout.joins or bout.goes_on,
            cut_short=bout.cut_short,
            facts=case.facts,
            rhythm=case.rhythm,
            best=rhythm_readings(bout.frames[best], self._rules),
            rules=weigh_all(case, ruled, self._rules),
            steps=tuple(self._steps(case, ruled, finding, event)),
        )

    def _steps(
        self, case: Case, ruled: Finding, finding: Finding, event: Event | None
    ) -> list[Step]:
        """Every name that the movement got, in order, each once in a row."""
        steps = [Step(NamedBy.RULES, ruled.kind, ruled.why)]
        if finding.kind is not ruled.kind:
            steps.append(Step(NamedBy.SECOND_OPINION, finding.kind, finding.why))
        if event is not None and not _is_beside(case, event):
            early = [e for e in self._said if e.id == event.id and e.phase is not Phase.END]
            steps = [Step(NamedBy.FIRST_WORD, e.kind, e.facts) for e in early] + steps
            if event.kind is not finding.kind:
                steps.append(Step(NamedBy.CONTEXT, event.kind, event.facts))
        before = [None, *steps]
        return [s for s, b in zip(steps, before, strict=False) if b is None or b.kind is not s.kind]


def _extent_s(case: Case) -> tuple[float, float]:
    bout = case.bout
    return min(bout.first * FRAME, bout.onset.sample) / GRID_HZ, bout.end_sample / GRID_HZ


def _overlap_s(asked: Asked, since_s: float, until_s: float) -> float:
    """Seconds shared with a stretch; below 0 how far off it is. An instant counts as a frame."""
    width_s = max(asked.width_s, FRAME_S)
    return min(asked.at_s + width_s, until_s) - max(asked.at_s, since_s)


def _rank(asked: Asked, event: Event) -> tuple[bool, float, float]:
    overlap_s = _overlap_s(asked, event.onset_s, event.end_s)
    return not event.kind.is_spasm_family, -overlap_s, event.onset_s


def _nearest(asked: Asked, events: list[Event]) -> Event | None:
    near = [(-_overlap_s(asked, e.onset_s, e.end_s), e) for e in events]
    return min((n for n in near if n[0] <= NEAR_S), key=lambda n: n[0], default=(0.0, None))[1]


def _verdict(event: Event | None, presence: Presence, *, moved: bool) -> Verdict:
    if event is not None:
        return Verdict.FOUND if event.kind.is_spasm_family else Verdict.OTHER
    if moved:
        return Verdict.OTHER
    return Verdict.NOTHING if presence.state is Coverage.SEEN else Verdict.UNKNOWN


def _inside(seen: NDArray[np.void], asked: Asked) -> NDArray[np.int64]:
    """Places in `seen` of the frames that the moment touches."""
    first = floor(asked.at_s / FRAME_S + 1e-9)
    stop = max(ceil(asked.until_s / FRAME_S - 1e-9), first + 1)
    low, high = np.searchsorted(seen["index"], [first, stop])
    return np.arange(low, high)


def _held(seen: NDArray[np.void], inside: NDArray[np.int64]) -> Presence | None:
    """Whether all of the moment is one repeated value, for so long that the sensor slept.

    A run that ends inside a segment was no sleep: the sensor is too coarse to show its noise.
    """
    dead, begins = seen["rms_g"] < DEAD_G, seen["born"] == seen["index"]
    if not dead[inside].all():
        return None
    place = int(inside[0])
    changes = ~dead | begins
    behind, ahead = np.flatnonzero(changes[: place + 1]), np.flatnonzero(changes[place + 1 :])
    first = int(behind[-1]) + (not dead[behind[-1]])
    stop = place + 1 + int(ahead[0]) if len(ahead) else len(seen)
    # Whole frames of the run: up to one is cut off at either end.
    long = (stop - first) * FRAME_S > SLEEP_S - 2 * FRAME_S
    if not long or (stop < len(seen) and not begins[stop]):
        return None
    since, until = int(seen["index"][first]), int(seen["index"][stop - 1]) + 1
    return Presence(Coverage.HELD, since_s=since * FRAME_S, until_s=until * FRAME_S)


def _frame(seen: Any, rules: Rules, *, count: int) -> SeenFrame:
    age = int(seen["index"] - seen["born"])
    active = bool(seen["active"])
    return SeenFrame(
        at_s=int(seen["index"]) * FRAME_S,
        gate=gate_reading(float(seen["rms_g"]), float(seen["gate_g"]), opened=active),
        floor_g=float(seen["floor_g"]),
        floor_times=rules.gate.over_floor,
        floor_assumed=count < BLOCK_FRAMES,
        age_s=age * FRAME_S,
        believed=age >= WARM_FRAMES,
        rhythm=rhythm_readings(seen, rules) if active else (),
    )


def _is_beside(case: Case, event: Event) -> bool:
    """Whether the event is movement beside a rhythm: of the same bout, and never its name."""
    key = f"{case.bout.first}+{round(event.onset_s * GRID_HZ)}"
    return event.id == event_id(None, None, None, key)
