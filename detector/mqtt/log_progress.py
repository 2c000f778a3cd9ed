"""How far the log has come, as heartbeats tell it, and what of it was not delivered."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from detector.channels import ChannelLog
from detector.errors import SpasmwatchError
from detector.mqtt.payloads import LogState


@dataclass(slots=True)
class Counts:
    """Counts of publications since the start that have not been delivered, by result."""

    unheard: int = 0  # nobody was subscribed; tried again later
    unconfirmed: int = 0  # the connection was lost before the answer came; sent again
    refused: int = 0  # refused by the broker, or without a topic; tried again later


async def log_state(log: ChannelLog) -> LogState:
    """Return how far the log has come; nothing of it where it cannot be read.

    All of it is of one epoch: a file may take the log over between two answers, and a receiver
    that reads numbers of one under the epoch of the other begins anew twice.
    """
    known = LogState()
    with contextlib.suppress(SpasmwatchError):
        while known.epoch != log.epoch:
            epoch = log.epoch
            known = LogState(epoch, await log.last(), await log.depth())
    return known
