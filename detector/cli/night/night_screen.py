"""Screen of a running night: the live view, or plain lines, and what is typed beside it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import tzinfo

from rich.console import Group

from detector.alerts.commands import CommandError
from detector.service.assembly import Assembly
from detector.service.presentation.health import vitals
from detector.sources.clock import Clock
from detector.terminal.night_keys import HELP, Keystrokes, command_of, said_words
from detector.terminal.night_view import NightView, rendered
from detector.terminal.output import Output
from detector.terminal.typed import at_terminal, typed_lines, typed_text, unbuffered

DRAW_S = 0.5  # an age in tenths of a second is read as going on, and a slow terminal keeps up
ANSWER_S = 6.0  # how long the answer to a key stays, to be read


class NightScreen:
    """What a person at the watching computer sees and says.

    Parameters
    ----------
    stop : ends the night
    """

    def __init__(
        self,
        out: Output,
        made: Assembly,
        clock: Clock,
        *,
        label: str,
        zone: tzinfo | None,
        stop: Callable[[], None],
    ) -> None:
        self._out, self._made, self._clock = out, made, clock
        self._label, self._zone, self._stop = label, zone, stop
        self._keys = Keystrokes()
        self._answer, self._answered_s = "", 0.0

    def __rich__(self) -> Group:
        """Return the view as it is now, also under a line that is written between two draws."""
        return rendered(self._view())

    async def draw(self) -> None:
        """Draw the view under the night's lines, until cancelled."""
        from rich.console import Console
        from rich.live import Live

        # What goes into a file stays out of the view's way, and the view out of the file.
        together = sys.stdout.isatty()
        with Live(
            self,
            console=Console(stderr=True),
            auto_refresh=False,
            transient=True,
            redirect_stdout=together,
        ) as live:
            while True:
                live.refresh()
                await asyncio.sleep(DRAW_S)

    async def take_keys(self) -> None:
        """Obey single keys until cancelled, or the terminal is gone."""
        with unbuffered():
            async for typed in typed_text():
                for line in self._keys.feed(typed):
                    if line in {"q", "Q"}:
                        self._stop()
                    else:
                        self._answer = self._obeyed(line)
                        self._answered_s = asyncio.get_running_loop().time()

    async def take_lines(self) -> None:
        """Obey typed lines until cancelled, or the terminal is gone."""
        async for line in typed_lines():
            if line:
                self._out.say(self._obeyed(line))

    def _obeyed(self, line: str) -> str:
        try:
            command = command_of(line)
            self._made.service.obey(command)
        except CommandError as error:
            return str(error)
        return said_words(command)

    def _view(self) -> NightView:
        now_s = asyncio.get_running_loop().time()
        answer = self._answer if now_s - self._answered_s < ANSWER_S else ""
        if self._keys.note is not None:
            answer = f"Note, then Enter (Esc: none): {self._keys.note}"
        return NightView(
            self._label,
            self._made.service.now,
            vitals(self._made.night, self._clock),
            strip_g=self._made.movement.pieces_g,
            answer=answer,
            zone=self._zone,
        )


@asynccontextmanager
async def night_screen(screen: NightScreen, out: Output, *, live: bool) -> AsyncIterator[None]:
    """Show a night, and obey what is typed, until the block ends."""
    work = []
    if live:
        work = [screen.draw(), screen.take_keys()]
    elif at_terminal() and not out.quiet:
        out.say(HELP)
        work = [screen.take_lines()]
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task
