"""Technical conditions of one sensor that time alone tells: losses, rate and battery."""

from __future__ import annotations

from typing import Any

from detector.alerts.conditions import Condition
from detector.block import Block
from detector.devices.charge import Charge
from detector.devices.profile import NOT_TOLD
from detector.devices.registry import BUILT_IN
from detector.dsp.quality import DOUBTFUL, Cause
from detector.night.observation import SensorCondition
from detector.timing.lost_share import LostShare
from detector.timing.sample_clock import SampleClock
from detector.words.technical import (
    battery_unknown_words,
    battery_words,
    data_lost_words,
    doubled_words,
    rate_drift_words,
    wrong_rate_words,
)

CONDITIONS = frozenset({
    Condition.NO_SIGNAL, Condition.DATA_LOST,
    Condition.WRONG_RATE, Condition.RATE_DRIFT, Condition.DOUBLED,
    Condition.BATTERY, Condition.BATTERY_CRITICAL, Condition.BATTERY_UNKNOWN,
    *map(Condition, Cause),
})  # fmt: skip
"""Names of all that a sensor may have; any other condition is one of the service."""

DOUBTS = frozenset({Condition.WRONG_RATE, *map(Condition, DOUBTFUL)})
"""Of these, what lets events be found and be wrong."""

LOW_PERCENT = 20
CRITICAL_PERCENT = 8
"""Bars of the reliability note (hazard H12): at 20 % many do not last a night whatever their gauge
says, at 8 % they stop at any moment."""

SOON_EMPTY_S = 3600.0  # time to find another sensor or its charger before it stops
NIGHT_S = 10 * 3600.0  # how long a night is watched: the forecast asks what is left of it

TELL_THEIR_LEVEL = frozenset(
    driver.name for driver in BUILT_IN if driver.sheet.battery != NOT_TOLD
) - {"open-frame"}
"""Device names of sensors that say how full their battery is. An open frame may leave it out."""

UNREPORTED_S = 600.0
"""After the link is made a sensor's level is read at once, or sent within seconds; not after ten
minutes means that its reports are lost. A gauge may then rest for hours: only a new link, which
reads it again, is waited for."""

DRIFT_PPM, CALM_PPM = 30_000.0, 20_000.0
"""Over ten minutes. Cheap sensors run up to 1 % beside their rate, and a link without time stamps
that loses 2 % looks 2 % slow: beyond 3 %, clonus at 6 Hz is shown 0.2 Hz wrong. It ends at 2 %."""

DOUBLED_SHARE = 0.2  # of the packets that came since the last judgement
DOUBLED_FEWEST = 20  # packets, before a share is judged: one is sent twice after many a new link


