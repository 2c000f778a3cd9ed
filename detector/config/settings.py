"""Every setting, with its type, limits and default."""

from __future__ import annotations

from datetime import time
from typing import Annotated, Literal, NamedTuple
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from platformdirs import user_data_path
from pydantic import Field, SecretStr, model_validator

from detector.alerts.rules import DEFAULT_RULES
from detector.config.contacts import MOST_CONTACTS, ContactSettings, check_contacts
from detector.config.followed import MOST_FOLLOWED, FollowSettings, check_followed
from detector.config.secret_file import read_secret
from detector.config.section import Section
from detector.config.values import (
    BROKER_WORDS,
    NO_TEST,
    PORTS,
    AdapterName,
    Address,
    Broker,
    FilePath,
    HostPort,
    Identifier,
    ShellCommand,
    Text,
    TimeOfDay,
    TimeZone,
    TopicPrefix,
    WakeRule,
    WebAddress,
    is_this_computer,
)
from detector.devices.identity import canonical
from detector.sites import Site

MOST_RULES = 32  # more than anybody keeps in mind; each is asked at every event
MOST_SENSORS = 6  # commodity adapters hold 5 to 7 links


class BrokerAddress(NamedTuple):
    """Address of a broker that spasmwatch does not start."""

    host: str
    port: int
    tls: bool


class WearerSettings(Section):
    """The person who wears the sensors. Never a name: it appears in alerts."""

    label: Text = "bedroom"
    """Shown in alerts instead of a name."""
    time_zone: TimeZone | None = None
    """IANA name of the zone in which times are shown; None is this computer's."""

    @property
    def zone(self) -> ZoneInfo | None:
        """Zone in which times are shown; None is this computer's."""
        return None if self.time_zone is None else ZoneInfo(self.time_zone)


class SensorSettings(Section):
    """Which sensor, and where it is worn."""

    device: Text | None = None
    """Name or address from `spasmwatch scan`; None takes the first sensor that a driver knows."""
    driver: Identifier | None = None
    """Device name such as polar-verity-sense; None goes by what the sensor advertises."""
    placement: Site = "ankle"
    """Where it is worn."""
    label: Identifier = "leg"
    """Names the sensor in events, such as left-calf."""
    name: Text | None = None
    """What it advertised when `spasmwatch setup` chose it: finds it again at a new address, where
    that name holds a serial number."""
    adapter: AdapterName | None = None
    """Bluetooth adapter such as hci1 (Linux); None listens with all that are switched on."""
    power_on_adapter: bool = False
    """Whether a night may switch on an adapter that it finds switched off (Linux)."""


class AnotherSensorSettings(SensorSettings):
    """One more sensor that the same person wears; it needs a name or address and a label."""

    device: Text
    """Name or address from `spasmwatch scan`."""
    label: Identifier
    """Names the sensor in events; no two may be the same."""


class AlertSettings(Section):
    """Rules that wake somebody; all else is only stored."""

    wake_for: Annotated[
        tuple[WakeRule, ...],
        Field(strict=False, max_length=MOST_RULES),
    ] = DEFAULT_RULES
    """Rules; any one of them raises an alert."""
    learning_nights: Annotated[int, Field(ge=0, le=14)] = 3
    """First nights that only log spasms, before any wakes somebody; technical alarms always do."""
    refractory_min: Annotated[int, Field(ge=0, le=30)] = 5
    """After an alert has woken somebody, so long the next of its kind is only shown and counted."""
    sound: bool = True
    """Whether a computer sounds an alarm: one that listens, and this one when nobody else hears."""
    sound_command: ShellCommand | None = None
    """Plays the sound file that is its last argument; None is the computer's own player."""

    self_test: TimeOfDay = "21:30"
    """When a test sounds at every receiver that is there, each evening; off for none."""

    @property
    def self_test_at(self) -> time | None:
        """Time of day of the test; None where nobody wants one."""
        return None if self.self_test == NO_TEST else time.fromisoformat(self.self_test)


