"""What bouts mean together: phases, joined pieces, periodic series, episodes, revisions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from detector.dsp.frames import FRAME
from detector.dsp.grid import GRID_HZ
from detector.events import SPASM_FAMILY, Event, Kind, Phase, event_id, grade_of, relabelled
from detector.recognition.bouts import PAUSE_FRAMES, Bout, Moment
from detector.recognition.classifier import Finding, beside
from detector.recognition.model import Rules

ANNOUNCED = frozenset({Kind.SPASM, Kind.CLONUS})  # the others are told when they are over
EPISODE_S = 90.0  # spasms with less between them belong together (contract)
PLM_KINDS = frozenset({Kind.SPASM, Kind.TWITCH, Kind.MOVEMENT, Kind.TONIC})
PLM_DURATION_S = (0.5, 10.0)  # a candidate leg movement (WASM 2016, Ferri)
PLM_COUNT = 4  # ... and how many of them make a series
PLM_WHOLE_S = 6.0  # up, held and back: longer than most (mean 3.2 s), shorter than an interval


@dataclass(frozen=True, slots=True)
class _Piece:
    """A bout that was cut for length: an event that is over unless the next bout continues it."""

    event: Event
    finding: Finding


class Sequence:
    """One wearer's memory between bouts; bounded, plain, saved and restored."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._told: Event | None = None  # what was last said of the bout under way
        self._pending: _Piece | None = None
        self._series: list[Event] = []
        self._episode: tuple[str, float] | None = None  # id, end of its last spasm in seconds

    def admit(self, bout: Bout, finding: Finding) -> list[Event]:
        """Take what a bout is at one of its moments, give what there is to say now."""
        over = bout.moment is Moment.OVER
        if not over and (finding.kind not in ANNOUNCED or _says_little(bout)):
            return []
        released, whole = self._continued(finding)
        phase = Phase.END if over else Phase.UPDATE if self._told else Phase.START
        event = self._phrase(whole, str(bout.first), phase)
        if not over:
            self._told = event
            return [*released, event]
        self._told = self._pending = None
        rest = [self._phrase(f, f"{bout.first}+{f.onset}", phase) for f in beside(bout, finding)]
        if bout.goes_on and whole.end >= bout.end_sample:
            self._pending = _Piece(event, whole)
            return released + rest
        return released + self._end(event, whole) + rest

    def _continued(self, finding: Finding) -> tuple[list[Event], Finding]:
        """Join the finding to the piece before it, or let that be over."""
        if self._pending is None:
            return [], finding
        joined = _join(self._pending.finding, finding)
        if joined is not None:
            self._told = self._told or self._pending.event
            return [], joined
        piece, self._pending = self._pending, None
        if self._told is not None and self._told.id == piece.event.id:
            self._told = None
        return self._end(piece.event, piece.finding), finding

    def finish(self) -> list[Event]:
        """Close what a gap or the end of the recording leaves open. Series and episodes live on."""
        piece, self._pending = self._pending, None
        self._told = None
        return [] if piece is None else self._end(piece.event, piece.finding)

    def save(self) -> dict[str, Any]:
        """Give the state as plain data."""
        return {
            "told": self._told,
            "pending": self._pending,
            "series": list(self._series),
            "episode": self._episode,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        self._told, self._pending = state["told"], state["pending"]
        self._series, self._episode = list(state["series"]), state["episode"]

    def _phrase(self, finding: Finding, key: str, phase: Phase) -> Event:
        """Say a finding as an event; the id stays that of the first word about it."""
        before = self._told
        identity = before.id if before is not None else event_id(None, None, None, key)
        revision = 0
        if before is not None:
            revision = before.revision + (before.kind is not finding.kind)
        onset_s = round(finding.onset / GRID_HZ, 3)
        duration_s = round(finding.duration_s, 3)
        return Event(
            id=identity,
            kind=finding.kind,
            phase=phase,
            revision=revision,
            onset_s=onset_s,
            duration_s=duration_s,
            rhythm_hz=None if finding.rhythm_hz is None else round(finding.rhythm_hz, 2),
            beats=finding.beats,
            peak_g=round(finding.peak_g, 3),
            rms_g=round(finding.rms_g, 4),
            turn_deg=round(finding.turn_deg, 1),
            confidence=round(finding.confidence, 2),
            grade=grade_of(duration_s) if finding.kind in (Kind.CLONUS, Kind.SPASM) else None,
            parts=finding.parts,
            episode=self._episode_of(finding.kind, identity, onset_s),
            cut_short=finding.cut_short,
            reason=finding.reason,
        )

    def _episode_of(self, kind: Kind, identity: str, onset_s: float) -> str | None:
        if kind not in SPASM_FAMILY:
            return None
        if self._episode is not None and onset_s - self._episode[1] < EPISODE_S:
            return self._episode[0]
        return identity

    def _end(self, event: Event, finding: Finding) -> list[Event]:
        """Say that an event is over, and what it changes about earlier ones."""
        revised = self._periodic(event, finding)
        if revised:
            return revised
        if event.kind in SPASM_FAMILY and event.episode is not None:
            self._episode = (event.episode, event.end_s)
        return [event]

    def _periodic(self, event: Event, finding: Finding) -> list[Event]:
        """Give revisions if the event makes or continues a periodic series, else nothing."""
        rules = self._rules
        low_s, high_s = PLM_DURATION_S
        if event.kind not in PLM_KINDS or event.duration_s > high_s:
            return []
        if self._belongs_to_last(event):
            return [self._as_periodic(event)] if self._series[-1].kind is Kind.PLM else []
        mild = finding.jerk_g_s <= rules.plm_jerk_g_s and finding.turn_deg <= rules.plm_turn_deg
        if event.duration_s < low_s or not mild:
            return []
        if not self._continues(event):
            self._series = []
        self._series = [*self._series, event][-PLM_COUNT:]
        if len(self._series) < PLM_COUNT or not self._is_even():
            return []
        revised = [
            member if member.kind is Kind.PLM else self._as_periodic(member)
            for member in self._series
        ]
        fresh = [new for new, old in zip(revised, self._series, strict=True) if new is not old]
        self._series = revised
        return fresh

    def _intervals_s(self) -> list[float]:
        onsets = [member.onset_s for member in self._series]
        return [later - earlier for earlier, later in pairwise(onsets)]

    def _is_even(self) -> bool:
        intervals_s = self._intervals_s()
        return max(intervals_s) <= self._rules.plm_spread * min(intervals_s)

    def _belongs_to_last(self, event: Event) -> bool:
        """Whether it is the way back of the movement before: the foot was held up meanwhile."""
        return bool(self._series) and event.onset_s - self._series[-1].onset_s < PLM_WHOLE_S

    def _continues(self, event: Event) -> bool:
        if not self._series:
            return True
        interval_s = event.onset_s - self._series[-1].onset_s
        return self._rules.plm_low_s <= interval_s <= self._rules.plm_high_s

    def _as_periodic(self, event: Event) -> Event:
        intervals_s = self._intervals_s()
        mean_s = sum(intervals_s) / len(intervals_s)
        reason = f"one of a periodic series, about {mean_s:.0f} s apart"
        return replace(relabelled(event, Kind.PLM, reason), episode=None, grade=None)


def _says_little(bout: Bout) -> bool:
    """Whether it is too soon: the first look at the rest of a cut bout is no first look."""
    return bout.joins and bout.moment is Moment.FIRST_LOOK


def _join(earlier: Finding, later: Finding) -> Finding | None:
    """Make one finding of two pieces that were cut apart for length, where they are of a kind."""
    if earlier.kind is not later.kind or later.onset - earlier.end > PAUSE_FRAMES * FRAME:
        return None
    first_s, second_s = earlier.duration_s, later.duration_s
    whole_s = first_s + second_s
    rate_hz = None
    if earlier.rhythm_hz is not None and later.rhythm_hz is not None:
        rate_hz = (earlier.rhythm_hz * first_s + later.rhythm_hz * second_s) / whole_s
    power = (earlier.rms_g**2 * first_s + later.rms_g**2 * second_s) / whole_s
    duration_s = (later.end - earlier.onset) / GRID_HZ
    reason = earlier.reason
    if rate_hz is not None:
        reason = f"steady {rate_hz:.1f} beats a second for {duration_s:.1f} s"
    elif earlier.kind is Kind.MOVEMENT:
        reason = f"{duration_s:.0f} s of movement without a steady rhythm"
    return replace(
        earlier,
        end=later.end,
        confidence=max(earlier.confidence, later.confidence),
        reason=reason,
        rhythm_hz=rate_hz,
        beats=None if rate_hz is None else (earlier.beats or 0) + (later.beats or 0),
        peak_g=max(earlier.peak_g, later.peak_g),
        rms_g=power**0.5,
        turn_deg=max(earlier.turn_deg, later.turn_deg),
        cut_short=later.cut_short,
    )
