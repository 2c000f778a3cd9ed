"""Run one check after the other, from what this computer and the sensor report."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from detector.config import Configuration, SensorSettings, Settings, default_path
from detector.devices.registry import installed
from detector.doctor import probes
from detector.doctor.bluetooth import check_bluetooth
from detector.doctor.check import CheckResult, CheckStatus, fail, skip
from detector.doctor.computer import (
    SettingsFacts,
    check_broker,
    check_chosen,
    check_clock,
    check_disk,
    check_folder,
    check_home_assistant,
    check_python,
    check_settings,
    check_sound,
    check_test,
    check_zone,
)
from detector.doctor.contacts import check_contacts
from detector.doctor.masking import Mask
from detector.doctor.sensor import SENSOR, check_sensor
from detector.errors import ConfigError, LinkError
from detector.mqtt.credentials import credential_problems
from detector.sources.look import Look
from detector.sources.reach import Reach
from detector.words.phrases import harmless

VIRTUAL = "not checked: the sensor is on a virtual radio"


@dataclass(frozen=True, slots=True)
class Looking:
    """Yielded before a look at a sensor's samples, since that takes a while."""

    which: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """What is to be checked.

    Parameters
    ----------
    read_settings : reads the settings, or raises ConfigError, which fails a check
    config_path, data_dir : as chosen on the command line; None is the default
    look_s : seconds of samples; 0 skips the sensor
    device : another sensor than that of the settings
    mask : gets every secret that is found
    shares : whether the results will be sent to somebody
    """

    read_settings: Callable[[], Configuration]
    config_path: Path | None
    data_dir: Path | None
    reach: Reach
    look_s: float
    device: str | None
    mask: Mask
    shares: bool

    async def checks(
        self, progress: Callable[[Look], None] = lambda _: None
    ) -> AsyncIterator[CheckResult | Looking]:
        """Yield each check when it is done; `progress` is called while a sensor is looked at."""
        where = str(self.config_path or default_path())
        try:
            configuration = self.read_settings()
        except ConfigError as error:
            settings = Settings()
            facts = SettingsFacts(where, self._problem(error), self.device, where)
        else:
            settings = configuration.settings
            path = None if configuration.path is None else str(configuration.path)
            chosen = [sensor.device for sensor in settings.sensors if sensor.device]
            problem = "; ".join(credential_problems(settings.mqtt)) or None
            facts = SettingsFacts(path, problem, self.device or ", ".join(chosen) or None, where)
        self._hide(settings)
        yield check_python(probes.versions(), list(installed().broken.values()))
        yield check_settings(facts)
        radio = check_bluetooth(
            VIRTUAL
            if self.reach.is_virtual
            else await probes.bluetooth(wanted=settings.sensor.adapter)
        )
        for check in radio:
            yield check
        folder = probes.folder(self.data_dir or settings.data_dir)
        yield check_folder(folder)
        yield check_disk(folder, nights=settings.recording.retention_nights)
        broker = await probes.broker(settings)
        yield check_broker(broker, settings_path=where)
        if broker.home_assistant is not None:
            yield check_home_assistant(broker.home_assistant)
        yield check_clock(probes.clock())
        yield check_zone(probes.zone(settings))
        alerts = settings.alerts
        at = None if alerts.self_test_at is None else alerts.self_test
        yield check_test(at, settings_path=where)
        yield check_sound(probes.sound(settings), settings_path=where)
        yield check_contacts(probes.contacts(settings), datetime.now(UTC))
        yield check_chosen(facts)
        if not self.look_s:
            yield skip(SENSOR, "not checked, as asked")
        elif any(check.status is CheckStatus.FAIL for check in radio):
            yield skip(SENSOR, "cannot be heard until Bluetooth works")
        else:
            worn = settings.sensors
            if self.device is not None:
                worn = (settings.sensor_called(self.device),)
            for sensor in worn:
                yield Looking("the sensor" if sensor.device is None else sensor.device, self.look_s)
                for check in await self._look(settings, sensor, progress):
                    several = f"{check.name}, {sensor.label}" if len(worn) > 1 else check.name
                    yield replace(check, name=several)

    async def _look(
        self, settings: Settings, sensor: SensorSettings, progress: Callable[[Look], None]
    ) -> list[CheckResult]:
        try:
            look, why = await replace(self.reach, hci=sensor.adapter).look(
                sensor.device,
                driver=sensor.driver,
                name=sensor.name,
                samples_s=self.look_s,
                tell=lambda seen, _: progress(seen),
            )
        except (LinkError, ConfigError) as error:
            return [fail(SENSOR, _one_line(error), "spasmwatch doctor   (after correcting that)")]
        note = ""
        if look.link is not None:
            self.mask.hide("sensor", _as_written(look.link.name))
            self.mask.hide("address", [look.link.address])
            note = installed().named(look.link.driver).sheet.loss
        return check_sensor(look, why=why, loss_note=note, zone=settings.wearer.zone)

    def _hide(self, settings: Settings) -> None:
        """Add to the mask what must not be shared."""
        mask, mqtt = self.mask, settings.mqtt
        # A password file is not opened here: no check prints its content, and it may be any file.
        password = mqtt.password
        mask.hide("password", [None if password is None else password.get_secret_value()])
        mask.hide("user", [probes.user(), mqtt.username])
        mask.hide("host", probes.host_names())
        mask.hide("host", [mqtt.address and mqtt.address.host])
        for contact in settings.contact:
            url = contact.url
            mask.hide("password", [None if url is None else url.get_secret_value()])
            mask.hide("contact", [contact.name])
        for name in (self.device, *(sensor.device for sensor in settings.sensors)):
            mask.hide("sensor", _as_written(name or ""))

    def _problem(self, error: ConfigError) -> str:
        """Return what is wrong with the settings; a quoted value may be a secret."""
        text = _one_line(error)
        return re.sub(r'"[^"]*"', '"…"', text) if self.shares else text


def _as_written(name: str) -> list[str]:
    """Return the forms in which a name appears in messages."""
    return [name, repr(name)[1:-1], harmless(name)]


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
