"""The questions of `setup`: which sensor, do its samples arrive, where is it worn."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import TypeVar

from detector.cli.setting_up.doctor import check_lines
from detector.cli.setting_up.scan import heard, is_called, short, signal_words
from detector.config import SensorSettings
from detector.config.worn import WornAnswer
from detector.devices.registry import installed
from detector.doctor.check import CheckStatus
from detector.doctor.sensor import check_sensor
from detector.errors import LinkError
from detector.sites import SITES
from detector.sources.look import STRIP, Look
from detector.sources.nearby import NearbyDevice, not_heard
from detector.sources.reach import LOOK_S, Reach
from detector.terminal.output import Output, live_line, strip

T = TypeVar("T")

LONGEST_ANSWER = 200  # characters; a number, a word or two


class Again(Exception):  # noqa: N818 - not an error
    """The person wants another scan."""


@dataclass(frozen=True, slots=True)
class Visit:
    """Scan for sensors, have one chosen, and look at its samples.

    Parameters
    ----------
    now : the present settings of the sensor
    zone : time zone of the times shown; None is the computer's
    asks : whether somebody can answer questions
    taken : sensors that are in the settings already, and cannot be chosen
    """

    out: Output
    reach: Reach
    timeout_s: float
    now: SensorSettings
    zone: tzinfo | None
    asks: bool
    taken: Sequence[SensorSettings] = ()

    def choose(self, device: str | None) -> tuple[NearbyDevice, Look] | None:
        """Return the chosen sensor and the look at its samples; None to go on without a sensor."""
        while True:
            found = self._listen()
            try:
                one = self._ask_which(found) if device is None else self._named(found, device)
            except Again:
                continue
            if one is None:
                return None
            look = self._look_at(one)
            if look is not None:
                return one, look
            device = None

    def _listen(self) -> Sequence[NearbyDevice]:
        """Return sensors heard.

        Raises
        ------
        LinkError
            Bluetooth does not work: to ask which sensor would be of no use.
        """
        try:
            found = asyncio.run(heard(self.out, self.reach, self.timeout_s))
        except LinkError as error:
            if self.reach.is_virtual:
                raise
            raise LinkError(f"{error}\nNothing was changed.") from error
        return [one for one in found if not any(is_called(one, own.device) for own in self.taken)]

    def _named(self, found: Sequence[NearbyDevice], device: str) -> NearbyDevice:
        called = [one for one in found if is_called(one, device)]
        usable = [one for one in called if one.driver is not None]
        if len(usable) > 1:
            addresses = ", ".join(one.address for one in usable)
            raise LinkError(f"{len(usable)} sensors are called {device}: name one of {addresses}")
        if usable:
            return usable[0]
        if called:
            raise LinkError(f"{device} does not work with spasmwatch: {called[0].because}.")
        raise LinkError(not_heard(device, None, found))

    def _ask_which(self, found: Sequence[NearbyDevice]) -> NearbyDevice | None:
        usable = [one for one in found if one.driver is not None]
        for line in menu(usable, found, self.now.device, bars=not self.out.plain):
            self.out.say(line)
        default = default_choice(usable, self.now.device)
        return ask(self.out, f"Which [{default}]: ", lambda text: pick(text or default, usable))

    def _look_at(self, one: NearbyDevice) -> Look | None:
        """Return a look at the samples; None when another sensor is to be chosen."""
        assert one.driver is not None  # noqa: S101 - only sensors with a driver can be chosen
        look, why = asyncio.run(self._flow(one))
        loss_note = installed().named(one.driver).sheet.loss
        checks = check_sensor(look, why=why, loss_note=loss_note, zone=self.zone)
        for check in checks:
            for line in check_lines(check):
                self.out.say(line)
        if all(check.status is not CheckStatus.FAIL for check in checks):
            return look
        if not self.asks:
            reason = next(check.detail for check in checks if check.status is CheckStatus.FAIL)
            raise LinkError(f"{one.address}: {reason}. Nothing was changed.")
        if look.samples and ask(self.out, "Use it all the same? yes or [no]: ", parse_yes):
            return look
        return None

    async def _flow(self, one: NearbyDevice) -> tuple[Look, str]:
        self.out.say(f"Connecting to {short(one.name)}, then {LOOK_S:g} seconds of its samples …")
        with live_line(self.out) as draw:

            def tell(look: Look, _reading: object) -> None:
                left_s = max(0.0, LOOK_S - look.span_s)
                rate = "" if look.pace is None else f", {look.pace.rate_hz:.1f} a second"
                draw(
                    f"{strip(look.strip):<{STRIP}}  {left_s:.0f} s left: move it, and this rises"
                    f"   {look.samples} samples{rate}, {look.clock.missing} lost"
                )

            return await self.reach.look(one.address, driver=one.driver, tell=tell)


def ask(out: Output, question: str, read: Callable[[str], T]) -> T:
    """Return the first answer that can be read; another one gets a sentence and a new try.

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
    """Return the device of the list that a number means; None for `d`, without a sensor.

    Raises
    ------
    ValueError
        It is not in the list; the message says what can be typed.
    Again
        The answer was `a`.
    """
    if text.casefold() in {"a", "again"}:
        raise Again
    if text.casefold() in {"d", "demo"}:
        return None
    last = len(usable)
    number = int(text) if re.fullmatch("[0-9]{1,3}", text) else 0
    if not 1 <= number <= last:
        numbers = ("", "1, ")[last] if last < 2 else f"a number from 1 to {last}, "
        raise ValueError(
            f"{text[:20]!r} is not in the list: type {numbers}a to listen again, or d for the demo."
        )
    return usable[number - 1]


