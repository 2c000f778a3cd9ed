"""What a wearer was doing when an event began: resting, restless or up. Pure.

Two things are remembered of a limb: when it last moved otherwise than in likely spasms, and when it
last strode. What belongs to likely spasms ends no rest, so that a night of one spasm after another
stays `resting`; nor can it make its wearer `up`, since no clonus may silence the next one. What was
not seen is not rest: behind a gap five minutes must be seen before there is any, and until then the
context is not known (None), unless movement or strides are known of, from before the gap or since.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from detector.dsp.frames import FRAME, Floats
from detector.dsp.grid import GRID_HZ
from detector.dsp.posture import Vector, mean_posture, one_angle_deg
from detector.events import SPASM_FAMILY, EventContext, Kind
from detector.plain import from_plain, to_plain
from detector.recognition.bouts.bout import Bout
from detector.recognition.rules.kinds import walks
from detector.recognition.rules.thresholds import Rules
from detector.recognition.rules.verdict import Finding

REST_S = 300.0
"""Without movement for so long a wearer rests (contract)."""

UP_S = 120.0
"""So long after the last stride a wearer is still up. Who stands at a basin takes a step more
often; who has gone to bed must not be up for long when a clonus comes. Rest takes longer, so that
a wearer who was up is restless before resting."""

ELSEWHERE_DEG = 45.0
"""A limb that walks is held otherwise than in bed, by 54 degrees or more in all 50 walks of 24
simulated nights; one that rubs, jiggles or is massaged has a stride's rhythm where it lies, within
30 degrees in all that last. Who walked and lies down is not up any more, by the same angle."""

WALK_S = 10.0
"""Fewer strides take nobody anywhere: turning over and shifting take up to 7 s of such a rhythm."""

IN_PLACE_S = 55.0
"""Strides for a minute, which is all of a bout that was cut for length, are believed as the limb is
held: who sits with the feet on the floor gets up and walks without another angle at the shank."""

LAY_S = 60.0
"""How a limb is held while it is still for so long is how it lies."""

LEAD_S = 1.0
"""Movement in front of an event in the same bout is an event of its own from this length on
(`verdict.beside`); what is shorter is the beginning of the event itself."""

LAST_FRAMES = round(LEAD_S * GRID_HZ) // FRAME  # of such a lead: how the limb was held at its end

KEEPS_REST = SPASM_FAMILY | {Kind.PLM, Kind.VIBRATION}
"""What does not end rest: likely spasms (contract); periodic movements, which come in sleep and are
not willed; and vibration, which does not come from the limb."""

RECENT = 16
"""Movements remembered one by one, as they may turn out periodic: a series revises eight at most,
each with its way back."""


@dataclass(frozen=True, slots=True)
class Strides:
    """Where the limb last strode: its end on the grid, and the mean posture (3,), g."""

    end: int
    upright_g: Vector


def context_of_limbs(contexts: Iterable[EventContext | None]) -> EventContext | None:
    """Return the context of a movement that several limbs show, the most telling one first.

    That of the first; but nobody is up with one leg alone, and none may silence another.
    """
    first, *others = contexts
    if first is not EventContext.UP:
        return first
    return next((each for each in others if each is not EventContext.UP), first)


class ContextTrack:
    """What is remembered of one limb; bounded, plain, saved and restored. Moments are grid samples.

    A bout is asked about (`at`) when an event of it is first told, and taken (`take`) once over.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._seen_from: int | None = None  # where the segment began; None before any sample
        self._moved: int | None = None  # end of the last movement whose name is final
        self._recent: list[tuple[str, int]] = []  # later ones: id of the event, end
        self._strides: Strides | None = None
        self._lay_g: Vector | None = None  # how the limb lay when it last was still for long

    def begin(self, first: int) -> None:
        """Begin a segment at this sample: nothing was seen between the last one and it."""
        self._seen_from = first

    def at(self, bout: Bout, onset: int) -> EventContext | None:
        """Return the context of a bout's event, by what came before the bout and in front of it."""
        first = bout.first * FRAME
        lead = _part(bout, first, onset) if onset - first >= LEAD_S * GRID_HZ else None
        if lead is None:
            return self._known(onset, bout.before_g, self._strides, self._last_moved)
        strides = self._walked(lead) or self._strides
        held_g = mean_posture(lead.frames["mean_g"][-LAST_FRAMES:])
        return self._known(onset, held_g, strides, onset)

    def take(
        self, bout: Bout, found: Mapping[str, Finding], main: str
    ) -> dict[str, EventContext | None]:
        """Take all that was found in a bout that is over; return the context of each.

        Parameters
        ----------
        found : by id of the event
        main : the one that names the bout; the others moved beside it
        """
        context = {main: self.at(bout, found[main].onset)}
        if bout.rest_s >= LAY_S:
            self._lay_g = _vector(bout.before_g)
        for key, each in sorted(found.items(), key=lambda item: item[1].onset):
            if key != main:
                context[key] = self._known(
                    each.onset, bout.before_g, self._strides, self._last_moved
                )
            if each.kind not in KEEPS_REST:
                self._move(key, bout, each)
        return context

    def revoke(self, keys: Collection[str]) -> None:
        """Take back that these events were movement: they turned out periodic."""
        self._recent = [each for each in self._recent if each[0] not in keys]

    def save(self) -> dict[str, Any]:
        """Return the state as plain data."""
        return {
            "seen_from": self._seen_from,
            "moved": self._moved,
            "recent": to_plain(self._recent),
            "strides": to_plain(self._strides),
            "lay_g": to_plain(self._lay_g),
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        self._seen_from, self._moved = state["seen_from"], state["moved"]
        self._recent = [(key, end) for key, end in state["recent"]]
        self._strides = from_plain(Strides | None, state["strides"])
        self._lay_g = from_plain(Vector | None, state["lay_g"])

    def _walked(self, part: Bout) -> Strides | None:
        """Return the strides in a part of a bout, where they show that the wearer is up."""
        if part.duration_s < WALK_S or not walks(part, self._rules):
            return None
        held_g, before = mean_posture(part.frames["mean_g"]), self._strides
        elsewhere = self._lay_g is None or _angle_deg(self._lay_g, held_g) >= ELSEWHERE_DEG
        goes_on = before is not None and part.first * FRAME - before.end < UP_S * GRID_HZ
        if elsewhere or goes_on or part.duration_s >= IN_PLACE_S:
            return Strides(part.end_sample, _vector(held_g))
        return None

    def _move(self, key: str, bout: Bout, found: Finding) -> None:
        """Remember movement that is not of likely spasms."""
        self._recent.append((key, found.end))
        if len(self._recent) > RECENT:
            self._moved = self._recent.pop(0)[1]
        if bout.duration_s < WALK_S:
            return
        part = _part(bout, found.onset, found.end)
        strides = None if part is None else self._walked(part)
        self._strides = strides or self._strides

    @property
    def _last_moved(self) -> int | None:
        return self._recent[-1][1] if self._recent else self._moved

    def _known(
        self, onset: int, held_g: Floats, strides: Strides | None, moved: int | None
    ) -> EventContext | None:
        """Return what is known of the time before a moment; a limb that moved in it cannot rest."""
        walked = strides is not None and onset - strides.end < UP_S * GRID_HZ
        if walked and strides and _angle_deg(strides.upright_g, held_g) < ELSEWHERE_DEG:
            return EventContext.UP
        if moved is not None and onset - moved < REST_S * GRID_HZ:
            return EventContext.RESTLESS
        if self._seen_from is not None and onset - self._seen_from >= REST_S * GRID_HZ:
            return EventContext.RESTING
        return None


def _vector(g: Floats) -> Vector:
    x, y, z = g.tolist()
    return x, y, z


def _angle_deg(one: Vector, other_g: Floats) -> float:
    return one_angle_deg(np.array(one), other_g)


def _part(bout: Bout, first: int, stop: int) -> Bout | None:
    """Return what moved of a bout between two samples; None where nothing did."""
    return bout.part(first // FRAME - bout.first, -(-stop // FRAME) - bout.first)
