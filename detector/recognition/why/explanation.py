"""What is known about a moment of a recording: the answer and all its numbers."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from detector.events import Event, Kind, to_dict
from detector.recognition.bouts.beating import Rhythm
from detector.recognition.bouts.facts import Facts
from detector.recognition.rules.reason import ReasonFacts
from detector.recognition.why.margins import Margin, Weighed

SCHEMA = "explanation/1"


@dataclass(frozen=True, slots=True)
class Asked:
    """A moment that is asked about, in seconds from the recording's first sample.

    Parameters
    ----------
    width_s : how long it is; a time given to the second is that whole second
    or_at_s : meant instead where the recording ends before `at_s` and this lies nearer to it, as
        the same time of day a day before
    """

    at_s: float
    width_s: float = 0.0
    or_at_s: float | None = None

    @property
    def until_s(self) -> float:
        """Where it ends."""
        return self.at_s + self.width_s


class Coverage(StrEnum):
    """Whether there were samples to judge."""

    SEEN = "seen"
    HELD = "held"  # one value repeated to the bit: the sensor slept
    GAP = "gap"
    SCRAP = "scrap"  # less than a frame between two gaps
    BEFORE = "before"
    BEYOND = "beyond"


class Verdict(StrEnum):
    """The answer."""

    FOUND = "found"  # a likely spasm
    OTHER = "other"  # a movement under another name
    NOTHING = "nothing"  # too little movement
    UNKNOWN = "unknown"  # no samples to judge


@dataclass(frozen=True, slots=True)
class Presence:
    """What samples there were; `since_s` and `until_s` bound what is missing or held."""

    state: Coverage
    since_s: float | None = None
    until_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenFrame:
    """The strongest frame of the moment.

    Parameters
    ----------
    floor_assumed : the wearer's own is known after a minute; before, a typical sensor's counts
    age_s : since the recording, or the piece of it after a gap, began
    believed : whether that is long enough for a rhythm
    rhythm : worst first; empty where the gate was closed, since nothing was measured
    """

    at_s: float
    gate: Margin
    floor_g: float
    floor_times: float
    floor_assumed: bool
    age_s: float
    believed: bool
    rhythm: tuple[Margin, ...]


class NamedBy(StrEnum):
    """What gave a movement a name."""

    FIRST_WORD = "first word"
    RULES = "rules"
    SECOND_OPINION = "second opinion"
    CONTEXT = "context"


@dataclass(frozen=True, slots=True)
class Step:
    """One time that a movement got a name, what gave it, and why."""

    by: NamedBy
    kind: Kind
    why: ReasonFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenBout:
    """The stretch of movement that the moment lies in, as it was judged when it was over."""

    onset_s: float
    duration_s: float
    is_piece: bool  # of a longer movement, which is judged a minute at a time
    cut_short: bool
    facts: Facts
    rhythm: Rhythm | None
    best: tuple[Margin, ...]  # of the frame that came nearest to beating
    rules: tuple[Weighed, ...]
    steps: tuple[Step, ...]

    @property
    def nearest(self) -> Weighed | None:
        """The likely spasm that was missed by least; None where one held."""
        family = [rule for rule in self.rules if rule.is_of_spasm_family]
        return family[0] if family and family[0].failed else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Everything known about a moment. `event` is in its final form, `near` the next one to it."""

    asked: Asked
    verdict: Verdict
    presence: Presence
    frame: SeenFrame | None
    bout: SeenBout | None
    event: Event | None
    near: Event | None


def explanation_dict(explanation: Explanation) -> dict[str, Any]:
    """Return the JSON object `explanation/1`: every field present, unknown ones None."""
    frame, bout = explanation.frame, explanation.bout
    return {
        "schema": SCHEMA,
        "at_s": _plain(explanation.asked.at_s),
        "width_s": _plain(explanation.asked.width_s),
        "verdict": explanation.verdict.value,
        "samples": _plain(asdict(explanation.presence)),
        "frame": None if frame is None else _plain(asdict(frame)),
        "bout": None if bout is None else _bout_dict(bout),
        "event": None if explanation.event is None else to_dict(explanation.event),
        "near": None if explanation.near is None else to_dict(explanation.near),
    }


def _bout_dict(bout: SeenBout) -> dict[str, Any]:
    plain: dict[str, Any] = _plain(asdict(bout))
    plain["nearest"] = None if bout.nearest is None else bout.nearest.name
    for rule, written in zip(bout.rules, plain["rules"], strict=True):
        written["miss"] = _plain(rule.miss)
    return plain


def _plain(value: Any) -> Any:
    """Only what JSON knows; six digits, more than any sensor gives."""
    match value:
        case dict():
            return {key: _plain(each) for key, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
        case StrEnum():
            return value.value
        case float():
            return float(f"{value:.6g}")
        case _:
            return value
