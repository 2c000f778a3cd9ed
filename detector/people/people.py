"""People of the page, their roles, sessions and one-time codes, as values. Pure.

Secrets are kept as digests: tokens and codes are random, so that no slow hash is needed.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any

from detector.alerts.commands import PERSON
from detector.errors import ConfigError
from detector.events import format_utc, parse_utc
from detector.people.subscription import PushSubscription, subscription_of

SCHEMA = "people/1"

SESSION = timedelta(days=180)
"""A session ends after so long without use: a caregiver who is away for a season pairs again."""

USED_AGAIN = timedelta(days=1)  # between two notes that a session is used: each writes the file
CODE = timedelta(minutes=10)  # to carry a code to a phone in another room, and type it

MOST_PEOPLE = 32
MOST_SESSIONS = 8
"""Devices of one person. The one that was used longest ago goes; first those that take no push
messages, as one that does is used when nobody opens the page."""

MOST_CODES = 8


class Role(StrEnum):
    """What a person may do on the page."""

    WEARER = "wearer"
    CAREGIVER = "caregiver"
    READ_ONLY = "read-only"


@dataclass(frozen=True, slots=True)
class Session:
    """A device that is let in, by the digest of its token.

    push : where it takes push messages; None where it does not
    """

    digest: str
    made: datetime
    used: datetime
    push: PushSubscription | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may see the page."""

    name: str
    role: Role
    sessions: tuple[Session, ...] = ()


@dataclass(frozen=True, slots=True)
class Code:
    """A one-time code, by its digest, and whom it lets in."""

    digest: str
    name: str
    role: Role
    until: datetime


