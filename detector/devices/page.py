"""The page about sensors, `docs/devices.md`, made from the drivers' data sheets."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from detector.devices.profile import DataSheet, Driver, Support
from detector.devices.refused import REFUSED, Refusal
from detector.devices.registry import BUILT_IN, ENTRY_POINTS

_HEAD = """\
# Sensors

<!-- Made by `make docs` from the drivers' data sheets: change those, not this page. -->

`spasmwatch scan` lists the sensors near you and says which of them work. These do:
"""

_COLUMNS = (
    "Sensor",
    "Device name",
    "Support",
    "Tried with",
    "Rate",
    "Range",
    "Battery",
    "Button",
    "How lost samples are noticed",
    "Waits in the sensor",
)

_WORDS = f"""\
- **Support**: *{Support.RECOMMENDED}* is what to buy; *{Support.SUPPORTED}* works too, if you
  follow the advice for it below; *{Support.TRYING}* is for trying the software out: do not rely on
  it at night.
- **Tried with**: with *bytes of real sensors*, the tests decode what such a sensor really sent;
  *simulated only* means that the driver was written from the maker's description, and tested with a
  virtual sensor that follows it.
- **Button**: the wearer presses it to call for help (wake rule `button`). What is pressed within
  2 s is one call; without a link it reaches nobody, or later.
- **Waits in the sensor**: a sensor collects samples for this long before it sends them. No movement
  can be reported sooner, however fast the computer is.
- A sensor without time stamps or a counter cannot report that samples were lost. The computer's
  clock then shows what is missing: less exactly, and only when much is missing.
"""

_EXAMPLE = """\
from dataclasses import dataclass

import numpy as np

from detector.devices.profile import Chunk, DataSheet, Decoded, Started, Support, TriedWith
from detector.errors import ProtocolError

DATA = "12345678-0001-1000-8000-00805f9b34fb"  # three int16 in mg, 50 times a second


class Conversation:
    def open(self):  # commands to write, once all channels are subscribed to
        return []

    def feed(self, channel, data):  # whatever is notified; ProtocolError if it makes no sense
        return [Started(50, 8), Chunk(samples(data), 50, last_ns=None)]

    def restart(self):  # commands that make a silent stream begin anew
        return []

    def close(self):  # commands that stop the stream
        return []


@dataclass(frozen=True)
class MySensor:
    name = "my-sensor"
    read_first, channels, optional_channels = (), (DATA,), ()
    sheet = DataSheet(
        title="My sensor",
        support=Support.TRYING,
        evidence=TriedWith.SIMULATED,
        fs=50,
        range_g=8,
        floor_s=0.02,
        battery="not told",
        loss="not noticed",
        advice="None.",
        source="my desk",
    )

    def recognises(self, advertisement):
        return advertisement.name.startswith("My sensor")

    def converse(self):
        return Conversation()

    def decode(self, data):  # one notification, for `spasmwatch decode --device my-sensor`
        return Decoded(None, samples(data))


def samples(data):
    if not data or len(data) % 6:
        raise ProtocolError(f"{len(data)} bytes are no samples of 6")
    return np.frombuffer(data, "<i2").reshape(-1, 3) / 1000


DRIVER = MySensor()
"""

_ADDING = f"""\
## Adding a sensor

A driver turns bytes into values: it neither connects nor waits. Any package can provide one, with
an entry point whose name is the device name:

```toml
[project.entry-points."{ENTRY_POINTS}"]
my-sensor = "my_package.my_sensor:DRIVER"
```

`detector/devices/profile.py` is the contract. The smallest driver that works:

```python
{_EXAMPLE}```

Where it is installed in the same environment as spasmwatch, `scan` lists it and `run` uses it like
those above; it cannot replace one of them. Any device in range may send any bytes: raise
`ProtocolError`, and nothing else, for bytes that cannot be decoded. If you build the sensor
yourself, send time stamps: then every lost sample is noticed.
"""


def page(drivers: Iterable[Driver], refusals: Iterable[Refusal]) -> str:
    """Return the page."""
    known = tuple(drivers)
    rows = [_COLUMNS, ("---",) * len(_COLUMNS), *(_row(driver) for driver in known)]
    table = "\n".join("| " + " | ".join(map(_cell, row)) + " |" for row in rows)
    advice = "\n".join(f"- **{d.sheet.title}**: {d.sheet.advice}" for d in known)
    sources = "\n".join(f"- {d.sheet.title}: {d.sheet.source}." for d in known)
    refused = "\n".join(f"- **{r.title}**: {r.because}." for r in refusals)
    parts = (
        _HEAD,
        f"{table}\n",
        _WORDS,
        f"## Advice for each sensor\n\n{advice}\n",
        f"## Nearby sensors that cannot be used\n\n{refused}\n",
        _ADDING,
        f"## Where the facts are from\n\n{sources}\n",
    )
    return "\n".join(parts)


def _row(driver: Driver) -> tuple[str, ...]:
    sheet: DataSheet = driver.sheet
    return (
        sheet.title,
        f"`{driver.name}`",
        sheet.support,
        sheet.evidence,
        f"{sheet.fs:g} Hz",
        f"± {sheet.range_g:g} g",
        sheet.battery,
        sheet.button,
        sheet.loss,
        f"{sheet.floor_s:.2g} s",
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(BUILT_IN, REFUSED), encoding="utf-8")
