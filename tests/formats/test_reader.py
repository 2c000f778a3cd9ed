"""Laws of opening: content decides, what cannot be read is named, damage raises nothing else."""

from __future__ import annotations

import random
import time
from pathlib import Path

import numpy as np
import pytest

from detector.errors import RecordingError, RecordingNotFoundError, SpasmwatchError
from detector.store.formats import reader
from detector.store.formats.reader import load, open_recording

REST_G = np.array([0.02, -0.1, 0.99])


def night(n: int = 600) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 0.003, (n, 3)) + REST_G


def test_a_missing_file_a_folder_and_an_empty_file_are_told_apart(tmp_path):
    with pytest.raises(RecordingNotFoundError, match="no such file"):
        load(tmp_path / "none.csv")
    with pytest.raises(RecordingError, match=r"is not a file"):
        load(tmp_path)
    (tmp_path / "empty.npz").write_bytes(b"")
    with pytest.raises(RecordingError, match=r"empty\.npz is empty"):
        load(tmp_path / "empty.npz")


def test_an_unknown_file_says_what_can_be_given(tmp_path):
    file = tmp_path / "notes.md"
    file.write_text("# dear diary")
    with pytest.raises(RecordingError, match="no recording: give a"):
        load(file)


def test_what_does_not_fit_into_memory_is_refused_by_load_only(tmp_path, monkeypatch):
    file = tmp_path / "night.npz"
    np.savez(file, acc=night(), fs=50)
    monkeypatch.setattr(reader, "MOST_SAMPLES", 500)
    with pytest.raises(RecordingError, match="too long for memory"):
        load(file)
    with open_recording(file) as found:
        assert sum(len(block) for block in found.blocks()) == 600


def mutated(data: bytes, seed: int) -> bytes:
    """Damage at a few places, always the same for the same seed."""
    chance = random.Random(seed)
    wild = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(wild))
        match chance.randrange(4):
            case 0:
                wild[at] = chance.randrange(256)
            case 1:
                del wild[at : at + chance.randint(1, 200)]
            case 2:
                wild[at:at] = wild[at : at + chance.randint(1, 200)]
            case _:
                choice = [b",", b"\n", b'"', b"nan", b"1e999", b"-", b"\0", b"'shape': (9", b"\xff"]
                wild[at:at] = chance.choice(choice)
    return bytes(wild)


def originals(tmp_path: Path) -> dict[str, bytes]:
    a = night()
    t = np.arange(len(a)) / 50
    packed = tmp_path / "original.npz"
    np.savez_compressed(packed, acc=a, fs=50.0)
    rows = [f"{s:.2f},{x:.5f},{y:.5f},{z:.5f}" for s, (x, y, z) in zip(t, a, strict=True)]
    stamps = np.datetime_as_string((t * 1e3 + 1.79e12).astype("datetime64[ms]"), timezone="UTC")
    iso = [f"{s};{x:.5f};{y:.5f};{z:.5f}" for s, (x, y, z) in zip(stamps, a, strict=True)]
    return {
        "plain.csv": "\n".join(["t,x,y,z", *rows]).encode(),
        "iso.tsv": "\n".join(["timestamp;acc_x;acc_y;acc_z", *iso]).replace(";", "\t").encode(),
        "packed.npz": packed.read_bytes(),
    }


@pytest.mark.parametrize("name", ["plain.csv", "iso.tsv", "packed.npz"])
def test_a_damaged_file_gives_a_recording_or_one_of_our_errors_in_time(tmp_path, name):
    data = originals(tmp_path)[name]
    file = tmp_path / name
    read = refused = 0
    began = time.process_time()
    for seed in range(300):
        file.write_bytes(mutated(data, seed))
        try:
            found = load(file)
        except SpasmwatchError:
            refused += 1
        else:
            assert np.abs(found.samples[~np.isnan(found.samples)]).max(initial=0) < 401
            read += 1
    assert read + refused == 300
    assert refused > 100
    assert time.process_time() - began < 60
