"""Reasons in words: why an event has its kind, rendered from the event's facts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any, Final

from detector.events import Event
from detector.recognition.rules.evidence import CheckName
from detector.recognition.rules.reason import Reason, ReasonFacts, RhythmStart
from detector.words.alerts import unwoken_words
from detector.words.checks import shortfall_words


def worded(event: Event) -> Event:
    """Return the event with its `reason` rendered from its facts; one without facts as it is.

    `night.night` calls it on everything that leaves it, live and in replays, `night.offline` on
    what is found in an array. `events.to_json` refuses an event that did not pass here.
    """
    return replace(event, reason=reason_of(event.facts)) if event.facts else event


def with_unwoken(event: Event, rules: Collection[str]) -> Event:
    """Return an event that says by which wake rules it wakes nobody for a context: never silent."""
    if not rules or not event.facts:
        return event
    return worded(replace(event, facts={**event.facts, "unwoken": list(rules)}))


def reason_of(facts: ReasonFacts) -> str:
    """Return the reason in words; it starts in lower case and ends without a full stop."""
    why = _REASONS[Reason(facts["reason"])](facts)
    return "; ".join([why, *map(unwoken_words, facts.get("unwoken", ()))])


def minimum_words(quantity: str, at_least: float) -> str:
    """Return a personal minimum in words: "0.12 g"."""
    return MINIMUMS[quantity].format(at_least)


def check_words(check: Mapping[str, Any]) -> str:
    """Return a check that failed, in words: see `checks.shortfall_words`."""
    return shortfall_words(
        CheckName(check["check"]),
        check["value"],
        least=check["least"],
        most=check["most"],
        unit=check["unit"],
        details=check,
    )


_STARTS: Final[Mapping[RhythmStart, str]] = {
    RhythmStart.JERK: "a jerk first, then",
    RhythmStart.ABRUPT: "a sudden start, then",
    RhythmStart.WAXING: "a gradual start, then",
    RhythmStart.INSIDE: "within other movement,",
}

_SHARES: Final[Mapping[str, str]] = {
    "clonus": "clonus",
    "tremor": "tremor",
    "voluntary": "a voluntary movement",
}

OBJECTIONS: Final[Mapping[str, str]] = {
    "rest": "{:.0f} s of rest went before it",
    "joins": "it went on from before",
    "jerk": "its start was {:.1f} times as steep as a sure spasm's",
    "slope": "at its steepest it would need {:.2f} s to its peak",
    "rise": "it took {:.2f} s to its first peak",
    "early_peak": "its start had {:.1f} times the peak of a sure spasm",
    "early": "its start had {:.0%} of its greatest strength",
    "peak": "it had {:.1f} times the peak of a sure spasm",
    "duration": "it lasted {:.1f} s",
    "crest": "its peak was {:.1f} times its rms",
    "turned": "the limb turned {:.1f} degrees",
    "settled": "the limb settled {:.1f} degrees from where it was",
    "kept": "{:.0%} of the turn stayed",
    "back": "{:.0%} of the turn was left at its end",
    "pull": "it took {:.1f} s to turn",
    "away": "the limb was away for {:.1f} s",
    "release": "it took {:.1f} s to come back",
    "held": "it was held {:.1f} degrees away",
    "drift": "the hold drifted by {:.1f} degrees",
    "trembling": "{:.0%} of the hold trembled",
    "held_level": "the hold had {:.0%} of its greatest strength",
    "pull_level": "the pull had {:.0%} of its greatest strength",
    "release_level": "the release had {:.0%} of its greatest strength",
    "strongest_at": "it was strongest after {:.0%} of its length",
    "level_first": "its first third had {:.0%} of its greatest strength",
    "level_middle": "its middle third had {:.0%} of its greatest strength",
    "level_last": "its last third had {:.0%} of its greatest strength",
    "level_median": "half of it had more than {:.0%} of its greatest strength",
    "decay": "it faded by {:.1f} per second",
    "decay_even": "its fading was {:.0%} even",
    "decays_after": "it was strongest {:.1f} s after it began",
    "active": "the limb moved for {:.0%} of it",
    "pace_first": "it shook at {:.1f} Hz in its first third",
    "pace_middle": "it shook at {:.1f} Hz in its middle third",
    "pace_last": "it shook at {:.1f} Hz in its last third",
    "pace_spread": "its pace varied by {:.1f} Hz",
    "line": "{:.0%} of it was along one line",
    "regular": "its beats were {:.0%} alike on average",
    "most_regular": "its beats were {:.0%} alike at most",
    "most_beats": "it had {:.1f} equal beats",
    "stride": "a slower rhythm lay under it ({:+.2f})",
    "most_stride": "a slower rhythm lay under it at times ({:+.2f})",
    "striding": "{:.0%} of it was like steps",
    "rate_spread": "its rate varied by {:.0%}",
    "rate": "it beat {:.1f} times a second",
    "regularity": "its beats were {:.0%} alike",
    "rhythm_stride": "a slower rhythm lay under the beat ({:+.2f})",
    "rhythm_line": "{:.0%} of the beat was along one line",
    "clearest": "it had {:.1f} equal beats at its clearest",
    "lead": "{:.1f} s of movement went before the beat",
    "growth": "it took {:.1f} beats to grow to full strength",
    "waning": "it weakened by {:.0%} and grew again",
    "strength": "its beat had {:.1f} times the strength of a sure clonus",
    "beating": "{:.0%} of it was beating",
    "abruptness": "its start was {:.1f} times as steep as its beats",
}
"""Words for each feature of an opinion that spoke against a kind."""

MINIMUMS: Final[Mapping[str, str]] = {
    "confidence": "confidence {:.2f}",
    "peak_g": "{:.2f} g",
    "rms_g": "{:.3f} g rms",
    "duration_s": "{:.1f} s",
    "beats": "{:.0f} beats",
    "rhythm_hz": "{:.1f} beats a second",
    "turn_deg": "{:.0f} degrees",
    "own_confidence": "{:.1%} likely by their own labels",
}
"""A personal minimum in words, by the quantity that it limits."""


def _lasting(facts: ReasonFacts) -> str:
    return f"{facts['duration_s']:.1f} s"


def _twitch(facts: ReasonFacts) -> str:
    return f"one jerk of {facts['peak_g']:.2f} g that lasted {_lasting(facts)}; the limb came back"


def _spasm(facts: ReasonFacts) -> str:
    return (
        f"a sudden jerk after rest reached {facts['peak_g']:.2f} g within "
        f"{facts['rise_s']:.2f} s; the limb turned {facts['turned_deg']:.0f} degrees, "
        f"and it lasted {_lasting(facts)}"
    )


def _pull(facts: ReasonFacts) -> str:
    drawn = (
        f"the limb was drawn {facts['turned_deg']:.0f} degrees away within {facts['pull_s']:.1f} s"
    )
    if facts["away_s"] is None:
        return drawn
    let_go = " and let go" if facts["let_go"] else ""
    held = f"{drawn}, held for {facts['away_s']:.1f} s{let_go}"
    return f"{held}; it lasted {_lasting(facts)}"


def _tonic(facts: ReasonFacts) -> str:
    return (
        f"the limb was pulled by {facts['held_deg']:.0f} degrees and held there, trembling, for "
        f"{_lasting(facts)}; stiffness without movement cannot be measured"
    )


def _turn(facts: ReasonFacts) -> str:
    settled_deg = facts["settled_deg"]
    return f"it started slowly, and the limb settled {settled_deg:.0f} degrees from where it was"


def _shaken(facts: ReasonFacts) -> str:
    return (
        f"it shook for {_lasting(facts)} and did not turn: probably the bed, a phone or a vehicle"
    )


def _walk(_facts: ReasonFacts) -> str:
    return "an even rhythm of steps, as in walking"


def _buzz(facts: ReasonFacts) -> str:
    return (
        f"it buzzed for {_lasting(facts)}, at full strength at once, and did not turn: "
        "probably a phone's motor"
    )


def _hand(facts: ReasonFacts) -> str:
    return f"strokes of a hand at work, {facts['rhythm_hz']:.1f} a second"


def _rhythm(facts: ReasonFacts) -> str:
    text = (
        f"{_STARTS[RhythmStart(facts['start'])]} {facts['rhythm_hz']:.1f} steady beats a second "
        f"for {facts['beating_s']:.1f} s, without a walking rhythm"
    )
    shares = facts.get("shares")
    if not shares:
        return text
    said = ", ".join(f"{share:.0%} for {_SHARES[name]}" for name, share in shares.items())
    return f"{text}; what made it is not sure: the evidence is {said}"


def _no_spasm(facts: ReasonFacts) -> str:
    rhythm = facts["rhythm"]
    beating = "no steady rhythm" if rhythm is None else f"not a clonus: {check_words(rhythm)}"
    return f"not a spasm: {check_words(facts['spasm'])}; {beating}"


def _beside_rhythm(facts: ReasonFacts) -> str:
    return f"movement before or after a rhythm of {facts['rhythm_hz']:.1f} beats a second"


def _long_rhythm(facts: ReasonFacts) -> str:
    return f"{facts['rhythm_hz']:.1f} steady beats a second for {_lasting(facts)}"


def _long_movement(facts: ReasonFacts) -> str:
    return f"{facts['duration_s']:.0f} s of movement without a steady rhythm"


def _tremor_resumed(facts: ReasonFacts) -> str:
    return f"the tremor before it continued, {facts['rhythm_hz']:.1f} beats a second"


def _periodic(facts: ReasonFacts) -> str:
    return f"one of a series of similar movements, about {facts['interval_s']:.0f} s apart"


def _second_opinion(facts: ReasonFacts) -> str:
    against = ", ".join(_objection(**each) for each in facts["against"])
    because = f": {against}" if against else ""
    other = facts["rather_than"]
    return f"a {other} is only {facts['likely']:.0%} likely{because}"


def _objection(feature: str, value: float) -> str:
    return OBJECTIONS[feature].format(value)


def _sensors(facts: ReasonFacts) -> str:
    return ", ".join(_sensor(**each) for each in facts["seen"])


def _sensor(sensor: str, kind: str, facts: ReasonFacts) -> str:
    return f"{kind} at {sensor} ({reason_of(facts)})" if facts else f"{kind} at {sensor}"


def _same_movement(facts: ReasonFacts) -> str:
    return f"the same movement as event {facts['event']}, which reports it"


def _way_back(_facts: ReasonFacts) -> str:
    return "the way back of the periodic movement before it, which reports it"


def _below_minimum(facts: ReasonFacts) -> str:
    minimum = minimum_words(facts["quantity"], facts["at_least"])
    was = f" ({reason_of(facts['was'])})" if facts["was"] else ""
    kind = facts["kind"]
    return f"below this wearer's own minimum of {minimum}; without it, it would be {kind}{was}"


_REASONS: Final[Mapping[Reason, Callable[[ReasonFacts], str]]] = {
    Reason.TWITCH: _twitch,
    Reason.SPASM: _spasm,
    Reason.PULL: _pull,
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
    Reason.WAY_BACK: _way_back,
    Reason.BELOW_MINIMUM: _below_minimum,
}
