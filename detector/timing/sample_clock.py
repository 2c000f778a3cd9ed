"""From packets on a sensor's clock to blocks on the recording's sample index.

The sensor's own time stamps determine what is contiguous and how long a gap was; the host's clock
is used only where there are none, or where the sensor's clock has been set anew.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from detector.block import Block, Knot, Timebase
from detector.devices.profile import Chunk
from detector.devices.stream import LinkDown, LinkUp, Reading
from detector.plain import from_plain, pack, to_plain, unpack
from detector.timing.gap import Gap, GapCause
from detector.timing.rate_meter import (
    DRIFT_WINDOWS,
    FIRST_RATE_WINDOWS,
    RATE_WINDOWS,
    WINDOW_NS,
    RateMeter,
)

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

RATE_TOLERANCE = 0.05  # beyond, a clonus of 6 Hz would be named wrong by 0.3 Hz

# The wall clock was set, not kept: NTP's own corrections are slower, and beyond 0.13 s steps.
_SET_NS = 2 * _NS

_KNOT_S = 300.0  # a drift known to 5 ppm moves a date by 1.5 ms in that time
_MOST_KNOTS = 1000  # three days

_GAPS_KEPT = 256


@dataclass(frozen=True, slots=True)
class WrongRate:
    """The sensor does not sample as often as it should: rhythms cannot be trusted."""

    expected_hz: float
    got_hz: float


class SampleClock:
    """Assign every sample of one sensor's recording its index: index / fs is time since the first.

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
        self._meter = RateMeter()
        self._pause: _Pause | None = None
        self._gaps: deque[Gap] = deque(maxlen=_GAPS_KEPT)
        self.gap_count = 0
        self.missing = 0
        self.repeated = 0
        self.unplaced = 0

    @property
    def timebase(self) -> Timebase | None:
        """Where the index lies in UTC; None before the first chunk.

        At first as that chunk arrived; anew where the wall clock was set. Every five minutes of the
        index a knot is added: the packet that travelled fastest says where the index lies on the
        host's clock, and the lag's growth how the sensor drifts. A date
        once returned never changes.
        """
        return self._timebase

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """The latest gaps (at most 256), oldest first."""
        return tuple(self._gaps)

    @property
    def rate_hz(self) -> float | None:
        """Samples per second of the host's clock over the last minute; None in the first 20 s."""
        growth = self._meter.growth(FIRST_RATE_WINDOWS, RATE_WINDOWS)
        if self._timebase is None or growth is None:
            return None
        return self._timebase.fs * (1 - growth)

    @property
    def drift_ppm(self) -> float | None:
        """How much faster than nominal the sensor samples; None in the first five minutes."""
        growth = self._meter.growth(DRIFT_WINDOWS // 2, DRIFT_WINDOWS)
        return None if growth is None else -1e6 * growth

    @property
    def fault(self) -> WrongRate | None:
        """The wrong rate that the sensor names, or that is measured; None while it is right."""
        if self._timebase is None:
            return None
        expected_hz, got_hz = self._timebase.fs, self.rate_hz
        if self._other_hz is not None:
            return WrongRate(expected_hz, self._other_hz)
        if got_hz is None or abs(got_hz / expected_hz - 1) <= RATE_TOLERANCE:
            return None
        return WrongRate(expected_hz, got_hz)

    def take(self, reading: Reading) -> list[Block]:
        """Place whatever samples a reading holds; the same for a live sensor and a replay."""
        if isinstance(reading.item, LinkUp | LinkDown):  # a killed process writes no LinkDown
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
            self._follow_wall_clock(self._timebase, mono_ns, utc_ns)
        block = Block(chunk.samples, self._next, chunk.fs)
        self._next = block.stop
        self._mono_ns, self._utc_ns, self._stamp_ns = mono_ns, utc_ns, chunk.last_ns
        self._link_was_lost, self._other_hz = False, None
        if chunk.last_ns is not None:
            self._least_lag_ns = min(self._least_lag_ns, mono_ns - chunk.last_ns)
        self._meter.feed(mono_ns, mono_ns - round(self._next / chunk.fs * _NS))
        self._tie_knot(self._timebase)
        return [block]

    def _follow_wall_clock(self, base: Timebase, mono_ns: int, utc_ns: int) -> None:
        """Add a knot where the wall clock was set, by as much as it was.

        Behind a lost link the computer may have been started anew: the next fit tells.
        """
        step_ns = (utc_ns - mono_ns) - (self._utc_ns - self._mono_ns)
        if self._link_was_lost or mono_ns < self._mono_ns or abs(step_ns) <= _SET_NS:
            return
        last = base.knots[-1] if base.knots else Knot(0.0, base.epoch_ns or 0, 1.0)
        knot = replace(last, from_s=self._next / base.fs, epoch_ns=last.epoch_ns + step_ns)
        self._timebase = replace(base, knots=(*base.knots, knot)[-_MOST_KNOTS:])

    def _tie_knot(self, base: Timebase) -> None:
        """Add a knot: later samples are dated by all that is known now."""
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

    def save(self) -> dict[str, Any]:
        """Return the state as plain data."""
        return {
            "timebase": None if self._timebase is None else _save_timebase(self._timebase),
            "meter": self._meter.save(),
            "pause": to_plain(self._pause),
            "gaps": [[gap.stop, gap.missing, gap.cause.value] for gap in self._gaps],
            **{name: getattr(self, name) for name in _NUMBERS},
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a saved state.

        Stamps of the host's monotonic clock stay as they were, also where the host was started
        anew since: `feed` finds that out, here as in a replay of the same items.
        """
        base, gaps = state["timebase"], state["gaps"]
        self._timebase = None if base is None else _load_timebase(base)
        self._meter.load(state["meter"])
        self._pause = from_plain(_Pause | None, state["pause"])
        self._gaps = deque((Gap(s, n, GapCause(c)) for s, n, c in gaps), maxlen=_GAPS_KEPT)
        for name in _NUMBERS:
            setattr(self, name, state[name])

    def link_lost(self) -> None:
        """Note that the link was lost: without time stamps the next chunk comes after a gap."""
        self._link_was_lost = True

    def _was_long_away(self, kept_ns: int) -> bool:
        """Whether a sensor cannot have kept samples for so long: its link was lost meanwhile.

        On a link that stands they may be minutes late (polar-ble-sdk issues 319, 569).
        """
        return self._link_was_lost and kept_ns > _BEHIND_NS

    def _host_was_off(self, chunk: Chunk, waited_ns: int, passed_ns: int) -> bool:
        """Whether the monotonic clock did not run on: the host was asleep or started anew.

        The sensor's clock and the wall clock then both show that more time has passed.
        """
        if not self._link_was_lost or chunk.last_ns is None or self._stamp_ns is None:
            return False
        agrees = abs(chunk.last_ns - self._stamp_ns - passed_ns) <= _AHEAD_NS
        return agrees and passed_ns - waited_ns > _AHEAD_NS

    def _is_repeated(self, chunk: Chunk, mono_ns: int) -> bool:
        if chunk.last_ns is None or self._stamp_ns is None:
            return False
        if self._was_long_away(mono_ns - self._mono_ns):
            return False  # the sensor's clock was set to where it was
        return -_LATE_NS < chunk.last_ns - self._stamp_ns <= 0

    def _skip_gap(self, chunk: Chunk, fs: float, mono_ns: int, utc_ns: int) -> None:
        """Move the index on by what is missing before this chunk."""
        waited_ns, passed_ns = mono_ns - self._mono_ns, utc_ns - self._utc_ns
        if waited_ns < 0 or self._host_was_off(chunk, waited_ns, passed_ns):
            waited_ns = max(0, passed_ns)
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
            if lost_ns > WINDOW_NS:
                self._meter = RateMeter()

    def _catch_up(self, unheard_ns: int, count: int, fs: float, mono_ns: int) -> None:
        """Find out whether a short pause of a stream without stamps was a stall or a loss."""
        if self._pause is None:
            if unheard_ns > _PAUSE_NS:
                self._pause = _Pause(mono_ns + WINDOW_NS, self._meter.least(RATE_WINDOWS))
            return
        lag_ns = mono_ns - round((self._next + count) / fs * _NS)
        self._pause.least_ns = min(self._pause.least_ns, lag_ns)
        if mono_ns < self._pause.until_ns:
            return
        behind_ns, self._pause = self._pause.least_ns - self._pause.before_ns, None
        if behind_ns > _UNSEEN_NS:
            self._note_gap(behind_ns, fs, GapCause.SILENCE)
            self._meter = RateMeter()

    def _note_gap(self, length_ns: int, fs: float, cause: GapCause) -> None:
        missing = max(1, round(length_ns * fs / _NS))
        self._next += missing
        self._gaps.append(Gap(self._next, missing, cause))
        self.gap_count += 1
        self.missing += missing

    def _restart_clocks(self, chunk: Chunk, mono_ns: int) -> None:
        """Clear the relation of the two clocks: the sensor's begins anew."""
        self._meter = RateMeter()
        self._pause = None
        self._least_lag_ns = mono_ns - (chunk.last_ns or 0)


@dataclass(slots=True)
class _Pause:
    """A pause that may have been a loss: judged at `until_ns` by the least lag since."""

    until_ns: int
    before_ns: int  # least lag before it
    least_ns: int = 1 << 62


_NUMBERS = (
    "_next", "_mono_ns", "_utc_ns", "_stamp_ns", "_least_lag_ns", "_link_was_lost", "_other_hz",
    "gap_count", "missing", "repeated", "unplaced",
)  # fmt: skip


def _save_timebase(base: Timebase) -> dict[str, Any]:
    """Return it as plain data; knots as arrays, for there may be a thousand."""
    return {
        "fs": base.fs,
        "epoch_ns": base.epoch_ns,
        "knots": pack(np.array([(k.from_s, k.pace) for k in base.knots]).reshape(-1, 2)),
        "knots_epoch_ns": pack(np.array([k.epoch_ns for k in base.knots], np.int64)),
    }


def _load_timebase(saved: dict[str, Any]) -> Timebase:
    fits = unpack(saved["knots"], np.float64).tolist()
    epochs_ns = unpack(saved["knots_epoch_ns"], np.int64).tolist()
    knots = zip(fits, epochs_ns, strict=True)
    return Timebase(
        saved["fs"],
        saved["epoch_ns"],
        tuple(Knot(from_s, epoch_ns, pace) for (from_s, pace), epoch_ns in knots),
    )
