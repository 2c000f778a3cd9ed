"""The page about sensors, `docs/devices.md`, made of the drivers' data sheets."""

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

`spasmwatch scan` lists the sensors near you and says which of them work. Any of these will do:
"""

_COLUMNS = (
    "Sensor",
    "Device name",
    "Support",
    "Tried with",
    "Rate",
    "Range",
    "Battery",
    "How lost samples are noticed",
    "Waits in the sensor",
)

_WORDS = f"""\
- **Support**: *{Support.RECOMMENDED}* is what to buy for this; *{Support.SUPPORTED}* works as well,
  with what its advice says; *{Support.TRYING}* is fine on a desk, not for a night that matters.
- **Tried with**: *bytes of real sensors* are decoded in the tests; *simulated only* means that
  everything rests on the maker's description and a virtual sensor that follows it.
- **Waits in the sensor**: sensors gather samples before they send them. No word about a movement
  can come sooner, however fast the computer is.
- A sensor without time stamps or a counter cannot say that samples were lost on the way. What is
  missing is then seen by the clock of the computer: less exactly, and only when it is much.
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

A driver is bytes in, values out: it neither connects nor waits. Any package can bring one, by an
entry point whose name is the device name:

```toml
[project.entry-points."{ENTRY_POINTS}"]
my-sensor = "my_package.my_sensor:DRIVER"
```

`detector/devices/profile.py` is the contract. The smallest driver that works:

```python
{_EXAMPLE}```

Installed beside spasmwatch it is found, listed by `scan` and used like those above; it can replace
none of them. Bytes come from the air and may be anything: raise `ProtocolError`, and nothing else,
for what makes no sense. If you build the sensor yourself, send time stamps: then a lost sample is
noticed to the sample.
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
        f"## What to know of yours\n\n{advice}\n",
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
        sheet.loss,
        f"{sheet.floor_s:.2g} s",
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(BUILT_IN, REFUSED), encoding="utf-8")
