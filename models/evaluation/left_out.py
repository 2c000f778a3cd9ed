"""A model that never saw one of the simulators, to be judged by it: kept beside this script.

    python models/evaluation/left_out.py --cache DIR   # as of models/training/train.py, minutes

It is trained as the shipped one is, without the forward dynamics: their nights are then a generator
left out, which the shipped model cannot offer beside the sealed one. Its confidence is calibrated,
and its levels are set, on other seeds of what it saw. Run it whenever training changes.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

from detector.recognition.rules.opinions import Opinions, Question, load_model, parse_opinions
from detector.recognition.rules.thresholds import load_rules

HERE = Path(__file__).resolve().parent
TRAINING = HERE.parent / "training"
NAME = "never-saw-torque"
SITE = "ankle"


@cache
def opinion_of(model: str) -> Opinions:
    """Return the opinions of a shipped model, or of the one that left a simulator out."""
    if model == NAME:
        data = json.loads((HERE / f"{NAME}.json").read_bytes())
        return parse_opinions(data, load_rules(data["rules"], site=SITE))
    _, opinions = load_model(model, site=SITE)
    if opinions is None:
        raise ValueError(f"{model} has no opinions, so that its confidence is no probability")
    return opinions


def main() -> int:
    """Train it and write the file; return 66 if recordings are missing."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--cache", type=Path, help="folder in which examples are kept")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    sys.path.insert(0, str(TRAINING))  # its modules go by their bare names, and need LightGBM
    from examples import Examples  # noqa: PLC0415
    from fitting import Answer, bare_opinion, grow, platt, pool, task, typical  # noqa: PLC0415
    from model_file import as_data, rules_digest, written  # noqa: PLC0415
    from questions import ASKED, Asked  # noqa: PLC0415
    from recordings import CALIBRATE, FIT, TRAINED_ON, Origin  # noqa: PLC0415
    from thresholds import chosen  # noqa: PLC0415
    from train import DEFAULT_TRACES, Workshop, missing_sets  # noqa: PLC0415

    def answer(question: Question, how: Asked, seen: Examples, others: Examples) -> Answer:
        trees = grow(task(how, seen))
        bare = bare_opinion(trees, typical(how, seen))
        slope, offset = platt([pool(how, trees, others, Origin.OWN)]) or (1.0, 0.0)
        calibrated = replace(bare, slope=slope, offset=offset)
        give, leave = chosen(question, how, calibrated, others)
        return Answer(trees, replace(calibrated, give=give, leave=leave), {})

    traces = Path(os.environ.get("SPASMWATCH_TRACES", DEFAULT_TRACES))
    if missing_sets(traces):
        sys.stderr.write(f"{traces} holds not all recordings that training needs\n")
        return 66
    workshop = Workshop(traces, asked.cache, asked.processes)
    plans = {
        "fit": replace(FIT, torque=(), torque_rounds=(0, 0)),
        "calibrate": replace(CALIBRATE, torque=()),
    }
    examples = workshop.gather(plans["fit"], sets=TRAINED_ON)
    calibration = workshop.gather(plans["calibrate"])
    data = as_data(
        NAME,
        {question: answer(question, how, examples, calibration) for question, how in ASKED.items()},
        examples=examples,
        calibration=calibration,
        plans=plans,
        digest=rules_digest(),
    )
    (HERE / f"{NAME}.json").write_bytes(written(data))
    return 0


if __name__ == "__main__":
    sys.exit(main())
