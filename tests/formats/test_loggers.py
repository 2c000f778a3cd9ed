"""Laws of research accelerometers' files: what is written is read, damage costs its page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detector.errors import RecordingError
from detector.store.formats.reader import load, open_recording

from .logger_files import SIZES, WRITERS, cwa, gt3x

FORMS = list(WRITERS)
STEP_G = {"cwa": 1 / 256, "gt3x": 1 / 256, "bin": 1 / 255}
PER_FILE = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def moving(n: int) -> np.ndarray:
    rng = np.random.default_rng(5)
    return np.asarray(rng.normal((0.1, -0.6, 0.79), 0.05, (n, 3)))


@pytest.mark.parametrize("form", FORMS)
def test_what_is_written_is_what_is_read(tmp_path: Path, form: str) -> None:
    fs, page = SIZES[form]
    samples = moving(page * 60)
    WRITERS[form](tmp_path / f"a.{form}", samples)
    found = load(tmp_path / f"a.{form}")

    assert found.fs == pytest.approx(fs, rel=1e-4)
    assert found.timebase.epoch_ns is None
    np.testing.assert_allclose(found.samples, samples, atol=STEP_G[form])
    assert any("zone" in warning for warning in found.warnings)


@pytest.mark.parametrize("how", [{"six": True}, {"packed": True}])
def test_both_ways_of_packing_are_read(tmp_path: Path, how: dict[str, bool]) -> None:
    samples = moving(2400)
    cwa(tmp_path / "a.cwa", samples, **how)  # type: ignore[arg-type]
    np.testing.assert_allclose(load(tmp_path / "a.cwa").samples, samples, atol=1 / 256)


def test_both_kinds_of_activity_are_read(tmp_path: Path) -> None:
    samples = moving(1000)
    gt3x(tmp_path / "a.gt3x", samples, shorts=True)
    np.testing.assert_allclose(load(tmp_path / "a.gt3x").samples, samples, atol=1 / 256)


@PER_FILE
@given(
    form=st.sampled_from(FORMS),
    lost=st.sets(st.integers(1, 57), max_size=6),
    torn=st.sets(st.integers(1, 57), max_size=6),
)
def test_a_page_that_is_damaged_or_missing_costs_itself(
    tmp_path: Path, form: str, lost: set[int], torn: set[int]
) -> None:
    _, page = SIZES[form]
    samples = moving(page * 60)
    WRITERS[form](tmp_path / f"a.{form}", samples, lost=lost, torn=torn - lost)
    found = load(tmp_path / f"a.{form}")

    gone = np.zeros(60, np.bool_)
    gone[[*lost, *torn]] = True
    missing = np.repeat(gone, page)
    assert len(found.samples) == len(samples)
    assert (np.isnan(found.samples).any(axis=1) == missing).all()
    np.testing.assert_allclose(found.samples[~missing], samples[~missing], atol=STEP_G[form])
    damaged = [each for each in found.warnings if "damaged" in each]
    assert bool(damaged) is bool(torn - lost)


def test_a_clock_that_runs_wrong_is_measured(tmp_path: Path) -> None:
    cwa(tmp_path / "a.cwa", moving(80 * 500), true_hz=98.7)
    found = load(tmp_path / "a.cwa")
    assert found.fs == pytest.approx(98.7, rel=2e-3)
    assert not np.isnan(found.samples).any()


@pytest.mark.parametrize("form", FORMS)
@PER_FILE
@given(data=st.data())
def test_whatever_is_cut_or_overwritten_is_read_or_refused_in_a_sentence(
    tmp_path: Path, form: str, data: st.DataObject
) -> None:
    file = tmp_path / f"a.{form}"
    WRITERS[form](file, moving(SIZES[form][1] * 4))
    whole = bytearray(file.read_bytes())
    stop = data.draw(st.integers(1, len(whole)))
    for at in data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=5)):
        whole[at] = data.draw(st.integers(0, 255))
    file.write_bytes(whole[:stop])
    said = ""
    try:
        with open_recording(file) as reader:
            for block in reader.blocks():
                assert np.isfinite(block.samples).all()
    except RecordingError as error:
        said = str(error)
    assert "\n" not in said
    assert len(said) < 300


@pytest.mark.parametrize("form", FORMS)
def test_what_only_has_the_name_is_refused_with_a_remedy(tmp_path: Path, form: str) -> None:
    (tmp_path / f"a.{form}").write_bytes(b"something else altogether")
    with pytest.raises(RecordingError, match="export it as CSV"):
        load(tmp_path / f"a.{form}")
