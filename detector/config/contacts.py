"""Contacts: the people whom alerts are pushed to, in the order in which they are told."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import time
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from detector.alerts.commands import PERSON
from detector.alerts.rules import NoSignal, parse_rule
from detector.config.secret_file import credential, read_secret
from detector.config.section import Section
from detector.config.values import FilePath, WakeRule, is_this_computer

MOST_CONTACTS = 16  # a household and its nurses; each costs a thread while it is told
MOST_RULES = 32  # as many as alerts.wake_for may have
LONGEST_ADDRESS = 2048  # characters; the longest of a service's tokens takes a quarter of it

LOCAL_SCHEMES = frozenset(
    "blink1 dbus gio glib gnome kde macosx qt syslog windows".split()  # noqa: SIM905
)
"""Kinds of address that run a program or touch the desktop of this computer: no phone is told."""

PLAIN_SCHEMES = frozenset(
    """amqp apprise bark deltachat emby enigma2 evolution flowtriq fluxer form goalert gorush gotify
    hassio humhub irc jellyfin json kodi lametric mailto mastodon matrix misskey mmost mqtt ncloud
    nctalk notica notifico ntfy onebot opsimate parsep pinglet pjet psafer pushdeer rocket session
    signal smpp smseagle synology toot trigv xbmc xml xmpp""".split()  # noqa: SIM905
)
"""Kinds of address that are not encrypted, and are with an s behind them."""

PAGE_SCHEME = "page"  # and a person of the page: its own notifications, on their devices

PAGE_OFF = "the page, which notifies their devices, is switched off: set web.enabled = true"

_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


def _person(text: str) -> str:
    if not PERSON.fullmatch(text):
        raise ValueError("must be up to 32 of a-z, 0-9, _ and -, such as anna")
    return text


def _hours(text: str) -> str:
    found = _HOURS.fullmatch(text)
    if found is None or found[0][:5] == found[0][6:]:
        raise ValueError("must be two times of day such as 22:00-07:00")
    return text


PersonName = Annotated[str, AfterValidator(_person)]
QuietHours = Annotated[str, AfterValidator(_hours)]


class ContactSettings(Section):
    """Somebody whom alerts are pushed to."""

    name: PersonName
    """Who it is, in small letters; other contacts read it when this one answers."""
    url: SecretStr | None = None
    """Where: an address of Apprise such as ntfys://host/topic; a secret, so better in a file."""
    url_file: FilePath | None = None
    """File whose first line is the address."""
    wake_for: (
        Annotated[tuple[WakeRule, ...], Field(strict=False, min_length=1, max_length=MOST_RULES)]
        | None
    ) = None
    """Rules of alerts.wake_for that this one is told; None is all of them."""
    quiet: QuietHours | None = None
    """Hours, such as 22:00-07:00, in which the next contact is told instead."""
    wording: Literal["neutral", "full"] = "neutral"
    """neutral names no spasm: others may read the phone's screen; full says what was found."""
    insecure: bool = False
    """Accept an address elsewhere that is not encrypted: others on the network read the alerts."""

    @model_validator(mode="after")
    def _one_address(self) -> ContactSettings:
        if (self.url is None) == (self.url_file is None):
            raise ValueError("must have either url or url_file")
        if self.url is not None:
            check_address(self.url.get_secret_value(), insecure=self.insecure)
        return self

    @property
    def credential_name(self) -> str:
        """Name under which systemd hands a service of its own user the file."""
        return f"contact-{self.name}"

    @property
    def quiet_hours(self) -> tuple[time, time] | None:
        """When the quiet hours begin and end, None where there are none."""
        if self.quiet is None:
            return None
        begin, end = self.quiet.split("-")
        return time.fromisoformat(begin), time.fromisoformat(end)

    @property
    def rules(self) -> frozenset[str] | None:
        """Rules that this one is told, as alerts name them; None is all."""
        return None if self.wake_for is None else frozenset(map(as_written, self.wake_for))

    def address(self) -> str:
        """Return the address, from the settings or from its file.

        Raises
        ------
        ConfigError
            The file cannot be read, holds no address, or can be read by everybody.
        ValueError
            What it holds cannot be an address, or not a safe one.
        """
        if self.url is not None:
            return self.url.get_secret_value()
        assert self.url_file is not None  # noqa: S101  (the validator refused anything else)
        path = credential(self.credential_name) or self.url_file
        text = read_secret(path, f"contact {self.name}: url_file", "address")
        check_address(text, insecure=self.insecure)
        return text


