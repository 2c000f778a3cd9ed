"""What is sent to a phone, whatever carries it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from detector.errors import LinkError


class Urgency(StrEnum):
    """How loud a notification is."""

    ALARM = "alarm"  # wakes
    NEWS = "news"  # is shown, and makes no sound where the service can do that
    TEST = "test"  # sounds once


@dataclass(frozen=True, slots=True, kw_only=True)
class PushMessage:
    """One notification.

    about : of the notification; one of the same replaces it where the service can do that
    answer : address that acknowledges when it is posted to; None where no page can be reached
    page : address of the page; None where it cannot be reached
    """

    title: str
    body: str
    urgency: Urgency
    about: str
    answer: str | None = None
    page: str | None = None


class PushError(LinkError):
    """A contact's service did not take a notification; the message is its cause, in a few words."""


class PartlyTakenError(PushError):
    """Some of a contact's devices took a notification, others did not: it is not sent again."""


_CAUSES = {
    301: "its server has moved: correct the address",
    302: "its server has moved: correct the address",
    307: "its server has moved: correct the address",
    308: "its server has moved: correct the address",
    400: "its server does not understand the message",
    401: "its server refuses the password or token",
    403: "its server refuses the password or token",
    404: "its server knows no such address",
    413: "its server finds the message too long",
    429: "its server takes no more messages for now",
}

NO_ANSWER = "its server does not answer"
REFUSED = "its service refuses the message"


def cause_of(status: int) -> str:
    """Return why a message was not taken, of a status of HTTP."""
    if status in _CAUSES:
        return f"{_CAUSES[status]}, {status}"
    return f"its server has a fault, {status}" if status >= 500 else f"{REFUSED}, {status}"
