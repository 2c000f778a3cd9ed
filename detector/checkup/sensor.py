"""A short look at the sensor: whether it is heard, how fast, how whole, how steady, how full."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

import numpy as np

from detector.block import EPOCH
from detector.checkup.check import CheckResult, fail, ok, skip, warn
from detector.devices.charge import Charge
from detector.devices.profile import Battery, Chunk, Note, Refused
from detector.devices.stream import Item, LinkUp, Reading
from detector.timing.sample_clock import SampleClock

SENSOR, RATE, LOSS = "Sensor", "Sample rate", "Lost samples"
DRIFT, BATTERY = "Sensor clock", "Battery"

RATE_TOLERANCE = 0.05  # as the night's own watch: beyond, a clonus of 6 Hz is misnamed by 0.3 Hz
# One frame of the slowest sensor lost in 10 s is 7 to 14 %: worth a word, and a habit at twice it.
MOST_LOST = 0.15
ODD_DRIFT_PPM = 500.0  # crystals keep within 100; a clock corrected by more is no crystal
LOW_BATTERY = 20  # per cent: the makers' figures make that two to four hours
LEAST_LOOK_S = 3.0  # of samples; less says nothing of a rate
MOST_NOTES = 8
_MOST_ARRIVALS = 8192  # 30 a second for four minutes
STRIP = 30  # chunks whose liveliness is remembered


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a sensor samples by the host's clock, and how far that can be trusted."""

    rate_hz: float
    drift_ppm: float
    doubt_ppm: float


