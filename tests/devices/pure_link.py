"""A driver and a virtual sensor's firmware talk to each other without a radio, byte by byte."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from detector.block import Samples
from detector.devices.profile import Chunk, Driver, Output, Refused, Write
from firmware_sim.playback import quantise, sample_ns
from firmware_sim.wearables.firmware import Counts, Firmware, Measuring, Say

ATT_HEADER = 3


@dataclass
class PureLink:
    """One connection: everything said arrives at once, in order."""

    driver: Driver
    firmware: Firmware
    outputs: list[Output] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.conversation = self.driver.converse()

    def connect(self) -> Measuring:
        """Do what a session does, up to the stream."""
        here = {a.uuid for service in self.firmware.services for a in service.attributes}
        for channel in self.driver.read_first:
            if channel in here:
                self.hear([Say(channel, self.firmware.read(channel))])
        for channel in self.driver.channels:
            assert channel in here, f"the {self.driver.name} has no {channel}"
            self.firmware.listened(channel, on=True)
        self.write(self.conversation.open())
        assert self.firmware.measuring is not None, self.outputs
        return self.firmware.measuring

    def write(self, writes: Iterable[Write]) -> None:
        for write in writes:
            self.hear(self.firmware.write(write.channel, write.data))

    def hear(self, said: Iterable[Say]) -> None:
        for say in said:
            outputs = self.conversation.feed(say.channel, say.data)
            assert not any(isinstance(output, Refused) for output in outputs), outputs
            self.outputs += outputs
            self.write([output for output in outputs if isinstance(output, Write)])

    @property
    def chunks(self) -> list[Chunk]:
        return [output for output in self.outputs if isinstance(output, Chunk)]

    @property
    def heard_g(self) -> Samples:
        parts = [chunk.samples for chunk in self.chunks]
        return np.concatenate(parts) if parts else np.empty((0, 3))


def felt(trace_g: Samples, measuring: Measuring) -> Counts:
    """Return a motion in the sensor's own unit."""
    return quantise(trace_g, measuring.lsb_g, measuring.range_g)[0]


def frames(
    firmware: Firmware, counts: Counts, fs: int, sizes: Iterable[int], *, first: int = 0
) -> Iterator[Say]:
    """Cut samples into notifications of these sizes, smaller where they would not fit the link."""
    at = 0
    for size in sizes:
        stop = min(at + max(size, 1), len(counts))
        while at < stop:
            end = stop
            while True:
                say = firmware.frame(sample_ns(first + end - 1, fs), counts[at:end])
                if len(say.data) <= firmware.mtu - ATT_HEADER or end - at == 1:
                    break
                end = (at + end) // 2
            yield say
            at = end
        if at >= len(counts):
            return
