"""Laws of a run: streamed or at once is the same, gaps are no time, peers get the same samples."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from detector.errors import RecordingError
from detector.evaluation.bars import missed_bars
from detector.evaluation.peers import PEERS
from detector.evaluation.report import as_markdown, as_text, to_dict
from detector.evaluation.runner import (
    OURS,
    case_of_file,
    case_of_samples,
    compare,
    recordings_in,
    site_of,
)
from detector.events import Kind
from detector.store.formats.labels import Label

from .shaking import FS, trembling

CLONUS = Label(onset_s=40.0, duration_s=8.0, text="clonus", rhythm_hz=6.0)


def case(**how):
    facts = {"labels": [CLONUS], "simulated": True} | how
    return case_of_samples("made", trembling(90.0), float(FS), **facts)


def test_streamed_or_at_once_the_events_are_the_same_and_only_one_knows_latency():
    at_once, streamed = compare([case()]), compare([case()], latency=True)
    a, b = at_once.scores[OURS], streamed.scores[OURS]
    assert (a.named, a.seen, a.false, a.confusion) == (b.named, b.seen, b.false, b.confusion)
    assert a.kinds[0].latency_s.n == 0
    assert 0 < b.kinds[0].latency_s.p50 < 8
    assert a.kinds[0].onset_error_s == b.kinds[0].onset_error_s
    for name in PEERS:
        assert at_once.scores[name] == streamed.scores[name]


def test_a_plain_clonus_is_found_by_name_and_the_numbers_are_there():
    found = compare([case(subject="P1")])
    score = found.scores[OURS]
    assert (score.named.hits, score.named.of) == (1, 1)
    assert score.kinds[0].kind is Kind.CLONUS
    assert score.kinds[0].onset_error_s.p90 < 0.5
    assert found.hours == pytest.approx(90 / 3600)
    (recorded,) = found.recordings
    assert (recorded.truths, recorded.simulated, recorded.subject) == (1, 1, "P1")
    assert set(found.scores) == {OURS, *PEERS}
    assert set(compare([case()], peers=False).scores) == {OURS}


def test_a_gap_is_no_monitored_time_and_what_lies_in_it_is_not_missed():
    samples = trembling()
    samples[35 * FS : 60 * FS] = np.nan
    holed = case_of_samples("holed", samples, float(FS), [CLONUS], simulated=True)
    found = compare([holed])
    assert found.hours == pytest.approx(65 / 3600)
    assert found.scores[OURS].named.of == 0
    assert found.recordings[0].outside == 1
    assert "1 labelled movements lie in a gap" in found.recordings[0].warnings[-1]


def test_without_labels_nothing_is_scored_and_that_is_said():
    bare = replace(case(), labels=None)
    both = compare([case(), bare], peers=False)
    assert both.hours == compare([case()], peers=False).hours
    assert both.scores[OURS].false.count == 0
    assert "left out of every figure" in both.recordings[1].warnings[-1]
    assert any("1 recording without labels: left out." in line for line in as_text(both))
    with pytest.raises(RecordingError, match=r"no recording has labels.*--spasm-free"):
        compare([bare])


def test_without_labels_every_alarm_is_false_where_there_was_no_spasm():
    found = compare([replace(case(), labels=None)], spasm_free=True)
    assert found.scores[OURS].false.count == 1
    assert any("without labels: every alarm there is false" in line for line in as_text(found))


def test_a_label_that_is_nearly_a_kind_is_told():
    near = case_of_samples(
        "near", trembling(), float(FS), [replace(CLONUS, text="Clonos")], simulated=True
    )
    assert any(
        '"Clonos" looks like clonus' in each for each in compare([near]).recordings[0].warnings
    )


def test_cases_are_taken_one_by_one():
    open_now = most = 0

    def counted(plain):
        def read():
            nonlocal open_now, most
            reader = plain.open()
            open_now += 1
            most = max(most, open_now)

            def close() -> None:
                nonlocal open_now
                open_now -= 1

            reader.close = close
            return reader

        return replace(plain, open=read)

    compare(counted(case()) for _ in range(3))
    assert (most, open_now) == (1, 0)


def test_the_site_is_what_the_caller_says_then_the_file(night):
    assert compare([night]).recordings[0].site == "wrist"
    assert compare([night], site="calf").recordings[0].site == "calf"
    assert compare([case()]).recordings[0].site == "ankle"
    assert compare([case(site="foot")]).recordings[0].site == "foot"
    assert site_of("hip/trunk") == "trunk"
    assert site_of("somewhere") is None


def test_a_folder_is_the_recordings_in_it(tmp_path, night):
    root = night.parent
    (root / "night_events.tsv").write_text("onset\tduration\ttrial_type\n")
    (root / "readme.txt").write_text("x")
    (root / ".hidden.csv").write_text("x")
    (root / "sub").mkdir()
    (root / "sub" / "b.csv").write_text("x")
    assert [path.name for path in recordings_in([root])] == ["night.npz", "b.csv"]
    assert recordings_in([Path("as-it-is.xyz")]) == [Path("as-it-is.xyz")]
    (tmp_path / "empty").mkdir()
    with pytest.raises(RecordingError, match="holds no recordings"):
        recordings_in([tmp_path / "empty"])


def test_labels_can_be_named_and_come_before_all_others(tmp_path, night):
    other = tmp_path / "other.tsv"
    other.write_text("onset\tduration\ttrial_type\n80\t8\tclonus\n")
    assert compare([case_of_file(night, other)]).recordings[0].labels == "other.tsv"
    assert compare([case_of_file(night)]).recordings[0].labels == "night.npz"


def test_a_bar_is_missed_below_above_and_where_there_is_no_figure():
    score = compare([case()], peers=False).scores[OURS]
    assert missed_bars(score, under={"sensitivity.clonus": 1.0}, over={"false_per_24h": 0}) == []
    said = missed_bars(
        score, under={"sensitivity.spasm": 0.9}, over={"onset_error_p90_s.clonus": 0}
    )
    assert said[0] == ("sensitivity.spasm cannot be computed from these recordings; the bar is 0.9")
    assert "above the bar of 0" in said[1] or score.kinds[0].onset_error_s.p90 == 0


def test_what_is_written_says_what_is_simulated_and_that_it_is_no_device():
    found = compare([case()])
    for text in ("\n".join(as_text(found)), as_markdown(found)):
        assert "1 labelled movement, 1 of them simulated" in text
        assert "Not a medical device" in text
        assert "0.03 h monitored" in text
    data = to_dict(found)
    assert data["schema"] == "evaluation/1"
    assert data["simulated_truths"] == 1


def test_labels_from_outside_cannot_break_a_table():
    hostile = Label(onset_s=0.0, duration_s=80.0, text="a|b\\`<script>")
    text = as_markdown(compare([case(labels=[CLONUS, hostile])]))
    rows = [line for line in text.splitlines() if "script" in line]
    assert rows
    for row in rows:
        assert "<script>" not in row.replace("\\<script\\>", "")
        assert "a\\|b" in row
