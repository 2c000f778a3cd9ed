"""The measurements behind docs/evaluation.md: functions from plain arguments to plain data.

They run in processes of their own and their results are kept as JSON, so nothing but plain data
goes in or out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from ablation import ablated_nights, ablated_people
from backgrounds import buried, chance
from counting import counted_nights
from first_words import first_words
from freezes import FREEZE, by_trembling
from learning import personal
from relabelling import Divide, with_divided
from sawing import SAWING, by_rate
from seizures import compare_seizures
from simulators import traces_of
from sure import sure_clonus
from waking import alerts_in, by_clause

from detector.evaluation.report import tables, to_dict
from detector.evaluation.runner import (
    Evaluation,
    EvaluationCase,
    case_of_file,
    case_of_samples,
    compare,
)
from detector.store.formats.labels import Label
from detector.store.formats.reader import open_recording
from firmware_sim.motion import Trace, Truth
from firmware_sim.trace_files import make_trace

FEW = 3  # recordings of a set, where all of it would take too long for a smoke test
Result = dict[str, Any]


def simulated(
    *,
    generator: str,
    name: str,
    seeds: Sequence[int],
    minutes: float,
    engine: str = "both",
    site: str = "ankle",
    latency: bool = False,
) -> Result:
    """Score recordings of one simulated scenario."""
    traces = traces_of(generator, name, seeds, minutes, engine=engine, site=site)
    cases = (_case_of_trace(trace, number) for number, trace in enumerate(traces))
    return _result(compare(cases, site=site, latency=latency))


def night(*, generator: str, name: str, seeds: Sequence[int], hours: float) -> Result:
    """Score simulated nights, and count the alerts that the usual wake rules would have raised."""
    alerts = 0

    def heard() -> Iterator[EvaluationCase]:
        nonlocal alerts
        traces = traces_of(generator, name, seeds, 60 * hours)
        for number, trace in enumerate(traces):
            case = _case_of_trace(trace, number)
            alerts += alerts_in(case.open(), "ankle")
            yield case

    return _result(compare(heard(), site="ankle")) | {"alerts": alerts}


def spoken(*, generator: str, name: str, seeds: Sequence[int], minutes: float) -> Result:
    """Return when likely spasms were first published, and which announcements were taken back."""
    traces = traces_of(generator, name, seeds, minutes)
    cases = (_case_of_trace(trace, number) for number, trace in enumerate(traces))
    return first_words(cases, site="ankle") | {"hours": len(seeds) * minutes / 60}


def demo(*, seeds: Sequence[int]) -> Result:
    """Return the same of `spasmwatch demo`, at the rate of the sensor that it plays."""
    traces = [make_trace("demo", seed=seed) for seed in seeds]
    cases = (_case_of_trace(trace, number) for number, trace in enumerate(traces))
    hours = sum(trace.duration_s for trace in traces) / 3600
    return first_words(cases, site="ankle") | {"hours": hours}


def alarms(*, generator: str, name: str, seeds: Sequence[int], hours: float) -> Result:
    """Count true and false alarms of simulated nights, by what rules ask of the context."""
    traces = traces_of(generator, name, seeds, 60 * hours)
    return by_clause(_case_of_trace(trace, number) for number, trace in enumerate(traces))


def real(
    *,
    folder: str,
    pattern: str = "*.npz",
    traces: str,
    skip: Sequence[str] = (),
    without: str | None = None,
    alerts: bool = False,
    few: bool = False,
) -> Result:
    """Score real recordings in which every alarm is false, unless a label says otherwise."""
    files = files_of(traces, folder, pattern, without)[: FEW if few else None]
    found = _result(compare([case_of_file(file) for file in files], skip=skip))
    if alerts:
        found["alerts"] = 0
        for file in files:
            with open_recording(file) as reader:
                found["alerts"] += alerts_in(reader, "wrist")
    return found


def freezes(*, traces: str, pattern: str, few: bool = False) -> Result:
    """Score freezes of gait, divided beforehand into those that tremble and those that do not."""
    files = files_of(traces, "daphnet", pattern)[: FEW if few else None]
    cases = _divided(files, FREEZE, by_trembling)
    return _result(compare(cases, skip=["not_experiment"]))


def mimicked(*, traces: str, few: bool = False) -> Result:
    """Score mimicked seizures and other clips, those of sawing divided by their rate."""
    files = files_of(traces, "uea_epilepsy")[: FEW if few else None]
    return _result(compare(_divided(files, SAWING, by_rate)))


def tremors(*, traces: str, pattern: str, site: str, few: bool = False) -> Result:
    """Score tasks of people with tremor, and count those that hold a sure clonus."""
    files = files_of(traces, "pdkit_cloudupdrs", pattern)[: FEW if few else None]
    found = _result(compare([case_of_file(file) for file in files], site=site))
    return found | {"sure_clonus": sure_clonus(files, site)}


def _divided(files: Sequence[Path], text: str, divide: Divide) -> Iterator[EvaluationCase]:
    """Return cases in which stretches of one label say more, by what their samples show."""
    for file in files:
        case = case_of_file(file)
        if case.labels is None:
            continue
        with np.load(file, allow_pickle=False) as held:
            samples, fs = held["acc"], float(held["fs"])
        items = with_divided(case.labels.items, text, samples, fs, divide)
        yield replace(case, labels=replace(case.labels, items=items))


def injected(
    *,
    traces: str,
    engine: str,
    ratios: Sequence[float],
    seconds: Sequence[float],
    seeds: int,
    few: bool = False,
) -> Result:
    """Put clonus of one engine into real walking and standing, size by size, length by length."""
    legs = _legs(traces, few)
    return buried(legs, engine=engine, ratios=ratios, seconds=seconds, seeds=seeds)


def uninjected(
    *, traces: str, seconds: Sequence[float], ratio: float, seeds: int, few: bool = False
) -> Result:
    """Score the same moments without added clonus: what is found by chance."""
    return chance(_legs(traces, few), ratio=ratio, seconds=seconds, seeds=seeds)


def seizures(*, traces: str, few: bool = False) -> Result:
    """Compare with OpenSeizureDetector on the seizures of its own database."""
    return compare_seizures(files_of(traces, "osd_seizures")[: 4 * FEW if few else None])


def _legs(traces: str, few: bool) -> list[Path]:
    ankles = files_of(traces, "daphnet", "*_ankle.npz")
    files = [*ankles, *files_of(traces, "stanford_fog", "*_ankle_?.npz")]
    return files[: 1 if few else None]


def files_of(
    traces: str, folder: str, pattern: str = "*.npz", without: str | None = None
) -> list[Path]:
    """Return the recordings of a real set, in order, except names that contain `without`."""
    files = sorted(Path(traces, folder).glob(pattern))
    return [file for file in files if without is None or without not in file.name]


def _case_of_trace(trace: Trace, number: int) -> EvaluationCase:
    return case_of_samples(
        f"{trace.scenario} {number}",
        trace.samples,
        trace.fs,
        [label_of(truth) for truth in trace.truth],
        simulated=True,
    )


def label_of(truth: Truth) -> Label:
    """Return a simulated movement as a label, as in a file."""
    return Label(
        onset_s=truth.onset_s,
        duration_s=truth.duration_s,
        text=truth.kind.value,
        rhythm_hz=truth.rhythm_hz,
        beats=truth.beats,
        peak_g=truth.peak_g,
        parts=truth.parts or (),
        engine=truth.engine,
        manner=truth.manner,
        background_ratio=truth.background_ratio,
    )


def _result(found: Evaluation) -> Result:
    """Return the figures and the tables, without the long list of single recordings."""
    whole = to_dict(found)
    subjects = {recorded.subject for recorded in found.recordings} - {None}
    return {
        "hours": whole["hours"],
        "recordings": len(found.recordings),
        "subjects": len(subjects),
        "truths": whole["truths"],
        "simulated_truths": whole["simulated_truths"],
        "model": found.model,
        "scores": whole["scores"],
        "warnings": sorted(set(chain.from_iterable(r.warnings for r in found.recordings))),
        "tables": [[table.title, table.header, table.rows] for table in tables(found)],
    }


MEASURES = {
    each.__name__: each
    for each in (
        simulated,
        night,
        spoken,
        demo,
        alarms,
        counted_nights,
        personal,
        real,
        freezes,
        mimicked,
        tremors,
        injected,
        uninjected,
        seizures,
        ablated_nights,
        ablated_people,
    )
}
"""The functions that a plan can name."""
