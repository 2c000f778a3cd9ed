"""The rules alone and with the refinement, on data that the refinement was not trained on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

from examples import Example, watch
from fitting import fit
from recordings import CHECK, ENGINES, LOOKED_AT, TRAINED_ON, Recording, of_trace, real, simulated

from detector.evaluation.matching import (
    Context,
    FoundEvent,
    Matching,
    ScoredRecording,
    score_recording,
)
from detector.evaluation.scoring import Score, summarise
from detector.events import SPASM_FAMILY, Kind
from detector.recognition.rules.verdict import Refine

RULES, REFINED = "rules", "refined"
SUBJECT, DATA_SET = "subject left out", "data set left out"
LEFT_OUT = "left out"

SEALED_SCENES = ("clonus", "spasms", "tonic", "mixed", "tremor", "turning", "plm", "knocks")
SEALED_SEEDS = range(77_000, 77_004)
"""Seeds not used elsewhere; four nights of each kind, four half hours of each scenario."""

Figures: TypeAlias = dict[str, Any]
"""Plain data, as in `figures.json` and on the card."""

Choose: TypeAlias = Callable[[Recording], Refine | None]
"""Returns the refinement for a recording; None for the rules alone."""


@dataclass(slots=True)
class Tally:
    """Outcomes by group and by detector."""

    outcomes: dict[str, dict[str, list[ScoredRecording]]] = field(default_factory=dict)

    def lines(self) -> Figures:
        """Return the figures of every group and detector."""
        return {
            group: {name: _line(summarise(each)) for name, each in by_detector.items()}
            for group, by_detector in self.outcomes.items()
        }

    def take(self, group: str, recording: Recording, detectors: Mapping[str, Choose]) -> None:
        """Run a recording through every detector."""
        lines = self.outcomes.setdefault(group, {})
        for name, choose in detectors.items():
            lines.setdefault(name, []).append(outcome_of(recording, choose(recording)))


def outcome_of(recording: Recording, refinement: Refine | None) -> ScoredRecording:
    """Return the score of a recording, with events found as in the product."""
    found = [
        FoundEvent(
            onset_s=event.onset_s,
            end_s=event.end_s,
            kind=event.kind,
            confidence=event.confidence,
            rhythm_hz=event.rhythm_hz,
        )
        for event in watch(recording, refinement)
    ]
    return score_recording(
        recording.truths,
        found,
        [Context(onset_s=a, end_s=b, label=LEFT_OUT) for a, b in recording.left_out],
        monitored=[(0.0, recording.seconds)],
        skip=[LEFT_OUT],
        subject=recording.subject,
    )


def measure(
    traces: Path,
    refinement: Refine,
    examples: Sequence[Example],
    calibration: Sequence[Example],
) -> Figures:
    """Return figures on seeds, data sets, people and engines left out of training."""
    return {
        "simulated": _simulated(refinement),
        "engines": _engines(refinement, examples, calibration),
        "real": _real(traces, examples, calibration),
        "looked_at": _looked_at(traces, refinement),
    }


def measure_sealed(refinement: Refine) -> Figures:
    """Return figures on the sealed generator. Imported only here: nothing may be trained on it."""
    from firmware_sim.sealed import sealed  # noqa: PLC0415 - so that training cannot reach it

    tally = Tally()
    detectors = _both(refinement)
    for seed in SEALED_SEEDS:
        for name in ("night", "night-without-spasms", *SEALED_SCENES):
            group = name if name.startswith("night") else "scenes"
            tally.take(group, of_trace(sealed(name, seed=seed), group="sealed"), detectors)
    return {"groups": tally.lines()}


def _both(refinement: Refine) -> dict[str, Choose]:
    return {RULES: lambda _: None, REFINED: lambda _: refinement}


def _simulated(refinement: Refine) -> Figures:
    tally = Tally()
    for recording in simulated(CHECK):
        group = recording.name.split(" ")[0]
        tally.take(group if group.startswith("night") else "scenes", recording, _both(refinement))
    return tally.lines()


def _real(traces: Path, examples: Sequence[Example], calibration: Sequence[Example]) -> Figures:
    tally = Tally()
    detectors: dict[str, Choose] = {
        RULES: lambda _: None,
        DATA_SET: _left_out_by(lambda r: r.group, lambda e: e.group, examples, calibration),
        SUBJECT: _left_out_by(lambda r: r.subject, lambda e: e.subject, examples, calibration),
    }
    for group in TRAINED_ON:
        for recording in real(traces, group):
            tally.take(group, recording, detectors)
    return tally.lines()


def _looked_at(traces: Path, refinement: Refine) -> Figures:
    tally = Tally()
    for group in LOOKED_AT:
        for recording in real(traces, group):
            tally.take(group, recording, _both(refinement))
    return tally.lines()


def _engines(
    refinement: Refine, examples: Sequence[Example], calibration: Sequence[Example]
) -> Figures:
    """Return the share of clonus named right, by the engine that made it.

    The figure that counts is that of the refinement trained without that engine.
    """

    def never_saw(engine: str) -> Refine:
        return _without(examples, calibration, lambda example: example.engine == engine)

    models: dict[str, Refine | None] = {RULES: None, REFINED: refinement}
    models |= {f"never saw {engine}": never_saw(engine) for engine in ENGINES}
    hits: dict[str, dict[str, list[bool]]] = {}
    for recording in _scenes_of_clonus():
        for name, model in models.items():
            for engine, named in _clonus_named(recording, model):
                hits.setdefault(engine, {}).setdefault(name, []).append(named)
    return {
        engine: {name: [sum(each), len(each)] for name, each in by_model.items()}
        for engine, by_model in sorted(hits.items())
    }


def _scenes_of_clonus() -> Iterator[Recording]:
    scenes = replace(CHECK, nights=0, still_nights=0)
    return (r for r in simulated(scenes) if r.name.startswith(("clonus", "mixed")))


def _clonus_named(recording: Recording, model: Refine | None) -> Iterator[tuple[str, bool]]:
    rule = Matching()
    events = [event for event in watch(recording, model) if event.kind is Kind.CLONUS]
    for truth, engine in zip(recording.truths, recording.engines, strict=True):
        if engine is not None and truth.end_s - truth.onset_s >= rule.shortest_clonus_s:
            yield (
                engine,
                any(
                    event.onset_s < truth.end_s + rule.late_s
                    and truth.onset_s - rule.early_s < event.end_s
                    for event in events
                ),
            )


def _without(
    examples: Sequence[Example], calibration: Sequence[Example], drop: Callable[[Example], bool]
) -> Refine:
    """Train as usual, but without these examples."""
    kept = [example for example in examples if not drop(example)]
    return fit(LEFT_OUT, kept, [example for example in calibration if not drop(example)])


def _left_out_by(
    of_recording: Callable[[Recording], str],
    of_example: Callable[[Example], str],
    examples: Sequence[Example],
    calibration: Sequence[Example],
) -> Choose:
    """Return a choice of refinement: for every recording the one trained without its group."""
    trained: dict[str, Refine] = {}

    def choose(recording: Recording) -> Refine:
        mine = of_recording(recording)
        if mine not in trained:
            trained[mine] = _without(examples, calibration, lambda e: of_example(e) == mine)
        return trained[mine]

    return choose


def _line(score: Score) -> Figures:
    return {
        "hours": round(score.hours, 2),
        "named": {
            each.kind.value: [each.named.hits, each.named.of]
            for each in score.kinds
            if each.kind in SPASM_FAMILY
        },
        "false": {kind.value: rate.count for kind, rate in score.false_by_kind.items()}
        | {Kind.TWITCH.value: score.false_twitches.count},
        "ece": None if score.calibration is None else round(score.calibration.ece, 3),
        "judged": 0 if score.calibration is None else score.calibration.n,
    }
