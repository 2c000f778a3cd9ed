"""A simulated limb, and tables in which other programs would write it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from detector.errors import RecordingError
from detector.store.formats.reader import Loaded, load

FS = 50.0
N = 900
START = datetime(2026, 3, 14, 2, 10, tzinfo=UTC)


@cache
def limb() -> np.ndarray:
    """A limb that rests, beats and rests, (900, 3), g, no two rows alike."""
    rng = np.random.default_rng(7)
    t = np.arange(N) / FS
    beat = np.where((t > 3) & (t < 11), 0.4 * np.sin(2 * np.pi * 7 * t), 0.0)
    samples = rng.normal((0.1, -0.6, 0.79), 0.004, (N, 3))
    samples[:, 0] += beat
    samples = np.round(samples, 5)
    samples[:, 2] += np.arange(N) * 1e-7
    return samples


def rows(times: list[str], scale: float = 1.0, order: str = "xyz", mark: str = ",") -> list[str]:
    columns = [limb()[:, "xyz".index(axis)] * scale for axis in order]
    values = np.stack(columns, axis=1)
    lines = [mark.join(f"{value:.7f}" for value in row) for row in values]
    return [
        f"{time}{mark}{line}" if time else line for time, line in zip(times, lines, strict=True)
    ]


def seconds(start: float = 0.0, per_s: float = 1.0) -> list[str]:
    return [f"{start + i / FS * per_s:.6f}".rstrip("0").rstrip(".") for i in range(N)]


def moments(written: Callable[[datetime], str]) -> list[str]:
    return [written(START + timedelta(seconds=i / FS)) for i in range(N)]


def written(
    folder: Path, lines: list[str], name: str = "night.csv", *, encoding: str = "utf-8",
    end: str = "\n",
) -> Path:  # fmt: skip
    file = folder / name
    file.write_bytes((end.join(lines) + end).encode(encoding))
    return file


def same(found: Loaded, atol: float = 1e-6) -> None:
    assert found.fs == FS
    np.testing.assert_allclose(found.samples, limb(), atol=atol)


def refused(path: Path, **options: object) -> str:
    with pytest.raises(RecordingError) as caught:
        load(path, **options)  # type: ignore[arg-type]
    message = str(caught.value)
    assert len(message) < 400
    assert "\n" not in message
    return message
