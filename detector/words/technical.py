"""Sentences about what is the matter with a sensor, each with its cause and what to do."""

from __future__ import annotations

from detector.timing.lost_share import LONG_SHARE, SHORT_SHARE
from detector.timing.sample_clock import WrongRate


def lost_share_words() -> str:
    """Return of how much time the loss is too much."""
    return f"{100 * SHORT_SHARE:.0f} % of 5 min, or {100 * LONG_SHARE:.0f} % of an hour"


def data_lost_words() -> str:
    """Return that too many samples did not come, and what to do."""
    return (
        f"{lost_share_words()}, of the samples did not arrive or could not be read: the link is "
        "weak or disturbed. Bring the receiver nearer to the sensor, and take other radios and "
        "metal out of the way"
    )


def wrong_rate_words(fault: WrongRate) -> str:
    """Return at which rate the sensor samples, and what to do."""
    said = f"the sensor samples at {fault.got_hz:.1f} Hz instead of {fault.expected_hz:.1f} Hz"
    if abs(fault.got_hz / fault.expected_hz / 2 - 1) <= _NEAR_DOUBLE:
        said += ": each sample may come twice"
    return f"{said}. Switch the sensor off and on"


def rate_drift_words(bar_ppm: float) -> str:
    """Return that the rate is not what it was or should be, and what to do."""
    return (
        f"the sensor's rate is more than {bar_ppm / 10_000:.0f} % off what it should be, or was "
        "at first: its clock is faulty, or packets are lost that it does not count. Switch it off "
        "and on; if that does not help, use another"
    )


def doubled_words() -> str:
    """Return that packets come twice, and what to do."""
    return (
        "the sensor sends its packets twice, as after a second subscription. Switch the sensor "
        "off and on"
    )


def battery_words(percent: int, *, critical: bool = False, ends_early: bool = False) -> str:
    """Return how full the battery is, and what to do."""
    said = f"the sensor's battery is at {percent} %"
    if critical:
        return f"{said} and may end at any moment: charge or change it now"
    if ends_early:
        return f"{said} and will not last the night: charge or change it"
    return f"{said}: charge or change it"


def battery_unknown_words() -> str:
    """Return that the level is not known, and what to do."""
    return (
        "the sensor has not said how full its battery is, as it should when it is connected. "
        "Switch it off and on, or charge it to be sure"
    )


_NEAR_DOUBLE = 0.1  # of the ratio: far more than clocks differ, far less than another rate would
