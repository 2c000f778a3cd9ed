"""Train a model that never saw the forward dynamics: `models/evaluation/never-saw-torque.json`.

    python models/training/left_out.py --cache DIR   # as of train.py, a minute where all is kept

It is trained as the shipped one is, but for their nights, which are then of a generator left out:
beside the sealed one the shipped model has none. Its confidence is calibrated, and its levels are
set, on other seeds of what it saw. Run it whenever training changes.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Final

from fitting import Answer, calibrated, grow_all, pool, task
from model_file import MODELS, as_data, rules_digest, written
from questions import ASKED
from recordings import CALIBRATE, FIT, TRAINED_ON, Origin
from train import DEFAULT_TRACES, Workshop, missing_sets, say

from detector.files import write_whole

NAME: Final = "never-saw-torque"
PLACE: Final = MODELS / "evaluation" / f"{NAME}.json"


def main() -> int:
    """Train it and write the file; return 66 if recordings are missing."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--cache", type=Path, help="folder in which examples are kept")
    parser.add_argument("--processes", type=int, default=2, help="how much is done at once")
    asked = parser.parse_args()
    traces = Path(os.environ.get("SPASMWATCH_TRACES", DEFAULT_TRACES))
    if missing_sets(traces):
        say(f"{traces} does not hold all recordings that training needs: name their folder")
        return 66
    workshop = Workshop(traces, asked.cache, asked.processes)
    plans = {
        "fit": replace(FIT, torque=(), torque_rounds=(0, 0)),
        "calibrate": replace(CALIBRATE, torque=()),
    }
    examples = workshop.gather(plans["fit"], sets=TRAINED_ON)
    calibration = workshop.gather(plans["calibrate"])
    grown = grow_all([task(how, examples) for how in ASKED.values()], processes=asked.processes)
    answers = {}
    for (question, how), trees in zip(ASKED.items(), grown, strict=True):
        pools = [pool(how, trees, calibration, Origin.OWN)]
        opinion = calibrated(question, how, trees, examples, calibration, pools=pools)
        answers[question] = Answer(trees, opinion, {})
    data = as_data(
        NAME,
        answers,
        examples=examples,
        calibration=calibration,
        plans=plans,
        digest=rules_digest(),
    )
    write_whole(PLACE, written(data).decode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
