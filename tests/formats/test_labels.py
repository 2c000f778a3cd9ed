"""Laws of labels: every text is allowed, every bad file gets one sentence that names the place."""

from __future__ import annotations

import json
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.errors import RecordingError, RecordingNotFoundError
from detector.events import Kind
from detector.store.formats import labels as module
from detector.store.formats.label_names import SYNONYMS, misspelt
from detector.store.formats.labels import Label, find_labels, read_labels
from firmware_sim.motion.truth import Truth, write_events

HEAD = "onset\tduration\ttrial_type\n"


def table(tmp_path: Path, text: str, name: str = "night_events.tsv") -> Path:
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    return file


def archive(tmp_path: Path, name: str = "night.npz", **members: object) -> Path:
    file = tmp_path / name
    np.savez_compressed(file, acc=np.zeros((9, 3)), fs=50.0, **members)
    return file


def test_any_text_is_a_label_and_ours_are_movements(tmp_path):
    found = read_labels(
        table(tmp_path, HEAD + "5\t2.5\tclonus\n0\t60\tno_freeze\n1\tn/a\tClonus\n")
    )
    assert [(x.onset_s, x.duration_s, x.text, x.kind) for x in found.items] == [
        (0.0, 60.0, "no_freeze", None),
        (1.0, 0.0, "Clonus", Kind.CLONUS),
        (5.0, 2.5, "clonus", Kind.CLONUS),
    ]
    assert not found.simulated


def test_what_our_simulator_writes_is_read_back_to_the_last_bit(tmp_path):
    truth = (
        Truth(onset_s=0.1 + 0.2, duration_s=1 / 3, kind=Kind.TWITCH, peak_g=0.1),
        Truth(
            onset_s=7.0,
            duration_s=4.0,
            kind=Kind.CLONUS,
            peak_g=0.4,
            rhythm_hz=5.7,
            beats=22,
            parts=(Kind.SPASM, Kind.CLONUS),
            engine="reflex",
        ),
    )
    write_events(tmp_path / "x_events.tsv", truth, seed=3)
    found = read_labels(tmp_path / "x_events.tsv")
    assert found.simulated
    for label, original in zip(found.items, truth, strict=True):
        assert (label.onset_s, label.duration_s) == (original.onset_s, original.duration_s)
        assert (label.kind, label.beats) == (original.kind, original.beats)
        assert label.rhythm_hz == original.rhythm_hz
        assert label.parts == (original.parts or ())
        assert (label.engine, label.peak_g) == (original.engine, original.peak_g)


def test_columns_stand_in_any_order_beside_columns_of_others(tmp_path):
    text = (
        "trial_type\tHED\tduration\tonset\tmanner\tbackground_ratio\nturn\tRed\t2\t-1\tslow\t0.5\n"
    )
    assert read_labels(table(tmp_path, text)).items == (
        Label(onset_s=-1.0, duration_s=2.0, text="turn", manner="slow", background_ratio=0.5),
    )


@pytest.mark.parametrize(
    ("recording", "labels"),
    [
        ("night.csv", "night_events.tsv"),
        ("sub-03_task-sleep_motion.tsv", "sub-03_task-sleep_events.tsv"),
        ("sub-03_task-sleep_tracksys-imu_motion.tsv", "sub-03_task-sleep_events.tsv"),
    ],
)
def test_labels_beside_a_recording_are_found(tmp_path, recording, labels):
    (tmp_path / recording).write_text("x")
    assert find_labels(tmp_path / recording) is None
    table(tmp_path, HEAD + "1\t2\tspasm\n", labels)
    found = find_labels(tmp_path / recording)
    assert found is not None
    assert found.name == labels
    assert found.subject == ("03" if recording.startswith("sub") else None)


def test_labels_beside_an_archive_come_before_those_inside(tmp_path):
    facts = {"subject": "S01", "placement": "ankle (shank)", "source": "Simulated by x"}
    file = archive(tmp_path, labels=json.dumps([[3.0, 4, "walking"], [1, 2.5, "spasm"]]), **facts)
    inside = find_labels(file)
    assert inside is not None
    assert inside == read_labels(file)
    assert [x.text for x in inside.items] == ["spasm", "walking"]
    assert inside.items[0].duration_s == 1.5
    assert (inside.subject, inside.placement, inside.simulated) == ("S01", "ankle (shank)", True)

    table(tmp_path, HEAD + "7\t1\ttwitch\n")
    beside = find_labels(file)
    assert beside is not None
    assert [x.text for x in beside.items] == ["twitch"]
    assert (beside.subject, beside.placement, beside.simulated) == ("S01", "ankle (shank)", True)


def test_an_archive_that_says_nothing_has_no_labels(tmp_path):
    file = archive(tmp_path)
    assert find_labels(file) is None
    assert "holds no labels" in refused(file)


