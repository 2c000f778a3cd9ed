"""`calibrate` over a virtual radio: what the sensor felt, in words and in numbers."""

from __future__ import annotations

import json

import numpy as np
import pytest

from .airs import FS, on_air

RESTED_S = 60


@pytest.fixture(scope="module")
def air(tmp_path_factory):
    """A sensor on its side that rests for a minute, then moves, for an hour."""
    rng = np.random.default_rng(2)
    n = FS * 3600
    motion = np.array([0.0, -1.0, 0.1]) + rng.normal(0, 0.002, (n, 3))
    t = np.arange(n) / FS
    motion[:, 2] += 0.4 * np.sin(2 * np.pi * 0.8 * t) * (t > RESTED_S)
    with on_air(tmp_path_factory.mktemp("air"), motion=np.round(motion, 3)) as air:
        yield air


def test_it_says_what_the_sensor_measures_and_how_it_lies(air, spasmwatch):
    done = spasmwatch("--json", "calibrate", "--rest", "50s", "--move", "40s", *air.reach)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    names = {check["name"]: check for check in said["checks"]}
    assert said["schema"] == "calibration/1"
    assert said["up"] == pytest.approx([0.0, -0.995, 0.1], abs=0.02)
    assert said["noise_g"] == pytest.approx(0.0035, rel=0.15)
    assert said["movement_g"] == pytest.approx(0.28, rel=0.15)
    assert "its y axis points down" in names["Orientation"]["detail"]
    assert {check["status"] for check in said["checks"]} <= {"ok", "warn", "skip"}


def test_a_person_is_told_what_to_do_and_when(air, spasmwatch):
    done = spasmwatch("calibrate", "--rest", "20s", "--move", "20s", *air.reach)
    told = done.stderr
    assert told.index("keep still for 20 s") < told.index("turn over, bend the knee")
    assert "Noise floor" in done.stdout
    assert "Not a medical device" in told


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["--rest", "soon"], 2, "is not a time"),
        (["--move", "0s"], 2, "is not a time"),
        (["--radio", "nowhere"], 2, "--radio"),
    ],
)
def test_what_is_asked_wrongly_gets_one_sentence(spasmwatch, words, code, told):
    done = spasmwatch("calibrate", *words)
    assert (done.returncode, done.stdout) == (code, "")
    assert told in done.stderr