class Technical:
    """What is the matter with a sensor, judged as time passes.

    Attributes
    ----------
    charge : of its battery
    """

    def __init__(self) -> None:
        self.charge = Charge()
        self._lost = LostShare()
        self._begun_ns: int | None = None  # first item or tick
        self._ends_early = False  # the forecast says that the battery will not last the night
        self._untold_ns: int | None = None  # since when a level is due that has not come
        self._untold = False  # for so long that somebody must know
        self._first_ppm: float | None = None
        self._drifts = False
        self._packets = 0  # that were placed since the share of repeated ones was judged
        self._repeated = 0  # of the clock, when it was judged
        self._doubled = False

    def linked(self, driver: str, mono_ns: int) -> None:
        """Take a new link to a sensor: many tell their battery's level now."""
        tells = driver in TELL_THEIR_LEVEL or self.charge.percent is not None
        self._untold_ns = mono_ns if tells else None

    def told_level(self, percent: int, mono_ns: int) -> SensorCondition:
        """Take the battery's level, 0 to 100; return that it is known."""
        self.charge.feed(percent, mono_ns)
        self._untold_ns, self._untold = None, False
        return SensorCondition(Condition.BATTERY_UNKNOWN, None, mono_ns)

    def came(self, block: Block, mono_ns: int) -> list[SensorCondition]:
        """Take samples that were placed; return what is known by them of the time before.

        Losses are judged by what comes, not by ticks: a replay has others. While nothing comes
        there is no signal, which is an alarm of its own.
        """
        self._packets += 1
        due_ns = None if self._untold_ns is None else self._untold_ns + round(UNREPORTED_S * 1e9)
        told = list[SensorCondition]()
        if due_ns is not None and mono_ns >= due_ns and not self._untold:
            self._untold = True
            told.append(
                SensorCondition(Condition.BATTERY_UNKNOWN, battery_unknown_words(), mono_ns)
            )
        was = self._lost.high
        begin_ns = mono_ns - round(len(block) / block.fs * 1e9)
        return told + [
            SensorCondition(
                Condition.DATA_LOST, data_lost_words() if was == bool(n % 2) else None, at_ns
            )
            for n, at_ns in enumerate(self._lost.cover(begin_ns, mono_ns))
        ]

    def tick(self, clock: SampleClock, mono_ns: int) -> list[SensorCondition]:
        """Advance time; return each condition, with why it holds or None."""
        self._begun_ns = mono_ns if self._begun_ns is None else self._begun_ns
        lasts_s = self.charge.lasts_s(mono_ns)
        whys = {
            Condition.WRONG_RATE: None if clock.fault is None else wrong_rate_words(clock.fault),
            Condition.RATE_DRIFT: self._drift_words(clock),
            Condition.DOUBLED: doubled_words() if self._is_doubled(clock) else None,
            Condition.DATA_LOST: data_lost_words() if self._lost.high else None,
            Condition.BATTERY: self._low_words(lasts_s, mono_ns),
            Condition.BATTERY_CRITICAL: self._critical_words(lasts_s),
            Condition.BATTERY_UNKNOWN: battery_unknown_words() if self._untold else None,
        }
        return [SensorCondition(name, why, mono_ns) for name, why in whys.items()]

    def inherit(self, state: dict[str, Any]) -> None:
        """Take over from the state of an earlier recording what belongs to the sensor itself."""
        self.charge.load(state["charge"])

    def shift_clock(self, by_ns: int) -> None:
        """Move stamps of the monotonic clock, which began anew."""
        self.charge.shift_clock(by_ns)
        self._lost.shift_clock(by_ns)
        if self._begun_ns is not None:
            self._begun_ns += by_ns
        if self._untold_ns is not None:
            self._untold_ns += by_ns

    def save(self) -> dict[str, Any]:
        """Return the state as plain data."""
        return {
            "charge": self.charge.save(),
            "lost": self._lost.save(),
            "technical": [getattr(self, name) for name in _NUMBERS],
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        self.charge.load(state["charge"])
        if "technical" in state:  # younger than the first saved nights
            self._lost.load(state["lost"])
            for name, value in zip(_NUMBERS, state["technical"], strict=True):
                setattr(self, name, value)

    def _drift_words(self, clock: SampleClock) -> str | None:
        ppm = clock.drift_ppm
        if ppm is None or clock.fault is not None:
            self._drifts = False
            return None
        self._first_ppm = ppm if self._first_ppm is None else self._first_ppm
        most_ppm = max(abs(ppm), abs(ppm - self._first_ppm))
        self._drifts = most_ppm >= (CALM_PPM if self._drifts else DRIFT_PPM)
        return rate_drift_words(DRIFT_PPM) if self._drifts else None

    def _is_doubled(self, clock: SampleClock) -> bool:
        """Return whether packets come twice: of those since the last judgement, too many did."""
        twice = clock.repeated - self._repeated
        if self._packets + twice >= DOUBLED_FEWEST:
            self._doubled = twice >= DOUBLED_SHARE * (self._packets + twice)
            self._packets, self._repeated = 0, clock.repeated
        return self._doubled

    def _critical_words(self, lasts_s: float | None) -> str | None:
        percent = self.charge.percent
        soon = lasts_s is not None and lasts_s <= SOON_EMPTY_S
        if percent is None or not (soon or percent <= CRITICAL_PERCENT):
            return None
        return battery_words(percent, critical=True)

    def _low_words(self, lasts_s: float | None, mono_ns: int) -> str | None:
        """Return why the battery needs attention; None while it does not."""
        percent = self.charge.percent
        if percent is None:
            return None
        if lasts_s is None:
            self._ends_early = False
        else:
            watched_s = 0.0 if self._begun_ns is None else (mono_ns - self._begun_ns) / 1e9
            needed_s = max(NIGHT_S - watched_s, SOON_EMPTY_S)
            # A forecast varies from step to step of the gauge: it is over by a margin.
            self._ends_early = lasts_s < needed_s + (SOON_EMPTY_S if self._ends_early else 0)
        if not self._ends_early and percent > LOW_PERCENT:
            return None
        return battery_words(percent, ends_early=self._ends_early)


_NUMBERS = (
    "_begun_ns", "_ends_early", "_untold_ns", "_untold", "_first_ppm", "_drifts", "_packets",
    "_repeated", "_doubled",
)  # fmt: skip
