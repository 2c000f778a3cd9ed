"""Present state of a night: status, snapshot and vitals."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from detector.night.liveness import NOT_HEARD
from detector.night.night import Night
from detector.night.technical import CONDITIONS
from detector.sources.clock import Clock
from detector.sources.source import Source
from detector.status import Snapshot, StateWord, Status, Vitals


def judge(night: Night, sources: Sequence[Source], mono_ns: int, *, heard: bool = True) -> Status:
    """Return which of the four states is true, and why.

    Parameters
    ----------
    heard : whether samples have come in this process; those of an earlier one show nothing now
    """
    silent = night.silence(mono_ns) or (None if heard else NOT_HEARD)
    if silent is not None:
        whys = {source.status.why for source in sources}
        why = whys.pop() if len(whys) == 1 else ""  # one cause, or none that is all sensors'
        return Status(StateWord.NO_SIGNAL, why=why or silent)
    spasm = night.spasm
    if spasm is not None:
        return Status(StateWord.SPASM, why=spasm.reason, kind=spasm.kind)
    if night.blind is not None:
        return Status(StateWord.NO_SIGNAL, why=night.blind)
    return Status(StateWord.WATCHING, why=night.partly_silent(mono_ns) or night.doubt)


def snapshot(night: Night, status: Status, since: datetime | None) -> Snapshot:
    """Return everything that a screen needs when it connects."""
    return Snapshot(
        status=status,
        open_alerts=night.open_alerts,
        since=since,
        counts=dict(night.counts),
        contexts=dict(night.contexts),
        monitored_s=round(night.monitored_s, 1),
    )


def vitals(night: Night, clock: Clock) -> Vitals:
    """Return the vitals of the sensor that is worst off in each."""
    mono_ns = clock.mono_ns()
    least_s = _least([watch.battery_lasts_s(mono_ns) for watch in night.watches])
    return Vitals(
        data_age_s=night.data_age_s(mono_ns),
        rate_hz=_least([watch.clock.rate_hz for watch in night.watches]),
        battery_percent=_least([watch.battery_percent for watch in night.watches]),
        battery_lasts_s=None if least_s is None else round(least_s),
    )


def troubles_of(night: Night) -> list[str]:
    """Return the open conditions that are no sensor's, such as a full disk."""
    technical = [alert.kind for alert in night.open_alerts if alert.episode is None]
    return [kind for kind in technical if kind not in CONDITIONS]


def _least(values: Sequence[float | None]) -> float | None:
    return min((value for value in values if value is not None), default=None)
