"""The wake rules: which events and conditions raise an alert that wakes somebody.

    clonus >= 60s        one bout that lasts
    3 spasms in 10min    a cluster
    no-signal >= 2min    nobody is watching
    button               the wearer asks for help, on their page or by a sensor's button

Each of the first two asks for a context, by a clause behind it. None is `unless up`: what began
while the wearer was up or walking wakes nobody. `in any context` asks for none, and a cluster may
ask for `from rest`. What began in a context that is not known wakes as at rest. In a cluster, what
comes soon after one that counts, counts as well (`facts.counted`).

`spasm` means clonus, sudden spasm or tonic pull, in both forms.
Twitches are logged and never wake anybody, so they do not count.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from detector.alerts.conditions import Condition
from detector.errors import ConfigError
from detector.events import EventContext, Kind

DEFAULT_RULES = ("clonus >= 60s", "3 spasms in 10min", "no-signal >= 2min", "button")

KINDS_OF = {
    "clonus": frozenset({Kind.CLONUS}),
    "spasm": frozenset({Kind.CLONUS, Kind.SPASM, Kind.TONIC}),
    "tonic": frozenset({Kind.TONIC}),
}
"""What each word of a rule stands for."""

WAKING = frozenset().union(*KINDS_OF.values())
"""Every kind that some rule can wake for."""

BUTTON = "button"
"""The rule for a call for help, and the kind of its alert."""

MAX_LASTING_S = 3600  # a rule that lets a bout last longer than this is a mistake
MAX_WINDOW_S = 12 * 3600  # rules look back over one night
MAX_COUNT = 100  # more in one night is "never", and what is remembered must stay small
NO_SIGNAL_S = (10, 3600)  # a loss is detected after 10 s; nothing may be muted over an hour


class RuleError(ConfigError, ValueError):
    """A wake rule cannot be understood or would be unsafe; the message shows where and how."""


class Clause(StrEnum):
    """What a rule asks of the context in which an event began."""

    UNLESS_UP = "unless up"
    FROM_REST = "from rest"
    ANY_CONTEXT = "in any context"

    def admits(self, context: EventContext | None) -> bool:
        """Whether an event of this context counts by itself; one that is not known does."""
        match self:
            case Clause.UNLESS_UP:
                return context is not EventContext.UP
            case Clause.FROM_REST:
                return context in (None, EventContext.RESTING)
            case Clause.ANY_CONTEXT:
                return True


@dataclass(frozen=True, slots=True)
class Lasting:
    """One event of `word`'s kinds lasts `duration_s` or longer."""

    word: str
    duration_s: int
    clause: Clause = Clause.UNLESS_UP

    @property
    def kinds(self) -> frozenset[Kind]:
        """The kinds of event that count."""
        return KINDS_OF[self.word]

    def __str__(self) -> str:
        return f"{self.word} >= {_duration(self.duration_s)}{_written(self.clause)}"


@dataclass(frozen=True, slots=True)
class Cluster:
    """`count` events of `word`'s kinds begin within `window_s`."""

    count: int
    word: str
    window_s: int
    clause: Clause = Clause.UNLESS_UP

    @property
    def kinds(self) -> frozenset[Kind]:
        """The kinds of event that count."""
        return KINDS_OF[self.word]

    def __str__(self) -> str:
        plural = "s" if self.word == "spasm" and self.count > 1 else ""
        window = f"{self.count} {self.word}{plural} in {_duration(self.window_s)}"
        return window + _written(self.clause)


@dataclass(frozen=True, slots=True)
class NoSignal:
    """Nothing has been measured for `duration_s`."""

    duration_s: int

    def __str__(self) -> str:
        return f"{Condition.NO_SIGNAL} >= {_duration(self.duration_s)}"


@dataclass(frozen=True, slots=True)
class Button:
    """The wearer calls for help: no event or condition raises it, but a command does."""

    def __str__(self) -> str:
        return BUTTON


Rule = Lasting | Cluster | NoSignal | Button

REMEMBERED_RULES = 64
"""Texts whose rules are kept: open alerts name theirs, and each tick of a night asks for them."""


@lru_cache(REMEMBERED_RULES)
def parse_rule(text: str) -> Rule:
    """Read one wake rule; `str(rule)` writes it in a form that reads back as the same rule.

    Raises
    ------
    RuleError
        The text is no rule, or one that would be unsafe.
    """
    reader = _Reader(text)
    rule = _cluster(reader) if reader.peek().isdigit() else _condition(reader)
    if reader.peek():
        raise reader.error("expected nothing more")
    return rule


def parse_rules(texts: Iterable[str]) -> tuple[Rule, ...]:
    """Read a list of wake rules; the same rule twice counts once."""
    return tuple(dict.fromkeys(parse_rule(text) for text in texts))


