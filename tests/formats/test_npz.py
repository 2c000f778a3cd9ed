"""Laws of NumPy archives: streamed as they are, and hostile ones cost neither memory nor time."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from detector.errors import RecordingError
from detector.store.formats import npz
from detector.store.formats.reader import load, open_recording

from ..kit.traces import TRACES

REST_G = np.array([0.02, -0.1, 0.99])


def resting(n: int) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 0.003, (n, 3)) + REST_G


def archive(tmp_path: Path, **members: object) -> Path:
    file = tmp_path / "night.npz"
    np.savez_compressed(file, **members)
    return file


def refused(path: Path, **options) -> str:
    with pytest.raises(RecordingError) as caught:
        load(path, **options)
    return str(caught.value)


@pytest.mark.parametrize("kind", ["f8", "f4", ">f4", "f2", "i2", ">i4"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("rows", [7, 400])
def test_every_number_type_and_order_reads_as_written(tmp_path, monkeypatch, kind, order, rows):
    monkeypatch.setattr(npz, "ROWS", rows)
    a = resting(1000)
    unit = "mg" if "i" in kind else None
    acc = (a * 1000 if unit else a).astype(kind)
    found = load(archive(tmp_path, acc=np.asarray(acc, order=order), fs=50.0), unit=unit)
    assert found.fs == 50
    np.testing.assert_allclose(found.samples, acc.astype(float) / (1000 if unit else 1), rtol=1e-15)


def test_a_transposed_array_reads_as_written(tmp_path):
    a = resting(500)
    stored = np.ascontiguousarray(a.T)
    np.testing.assert_array_equal(load(archive(tmp_path, acc=stored.T, fs=50)).samples, a)


def test_a_magnitude_lies_on_the_z_axis_and_warns(tmp_path):
    mag = np.linalg.norm(resting(300), axis=1)
    found = load(archive(tmp_path, mag=mag, fs=np.array([25.0])))
    assert "posture" in found.warnings[0]
    np.testing.assert_array_equal(found.samples[:, 2], mag)
    assert not found.samples[:, :2].any()


def test_rows_that_are_not_finite_are_gaps(tmp_path):
    a = resting(100)
    a[40:50, 1] = np.nan
    a[60, 0] = np.inf
    with open_recording(archive(tmp_path, acc=a, fs=50)) as reader:
        spans = [(block.start, block.stop) for block in reader.blocks()]
        assert reader.total == 100
    assert spans == [(0, 40), (50, 60), (61, 100)]


def test_the_rate_comes_from_the_file_or_from_the_user(tmp_path):
    file = archive(tmp_path, acc=resting(100))
    assert "add --fs" in refused(file)
    assert load(file, fs=50).fs == 50
    assert "contradicts" in refused(archive(tmp_path, acc=resting(100), fs=64.0), fs=50)
    assert "clonus beats" in refused(archive(tmp_path, acc=resting(100), fs=10.0))
    for nonsense in (np.nan, np.inf, 0.0, -5.0, [50.0, 50.0], [], np.zeros(9000)):
        assert "one number" in refused(archive(tmp_path, acc=resting(100), fs=nonsense))


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"fs": 50}, "neither acc"),
        ({"acc": np.zeros((0, 3)), "fs": 50}, "empty"),
        ({"acc": np.zeros((10, 2)), "fs": 50}, r"shape \(n, 3\)"),
        ({"acc": np.zeros(30), "fs": 50}, r"shape \(n, 3\)"),
        ({"acc": np.float64(3), "fs": 50}, r"shape \(n, 3\)"),
        ({"mag": np.zeros((10, 3)), "fs": 50}, r"shape \(n,\)"),
        ({"acc": np.zeros((10, 3), complex), "fs": 50}, "not numbers"),
        ({"acc": np.zeros((10, 3), bool), "fs": 50}, "not numbers"),
        ({"acc": np.full((10, 3), "1"), "fs": 50}, "not numbers"),
        ({"acc": resting(10) * 9.81, "fs": 50}, "looks like m/s²"),
        ({"acc": np.full((10, 3), np.nan), "fs": 50}, "no measurement"),
        (
            {"acc": np.vstack([resting(50), np.full((1, 3), 1e200)]), "fs": 50},
            "sample 50: 1e.200 g",
        ),
        ({"acc": resting(10), "fs": "50"}, "not numbers"),
    ],
)
def test_what_is_no_recording_is_refused_in_a_sentence(tmp_path, members, words):
    with pytest.raises(RecordingError, match=words):
        load(archive(tmp_path, **members))


class Canary:
    touched = False

    def __reduce__(self):
        return (setattr, (Canary, "touched", True))


def test_a_pickle_is_never_opened(tmp_path):
    hostile = np.empty((10, 3), dtype=object)
    hostile[:] = [[Canary()] * 3] * 10
    file = archive(tmp_path, acc=hostile, fs=50.0)
    Canary.touched = False
    assert "not numbers" in refused(file)
    assert not Canary.touched


def raw_member(shape: str, body: bytes, descr: str = "'<f8'") -> bytes:
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    header += b" " * (-(10 + len(header) + 1) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + body


@pytest.mark.parametrize(
    "member",
    [
        raw_member("(90000000000, 3)", b""),
        raw_member("(-1, 3)", b""),
        raw_member("(99999999999999999999999, 3)", b"x" * 24),
        raw_member("(2, 3)", b"x" * 24),
        raw_member("(1, 3)", b"x" * 48),
        raw_member("(1, 3)", b"x" * 24, "'|O'"),
        raw_member("(1, 3)", b"x" * 24, "[('a', '<f8')]"),
        raw_member("(1, 3)", b"x" * 24, "(" * 300),
        raw_member("(1, 3)", b"x" * 24, "'" + "x" * 3000 + "'"),
        b"\x93NUMPY\x03\x00" + b"\0" * 50,
        b"",
    ],
)
def test_a_header_that_lies_is_found_out_before_anything_is_read(tmp_path, member):
    file = tmp_path / "night.npz"
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("acc.npy", member)
    assert "night.npz" in refused(file, fs=50)


def test_a_zip_bomb_is_refused_without_unpacking_it(tmp_path):
    file = tmp_path / "night.npz"
    n = 10_000_000
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed,
        packed.open("acc.npy", "w") as member,
    ):
        member.write(raw_member(f"({n}, 3)", b""))
        for _ in range(24):
            member.write(bytes(n))
    assert file.stat().st_size < 1_000_000
    assert "times its size" in refused(file, fs=50)


def test_the_reader_keeps_memory_small(tmp_path):
    file = tmp_path / "night.npz"
    np.savez(file, acc=np.tile(resting(1000).astype(np.float32), (2000, 1)), fs=50.0)
    tracemalloc.start()
    with open_recording(file) as reader:
        assert sum(len(block) for block in reader.blocks()) == 2_000_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20e6


def test_an_encrypted_or_unknown_packing_is_refused(tmp_path):
    file = archive(tmp_path, acc=resting(100), fs=50.0)
    for offset, value in ((6, 1), (8, 77)):  # flags and method, of the first local header
        data = bytearray(file.read_bytes())
        central = data.index(b"PK\x01\x02")
        data[offset] = value
        data[central + offset + 2] = value
        damaged = tmp_path / "damaged.npz"
        damaged.write_bytes(data)
        assert "damaged" in refused(damaged)


def test_a_file_that_was_cut_short_is_refused(tmp_path):
    whole = archive(tmp_path, acc=resting(5000), fs=50.0).read_bytes()
    for length in (4, 100, len(whole) // 2, len(whole) - 1):
        cut = tmp_path / "cut.npz"
        cut.write_bytes(whole[:length])
        assert "cut.npz" in refused(cut)


def test_a_python_file_object_is_not_needed(tmp_path):
    buffer = io.BytesIO()
    np.savez(buffer, acc=resting(100), fs=50)
    odd = tmp_path / "night.dat"
    odd.write_bytes(buffer.getvalue())
    assert len(load(odd).samples) == 100  # content decides, not the suffix


@pytest.mark.skipif(not TRACES.is_dir(), reason="SPASMWATCH_TRACES names no folder")
@pytest.mark.parametrize("folder", sorted(p.name for p in TRACES.glob("*/")))
def test_every_real_trace_can_be_read(folder):
    files = sorted((TRACES / folder).glob("*.npz"))
    for file in files[:: max(1, len(files) // 6)]:
        with np.load(file, allow_pickle=False) as truth, open_recording(file) as reader:
            stored = truth["acc"] if "acc" in truth else truth["mag"]
            blocks = list(reader.blocks())
            assert reader.fs == float(truth["fs"])
        got = np.concatenate([block.samples for block in blocks])
        if stored.ndim == 1:
            got = got[:, 2]
        np.testing.assert_array_equal(
            got, stored[np.isfinite(stored).reshape(len(stored), -1).all(1)]
        )
