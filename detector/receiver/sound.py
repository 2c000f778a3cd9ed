"""Play the alarm on the event loop, to its end."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from tempfile import TemporaryFile

from detector.audible.player import LONGEST_S, Player, SoundError

MOST_SAID = 4096  # bytes of what a player says that are looked at, from the end


class Sound(Player):
    """Plays the alarm; use it as a context, which keeps the tone in a file."""

    async def play(self) -> None:
        """Play the alarm until the player ends; what it leaves running is not waited for.

        Raises
        ------
        SoundError
            It cannot be played.
        """
        argv = self.argv()
        # A file: a pipe would stay open for as long as a child of the player holds it.
        with TemporaryFile() as said:
            try:
                process = await asyncio.create_subprocess_exec(
                    *argv,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.DEVNULL,
                    stderr=said,
                    start_new_session=True,
                )
            except OSError as error:
                raise SoundError(f"{argv[0]} cannot be run: {error.strerror or error}.") from error
            try:
                async with asyncio.timeout(LONGEST_S):
                    await process.wait()
            except BaseException as error:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, signal.SIGKILL)  # with its children, which may sound
                await process.wait()
                if isinstance(error, TimeoutError):
                    raise SoundError(f"{argv[0]} did not end within {LONGEST_S:.0f} s.") from None
                raise
            if process.returncode:
                said.seek(max(0, said.seek(0, os.SEEK_END) - MOST_SAID))
                text = said.read().decode(errors="replace").strip()
                why = text.splitlines()[-1:] or ["no reason given"]
                raise SoundError(f"{argv[0]} cannot play the alarm: {why[0][:120]}.")
