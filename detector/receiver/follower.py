"""Look at another wearer's night without being told of it: nobody counts as reached by that. Pure.

A receiver acknowledges what it has, and the service then takes an alert for heard. A page that
nobody may be looking at must not: this one leaves the log alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from detector import plain_json
from detector.alert import Alert
from detector.events import Kind
from detector.mqtt.contract import Leaf
from detector.mqtt.security.signing import Proof
from detector.receiver.news import UNHEARD, Absence, News, ServiceState
from detector.receiver.open_alerts import OpenAlerts, alert_of
from detector.receiver.receiver import Receiver
from detector.receiver.untrusted import object_of
from detector.status import StateWord

LOOKED_AT = (Leaf.AVAILABILITY, Leaf.HEALTH, Leaf.STATE)

LONGEST_S = 30 * 24 * 3600.0  # an age or a night beyond that is none


@dataclass(frozen=True, slots=True)
class Followed:
    """Another wearer's night, as it was last heard of.

    state : of their service, or that nothing is heard from it
    clonus : whether the spasm that is going on is clonus
    data_age_s : of their samples now; None where it is not known
    battery_percent, counts, monitored_s : None and nothing where they were not told
    alerts : that are open, as far as was told
    more_alerts : whether there are others
    """

    state: ServiceState
    clonus: bool
    data_age_s: float | None
    battery_percent: float | None
    alerts: tuple[Alert, ...]
    more_alerts: bool
    counts: Mapping[Kind, int]
    monitored_s: float | None


class NightFollower(Receiver):
    """Receives heartbeats and snapshots of one wearer; says what a person says, and nothing else.

    Parameters
    ----------
    name : by which it says so: that of its key
    """

    def __init__(self, name: str, *, mono_s: float, needs_proof: bool = False) -> None:
        super().__init__(name, mono_s=mono_s, needs_proof=needs_proof)
        self._health: Mapping[str, Any] = {}
        self._health_s = mono_s
        self._snapshot = OpenAlerts((), complete=True, sent=None)

    def feed(
        self,
        leaf: str,
        payload: bytes,
        *,
        retained: bool,
        mono_s: float,
        proof: Proof | None = None,
        number: int | None = None,
    ) -> list[News]:
        """Take a message as `Receiver.feed`, a heartbeat without the log that it names."""
        said = object_of(payload) if leaf == Leaf.HEALTH else {}
        if said:
            payload = plain_json.line({**said, "epoch": None}).encode()
        news = super().feed(
            leaf, payload, retained=retained, mono_s=mono_s, proof=proof, number=number
        )
        if said and self._beat == (said.get("boot_id"), said.get("seq")) and self._beat_s == mono_s:
            self._health, self._health_s = said, mono_s
        for each in news:
            if isinstance(each, OpenAlerts):
                self._snapshot = each
        return news

    def followed(self, mono_s: float) -> Followed:
        """Return what is known of the night at a moment."""
        age_s = _number(self._health.get("data_age_s"), LONGEST_S)
        now, tonight = self._snapshot, self._snapshot.tonight
        counts = tonight.get("counts")
        unheard = self._deadline_s is not None and mono_s >= self._deadline_s
        silent = ServiceState(Absence.SILENT, UNHEARD)
        watches = isinstance(self.state.word, StateWord)
        return Followed(
            state=silent
            if unheard and watches
            else self.state,  # whoever calls `tick`, or does not
            clonus=self._health.get("words") == "Clonus",
            data_age_s=None if age_s is None else age_s + mono_s - self._health_s,
            battery_percent=_number(self._health.get("battery_percent"), 100.0),
            alerts=tuple(alert for each in now.alerts if (alert := alert_of(each)) is not None),
            more_alerts=not now.complete,
            counts=_counts(counts if isinstance(counts, dict) else {}),
            monitored_s=_number(tonight.get("monitored_s"), LONGEST_S),
        )


def _counts(said: Mapping[str, Any]) -> Mapping[Kind, int]:
    found = {kind: said.get(kind.value) for kind in Kind}
    return {kind: n for kind, n in found.items() if type(n) is int and 0 <= n < 10**6}


def _number(value: object, most: float) -> float | None:
    """Return a number that can be one of these; None for any other."""
    usable = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if usable and 0 <= value <= most else None  # type: ignore[operator,arg-type]
