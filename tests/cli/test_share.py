"""A night that is given away has its movements and labels, and nothing that says whose they are."""

from __future__ import annotations

import csv
import getpass
import json
import platform
import re
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from detector.alerts.commands import AddNote, LabelEvent, SaidKind
from detector.events import Origin
from detector.store.formats.labels import find_labels
from detector.store.formats.reader import load
from detector.store.log import of_command
from detector.store.state import State
from detector.words.consent import CONSENT

from ..kit.kept_night import BEGAN, HEADER, events_in, jerking, packets, record

ROOT = Path(__file__).parents[2]
SETTINGS = """
[sensor]
device = "Polar Sense 3F2A1C29"
label = "gertruds-calf"
[wearer]
label = "gertrud"
time_zone = "Europe/Berlin"
[[contact]]
name = "hildegard"
url = "ntfys://topic-of-the-family"
"""
BEGIN_ZONE = ZoneInfo("Europe/Berlin")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two sensors' night, with labels and a note that names people."""
    folder = tmp_path / "data"
    for name, later_s in (("gertruds-calf", 0), ("right-calf", 7)):
        header = replace(HEADER, name=f"2026-11-20-{name}", sensor=name)
        began = BEGAN + timedelta(seconds=later_s)
        samples = jerking(400, 50, (150 - later_s, 300 - later_s))
        record(folder, packets(samples, 50, began=began, pace=1.002, lost=range(40, 44)), header)
    with State.open(folder / "state.sqlite") as state:
        found = []
        for name in ("gertruds-calf", "right-calf"):
            found += [
                replace(
                    each, source=Origin.LIVE, reason=f"{each.reason}; seen by {name} of gertrud"
                )
                for each in events_in(folder / "nights" / f"2026-11-20-{name}.sqlite")
            ]
        state.commit(at=BEGAN, events=found)
        said = [
            LabelEvent(by="waltraud", event=found[0].id, verdict=SaidKind.CLONUS),
            LabelEvent(by="waltraud", event=found[1].id, verdict=SaidKind.NOT_A_SPASM),
            LabelEvent(by="waltraud", event=found[2].id, verdict=SaidKind.NOT_SURE),
            AddNote(by="waltraud", text="gertrud took baclofen"),
        ]
        entries = [of_command(each, at=BEGAN, whose=None, source=Origin.LIVE) for each in said]
        state.commit(at=BEGAN + timedelta(hours=9), entries=entries)
    return folder


@pytest.fixture
def ask(spasmwatch, data, tmp_path):
    (tmp_path / "c.toml").write_text(SETTINGS)
    (tmp_path / "c.toml").chmod(0o600)
    return lambda *words: spasmwatch("-c", tmp_path / "c.toml", "--data-dir", data, *words)


@pytest.fixture
def shared(ask, tmp_path) -> Path:
    done = ask("export", "--share", "2026-11-20", "--to", tmp_path / "s.zip", "--agree")
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(tmp_path / "s.zip") as archive:
        archive.extractall(tmp_path / "s")
    return tmp_path / "s"


def test_nothing_in_it_names_a_person_a_place_or_a_day(shared, tmp_path):
    texts = {path.name: path.read_text() for path in shared.iterdir()}
    secrets = ["gertrud", "waltraud", "hildegard", "baclofen", "k3vq7m2xta", "ntfy", "3F2A1C29"]
    secrets += ["A0:9E:1A", "right-calf", "2026", "17952", getpass.getuser(), platform.node()]
    for name, text in texts.items():
        for secret in secrets:
            assert not re.search(rf"(?<!\w){re.escape(secret)}", text), f"{secret} is in {name}"
    with zipfile.ZipFile(tmp_path / "s.zip") as archive:
        assert {info.date_time[0] for info in archive.infolist()} == {1980}


def test_times_begin_with_the_year_2000_at_the_hour_of_the_wall_and_keep_their_distances(shared):
    one, two = load(shared / "sensor-1.csv"), load(shared / "sensor-2.csv")
    hour = BEGAN.astimezone(BEGIN_ZONE).hour
    assert one.timebase.at_s(0.0) == datetime(2000, 1, 1, hour, tzinfo=UTC)
    assert two.timebase.at_s(0.0) - one.timebase.at_s(0.0) == timedelta(seconds=7)


def test_samples_are_as_they_were_and_the_same_is_found_in_them(shared, data):
    for number, name in enumerate(("gertruds-calf", "right-calf"), 1):
        original = data / "nights" / f"2026-11-20-{name}.sqlite"
        was, now = load(original), load(shared / f"sensor-{number}.csv")
        np.testing.assert_array_equal(now.samples, was.samples)
        told = [(each.kind, each.onset_s, each.reason) for each in events_in(original)]
        again = events_in(shared / f"sensor-{number}.csv")
        assert [(each.kind, each.onset_s, each.reason) for each in again] == told
        table = (shared / f"sensor-{number}_found.tsv").read_text()
        rows = list(csv.DictReader(table.splitlines(), delimiter="\t"))
        assert [float(row["onset"]) for row in rows] == [each[1] for each in told]


def test_labels_are_those_of_people_and_who_was_not_sure_says_nothing(shared):
    found = find_labels(shared / "sensor-1.csv")
    other = find_labels(shared / "sensor-2.csv")
    texts = [each.text for each in (*found.items, *(other.items if other else ()))]
    assert texts == ["clonus", "not-a-spasm"]


def test_nobody_gives_a_night_away_without_agreeing(ask, tmp_path):
    done = ask("export", "--share", "2026-11-20", "--to", tmp_path / "s.zip")
    assert done.returncode == 2
    assert "I give away this recording" in done.stderr
    assert not (tmp_path / "s.zip").exists()


def test_the_page_shows_what_is_agreed_to_word_for_word(shared):
    page = (ROOT / "docs" / "contributing-a-night.md").read_text()
    assert CONSENT in page
    assert (shared / "CONSENT.txt").read_text().startswith(CONSENT)


def test_what_is_worn_where_is_said(shared):
    about = json.loads((shared / "about.json").read_text())
    assert [each["site"] for each in about["sensors"]] == ["calf", "calf"]
    assert [each["gaps"] for each in about["sensors"]] == [1, 1]
    assert [each["device"] for each in about["sensors"]] == ["open-frame", "open-frame"]


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["--to", "s.tar", "--agree"], 2, "must end in .zip"),
        (["--to", "s.zip", "--format", "csv"], 2, "a form of its own"),
        (["--to", "taken.zip", "--agree"], 2, "exists already"),
        (["2026-11-20", "2026-11-21", "--to", "s.zip"], 2, "one NIGHT"),
    ],
)
def test_what_is_asked_wrongly_gets_one_sentence(ask, tmp_path, words, code, told):
    (tmp_path / "taken.zip").write_text("mine")
    done = ask("export", "--share", *words)
    assert (done.returncode, done.stdout) == (code, "")
    assert told in done.stderr
    assert (tmp_path / "taken.zip").read_text() == "mine"
