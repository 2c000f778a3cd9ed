"""One line that is drawn over while something goes on; nothing where nobody could see it move."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from detector.cli.output import Output, harmless

_LEVELS = "▁▂▃▄▅▆▇█"
STILL_G, STRONG_G = 0.003, 0.5  # sensor noise; a leg that is being shaken


@contextmanager
def live_line(out: Output) -> Iterator[Callable[[str], None]]:
    """Return what draws a line over the last one; it is gone at the end."""
    if not out.redraws:
        yield _nothing
        return
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    with Live(console=Console(stderr=True), transient=True, refresh_per_second=8) as live:
        yield lambda text: live.update(Text(harmless(text), no_wrap=True, overflow="ellipsis"))


def bar(share: float, width: int = 20) -> str:
    """Draw how much of something is done, 0 to 1."""
    full = round(min(max(share, 0.0), 1.0) * width)
    return "█" * full + "░" * (width - full)


def strip(rms_g: Sequence[float]) -> str:
    """Draw movement over time, by the logarithm: a breath is seen, and so is a kick."""
    from math import log

    span = log(STRONG_G / STILL_G)
    top = len(_LEVELS) - 1
    heights = (log(max(g, STILL_G) / STILL_G) / span for g in rms_g)
    return "".join(_LEVELS[min(top, round(height * top))] for height in heights)


def _nothing(_: str) -> None:
    """Draw nothing."""
