"""Judge whether phones are told: the address of each contact, and when it was last tried."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from detector.doctor.check import CheckResult, fail, ok, warn
from detector.push.drills import DUE, Drill

CONTACTS = "Contacts"
TRY = "spasmwatch alerts test"
CONFIRM = "spasmwatch alerts confirm CODE   (that the test had)"


@dataclass(frozen=True, slots=True)
class ContactFacts:
    """What is known of a contact.

    problem : why nothing can be sent to the address; None where it can
    drill : the latest test; None where there was none
    """

    name: str
    problem: str | None
    drill: Drill | None


def check_contacts(contacts: Sequence[ContactFacts], now: datetime) -> CheckResult:
    """Check that each contact was reached by a test, and that a person said so within a week."""
    if not contacts:
        return ok(CONTACTS, "none: alerts go to no phone; `spasmwatch alerts add NAME` adds one")
    for one in contacts:
        wrong = _unreached(one)
        if wrong is not None:
            return fail(CONTACTS, wrong, f"{TRY} --to {one.name}")
    for one in contacts:
        if one.drill is None:
            return warn(CONTACTS, f"{one.name} was never tested", f"{TRY} --to {one.name}")
    oldest = min((one.drill.tested for one in contacts if one.drill is not None), default=now)
    if now - oldest >= DUE:
        return warn(CONTACTS, f"last test alert was {_days(now - oldest)} ago", TRY)
    for one in contacts:
        confirmed = None if one.drill is None else one.drill.confirmed
        if confirmed is None or now - confirmed >= DUE:
            since = "never" if confirmed is None else f"not for {_days(now - confirmed)}"
            return warn(CONTACTS, f"{one.name} has {since} confirmed a test", CONFIRM)
    names = ", ".join(one.name for one in contacts)
    return ok(CONTACTS, f"{names}: tested and confirmed within {DUE.days} days")


def _unreached(one: ContactFacts) -> str | None:
    """Return why a contact cannot be reached, as far as is known."""
    if one.problem is not None:
        return f"{one.name}: {one.problem}"
    failed = one.drill is not None and one.drill.latency_s is None
    return f"the last test did not reach {one.name}" if failed else None


def _days(time: timedelta) -> str:
    return "1 day" if time.days == 1 else f"{time.days} days"
