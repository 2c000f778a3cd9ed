"""Judge the rest of this computer: settings, disk, broker, clock and time zone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from shlex import quote

from detector.config import check_command
from detector.disk_room import LOW_BYTES
from detector.doctor.check import CheckResult, fail, ok, skip, warn
from detector.words.delivery import TESTS_OFF

PYTHON, SETTINGS, CHOSEN = "Python and packages", "Settings file", "Sensor chosen"
DATA_DIR, DISK, BROKER = "Data folder", "Disk space", "MQTT broker"
HOME_ASSISTANT = "Home Assistant"
CLOCK, ZONE, TEST, SOUND = "Clock", "Time zone", "Evening test", "Sound"

NIGHT_BYTES = 12 << 20  # 8 h of a Polar sensor: 30 nights were 360 MB
LEAST_BYTES = 5 * NIGHT_BYTES  # SQLite needs room to fold its log; other programs write too
# ntpd steps a clock beyond this, and a night's times are read to the minute.
MOST_CLOCK_ERROR_S = 16.0


@dataclass(frozen=True, slots=True)
class SettingsFacts:
    """The settings file: `path` None where there is none; `problem` None where it is right."""

    path: str | None
    problem: str | None
    device: str | None
    where: str  # it is, or would be


@dataclass(frozen=True, slots=True)
class FolderFacts:
    """Folder of the recordings: `problem` None where a file can be made there."""

    path: str
    problem: str | None
    free_bytes: int | None
    impossible: bool = False  # no command mends it: in a file, in /proc, on a read-only disk


@dataclass(frozen=True, slots=True)
class BrokerFacts:
    """Broker of the night: `kind` is url, mosquitto, embedded or none.

    `problem` None where it answered; `note` why it is not on the port that was asked for;
    `insecure` where the settings accept that others may read and forge messages.
    """

    kind: str
    where: str
    round_trip_ms: float | None = None
    problem: str | None = None
    note: str = ""
    insecure: bool = False
    home_assistant: HomeAssistantFacts | None = None


@dataclass(frozen=True, slots=True)
class HomeAssistantFacts:
    """What became of the discovery: `problem` None where it was accepted; `nobody` subscribed."""

    topic: str
    problem: str | None = None
    nobody: bool = False


@dataclass(frozen=True, slots=True)
class SoundFacts:
    """What plays the alarm here; `own` where the settings name it.

    `program` None where no sound is wanted, or where `problem` says why there can be none.
    """

    program: str | None
    problem: str | None = None
    own: bool = False


@dataclass(frozen=True, slots=True)
class ClockFacts:
    """Largest error of the clock as the kernel estimates it, s; None where it does not."""

    largest_error_s: float | None
    systemd: bool = True  # runs here, so that its commands work


@dataclass(frozen=True, slots=True)
class ZoneFacts:
    """Time zones: the computer's, and the one in the settings, with their offsets now."""

    computer: str
    computer_offset: timedelta
    configured: str | None
    configured_offset: timedelta | None
    systemd: bool = True  # runs here, so that its commands work


def check_python(versions: Sequence[tuple[str, str]], broken_drivers: Sequence[str]) -> CheckResult:
    """Check that every driver loads, and name the versions that run here."""
    shown = ", ".join(f"{name} {version}" for name, version in versions)
    if broken_drivers:
        return warn(PYTHON, f"{shown}. {' '.join(broken_drivers)}", "pip check")
    return ok(PYTHON, shown)


def check_settings(facts: SettingsFacts) -> CheckResult:
    """Check that the settings are valid."""
    if facts.problem is not None:
        check = check_command(Path(facts.where))
        return fail(SETTINGS, facts.problem, f"{check}   (after correcting that)")
    if facts.path is None:
        return ok(SETTINGS, f"none at {facts.where}: the defaults are used")
    return ok(SETTINGS, f"{facts.path} valid")


def check_chosen(facts: SettingsFacts) -> CheckResult:
    """Check that the settings name the wearer's sensor."""
    if facts.device is None:
        return warn(
            CHOSEN,
            "none: the nearest sensor that works is used, even if it is a neighbour's",
            "spasmwatch setup",
        )
    return ok(CHOSEN, facts.device)


def check_folder(facts: FolderFacts) -> CheckResult:
    """Check that recordings can be written."""
    path = quote(facts.path)
    if facts.problem is not None:
        return fail(
            DATA_DIR,
            f"{facts.path}: {facts.problem}",
            "choose another folder: --data-dir ~/spasmwatch-data"
            if facts.impossible
            else f'sudo mkdir -p {path} && sudo chown -R "$USER" {path}',
        )
    return ok(DATA_DIR, f"{facts.path} can be written")


