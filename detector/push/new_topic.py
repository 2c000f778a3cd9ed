"""A topic at ntfy.sh of one's own: nobody guesses its name, which is all that guards it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

SERVER = "ntfy.sh"
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that looks like another when it is typed
LENGTH = 20  # 2**99 names: the server lets strangers try some


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic by its name, which is a secret."""

    name: str

    @property
    def address(self) -> str:
        """What messages are sent to."""
        return f"ntfys://{SERVER}/{self.name}"

    @property
    def link(self) -> str:
        """What has ntfy's app for Android follow the topic."""
        return f"ntfy://{SERVER}/{self.name}"


def new_topic() -> Topic:
    """Return a topic that nobody knows."""
    return Topic("".join(secrets.choice(LETTERS) for _ in range(LENGTH)))
