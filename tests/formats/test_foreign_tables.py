"""Laws of tables by other programs: columns, units, encodings and fillers."""

from __future__ import annotations

import gzip
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest

from detector.store.formats.reader import load
from detector.store.formats.table import text

from .limb import FS, N, limb, refused, rows, same, seconds, written

AXES = [
    "Acceleration x (m/s^2)|Acceleration y (m/s^2)|Acceleration z (m/s^2)",
    "ACCELEROMETER X (m/s²)|ACCELEROMETER Y (m/s²)|ACCELEROMETER Z (m/s²)",
    "accelX [m/s²]|accelY [m/s²]|accelZ [m/s²]",
    "x-axis (m/s2)|y-axis (m/s2)|z-axis (m/s2)", "X_acc_m_s2|Y_acc_m_s2|Z_acc_m_s2",
    "accelAccelerationX(m/s/s)|accelAccelerationY(m/s/s)|accelAccelerationZ(m/s/s)",
    "left leg x|left leg y|left leg z", "ax|ay|az", "Raw X|Raw Y|Raw Z", "accx|accy|accz",
]  # fmt: skip
OTHERS = ["gyro_x,gyro_y,gyro_z", "GRAVITY X,GRAVITY Y,GRAVITY Z", "MAG_X,MAG_Y,MAG_Z"]


@pytest.mark.parametrize("axes", AXES)
@pytest.mark.parametrize("others", OTHERS)
def test_axes_are_known_by_the_names_of_real_programs(
    tmp_path: Path, axes: str, others: str
) -> None:
    header = f"Time (s),{others},{axes.replace('|', ',')}"
    times = [f"{t},9,9,9" for t in seconds()]
    same(load(written(tmp_path, [header, *rows(times, scale=9.80665)])), atol=1e-5)


def test_two_sensors_side_by_side_are_refused_with_a_remedy_that_works(tmp_path: Path) -> None:
    header = "time,left_x,left_y,left_z,right_x,right_y,right_z"
    lines = [f"{row},0,0,1" for row in rows(seconds())]
    message = refused(written(tmp_path, [header, *lines]))
    assert "two columns for the x axis" in message
    assert "Leave out, or rename, those of the other sensor" in message
    same(load(written(tmp_path, [header.replace("right", "gyro right"), *lines])))


@pytest.mark.parametrize(
    "axes", ["Linear Acceleration x (m/s^2)", "userAcceleration.x(m/s^2)", "free acc x (m/s2)"]
)
def test_acceleration_without_gravity_is_read_with_a_warning(tmp_path: Path, axes: str) -> None:
    header = ";".join(["Time (s)", *(re.sub(r"\bx\b", axis, axes) for axis in "xyz"), "Absolute"])
    moved = (limb() - np.median(limb(), axis=0)) * 9.80665
    lines = [
        ";".join([f"{i / FS:.5E}", *(f"{v:.5E}" for v in row), "1"]).replace(".", ",")
        for i, row in enumerate(moved)
    ]
    found = load(written(tmp_path, [header, *lines]))
    assert found.fs == FS
    np.testing.assert_allclose(found.samples, moved / 9.80665, atol=1e-5)
    assert any("holds no gravity" in warning for warning in found.warnings)


def test_acceleration_with_gravity_goes_before_acceleration_without(tmp_path: Path) -> None:
    header = "time,linear_x,linear_y,linear_z,acc_x,acc_y,acc_z"
    times = [f"{t},0,0,0" for t in seconds()]
    same(load(written(tmp_path, [header, *rows(times)])))


@pytest.mark.parametrize("sensors", [("left", "right"), ("A1:07", "B2:09"), ("1", "2")])
def test_rows_of_several_sensors_are_refused_with_a_remedy_that_works(
    tmp_path: Path, sensors: tuple[str, str]
) -> None:
    lines = []
    for i, row in enumerate(rows(seconds())):
        lines += [f"{sensors[0]},{row}", f"{sensors[1]},{i / FS:.3f},0,0,1"]
    file = written(tmp_path, ["sensor,time,x,y,z", *lines])
    message = refused(file)
    told = re.search(r'--where "(\S+)=(\S+)"', message)
    assert told is not None
    same(load(file, where=(told[1], told[2])))
    assert "has no row with" in refused(file, where=("sensor", "nobody"))
    assert "has no column" in refused(file, where=("side", "left"))


def test_of_several_kinds_of_sensor_the_accelerometer_is_read(tmp_path: Path) -> None:
    lines = []
    for i, row in enumerate(rows(seconds())):
        lines += [f"Accelerometer,{row}", f"Gyroscope,{i / FS:.3f},7,0,1"]
    same(load(written(tmp_path, ["sensor,time,x,y,z", *lines])))


def test_rows_of_zeros_are_gaps(tmp_path: Path) -> None:
    lines = rows(seconds())
    for i in [*range(600, 700), 850]:
        lines[i] = f"{i / FS:.3f},0.000,0,-0.0"
    found = load(written(tmp_path, ["time,x,y,z", *lines]))
    assert np.flatnonzero(np.isnan(found.samples).any(axis=1)).tolist() == [*range(600, 700), 850]
    assert "101 rows of zeros" in found.warnings[0]
    most = [f"{i / FS:.3f},0,0,0" if i < 800 else line for i, line in enumerate(lines)]
    assert np.isnan(load(written(tmp_path, ["time,x,y,z", *most])).samples[:800]).all()


