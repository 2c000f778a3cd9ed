"""Judge a short look at the sensor: samples, rate, losses, clock, battery."""

from __future__ import annotations

from datetime import datetime, tzinfo

from detector.doctor.check import CheckResult, fail, ok, skip, warn
from detector.night.technical import LOW_PERCENT
from detector.sources.look import Look
from detector.timing.sample_clock import RATE_TOLERANCE

SENSOR, RATE, LOSS = "Sensor", "Sample rate", "Lost samples"
SETUP = "spasmwatch setup"  # the command that sentences of a source name where it helps
DRIFT, BATTERY = "Sensor clock", "Battery"

# One lost frame of the slowest sensor is 7 to 14 % of 10 s: a warning; more is a failure.
MOST_LOST = 0.15
ODD_DRIFT_PPM = 500.0  # crystals keep within 100; a clock corrected by more is no crystal


def check_sensor(
    look: Look, *, why: str, loss_note: str = "", zone: tzinfo | None = None
) -> list[CheckResult]:
    """Return the checks of a look.

    Parameters
    ----------
    why : reason that nothing arrived, from the source
    loss_note : how losses are noticed with this kind of sensor
    zone : time zone of the times shown; None is the computer's
    """
    heard = check_heard(look, why)
    if not look.samples:
        return [heard]
    return [
        heard,
        check_rate(look),
        check_loss(look, loss_note),
        check_drift(look),
        check_battery(look.charge.percent, look.empty_at, zone),
    ]


def check_heard(look: Look, why: str) -> CheckResult:
    """Check that it sends samples."""
    if look.refused is not None:
        return fail(SENSOR, look.refused, "spasmwatch scan --all   (to find another)")
    if look.link is None:
        return _not_heard(why)
    name = look.link.name or look.link.address
    if not look.samples:
        return fail(
            SENSOR,
            f"{name} is connected, but no samples come. {why}".rstrip(),
            "spasmwatch doctor   (after switching the sensor off and on)",
        )
    detail = f"{name} ({look.link.driver}) streams"
    if look.remark:
        detail += f". {look.remark}"
    return _check_remarks(look, detail)


def _check_remarks(look: Look, detail: str) -> CheckResult:
    if SETUP in look.remark:
        return warn(SENSOR, detail, SETUP)
    if look.notes:
        return warn(SENSOR, f"{detail}; {'; '.join(look.notes)}")
    if look.errors:
        return warn(
            SENSOR,
            f"{detail}; {look.errors} of its packets made no sense",
            "spasmwatch record --capture odd.jsonl   (and send that file to the developers)",
        )
    return ok(SENSOR, detail)


def _not_heard(why: str) -> CheckResult:
    if SETUP in why:
        return fail(SENSOR, why, SETUP)
    return fail(
        SENSOR,
        why or "it is not heard",
        "spasmwatch scan   (after pressing its button and closing its phone app: it talks to "
        "one at a time)",
    )


def check_rate(look: Look) -> CheckResult:
    """Check that it samples at its nominal rate."""
    pace, fs = look.pace, look.fs
    if pace is None or fs is None:
        return skip(RATE, f"too few samples to tell: {look.samples} in {look.span_s:.1f} s")
    detail = f"{pace.rate_hz:.1f} samples/s (want {fs:g})"
    off = abs(pace.rate_hz / fs - 1)
    if off <= RATE_TOLERANCE:
        return ok(RATE, detail)
    if pace.doubt_ppm * 1e-6 > RATE_TOLERANCE:
        return warn(
            RATE, f"{detail}, but packets came in bursts", "spasmwatch doctor   (nearer to it)"
        )
    return fail(
        RATE,
        f"{detail}: {100 * off:.0f} % off, rhythms would be misread",
        "spasmwatch doctor   (after restarting the sensor, or updating its firmware)",
    )


def check_loss(look: Look, loss_note: str = "") -> CheckResult:
    """Check that the samples arrive."""
    gaps = look.clock.gap_count
    detail = f"{100 * look.lost:.1f} % lost in {look.span_s:.0f} s"
    if gaps:
        detail += f", {gaps} gap{'s' if gaps > 1 else ''}"
    if loss_note:
        detail += f" (noticed by {loss_note})"
    nearer = "spasmwatch doctor   (after moving this computer or its adapter nearer to the bed)"
    if look.lost > MOST_LOST:
        return fail(LOSS, detail, nearer)
    return warn(LOSS, detail, nearer) if gaps else ok(LOSS, detail)


def check_drift(look: Look) -> CheckResult:
    """Check that its clock agrees with this computer's."""
    pace = look.pace
    if pace is None:
        return skip(DRIFT, "too few samples to tell")
    doubt = max(1.0, pace.doubt_ppm)
    if abs(pace.drift_ppm) - doubt > ODD_DRIFT_PPM:
        return warn(DRIFT, f"{pace.drift_ppm:+.0f} ppm, corrected, but unusual for a quartz")
    if abs(pace.drift_ppm) <= doubt:
        return ok(DRIFT, f"no drift beyond {doubt:.0f} ppm, the most that a short look can tell")
    return ok(DRIFT, f"drifts {pace.drift_ppm:+.0f} ppm (give or take {doubt:.0f}), corrected")


def check_battery(
    percent: int | None, empty_at: datetime | None = None, zone: tzinfo | None = None
) -> CheckResult:
    """Check its charge, and until when it lasts where that can be estimated."""
    if percent is None:
        return skip(BATTERY, "this sensor does not report its charge")
    detail = f"{percent} %"
    if empty_at is not None:
        detail += f", it lasts until about {empty_at.astimezone(zone):%H:%M}"
    if percent <= LOW_PERCENT:
        return warn(BATTERY, f"{detail}: charge it, or change the cell, before the night")
    return ok(BATTERY, detail)
