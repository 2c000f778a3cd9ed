"""Push messages to the browsers that somebody is let in to the page by (RFC 8030, 8291, 8292).

A push service learns when a browser is sent something, and how long that is; what it says is
encrypted for that browser.
"""

from __future__ import annotations

import json
import logging
import threading
from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

import requests
from apprise.utils.pem import ApprisePEMController
from cryptography.hazmat.primitives.asymmetric import ec

from detector.errors import ConfigError, StorageError
from detector.people.people_file import PeopleFile
from detector.people.subscription import PushSubscription, decoded
from detector.push.message import NO_ANSWER, PushError, PushMessage, Urgency, cause_of
from detector.push.ntfy import CONNECT_S, READ_S
from detector.push.vapid import VapidKey

LASTS_S = {Urgency.ALARM: 12 * 3600, Urgency.TEST: 600, Urgency.NEWS: 12 * 3600}
"""For how long a push service keeps a message for a browser that is away: a night. What became of
an alarm replaces it there, so that none is told late that is over."""

URGENT = {Urgency.ALARM: "high", Urgency.TEST: "high", Urgency.NEWS: "normal"}  # RFC 8030, 5.3
TOPIC_CHARACTERS = 32  # at most, RFC 8030, 5.4
LONGEST_BODY_BYTES = 1500  # quoted, with all else and encrypted below 4096 bytes (RFC 8291, 4)

NO_DEVICE = "no device of theirs asks for it: open the page there, and press Notify this device"
NOT_PROVEN = "the push service does not take this computer's key: look whether its clock is right"

log = logging.getLogger(__name__)


class BrowserPush:
    """Sends to every device of a person of the page that asks for it.

    Parameters
    ----------
    person : as they are let in
    folder : of the data
    """

    def __init__(
        self,
        person: str,
        folder: Path,
        *,
        utc_now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._person, self._utc_now = person, utc_now
        self._people = PeopleFile(folder)
        try:
            self._key = VapidKey(folder)
        except StorageError as error:
            raise ConfigError(str(error)) from error
        self._cipher = ApprisePEMController(path="")  # used for no file
        self._message: PushMessage | None = None
        self._taken: set[str] = set()  # of this message, by endpoint: it is not sent there again

    def send(self, message: PushMessage) -> None:
        """Send to each device, at once.

        Raises
        ------
        PushError
            There is no device, or the push service of one did not take it.
        """
        if message != self._message:
            self._message, self._taken = message, set()
        devices = self._people.now().devices(self._person, self._utc_now())
        failed: dict[str, str] = {}
        threads = [
            threading.Thread(target=self._try, args=(device, message, failed), daemon=True)
            for device in devices
            if device.endpoint not in self._taken
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failed:
            raise PushError(next(iter(failed.values())))
        if not self._taken:
            raise PushError(NO_DEVICE)

    def _try(self, device: PushSubscription, message: PushMessage, failed: dict[str, str]) -> None:
        try:
            status = self._posted(device, message)
        except requests.RequestException:
            failed[device.endpoint] = NO_ANSWER  # its text names the browser
            return
        except ValueError:  # a key that is no point of the curve
            status = requests.codes.gone
        if status in (requests.codes.not_found, requests.codes.gone):  # RFC 8030, 7.3
            self._forget(device)
        elif status in (requests.codes.unauthorized, requests.codes.forbidden):
            failed[device.endpoint] = f"{NOT_PROVEN}, {status}"
        elif not requests.codes.ok <= status < requests.codes.multiple_choices:
            failed[device.endpoint] = cause_of(status)
        else:
            self._taken.add(device.endpoint)

    def _posted(self, device: PushSubscription, message: PushMessage) -> int:
        """Return the status with which a push service answers; it is not read any further."""
        point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), decoded(device.p256dh))
        data = self._cipher.encrypt_webpush(_payload(message), point, decoded(device.auth))
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


def _payload(message: PushMessage) -> bytes:
    """Return what the page's worker shows (web/static/worker.js)."""
    answer = None if message.answer is None else urlsplit(message.answer).path
    said = {
        "title": message.title,
        "body": message.body.encode()[:LONGEST_BODY_BYTES].decode(errors="ignore"),
        "urgency": message.urgency,
        "about": message.about,
        "answer": answer,
    }
    return json.dumps(said, ensure_ascii=False).encode()


def _topic(about: str) -> str:
    """Return the name under which a message replaces an earlier one that is still on its way."""
    return urlsafe_b64encode(sha256(about.encode()).digest()).decode()[:TOPIC_CHARACTERS]
