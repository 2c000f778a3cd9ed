"""Services that carry notifications, by their address: apprise's, in its terms.

Privacy: no picture from elsewhere, no file of this computer, nothing kept on its disk; neither an
address nor a target is logged, since whoever knows one can read or write there.
"""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Protocol

from apprise import Apprise, AppriseAsset, NotifyType, PersistentStoreMode
from apprise.plugins.base import NotifyBase
from apprise.plugins.ntfy import NotifyNtfy

from detector.config import Settings
from detector.config.contacts import LOCAL_SCHEMES, ContactSettings, person_of_page, usable_address
from detector.errors import ConfigError
from detector.push.message import (
    NO_ANSWER,
    REFUSED,
    PushError,
    PushMessage,
    Urgency,
    cause_of,
)
from detector.push.ntfy import NtfyTopic
from detector.push.web_push import BrowserPush

ATTACH = "attach"  # parameter by which a service fetches a file and sends it along

LOUD, QUIET = "high", "low"  # priorities that all services know that have any

_STATUS = re.compile(r"error\s*=\s*([1-5]\d\d)\b")
_NO_ANSWER = re.compile(r"connection error|timed? ?out|socket|i/o error", re.IGNORECASE)


class PushService(Protocol):
    """Carries notifications to one contact; its calls block, for some seconds at most."""

    def check(self) -> None:
        """Return at once; PushError where it is known beforehand that nobody can be told."""

    def send(self, message: PushMessage) -> None:
        """Send a notification.

        Raises
        ------
        PartlyTakenError
            Of several devices one takes nothing; another was told.
        PushError
            It was not taken.
        """


def service_of(address: str, folder: Path) -> PushService:
    """Return the service of an address; loading all of them takes a third of a second.

    Parameters
    ----------
    folder : of the data, where the devices of the page are

    Raises
    ------
    ConfigError
        The data folder cannot be used.
    ValueError
        No service has such an address, or it may not be used; the address is not quoted.
    """
    _hush()
    person = person_of_page(address)
    if person is not None:
        return BrowserPush(person, folder)
    plugin = _plugin(address)
    if isinstance(plugin, NotifyNtfy):
        return NtfyTopic(plugin)
    return _AppriseService(address, plugin)


def address_problem(contact: ContactSettings, settings: Settings) -> str | None:
    """Return why nothing can be sent to a contact's address; None where it can be tried."""
    try:
        service_of(usable_address(contact, page=settings.web.enabled), settings.data_dir)
    except ConfigError as error:
        return str(error)
    except ValueError as error:
        return f"contact {contact.name}: {error}"
    return None


class _AppriseService:
    """Any service but ntfy: alarms and news may differ in their priority."""

    def __init__(self, address: str, plugin: NotifyBase) -> None:
        known = type(plugin).template_args
        self._loud = self._quiet = plugin
        if "priority" in known:
            if "priority" not in _parameters(address):
                self._loud = _plugin_or(plugin, _with(address, "priority", LOUD))
            self._quiet = _plugin_or(plugin, _with(address, "priority", QUIET))
        elif "silent" in known:
            self._quiet = _plugin_or(plugin, _with(address, "silent", "yes"))

    def check(self) -> None:
        """Return: only sending tells."""

    def send(self, message: PushMessage) -> None:
        """Send a notification; PushError where it was not taken."""
        quiet = message.urgency is Urgency.NEWS
        carrier = Apprise(asset=_asset())
        carrier.add(self._quiet if quiet else self._loud)
        answer = f"\n\nAnswer: {message.answer}" if message.answer else ""
        result = carrier.notify(
            title=message.title,
            body=f"{message.body}{answer}",
            notify_type=NotifyType.FAILURE if message.urgency is Urgency.ALARM else NotifyType.INFO,
            body_format="text",
        )
        if not result:
            raise PushError(_cause([entry.message for entry in result.logs()]))


def _plugin(address: str) -> NotifyBase:
    """Return apprise's service for an address; ValueError, which does not quote it, for none."""
    scheme = address.partition("://")[0].lower()
    if scheme in LOCAL_SCHEMES:
        raise ValueError(f"{scheme}:// touches this computer and tells no phone")
    if ATTACH in _parameters(address):
        raise ValueError(f"the address must not have {ATTACH}=: nothing but words is sent")
    plugin = Apprise.instantiate(address, asset=_asset(), suppress_exceptions=True)
    if not isinstance(plugin, NotifyBase):
        raise ValueError(
            f"{scheme}:// with this address is no service that spasmwatch knows: compare it with "
            "docs/push.md"
        )
    return plugin


def _plugin_or(plugin: NotifyBase, address: str) -> NotifyBase:
    """Return the service for a changed address; the unchanged one where there is none."""
    try:
        return _plugin(address)
    except ValueError:
        return plugin


def _asset() -> AppriseAsset:
    """Return how apprise shows itself: as spasmwatch, with no picture, storing nothing."""
    return AppriseAsset(
        app_id="spasmwatch",
        app_desc="spasmwatch",
        app_url="",
        image_url_mask="",
        image_url_logo="",
        image_path_mask="",
        async_mode=False,
        http_redirects=False,  # a redirected message counts as taken, and is lost
        pgp_autogen=False,
        pem_autogen=False,
        storage_mode=PersistentStoreMode.MEMORY,
        service_timeout=0,  # in this thread: its sockets have timeouts of their own
    )


def _parameters(address: str) -> set[str]:
    """Return the names of an address's parameters."""
    query = address.partition("?")[2]
    return {part.partition("=")[0].lower() for part in query.split("&") if part}


def _with(address: str, name: str, value: str) -> str:
    """Return an address with one parameter set; the others stay as they are written."""
    base, _, query = address.partition("?")
    kept = [p for p in query.split("&") if p and p.partition("=")[0].lower() != name]
    return f"{base}?{'&'.join([*kept, f'{name}={value}'])}"


def _cause(logged: list[str]) -> str:
    """Return a cause in our words: apprise's own name servers and targets."""
    for text in logged:
        if (status := _STATUS.search(text)) is not None:
            return cause_of(int(status[1]))
    return NO_ANSWER if any(_NO_ANSWER.search(text) for text in logged) else REFUSED


def _hush() -> None:
    """Keep apprise's lines out of the log: some name targets."""
    for name in ("apprise", "urllib3", "requests"):
        logging.getLogger(name).propagate = False
