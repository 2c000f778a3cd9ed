"""Whether somebody without a key commands the service."""

from __future__ import annotations

import asyncio

from detector.alerts.commands import CommandError
from detector.alerts.conditions import Condition
from detector.config import Settings
from detector.mqtt.broker import Broker
from detector.mqtt.requests import Requests
from detector.words.delivery import unproven_words

LOOK_S = 600.0  # a receiver that lacks its key commands every 5 s; a stranger may do so once


class CommandWatch:
    """Judge on each tick whether commands came that no caregiver has signed."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    def troubles(self) -> dict[Condition, str | None]:
        """Return the condition, with the latest such command."""
        last = self._requests.last_unproven
        lately = last is not None and asyncio.get_running_loop().time() - last.at_s < LOOK_S
        return {Condition.UNPROVEN_COMMANDS: unproven_words(last.why) if last and lately else None}


def check_may_command(settings: Settings, broker: Broker) -> None:
    """Raise CommandError unless people command from this computer, or signed.

    No stranger on the network may silence alarms, or write into the wearer's night.
    """
    here = broker.endpoint is not None and broker.endpoint.is_local
    if not here and settings.mqtt.signing_file is None:
        raise CommandError(
            "over the network what a person says must be signed: "
            "`spasmwatch setup tls` makes the keys"
        )
