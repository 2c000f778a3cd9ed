"""One check after the other, from what this computer and the sensor say."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from detector.checkup.bluetooth import check_bluetooth
from detector.checkup.check import CheckResult, CheckStatus, fail, skip
from detector.checkup.computer import (
    SettingsFacts,
    check_broker,
    check_chosen,
    check_clock,
    check_disk,
    check_folder,
    check_python,
    check_settings,
    check_zone,
)
from detector.checkup.masking import Mask
from detector.checkup.sensor import SENSOR, STRIP, check_sensor
from detector.cli import probes
from detector.cli.invocation import Invocation
from detector.cli.live_line import live_line, strip
from detector.cli.output import harmless
from detector.cli.reach import Reach, worn_as
from detector.config import SensorSettings, Settings, default_path
from detector.devices.registry import installed
from detector.errors import ConfigError, LinkError

VIRTUAL = "not looked at: the sensor is on a virtual radio"


@dataclass(frozen=True, slots=True)
class Examination:
    """What is to be looked at.

    Parameters
    ----------
    look_s : seconds of samples; 0 leaves the sensor alone
    device : another sensor than that of the settings
    mask : learns what is secret while it goes on
    shares : whether the checks are to be given away
    """

    call: Invocation
    reach: Reach
    look_s: float
    device: str | None
    mask: Mask
    shares: bool

    def checks(self) -> Iterator[CheckResult]:
        """Check one thing after the other: each can be read while the next is looked at."""
        call, where = self.call, str(self.call.config_path or default_path())
        try:
            configuration = call.configuration()
        except ConfigError as error:
            settings = Settings()
            facts = SettingsFacts(where, self._problem(error), self.device, where)
        else:
            settings = configuration.settings
            path = None if configuration.path is None else str(configuration.path)
            chosen = [sensor.device for sensor in settings.sensors if sensor.device]
            facts = SettingsFacts(path, None, self.device or ", ".join(chosen) or None, where)
        self._hide(settings)
        yield check_python(probes.versions(), list(installed().broken.values()))
        yield check_settings(facts)
        bluetooth = VIRTUAL if self.reach.radio is not None else asyncio.run(probes.bluetooth())
        radio = check_bluetooth(bluetooth)
        yield from radio
        folder = probes.folder(call.data_dir or settings.data_dir)
        yield check_folder(folder)
        yield check_disk(folder, nights=settings.recording.retention_nights)
        yield check_broker(asyncio.run(probes.broker(settings)), settings_path=where)
        yield check_clock(probes.clock())
        yield check_zone(probes.zone(settings))
        yield check_chosen(facts)
        if not self.look_s:
            yield skip(SENSOR, "not looked at, as was asked")
        elif any(check.status is CheckStatus.FAIL for check in radio):
            yield skip(SENSOR, "cannot be heard before Bluetooth works")
        else:
            one = None if self.device is None else worn_as(settings, self.device)
            worn = settings.sensors if one is None else (one,)
            for sensor in worn:
                for check in self._look(settings, sensor):
                    several = f"{check.name}, {sensor.label}" if len(worn) > 1 else check.name
                    yield replace(check, name=several)

    def _look(self, settings: Settings, sensor: SensorSettings) -> Iterator[CheckResult]:
        which = "the sensor" if sensor.device is None else sensor.device
        seconds = f"{self.look_s:g} seconds of its samples"
        self.call.out.say(self._shown(f"Looking at {which}: {seconds} …"))
        try:
            with live_line(self.call.out) as draw:
                draw("listening …")
                look, why = asyncio.run(
                    self.reach.look(
                        sensor.device,
                        driver=sensor.driver,
                        samples_s=self.look_s,
                        tell=lambda seen, _: draw(
                            f"{strip(seen.strip):<{STRIP}}  {seen.samples} samples"
                        ),
                    )
                )
        except (LinkError, ConfigError) as error:
            yield fail(SENSOR, _one_line(error), "spasmwatch doctor   (after mending that)")
            return
        zone = settings.wearer.time_zone
        note = ""
        if look.link is not None:
            self.mask.hide("sensor", _as_written(look.link.name))
            self.mask.hide("address", [look.link.address])
            note = installed().named(look.link.driver).sheet.loss
        yield from check_sensor(
            look, why=why, loss_note=note, zone=None if zone is None else ZoneInfo(zone)
        )

    def _hide(self, settings: Settings) -> None:
        """Name what must not leave the house."""
        mask, mqtt = self.mask, settings.mqtt
        # Not that of its file: nothing reads it out, and it may be the wrong file.
        password = mqtt.password
        mask.hide("password", [None if password is None else password.get_secret_value()])
        mask.hide("user", [probes.user(), mqtt.username])
        mask.hide("host", probes.host_names())
        mask.hide("host", [mqtt.address and mqtt.address.host])
        for name in (self.device, *(sensor.device for sensor in settings.sensors)):
            mask.hide("sensor", _as_written(name or ""))

    def _shown(self, text: str) -> str:
        return self.mask(text) if self.shares else text

    def _problem(self, error: ConfigError) -> str:
        """Say what is wrong with the settings; what was written there may be a secret."""
        text = _one_line(error)
        return re.sub(r'"[^"]*"', '"…"', text) if self.shares else text


def _as_written(name: str) -> list[str]:
    """Ways in which a name appears in messages."""
    return [name, repr(name)[1:-1], harmless(name)]


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
