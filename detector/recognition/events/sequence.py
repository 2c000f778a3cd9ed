"""Findings to events: phases, joined pieces, periodic series, episodes, revisions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from detector.dsp.frames import FRAME
from detector.dsp.grid import GRID_HZ
from detector.events import (
    SPASM_FAMILY,
    Event,
    Kind,
    Phase,
    angle_grade_of,
    event_id,
    from_dict,
    grade_of,
    to_dict,
)
from detector.plain import from_plain, to_plain
from detector.recognition.bouts.bout import EARLY, Bout, Moment
from detector.recognition.bouts.tracker import PAUSE_FRAMES
from detector.recognition.events.context import KEEPS_REST, ContextTrack
from detector.recognition.events.periodic import UNKNOWN, Postures, Series
from detector.recognition.rules.reason import Reason, because
from detector.recognition.rules.thresholds import Rules
from detector.recognition.rules.verdict import Finding, SecondOpinion, beside

ANNOUNCED = frozenset({Kind.SPASM, Kind.CLONUS})  # the others are told when they are over
TREMOR_RESUMES_S = 6.0  # a tremor that sinks below the gate is back within a few breaths
EPISODE_S = 90.0  # spasms with less between them belong together (contract)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A bout that was cut for length: an event that is over unless the next bout continues it."""

    event: Event
    finding: Finding


