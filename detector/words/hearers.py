"""Who hears alerts now, in a line: receivers, phones, and whatever else there is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from enum import StrEnum

from detector.events import Origin
from detector.words.phrases import counted, one_line


class HomePresence(StrEnum):
    """Whether a Home Assistant is there, as far as the broker and itself say."""

    THERE = "there"
    AWAY = "away"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Phone:
    """A contact's phone.

    since : when their service began to refuse what it is sent; None while it works
    why : it does
    quiet : they have quiet hours, and others are told first
    """

    name: str
    since: datetime | None = None
    why: str = ""
    quiet: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearers:
    """Who is there at a moment.

    receivers : names of those that acknowledge
    pages : that are open; whether somebody looks at one is not known, so none counts as told
    home_assistant : None where it is not to be told
    sounds : this computer sounds what reaches nobody else, and can
    published : alerts are published for receivers
    origin : of the night; only a live one tells phones and sounds here
    """

    receivers: tuple[str, ...] = ()
    phones: tuple[Phone, ...] = ()
    pages: int = 0
    home_assistant: HomePresence | None = None
    sounds: bool = False
    published: bool = True
    origin: Origin = Origin.LIVE

    @property
    def told(self) -> tuple[Phone, ...]:
        """The phones whose service works."""
        return tuple(phone for phone in self.phones if phone.since is None)

    @property
    def anybody(self) -> bool:
        """Whether there is somebody whom an alert reaches."""
        there = self.home_assistant is HomePresence.THERE
        return bool(self.receivers or self.told or there or self.sounds)


def heard_words(hearers: Hearers, zone: tzinfo | None) -> str:
    """Return who hears alerts, who does not and why; where nobody does, what to do."""
    heard = [f"receiver {name}" for name in hearers.receivers]
    heard += [_phone(phone, hearers.told) for phone in hearers.told]
    if hearers.home_assistant is HomePresence.THERE:
        heard.append("Home Assistant")
    if hearers.sounds:
        only = "this computer's sound"
        heard.append(f"{only} (for what reaches nobody else)" if hearers.published else only)
    failing = [phone for phone in hearers.phones if phone.since is not None]
    clauses = [
        f"Heard by: {', '.join(heard)}" if heard else "Heard by nobody",
        *(_failing(phone, zone) for phone in failing),
    ]
    said = ["; ".join(clauses) + "."]
    if hearers.home_assistant is HomePresence.AWAY:
        said.append("Home Assistant is away.")
    elif hearers.home_assistant is HomePresence.UNKNOWN:
        said.append("Home Assistant is told, too, if it is there.")
    if hearers.pages:
        verb = "is" if hearers.pages == 1 else "are"
        said.append(f"{counted(hearers.pages, 'page')} {verb} open.")
    if not hearers.anybody:
        said.append(_remedy(hearers, mend=bool(failing)))
    return one_line(" ".join(said))


def _phone(phone: Phone, told: Sequence[Phone]) -> str:
    later = phone.quiet and not all(each.quiet for each in told)
    return f"phone of {phone.name}" + (" (quiet hours: told last)" if later else "")


def _failing(phone: Phone, zone: tzinfo | None) -> str:
    since = "" if phone.since is None else f" since {phone.since.astimezone(zone):%H:%M}"
    why = f" ({phone.why.rstrip('.')})" if phone.why else ""
    return f"phone of {phone.name} is not told{since}{why}"


def _remedy(hearers: Hearers, *, mend: bool) -> str:
    """Return what to do where nobody is told."""
    if hearers.origin is not Origin.LIVE:
        can = hearers.published and hearers.origin is Origin.SIMULATED
        hear = "; to hear this one: `spasmwatch listen --simulated`" if can else ""
        return f"Only a night with a real sensor tells phones{hear}."
    listen = "start `spasmwatch listen` where somebody hears it"
    phone = "mend what is in brackets" if mend else "name a [[contact]] in the settings"
    if not hearers.published:
        return f"Look after the wearer yourself, and {phone}."
    return f"Look after the wearer yourself, and {listen}, or {phone}."
