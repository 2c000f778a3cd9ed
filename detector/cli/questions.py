"""The questions of `setup`, and what may be answered to them."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from detector.sites import SITES

if TYPE_CHECKING:
    from detector.cli.output import Output
    from detector.config import SensorSettings
    from detector.sources.nearby import NearbyDevice

T = TypeVar("T")

LONGEST_ANSWER = 200  # characters; a number, a word or two
SIDES = ("left", "right")


class Again(Exception):  # noqa: N818 - no error: a wish
    """Listen once more."""


@dataclass(frozen=True, slots=True)
class WornAnswer:
    """Where a sensor is worn; `label` names it in events, None leaves its name."""

    placement: str
    label: str | None


def ask(out: Output, question: str, read: Callable[[str], T]) -> T:
    """Ask until the answer can be understood; a bad one gets a sentence and another try.

    Raises
    ------
    EOFError
        Nobody is there to answer.
    """
    while True:
        print(question, end="", file=sys.stderr, flush=True)
        line = sys.stdin.readline(LONGEST_ANSWER)
        if not line:
            raise EOFError
        try:
            return read(line.strip())
        except ValueError as error:
            out.error(str(error))


def pick(text: str, usable: Sequence[NearbyDevice]) -> NearbyDevice | None:
    """Understand which of the list is meant; None is the first, without a sensor.

    Raises
    ------
    ValueError
        It is none of them; the message says what can be typed.
    Again
        Listen once more is meant.
    """
    if text.casefold() in {"a", "again"}:
        raise Again
    last = len(usable) + 1
    number = int(text) if re.fullmatch("[0-9]{1,3}", text) else 0
    if not 1 <= number <= last:
        numbers = "1" if last == 1 else f"a number from 1 to {last}"
        raise ValueError(f"{text[:20]!r} is not in the list: type {numbers}, or a.")
    return None if number == 1 else usable[number - 2]


def parse_worn(text: str) -> WornAnswer:
    """Understand where a sensor is worn: `ankle`, `2`, `left ankle`, `left-ankle`.

    Raises
    ------
    ValueError
        It names no place that is known; the message names them.
    """
    words = re.split(r"[\s-]+", text.strip().casefold())
    side = words.pop(0) if len(words) > 1 and words[0] in SIDES else None
    place = words[0] if len(words) == 1 else ""
    if place in map(str, range(1, len(SITES) + 1)):
        place = SITES[int(place) - 1]
    if place not in SITES:
        raise ValueError(
            f"{text[:20]!r} is no place that is known: type one of {', '.join(SITES)}, with left "
            "or right before it if you like."
        )
    return WornAnswer(place, None if side is None else f"{side}-{place}")


def menu(
    usable: Sequence[NearbyDevice], found: Sequence[NearbyDevice], device: str | None, *, bars: bool
) -> list[str]:
    """Write the list to choose from: without a sensor first, then what works, nearest first."""
    from detector.cli.scan import is_called, short, signal_words

    lines = ["", "Which sensor shall watch? No other will be taken for it, however near.", ""]
    lines.append("  1  Try it without a sensor: a simulated night, in a minute")
    for number, one in enumerate(usable, 2):
        now = "   (in your settings now)" if is_called(one, device) else ""
        signal = signal_words(one, bars=bars)
        lines.append(f"  {number}  {short(one.name)}   {signal}   {one.address}{now}")
        lines.append(f"     {one.because}")
    lines.append("  a  Listen again")
    refused = [one for one in found if one.driver is None and one.because.partition(":")[1]]
    lines += [f"  -  {short(one.name)} cannot be used. {one.because}" for one in refused]
    if not usable:
        lines += ["", "No sensor that works is heard. Press its button, close its phone app (it"]
        lines += ["talks to one partner at a time), bring it near, and listen again."]
    return [*lines, ""]


def default_choice(usable: Sequence[NearbyDevice], device: str | None) -> str:
    """Return what Enter alone means: the sensor of the settings, or else the nearest."""
    from detector.cli.scan import is_called

    if not usable:
        return "a"
    return str(2 + next((i for i, one in enumerate(usable) if is_called(one, device)), 0))


def where_question(now: SensorSettings) -> str:
    """Ask where it is worn; Enter alone is where it was."""
    listed = "   ".join(f"{n} {place}" for n, place in enumerate(SITES, 1))
    return (
        f"\nWhere is it worn?   {listed}\n"
        f'A side may go before it, as in "left ankle". [{now.placement}]: '
    )


def parse_yes(text: str) -> bool:
    """Understand yes and no; Enter alone is no.

    Raises
    ------
    ValueError
        It is neither.
    """
    if text.casefold() not in {"", "n", "no", "y", "yes"}:
        raise ValueError("Type yes or no.")
    return text.casefold() in {"y", "yes"}


def new_label(now: SensorSettings, worn: WornAnswer) -> str | None:
    """Return a new name for the sensor in events, None to leave the one it has."""
    if worn.label is not None:
        return worn.label
    side, _, place = now.label.partition("-")
    stale = side in SIDES and place in SITES and place != worn.placement
    return f"{side}-{worn.placement}" if stale else None
