"""Whether the phones of the contacts can be told."""

from __future__ import annotations

from detector.alerts.conditions import Condition
from detector.push.channel import PushChannel
from detector.words.push import push_failed_words


class PushWatch:
    """Judge on each tick whether a contact's service takes messages."""

    def __init__(self, channel: PushChannel) -> None:
        self._channel = channel

    def troubles(self) -> dict[Condition, str | None]:
        """Return the condition, with each contact whose service does not, and the cause."""
        refusing = self._channel.refusing()
        return {Condition.PUSH_FAILED: push_failed_words(refusing) if refusing else None}
