"""A sounding that makes no sound and keeps what it was asked for."""

from __future__ import annotations

from detector.receiver.sounding import Sounding


class KeptSounds(Sounding):
    """`asked` holds the name of each call and its reason."""

    def __init__(self) -> None:
        super().__init__(None, mono_s=lambda: 0.0, failed=print)
        self.asked: list[tuple[str, str]] = []

    def hold(self, reason: str) -> None:
        """Keep that this was asked for."""
        self.asked.append(("hold", reason))

    def again(self, reason: str) -> None:
        """Keep that this was asked for."""
        self.asked.append(("again", reason))
