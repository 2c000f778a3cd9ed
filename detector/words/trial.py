"""Nights before and after a treatment began, in sentences that claim no cause. Pure."""

from __future__ import annotations

from detector.words.phrases import counted

NO_PROOF = (
    "Nights differ for many reasons, and nobody was blind to the treatment: this cannot show that "
    "it works or does not."
)
VALID_RULE = "A night counts if at least 4 h of it were watched, lying."
MEASURES = {
    "likely_per_h": ("Likely spasms per watched hour", 1.0, ""),
    "burden_share": ("Share of the watched time in likely spasms", 100.0, " %"),
}
"""Name of each measure, what it is multiplied by, and its unit."""


def counted_words(before: int, after: int) -> str:
    """Return how many nights count on each side."""
    return f"{counted(before, 'night')} before and {after} after count. {VALID_RULE}"


def lacking_words(before: int, after: int, least: int) -> str:
    """Return why there is no comparison."""
    missing = [
        f"{counted(count, 'night')} {side}"
        for count, side in ((before, "before"), (after, "after"))
        if count
    ]
    return (
        f"No comparison yet: {' and '.join(missing)} more must count. Each side needs {least} of "
        "7 nights."
    )


def change_words(
    measure: str, means: tuple[float, float], interval: tuple[float, float], smallest: float
) -> str:
    """Return a change with its interval and the least change that could have been shown.

    Parameters
    ----------
    means : before and after
    """
    name, times, unit = MEASURES[measure]
    (before, after), (low, high) = means, interval
    most = max(abs(value) * times for value in (before, after, low, high, smallest))
    digits = 1 if most >= 10 else 2 if most >= 1 else 3

    def number(value: float, *, signed: bool = False) -> str:
        text = f"{value * times:+.{digits}f}" if signed else f"{value * times:.{digits}f}"
        return text.replace("-", "\N{MINUS SIGN}")

    shown = (
        "more than chance alone explains"
        if low > 0 or high < 0
        else "no more than chance alone explains"
    )
    return (
        f"{name}: {number(before)}{unit} before, {number(after)}{unit} after. Change "
        f"{number(after - before, signed=True)}{unit} (95 % interval {number(low, signed=True)} to "
        f"{number(high, signed=True)}): {shown}. The smallest change that these nights would have "
        f"shown, four times out of five, is {number(smallest)}{unit}."
    )