def check_disk(facts: FolderFacts, *, nights: int) -> CheckResult:
    """Check that there is room for the nights that are to be kept."""
    if facts.problem is not None:
        return skip(DISK, "the folder cannot be used")
    if facts.free_bytes is None:
        return skip(DISK, "the folder cannot be read")
    room = facts.free_bytes // NIGHT_BYTES
    detail = f"{_size(facts.free_bytes)} free, about {_nights(room)} of recordings"
    look = f"df -h {quote(facts.path)}   (make room, or set data_dir to another disk)"
    if facts.free_bytes < LEAST_BYTES:
        return fail(DISK, detail, look)
    problems = [f"{nights} are to be kept"] if room < nights else []
    if facts.free_bytes < LOW_BYTES:
        problems.append(f"a night alarms below {_size(LOW_BYTES)}")
    if problems:
        return warn(DISK, "; ".join([detail, *problems]), look)
    return ok(DISK, detail)


def check_broker(facts: BrokerFacts, *, settings_path: str) -> CheckResult:
    """Check that the broker answers."""
    if facts.kind == "none":
        return ok(BROKER, "none, as your settings say: nobody is alerted by MQTT")
    if facts.problem is not None:
        return fail(
            BROKER,
            f"{facts.where}: {facts.problem}",
            f"nano {quote(settings_path)}   ([mqtt] broker, username, password_file)",
        )
    ms = "" if facts.round_trip_ms is None else f", round trip {facts.round_trip_ms:.0f} ms"
    if facts.kind == "found":
        return ok(BROKER, f"the one that listens at {facts.where}{ms}")
    if facts.note:
        return warn(
            BROKER,
            f"spasmwatch's own ({facts.kind}) answers{ms}; {facts.note}",
            f"nano {quote(settings_path)}   ([mqtt] username and password_file, or another port)",
        )
    if facts.insecure:
        return warn(
            BROKER,
            f"{facts.where}{ms}; insecure = true: others on the network may read and forge alerts",
            "spasmwatch setup tls   (then mqtts:// in [mqtt] broker, and insecure deleted)",
        )
    ours = "" if facts.kind == "url" else f"spasmwatch's own ({facts.kind}), "
    return ok(BROKER, f"{ours}{facts.where}{ms}")


def check_home_assistant(facts: HomeAssistantFacts) -> CheckResult:
    """Check that the broker accepts the discovery, and that a Home Assistant takes it."""
    if facts.problem is not None:
        return fail(
            HOME_ASSISTANT,
            f"it cannot be told of the night: {facts.problem}",
            f"spasmwatch ha discovery   (once the broker's access list allows {facts.topic})",
        )
    if facts.nobody:
        return warn(
            HOME_ASSISTANT,
            "the discovery is accepted, and nobody there takes it: its MQTT integration must use "
            "the same broker",
            "spasmwatch ha discovery   (once it does)",
        )
    return ok(HOME_ASSISTANT, "the discovery is accepted")


def check_clock(facts: ClockFacts) -> CheckResult:
    """Check that the wall clock is synchronised."""
    if facts.largest_error_s is None:
        return skip(CLOCK, "this system does not report whether its clock is synchronised")
    if facts.largest_error_s >= MOST_CLOCK_ERROR_S:
        return warn(
            CLOCK,
            "not synchronised: the times of a night may be wrong",
            "sudo timedatectl set-ntp true" if facts.systemd else "sudo apt install chrony",
        )
    return ok(CLOCK, "synchronised")


def check_zone(facts: ZoneFacts) -> CheckResult:
    """Check that times are shown in the zone that people expect."""
    choose = "sudo timedatectl set-timezone {}" if facts.systemd else "sudo dpkg-reconfigure tzdata"
    if facts.configured is not None:
        if facts.configured_offset != facts.computer_offset:
            return warn(
                ZONE,
                f"times are shown in {facts.configured}, this computer is in {facts.computer}",
                f"{choose.format(facts.configured)}   (or set [wearer] time_zone)",
            )
        return ok(ZONE, facts.configured)
    if not facts.computer_offset and facts.computer in {"UTC", "Etc/UTC", "Etc/UCT"}:
        return warn(
            ZONE,
            "UTC: no time zone was chosen, so times may not be yours",
            f"{choose.format('Europe/Amsterdam')}   (or set [wearer] time_zone)",
        )
    return ok(ZONE, facts.computer)


def check_test(at: str | None, *, settings_path: str) -> CheckResult:
    """Check that the way that alarms take is tested each evening."""
    if at is None:
        remedy = f'nano {quote(settings_path)}   ([alerts] self_test = "21:30")'
        return warn(TEST, TESTS_OFF, remedy)
    return ok(TEST, f"at {at}, at every `spasmwatch listen` that is there")


def check_sound(facts: SoundFacts, *, settings_path: str) -> CheckResult:
    """Check that something can play the alarm that reaches nobody else; nothing is played."""
    if facts.problem is not None:
        settings = f"nano {quote(settings_path)}   ([alerts] sound_command)"
        remedy = settings if facts.own else "sudo apt install alsa-utils"
        return warn(SOUND, facts.problem, remedy)
    if facts.program is None:
        return ok(SOUND, "off, as your settings say: alerts that reach nobody make no sound here")
    return ok(SOUND, f"{facts.program} plays the alarm; it was not played")


def _size(count: int) -> str:
    return f"{count / 1e9:.0f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def _nights(count: int) -> str:
    return f"{count} nights" if count < 730 else f"{count / 365:.0f} years"
