"""Push messages to the browsers that somebody is let in to the page by (RFC 8030, 8291, 8292).

A push service learns when a browser is sent something, and how long that is; what it says is
encrypted for that browser.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

import requests
from apprise.utils.pem import ApprisePEMController
from cryptography.hazmat.primitives.asymmetric import ec

from detector.config.contacts import ContactSettings, person_of_page
from detector.errors import ConfigError, StorageError
from detector.people.people import People
from detector.people.people_file import PeopleFile
from detector.people.subscription import PushSubscription, decoded
from detector.push.message import (
    NO_ANSWER,
    REFUSED,
    PartlyTakenError,
    PushError,
    PushMessage,
    Urgency,
    cause_of,
)
from detector.push.ntfy import CONNECT_S, READ_S
from detector.push.vapid import VapidKey
from detector.words.push import device_ends_words

LASTS_S = {Urgency.ALARM: 12 * 3600, Urgency.TEST: 600, Urgency.NEWS: 12 * 3600}
"""For how long a push service keeps a message for a browser that is away: a night. What became of
an alarm replaces it there, so that none is told late that is over."""

URGENT = {Urgency.ALARM: "high", Urgency.TEST: "high", Urgency.NEWS: "normal"}  # RFC 8030, 5.3
TOPIC_CHARACTERS = 32  # at most, RFC 8030, 5.4
LONGEST_BYTES = 3993  # of a message before it is encrypted (RFC 8291, 4)

ENDS_SOON_S = 30 * 86400.0
"""A device on which nobody opens the page is not let in for ever: its last messages say so."""

WITHIN_S = 13.0  # for all devices together: below what a sender waits for a service
TRIES = 3  # of a device, before one that takes nothing holds up what the others are told

NOT_LET_IN = "nobody is let in to the page by that name: spasmwatch pair {person}"
NO_DEVICE = "no device of theirs asks for it: open the page there, and press Notify this device"
NOT_PROVEN = (
    "the push service does not take this computer's key: look whether its clock is right, then end "
    "and begin the notifications on that device"
)
NOT_TRUSTED = (
    "the push service's certificate is not valid: look whether this computer's clock is right"
)

log = logging.getLogger(__name__)


class BrowserPush:
    """Sends to every device of a person of the page that asks for it.

    Parameters
    ----------
    person : as they are let in
    folder : of the data
    within_s : how long all devices together may take
    """

    def __init__(
        self,
        person: str,
        folder: Path,
        *,
        utc_now: Callable[[], datetime] = lambda: datetime.now(UTC),
        within_s: float = WITHIN_S,
    ) -> None:
        self._person, self._utc_now, self._within_s = person, utc_now, within_s
        self._people = PeopleFile(folder)
        try:
            self._key = VapidKey(folder)
        except StorageError as error:
            raise ConfigError(str(error)) from error
        self._cipher = ApprisePEMController(path="")  # used for no file
        self._message: PushMessage | None = None
        self._taken: set[str] = set()  # of this message, by endpoint: it is not sent there again
        self._threads: dict[str, threading.Thread] = {}  # the latest, by endpoint
        self._failures: dict[str, int] = {}  # in a row, by endpoint

    def check(self) -> None:
        """Look whether a device asks for it; PushError where none does."""
        why = no_device(self._people.now(), self._person, self._utc_now())
        if why is not None:
            raise PushError(why)

    def send(self, message: PushMessage) -> None:
        """Send to each device, at once; one that hangs is waited for no longer than the time given.

        Raises
        ------
        PartlyTakenError
            Some devices took it; the others have failed too often to hold up the next message.
        PushError
            There is no device, or the push service of one did not take it.
        """
        if message != self._message:
            self._message, self._taken = message, set()
        people, now = self._people.now(), self._utc_now()
        devices = people.devices(self._person, now)
        left_s = {
            device: people.lasts_s(device.endpoint, now)
            for device in devices
            if device.endpoint not in self._taken
        }
        failed = self._tried(left_s, message)
        self._failures = {place: self._failures.get(place, 0) + 1 for place in failed}
        if not failed and not self._taken:
            raise PushError(no_device(self._people.now(), self._person, now) or NO_DEVICE)
        if failed:
            cause = next(iter(failed.values()))
            if len(devices) > 1:
                cause = f"{len(failed)} of {len(devices)} devices: {cause}"
            hopeless = all(self._failures[place] >= TRIES for place in failed)
            raise PartlyTakenError(cause) if self._taken and hopeless else PushError(cause)

    def _tried(
        self, left_s: Mapping[PushSubscription, float], message: PushMessage
    ) -> dict[str, str]:
        """Return why devices did not take a message in time, by endpoint.

        One that takes it later counts when the message is sent again. A device never has more than
        one thread: while an earlier message hangs there, the next fails at once.

        Parameters
        ----------
        left_s : of each device how long it is let in without use
        """
        causes: dict[str, str | None] = {}  # None: no failure
        taken, until_s = self._taken, time.monotonic() + self._within_s

        def send_to(device: PushSubscription) -> None:
            note = device_ends_words(left_s[device]) if left_s[device] < ENDS_SOON_S else ""
            causes[device.endpoint] = self._cause(device, message, note, taken)

        alive = {place: each for place, each in self._threads.items() if each.is_alive()}
        begun = {
            device.endpoint: threading.Thread(target=send_to, args=(device,), daemon=True)
            for device in left_s
            if device.endpoint not in alive
        }
        for thread in begun.values():
            thread.start()
        for thread in begun.values():
            thread.join(max(0.0, until_s - time.monotonic()))
        self._threads = alive | begun
        found = {device.endpoint: causes.get(device.endpoint, NO_ANSWER) for device in left_s}
        return {place: why for place, why in found.items() if why is not None}

    def _cause(
        self, device: PushSubscription, message: PushMessage, note: str, taken: set[str]
    ) -> str | None:
        """Send to a device; return why it did not take it, None where it did or is gone."""
        try:
            data = self._sealed(device, _payload(message, note))
            status = requests.codes.gone if data is None else self._posted(device, message, data)
        except requests.exceptions.SSLError:
            return NOT_TRUSTED
        except requests.RequestException:
            return NO_ANSWER  # its text names the browser
        except ValueError as error:  # of the message: the device keeps its place
            return f"{REFUSED}: {type(error).__name__}"
        if requests.codes.ok <= status < requests.codes.multiple_choices:
            taken.add(device.endpoint)
        elif status in (requests.codes.not_found, requests.codes.gone):  # RFC 8030, 7.3
            self._forget(device)
        elif status in (requests.codes.unauthorized, requests.codes.forbidden):
            return f"{NOT_PROVEN}, {status}"
        else:
            return cause_of(status)
        return None

    def _sealed(self, device: PushSubscription, said: bytes) -> bytes | None:
        """Encrypt for a device (RFC 8291); None where its key is no point of the curve."""
        try:
            point = ec.EllipticCurvePublicKey.from_encoded_point(
                ec.SECP256R1(), decoded(device.p256dh)
            )
        except ValueError:
            return None
        data: bytes = self._cipher.encrypt_webpush(said, point, decoded(device.auth))
        return data

    def _posted(self, device: PushSubscription, message: PushMessage, data: bytes) -> int:
        """Return the status with which a push service answers; it is not read any further."""
        headers = {
            "User-Agent": "spasmwatch",
            "Authorization": self._key.authorization(device.origin, self._utc_now().timestamp()),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(LASTS_S[message.urgency]),
            "Urgency": URGENT[message.urgency],
            "Topic": _topic(message.about),
        }
        with requests.post(
            device.endpoint,
            data=data,
            headers=headers,
            auth=lambda request: request,  # else a ~/.netrc may take the header's place
            timeout=(CONNECT_S, READ_S),
            allow_redirects=False,
            stream=True,
        ) as answer:
            return answer.status_code

    def _forget(self, device: PushSubscription) -> None:
        log.warning("a device of %s takes no notifications any more", self._person)
        try:
            self._people.change(lambda people: (people.unsubscribed(device.endpoint), None))
        except (ConfigError, StorageError) as error:
            log.warning("it cannot be forgotten: %s", error)


def page_problem(contact: ContactSettings, folder: Path) -> str | None:
    """Return why no device of a contact is notified by the page; None where one is, or none need.

    Parameters
    ----------
    folder : of the data
    """
    try:
        person = person_of_page(contact.address())
    except (ConfigError, ValueError):
        return None  # `address_problem` names it
    if person is None:
        return None
    return no_device(PeopleFile(folder).now(), person, datetime.now(UTC))


def no_device(people: People, person: str, now: datetime) -> str | None:
    """Return why nothing can be sent to a person by the page; None where a device asks for it."""
    if people.named(person) is None:
        return NOT_LET_IN.format(person=person)
    return None if people.devices(person, now) else NO_DEVICE


def _payload(message: PushMessage, note: str) -> bytes:
    """Return what the page's worker shows (web/static/worker.js); too long a body is cut.

    Parameters
    ----------
    note : for this device alone; may be empty
    """
    body = message.body
    while len(text := _text(message, f"{body} {note}".strip())) > LONGEST_BYTES and body:
        body = body[: len(body) * 3 // 4]
    return text


def _text(message: PushMessage, body: str) -> bytes:
    said = {
        "title": message.title,
        "body": body,
        "urgency": message.urgency,
        "about": message.about,
        "answer": None if message.answer is None else urlsplit(message.answer).path,
    }
    return json.dumps(said, ensure_ascii=False).encode()


def _topic(about: str) -> str:
    """Return the name under which a message replaces an earlier one that is still on its way.

    Hexadecimal: Apple decodes it as base64url, and refuses lengths that base64url never has.
    """
    return sha256(about.encode()).hexdigest()[:TOPIC_CHARACTERS]
