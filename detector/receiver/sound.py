"""Make a sound on this computer: a generated tone through its player, or a command of its own."""

from __future__ import annotations

import asyncio
import contextlib
import io
import shlex
import shutil
import wave
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

import numpy as np

RATE_HZ = 22_050
PULSES_HZ = (523.0, 659.0, 784.0)
"""Three rising pulses, twice: the pattern of a high-priority alarm begins with three (IEC
60601-1-8); it is not that standard's sound."""

PULSE_S, PAUSE_S = 0.18, 0.09
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
    seconds = np.arange(round(PULSE_S * RATE_HZ)) / RATE_HZ
    edge = np.minimum(1.0, np.minimum(seconds, PULSE_S - seconds) / 0.01)  # no click
    pause = np.zeros(round(PAUSE_S * RATE_HZ))
    pulses = [
        part
        for hz in PULSES_HZ * 2
        for part in (LOUD * edge * np.sin(2 * np.pi * hz * seconds), pause)
    ]
    samples = (np.concatenate(pulses) * 32767).astype("<i2")
    held = io.BytesIO()
    with wave.open(held, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(samples.tobytes())
    return held.getvalue()


class Sound:
    """Plays the alarm; use it as a context, which keeps the tone in a file.

    Parameters
    ----------
    command : what to run instead of a player; the file is its last argument
    players : looked for on the path, in this order
    """

    def __init__(
        self, command: str | None = None, players: Sequence[Sequence[str]] = PLAYERS
    ) -> None:
        self._own = None if command is None else shlex.split(command)
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
        if self._own is not None:
            return [*self._own, str(self._file)]
        for player in self._players:
            if shutil.which(player[0]) is not None:
                return [*player, str(self._file)]
        raise SoundError(
            "This computer has no program that plays a sound: install alsa-utils or "
            "pulseaudio-utils, or name a command with alerts.sound_command."
        )

    async def play(self) -> None:
        """Play the alarm to its end.

        Raises
        ------
        SoundError
            It cannot be played.
        """
        argv = self.argv()
        try:
            process = await asyncio.create_subprocess_exec(
                *argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
            )
        except OSError as error:
            raise SoundError(f"{argv[0]} cannot be run: {error.strerror or error}.") from error
        try:
            async with asyncio.timeout(LONGEST_S):
                _, said = await process.communicate()
        except BaseException as error:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            if isinstance(error, TimeoutError):
                raise SoundError(f"{argv[0]} did not end within {LONGEST_S:.0f} s.") from None
            raise
        if process.returncode:
            why = said.decode(errors="replace").strip().splitlines()[-1:] or ["no reason given"]
            raise SoundError(f"{argv[0]} cannot play the alarm: {why[0][:120]}.")
