"""A damaged recording plays what is whole; every command says what is not, and ends with 65."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from detector.store.recording_writer import RecordingWriter
from tests.formats.mutated import packets_of_a_polar
from tests.store.crash_images import HEADER

COMMANDS = {
    "detect": ("detect",),
    "replay": ("replay",),
    "evaluate": ("evaluate", "--no-peers", "--spasm-free"),
    "run": ("run", "--source", "file", "--speed", "1000", "--no-mqtt"),
}


def cut(content: bytes) -> bytes:
    return content[: len(content) * 2 // 3]


def flipped(content: bytes) -> bytes:
    """One bit of the last third of the packets is another."""
    at = len(content) * 5 // 6
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "2026-11-20.sqlite"
    writer = RecordingWriter.create(path, HEADER)
    for item in packets_of_a_polar():
        writer.write(item)
    writer.close()
    return path


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("damage", "says"),
    [(cut, "was cut off or damaged at its end"), (flipped, "1 row is damaged and left out")],
)
def test_every_command_tells_the_same_and_ends_with_65(
    process: Callable[..., Any],
    tmp_path: Path,
    recording: Path,
    command: str,
    damage: Callable[[bytes], bytes],
    says: str,
) -> None:
    recording.write_bytes(damage(recording.read_bytes()))
    done = process("--data-dir", tmp_path / "data", *COMMANDS[command], recording)

    assert done.returncode == 65, done.stderr
    told = [line for line in done.stderr.splitlines() if says in line]
    assert len(told) == 1, done.stderr
    assert "Traceback" not in done.stderr
    played = done.stdout + done.stderr
    assert any(word in played for word in ("samples/s", " watched", " h monitored")), played


def test_what_is_whole_of_a_cut_recording_is_most_of_what_is_left(
    process: Callable[..., Any], recording: Path
) -> None:
    recording.write_bytes(cut(recording.read_bytes()))
    done = process("--json", "evaluate", "--no-peers", "--spasm-free", recording)
    assert done.returncode == 65
    (found,) = json.loads(done.stdout)["recordings"]
    assert found["hours"] * 3600 > 7, "of 29 s"
