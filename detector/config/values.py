"""Types of single settings: what a value must be, and what is said of one that is not."""

from __future__ import annotations

import ipaddress
import re
import shlex
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BeforeValidator, Field

from detector.alerts.rules import parse_rule
from detector.events import Origin

BROKER_WORDS = ("auto", "mosquitto", "embedded", "none")
PORTS = {"mqtt": 1883, "mqtts": 8883}  # IANA's assignments
LONGEST_TEXT = 64  # fits a phone's notification line; longer text is a paste gone wrong
NO_TEST = "off"
MOST_COMMAND = 1000  # characters
LONGEST_URL = 256  # characters; a notification carries it, with a proof behind it
KEPT_LEVELS = {Origin.SIMULATED.value, Origin.REPLAY.value}  # topic levels of what is not live


def is_this_computer(host: str) -> bool:
    """Return whether what is sent to a host stays on this computer."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _plain_text(text: str) -> str:
    if not 0 < len(text) <= LONGEST_TEXT or not text.isprintable():
        raise ValueError(f"must be 1 to {LONGEST_TEXT} printable characters")
    return text


def _identifier(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", text):
        raise ValueError("must be letters, digits, - and _ only, such as left-calf")
    return text


def _adapter(text: str) -> str:
    if not re.fullmatch(r"hci[0-9]{1,3}", text):
        raise ValueError("must be an adapter such as hci1: `spasmwatch doctor` lists them")
    return text


def _topic(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,32}(/[A-Za-z0-9_-]{1,32}){0,7}", text):
        raise ValueError("must be words of letters, digits, - and _ joined by /, such as sw/v1")
    kept = next((level for level in text.split("/") if level in KEPT_LEVELS), None)
    if kept is not None:
        raise ValueError(
            f"must not have {kept!r} in it: that word keeps simulated and replayed messages apart "
            "from live ones"
        )
    return text


LONGEST_ZONE = 64  # characters; the longest name has 32


def _time_zone(text: str) -> str:
    try:
        if len(text) > LONGEST_ZONE:  # looked for in folders within folders
            raise ValueError
        ZoneInfo(text)
    except (OSError, ValueError, KeyError):  # unknown, a folder, not a zone file, a path
        close = get_close_matches(text[:LONGEST_ZONE], available_timezones(), n=1)
        hint = f"   did you mean {close[0]}?" if close else ""
        raise ValueError(f"must be a time zone such as Europe/Amsterdam{hint}") from None
    return text


def _rule(text: str) -> str:
    parse_rule(text)  # its error is a ValueError with a complete message
    return text


def _broker(text: str) -> str:
    if text in BROKER_WORDS:
        return text
    words = ", ".join(BROKER_WORDS)
    bare = re.fullmatch(r"[\w.-]+(:0*([1-9]\d{0,4}))?", text)
    usual = bare is not None and int(bare[2] or 0) < 65536
    example = text if usual else "homeassistant.local"
    wanted = f"must be one of {words}, or an address such as mqtt://{example}"
    try:
        url = urlsplit(text)
        host = re.fullmatch(r"[\w.:%-]{1,253}", url.hostname or "", re.ASCII)
        usable = url.scheme in PORTS and host and url.port != 0
    except ValueError:  # invalid brackets or port
        raise ValueError(wanted) from None
    if not usable:
        raise ValueError(wanted)
    if url.username or url.password:
        raise ValueError("must not hold a name or password: use mqtt.username and password_file")
    if url.path.strip("/") or url.query or url.fragment:
        raise ValueError("must end after the host and port: topics begin with mqtt.prefix")
    return text


def _some_path(path: object) -> object:
    """Refuse the empty text, which as a path is the folder that a program is started in."""
    if isinstance(path, str) and not path.strip():
        raise ValueError("must be a path, not empty; leave the setting out for its default")
    return path


def _home(path: Path) -> Path:
    if not str(path).isprintable():
        raise ValueError("must be a path of printable characters")
    try:
        return path.expanduser().absolute()
    except RuntimeError:
        raise ValueError("must not begin with ~ where the home folder is not known") from None


def _command(text: str) -> str:
    """Check what a shell's rules can part into a program and its arguments."""
    try:
        argv = shlex.split(text) if len(text) <= MOST_COMMAND else []
    except ValueError:  # a quotation mark without its other half
        argv = []
    if not argv or not text.isprintable():
        raise ValueError("must be a program with its arguments, in one line, as in a terminal")
    return text


def _time_of_day(text: str) -> str:
    if text != NO_TEST and not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text):
        raise ValueError(f"must be a time of day such as 21:30, or {NO_TEST}")
    return text


def _address(text: str) -> str:
    try:
        ipaddress.ip_address(text)  # not a name: a resolver may answer anything for one
    except ValueError:
        raise ValueError(
            "must be an address of this computer, such as 127.0.0.1, ::1 or 0.0.0.0 for all of them"
        ) from None
    return text


def _web_address(text: str) -> str:
    wanted = "must be an address such as https://spasmwatch.home.example, without ? or #"
    try:
        url = urlsplit(text)
        usable = url.scheme in {"http", "https"} and url.hostname and url.port != 0
    except ValueError:  # invalid brackets or port
        raise ValueError(wanted) from None
    spaced = not text.isprintable() or " " in text
    if not usable or url.query or url.fragment or url.username or spaced or len(text) > LONGEST_URL:
        raise ValueError(wanted)
    return text.rstrip("/")


def _host_port(text: str) -> str:
    try:
        url = urlsplit(f"https://{text}")
        usable = url.netloc == text and url.hostname and url.port != 0 and not url.username
    except ValueError:  # invalid brackets or port
        usable = False
    if not usable or not text.isascii() or not text.isprintable() or len(text) > LONGEST_URL:
        raise ValueError("must be a host such as push.example.org, or with :PORT behind it")
    return text.lower()


Text = Annotated[str, AfterValidator(_plain_text)]
ShellCommand = Annotated[str, AfterValidator(_command)]
Identifier = Annotated[str, AfterValidator(_identifier)]
FilePath = Annotated[Path, Field(strict=False), BeforeValidator(_some_path), AfterValidator(_home)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
AdapterName = Annotated[str, AfterValidator(_adapter)]
WakeRule = Annotated[str, AfterValidator(_rule)]
TimeOfDay = Annotated[str, AfterValidator(_time_of_day)]
Broker = Annotated[str, AfterValidator(_broker)]
TopicPrefix = Annotated[str, AfterValidator(_topic)]
Address = Annotated[str, AfterValidator(_address)]
HostPort = Annotated[str, AfterValidator(_host_port)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
