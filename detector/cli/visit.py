"""One visit to the sensors in reach: which is it, and do its samples flow."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo

from detector.checkup.check import CheckStatus
from detector.checkup.sensor import STRIP, Look, check_sensor
from detector.cli.check_lines import lines
from detector.cli.live_line import live_line, strip
from detector.cli.output import Output
from detector.cli.questions import Again, ask, default_choice, menu, parse_yes, pick
from detector.cli.reach import LOOK_S, Reach
from detector.cli.scan import HELD, heard, is_called, short
from detector.config import SensorSettings
from detector.devices.registry import installed
from detector.errors import LinkError
from detector.sources.nearby import NearbyDevice


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit.

    Parameters
    ----------
    now : the settings as they are
    zone : in which times are read; None is the computer's
    asks : whether somebody is there to answer
    """

    out: Output
    reach: Reach
    timeout_s: float
    now: SensorSettings
    zone: tzinfo | None
    asks: bool

    def choose(self, device: str | None) -> tuple[NearbyDevice, Look] | None:
        """Return the sensor that was chosen and what was seen of it; None for none at all."""
        while True:
            found = self._listen(device)
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

    def _listen(self, device: str | None) -> Sequence[NearbyDevice]:
        """Return what is heard; nothing without an adapter, where a person can be asked."""
        try:
            return asyncio.run(heard(self.out, self.reach, self.timeout_s))
        except LinkError as error:
            if not self.asks or device is not None:
                raise
            self.out.error(str(error))
            return ()

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
        raise LinkError(HELD.format(device=device))

    def _ask_which(self, found: Sequence[NearbyDevice]) -> NearbyDevice | None:
        usable = [one for one in found if one.driver is not None]
        for line in menu(usable, found, self.now.device, bars=not self.out.plain):
            self.out.say(line)
        default = default_choice(usable, self.now.device)
        return ask(self.out, f"Number [{default}]: ", lambda text: pick(text or default, usable))

    def _look_at(self, one: NearbyDevice) -> Look | None:
        """Connect and let samples flow; None when another is to be chosen."""
        assert one.driver is not None  # noqa: S101 - only what works can be chosen
        look, why = asyncio.run(self._flow(one))
        loss_note = installed().named(one.driver).sheet.loss
        checks = check_sensor(look, why=why, loss_note=loss_note, zone=self.zone)
        for check in checks:
            for line in lines(check):
                self.out.say(line)
        if all(check.status is not CheckStatus.FAIL for check in checks):
            return look
        if not self.asks:
            reason = next(check.detail for check in checks if check.status is CheckStatus.FAIL)
            raise LinkError(f"{one.address}: {reason}. Nothing was changed.")
        if look.samples and ask(self.out, "Take it all the same? yes or [no]: ", parse_yes):
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