def refused(file: Path) -> str:
    with pytest.raises(RecordingError) as caught:
        read_labels(file)
    text = str(caught.value)
    assert file.name in text
    assert "\n" not in text
    return text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("onset,duration,trial_type\n1,2,spasm\n", "no column onset"),
        ("onset\tduration\n1\t2\n", "no column trial_type"),
        ("onset\tonset\tduration\ttrial_type\n", "names a column twice"),
        (HEAD + "1\t2\tspasm\n\n1\t2\n", "line 4 has 2 fields, the first line 3"),
        (HEAD + "1\t2\tspasm\tx\n", "line 2 has 4 fields"),
        (HEAD + "one\t2\tspasm\n", 'line 2, column onset: "one" is not a number'),
        (HEAD + "inf\t2\tspasm\n", 'line 2, column onset: "inf" is not a number'),
        (HEAD + "1\t-2\tspasm\n", "line 2, column duration: -2 is below 0"),
        (HEAD + "1e12\t2\tspasm\n", "longer than any recording"),
        (HEAD + "n/a\t2\tspasm\n", "line 2: onset is empty"),
        (HEAD + "1\t2\tn/a\n", "line 2: trial_type is empty"),
        (HEAD + f"1\t2\t{'x' * 500}\n", "line 2: a label of 500 characters"),
        (HEAD.strip() + "\tparts\n1\t2\tclonus\tclonus+kick\n", 'column parts: "kick" is none of'),
        (HEAD.strip() + "\tbeats\n1\t2\tclonus\t2.5\n", "beats must be a whole number"),
        (HEAD + "\0", "not UTF-8"),
    ],
)
def test_a_bad_table_gets_one_sentence_that_names_the_line(tmp_path, text, words):
    assert words in refused(table(tmp_path, text))


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('{"a": 1}', "must be a list"),
        ("[[1, 2]]", "label 0: it must be [start_s, end_s, label]"),
        ('[[0, 1, "a"], [1, 2, 3]]', "label 1: it must be"),
        ('[[2, 1, "a"]]', "label 0: it must begin before it ends"),
        ('[[NaN, 1, "a"]]', "NaN is no number in JSON"),
        ('[[0, 1e300, "a"]]', "label 0: it must begin before it ends"),
        (np.array(["[]", "[]"]), "must hold one text"),
        (np.arange(4), "must hold one text"),
        (np.array([{"pickled": 1}], dtype=object), "must hold one text"),
    ],
)
def test_bad_labels_inside_an_archive_are_one_sentence(tmp_path, labels, words):
    assert words in refused(archive(tmp_path, labels=labels))


def test_a_header_that_promises_more_than_the_file_holds_costs_no_memory(tmp_path):
    file = tmp_path / "bomb.npz"
    header = b"{'descr': '<U400000000', 'fortran_order': False, 'shape': (), }\n"
    with zipfile.ZipFile(file, "w") as out:
        out.writestr(
            "labels.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
        )
    assert "must hold one text" in refused(file)


def test_too_much_is_refused_before_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MOST_BYTES", 1000)
    monkeypatch.setattr(module, "MOST_LABELS", 3)
    assert "more than 3 labels" in refused(table(tmp_path, HEAD + "1\t2\tspasm\n" * 4))
    assert "larger than 32 MB" in refused(table(tmp_path, HEAD + "1\t2\tspasm\n" * 100))
    assert "at most 3" in refused(archive(tmp_path, labels=json.dumps([[0, 1, "a"]] * 4)))
    assert "larger than 32 MB" in refused(archive(tmp_path, labels="x" * 2000))


def test_a_file_that_is_not_there_or_no_file_says_so(tmp_path):
    with pytest.raises(RecordingNotFoundError, match="no such file"):
        read_labels(tmp_path / "none.tsv")
    with pytest.raises(RecordingError, match="is not a file"):
        read_labels(tmp_path)


@settings(max_examples=50)
@given(st.binary(max_size=300), st.sampled_from([b"", HEAD.encode(), b"PK\x03\x04"]))
def test_any_bytes_are_labels_or_one_sentence(tmp_path_factory, data, head):
    file = tmp_path_factory.mktemp("labels") / "any.tsv"
    file.write_bytes(head + data)
    with suppress(RecordingError):
        assert read_labels(file).name == "any.tsv"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Clonus", Kind.CLONUS), ("CLONUS", Kind.CLONUS), ("left clonus", Kind.CLONUS),
        ("Clonic", Kind.CLONUS), ("spasms", Kind.SPASM), ("Flexor spasm (right)", Kind.SPASM),
        ("PLM", Kind.PLM), ("PLMS", Kind.PLM), ("Periodic Limb Movements", Kind.PLM),
        ("LM", Kind.PLM), ("periodic_limb_movement", Kind.PLM), ("Twitch", Kind.TWITCH),
        ("Myoclonic-Jerk", Kind.TWITCH), ("Tonic spasm", Kind.TONIC), ("Tremor", Kind.TREMOR),
        ("Position change", Kind.TURN), ("walking", None), ("sleep", None), ("No clonus", None),
        ("no spasm", None), ("unsure", None),
    ],
)  # fmt: skip
def test_kinds_are_known_by_the_names_that_scorers_write(text, kind, tmp_path):
    file = tmp_path / "a_events.tsv"
    file.write_text(f"Onset\tDuration\tTrial_Type\n1\t2\t{text}\n")
    assert read_labels(file).items[0].kind is kind


@pytest.mark.parametrize(
    ("text", "kind"),
    [("clonos", Kind.CLONUS), ("spasem", Kind.SPASM), ("walking", None), ("Clonus", None)],
)
def test_a_name_that_is_nearly_a_kind_is_recognised_as_such(text, kind):
    assert misspelt(text) is kind


def test_the_page_lists_every_name_that_is_known():
    page = (Path(__file__).parents[2] / "docs" / "recordings.md").read_text(encoding="utf-8")
    for kind, names in SYNONYMS.items():
        assert f"| {kind} | {', '.join(names)} |" in page