@pytest.mark.parametrize("piece", [60, 333, 30_000])
def test_a_value_that_is_repeated_for_seconds_is_a_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int
) -> None:
    monkeypatch.setattr(text, "PIECE_LINES", piece)
    lines = rows(seconds())
    held = lines[200].partition(",")[2]
    for i in range(200, 600):
        lines[i] = f"{i / FS:.3f},{held}"
    for header, body in (
        ("time,x,y,z", lines),
        ("x,y,z", [each.partition(",")[2] for each in lines]),
    ):
        found = load(written(tmp_path, [header, *body]), fs=FS)
        missing = np.flatnonzero(np.isnan(found.samples).any(axis=1))
        assert missing.tolist() == list(range(450, 600))
        assert any("the sensor slept" in warning for warning in found.warnings)


def test_a_coarse_sensor_at_rest_is_no_gap(tmp_path: Path) -> None:
    coarse = [f"{i / FS:.3f},{0.016 * (i // 450)},0.000,0.992" for i in range(N)]
    assert not np.isnan(load(written(tmp_path, ["time,x,y,z", *coarse])).samples).any()


@pytest.mark.parametrize("per_g", [64, 256, 2048, 4096, 8192, 16384])
def test_raw_counts_are_refused_with_the_scale_that_is_right(tmp_path: Path, per_g: int) -> None:
    lines = [
        f"{i * 20}," + ",".join(f"{v:.0f}" for v in row) for i, row in enumerate(limb() * per_g)
    ]
    file = written(tmp_path, ["Time (ms),X,Y,Z", *lines])
    told = re.search(r"--unit (\S+)$", refused(file))
    assert told is not None
    same(load(file, unit=told[1]), atol=1 / per_g)
    if per_g > 256:
        assert told[1] in refused(file, unit="mg")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_encoding_does_not_matter(tmp_path: Path, encoding: str, end: str) -> None:
    lines = ["Zeit;x;y;z", *rows(seconds(), mark=";")]
    same(
        load(
            written(
                tmp_path, [each.replace(".", ",") for each in lines], encoding=encoding, end=end
            )
        )
    )


@pytest.mark.parametrize("mark", [",", ";", "\t", "|", " "])
def test_the_delimiter_does_not_matter(tmp_path: Path, mark: str) -> None:
    same(load(written(tmp_path, [mark.join("txyz"), *rows(seconds(), mark=mark)])))


def test_a_line_that_was_being_written_is_left_out(tmp_path: Path) -> None:
    file = written(tmp_path, ["time,x,y,z", *rows(seconds())])
    file.write_bytes(file.read_bytes()[:-20])
    found = load(file)
    assert len(found.samples) == N - 1
    assert "is cut" in found.warnings[0]


def test_what_is_packed_is_unpacked_or_named(tmp_path: Path) -> None:
    plain = written(tmp_path, ["time,x,y,z", *rows(seconds())]).read_bytes()
    (tmp_path / "night.csv.gz").write_bytes(gzip.compress(plain))
    same(load(tmp_path / "night.csv.gz"))
    archive = tmp_path / "night.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("Raw Data.csv", plain)
        file.writestr("meta/device.csv", "a,b\n")
    same(load(archive))
    with zipfile.ZipFile(archive, "a") as file:
        file.writestr("Gyroscope.csv", plain)
    assert "give one of Raw Data.csv, Gyroscope.csv" in refused(archive)
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as file:
        file.writestr("xl/workbook.xml", "<workbook/>")
    assert "as CSV (UTF-8)" in refused(tmp_path / "a.xlsx")
    for broken in ("night.csv.gz", "night.zip"):
        data = (tmp_path / broken).read_bytes()
        (tmp_path / broken).write_bytes(data[: len(data) // 2])
        assert "damaged" in refused(tmp_path / broken)


SHARED = Path(__file__).parents[3] / "shared" / "cases"
READ = {
    "01-polar-sensor-logger/Polar_Sense_X_ACC.txt": 30.0, "03-microbit-log/microbit.csv": 1.0,
    "03-microbit-log/microbit_line_removed.csv": 1.0, "04-arrival-times/arrival_times.csv": 0.0,
    "06-day-first-times/leap.csv": 0.0, "08-sensor-logger-ns/TotalAcceleration.csv": 0.0,
    "11-actigraph-ten-lines/actigraph.csv": 0.0, "13-phyphox-linear/Raw Data.csv": 0.0,
    "17-idle-zeros/idle_zeros.csv": 9.6, "17-idle-zeros/mostly_zeros.csv": 18.0,
    "19-every-row-twice/twice.csv": 0.0, "20-phyphox-xlsx-zip/Acceleration.zip": 0.0,
}  # fmt: skip


@pytest.mark.parametrize(("case", "gap_s"), READ.items())
def test_cases_from_outside_are_read(case: str, gap_s: float) -> None:
    if not (SHARED / case).exists():
        pytest.skip("the cases lie outside the project")
    found = load(SHARED / case)
    assert found.fs == FS
    missing = np.isnan(found.samples).any(axis=1).sum() / FS
    assert missing == pytest.approx(gap_s, abs=0.1)