class Sequence:
    """What is kept of one wearer between bouts; bounded, plain, saved and restored."""

    def __init__(self, rules: Rules, opinion: SecondOpinion | None = None) -> None:
        self._by = rules, opinion
        self._told: Event | None = None  # last form of the bout under way
        self._pending: _Piece | None = None
        self._series = Series(rules)
        self._episode: tuple[str, float] | None = None  # id, end of its last spasm in seconds
        self._tremor: tuple[int, float] | None = None  # end and rate of the last one
        self._context = ContextTrack(rules)

    def begin(self, first: int) -> None:
        """Begin a segment at this sample of the grid."""
        self._context.begin(first)

    def admit(self, bout: Bout, finding: Finding) -> list[Event]:
        """Take what a bout is at one of its moments, return the events that follow now."""
        over = bout.moment is Moment.OVER
        if self.says_little(bout) or not (over or finding.kind in ANNOUNCED):
            return []
        named = self._in_context(finding)
        released, whole = self._continued(named)
        phase = Phase.END if over else Phase.UPDATE if self._told else Phase.START
        event = self._phrase(whole, str(bout.first), phase)
        if not over:
            if self._told is None:
                event = replace(event, context=self._context.at(bout, finding.onset))
            self._told = event
            return [*released, event]
        announced, self._told, self._pending = self._told, None, None
        others = beside(bout, finding, *self._by)
        found = {event.id: named}
        told = [self._phrase(each, f"{bout.first}+{each.onset}", phase) for each in others]
        found |= {each.id: other for each, other in zip(told, others, strict=True)}
        contexts = self._context.take(bout, found, main=event.id)
        rest = [replace(each, context=contexts[each.id]) for each in told]
        if announced is None:
            event = replace(event, context=contexts[event.id])
        if bout.goes_on and whole.end >= bout.end_sample:
            self._pending = _Piece(event, whole)
            self._disturb(rest)
            return released + rest
        ended = self._end(event, whole, Postures.of(bout.before_g, bout.after_g))
        if announced is None:  # a way back that nobody was told of has nothing to take back
            ended = [e for e in ended if e.id != event.id or e.phase is Phase.END]
        self._disturb(rest)
        return released + ended + rest

    def says_little(self, bout: Bout) -> bool:
        """Whether a look adds nothing, whatever it finds: it was announced, or continues a cut."""
        if bout.moment is Moment.RHYTHM:
            return self._told is not None and self._told.kind is Kind.CLONUS
        return bout.moment in EARLY and (self._told is not None or bout.joins)

    def _in_context(self, finding: Finding) -> Finding:
        """Call a clonus tremor that takes up the rhythm of a tremor just ended: it waxed again."""
        if finding.rhythm_hz is None or self._tremor is None or finding.parts:
            return finding
        end, rate_hz = self._tremor
        soon = finding.onset - end < TREMOR_RESUMES_S * GRID_HZ
        if finding.kind is Kind.CLONUS and soon and abs(finding.rhythm_hz / rate_hz - 1) < 0.15:
            why = because(Reason.TREMOR_RESUMED, rhythm_hz=finding.rhythm_hz)
            return replace(finding, kind=Kind.TREMOR, why=why)
        return finding

    def _continued(self, finding: Finding) -> tuple[list[Event], Finding]:
        """Join the finding to the piece before it, or end that piece."""
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
        ended = [] if piece is None else self._end(piece.event, piece.finding)
        self._series.cut()
        return ended

    def save(self) -> dict[str, Any]:
        """Return the state as plain data."""
        piece = self._pending
        return {
            "told": None if self._told is None else to_dict(self._told),
            "pending": None if piece is None else [to_dict(piece.event), to_plain(piece.finding)],
            "series": self._series.save(),
            "episode": to_plain(self._episode),
            "tremor": to_plain(self._tremor),
            "context": self._context.save(),
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        told, piece = state["told"], state["pending"]
        self._told = None if told is None else from_dict(told)
        self._pending = None
        if piece is not None:
            self._pending = _Piece(from_dict(piece[0]), from_plain(Finding, piece[1]))
        self._series.load(state["series"])
        self._episode = from_plain(tuple[str, float] | None, state["episode"])
        self._tremor = from_plain(tuple[int, float] | None, state["tremor"])
        self._context = ContextTrack(self._by[0])
        if "context" in state:  # younger than the first saved states
            self._context.load(state["context"])

    def _phrase(self, finding: Finding, key: str, phase: Phase) -> Event:
        """Return a finding as an event; the id stays that of its first form."""
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
            grade=_grade(finding, duration_s),
            parts=finding.parts,
            shares=finding.shares,
            episode=self._episode_of(finding.kind, identity, onset_s),
            cut_short=finding.cut_short,
            context=None if before is None else before.context,
            facts=finding.why,
        )

    def _episode_of(self, kind: Kind, identity: str, onset_s: float) -> str | None:
        if kind not in SPASM_FAMILY:
            return None
        if self._episode is not None and onset_s - self._episode[1] < EPISODE_S:
            return self._episode[0]
        return identity

    def _disturb(self, events: list[Event]) -> None:
        for event in events:
            self._series.disturb(event)

    def _end(self, event: Event, finding: Finding, postures: Postures = UNKNOWN) -> list[Event]:
        """Return an event that is over, and the revisions of earlier ones that it causes."""
        if finding.kind is Kind.TREMOR and finding.rhythm_hz is not None:
            self._tremor = (finding.end, finding.rhythm_hz)
        revised = self._series.admit(event, finding, postures)
        if revised:
            self._context.revoke({each.id for each in revised if each.kind in KEEPS_REST})
            return revised
        if event.kind in SPASM_FAMILY and event.episode is not None:
            self._episode = (event.episode, event.end_s)
        return [event]


def _grade(finding: Finding, duration_s: float) -> int | None:
    """Return the SCATS grade: of a limb drawn up, held and let go by its angle, else by length."""
    if finding.kind is Kind.SPASM and finding.held:
        return angle_grade_of(finding.turn_deg)
    return grade_of(duration_s) if finding.kind in (Kind.CLONUS, Kind.SPASM) else None


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
    why = earlier.why
    if rate_hz is not None:
        why = because(Reason.LONG_RHYTHM, rhythm_hz=rate_hz, duration_s=duration_s)
    elif earlier.kind is Kind.MOVEMENT:
        why = because(Reason.LONG_MOVEMENT, duration_s=duration_s)
    return replace(
        earlier,
        end=later.end,
        confidence=max(earlier.confidence, later.confidence),
        why=why,
        rhythm_hz=rate_hz,
        beats=None if rate_hz is None else (earlier.beats or 0) + (later.beats or 0),
        peak_g=max(earlier.peak_g, later.peak_g),
        rms_g=power**0.5,
        turn_deg=max(earlier.turn_deg, later.turn_deg),
        cut_short=later.cut_short,
    )
