"""Laws of `detect --explain`: the answer in two plain sentences, every number below it."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from detector.block import Timebase
from detector.devices.pmd import PMD_CONTROL, PMD_DATA
from detector.devices.stream import LinkUp, Packet
from detector.errors import RecordingError
from detector.events import Origin
from detector.store.recording import RecordingHeader
from detector.store.recording_writer import RecordingWriter
from detector.terminal.moments import parse_when, place
from detector.words.reasons import reason_of
from detector.words.times import clock_words, elapsed_words

BEGAN = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)  # of the fixture `night`
TOKYO = {"SPASMWATCH_WEARER__TIME_ZONE": "Asia/Tokyo"}
BERLIN = ZoneInfo("Europe/Berlin")


def dated(start: datetime) -> Timebase:
    return Timebase(50.0, int(start.timestamp()) * 1_000_000_000)


@pytest.fixture
def answers(spasmwatch):
    """Return what `detect --json --explain` prints of a file."""

    def asked(file, *times, **environ):
        words = [word for time in times for word in ("--explain", time)]
        done = spasmwatch("detect", file, *words, "--json", **environ)
        assert (done.returncode, done.stderr) == (0, "")
        return [json.loads(line) for line in done.stdout.splitlines()]

    return asked


def test_a_still_second_is_two_sentences_with_the_gate(spasmwatch, night):
    done = spasmwatch("detect", night, "--explain", "03:12", **TOKYO)
    lines = done.stdout.splitlines()

    assert done.returncode == 0
    assert lines[0] == "night.csv   20 min, 50 samples/s"
    first = next(line for line in lines if "Nothing found" in line)
    assert first.endswith("Nothing found: it lay still.")
    second = lines[lines.index(first) + 1].strip()
    moved, gate = re.fullmatch(
        r"Still: (\S+) mg, below (\S+) mg, where movement begins\.", second
    ).groups()
    assert 0 < float(moved) < float(gate)
    assert any(f"{moved} mg, below the gate of {gate} mg" in line for line in lines)
    assert any("+0:03:12 from the start" in line for line in lines)
    assert "Not a medical device" in done.stderr


def test_an_event_is_told_with_its_reason_and_what_it_showed(spasmwatch, night, answers):
    text = spasmwatch("detect", night, "--explain", "15:03").stdout
    (answer,) = answers(night, "15:03")

    assert "Likely clonus, 8." in text
    assert "beats a second" in text.splitlines()[3]
    assert answer["verdict"] == "found"
    assert answer["summary"][0].startswith("Likely clonus, 8.")
    assert answer["event"]["reason"].capitalize()[:20] == answer["summary"][1][:20]
    assert answer["event"]["reason"] == reason_of(answer["event"]["facts"])
    for step in answer["bout"]["steps"]:
        assert step["reason"] == reason_of(step["why"])
    assert answer["event"]["recording"]["name"] == "night"
    assert answer["event"]["onset"].startswith("2026-")
    (rule,) = [rule for rule in answer["bout"]["rules"] if rule["outcome"] == "named"]
    assert rule["name"] == "clonus"
    assert rule["miss"] == 0
    for reading in rule["readings"]:
        assert reading["what"] in text


def test_the_event_is_the_one_that_detect_prints(spasmwatch, night, answers):
    printed = spasmwatch("detect", night, "--json").stdout.splitlines()
    events = {event["id"]: event for event in map(json.loads, printed)}
    (answer,) = answers(night, "15:03")

    assert answer["event"] == events[answer["event"]["id"]]


def test_every_printed_time_leads_back_to_its_event(spasmwatch, night, answers):
    printed = spasmwatch("detect", night, **TOKYO).stdout.splitlines()
    times = [line.split()[0] for line in printed if "Clonus" in line]

    assert len(times) == 2
    for answer, time in zip(answers(night, *times, **TOKYO), times, strict=True):
        assert answer["asked"] == time
        assert answer["verdict"] == "found"


def test_without_a_wall_clock_a_printed_time_leads_back_as_well(spasmwatch, night, answers):
    text = night.read_text().replace("\n17955", "\n").replace("time,", "t,")
    night.write_text(text)
    (answer, same) = answers(night, "+0:15:00", "0:15:00")

    assert answer["verdict"] == same["verdict"] == "found"
    assert answer["at"] is None
    assert "+0:15:00  Likely clonus" in spasmwatch("detect", night, "--explain", "900").stdout


def test_several_moments_are_answered_in_the_order_of_the_questions(answers, night):
    found = answers(night, "17:33", "03:12", "900.5", "25:00")

    assert [each["asked"] for each in found] == ["17:33", "03:12", "900.5", "25:00"]
    assert [each["verdict"] for each in found] == ["found", "nothing", "found", "unknown"]
    assert [each["width_s"] for each in found] == [1.0, 1.0, 0.0, 1.0]
    assert {each["schema"] for each in found} == {"explanation/1"}


def test_an_answer_fits_on_a_screen_and_verbose_gives_everything(spasmwatch, night):
    short = spasmwatch("detect", night, "--explain", "15:03").stdout.splitlines()
    long = spasmwatch("-v", "detect", night, "--explain", "15:03").stdout.splitlines()

    assert len(short) <= 25
    assert len(long) > 40
    for word in ("spasm", "not twitch", "not tonic spasm", "missed", "jerk_g_s"):
        assert any(word in line for line in long), word
    assert max(len(line) for line in short) <= 130
    assert any(re.search(r"start \S+ times its own beat, waned by \d+%", line) for line in long)


def test_a_gap_is_an_answer_and_no_failure(spasmwatch, night):
    header, *rows = night.read_text().splitlines()
    night.write_text("\n".join([header, *rows[: 100 * 50], *rows[104 * 50 :]]))
    done = spasmwatch("detect", night, "--explain", "102", **TOKYO)

    assert done.returncode == 0
    assert "Not known: no samples came." in done.stdout
    assert "(4.0 s)" in done.stdout


def test_minutes_of_a_dated_recording_come_with_a_hint(spasmwatch, night):
    hint = "For the time of day write the seconds too: 03:12:00"

    assert hint in spasmwatch("detect", night, "--explain", "03:12").stderr
    assert hint not in spasmwatch("-q", "detect", night, "--explain", "03:12").stderr
    assert hint not in spasmwatch("detect", night, "--explain", "03:12", "--json").stdout
    assert "time of day" not in spasmwatch("detect", night, "--explain", "192").stderr


@pytest.mark.parametrize(
    ("model", "without"),
    [("rules-v1", "By itself it would be called"), ("learned-v1", "The rules alone say")],
)
def test_a_revised_name_is_told_with_the_one_it_had(spasmwatch, tmp_path, model, without):
    t = np.arange(240 * 50) / 50
    acc = np.array([0.1, 0.0, 0.99]) + np.random.default_rng(0).normal(0, 1.2e-3, (len(t), 3))
    for onset_s in range(20, 220, 25):
        since_s = t - onset_s - 0.1
        acc[:, 0] += 0.4 * np.exp(-((since_s / 0.05) ** 2)) + 0.1 * (abs(since_s - 0.25) < 0.25)
    np.savez(tmp_path / "series.npz", acc=acc, fs=50.0)
    text = spasmwatch("detect", "series.npz", "--explain", "01:35", "--model", model).stdout
    took_back = "movement (by the learned second opinion)" in text

    assert took_back is (model == "learned-v1"), "else a kind that nobody gave would be named"
    assert "No likely spasm: regular repeated movement" in text
    assert "One of a series of similar movements, about 25 s apart." in text
    assert re.search(rf"{without} (spasm|twitch)\.", text)
    assert re.search(r"\(by the rules\)|\(while it lasted\)", text)
    assert "(with what came before and after); revision 1" in text
    assert re.search(r"^  (spasm|twitch) +held$", text, re.MULTILINE)


@pytest.mark.parametrize("word", ["", "soon", "3h", "12:99", "-5", "1:60:00", "2026-11-21", "1e3"])
def test_what_is_no_time_is_refused_before_any_work(spasmwatch, night, word):
    done = spasmwatch("detect", night, f"--explain={word}")

    assert (done.returncode, done.stdout) == (2, "")
    assert "is no time" in " ".join(done.stderr.split())
    assert "%" not in done.stderr


@pytest.mark.parametrize("other", ["--together", "--alerts", "--counts"])
def test_what_is_not_about_a_moment_is_refused(spasmwatch, night, other):
    done = spasmwatch("detect", night, night, other, "--explain", "03:12")

    assert (done.returncode, done.stdout) == (2, "")
    assert "leave" in done.stderr


def test_a_date_needs_a_wall_clock(spasmwatch, night):
    night.write_text(night.read_text().replace("\n17955", "\n").replace("time,", "t,"))
    done = spasmwatch("detect", night, "--explain", "2026-11-24T02:14:07")

    assert (done.returncode, done.stdout) == (65, "")
    assert "night.csv has no wall clock" in done.stderr


def test_a_recording_of_ours_is_explained_as_well(answers, tmp_path):
    utc_ns = int(BEGAN.timestamp()) * 1_000_000_000
    header = RecordingHeader(
        name="2026-11-24", wearer="k3vq7m2xta", sensor="left-calf", site="calf",
        driver="polar-h10", origin=Origin.LIVE, created=BEGAN, version="0.1.0", time_zone="UTC",
    )  # fmt: skip
    writer = RecordingWriter.create(tmp_path / "ours.sqlite", header)
    writer.write(LinkUp(1, "polar-h10", "AA:BB", "Polar H10 1", 0, utc_ns))
    writer.write(Packet(1, PMD_CONTROL, bytes.fromhex("f00102000000013400"), 0, utc_ns))
    mg = np.random.default_rng(0).normal((0, 0, 1000), 2, (52 * 60, 3))
    for first in range(0, len(mg), 26):
        now = (first + 26) * 1_000_000_000 // 52
        samples = mg[first : first + 26].astype("<i2").tobytes()
        head = b"\x02" + now.to_bytes(8, "little") + b"\x01"
        writer.write(Packet(1, PMD_DATA, head + samples, now, utc_ns + now))
    writer.close()
    answer, late = answers("ours.sqlite", "00:30", "06:00:30", SPASMWATCH_WEARER__TIME_ZONE="UTC")

    assert answer["verdict"] == "nothing"
    assert (answer["sensor"], answer["site"]) == ("left-calf", "calf")
    assert late["verdict"] == "nothing"
    assert abs(late["at_s"] - answer["at_s"]) < 2


def test_a_hostile_name_cannot_steer_the_terminal(spasmwatch, night, tmp_path):
    hostile = tmp_path / "a\x1b[2Jb.csv"
    night.rename(hostile)
    done = spasmwatch("detect", hostile, "--explain", "03:12")

    assert done.returncode == 0
    assert "\x1b" not in done.stdout + done.stderr


@given(seconds=st.integers(0, 10 * 86_400))
def test_every_time_from_the_start_is_read_as_it_is_written(seconds: int) -> None:
    written = elapsed_words(float(seconds))

    for text in (written, f"{seconds}", f"+{seconds}", f"{seconds // 60}:{seconds % 60:02}"):
        asked = place(parse_when(text), "n", dated(BEGAN), UTC)

        assert (asked.at_s, asked.or_at_s) == (seconds, None)


@given(
    start=st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),
    later_s=st.integers(0, 86_399),
    zone=st.sampled_from([UTC, BERLIN, ZoneInfo("Asia/Kolkata"), ZoneInfo("America/St_Johns")]),
)
def test_a_time_of_day_is_the_next_one_from_the_start(
    start: datetime, later_s: int, zone: ZoneInfo
) -> None:
    timebase = dated(start.replace(microsecond=0))
    text = clock_words(float(later_s), timebase, zone, tenths=False)
    asked = place(parse_when(text), "n", timebase, zone)

    assert 0 <= asked.at_s <= later_s
    assert clock_words(asked.at_s, timebase, zone, tenths=False) == text
    assert asked.or_at_s is not None
    assert asked.or_at_s < 0


def test_a_date_counts_in_the_wearers_zone_unless_it_has_its_own() -> None:
    timebase = dated(BEGAN)

    for text in ("2026-11-24T07:00:10", "2026-11-24 07:00:10", "2026-11-24T06:00:10Z"):
        assert place(parse_when(text), "n", timebase, BERLIN).at_s == 10
    with pytest.raises(RecordingError, match="no wall clock"):
        place(parse_when("2026-11-24T06:00:10Z"), "n", Timebase(50.0), BERLIN)


def test_the_hour_that_comes_twice_is_found_in_both_places() -> None:
    before = datetime(2026, 10, 24, 23, 0, tzinfo=UTC)  # 01:00 in Berlin, summer time
    between = before + timedelta(hours=1, minutes=45)  # 02:45, still summer time

    assert place(parse_when("02:30:00"), "n", dated(before), BERLIN).at_s == 1.5 * 3600
    assert place(parse_when("02:30:00"), "n", dated(between), BERLIN).at_s == 0.75 * 3600


@given(st.text(max_size=30))
def test_any_text_is_a_time_or_a_usage_error(text: str) -> None:
    try:
        when = parse_when(text)
    except typer.BadParameter:
        return
    asked = place(when, "n", dated(BEGAN), BERLIN)

    assert np.isfinite(asked.at_s)