class MqttSettings(Section):
    """The broker through which others are alerted."""

    broker: Broker = "auto"
    """auto, mosquitto, embedded, none, or mqtt://host or mqtts://host."""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """Of the broker; None is 1883, or 8883 for mqtts."""
    prefix: TopicPrefix = "sw/v1"
    """First part of every topic."""
    username: Text | None = None
    """Name to sign in with."""
    password: SecretStr | None = None
    """Password to sign in with; better kept in a file of its own."""
    password_file: FilePath | None = None
    """File whose first line is the password."""
    ca_file: FilePath | None = None
    """Certificate of the authority that signed the broker's, or the broker's own; for mqtts."""
    cert_file: FilePath | None = None
    """Our certificate, for a broker that asks for one."""
    key_file: FilePath | None = None
    """Its private key."""
    signing_file: FilePath | None = None
    """Keys from `setup tls`: commands and heartbeats without their signature are not believed."""
    home_assistant: bool = False
    """Whether a Home Assistant at the broker discovers the night, and shows it to its household."""
    home_assistant_commands: bool = False
    """Whether its buttons acknowledge, snooze and pause; they cannot sign, so that the broker must
    say who may publish `ha/+`."""
    discovery_prefix: TopicPrefix = "homeassistant"
    """First part of the topics that Home Assistant discovers by."""
    insecure: bool = False
    """Accept a broker elsewhere without mqtts or without password: others read and forge alerts."""

    @model_validator(mode="after")
    def _credentials_fit(self) -> MqttSettings:
        has_secret = self.password is not None or self.password_file is not None
        if self.password is not None and self.password_file is not None:
            raise ValueError("must have password or password_file, not both: delete one")
        if has_secret and self.username is None:
            raise ValueError("must have a username beside the password")
        address = self.address
        if self._tls_files and (address is None or not address.tls):
            raise ValueError(
                f"must have broker = 'mqtts://…' beside {self._tls_files[0]}: no other broker "
                "uses certificates"
            )
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("must have cert_file and key_file, or neither")
        if address is None:
            return self
        if self.port is not None and urlsplit(self.broker).port not in {None, self.port}:
            raise ValueError("must not name two ports: delete port or the one in broker")
        return self

    @model_validator(mode="after")
    def _safe_away_from_here(self) -> MqttSettings:
        address = self.address
        if address is None or self.insecure or is_this_computer(address.host):
            return self
        if not address.tls:
            raise ValueError(
                f"must not send alerts and passwords readable to {address.host}: write mqtts:// in "
                "broker (`spasmwatch setup tls` makes what it needs), or insecure = true if you "
                "accept that others on the network read and forge them"
            )
        if self.username is None and self.cert_file is None:
            raise ValueError(
                f"must have a username and password_file for {address.host}, or cert_file and "
                "key_file (`spasmwatch setup tls` makes them), or insecure = true if you accept "
                "that anybody may sign in there"
            )
        return self

    @model_validator(mode="after")
    def _buttons_have_rights(self) -> MqttSettings:
        if not self.home_assistant_commands:
            return self
        has_secret = self.password is not None or self.password_file is not None
        if self.address is None or not (has_secret or self.cert_file is not None):
            raise ValueError(
                "must have broker = 'mqtts://…' with a username and password_file beside "
                "home_assistant_commands, at a broker whose access list says who may publish "
                "ha/+ (`spasmwatch setup tls` makes one): elsewhere anybody could silence alerts"
            )
        return self

    @property
    def _tls_files(self) -> list[str]:
        names = ("ca_file", "cert_file", "key_file")
        return [name for name in names if getattr(self, name) is not None]

    @property
    def address(self) -> BrokerAddress | None:
        """Where the configured broker listens; None when spasmwatch is to find or start one."""
        if self.broker in BROKER_WORDS:
            return None
        url = urlsplit(self.broker)
        assert url.hostname is not None  # noqa: S101  (the validator refused anything else)
        port = url.port or self.port or PORTS[url.scheme]
        return BrokerAddress(url.hostname, port, url.scheme == "mqtts")

    def secret(self) -> str | None:
        """Return the password, from the settings or from its file.

        Raises
        ------
        ConfigError
            The file cannot be read, holds no password, or can be read by everybody.
        """
        if self.password is not None:
            return self.password.get_secret_value()
        if self.password_file is None:
            return None
        return read_secret(self.password_file, "mqtt.password_file", "password")


class RecordingSettings(Section):
    """Recording of the raw signal."""

    enabled: bool = True
    """Keep every packet of the night, for replay and review."""
    retention_nights: Annotated[int, Field(ge=1, le=3650)] = 30
    """Older recordings are deleted, oldest first; 30 nights are about 360 MB."""


