"""A night as it was saved: whose it is, when it was last watched, and whether it may go on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from zlib import crc32

from detector.alert import Alert, from_dict
from detector.night.observation import WornSensor
from detector.plain import from_plain

SCHEMA = "night/1"

GOES_ON_S = 3600.0
"""A computer's update, or a power cut. After a longer absence the sensor may be on another leg,
and a recording without an hour is better ended."""


@dataclass(frozen=True, slots=True, eq=False)
class SavedNight:
    """What is known of a saved night without loading it.

    worn : its sensors, with the names of their recordings
    mono_ns, utc_ns : the host's clocks at the last item
    state : for `Night.load`
    """

    worn: tuple[WornSensor, ...]
    mono_ns: int
    utc_ns: int
    state: dict[str, Any]

    @classmethod
    def of(cls, saved: Any) -> SavedNight:
        """Return what `Night.save` made, after checking that it is whole.

        Raises
        ------
        ValueError
            Another version wrote it, or it is damaged: begin a new night.
        """
        try:
            if saved["schema"] != SCHEMA:
                raise ValueError(f"it is {saved['schema']!r}, not {SCHEMA!r}")
            state = saved["state"]
            if checksum(state) != saved["crc"]:
                raise ValueError("its checksum is wrong")
            mono_ns, utc_ns = state["time"]["host_ns"]
            return cls(
                from_plain(tuple[WornSensor, ...], state["worn"]),
                mono_ns,
                utc_ns,
                state,
            )
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise ValueError(f"the saved night cannot be used: {error}") from error

    @property
    def open_alerts(self) -> tuple[Alert, ...]:
        """Alerts that were raised and not resolved when it was saved; ValueError if damaged."""
        try:
            return tuple(map(from_dict, self.state["policy"]["open"]))
        except (KeyError, TypeError) as error:
            raise ValueError(f"its open alerts cannot be read: {error!r}") from error

    def goes_on(
        self, worn: Sequence[WornSensor], now_ns: tuple[int, int], *, same_boot: bool | None = None
    ) -> bool:
        """Whether these sensors may go on with its recordings, whose names may differ.

        While the computer ran on, no wall clock says for how long nobody watched. Where it was
        started anew, that may have been set back, but by no more than the limit.
        """
        same = [_unnamed(each) for each in worn] == [_unnamed(each) for each in self.worn]
        waited_ns, passed_ns = now_ns[0] - self.mono_ns, abs(now_ns[1] - self.utc_ns)
        ran_on = same_boot and waited_ns >= 0
        return same and (waited_ns if ran_on else passed_ns) <= GOES_ON_S * 1e9


def sealed(state: dict[str, Any]) -> dict[str, Any]:
    """Return a state with its version and checksum."""
    return {"schema": SCHEMA, "crc": checksum(state), "state": state}


def checksum(state: dict[str, Any]) -> int:
    """Return the CRC-32 of the JSON form, which is the same again after it was read."""
    return crc32(json.dumps(state, allow_nan=False).encode())


def _unnamed(worn: WornSensor) -> WornSensor:
    return replace(worn, provenance=replace(worn.provenance, recording=None))
