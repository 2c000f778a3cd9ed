"""The alarm as a sound file, and the command that plays it; standard library only."""

from __future__ import annotations

import io
import math
import shlex
import shutil
import subprocess
import wave
from array import array
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

RATE_HZ = 22_050  # every player takes it, and the highest tone has 784 Hz
PULSES_HZ = (523.0, 659.0, 784.0)
"""Three rising pulses, twice: the pattern of a high-priority alarm begins with three (IEC
60601-1-8); it is not that standard's sound."""

PULSE_S, PAUSE_S = 0.18, 0.09
EDGE_S = 0.01  # of rising and falling: no click
LOUD = 0.8  # of full scale; the computer's volume decides the rest
LONGEST_S = 20.0  # a player that hangs is ended after so long

PLAYERS: tuple[tuple[str, ...], ...] = (
    ("pw-play",),
    ("paplay",),
    ("aplay", "-q"),
    ("afplay",),
)
"""PipeWire, PulseAudio, ALSA, macOS: the first that is installed."""


class SoundError(Exception):
    """No sound can be made; the sentence says why and what to do."""


def tone() -> bytes:
    """Return the alarm as a WAV file: 16 bit, one channel."""
    pause = array("h", bytes(2 * round(PAUSE_S * RATE_HZ)))
    samples = array("h")
    for hz in PULSES_HZ * 2:
        samples += _pulse(hz) + pause
    held = io.BytesIO()
    with wave.open(held, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(samples.tobytes())
    return held.getvalue()


def _pulse(hz: float) -> array[int]:
    seconds = [n / RATE_HZ for n in range(round(PULSE_S * RATE_HZ))]
    edges = [min(1.0, min(s, PULSE_S - s) / EDGE_S) for s in seconds]
    waves = [math.sin(2 * math.pi * hz * s) for s in seconds]
    return array("h", [int(32767 * LOUD * e * w) for e, w in zip(edges, waves, strict=True)])


def sound_program(
    command: str | None = None, players: Sequence[Sequence[str]] = PLAYERS
) -> list[str]:
    """Return the program that plays a sound file, which is to be its last argument.

    Parameters
    ----------
    command : what to run instead of a player
    players : looked for on the path, in this order

    Raises
    ------
    SoundError
        Nothing is installed that could, or there is no such command.
    """
    if command is not None:
        own = shlex.split(command)
        if shutil.which(own[0]) is None:
            raise SoundError(f"{own[0]} cannot be run: there is no such program.")
        return own
    for player in players:
        if shutil.which(player[0]) is not None:
            return [*player]
    raise SoundError(
        "This computer has no program that plays a sound: install alsa-utils or "
        "pulseaudio-utils, or name a command with alerts.sound_command."
    )


class Player:
    """Holds the tone in a file while it is a context, and knows what plays it.

    Parameters
    ----------
    command : what to run instead of a player; the file is its last argument
    players : looked for on the path, in this order
    """

    def __init__(
        self, command: str | None = None, players: Sequence[Sequence[str]] = PLAYERS
    ) -> None:
        self._command = command
        self._players = players
        self._folder = TemporaryDirectory(prefix="spasmwatch-sound-")
        self._file = Path(self._folder.name) / "alarm.wav"

    def __enter__(self) -> Self:
        self._file.write_bytes(tone())
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()

    def argv(self) -> list[str]:
        """Return the command that plays the alarm.

        Raises
        ------
        SoundError
            Nothing is installed that could.
        """
        return [*sound_program(self._command, self._players), str(self._file)]

    def start(self) -> subprocess.Popen[bytes]:
        """Begin to play the alarm; return the process that does.

        Raises
        ------
        SoundError
            Nothing can be started that plays it.
        """
        argv = self.argv()
        try:
            return subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        except OSError as error:
            raise SoundError(f"{argv[0]} cannot be run: {error.strerror or error}.") from error
