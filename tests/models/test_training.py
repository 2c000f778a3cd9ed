"""Training is reproducible byte for byte, and uses no data that it must not use."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from errno import ENOSPC
from pathlib import Path

import examples as watching
import fitting
import numpy as np
import pytest
import train
from card import card
from examples import Examples, gather, truly, watch
from hypothesis import given
from hypothesis import strategies as st
from model_file import MODELS, NAME, as_data, rules_digest, written
from questions import ASKED
from recordings import (
    CALIBRATE,
    CHECK,
    FIT,
    LOOKED_AT,
    TRAINED_ON,
    Origin,
    Plan,
    Source,
    people,
    simulated,
)

from detector.evaluation.matching import Truth
from detector.events import Kind
from detector.recognition.rules.features import FEATURES
from detector.recognition.rules.model_files import LARGEST_BYTES
from detector.recognition.rules.opinions import Opinions, Question, load_model, parse_model

from ..kit.traces import TRACES

SHIPPED = MODELS / NAME
AGAIN = "run: python models/training/train.py"

SMALL = Plan(
    own=(),
    torque=(),
    own_rounds=(1, 9_200),
    torque_rounds=(1, 9_300),
    own_scene_s=1_800.0,
    torque_scene_s=120.0,
    own_scenes=("clonus", "spasms", "restless"),
    torque_scenes=("clonus",),
    varied=True,
)
"""Enough to test in seconds that training is reproducible."""
SMALL_ASKED = {q: replace(how, trees=20, leaves=4) for q, how in ASKED.items()}


def small_training(**how: object) -> bytes:
    seen = gather(simulated(SMALL), TRACES, **how)  # type: ignore[arg-type]
    answers = fitting.fit(seen, seen, asked=SMALL_ASKED)
    return written(
        as_data(
            "small",
            answers,
            examples=seen,
            calibration=seen,
            plans={"fit": SMALL},
            digest="none",
        )
    )


def test_training_again_gives_the_same_bytes(tmp_path: Path) -> None:
    once = small_training(cache=tmp_path)

    assert small_training() == once
    assert small_training(cache=tmp_path) == once
    opinions = parse_model("small", once, site="calf")[1]
    assert isinstance(opinions, Opinions)
    assert opinions.name == "small"
    assert set(opinions.answers) == set(Question)
    assert len(opinions.answers[Question.PULL].trees.value) > 1  # leaves


def test_what_other_code_saw_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = next(s for s in simulated(SMALL) if s.scene == "clonus")
    before = gather([source], TRACES, cache=tmp_path)
    (kept,) = tmp_path.iterdir()
    (line,) = before.watched
    watching.keep(kept, replace(line, hours=99.0))

    assert gather([source], TRACES, cache=tmp_path).hours == 99.0
    monkeypatch.setattr(watching, "code", lambda: "another")
    assert gather([source], TRACES, cache=tmp_path).hours == before.hours


def test_without_the_recordings_it_says_what_is_missing_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SPASMWATCH_TRACES", str(tmp_path))
    before = {path: path.read_bytes() for path in SHIPPED.iterdir()}

    assert train.main([]) == 66
    said = capsys.readouterr().err
    assert all(name in said for name in (*TRAINED_ON, *LOOKED_AT))
    assert before == {path: path.read_bytes() for path in SHIPPED.iterdir()}


def test_a_disk_that_fills_costs_no_model_that_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half_written(path: Path, data: bytes) -> int:
        with path.open("wb") as file:
            file.write(data[: len(data) // 2])
        raise OSError(ENOSPC, "No space left on device")

    (tmp_path / "model.json").write_bytes(b"the model of last week")
    monkeypatch.setattr(train, "FOLDER", tmp_path)
    monkeypatch.setattr(train, "missing_sets", lambda traces: [])
    monkeypatch.setattr(train.Workshop, "gather", lambda *plans, **sets: Examples([]))
    monkeypatch.setattr(train, "fit", lambda *examples, **how: {})
    monkeypatch.setattr(train, "model", lambda *trained: b"the model of today")
    with monkeypatch.context() as full:
        full.setattr(Path, "write_bytes", half_written)
        with pytest.raises(OSError, match="No space"):
            train.main(["--no-figures"])

    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"the model of last week"]
    assert train.main(["--no-figures"]) == 0
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"the model of today"]


def test_the_sealed_generator_is_out_of_reach_of_training() -> None:
    folder = Path(train.__file__).parent
    scripts = ", ".join(sorted(path.stem for path in folder.glob("*.py")))
    check = f"import sys, {scripts}; sys.exit(any('sealed' in m for m in sys.modules))"

    assert subprocess.run([sys.executable, "-c", check], cwd=folder, check=False).returncode == 0
    assert "train" in scripts


def test_no_seed_is_trained_on_and_judged_by() -> None:
    seeds = [
        (source.origin, source.scene, source.seed, source.varied)
        for plan in (FIT, CALIBRATE, CHECK)
        for source in simulated(plan)
    ]
    of_plans = [
        {(source.origin, source.seed) for source in simulated(plan)}
        for plan in (FIT, CALIBRATE, CHECK)
    ]

    assert len(set(seeds)) == len(seeds)
    assert not of_plans[0] & of_plans[1]
    assert not (of_plans[0] | of_plans[1]) & of_plans[2]


def test_what_lies_in_an_unlabelled_stretch_is_no_example() -> None:
    source = next(s for s in simulated(SMALL) if s.scene == "clonus" and s.origin is Origin.OWN)
    recording = source.recording(TRACES)
    covered = replace(recording, left_out=((0.0, recording.hours * 3600),))

    assert len(watch(recording).rows)
    assert not len(watch(covered).rows)


@given(
    onset_s=st.floats(0, 100),
    length_s=st.floats(0.2, 60),
    at_s=st.floats(0, 100),
    lasts_s=st.floats(0.2, 60),
)
def test_a_bout_is_right_about_a_truth_that_it_overlaps(
    onset_s: float, length_s: float, at_s: float, lasts_s: float
) -> None:
    truth = Truth(
        onset_s=at_s, end_s=at_s + lasts_s, kind=Kind.CLONUS, parts=(Kind.SPASM, Kind.CLONUS)
    )
    found = dict(zip(watching.KINDS, truly([truth], onset_s, onset_s + length_s), strict=True))

    inside = onset_s < truth.end_s and at_s < onset_s + length_s
    far = onset_s > truth.end_s + 2 or onset_s + length_s < at_s - 2
    assert found[Kind.CLONUS] == found[Kind.SPASM]
    assert found[Kind.CLONUS] or not inside
    assert not (found[Kind.CLONUS] and far)
    assert not any(found[kind] for kind in (Kind.TONIC, Kind.TWITCH, Kind.TREMOR))


def test_only_what_was_seen_so_far_makes_an_announcement_right() -> None:
    truth = Truth(onset_s=10.0, end_s=14.0, kind=Kind.SPASM)

    assert not any(truly([truth], 5.0, 9.0))
    assert any(truly([truth], 5.0, 11.0))


def test_the_file_has_a_line_for_each_tree() -> None:
    trees = [[[3, 0.5, 1, 2, 1], [-0.25], [0.125]], [[0.0]]]
    data = {"opinions": {"pull": {"typical": [None, 1.5], "trees": trees}}, "empty": {}}
    text = written(data).decode()

    assert json.loads(text) == data
    assert "[[3,0.5,1,2,1],[-0.25],[0.125]]" in text
    assert "[[0.0]]" in text
    assert text.count("\n") == 12


@pytest.mark.parametrize("group", ["osd_seizures", "daphnet"])
def test_seizures_and_unlabelled_stretches_are_left_out(group: str) -> None:
    assert any(source.recording(TRACES).left_out for source in real(group))


def test_a_task_of_tremor_is_one_and_no_other() -> None:
    labelled = [(source, source.recording(TRACES)) for source in real("pdkit_cloudupdrs")]

    assert any(recording.truths for _, recording in labelled)
    for _, recording in labelled:
        assert {truth.kind for truth in recording.truths} <= {Kind.TREMOR}
    assert len([r for _, r in labelled if r.truths]) < len(labelled)


def test_movements_in_real_recordings_have_truths() -> None:
    grounded = next(source for source in real("stanford_fog") if source.number is not None)
    bare = replace(grounded, number=None)

    assert grounded.name != bare.name
    assert grounded.recording(TRACES).truths
    assert not bare.recording(TRACES).truths


def real(group: str) -> list[Source]:
    """Return the recordings of a data set; skip the test where there is none."""
    found = list(people(TRACES, group))
    if not found:
        pytest.skip(f"no {group} in {TRACES}: set SPASMWATCH_TRACES")
    return found


def test_the_model_shipped_was_trained_on_the_rules_shipped() -> None:
    data = json.loads((SHIPPED / "model.json").read_text(encoding="utf-8"))

    assert data["training"]["rules_thresholds_sha256"] == rules_digest(), AGAIN
    assert data["features"] == list(FEATURES), AGAIN


def test_the_model_shipped_looks_at_no_number_that_is_left_out() -> None:
    data = json.loads((SHIPPED / "model.json").read_text(encoding="utf-8"))

    for question, how in ASKED.items():
        trees = data["opinions"][question.value]["trees"]
        asked = {node[0] for tree in trees for node in tree if len(node) > 1}
        assert asked <= set(how.features), AGAIN
        assert len(trees) == how.trees, AGAIN


def test_the_card_says_what_was_measured() -> None:
    assert (SHIPPED / "CARD.md").read_text(encoding="utf-8") == card(SHIPPED), AGAIN


def test_the_card_names_every_data_set_and_what_it_cannot_know() -> None:
    text = (SHIPPED / "CARD.md").read_text(encoding="utf-8")

    assert all(f"`{name}`" in text for name in (*TRAINED_ON, *LOOKED_AT))
    assert "clause 3b" in text
    assert "Not a\nmedical device" in text
    assert "No recording of a real spasm" in text


def test_the_model_shipped_is_one_that_the_product_reads() -> None:
    _, opinions = load_model(NAME)

    assert opinions is not None
    assert (SHIPPED / "model.json").stat().st_size < LARGEST_BYTES
    for opinion in opinions.answers.values():
        assert 0 < opinion.give < 1
        assert 0 < opinion.leave < 1
        assert opinion.slope > 0


def test_examples_of_nothing_are_none() -> None:
    nothing = Examples([])

    assert len(nothing) == 0
    assert nothing.hours == 0
    assert not np.any(ASKED[Question.PULL].rows(nothing))
