"""Reasons in words: why an event has its kind, rendered from the event's facts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from detector.events import Event
from detector.recognition.rules.evidence import CheckName
from detector.recognition.rules.reason import Reason, ReasonFacts, RhythmStart


def worded(event: Event) -> Event:
    """Return the event with its `reason` rendered from its facts; one without facts as it is.

    `night.night` calls it on everything that leaves it, live and in replays, `night.offline` on
    what is found in an array. `events.to_json` refuses an event that did not pass here.
    """
    return replace(event, reason=reason_of(event.facts)) if event.facts else event


def reason_of(facts: ReasonFacts) -> str:
    """Return the reason in words; it starts in lower case and ends without a full stop."""
    return _REASONS[Reason(facts["reason"])](facts)


def minimum_words(quantity: str, at_least: float) -> str:
    """Return a personal minimum in words: "0.12 g"."""
    return MINIMUMS[quantity].format(at_least)


def check_words(check: Mapping[str, Any]) -> str:
    """Return a number and its limit in words: "start 0.9 g/s, at least 2"."""
    what = check_name(CheckName(check["check"]), check)
    unit = f" {check['unit']}" if check["unit"] else ""
    least, most = check["least"], check["most"]
    needed = f"at most {most:.3g}" if least is None else f"at least {least:.3g}"
    value = "not measured" if check["value"] is None else f"{check['value']:.3g}{unit}"
    return f"{what} {value}, {needed}"


def check_name(what: CheckName, details: Mapping[str, Any]) -> str:
    """Return the words for a number that a rule looks at."""
    if what in _STAYED:
        return f"{_STAYED[what]}, for a limb that stayed {details['settled_deg']:.0f} degrees away,"
    return CHECKS[what]


_STAYED: Final = {CheckName.STAYED_START: "start", CheckName.STAYED_PEAK: "peak"}

CHECKS: Final[Mapping[CheckName, str]] = {
    CheckName.REST: "rest before it",
    CheckName.START: "start",
    CheckName.RISE: "time to its peak",
    CheckName.SLOPE: "slope",
    CheckName.BUSY: "share of movement in the minute before",
    CheckName.EARLY: "strength of its start over its whole",
    CheckName.PEAK: "peak",
    CheckName.LENGTH: "length",
    CheckName.TURNED: "angle it turned",
    CheckName.SETTLED: "angle it stayed away",
    CheckName.ELSEWHERE: "angle it settled from where it was",
    CheckName.HELD: "angle it held",
    CheckName.DRIFT: "drift while it held",
    CheckName.TREMBLING: "share of fast trembling",
    CheckName.STRIDING: "share that strides",
    CheckName.REGULARITY: "regularity",
    CheckName.BEATS: "beats",
    CheckName.STRIDE: "stride under it",
    CheckName.PULSING: "share of pauses in it",
    CheckName.ODDS: "log odds of clonus against tremor",
    CheckName.LEAD: "movement before it",
    CheckName.STRENGTH: "strength",
    CheckName.RATE: "rate",
    CheckName.EQUAL_BEATS: "equal beats",
    CheckName.BEATING: "beating",
    CheckName.WANING: "share it wanes by",
    CheckName.MOVEMENT: "movement",
    CheckName.WALKING: "walking rhythm under it",
    CheckName.STRETCH: "clear rhythm in one go",
}

_STARTS: Final[Mapping[RhythmStart, str]] = {
    RhythmStart.JERK: "a jerk first, then",
    RhythmStart.ABRUPT: "abrupt start,",
    RhythmStart.WAXING: "waxing,",
    RhythmStart.INSIDE: "in the midst of other movement",
}

OBJECTIONS: Final[Mapping[str, str]] = {
    "growth": "it took {:.1f} beats to grow",
    "abruptness": "it began {:.1f} times its beat",
    "waning": "it waned by {:.0%} and came back",
    "regularity": "its beats were only {:.0%} alike",
    "clearest": "no more than {:.1f} equal beats",
    "beating": "only {:.0%} of it was beating",
    "stride": "a slower rhythm lay under it",
    "lead": "movement of {:.0%} of it went before",
    "margin": "the rules' own evidence was {:.2f} of 1",
    "over": "it has only begun",
    "jerk": "a start of {:.1f} g/s",
    "slope": "its steepest part would take {:.0f} ms to the peak",
    "rise": "{:.2f} s to its peak",
    "peak": "a peak of {:.2f} g",
    "rest": "only {:.1f} s of rest before it",
    "busy": "{:.0%} of the minute before it was movement",
    "early": "its start had {:.0%} of its later strength",
    "turned": "it turned by {:.1f} degrees",
    "kept": "{:.0%} of the turn stayed",
    "length": "it lasted {:.1f} s",
}
"""Words for each feature of a refinement that spoke against a kind."""

MINIMUMS: Final[Mapping[str, str]] = {
    "confidence": "confidence {:.2f}",
    "peak_g": "{:.2f} g",
    "rms_g": "{:.3f} g rms",
    "duration_s": "{:.1f} s",
    "beats": "{:.0f} beats",
    "rhythm_hz": "{:.1f} beats a second",
    "turn_deg": "{:.0f} degrees",
}
"""A personal minimum in words, by the quantity that it limits."""


def _lasting(facts: ReasonFacts) -> str:
    return f"{facts['duration_s']:.1f} s"


def _twitch(facts: ReasonFacts) -> str:
    return f"one jerk of {facts['peak_g']:.2f} g in {_lasting(facts)}, the limb came back"


def _spasm(facts: ReasonFacts) -> str:
    return (
        f"sudden jerk out of rest, {facts['peak_g']:.2f} g within {facts['rise_s']:.2f} s; "
        f"the limb turned {facts['turned_deg']:.0f} degrees in {_lasting(facts)}"
    )


def _tonic(facts: ReasonFacts) -> str:
    return (
        f"pulled by {facts['held_deg']:.0f} degrees and held trembling for {_lasting(facts)}; "
        "stiffness without movement cannot be seen"
    )


def _turn(facts: ReasonFacts) -> str:
    return f"slow start, the limb settled {facts['settled_deg']:.0f} degrees from where it was"


def _shaken(facts: ReasonFacts) -> str:
    return f"shaken for {_lasting(facts)} without turning: the bed, a phone or a vehicle"


def _walk(_facts: ReasonFacts) -> str:
    return "the even stride of walking"


def _buzz(facts: ReasonFacts) -> str:
    return f"a hum of {_lasting(facts)} that was there at once and turned nothing: a phone's motor"


def _hand(facts: ReasonFacts) -> str:
    return f"strokes of a hand, {facts['rhythm_hz']:.1f} a second"


def _rhythm(facts: ReasonFacts) -> str:
    text = (
        f"{_STARTS[RhythmStart(facts['start'])]} steady {facts['rhythm_hz']:.1f} beats a second "
        f"for {facts['beating_s']:.1f} s, no walking rhythm under it"
    )
    if facts["clonus_share"] is None:
        return text
    percent = round(100 * facts["clonus_share"])
    return f"{text}; clonus or tremor, {percent} to {100 - percent}"


def _no_spasm(facts: ReasonFacts) -> str:
    rhythm = facts["rhythm"]
    beating = "no rhythm" if rhythm is None else f"no clonus: {check_words(rhythm)}"
    return f"no spasm: {check_words(facts['spasm'])}; {beating}"


def _beside_rhythm(facts: ReasonFacts) -> str:
    return f"movement beside a rhythm of {facts['rhythm_hz']:.1f} a second"


def _long_rhythm(facts: ReasonFacts) -> str:
    return f"steady {facts['rhythm_hz']:.1f} beats a second for {_lasting(facts)}"


def _long_movement(facts: ReasonFacts) -> str:
    return f"{facts['duration_s']:.0f} s of movement without a steady rhythm"


def _tremor_resumed(facts: ReasonFacts) -> str:
    return f"the tremor before it goes on, {facts['rhythm_hz']:.1f} beats a second"


def _periodic(facts: ReasonFacts) -> str:
    return f"one of a periodic series, about {facts['interval_s']:.0f} s apart"


def _second_opinion(facts: ReasonFacts) -> str:
    against = ", ".join(_objection(**each) for each in facts["against"])
    because = f": {against}" if against else ""
    likely = f"{facts['likely']:.0%} likely"
    return f"{facts['kind']} rather than {facts['rather_than']} ({likely}){because}"


def _objection(feature: str, value: float) -> str:
    in_its_unit = 1000 * value if feature == "slope" else value
    return OBJECTIONS[feature].format(in_its_unit)


def _sensors(facts: ReasonFacts) -> str:
    return ", ".join(_sensor(**each) for each in facts["seen"])


def _sensor(sensor: str, kind: str, facts: ReasonFacts) -> str:
    return f"{kind} at {sensor} ({reason_of(facts)})" if facts else f"{kind} at {sensor}"


def _same_movement(facts: ReasonFacts) -> str:
    return f"the same movement as event {facts['event']}, which reports it"


def _below_minimum(facts: ReasonFacts) -> str:
    minimum = minimum_words(facts["quantity"], facts["at_least"])
    was = f" ({reason_of(facts['was'])})" if facts["was"] else ""
    return f"below this wearer's own minimum of {minimum}; was: {facts['kind']}{was}"


_REASONS: Final[Mapping[Reason, Callable[[ReasonFacts], str]]] = {
    Reason.TWITCH: _twitch,
    Reason.SPASM: _spasm,
    Reason.TONIC: _tonic,
    Reason.TURN: _turn,
    Reason.SHAKEN: _shaken,
    Reason.WALK: _walk,
    Reason.BUZZ: _buzz,
    Reason.HAND: _hand,
    Reason.RHYTHM: _rhythm,
    Reason.NO_SPASM: _no_spasm,
    Reason.BESIDE_RHYTHM: _beside_rhythm,
    Reason.LONG_RHYTHM: _long_rhythm,
    Reason.LONG_MOVEMENT: _long_movement,
    Reason.TREMOR_RESUMED: _tremor_resumed,
    Reason.PERIODIC: _periodic,
    Reason.SECOND_OPINION: _second_opinion,
    Reason.SENSORS: _sensors,
    Reason.SAME_MOVEMENT: _same_movement,
    Reason.BELOW_MINIMUM: _below_minimum,
}
