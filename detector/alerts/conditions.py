"""Names of all technical conditions: what may be the matter with the monitoring itself. Pure."""

from __future__ import annotations

from enum import StrEnum


class Condition(StrEnum):
    """A technical condition, as saved states, the log and MQTT name it: the kind of its alert."""

    # of a sensor and its link
    NO_SIGNAL = "no-signal"
    BLUETOOTH = "bluetooth"  # this computer's cannot be used
    OTHER_ADDRESS = "other-address"  # the sensor is silent, but perhaps is at a new address
    DATA_LOST = "data-lost"
    WRONG_RATE = "wrong-rate"
    RATE_DRIFT = "rate-drift"
    DOUBLED = "doubled-stream"
    BATTERY = "battery"  # low
    BATTERY_CRITICAL = "battery-critical"
    BATTERY_UNKNOWN = "battery-unknown"
    STUCK = "stuck"
    NON_WEAR = "non-wear"
    CLIPPED = "clipped"
    STUCK_AXIS = "stuck-axis"
    WRONG_SCALE = "wrong-scale"
    LOOSE_STRAP = "loose-strap"

    # of the way to people
    BROKER = "broker"  # there is none, or it does not answer
    BROKER_LOST = "broker-lost"  # comes and goes
    BROKER_REFUSES = "broker-refuses"
    NOBODY_REACHABLE = "nobody-reachable"
    PUSH_FAILED = "push-failed"  # a contact's phone cannot be told
    SOUND = "sound"  # this computer has none
    UNPROVEN_COMMANDS = "unproven-commands"
    SELF_TEST = "self-test"  # a test of the alarm is under way: nothing is the matter
    SELF_TEST_FAILED = "self-test-failed"
    SELF_TEST_OVERDUE = "self-test-overdue"
    PATH_UNCONFIRMED = "path-unconfirmed"

    # of the computer
    CLOCK_STEPPED = "clock-stepped"
    CLOCK_IMPLAUSIBLE = "clock-implausible"
    SLEPT = "slept"
    HEARTBEAT = "heartbeat"  # none can be written for the watchdog
    OVERLOAD = "overload"
    DISK = "disk"  # takes no events, or slowly
    DISK_LOW = "disk-low"
    RECORDING = "recording"  # the disk does not take it, or slowly
    RETENTION = "retention"  # old nights cannot be deleted
    MEMORY = "memory"  # no disk takes the night: it is kept in memory only

    # of spasmwatch
    DETECTOR_STALLED = "detector-stalled"
    INTERNAL_FAULT = "internal-fault"  # a part failed and was started again
    RESTART_LOOP = "restart-loop"
    TWIN_SERVICE = "twin-service"
    STATE = "state"  # something stored cannot be read
    NIGHT = "night"  # the interrupted one cannot be gone on with
    SAVED_NIGHT = "saved night"  # the same, by a fault of spasmwatch
