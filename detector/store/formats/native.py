"""Files of spasmwatch itself: recorded nights, and captures made to be shared."""

from __future__ import annotations

from contextlib import ExitStack, closing
from pathlib import Path

from detector.store.capture import Capture
from detector.store.formats.checks import Unit
from detector.store.formats.packets import read_packets
from detector.store.formats.reading import RecordingReader
from detector.store.recording import Recording


def open_native(
    path: Path, *, fs: float | None = None, unit: Unit | None = None
) -> RecordingReader:
    """Open a recording of spasmwatch.

    Raises
    ------
    RecordingError
        It is damaged, or `read_packets` cannot use it.
    """
    with ExitStack() as stack:
        recording = stack.enter_context(Recording.open(path))
        reader = read_packets(
            path.name,
            recording.items(),
            close=stack.close,
            recording=recording.header.name,
            fs=fs,
            unit=unit,
            dated=True,
            damaged=lambda: _damage(path.name, recording),
        )
        reader.wearer, reader.sensor = recording.header.wearer, recording.header.sensor
        reader.site, reader.origin = recording.header.site, recording.header.origin
        reader.close = stack.pop_all().close
        return reader


def _damage(name: str, recording: Recording) -> str:
    if recording.cut:
        return f"{name} was cut off or damaged at its end: what is left of it was read"
    if recording.damaged:
        rows = "1 row is" if recording.damaged == 1 else f"{recording.damaged} rows are"
        return f"{name}: {rows} damaged and left out"
    return ""


def open_capture(
    path: Path, *, fs: float | None = None, unit: Unit | None = None
) -> RecordingReader:
    """Open a capture, which has no time of day.

    Raises
    ------
    RecordingError
        It is damaged, or `read_packets` cannot use it.
    """
    capture = Capture.open(path)
    with ExitStack() as stack:
        items = stack.enter_context(closing(capture.items()))
        reader = read_packets(
            path.name,
            items,
            close=stack.close,
            recording=path.stem,
            fs=fs,
            unit=unit,
            dated=False,
        )
        reader.site = capture.header.placement
        reader.close = stack.pop_all().close
        return reader
