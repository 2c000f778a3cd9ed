"""Rebuild `models/refined-v1` from seeds and the real recordings, byte for byte.

    python models/training/train.py              train, measure, write model.json and CARD.md
    python models/training/train.py --check      train and say whether model.json is the same
    python models/training/train.py --sealed     score on the sealed generator: once, at the end

The recordings are looked for in the folder that `SPASMWATCH_TRACES` names, ../shared/traces unless
it is set; without them nothing is trained.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from card import card
from examples import Example, gather
from figures import Figures, measure, measure_sealed
from fitting import fit
from model_file import MODELS, NAME, as_data, rules_digest, written
from recordings import (
    CALIBRATE,
    FIT,
    GROUND,
    LOOKED_AT,
    TRAINED_ON,
    Recording,
    grounded,
    real,
    simulated,
)

from detector.recognition.rules.refinement import Refinement, parse_refinement

FOLDER = MODELS / NAME
DEFAULT_TRACES = MODELS.parents[1] / "shared" / "traces"


def main(arguments: list[str]) -> int:
    """Run a command line; return 0 on success, 1 if `--check` finds a difference."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--check", action="store_true", help="train and compare, write nothing")
    parser.add_argument("--sealed", action="store_true", help="score on the sealed generator")
    asked = parser.parse_args(arguments)
    if asked.sealed:
        return look_at_sealed()
    traces = Path(os.environ.get("SPASMWATCH_TRACES", DEFAULT_TRACES))
    missing = missing_sets(traces)
    if missing:
        say(
            f"{traces} holds no {', '.join(missing)}: put the recordings there, or name their "
            "folder in SPASMWATCH_TRACES; nothing was trained"
        )
        return 66
    digest = rules_digest()
    examples, calibration = training_examples(traces)
    refinement, data = trained(examples, calibration, digest)
    if asked.check:
        same = (FOLDER / "model.json").read_bytes() == data
        say("model.json is reproduced" if same else "model.json differs from what training makes")
        return 0 if same else 1
    say("measuring on data left out of training …")
    figures = measure(traces, refinement, examples, calibration)
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "model.json").write_bytes(data)
    (FOLDER / "figures.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    write_card()
    return 0


def missing_sets(traces: Path) -> list[str]:
    """Return the data sets of which there is no recording."""
    wanted = (*TRAINED_ON, *LOOKED_AT)
    return [name for name in wanted if not any((traces / name).glob("*.npz"))]


def training_examples(traces: Path) -> tuple[list[Example], list[Example]]:
    """Return the examples for training, and those for calibration."""
    say("simulating, and running the rules …")
    examples = gather(simulated(FIT))
    calibration = gather(simulated(CALIBRATE))
    for group in TRAINED_ON:
        say(f"running the rules on {group} …")
        examples += gather(_real_and_grounded(traces, group))
    return examples, calibration


def trained(
    examples: list[Example], calibration: list[Example], digest: str
) -> tuple[Refinement, bytes]:
    """Return the trained model as the product reads it, and the content of its file."""
    plans = {"fit": FIT, "calibrate": CALIBRATE}
    data = as_data(fit(NAME, examples, calibration), examples, calibration, plans, digest)
    return parse_refinement(data), written(data)


def look_at_sealed() -> int:
    """Score rules and refinement on the sealed generator and keep the figures with the model."""
    refinement = parse_refinement(json.loads((FOLDER / "model.json").read_text(encoding="utf-8")))
    kept = FOLDER / "sealed.json"
    looks = json.loads(kept.read_text(encoding="utf-8"))["looks"] if kept.exists() else 0
    figures: Figures = {"looks": looks + 1, "rules": rules_digest(), **measure_sealed(refinement)}
    kept.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    write_card()
    return 0


def write_card() -> None:
    """Write the card from the model and the figures beside it."""
    (FOLDER / "CARD.md").write_text(card(FOLDER), encoding="utf-8")


def say(text: str) -> None:
    """Print to the terminal."""
    sys.stderr.write(text + "\n")


def _real_and_grounded(traces: Path, group: str) -> Iterator[Recording]:
    for number, recording in enumerate(real(traces, group)):
        yield recording
        if group in GROUND:
            yield grounded(recording, number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