def check_address(text: str, *, insecure: bool) -> None:
    """Check what can be known of an address without the service it names; never quote it.

    Raises
    ------
    ValueError
        It is none, leaves the network out, or sends readable through it.
    """
    example = "must be an address such as ntfys://ntfy.sh/TOPIC"
    scheme, marked, _ = text.partition("://")
    scheme = scheme.lower()
    if not marked or not re.fullmatch(r"[a-z0-9]{1,20}", scheme):
        raise ValueError(f"{example}: `spasmwatch alerts add --help` has more")
    if len(text) > LONGEST_ADDRESS or not text.isprintable():
        raise ValueError(f"must be up to {LONGEST_ADDRESS} printable characters in one line")
    if scheme == PAGE_SCHEME and person_of_page(text) is None:
        raise ValueError(
            "must name somebody whom the page lets in, in small letters, such as page://anna"
        )
    if scheme in LOCAL_SCHEMES:
        raise ValueError(f"must not be {scheme}://: that touches this computer and tells no phone")
    if scheme not in PLAIN_SCHEMES or insecure:
        return
    try:
        host = urlsplit(text).hostname or ""
    except ValueError:  # invalid brackets
        host = ""
    if not is_this_computer(host):
        raise ValueError(
            f"must not send alerts readable through the network: write {scheme}s://, or "
            "insecure = true if you accept that others on it read them"
        )


def whole_address(text: str, name: str) -> str:
    """Return what somebody typed as an address: `page` alone is for the devices of that name."""
    return f"{PAGE_SCHEME}://{name}" if text.lower() == PAGE_SCHEME else text


def person_of_page(address: str) -> str | None:
    """Return whose devices a page's address means; None where it is another service's."""
    scheme, _, name = address.partition("://")
    return name if scheme.lower() == PAGE_SCHEME and PERSON.fullmatch(name) else None


def usable_address(contact: ContactSettings, *, page: bool) -> str:
    """Return a contact's address, as `ContactSettings.address`.

    Parameters
    ----------
    page : whether there is a page, which notifies some

    Raises
    ------
    ConfigError, ValueError
        There is none that can be used.
    """
    address = contact.address()
    if person_of_page(address) is not None and not page:
        raise ValueError(PAGE_OFF)
    return address


def check_contacts(contacts: Sequence[ContactSettings], wake_for: Sequence[str]) -> None:
    """Check contacts beside each other, and against the rules that wake somebody.

    Raises
    ------
    ValueError
        Two have one name, one waits for a rule that there is not, or a rule tells nobody.
    """
    names = [contact.name for contact in contacts]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"must not call two contacts {twice!r}: give one another name")
    rules = {as_written(text): text for text in wake_for}
    for contact in contacts:
        strange = sorted((contact.rules or frozenset()) - rules.keys())
        if strange:
            raise ValueError(
                f"must have {strange[0]!r}, for which contact {contact.name} waits, in "
                "alerts.wake_for too"
            )
    for rule, text in rules.items():
        always = isinstance(parse_rule(text), NoSignal)  # technical alarms reach every contact
        if contacts and not always and all(rule not in (c.rules or rules) for c in contacts):
            raise ValueError(
                f"must have {text!r} in the wake_for of a contact: no contact would be told of it"
            )


def as_written(text: str) -> str:
    """Return a rule in the form in which alerts name it."""
    return str(parse_rule(text))
