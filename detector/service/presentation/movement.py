"""Movement of the last minutes, for a strip on a screen. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from detector.block import Block
from detector.dsp.envelope import Envelope

PIECES, PIECE_S = 40, 3.0
"""Two minutes in forty marks: what happened while somebody looked for their glasses."""


class RecentMovement:
    """The largest | |a| - 1 g | of any sensor in each of the last pieces of time."""

    def __init__(self) -> None:
        self._strips: dict[str, _Strip] = {}

    def feed(self, label: str, blocks: Sequence[Block]) -> None:
        """Take the next samples of one sensor."""
        strip = self._strips.setdefault(label, _Strip())
        for block in blocks:
            strip.feed(block)

    @property
    def pieces_g(self) -> list[float]:
        """The last pieces, g, oldest first; fewer before there are as many.

        What did not come is left out: the pieces are of the last samples, not of the clock.
        """
        strips = [list(strip.pieces_g) for strip in self._strips.values()]
        longest = max(map(len, strips), default=0)
        padded = [[0.0] * (longest - len(pieces)) + pieces for pieces in strips]
        return [max(each) for each in zip(*padded, strict=True)]


class _Strip:
    """The same of one sensor."""

    def __init__(self) -> None:
        self.pieces_g: deque[float] = deque(maxlen=PIECES)
        self._envelope = Envelope()
        self._taken, self._most_g = 0, 0.0

    def feed(self, block: Block) -> None:
        self._envelope.feed(block)
        self._extend(self._envelope.take())

    def _extend(self, values_g: Iterable[float]) -> None:
        size = round(PIECE_S * self._envelope.rate_hz)
        for value_g in values_g:
            self._taken, self._most_g = self._taken + 1, max(self._most_g, value_g)
            if self._taken >= size:
                self.pieces_g.append(self._most_g)
                self._taken, self._most_g = 0, 0.0
