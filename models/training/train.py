"""Rebuild `models/learned-v1` from seeds and the recordings of people, byte for byte.

    python models/training/train.py --cache DIR  train, measure, write model.json and CARD.md
    python models/training/train.py --check      train and say whether model.json is the same
    python models/training/train.py --no-figures train and write model.json alone

The recordings are looked for in the folder that `SPASMWATCH_TRACES` names, ../shared/traces unless
it is set; without them nothing is trained. To simulate and to watch takes an hour on two cores,
and what was seen is kept in --cache, so that to fit again takes minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from card import card
from examples import Examples, gather
from figures import measure
from fitting import Answer, fit
from model_file import MODELS, NAME, as_data, rules_digest, written
from recordings import CALIBRATE, CHECK, FIT, LOOKED_AT, TRAINED_ON, Plan, Source, people, simulated

from detector.files import write_whole
from detector.recognition.rules.model_files import LARGEST_BYTES
from detector.recognition.rules.opinions import Question

FOLDER = MODELS / NAME
DEFAULT_TRACES = MODELS.parents[1] / "shared" / "traces"


@dataclass(frozen=True, slots=True)
class Workshop:
    """Where recordings are read, where examples are kept, and how much is done at once."""

    traces: Path
    cache: Path | None
    processes: int

    def gather(self, *plans: Plan, sets: tuple[str, ...] = ()) -> Examples:
        """Return the examples of simulated recordings and of data sets."""
        sources: list[Source] = [source for plan in plans for source in simulated(plan)]
        sources += [source for name in sets for source in people(self.traces, name)]
        return gather(sources, self.traces, cache=self.cache, processes=self.processes)


def main(arguments: list[str]) -> int:
    """Run a command line; return 0 on success, 1 if `--check` finds a difference."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--check", action="store_true", help="train and compare, write nothing")
    parser.add_argument("--no-figures", action="store_true", help="write model.json alone")
    parser.add_argument("--cache", type=Path, help="folder in which examples are kept")
    parser.add_argument("--processes", type=int, default=2, help="how much is done at once")
    asked = parser.parse_args(arguments)
    traces = Path(os.environ.get("SPASMWATCH_TRACES", DEFAULT_TRACES))
    missing = missing_sets(traces)
    if missing:
        say(
            f"{traces} holds no {', '.join(missing)}: put the recordings there, or name their "
            "folder in SPASMWATCH_TRACES; nothing was trained"
        )
        return 66
    workshop = Workshop(traces, asked.cache, asked.processes)
    digest = rules_digest()
    say("simulating and watching …")
    examples = workshop.gather(FIT, sets=TRAINED_ON)
    calibration = workshop.gather(CALIBRATE)
    say(f"training on {len(examples)} examples …")
    answers = fit(examples, calibration, processes=asked.processes)
    data = model(answers, examples, calibration, digest)
    if len(data) > LARGEST_BYTES:
        say(f"model.json has {len(data)} bytes, of which {LARGEST_BYTES} are read: not written")
        return 1
    if asked.check:
        same = (FOLDER / "model.json").read_bytes() == data
        say("model.json is reproduced" if same else "model.json differs from what training makes")
        return 0 if same else 1
    FOLDER.mkdir(exist_ok=True)
    write_whole(FOLDER / "model.json", data.decode())
    if asked.no_figures:
        return 0
    say("measuring on data left out of training …")
    figures = measure(
        answers,
        examples=examples,
        calibration=calibration,
        check=workshop.gather(CHECK),
        looked_at=workshop.gather(sets=LOOKED_AT),
        processes=asked.processes,
    )
    write_whole(FOLDER / "figures.json", json.dumps(figures, indent=1) + "\n")
    write_card()
    return 0


def model(
    answers: dict[Question, Answer], examples: Examples, calibration: Examples, digest: str
) -> bytes:
    """Return the content of the file."""
    return written(
        as_data(
            NAME,
            answers,
            examples=examples,
            calibration=calibration,
            plans={"fit": FIT, "calibrate": CALIBRATE},
            digest=digest,
        )
    )


def missing_sets(traces: Path) -> list[str]:
    """Return the data sets of which there is no recording."""
    wanted = (*TRAINED_ON, *LOOKED_AT)
    return [name for name in wanted if not any((traces / name).glob("*.npz"))]


def write_card() -> None:
    """Write the card from the model and the figures beside it."""
    write_whole(FOLDER / "CARD.md", card(FOLDER))


def say(text: str) -> None:
    """Print to the terminal."""
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
