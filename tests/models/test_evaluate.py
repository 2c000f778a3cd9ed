"""What was measured is kept, whatever else fails."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from errno import ENOSPC
from pathlib import Path

import evaluate
import pytest
from plan import Measurement

GOOD, BAD, LATE = (
    Measurement(f"nights/{name}", name, words={}, cost=cost)
    for name, cost in (("good", 2.0), ("bad", 3.0), ("late", 1.0))
)


@pytest.fixture
def done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the measurements that ran, in order: "bad" raises, and only the first time."""
    ran: list[str] = []

    def measure(name: str) -> dict[str, str]:
        ran.append(name)
        if name == "bad" and ran.count("bad") == 1:
            raise ValueError("no leg moved")
        return {"measured": name}

    monkeypatch.setattr(evaluate, "KEPT", tmp_path)
    monkeypatch.setattr(evaluate, "workers", ThreadPoolExecutor)
    monkeypatch.setattr(evaluate, "_measure", lambda each: measure(each.measure))
    return ran


def measured() -> dict[str, dict[str, str]]:
    return evaluate.measured([GOOD, BAD, LATE], "inputs", processes=1, again=False)


def test_a_measurement_that_fails_costs_no_other(
    done: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ValueError, match="no leg moved"):
        measured()
    assert done == ["bad", "good", "late"]
    assert "nights/bad failed: no leg moved" in capsys.readouterr().err

    assert measured() == {each.name: {"measured": each.measure} for each in (GOOD, BAD, LATE)}
    assert done == ["bad", "good", "late", "bad"]


def test_what_a_full_disk_did_not_take_is_measured_again_and_nothing_else(
    done: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done.append("bad")
    written = Path.write_bytes

    def full(path: Path, data: bytes) -> int:
        if "good" in path.name:
            written(path, data[:3])
            raise OSError(ENOSPC, "No space left on device")
        return written(path, data)

    with monkeypatch.context() as disk:
        disk.setattr(Path, "write_bytes", full)
        with pytest.raises(OSError, match="No space"):
            measured()
    assert len(list(tmp_path.iterdir())) == 2

    assert set(measured()) == {GOOD.name, BAD.name, LATE.name}
    assert done == ["bad", "bad", "good", "late", "good"]
