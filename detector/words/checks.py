"""Numbers that rules look at, in words: what each is called, its figure and its limit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from detector.recognition.rules.evidence import CheckName

CHECKS: Final[Mapping[CheckName, str]] = {
    CheckName.REST: "rest before it",
    CheckName.START: "start",
    CheckName.RISE: "time to its peak",
    CheckName.SLOPE: "slope",
    CheckName.BUSY: "share of movement in the minute before",
    CheckName.EARLY: "strength of its start over its whole",
    CheckName.STAYED_START: "start, where the limb stayed {:.0f} degrees away",
    CheckName.STAYED_PEAK: "peak, where the limb stayed {:.0f} degrees away",
    CheckName.PEAK: "peak",
    CheckName.LENGTH: "length",
    CheckName.TURNED: "angle it turned",
    CheckName.SETTLED: "angle it stayed away",
    CheckName.ELSEWHERE: "angle it settled from where it was",
    CheckName.HELD: "angle it held",
    CheckName.DRIFT: "drift while it held",
    CheckName.TREMBLING: "share of fast trembling",
    CheckName.STRIDING: "share that strides",
    CheckName.STRIDED: "time it strode",
    CheckName.IMPACTS: "likeness of its strength one stride later",
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
"""What a number is called in a table."""

SHORTFALLS: Final[Mapping[CheckName, tuple[str, str]]] = {
    CheckName.REST: ("the rest before it was too short", "the rest before it was too long"),
    CheckName.START: ("its start was too gentle", "its start was too sudden"),
    CheckName.RISE: ("it reached its peak too soon", "it reached its peak too late"),
    CheckName.SLOPE: ("it grew too fast", "it grew too slowly"),
    CheckName.BUSY: (
        "the limb moved too little in the minute before",
        "the limb moved too much in the minute before",
    ),
    CheckName.EARLY: (
        "its start was too weak beside the rest of it",
        "its start was too strong beside the rest of it",
    ),
    CheckName.STAYED_START: (
        "its start was too gentle for a limb that stayed {:.0f} degrees away",
        "its start was too sudden for a limb that stayed {:.0f} degrees away",
    ),
    CheckName.STAYED_PEAK: (
        "its peak was too low for a limb that stayed {:.0f} degrees away",
        "its peak was too high for a limb that stayed {:.0f} degrees away",
    ),
    CheckName.PEAK: ("its peak was too low", "its peak was too high"),
    CheckName.LENGTH: ("it was too short", "it was too long"),
    CheckName.TURNED: ("the limb turned too little", "the limb turned too far"),
    CheckName.SETTLED: (
        "the limb ended too near to where it was",
        "the limb ended too far from where it was",
    ),
    CheckName.ELSEWHERE: (
        "the limb settled too near to where it was",
        "the limb settled too far from where it was",
    ),
    CheckName.HELD: ("the limb was held at too small an angle", "the limb was held too far away"),
    CheckName.DRIFT: ("the limb drifted too little", "the limb drifted too much"),
    CheckName.TREMBLING: ("too little of it was fast trembling", "too much was fast trembling"),
    CheckName.STRIDING: ("too little of it was striding", "too much of it was striding"),
    CheckName.STRIDED: ("it strode for too short a time", "it strode for too long a time"),
    CheckName.IMPACTS: (
        "its strength came back too little with each stride",
        "its strength came back too much with each stride, as foot impacts do",
    ),
    CheckName.REGULARITY: ("its beats were too unlike each other", "its beats were too alike"),
    CheckName.BEATS: ("it had too few beats", "it had too many beats"),
    CheckName.STRIDE: (
        "the slower rhythm under it was too weak",
        "the slower rhythm under it was too strong",
    ),
    CheckName.PULSING: ("it paused too little", "it paused too much"),
    CheckName.ODDS: (
        "it was more like tremor than clonus (log odds)",
        "it was more like clonus than tremor (log odds)",
    ),
    CheckName.LEAD: ("too little movement went before it", "too much movement went before it"),
    CheckName.STRENGTH: ("it was too weak", "it was too strong"),
    CheckName.RATE: ("its rhythm was too slow", "its rhythm was too fast"),
    CheckName.EQUAL_BEATS: ("it had too few equal beats", "it had too many equal beats"),
    CheckName.BEATING: ("it beat for too short a time", "it beat for too long a time"),
    CheckName.WANING: ("it weakened too little", "it weakened too much"),
    CheckName.MOVEMENT: ("it moved too little", "it moved too much"),
    CheckName.WALKING: (
        "the walking rhythm under it was too weak",
        "the walking rhythm under it was too strong",
    ),
    CheckName.STRETCH: (
        "its clear rhythm was too short",
        "its clear rhythm was too long",
    ),
}
"""What is said of a number below its lower limit, and of one above its upper limit."""

SHARES: Final = frozenset(
    {
        CheckName.BUSY,
        CheckName.EARLY,
        CheckName.TREMBLING,
        CheckName.STRIDING,
        CheckName.IMPACTS,
        CheckName.REGULARITY,
        CheckName.PULSING,
        CheckName.LEAD,
        CheckName.WANING,
    }
)
"""Numbers without a unit that are said in per cent."""

STAYED: Final = frozenset({CheckName.STAYED_START, CheckName.STAYED_PEAK})


def check_name(what: CheckName, details: Mapping[str, Any]) -> str:
    """Return the words for a number that a rule looks at."""
    return CHECKS[what].format(details["settled_deg"]) if what in STAYED else CHECKS[what]


def shortfall_words(
    what: CheckName,
    value: float | None,
    *,
    least: float | None,
    most: float | None,
    unit: str,
    details: Mapping[str, Any],
) -> str:
    """Return a number that failed, with its limit: a clause that begins in lower case.

    "its start was too gentle, 0.9 g/s where 2 g/s or more is needed".
    """
    too_low = most is None or (value is not None and least is not None and value < least)
    said = SHORTFALLS[what][0 if too_low else 1]
    if what in STAYED:
        said = said.format(details["settled_deg"])
    figure = "not measured" if value is None else figure_words(what, value, unit)
    return f"{said}, {figure} where {limit_words(what, least, most, unit)} is needed"


def figure_words(what: CheckName, value: float, unit: str) -> str:
    """Return a number with its unit: "0.9 g/s"; a share in per cent."""
    if what in SHARES:
        return f"{number_words(100 * value)}%"
    return f"{number_words(value)} {unit}".rstrip()


def limit_words(what: CheckName, least: float | None, most: float | None, unit: str) -> str:
    """Return the limit of a number: "2 g/s or more", "0.3 s or less", "2.8 Hz to 8.6 Hz"."""
    if least is not None and most is not None:
        return f"{figure_words(what, least, unit)} to {figure_words(what, most, unit)}"
    if least is not None:
        return f"{figure_words(what, least, unit)} or more"
    return f"{figure_words(what, most or 0.0, unit)} or less"


def number_words(value: float) -> str:
    """Return three digits, without an exponent."""
    if abs(value) < 0.0005:
        return "0"
    if abs(value) < 0.01:
        return f"{value:.3f}"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"