def menu(
    usable: Sequence[NearbyDevice], found: Sequence[NearbyDevice], device: str | None, *, bars: bool
) -> list[str]:
    """Return the list to choose from: the sensors that work, nearest first, then none."""
    lines = ["", "Which sensor is yours? No other will be used in its place, however near.", ""]
    for number, one in enumerate(usable, 1):
        now = "   (in your settings now)" if is_called(one, device) else ""
        signal = signal_words(one, bars=bars)
        lines.append(f"  {number}  {short(one.name)}   {signal}   {one.address}{now}")
        lines.append(f"     {one.because}")
    lines.append("  a  Listen again")
    lines.append("  d  Try it without a sensor: a simulated night, in a minute")
    refused = [one for one in found if one.refused]
    lines += [f"  -  {short(one.name)} cannot be used. {one.because}" for one in refused]
    if not usable:
        lines += ["", "No sensor that works is heard. Press its button, close its phone app (it"]
        lines += ["talks to one at a time), bring it near, and listen again."]
    return [*lines, ""]


def default_choice(usable: Sequence[NearbyDevice], device: str | None) -> str:
    """Return what Enter alone means: the sensor of the settings, or else the nearest."""
    if not usable:
        return "a"
    return str(1 + next((i for i, one in enumerate(usable) if is_called(one, device)), 0))


def where_question(now: SensorSettings) -> str:
    """Return the question where it is worn; Enter alone keeps the present place."""
    listed = "   ".join(f"{n} {place}" for n, place in enumerate(SITES, 1))
    return (
        f"\nWhere is it worn?   {listed}\n"
        f'You may add a side, as in "left ankle". [{now.placement}]: '
    )


def free_place(worn: WornAnswer, taken: Sequence[SensorSettings]) -> WornAnswer:
    """Return where one more sensor is worn, with a label that no other sensor has.

    Raises
    ------
    ValueError
        The label is another sensor's.
    """
    if not taken:
        return worn
    label = worn.label or worn.placement
    if label in {own.label for own in taken}:
        raise ValueError(f'{label!r} is another sensor already: say the side too, as "left calf".')
    return WornAnswer(worn.placement, label)


def parse_yes(text: str) -> bool:
    """Return whether the answer is yes; Enter alone is no.

    Raises
    ------
    ValueError
        It is neither.
    """
    if text.casefold() not in {"", "n", "no", "y", "yes"}:
        raise ValueError("Type yes or no.")
    return text.casefold() in {"y", "yes"}
