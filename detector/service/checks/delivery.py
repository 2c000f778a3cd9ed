"""What stands between alerts and people: no broker, one that refuses, a twin, nobody there."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from detector.alerts.conditions import Condition
from detector.alerts.reception import Reception, must_reach
from detector.channels import Entry, EntryKind
from detector.mqtt.broker import Broker
from detector.mqtt.publisher import Publisher
from detector.timing.lost_share import LostShare
from detector.words.delivery import (
    broker_lost_words,
    not_started_words,
    refused_words,
    twin_words,
    unreached_words,
)

BROKER_PATIENCE_S = 10.0  # a restart takes 3 s; beyond it somebody should look
TWIN_S = 60.0  # two that share a name take it from each other every 15 s
TWIN_TAKEOVERS = 2  # within TWIN_S: one may be our own connection that the broker still held


class DeliveryWatch:
    """Judge on each tick whether what is logged reaches anybody.

    Parameters
    ----------
    mono_s : the clock of the publisher's link, which is also that of `reception`
    """

    def __init__(
        self,
        publisher: Publisher,
        reception: Reception,
        broker: Broker,
        *,
        mono_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._mono_s = mono_s
        self._broker = broker
        self._publisher = publisher
        self._reception = reception
        self._away = LostShare()

    def committed(self, entries: Sequence[Entry]) -> None:
        """Take entries that were just committed, and have them published."""
        for entry in entries:
            if entry.kind is EntryKind.ALERT and must_reach(entry.body):
                self._reception.wait_for(entry.n, self._mono_s())
        self._publisher.wake()

    def troubles(self) -> dict[Condition, str | None]:
        """Return each condition with why it holds, or None where it does not."""
        link = self._publisher.link
        state, now_s = link.state, self._mono_s()
        away_s = 0.0 if state.connected else now_s - state.since_s
        twins = self._publisher.twins
        self._away.note(round(now_s * 1e9), works=state.connected)
        takeovers = sum(now_s - at_s < TWIN_S for at_s in link.taken_over_s)
        unreached = self._reception.unreached(now_s)
        refusals = [*self._publisher.refusals.values(), *link.refused_subscriptions.values()]
        absent = None if state.connected else self._broker.last_error  # it could not be started
        if absent is not None:
            absent = not_started_words(absent)
        return {
            Condition.BROKER: absent or (state.last_error if away_s > BROKER_PATIENCE_S else None),
            Condition.BROKER_LOST: broker_lost_words() if self._away.judge() else None,
            Condition.BROKER_REFUSES: refused_words(refusals) if refusals else None,
            Condition.TWIN_SERVICE: twin_words() if twins or takeovers >= TWIN_TAKEOVERS else None,
            Condition.NOBODY_REACHABLE: unreached_words(unreached) if unreached else None,
        }