@dataclass(frozen=True, slots=True)
class People:
    """Everybody who may see the page, and the codes that are open."""

    people: tuple[Person, ...] = ()
    codes: tuple[Code, ...] = ()

    def named(self, name: str) -> Person | None:
        """Return a person by name; None where there is none."""
        return next((person for person in self.people if person.name == name), None)

    def who(self, token: str, now: datetime) -> tuple[Person, Session] | None:
        """Return whose session a token is; None for none, or one that has ended."""
        digest = digest_of(token)
        for person in self.people:
            for session in person.sessions:
                if hmac.compare_digest(session.digest, digest):
                    return (person, session) if _lasts(session, now) else None
        return None

    def with_code(self, code: str, name: str, role: Role, now: datetime) -> People:
        """Return the people with one more open code.

        Raises
        ------
        ConfigError
            The name cannot be used, has another role, or there are too many people.
        """
        if not PERSON.fullmatch(name):
            raise ConfigError(f"{name!a:.80} is no name: up to 32 of a-z, 0-9, _ and -")
        known = self.named(name)
        if known is not None and known.role is not role:
            raise ConfigError(
                f"{name} is {known.role} already: `spasmwatch pair --remove {name}` first, or "
                f"--role {known.role}"
            )
        if known is None and len(self.people) >= MOST_PEOPLE:
            raise ConfigError(
                f"{MOST_PEOPLE} people have access already: `spasmwatch pair --remove NAME` one"
            )
        fresh = Code(digest_of(code), name, role, now + CODE)
        return replace(self, codes=(*self._open(now), fresh)[-MOST_CODES:])

    def admit(self, code: str, token: str, now: datetime) -> tuple[People, Person] | None:
        """Return the people with a new session, and whose it is; None where the code opens nothing.

        The code is used up.
        """
        digest = digest_of(code)
        matches = [each for each in self._open(now) if hmac.compare_digest(each.digest, digest)]
        if not matches:
            return None
        (match,) = matches
        left = tuple(each for each in self._open(now) if each is not match)
        person = self.named(match.name) or Person(match.name, match.role)
        kept = sorted(
            (session for session in person.sessions if _lasts(session, now)),
            key=lambda session: (session.push is not None, session.used),
        )[-(MOST_SESSIONS - 1) :]
        person = replace(person, sessions=(*kept, Session(digest_of(token), now, now)))
        return replace(self._with(person), codes=left), person

    def used(self, token: str, now: datetime) -> People:
        """Return the people with a note that a session is used."""
        return self._changed(token, lambda session: (replace(session, used=now),))

    def left(self, token: str) -> People:
        """Return the people without a session."""
        return self._changed(token, lambda _: ())

    def subscribed(self, token: str, push: PushSubscription | None) -> People:
        """Return the people with a session that takes push messages there, or no more.

        A browser that was let in twice takes them once.
        """
        people = self if push is None else self.unsubscribed(push.endpoint)
        return people._changed(token, lambda session: (replace(session, push=push),))

    def unsubscribed(self, endpoint: str) -> People:
        """Return the people without a place for push messages."""

        def changed(session: Session) -> Session:
            there = session.push is not None and session.push.endpoint == endpoint
            return replace(session, push=None) if there else session

        return replace(
            self,
            people=tuple(
                replace(person, sessions=tuple(map(changed, person.sessions)))
                for person in self.people
            ),
        )

    def devices(self, name: str, now: datetime) -> tuple[PushSubscription, ...]:
        """Return where somebody's devices take push messages, while their sessions last."""
        person = self.named(name)
        sessions = () if person is None else person.sessions
        return tuple(one.push for one in sessions if one.push is not None and _lasts(one, now))

    def lasts_s(self, endpoint: str, now: datetime) -> float:
        """Return for how long a place for push messages is let in without use, s; 0 for none."""
        lasting = [
            SESSION - (now - session.used)
            for person in self.people
            for session in person.sessions
            if session.push is not None and session.push.endpoint == endpoint
        ]
        return max((one.total_seconds() for one in lasting), default=0.0)

    def without(self, name: str) -> People:
        """Return the people without somebody, with all their sessions and codes."""
        return People(
            tuple(person for person in self.people if person.name != name),
            tuple(code for code in self.codes if code.name != name),
        )

    def _open(self, now: datetime) -> tuple[Code, ...]:
        # Not yet begun: the clock was set back, and the code would be open for longer than it says.
        return tuple(code for code in self.codes if now < code.until <= now + CODE)

    def _with(self, person: Person) -> People:
        others = tuple(each for each in self.people if each.name != person.name)
        return replace(self, people=(*others, person))

    def _changed(self, token: str, change: Any) -> People:
        digest = digest_of(token)
        return replace(
            self,
            people=tuple(
                replace(
                    person,
                    sessions=tuple(
                        after
                        for session in person.sessions
                        for after in (change(session) if session.digest == digest else (session,))
                    ),
                )
                for person in self.people
            ),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object of `people/1`."""
        return {
            "schema": SCHEMA,
            "people": [
                {
                    "name": person.name,
                    "role": str(person.role),
                    "sessions": [_written(session) for session in person.sessions],
                }
                for person in self.people
            ],
            "codes": [
                {
                    "digest": code.digest,
                    "name": code.name,
                    "role": str(code.role),
                    "until": format_utc(code.until),
                }
                for code in self.codes
            ],
        }


def people_of(said: Any) -> People:
    """Return what `to_dict` wrote; ValueError where it is nothing of the kind."""
    try:
        if said["schema"] != SCHEMA:
            raise ValueError(f"not a {SCHEMA} object")
        people = tuple(
            Person(
                _name(each),
                Role(each["role"]),
                tuple(map(_session, each["sessions"])),
            )
            for each in said["people"]
        )
        codes = tuple(
            Code(str(each["digest"]), _name(each), Role(each["role"]), _moment(each["until"]))
            for each in said["codes"]
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a {SCHEMA} object: {error!r}") from None
    return People(people, codes)


def digest_of(secret: str) -> str:
    """Return what is kept of a token or a code."""
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _written(session: Session) -> dict[str, Any]:
    return {
        "digest": session.digest,
        "made": format_utc(session.made),
        "used": format_utc(session.used),
        **({} if session.push is None else {"push": session.push.to_dict()}),
    }


def _session(said: Any) -> Session:
    return Session(
        str(said["digest"]), _moment(said["made"]), _moment(said["used"]), _push(said.get("push"))
    )


def _push(said: Any) -> PushSubscription | None:
    """Return a subscription; None where it is damaged: its device is let in all the same."""
    try:
        return None if said is None else subscription_of(said)
    except ValueError:
        return None


def _lasts(session: Session, now: datetime) -> bool:
    return now - session.used < SESSION


def _name(said: Mapping[str, Any]) -> str:
    name = said["name"]
    if not isinstance(name, str) or not PERSON.fullmatch(name):
        raise ValueError(f"{name!a:.80} is no name")
    return name


def _moment(text: Any) -> datetime:
    moment = parse_utc(text)
    if moment is None:
        raise ValueError("a moment is missing")
    return moment
