"""Virtual Polar sensors: the PMD service round its control point, and frames with time stamps."""

from __future__ import annotations

from functools import partial

from firmware_sim.wearables.firmware import (
    BATTERY,
    BATTERY_LEVEL,
    Attribute,
    Can,
    Counts,
    Measuring,
    Say,
    Service,
    Wearable,
)
from firmware_sim.wearables.pmd import ACC, FrameType, encode_frame
from firmware_sim.wearables.pmd_control import H10_MODEL, VERITY_MODEL, ControlPoint, Model

PMD_SERVICE = "fb005c80-02e7-f387-1cad-8acd2d8df0c8"
PMD_CONTROL = "fb005c81-02e7-f387-1cad-8acd2d8df0c8"
PMD_DATA = "fb005c82-02e7-f387-1cad-8acd2d8df0c8"
POLAR_UUID = "0000feee-0000-1000-8000-00805f9b34fb"  # assigned to Polar Electro

BOOT_NS = 599_616_000_000_000_000
"""2019-01-01 in ns since 2000: what the clock of an H10 shows after a power cycle."""

MEASUREMENT_STOPPED = 0x01


class PolarFirmware:
    """One Polar sensor's firmware.

    Parameters
    ----------
    trace_fs : rate of the motion that it will feel, Hz
    frame_type : None for the usual one of the model
    """

    mtu = 232  # what a Verity Sense and an H10 agree to at most
    frame_samples = 36
    services = (
        Service(
            PMD_SERVICE,
            (
                Attribute(PMD_CONTROL, Can.READ | Can.WRITE | Can.INDICATE),
                Attribute(PMD_DATA, Can.NOTIFY),
            ),
        ),
        BATTERY,
    )

    def __init__(self, model: Model, trace_fs: int, frame_type: FrameType | None = None) -> None:
        self._model = model
        self._frame_type = frame_type or model.frame_types[0]
        self._pmd = ControlPoint(model, trace_fs, self._frame_type)
        self._percent = 100

    @property
    def measuring(self) -> Measuring | None:
        """Return how it streams; None while it does not."""
        return self._pmd.measuring

    def read(self, channel: str) -> bytes:
        """Return the features, or the battery's level."""
        return bytes((self._percent,)) if channel == BATTERY_LEVEL else self._model.features

    def write(self, channel: str, data: bytes) -> list[Say]:
        """Answer a command."""
        return [Say(channel, self._pmd.answer(data))]

    def listened(self, channel: str, on: bool) -> None:
        """Do nothing: a stream starts by a command, not by the subscription."""

    def link_lost(self) -> None:
        """Stop measuring, as a real sensor does; SDK mode stays."""
        self._pmd.link_lost()

    def frame(self, last_ns: int, counts: Counts) -> Say:
        """Write one data frame."""
        return Say(PMD_DATA, encode_frame(self._frame_type, BOOT_NS + last_ns, counts))

    def charge(self, percent: int) -> list[Say]:
        """Notify the battery level."""
        self._percent = percent
        return [Say(BATTERY_LEVEL, bytes((percent,)))]

    def stop_by_itself(self) -> list[Say]:
        """End the measurement, with a notification."""
        self._pmd.measuring = None
        return [Say(PMD_CONTROL, bytes((MEASUREMENT_STOPPED, ACC)))]


def verity_sense(frame_type: FrameType | None = None) -> Wearable:
    """Return a Verity Sense that sends this frame type."""
    return _wearable(VERITY_MODEL, frame_type)


def _wearable(model: Model, frame_type: FrameType | None = None) -> Wearable:
    if frame_type not in (None, *model.frame_types):
        raise ValueError(f"a {model.name} sends no frames of type {frame_type!r}")
    return Wearable(
        name=model.name,
        called=lambda serial: f"{model.advertised} {serial:08X}",
        make=partial(PolarFirmware, model, frame_type=frame_type),
        advertises=(POLAR_UUID,),
    )


VERITY_SENSE, H10 = verity_sense(), _wearable(H10_MODEL)
