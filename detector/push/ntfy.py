"""Publish to an ntfy server by its JSON interface.

Apprise knows the addresses, and reads ours; it does not send these messages, because it cannot
replace a notification (`sequence_id`, since ntfy 2.16; older servers ignore it), takes buttons only
as text that it parts at each comma, takes a redirection for success, and tells no cause.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import requests
from apprise.plugins.ntfy import NotifyNtfy, NtfyAuth, NtfyMode, NtfyPriority

from detector.push.message import NO_ANSWER, PushError, PushMessage, Urgency, cause_of

CONNECT_S, READ_S = 4.0, 8.0
"""As apprise waits for a connection; an answer may take longer where a server is woken for it."""

LABELS = {Urgency.ALARM: "I'm on it", Urgency.TEST: "I heard it"}  # of the button
PRIORITIES: dict[str, int] = {
    NtfyPriority.MAX: 5,
    NtfyPriority.HIGH: 4,
    NtfyPriority.NORMAL: 3,
    NtfyPriority.LOW: 2,
    NtfyPriority.MIN: 1,
}
LOUDEST, LOUD, SILENT = 5, 4, 2


class NtfyTopic:
    """The topics of one address.

    plugin : what apprise makes of the address; its priority, where it is set, is that of alarms
    """

    def __init__(self, plugin: NotifyNtfy) -> None:
        if not plugin.topics:
            raise ValueError("the address names no topic")
        self._topics = tuple(plugin.topics)
        self._message: PushMessage | None = None
        self._taken: set[str] = set()  # topics that have taken it: it is not sent there again
        self._verify = plugin.verify_certificate
        chosen = str(plugin.priority)  # normal where the address names none
        alarm = LOUDEST if chosen == NtfyPriority.NORMAL else PRIORITIES.get(chosen, LOUDEST)
        self._priorities = {Urgency.ALARM: alarm, Urgency.TEST: LOUD, Urgency.NEWS: SILENT}
        self._headers = {"User-Agent": "spasmwatch"}
        self._login: tuple[str, str] | None = None
        if plugin.mode == NtfyMode.CLOUD:
            self._server = plugin.cloud_notify_url
        else:
            port = f":{plugin.port}" if plugin.port else ""
            self._server = f"{'https' if plugin.secure else 'http'}://{plugin.host}{port}"
        if plugin.auth == NtfyAuth.TOKEN and plugin.token:
            self._headers["Authorization"] = f"Bearer {plugin.token}"
        elif plugin.user:
            self._login = (plugin.user, plugin.password or "")

    def check(self) -> None:
        """Return: only sending tells."""

    def send(self, message: PushMessage) -> None:
        """Publish to each topic.

        Raises
        ------
        PushError
            One of them was not taken.
        """
        if message != self._message:
            self._message, self._taken = message, set()
        failed: PushError | None = None
        for topic in self._topics:
            try:
                if topic not in self._taken:
                    self._publish(self._fields(topic, message))
                    self._taken.add(topic)
            except PushError as error:
                failed = error
        if failed is not None:
            raise failed

    def _publish(self, fields: Mapping[str, Any]) -> None:
        try:
            # The answer is not read: its status says all, and it may be endless.
            with requests.post(
                self._server,
                json=fields,
                headers=self._headers,
                auth=self._login,
                timeout=(CONNECT_S, READ_S),
                verify=self._verify,
                allow_redirects=False,
                stream=True,
            ) as answer:
                status = answer.status_code
        except requests.RequestException:
            raise PushError(NO_ANSWER) from None  # its text names the server
        if status != requests.codes.ok:
            raise PushError(cause_of(status))

    def _fields(self, topic: str, message: PushMessage) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "topic": topic,
            "title": message.title,
            "message": message.body,
            "priority": self._priorities[message.urgency],
            "sequence_id": message.about,
        }
        if message.page is not None:
            fields["click"] = message.page
        if message.answer is not None and message.urgency in LABELS:
            button = {
                "action": "http",
                "label": LABELS[message.urgency],
                "url": message.answer,
                "method": "POST",
                "clear": True,
            }
            fields["actions"] = [button]
        return fields
