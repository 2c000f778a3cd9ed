"""Laws of our own recordings: what the sensor sent is what is read, gaps and damage included."""

from __future__ import annotations

import sqlite3
import struct
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from detector.devices.pmd import PMD_CONTROL, PMD_DATA
from detector.devices.stream import Item, LinkDown, LinkUp, Packet
from detector.errors import RecordingError, SpasmwatchError
from detector.events import Origin
from detector.store.formats.reader import load, open_recording
from detector.store.recording import RecordingHeader
from detector.store.recording_writer import RecordingWriter

FS = 52
FRAME = 26
OFFER = bytes.fromhex("f001020000 00013400")  # 52 Hz
BEGAN = datetime(2026, 11, 20, 22, 30, tzinfo=UTC)
NS = 1_000_000_000

HEADER = RecordingHeader(
    name="2026-11-20",
    wearer="k3vq7m2xta",
    sensor="left-calf",
    site="calf",
    driver="polar-h10",
    origin=Origin.LIVE,
    created=BEGAN,
    version="0.1.0",
    time_zone="Europe/Berlin",
)


def counts(n: int) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 3, (n, 3)).astype("<i2") + np.array(
        [0, 0, 1000], "<i2"
    )


def stream(mg: np.ndarray, driver: str = "polar-h10") -> list[Item]:
    utc = int(BEGAN.timestamp()) * NS
    items: list[Item] = [
        LinkUp(1, driver, "AA:BB", "Polar H10 1", 0, utc),
        Packet(1, PMD_CONTROL, OFFER, 0, utc),
    ]
    for first in range(0, len(mg), FRAME):
        now = (first + FRAME) * NS // FS
        frame = struct.pack("<BQB", 2, now, 1) + mg[first : first + FRAME].astype("<i2").tobytes()
        items.append(Packet(1, PMD_DATA, frame, now, utc + now))
    return items


def write(path: Path, items: list[Item]) -> Path:
    writer = RecordingWriter.create(path, HEADER)
    for item in items:
        writer.write(item)
    writer.close()
    return path


def test_what_the_sensor_sent_is_what_is_read(tmp_path):
    mg = counts(FRAME * 40)
    with open_recording(write(tmp_path / "night.sqlite", stream(mg))) as reader:
        blocks = list(reader.blocks())
        assert (reader.fs, reader.warnings) == (FS, [])
        assert (reader.recording, reader.wearer) == ("2026-11-20", "k3vq7m2xta")
        assert (reader.sensor, reader.site) == ("left-calf", "calf")
        assert reader.timebase.at_s(0) == BEGAN
    np.testing.assert_allclose(np.concatenate([b.samples for b in blocks]), mg / 1000, atol=1e-9)


def test_lost_packets_leave_a_gap_of_their_length(tmp_path):
    mg = counts(FRAME * 40)
    items = stream(mg)
    del items[12:17]
    found = load(write(tmp_path / "night.sqlite", items))
    missing = np.isnan(found.samples).any(axis=1)
    assert len(missing) == len(mg)
    assert np.flatnonzero(missing).tolist() == list(range(10 * FRAME, 15 * FRAME))
    np.testing.assert_allclose(found.samples[~missing], mg[~missing] / 1000, atol=1e-9)


def test_nonsense_from_the_sensor_costs_only_itself_and_is_told(tmp_path):
    items = stream(counts(FRAME * 10))
    utc = items[-1].utc_ns
    items[5:5] = [Packet(1, PMD_DATA, b"\xff", items[5].mono_ns, utc)]
    found = load(write(tmp_path / "night.sqlite", [*items, LinkDown(1, "gone", 0, utc)]))
    assert not np.isnan(found.samples).any()
    assert "1 packets made no sense" in found.warnings[0]


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ([], "holds no samples"),
        (stream(counts(FRAME))[:1], "holds no samples"),
        (stream(counts(FRAME), driver="abacus"), "no driver for 'abacus'"),
    ],
)
def test_a_recording_without_samples_says_why(tmp_path, items, words):
    with pytest.raises(RecordingError, match=words):
        load(write(tmp_path / "night.sqlite", items))


def test_it_knows_its_own_rate_and_unit(tmp_path):
    file = write(tmp_path / "night.sqlite", stream(counts(FRAME * 4)))
    with pytest.raises(RecordingError, match="leave --unit out"):
        load(file, unit="m/s2")
    with pytest.raises(RecordingError, match="contradicts"):
        load(file, fs=100)


def test_a_foreign_database_is_refused(tmp_path):
    file = tmp_path / "night.sqlite"
    with sqlite3.connect(file) as database:
        database.execute("CREATE TABLE t (x)")
    database.close()
    with pytest.raises(RecordingError, match="not a spasmwatch recording"):
        load(file)


def test_damage_gives_fewer_samples_or_an_error_of_ours(tmp_path):
    original = write(tmp_path / "night.sqlite", stream(counts(FRAME * 100))).read_bytes()
    file = tmp_path / "damaged.sqlite"
    chance = np.random.default_rng(5)
    for _ in range(60):
        wild = bytearray(original)
        for at in chance.integers(0, len(wild), 5):
            wild[at] = chance.integers(256)
        file.write_bytes(wild)
        try:
            found = load(file)
        except SpasmwatchError:
            continue
        assert len(found.samples) <= FRAME * 100
