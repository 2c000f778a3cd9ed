"""A sensor's button: what a characteristic says of it becomes presses. Pure."""

from __future__ import annotations

from detector.devices.profile import ButtonPressed, Output
from detector.errors import ProtocolError

ONE_PRESS_NS = 2_000_000_000
"""Presses closer than this are one: a contact that bounces, a hand that trembles, two buttons that
are pressed together."""

RELEASED, DOWN, HELD = 0, 1, 2
"""States in one octet, as micro:bit's Bluetooth profile has them; HELD follows DOWN."""


class ButtonState:
    """One button of one connection.

    Parameters
    ----------
    first_counts : whether the first value, which is read as the connection begins, may be a press;
        not where a sensor keeps an old value
    """

    def __init__(self, *, first_counts: bool) -> None:
        self._first_counts = first_counts
        self._state: int | None = None

    def feed(self, data: bytes) -> list[Output]:
        """Take a state; return the press that it means. ProtocolError when it is none."""
        if len(data) != 1 or data[0] > HELD:
            raise ProtocolError(f"button: {data[:8].hex(' ') or 'nothing'} is not one byte to 2")
        before, self._state = self._state, data[0]
        if before is None and not self._first_counts:
            return []
        # Each DOWN is a press, also after another: the RELEASED between them may have been lost.
        pressed = self._state == DOWN or (self._state == HELD and before in (None, RELEASED))
        return [ButtonPressed()] if pressed else []


class OnePress:
    """Counts presses that come close together once; time is the host's monotonic clock."""

    def __init__(self) -> None:
        self._last_ns: int | None = None

    def take(self, outputs: list[Output], mono_ns: int) -> list[Output]:
        """Return what a packet means, without presses that belong to the last one."""
        if not any(isinstance(each, ButtonPressed) for each in outputs):
            return outputs
        rest: list[Output] = [each for each in outputs if not isinstance(each, ButtonPressed)]
        # A clock that went back is another boot's.
        if self._last_ns is not None and 0 <= mono_ns - self._last_ns < ONE_PRESS_NS:
            return rest
        self._last_ns = mono_ns
        return [*rest, ButtonPressed()]