_UNITS_S = {"s": 1, "min": 60, "h": 3600}
# Digits are bounded so that no text can ask for a number of a million places.
_TOKEN = re.compile(r"\s*(>=|≥|[0-9]{1,6}|[a-z]+(?:-[a-z]+)*|\S|$)", re.IGNORECASE)
_MAX_TEXT = 80  # twice the longest sensible rule


def with_no_signal(rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """Return rules of which one raises *no signal*: theirs, else the default one.

    Whoever chooses which spasms wake has not chosen to sleep on while nobody watches.
    """
    if any(isinstance(rule, NoSignal) for rule in rules):
        return tuple(rules)
    return (*rules, *(rule for rule in parse_rules(DEFAULT_RULES) if isinstance(rule, NoSignal)))


class _Reader:
    """Reads the words of one rule in order; errors name the place of the next one."""

    def __init__(self, text: str) -> None:
        self._shown = repr(text[:_MAX_TEXT])
        if len(text) > _MAX_TEXT:
            raise RuleError(f"wake rule {self._shown}… is too long. {_EXAMPLES}")
        self._tokens = [(m.group(1).lower(), m.start(1) + 1) for m in _TOKEN.finditer(text)]
        self._at = 0

    def peek(self) -> str:
        """Return the next word without taking it, empty at the end."""
        return self._tokens[self._at][0]

    def take(self) -> str:
        """Take the next word; return it."""
        word = self.peek()
        self._at += bool(word)
        return word

    def error(self, problem: str) -> RuleError:
        """Return an error that names the next word and its place."""
        word, place = self._tokens[self._at]
        found = f"found {word!r}" if word else "the rule ends there"
        return RuleError(
            f"wake rule {self._shown}: {problem} at character {place}, {found}. {_EXAMPLES}"
        )

    def expect(self, *words: str) -> None:
        """Take the next word; RuleError unless it is one of these."""
        if self.peek() not in words:
            raise self.error(f"expected {words[0]!r}")
        self.take()

    def whole_number(self, lowest: int, highest: int) -> int:
        """Take a number within limits; return it."""
        word = self.peek()
        if not word.isdecimal() or not lowest <= int(word) <= highest:
            raise self.error(f"expected a whole number from {lowest} to {highest}")
        return int(self.take())

    def duration_s(self, lowest_s: int, highest_s: int) -> int:
        """Take a number and its unit; return seconds."""
        start = self._at
        number = self.whole_number(0, 999_999)
        if self.peek() not in _UNITS_S:
            raise self.error("expected a unit, one of s, min, h,")
        seconds = number * _UNITS_S[self.take()]
        if not lowest_s <= seconds <= highest_s:
            self._at = start
            raise self.error(
                f"expected a time from {_duration(lowest_s)} to {_duration(highest_s)}"
            )
        return seconds

    def clause(self, *known: Clause) -> Clause:
        """Take the clause on the context, if one of these begins here; return it."""
        for clause in known:
            first, *others = clause.split()
            if self.peek() == first:
                self.take()
                for word in others:
                    self.expect(word)
                return clause
        return Clause.UNLESS_UP

    def word(self) -> str:
        """Take a kind of event that may wake somebody; return it."""
        word = "spasm" if self.peek() == "spasms" else self.peek()
        if word in {"twitch", "twitches"}:
            raise self.error("twitches are logged but never wake anybody: expected clonus or spasm")
        if word not in KINDS_OF:
            raise self.error(f"expected one of {', '.join(KINDS_OF)}")
        self.take()
        return word


_EXAMPLES = "Examples: " + ", ".join(f'"{text}"' for text in DEFAULT_RULES) + "."


def _cluster(reader: _Reader) -> Cluster:
    count = reader.whole_number(1, MAX_COUNT)
    word = reader.word()
    reader.expect("in")
    window_s = reader.duration_s(1, MAX_WINDOW_S)
    return Cluster(count, word, window_s, reader.clause(*Clause))


def _condition(reader: _Reader) -> Rule:
    if reader.peek() == BUTTON:
        reader.take()
        return Button()
    if reader.peek() == Condition.NO_SIGNAL:
        reader.take()
        reader.expect(">=", "≥")
        return NoSignal(reader.duration_s(*NO_SIGNAL_S))
    word = reader.word()
    reader.expect(">=", "≥")
    duration_s = reader.duration_s(1, MAX_LASTING_S)
    return Lasting(word, duration_s, reader.clause(Clause.UNLESS_UP, Clause.ANY_CONTEXT))


def _written(clause: Clause) -> str:
    return "" if clause is Clause.UNLESS_UP else f" {clause}"


def _duration(seconds: int) -> str:
    """Return a time as rules are written: 60s and 90s, but 2min and 2h."""
    if seconds % 3600 == 0:
        return f"{seconds // 3600}h"
    if seconds % 60 == 0 and seconds > 60:
        return f"{seconds // 60}min"
    return f"{seconds}s"
