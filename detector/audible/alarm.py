"""When a sound is due: at once, after a minute, then every five, until the reason is over."""

from __future__ import annotations

from detector.repetition import AGAIN_S, FIRST_AGAIN_S

JUST_S = 30.0
"""What is told anew so soon after it sounded here does not sound a second time: the service tells
an open alert again as often as it sounds."""

MOST = 100  # reasons; with more it sounds anyway, and the oldest ones hold it


class AudibleAlarm:
    """The reasons for a sound, and when it is due again. Pure; time is an argument."""

    def __init__(self) -> None:
        self._due_s: dict[str, float] = {}
        self._begun_s: dict[str, float] = {}
        self._sounded_s: dict[str, float] = {}

    def hold(self, reason: str, mono_s: float) -> None:
        """Take a reason for a sound; again while it holds, nothing changes."""
        if reason not in self._due_s and len(self._due_s) < MOST:
            self._due_s[reason] = self._begun_s[reason] = mono_s

    def again(self, reason: str, mono_s: float) -> None:
        """Take a reason that is told anew: it sounds now, unless it just has."""
        self.hold(reason, mono_s)
        if reason in self._due_s and mono_s - self._sounded_s.get(reason, -JUST_S) >= JUST_S:
            self._due_s[reason] = mono_s

    def release(self, reason: str) -> None:
        """Record that a reason is over."""
        self._due_s.pop(reason, None)
        self._begun_s.pop(reason, None)
        self._sounded_s.pop(reason, None)

    def due(self, mono_s: float) -> bool:
        """Return whether to sound now; asked again at once, it is not due again."""
        ripe = [reason for reason, due_s in self._due_s.items() if mono_s >= due_s]
        for reason in ripe:
            self._sounded_s[reason] = mono_s
            first = mono_s - self._begun_s[reason] < FIRST_AGAIN_S
            self._due_s[reason] = mono_s + (FIRST_AGAIN_S if first else AGAIN_S)
        return bool(ripe)
