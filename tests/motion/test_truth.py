"""The truth survives its file, and a bad file is refused in one sentence."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.errors import RecordingError
from detector.events import Kind
from firmware_sim.motion import Truth, read_events, scenario, write_events

finite = st.floats(0, 1e6, allow_nan=False)
truths = st.builds(
    Truth,
    onset_s=finite,
    duration_s=finite,
    kind=st.sampled_from(Kind),
    peak_g=finite,
    rhythm_hz=st.none() | finite,
    beats=st.none() | st.integers(0, 1000),
    parts=st.none() | st.lists(st.sampled_from(Kind), min_size=1, max_size=3).map(tuple),
    engine=st.none() | st.sampled_from(["reflex", "pulse"]),
    manner=st.none() | st.sampled_from(["abrupt", "bed partner"]),
    background_ratio=st.none() | finite,
)


@given(truth=st.lists(truths, max_size=8).map(tuple))
def test_a_truth_survives_its_file_to_the_last_bit(truth, tmp_path_factory):
    path = tmp_path_factory.mktemp("events") / "night_events.tsv"
    write_events(path, truth, seed=7)
    assert read_events(path) == truth


def test_a_generated_truth_is_a_bids_table(tmp_path):
    trace = scenario("mixed", seed=3)
    path = tmp_path / "mixed_events.tsv"
    write_events(path, trace.truth, seed=trace.seed)
    assert read_events(path) == trace.truth
    header, first, *_ = path.read_text(encoding="utf-8").splitlines()
    assert header.split("\t")[:3] == ["onset", "duration", "trial_type"]
    assert first.split("\t")[2] == "clonus"
    assert "spasm+clonus" in first


def test_a_plain_bids_table_is_read_too(tmp_path):
    path = tmp_path / "e.tsv"
    path.write_text("trial_type\tonset\tduration\nspasm\t1.5\t2\n", encoding="utf-8")
    (truth,) = read_events(path)
    assert (truth.kind, truth.onset_s, truth.duration_s) == (Kind.SPASM, 1.5, 2.0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no column 'onset'"),
        ("onset,duration,trial_type\n1,2,spasm\n", "separated by tabs"),
        ("onset\tduration\ttrial_type\nx\t1\tspasm\n", "line 2"),
        ("onset\tduration\ttrial_type\n1\t1\tspasm\n1\tnan\tspasm\n", "line 3: a value is not"),
        ("onset\tduration\ttrial_type\n1\t1\tdance\n", "types one of clonus"),
        ("onset\tduration\ttrial_type\n1\n", "duration has no value"),
        ("onset\tduration\ttrial_type\n1\t1\tspasm\textra\n", "line 2"),
    ],
)
def test_a_bad_table_is_refused_with_its_line(tmp_path, text, said):
    path = tmp_path / "bad.tsv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RecordingError, match=said):
        read_events(path)


@given(content=st.binary(max_size=200))
def test_no_bytes_break_the_reader(content, tmp_path_factory):
    path = tmp_path_factory.mktemp("events") / "x.tsv"
    path.write_bytes(b"onset\tduration\ttrial_type\n" + content)
    with suppress(RecordingError):
        read_events(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(RecordingError, match="there is no such file"):
        read_events(tmp_path / "gone.tsv")
