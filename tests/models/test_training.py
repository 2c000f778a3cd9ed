"""Training is reproducible byte for byte, and uses no data that it must not use."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import fitting
import numpy as np
import pytest
import train
from card import card
from examples import Example, examples_of, gather
from hypothesis import given, settings
from hypothesis import strategies as st
from model_file import MODELS, as_data, rules_digest, written
from recordings import (
    SMALL_CALIBRATE,
    SMALL_FIT,
    TRAINED_ON,
    Recording,
    real,
    simulated,
)

from detector.events import Kind
from detector.recognition.rules.features import FEATURES, USED
from detector.recognition.rules.refinement import load_model, parse_refinement

TRACES = Path(os.environ.get("SPASMWATCH_TRACES", MODELS.parents[1] / "shared" / "traces"))
SHIPPED = MODELS / "refined-v1"
AGAIN = "run: python models/training/train.py"


def made_up(seed: int, count: int = 100, kind: Kind = Kind.TWITCH) -> list[Example]:
    """Return examples of two data sets in which a strong jerk is right."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(count, len(USED[kind])))
    right = values[:, 0] + rng.normal(size=count) > 0
    return [
        Example(
            kind=kind,
            values=tuple(values[i].tolist()),
            right=bool(right[i]),
            near=bool(right[i]),
            engine=None,
            group="large" if i % 5 else "small",
            subject=f"s{i % 4}",
            over=True,
            bout=f"{i}",
        )
        for i in range(count)
    ]


def small_training() -> bytes:
    examples, calibration = gather(simulated(SMALL_FIT)), gather(simulated(SMALL_CALIBRATE))
    model = fitting.fit("small", examples, calibration)
    assert Kind.CLONUS in model.opinions
    return written(as_data(model, examples, calibration, {"fit": SMALL_FIT}, "none"))


def test_training_again_gives_the_same_bytes() -> None:
    once = small_training()

    assert once == small_training()
    assert parse_refinement(json.loads(once)).name == "small"


def test_without_the_recordings_it_says_what_is_missing_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SPASMWATCH_TRACES", str(tmp_path))
    before = {path: path.read_bytes() for path in SHIPPED.iterdir()}

    assert train.main([]) == 66
    assert "daphnet" in capsys.readouterr().err
    assert before == {path: path.read_bytes() for path in SHIPPED.iterdir()}


def test_the_sealed_generator_is_out_of_reach_of_training() -> None:
    check = "import sys, train; sys.exit(any('sealed' in m for m in sys.modules))"
    folder = Path(train.__file__).parent

    assert subprocess.run([sys.executable, "-c", check], cwd=folder, check=False).returncode == 0


@settings(max_examples=15)  # each trains
@given(seed=st.integers(0, 1000), flip=st.booleans())
def test_no_data_can_turn_a_weight_against_its_sign(seed: int, flip: bool) -> None:
    examples = made_up(seed)
    if flip:
        examples = [replace(e, right=not e.right, near=not e.right) for e in examples]

    opinion = fitting.fit("tried", examples, examples).opinions[Kind.TWITCH]
    assert all(FEATURES[name].sign * weight >= 0 for name, weight in opinion.weights.items())
    assert opinion.weights["jerk"] == 0 if flip else opinion.weights["jerk"] > 0
    assert opinion.slope >= 0


def test_the_confidence_is_right_as_often_as_it_says() -> None:
    opinion = fitting.fit("tried", made_up(1, 2000), made_up(2, 2000)).opinions[Kind.TWITCH]
    fresh = made_up(3, 4000)
    likely = np.array([_likely(opinion, example) for example in fresh])
    right = np.array([example.right for example in fresh])

    for low in (0.1, 0.3, 0.5, 0.7, 0.9):
        inside = (likely >= low - 0.1) & (likely < low + 0.1)
        assert abs(right[inside].mean() - likely[inside].mean()) < 0.08


def test_a_threshold_leaves_nearly_all_rightly_named_their_name() -> None:
    examples = made_up(4, 4000)
    opinion = fitting.fit("tried", examples, made_up(5, 400)).opinions[Kind.TWITCH]
    weight = fitting.balanced(examples)
    right = np.array([example.right for example in examples])
    kept = np.array([_likely(opinion, e) >= opinion.threshold for e in examples])

    share = weight[right & kept].sum() / weight[right].sum()
    assert fitting.KEPT <= share < 1


def test_no_data_set_weighs_more_than_another() -> None:
    examples = made_up(6, 1000)
    weight = fitting.balanced(examples)

    sums = {
        (group, side): sum(
            w for w, e in zip(weight, examples, strict=True) if (e.group, e.right) == (group, side)
        )
        for group in ("large", "small")
        for side in (True, False)
    }
    assert all(total == pytest.approx(0.25) for total in sums.values())


def test_the_moments_of_a_bout_share_one_weight() -> None:
    examples = made_up(7, 400)
    twice = [*examples, *(replace(e, over=False) for e in examples)]

    assert fitting.balanced(twice)[:400] * 2 == pytest.approx(fitting.balanced(examples))


def test_a_kind_with_few_examples_is_left_to_the_rules() -> None:
    assert fitting.fit("tried", made_up(8, 20), made_up(9)).opinions == {}


def test_what_lies_in_an_unlabelled_stretch_is_no_example() -> None:
    recording = next(r for r in simulated(SMALL_FIT) if r.name.startswith("clonus"))
    covered = replace(recording, left_out=((0.0, recording.seconds),))

    assert list(examples_of(recording))
    assert not list(examples_of(covered))


@pytest.mark.parametrize("group", ["osd_seizures", "daphnet"])
def test_seizures_and_unlabelled_stretches_are_left_out(group: str) -> None:
    if not (TRACES / group).is_dir():
        pytest.skip(f"no {group} in {TRACES}: set SPASMWATCH_TRACES")
    recordings: Sequence[Recording] = list(real(TRACES, group))

    assert any(recording.left_out for recording in recordings)


def test_the_model_shipped_was_trained_on_the_rules_shipped() -> None:
    data = json.loads((SHIPPED / "model.json").read_text(encoding="utf-8"))

    assert data["training"]["rules_thresholds_sha256"] == rules_digest(), AGAIN


def test_the_card_says_what_was_measured() -> None:
    assert (SHIPPED / "CARD.md").read_text(encoding="utf-8") == card(SHIPPED), AGAIN


def test_the_card_names_every_data_set_and_the_clause() -> None:
    text = (SHIPPED / "CARD.md").read_text(encoding="utf-8")

    assert all(f"`{name}`" in text for name in TRAINED_ON)
    assert "clause 3b" in text
    assert "Not a medical\ndevice" in text


def test_the_model_shipped_is_one_that_the_product_reads() -> None:
    _, refinement = load_model("refined-v1")

    assert refinement is not None
    assert set(refinement.opinions) <= set(USED)


def _likely(opinion: object, example: Example) -> float:
    values = dict(zip(USED[example.kind], example.values, strict=True))
    return opinion.probability(values)  # type: ignore[attr-defined, no-any-return]
