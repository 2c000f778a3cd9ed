"""From packets on a sensor's clock to blocks on the recording's sample index.

The sensor's own time stamps say what is contiguous and how long a gap was; the host's clock is
asked only where there are none, or where the sensor's clock has been set anew.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from enum import StrEnum

from detector.block import Block, Knot, Timebase
from detector.devices.profile import Chunk
from detector.devices.stream import LinkDown, Reading

_NS = 1_000_000_000

# Less than this may be missing unseen: half a frame, since whole frames get lost, and at most
# 0.25 s, since nothing may be counted across a longer gap.
_UNSEEN_FRAMES = 0.5
_UNSEEN_NS = _NS // 4
# A stamp that is older than the last by less than this is a packet sent twice (a doubled
# subscription does that) or late; by more, the sensor's clock was set back.
_LATE_NS = _NS
# No packet arrives before it is sent: a stamp that runs ahead of the host by more than a crystal
# drifts in a night was set, not counted.
_AHEAD_NS = 2 * _NS
# A sensor that was away may first send what it kept; none is known to keep 30 s.
_BEHIND_NS = 30 * _NS
# Without time stamps: the longest stall measured on a link that lost nothing was 3.6 s.
_SILENCE_NS = 4 * _NS
# A shorter pause is a stall if the stream then catches up, and a loss if it is still behind by as
# much as nothing may be counted across; a stall is over within a window.
_PAUSE_NS = _NS // 2

_WINDOW_NS = 5 * _NS  # holds two frames of the slowest sensor, so that one is likely on time
_RATE_WINDOWS = 12  # a minute: a wrong rate is known within it, 45 ms of jitter leave 0.1 %
_FIRST_RATE_WINDOWS = 4  # what a first word on the rate needs: 20 s
_DRIFT_WINDOWS = 120  # ten minutes, and no word on the drift before half of them: a few ppm
_RATE_TOLERANCE = 0.05  # beyond, a clonus of 6 Hz would be named wrong by 0.3 Hz

_KNOT_S = 300.0  # a drift known to 5 ppm moves a date by 1.5 ms in that time
_MOST_KNOTS = 1000  # three days

_GAPS_KEPT = 256


class GapCause(StrEnum):
    """How a gap was noticed, and so how exact its length is."""

    LOSS = "loss"  # the sensor's stamps jumped: to the sample
    SILENCE = "silence"  # the sensor sends no stamps and nothing came: to a frame or so
    RESET = "reset"  # the sensor's clock was set anew: by the host's clock, to a frame or so


@dataclass(frozen=True, slots=True)
class Gap:
    """`missing` samples never came; the next one that did has the index `stop`."""

    stop: int
    missing: int
    cause: GapCause


@dataclass(frozen=True, slots=True)
class WrongRate:
    """The sensor does not sample as often as it should: rhythms cannot be trusted."""

    expected_hz: float
    got_hz: float


class SampleClock:
    """Return every sample of one sensor's recording its index: index / fs is time since the first.

    The rate of the first chunk holds for the whole recording. Samples at another rate are not
    placed, for time would be stretched: they are missing, and `fault` says why.

    Attributes
    ----------
    gap_count, missing : gaps so far, and the samples in them
    repeated : chunks dropped because they came a second time or late
    unplaced : samples dropped because their rate was unknown or not the recording's
    """

    def __init__(self) -> None:
        self._timebase: Timebase | None = None
        self._next = 0
        self._mono_ns = self._utc_ns = 0  # arrival of the last chunk placed
        self._stamp_ns: int | None = None  # its time by the sensor
        self._least_lag_ns = 0  # host minus sensor, of the chunk that travelled fastest
        self._link_was_lost = False
        self._other_hz: float | None = None
        self._meter = _RateMeter()
        self._pause: _Pause | None = None
        self._gaps: deque[Gap] = deque(maxlen=_GAPS_KEPT)
        self.gap_count = 0
        self.missing = 0
        self.repeated = 0
        self.unplaced = 0

    @property
    def timebase(self) -> Timebase | None:
        """Where the index lies in UTC; None before the first chunk.

        At first as that chunk arrived. Every five minutes of the index a knot is added: the packet
        that travelled fastest says where the index lies on the host's clock, and the lag's growth
        how the sensor drifts. A date once given stays, whenever it is asked for again.
        """
        return self._timebase

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """The latest gaps (at most 256), oldest first."""
        return tuple(self._gaps)

    @property
    def rate_hz(self) -> float | None:
        """Samples per second of the host's clock over the last minute; None in the first 20 s."""
        growth = self._meter.growth(_FIRST_RATE_WINDOWS, _RATE_WINDOWS)
        if self._timebase is None or growth is None:
            return None
        return self._timebase.fs * (1 - growth)

    @property
    def drift_ppm(self) -> float | None:
        """How much faster than said the sensor samples; None in the first five minutes."""
        growth = self._meter.growth(_DRIFT_WINDOWS // 2, _DRIFT_WINDOWS)
        return None if growth is None else -1e6 * growth

    @property
    def fault(self) -> WrongRate | None:
        """The wrong rate that the sensor names, or that is measured; None while it is right."""
        if self._timebase is None:
            return None
        expected_hz, got_hz = self._timebase.fs, self.rate_hz
        if self._other_hz is not None:
            return WrongRate(expected_hz, self._other_hz)
        if got_hz is None or abs(got_hz / expected_hz - 1) <= _RATE_TOLERANCE:
            return None
        return WrongRate(expected_hz, got_hz)

    def take(self, reading: Reading) -> list[Block]:
        """Place whatever samples a reading holds; the same for a live sensor and a replay."""
        if isinstance(reading.item, LinkDown):
            self.link_lost()
        return [
            block
            for output in reading.outputs
            if isinstance(output, Chunk)
            for block in self.feed(output, reading.item.mono_ns, reading.item.utc_ns)
        ]

    def feed(self, chunk: Chunk, mono_ns: int, utc_ns: int) -> list[Block]:
        """Place a chunk that arrived at this time of the host's two clocks."""
        count = len(chunk.samples)
        if count == 0:
            return []
        if chunk.fs is None or (self._timebase is not None and chunk.fs != self._timebase.fs):
            self.unplaced += count
            self._other_hz = chunk.fs
            return []
        if self._timebase is None:
            self._timebase = Timebase(chunk.fs, utc_ns - round(count / chunk.fs * _NS))
            self._restart_clocks(chunk, mono_ns)
        elif self._is_repeated(chunk, mono_ns):
            self.repeated += 1
            return []
        else:
            self._skip_gap(chunk, chunk.fs, mono_ns, utc_ns)
        block = Block(chunk.samples, self._next, chunk.fs)
        self._next = block.stop
        self._mono_ns, self._utc_ns, self._stamp_ns = mono_ns, utc_ns, chunk.last_ns
        self._link_was_lost, self._other_hz = False, None
        if chunk.last_ns is not None:
            self._least_lag_ns = min(self._least_lag_ns, mono_ns - chunk.last_ns)
        self._meter.feed(mono_ns, mono_ns - round(self._next / chunk.fs * _NS))
        self._tie_knot(self._timebase)
        return [block]

    def _tie_knot(self, base: Timebase) -> None:
        """Date what comes from now on by all that is known."""
        reached_s = self._next / base.fs
        last_s = base.knots[-1].from_s if base.knots else 0.0
        if reached_s - last_s < _KNOT_S:
            return
        fit = self._meter.fit()
        if fit is None:
            return
        least_ns, growth = fit
        pace = 1 / (1 - growth)
        epoch_ns = round(least_ns * pace) + self._utc_ns - self._mono_ns
        knots = (*base.knots, Knot(reached_s, epoch_ns, pace))[-_MOST_KNOTS:]
        self._timebase = replace(base, knots=knots)

    def link_lost(self) -> None:
        """Say that a sensor without time stamps cannot have gone on without a gap."""
        self._link_was_lost = True

    def _was_long_away(self, kept_ns: int) -> bool:
        """Whether a sensor cannot have kept samples for so long: its link was lost meanwhile.

        On a link that stands they may be minutes late (polar-ble-sdk issues 319, 569).
        """
        return self._link_was_lost and kept_ns > _BEHIND_NS

    def _is_repeated(self, chunk: Chunk, mono_ns: int) -> bool:
        if chunk.last_ns is None or self._stamp_ns is None:
            return False
        if self._was_long_away(mono_ns - self._mono_ns):
            return False  # the sensor's clock was set to where it was
        return -_LATE_NS < chunk.last_ns - self._stamp_ns <= 0

    def _skip_gap(self, chunk: Chunk, fs: float, mono_ns: int, utc_ns: int) -> None:
        """Move the index on by what is missing before this chunk."""
        waited_ns = mono_ns - self._mono_ns
        if waited_ns < 0:  # the host was started anew, and its monotonic clock with it
            waited_ns = max(0, utc_ns - self._utc_ns)
            self._restart_clocks(chunk, mono_ns)
        frame_ns = round(len(chunk.samples) / fs * _NS)
        unheard_ns = max(0, waited_ns - frame_ns)
        if chunk.last_ns is None or self._stamp_ns is None:
            if self._link_was_lost or unheard_ns > _SILENCE_NS:
                self._note_gap(unheard_ns, fs, GapCause.SILENCE)
                self._restart_clocks(chunk, mono_ns)
            else:
                self._catch_up(unheard_ns, len(chunk.samples), fs, mono_ns)
            return
        advance_ns = chunk.last_ns - self._stamp_ns
        lost_ns = advance_ns - frame_ns
        kept_ns = waited_ns - advance_ns  # how long the sensor must have kept it
        unseen_ns = min(_UNSEEN_FRAMES * frame_ns, _UNSEEN_NS)
        if advance_ns > 0 and lost_ns <= unseen_ns and not self._was_long_away(kept_ns):
            return
        lead_ns = self._least_lag_ns - (mono_ns - chunk.last_ns)
        if advance_ns <= 0 or lead_ns > _AHEAD_NS or self._was_long_away(kept_ns):
            self._note_gap(unheard_ns, fs, GapCause.RESET)
            self._restart_clocks(chunk, mono_ns)
        else:
            self._note_gap(lost_ns, fs, GapCause.LOSS)
            if lost_ns > _WINDOW_NS:
                self._meter = _RateMeter()

    def _catch_up(self, unheard_ns: int, count: int, fs: float, mono_ns: int) -> None:
        """Find out whether a short pause of a stream without stamps was a stall or a loss."""
        if self._pause is None:
            if unheard_ns > _PAUSE_NS:
                self._pause = _Pause(mono_ns + _WINDOW_NS, self._meter.least(_RATE_WINDOWS))
            return
        lag_ns = mono_ns - round((self._next + count) / fs * _NS)
        self._pause.least_ns = min(self._pause.least_ns, lag_ns)
        if mono_ns < self._pause.until_ns:
            return
        behind_ns, self._pause = self._pause.least_ns - self._pause.before_ns, None
        if behind_ns > _UNSEEN_NS:
            self._note_gap(behind_ns, fs, GapCause.SILENCE)
            self._meter = _RateMeter()

    def _note_gap(self, length_ns: int, fs: float, cause: GapCause) -> None:
        missing = max(1, round(length_ns * fs / _NS))
        self._next += missing
        self._gaps.append(Gap(self._next, missing, cause))
        self.gap_count += 1
        self.missing += missing

    def _restart_clocks(self, chunk: Chunk, mono_ns: int) -> None:
        """Forget how the two clocks went together: the sensor's begins anew."""
        self._meter = _RateMeter()
        self._pause = None
        self._least_lag_ns = mono_ns - (chunk.last_ns or 0)


@dataclass(slots=True)
class _Pause:
    """A pause that may have been a loss: judged at `until_ns` by the least lag since."""

    until_ns: int
    before_ns: int  # least lag before it
    least_ns: int = 1 << 62


class _RateMeter:
    """How fast the index falls behind the host's clock.

    A packet is delayed, never early, so the truth is the line under all points: of the lines that
    lie under them, the closest (Moon, Skelly and Towsley, INFOCOM 1999). Of every window only its
    lowest point can touch it.
    """

    def __init__(self) -> None:
        self._lowest: deque[tuple[int, int]] = deque(maxlen=_DRIFT_WINDOWS)  # of closed windows
        self._window: int | None = None
        self._point = (0, 0)

    def feed(self, mono_ns: int, lag_ns: int) -> None:
        """Take the host's time and how far the index lies behind it."""
        if mono_ns // _WINDOW_NS == self._window:
            self._point = min(self._point, (mono_ns, lag_ns), key=lambda point: point[1])
            return
        if self._window is not None:
            self._lowest.append(self._point)
        self._window = mono_ns // _WINDOW_NS
        self._point = (mono_ns, lag_ns)

    def least(self, most: int) -> int:
        """Return the least lag of the last `most` windows and the present one."""
        return min(lag_ns for _, lag_ns in [*list(self._lowest)[-most:], self._point])

    def fit(self) -> tuple[float, float] | None:
        """Return the line under all points: lag in ns at host time 0, and its growth.

        Before the drift is known, the least lag of the last minute.
        """
        if self._window is None:
            return None
        known = self.growth(_DRIFT_WINDOWS // 2, _DRIFT_WINDOWS)
        points = [*self._lowest, self._point]
        growth = 0.0 if known is None else known
        points = points[-_RATE_WINDOWS:] if known is None else points
        return min(lag_ns - growth * mono_ns for mono_ns, lag_ns in points), growth

    def growth(self, least: int, most: int) -> float | None:
        """Seconds that the lag grew by each second, over the last `most` windows."""
        points = list(self._lowest)[-most:]
        if len(points) < least:
            return None
        hull: list[tuple[int, int]] = []
        for x, y in points:
            while len(hull) > 1 and _turns_down(hull[-2], hull[-1], (x, y)):
                hull.pop()
            hull.append((x, y))
        middle = sum(x for x, _ in points) / len(points)
        right = next(i for i, (x, _) in enumerate(hull) if x >= middle)
        (x0, y0), (x1, y1) = hull[right - 1], hull[right]
        return (y1 - y0) / (x1 - x0)


def _turns_down(a: tuple[int, int], b: tuple[int, int], c: tuple[int, int]) -> bool:
    return (b[1] - a[1]) * (c[0] - b[0]) >= (c[1] - b[1]) * (b[0] - a[0])
