"""Play the alarm on the event loop, to its end."""

from __future__ import annotations

import asyncio
import contextlib

from detector.audible.player import LONGEST_S, Player, SoundError


class Sound(Player):
    """Plays the alarm; use it as a context, which keeps the tone in a file."""

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