class Look:
    """Takes readings as they come and remembers what a person wants to know of them.

    Attributes
    ----------
    link : the latest, None before the first
    samples, errors : that came; packets that made no sense
    charge : of its battery, as it says
    refused : why the sensor cannot be used as it is
    notes : what else the driver had to say
    strip : rms of the movement in the latest chunks, g
    """

    def __init__(self) -> None:
        self.clock = SampleClock()
        self._latest: Item | None = None
        self.link: LinkUp | None = None
        self.samples = self.errors = 0
        self.charge = Charge()
        self.refused: str | None = None
        self.notes: list[str] = []
        self.strip: deque[float] = deque(maxlen=STRIP)
        # Arrival, ns, and the index that follows, for every chunk placed.
        self._arrivals: deque[tuple[int, int]] = deque(maxlen=_MOST_ARRIVALS)

    def take(self, reading: Reading) -> None:
        """Take the next thing that came from the sensor."""
        self._latest = reading.item
        if isinstance(reading.item, LinkUp):
            self.link = reading.item
        self.errors += reading.error is not None
        for output in reading.outputs:
            match output:
                case Battery():
                    self.charge.feed(output.percent, reading.item.mono_ns)
                case Refused():
                    self.refused = output.reason
                case Note() if len(self.notes) < MOST_NOTES:
                    self.notes.append(output.text)
                case Chunk() if len(output.samples):
                    self.strip.append(float(np.sqrt(output.samples.var(axis=0).sum())))
        for block in self.clock.take(reading):
            self.samples += len(block)
            self._arrivals.append((reading.item.mono_ns, block.stop))

    @property
    def fs(self) -> float | None:
        """Rate that the sensor says it has, Hz."""
        return None if self.clock.timebase is None else self.clock.timebase.fs

    @property
    def span_s(self) -> float:
        """How long samples have been coming, by the host's clock."""
        return (self._arrivals[-1][0] - self._arrivals[0][0]) / 1e9 if self._arrivals else 0.0

    @property
    def empty_at(self) -> datetime | None:
        """When the battery will be empty, UTC; None before that can be foretold."""
        if self._latest is None:
            return None
        lasts_s = self.charge.lasts_s(self._latest.mono_ns)
        now = EPOCH + timedelta(microseconds=self._latest.utc_ns // 1000)
        return None if lasts_s is None else now + timedelta(seconds=lasts_s)

    @property
    def lost(self) -> float:
        """Share of the samples that never came."""
        return self.clock.missing / max(1, self.clock.missing + self.samples)

    @property
    def pace(self) -> Pace | None:
        """How fast it samples; None while too few came to say.

        A packet is late, never early. So of the first and the last third of the look the packet
        that travelled fastest counts. How far the packets are spread bounds how late these two may
        have been: of 20,000 looks of 10 s with delays at random, all but 5 were within it.
        """
        if self.fs is None or self.span_s < LEAST_LOOK_S:
            return None
        points = np.array(self._arrivals, dtype=np.float64)
        t_s = (points[:, 0] - points[0, 0]) / 1e9
        lag_s = t_s - points[:, 1] / self.fs
        early, late = np.flatnonzero(t_s <= t_s[-1] / 3), np.flatnonzero(t_s >= t_s[-1] * 2 / 3)
        a, b = early[lag_s[early].argmin()], late[lag_s[late].argmin()]
        growth = float((lag_s[b] - lag_s[a]) / (t_s[b] - t_s[a]))
        spread_s = float(np.ptp(lag_s - growth * t_s))
        doubt = spread_s / float(t_s[b] - t_s[a])
        return Pace(self.fs * (1 - growth), -1e6 * growth, 1e6 * doubt)


def check_sensor(
    look: Look, *, why: str, loss_note: str = "", zone: tzinfo | None = None
) -> list[CheckResult]:
    """Check what was seen.

    Parameters
    ----------
    why : why nothing came, as the source said it
    loss_note : how this kind of sensor notices lost samples
    zone : in which times are read; None is the computer's
    """
    heard = check_heard(look, why)
    if not look.samples:
        return [heard]
    return [
        heard,
        check_rate(look),
        check_loss(look, loss_note),
        check_drift(look),
        check_battery(look.charge.percent, look.empty_at, zone),
    ]


def check_heard(look: Look, why: str) -> CheckResult:
    """Ask whether it sends samples."""
    if look.refused is not None:
        return fail(SENSOR, look.refused, "spasmwatch scan --all   (to find another)")
    if look.link is None:
        return fail(
            SENSOR,
            why or "it is not heard",
            "spasmwatch scan   (after pressing its button and closing its phone app: it talks to "
            "one partner at a time)",
        )
    name = look.link.name or look.link.address
    if not look.samples:
        return fail(
            SENSOR,
            f"{name} is connected, but no samples come. {why}".rstrip(),
            "spasmwatch doctor   (after switching the sensor off and on)",
        )
    detail = f"{name} ({look.link.driver}) streams"
    if look.notes:
        return warn(SENSOR, f"{detail}; {'; '.join(look.notes)}")
    if look.errors:
        return warn(
            SENSOR,
            f"{detail}; {look.errors} of its packets made no sense",
            "spasmwatch record --capture odd.jsonl   (and send that file to the developers)",
        )
    return ok(SENSOR, detail)


def check_rate(look: Look) -> CheckResult:
    """Ask whether it samples as fast as it says."""
    pace, fs = look.pace, look.fs
    if pace is None or fs is None:
        return skip(RATE, f"too few samples to say: {look.samples} in {look.span_s:.1f} s")
    detail = f"{pace.rate_hz:.1f} samples/s (want {fs:g})"
    off = abs(pace.rate_hz / fs - 1)
    if off <= RATE_TOLERANCE:
        return ok(RATE, detail)
    if pace.doubt_ppm * 1e-6 > RATE_TOLERANCE:
        return warn(
            RATE, f"{detail}, but packets came in bursts", "spasmwatch doctor   (nearer to it)"
        )
    return fail(
        RATE,
        f"{detail}: {100 * off:.0f} % off, rhythms would be misread",
        "spasmwatch doctor   (after restarting the sensor, or updating its firmware)",
    )


def check_loss(look: Look, loss_note: str = "") -> CheckResult:
    """Ask whether everything arrives."""
    gaps = look.clock.gap_count
    detail = f"{100 * look.lost:.1f} % lost in {look.span_s:.0f} s"
    if gaps:
        detail += f", {gaps} gap{'s' if gaps > 1 else ''}"
    if loss_note:
        detail += f" (noticed by {loss_note})"
    nearer = "spasmwatch doctor   (after moving this computer or its adapter nearer to the bed)"
    if look.lost > MOST_LOST:
        return fail(LOSS, detail, nearer)
    return warn(LOSS, detail, nearer) if gaps else ok(LOSS, detail)


def check_drift(look: Look) -> CheckResult:
    """Ask whether its clock runs with ours."""
    pace = look.pace
    if pace is None:
        return skip(DRIFT, "too few samples to say")
    doubt = max(1.0, pace.doubt_ppm)
    if abs(pace.drift_ppm) - doubt > ODD_DRIFT_PPM:
        return warn(DRIFT, f"{pace.drift_ppm:+.0f} ppm, corrected, but odd for a quartz")
    if abs(pace.drift_ppm) <= doubt:
        return ok(DRIFT, f"no drift beyond {doubt:.0f} ppm, which is all that a short look tells")
    return ok(DRIFT, f"drifts {pace.drift_ppm:+.0f} ppm (give or take {doubt:.0f}), corrected")


def check_battery(
    percent: int | None, empty_at: datetime | None = None, zone: tzinfo | None = None
) -> CheckResult:
    """Ask how full it is, and until when that lasts where it can be told."""
    if percent is None:
        return skip(BATTERY, "this sensor does not tell")
    detail = f"{percent} %"
    if empty_at is not None:
        detail += f", it lasts until about {empty_at.astimezone(zone):%H:%M}"
    if percent < LOW_BATTERY:
        return warn(BATTERY, f"{detail}: charge it, or change the cell, before the night")
    return ok(BATTERY, detail)