class LogSettings(Section):
    """The log of the service."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least important line that is still written."""
    format: Literal["text", "json"] = "text"
    """How a line is written; json is for programs."""


class WebSettings(Section):
    """The caregivers' page, and the health of the service for monitoring."""

    enabled: bool = True
    """Whether `run` serves the page, and /livez, /readyz and /metrics to this computer alone."""
    bind: Address = "127.0.0.1"
    """Address to listen at. Any but 127.0.0.1 and ::1 lets phones in, and needs cert_file and
    key_file."""
    port: Annotated[int, Field(ge=1, le=65535)] = 8377
    """Where it listens; where that is taken, the next free one."""
    public_url: WebAddress | None = None
    """Address at which a phone reaches the page: contacts' notifications get a button with it."""
    cert_file: FilePath | None = None
    """Certificate of the page, for https; `spasmwatch setup tls --page` makes it."""
    key_file: FilePath | None = None
    """Its private key."""
    push_hosts: Annotated[tuple[HostPort, ...], Field(strict=False, max_length=8)] = ()
    """Push services, such as your own for UnifiedPush, beside those of the browsers' makers."""

    @model_validator(mode="after")
    def _certified_away_from_here(self) -> WebSettings:
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("must have cert_file and key_file, or neither")
        if self.cert_file is None and not is_this_computer(self.bind):
            raise ValueError(
                f"must not show health data readable to others at {self.bind}: set cert_file and "
                "key_file (`spasmwatch setup tls --page` makes them), or bind = '127.0.0.1'"
            )
        return self


class Settings(Section):
    """All settings; a file may give any part of them."""

    wearer: WearerSettings = WearerSettings()
    sensor: SensorSettings = SensorSettings()
    another_sensor: Annotated[
        tuple[AnotherSensorSettings, ...], Field(strict=False, max_length=MOST_SENSORS - 1)
    ] = ()
    """More sensors of the same person, each a section [[another_sensor]]."""
    alerts: AlertSettings = AlertSettings()
    contact: Annotated[
        tuple[ContactSettings, ...], Field(strict=False, max_length=MOST_CONTACTS)
    ] = ()
    """Whom alerts are pushed to, in the order in which they are told; each a [[contact]]."""
    mqtt: MqttSettings = MqttSettings()
    recording: RecordingSettings = RecordingSettings()
    web: WebSettings = WebSettings()
    follow: Annotated[
        tuple[FollowSettings, ...], Field(strict=False, max_length=MOST_FOLLOWED)
    ] = ()
    """Other wearers at the same broker, whom the page shows, too; each a [[follow]]."""
    log: LogSettings = LogSettings()
    data_dir: FilePath = Field(default_factory=lambda: user_data_path("spasmwatch"))
    """Folder for recordings, events and state."""

    @model_validator(mode="after")
    def _sensors_differ(self) -> Settings:
        labels = [sensor.label for sensor in self.sensors]
        twice = next((label for label in labels if labels.count(label) > 1), None)
        if twice is not None:
            raise ValueError(f"must not call two sensors {twice!r}: give one another label")
        if self.another_sensor and self.sensor.device is None:
            raise ValueError("must have device in [sensor] too, where several sensors are worn")
        return self

    @model_validator(mode="after")
    def _contacts_fit(self) -> Settings:
        check_contacts(self.contact, self.alerts.wake_for)
        return self

    @model_validator(mode="after")
    def _followed_fit(self) -> Settings:
        check_followed(self.follow, self.mqtt.broker)
        return self

    @property
    def sensors(self) -> tuple[SensorSettings, ...]:
        """All sensors that the person wears, the first of the settings first."""
        return (self.sensor, *self.another_sensor)

    def sensor_called(self, device: str | None) -> SensorSettings:
        """Return the settings of a sensor by its name or address; None is the first one.

        A sensor that they do not name takes the settings of the first, except for driver and name.
        """
        if device is None:
            return self.sensor
        wanted = canonical(device)
        known = (one for one in self.sensors if canonical(one.device or "") == wanted)
        other = self.sensor.model_copy(update={"device": device, "driver": None, "name": None})
        return next(known, other)
