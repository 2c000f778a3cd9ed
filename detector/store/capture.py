"""Captures: received packets as text to be shared, for bug reports and as fixtures of drivers.

JSON lines. The first says what was recorded and with what; each of the others is one of

    {"t_ns": 0, "link": 1, "driver": "polar-h10", "address": "00:00:00:00:00:01", "name": "…"}
    {"t_ns": 51000000, "link": 1, "channel": "fb005c81-…", "hex": "f00209000000"}
    {"t_ns": 9051000000, "link": 1, "lost": "the link to … was lost"}

`t_ns` counts from the first line on the host's monotonic clock; the time of day is not kept.
Addresses are masked consistently, and so is the part of a name by which no driver recognises it.
Packets that hold samples are kept bit for bit, with the sensor's own time stamps; in others the
address, that part of the name and what looks like a serial number are masked too.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import Any, TextIO, TypeVar

from detector.devices.profile import Advertisement, Chunk, Driver
from detector.devices.registry import Registry, installed
from detector.devices.stream import Item, LinkDown, LinkUp, Packet, Reading
from detector.errors import RecordingError, RecordingNotFoundError
from detector.plain_json import parsed

T = TypeVar("T")

SCHEMA = "capture/1"
SUFFIXES = {".jsonl", ".capture"}

LONGEST_LINE = 8192  # bytes; a notification has at most 512, twice that in hex
LONGEST_HEX = 1024
LONGEST_TEXT = 512  # of a name, channel or reason
LARGEST_BYTES = 256 << 20  # a night of the chattiest sensor (9 packets a second) takes 40 MB
LATEST_NS = 1 << 60  # 36 years
MOST_LINKS = 1 << 31
MASKED = "addresses, names as far as no driver goes by them, the time of day"
SECRET_BYTES = 4  # shorter text occurs in any packet by chance
# A serial number or an address as text, which a system that hides addresses (macOS) cannot name.
_SERIAL = re.compile(rb"[0-9A-Fa-f]{8,}")


@dataclass(frozen=True, slots=True)
class CaptureHeader:
    """Header of a capture; `driver` is that of its first link."""

    driver: str
    placement: str | None
    version: str


class CaptureWriter:
    """Writes one new capture, from the first link on; no file is made without a link.

    Parameters
    ----------
    versions : of what carried the packets, as `{"bleak": "3.1.0"}`
    """

    def __init__(
        self,
        path: Path,
        *,
        placement: str,
        version: str,
        versions: Mapping[str, str],
        registry: Registry | None = None,
    ) -> None:
        self.path = path
        self.packets = 0
        self._registry = installed() if registry is None else registry
        self._header = {
            "schema": SCHEMA,
            "spasmwatch": version,
            "versions": dict(versions),
            "masked": MASKED,
            "placement": placement,
        }
        self._file: TextIO | None = None
        self._begun_ns = 0
        self._addresses: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._replaced: dict[bytes, bytes] = {}

    def write(self, reading: Reading) -> None:
        """Write a reading; what the driver made of it decides how it is masked.

        Raises
        ------
        OSError
            It cannot be written, or (FileExistsError) the file exists.
        """
        item = reading.item
        if self._file is None:
            if not isinstance(item, LinkUp):
                return
            self._begin(item)
        body: dict[str, Any] = {"t_ns": item.mono_ns - self._begun_ns, "link": item.session}
        match item:
            case LinkUp():
                address, name = self._mask_link(item)
                body |= {"driver": item.driver, "address": address, "name": name}
            case Packet():
                has_samples = any(isinstance(output, Chunk) for output in reading.outputs)
                data = item.data if has_samples else self._masked(item.data)
                body |= {"channel": item.channel, "hex": data.hex()}
                self.packets += 1
            case LinkDown():
                body |= {"lost": self._masked_text(item.reason)[:LONGEST_TEXT]}
        self._line(body)

    def flush(self) -> None:
        """Pass what was written to the operating system."""
        if self._file is not None:
            self._file.flush()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def _begin(self, link: LinkUp) -> None:
        # Movement of a person: private until it is shared on purpose.
        descriptor = os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        self._file = os.fdopen(descriptor, "w", encoding="ascii", newline="\n")
        self._begun_ns = link.mono_ns
        sheet = asdict(self._registry.named(link.driver).sheet)
        self._line(self._header | {"driver": link.driver, "sheet": sheet})

    def _line(self, body: Mapping[str, Any]) -> None:
        assert self._file is not None  # noqa: S101 - begun above
        self._file.write(json.dumps(body) + "\n")

    def _mask_link(self, link: LinkUp) -> tuple[str, str]:
        address = self._addresses.setdefault(link.address, _numbered(len(self._addresses) + 1))
        if link.name not in self._names:
            driver = self._registry.named(link.driver)
            self._names[link.name] = masked_name(link.name, driver, len(self._names) + 1)
        name = self._names[link.name]
        self._replaced |= _in_packets(link.address, address) | _rest_in_packets(link.name, name)
        return address, name

    def _masked(self, data: bytes) -> bytes:
        for secret, mask in self._replaced.items():
            data = data.replace(secret, mask)
        return _SERIAL.sub(lambda found: b"0" * len(found[0]), data)

    def _masked_text(self, text: str) -> str:
        for secret, mask in [*self._names.items(), *self._addresses.items()]:
            # A reason quotes a name as Python would, to make it harmless.
            for written in dict.fromkeys([secret, repr(secret)[1:-1]]):
                text = text.replace(written, mask) if written else text
        return text


class Capture:
    """Reads a capture; made by `open`, which looks at every line first."""

    def __init__(self, path: Path, header: CaptureHeader) -> None:
        self.path = path
        self.header = header

    @classmethod
    def open(cls, path: Path) -> Capture:
        """Return a capture that was checked from end to end, so that no half of one is used.

        Raises
        ------
        RecordingNotFoundError, RecordingError
            There is no such file, or it is no capture; the message names the line.
        """
        if not path.is_file():
            raise RecordingNotFoundError(f"{path} does not exist. Check the name.")
        with _read_errors(path):
            if path.stat().st_size > LARGEST_BYTES:
                raise RecordingError(f"{path.name} is larger than any capture: cut it at a line")
        lines = _lines(path)
        number, first = next(lines, (1, b""))
        capture = cls(path, _at(path, number, partial(_header, first)))
        for _ in capture.items():
            pass
        return capture

    def items(self) -> Generator[Item, None, None]:
        """Return every item in the order it came, with little memory.

        Both clocks of an item count from the capture's beginning: it has no time of day.
        """
        latest_ns = 0
        lines = _lines(self.path)
        next(lines, None)
        for number, line in lines:
            item = _at(self.path, number, partial(_item, line))
            if item.mono_ns < latest_ns:
                raise _damaged(self.path, number, "time runs backwards")
            latest_ns = item.mono_ns
            yield item


def is_capture(path: Path) -> bool:
    """Whether a file is, or claims to be, a capture rather than any other recording."""
    if not path.is_file():
        return False
    with _read_errors(path), path.open("rb") as file:
        return path.suffix.lower() in SUFFIXES or file.read(1) == b"{"


def masked_name(name: str, driver: Driver, number: int) -> str:
    """Return a name masked but for the part by which the driver recognises its kind."""
    if not driver.recognises(Advertisement("", name)):
        return f"sensor {number}"
    heads = (name[:end] for end in range(1, len(name) + 1))
    known_by = next(h for h in heads if driver.recognises(Advertisement("", h)))
    if known_by == name:
        return name  # the same for all of its kind: it identifies none
    return f"{known_by.rstrip()} {number:04d}"


def _numbered(number: int) -> str:
    return ":".join(f"{byte:02X}" for byte in number.to_bytes(6))


def _in_packets(address: str, mask: str) -> dict[bytes, bytes]:
    """Ways in which a sensor may write its own address: bytes in either order, and as text."""
    digits, masked = (re.sub("[^0-9A-Fa-f]", "", text) for text in (address, mask))
    found = {}
    if len(digits) == len(masked):
        raw, put = bytes.fromhex(digits), bytes.fromhex(masked)
        found = {raw: put, raw[::-1]: put[::-1]}
        for form in (str.upper, str.lower):
            found |= {form(digits).encode(): masked.encode()}
            found |= {form(address).encode(): mask.encode()}
    return found


def _rest_in_packets(name: str, mask: str) -> dict[bytes, bytes]:
    """Return what of a name was masked, as the sensor may write it elsewhere: its serial number."""
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(name, mask, strict=False)))
    rest = name[same:].strip().encode(errors="replace")
    return {rest: b"0" * len(rest)} if len(rest) >= SECRET_BYTES else {}


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    with _read_errors(path), path.open("rb") as file:
        endless = iter(partial(file.readline, LONGEST_LINE + 1), b"")
        for number, line in enumerate(endless, 1):
            if len(line) > LONGEST_LINE:
                raise _damaged(path, number, "it is longer than any line of a capture")
            if not line.endswith(b"\n"):
                raise _damaged(path, number, "the line is cut off: delete it")
            yield number, line


def _header(line: bytes) -> CaptureHeader:
    body = _body(line)
    schema = body.get("schema")
    if schema != SCHEMA:
        raise ValueError(f"the schema is {schema!r:.40}, this spasmwatch reads {SCHEMA!r}")
    placement = body.get("placement")
    return CaptureHeader(
        driver=_text(body, "driver"),
        placement=None if placement is None else _text(body, "placement"),
        version=_text(body, "spasmwatch"),
    )


def _item(line: bytes) -> Item:
    body = _body(line)
    link, t_ns = _whole(body, "link", 1, MOST_LINKS), _whole(body, "t_ns", 0, LATEST_NS)
    if "channel" in body:
        return Packet(link, _text(body, "channel"), _bytes(body), t_ns, t_ns)
    if "driver" in body:
        up = LinkUp(link, _text(body, "driver"), _text(body, "address"), "", t_ns, t_ns)
        return replace(up, name=_text(body, "name", empty=True))
    if "lost" in body:
        return LinkDown(link, _text(body, "lost", empty=True), t_ns, t_ns)
    raise ValueError("it has neither channel, driver nor lost")


def _body(line: bytes) -> dict[str, Any]:
    try:
        body = parsed(line)
    except ValueError:
        raise ValueError("it is not JSON") from None
    if not isinstance(body, dict):
        raise ValueError("it is not a JSON object")
    return body


def _text(body: Mapping[str, Any], key: str, *, empty: bool = False) -> str:
    value = body.get(key)
    if not isinstance(value, str) or len(value) > LONGEST_TEXT or not (value or empty):
        raise ValueError(f"{key} must be text of at most {LONGEST_TEXT} characters")
    return value


def _whole(body: Mapping[str, Any], key: str, least: int, most: int) -> int:
    value = body.get(key)
    if type(value) is not int or not least <= value < most:
        raise ValueError(f"{key} must be a whole number of {least} or more")
    return value


def _bytes(body: Mapping[str, Any]) -> bytes:
    value = body.get("hex")
    if isinstance(value, str) and re.fullmatch(r"(?:[0-9a-fA-F]{2})*", value):
        if len(value) > LONGEST_HEX:
            raise ValueError("hex is longer than any notification")
        return bytes.fromhex(value)
    raise ValueError("hex must be pairs of hexadecimal digits")


def _at(path: Path, number: int, read: Callable[[], T]) -> T:
    try:
        return read()
    except ValueError as error:
        raise _damaged(path, number, str(error)) from None


def _damaged(path: Path, number: int, why: str) -> RecordingError:
    return RecordingError(f"{path.name} line {number} is no line of a capture: {why}.")


@contextmanager
def _read_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RecordingError(f"{path} cannot be read: {error.strerror}. Take a copy.") from error
