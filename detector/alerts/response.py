"""What follows an alert: who is told when, who answers, and what wakes again. Pure.

The policy finds out whether there is an alert; this is about people. An alert that nobody answers
is told to more and more of them; *I'm on it* ends that for all; a snooze ends it for a while. All
of it is timed by the host's monotonic clock, which is an argument: no wall clock decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from detector.alert import (
    Alert,
    AlertClass,
    AlertState,
    Level,
    alert_id,
    from_dict,
    to_dict,
)
from detector.alerts.commands import (
    BLIND_SNOOZE_MOST_MIN,
    Acknowledge,
    CallForHelp,
    CommandError,
    LabelEvent,
    SaidKind,
    Snooze,
)
from detector.alerts.pause import MOST_MIN
from detector.alerts.rules import BUTTON
from detector.events import Origin

SCHEMA = "response/1"

ESCALATES_S = (120.0, 300.0)
"""Unanswered for so long, an alert is told to the next contact, then to all (the contract)."""

ALL = 1 + len(ESCALATES_S)  # the tier in which everybody is told

REFRACTORY_S = 300.0
"""After an alert has woken somebody, the next of its kind is only shown for so long, and counted:
whoever was woken sees it anyway (research/messaging.md, section 3)."""

BLIND_ANSWER_S = MOST_MIN * 60.0
"""So long somebody's *I'm on it* silences a technical alert, like a pause: nobody is watched."""

CALL_OVER_S = 600.0  # a call for help that somebody answered is over by itself

CALL_AGAIN_S = 10.0  # a call that is repeated sooner is the same press of the button

NOT_A_SPASM = "not a spasm"  # reason of an alert that somebody has labelled so

Answer = Acknowledge | Snooze | LabelEvent | CallForHelp
"""The commands that change the state of an alert."""


class AlertResponse:
    """The open alerts of one wearer, and what people have made of them.

    Parameters
    ----------
    calls : whether the wearer may call for help
    refractory_s : how long the next alert of a kind that has woken somebody wakes nobody
    learning : clinical alerts wake nobody in this night
    """

    def __init__(
        self,
        *,
        wearer: str | None = None,
        source: Origin = Origin.LIVE,
        calls: bool = True,
        refractory_s: float = REFRACTORY_S,
        learning: bool = False,
    ) -> None:
        self._wearer, self._source = wearer, source
        self._calls, self._refractory_ns = calls, _ns(refractory_s)
        self._learning = learning
        self._open: dict[str, _Open] = {}
        self._woken: dict[str, _Woken] = {}  # by kind: the last that woke somebody
        self._called_ns: int | None = None  # when a call for help was last told
        self._mono_ns = 0

    @property
    def calls(self) -> tuple[Alert, ...]:
        """The calls for help that are open: of no policy, so that others count as theirs."""
        return tuple(each.alert for each in self._open.values() if each.alert.kind == BUTTON)

    def shown(self, alert: Alert) -> Alert:
        """Return an open alert of the policy with what people have made of it."""
        known = self._open.get(alert.id)
        return alert if known is None else known.alert

    def answered(self, alert: Alert) -> bool:
        """Return whether somebody is on it, or has put it off."""
        return self.shown(alert).state in {AlertState.ACKNOWLEDGED, AlertState.SNOOZED}

    def hear(self, told: Iterable[Alert], mono_ns: int) -> list[Alert]:
        """Return the policy's alerts as they are told to people."""
        self._mono_ns = mono_ns
        return [self._heard(alert, mono_ns) for alert in told]

    def obey(self, command: Answer, mono_ns: int, utc: datetime) -> list[Alert]:
        """Return the alerts that a command changes; none where that was said before.

        Raises
        ------
        CommandError
            Its alert is not open; there is no button.
        """
        self._mono_ns = mono_ns
        if isinstance(command, CallForHelp):
            return self._call(command, mono_ns, utc)
        if isinstance(command, LabelEvent) and (
            command.alert is None or command.verdict is not SaidKind.NOT_A_SPASM
        ):
            return []
        if command.alert is not None and command.alert not in self._open:
            raise CommandError("this alert is not open: it is over by now")
        chosen = self._open.values() if command.alert is None else [self._open[command.alert]]
        return [
            self._told(self._answer(each, command, mono_ns, utc))
            for each in list(chosen)
            if _changes(each.alert, command)
        ]

    def tick(
        self,
        open_alerts: Iterable[Alert],
        mono_ns: int,
        utc: datetime,
        *,
        unreachable: Callable[[str], bool] = lambda _id: False,
        paused: bool = False,
    ) -> list[Alert]:
        """Return what time alone makes of the open alerts; asked again at once, nothing.

        Parameters
        ----------
        open_alerts : of the policy; one that is not known is raised here, never silently kept
        unreachable : whether nobody who is told of an alert, by its id, can be reached
        paused : nothing escalates meanwhile
        """
        self._mono_ns = mono_ns
        now_open = {alert.id: alert for alert in open_alerts}
        gone = [i for i, o in self._open.items() if i not in now_open and o.alert.kind != BUTTON]
        for lost in gone:
            del self._open[lost]
        for alert in now_open.values():
            if alert.id not in self._open:
                self._open[alert.id] = _Open(alert, mono_ns)
        told = [self._after(each, mono_ns, utc) for each in list(self._open.values())]
        if not paused:
            told += [
                self._escalated(each, mono_ns, utc, unreachable)
                for each in list(self._open.values())
            ]
        return [alert for alert in told if alert is not None]

    def begin_again(self, mono_ns: int) -> None:
        """Count the time to the next contact from now: a pause is over."""
        self._open = {i: replace(each, since_ns=mono_ns) for i, each in self._open.items()}

    def save(self) -> dict[str, Any]:
        """Return everything remembered, as plain data for `load`."""
        return {
            "schema": SCHEMA,
            "mono_ns": self._mono_ns,
            "open": [each.save() for each in self._open.values()],
            "called_ns": self._called_ns,
            "woken": [[kind, each.at_ns, each.count] for kind, each in self._woken.items()],
        }

    def load(self, saved: Any, mono_ns: int, *, same_boot: bool | None) -> None:
        """Go on from what `save` returned; what cannot be read is dropped, and raised anew.

        Of a computer that was started anew nobody knows how long it was off: no time has passed.
        """
        try:
            if saved["schema"] != SCHEMA:
                return
            by_ns = 0 if same_boot else mono_ns - int(saved["mono_ns"])
            known = [_Open.load(each, by_ns) for each in saved["open"]]
            called_ns = saved["called_ns"]
            called_ns = None if called_ns is None else int(called_ns) + by_ns
            woken = {str(k): _Woken(int(at) + by_ns, int(n)) for k, at, n in saved["woken"]}
        except (KeyError, TypeError, ValueError, OverflowError):
            return
        self._open = {each.alert.id: each for each in known}
        self._woken, self._called_ns, self._mono_ns = woken, called_ns, mono_ns

    def recall(self, saved: Any, mono_ns: int, *, same_boot: bool | None) -> None:
        """Go on with the calls for help of an earlier process, of which this began without."""
        before = AlertResponse()
        before.load(saved, mono_ns, same_boot=same_boot)
        calls = {i: each for i, each in before._open.items() if each.alert.kind == BUTTON}
        self._open = calls | self._open

    def _heard(self, alert: Alert, mono_ns: int) -> Alert:
        known = self._open.get(alert.id)
        if alert.level is Level.TEST:
            return alert
        if alert.state is AlertState.RESOLVED:
            self._open.pop(alert.id, None)
            return alert if known is None else _with_answer(alert, known.alert)
        if alert.state is not AlertState.RAISED or (known is not None and known.alert == alert):
            return alert  # told by this response itself
        return self._told(self._begun(alert, mono_ns))

    def _begun(self, alert: Alert, mono_ns: int) -> _Open:
        """Return a new alert as it begins: one that wakes, one that is held, or one to learn."""
        if alert.level is not Level.HIGH or alert.alert_class is AlertClass.TECHNICAL:
            return _Open(alert, mono_ns)
        if self._learning:
            return _Open(replace(alert, level=Level.INFORMATION), mono_ns)
        last = self._woken.get(alert.kind)
        if last is not None and 0 <= mono_ns - last.at_ns < self._refractory_ns:
            count = last.count + 1
            self._woken[alert.kind] = replace(last, count=count)
            held = replace(alert, level=Level.MEDIUM, count=count)
            return _Open(held, mono_ns, until_ns=last.at_ns + self._refractory_ns)
        self._woken[alert.kind] = _Woken(mono_ns)
        return _Open(alert, mono_ns)

    def _call(self, command: CallForHelp, mono_ns: int, utc: datetime) -> list[Alert]:
        if not self._calls:
            raise CommandError('calls for help are off: "button" is not among alerts.wake_for')
        waiting = [o for o in self._open.values() if o.alert.kind == BUTTON and o.alert.wakes]
        last_ns = self._called_ns
        recent = last_ns is not None and 0 <= mono_ns - last_ns < _ns(CALL_AGAIN_S)
        if waiting and recent:
            return []
        self._called_ns = mono_ns
        if waiting:
            last = waiting[-1]
            again = replace(last.alert, state=AlertState.REPEATED, at=utc)
            return [self._told(replace(last, alert=again))]
        alert = Alert(
            id=alert_id(self._wearer, BUTTON, mono_ns, utc.isoformat(), len(self.calls)),
            state=AlertState.RAISED,
            alert_class=AlertClass.CLINICAL,
            level=Level.HIGH,
            kind=BUTTON,
            reason=BUTTON,
            rule=BUTTON,
            raised_at=utc,
            at=utc,
            by=command.by,
            source=self._source,
            wearer=self._wearer,
        )
        return [self._told(_Open(alert, mono_ns))]

    def _answer(
        self, known: _Open, command: Acknowledge | Snooze | LabelEvent, mono_ns: int, utc: datetime
    ) -> _Open:
        alert, blind = known.alert, known.alert.alert_class is AlertClass.TECHNICAL
        answer = replace(alert, state=AlertState.ACKNOWLEDGED, by=command.by, at=utc, until=None)
        if isinstance(command, LabelEvent):
            return _Open(replace(answer, reason=NOT_A_SPASM), known.since_ns)
        if isinstance(command, Acknowledge):
            holds_s = CALL_OVER_S if alert.kind == BUTTON else BLIND_ANSWER_S if blind else None
            until_ns = None if holds_s is None else mono_ns + _ns(holds_s)
            return _Open(answer, known.since_ns, until_ns=until_ns)
        minutes = min(command.minutes, BLIND_SNOOZE_MOST_MIN) if blind else command.minutes
        until = utc + timedelta(minutes=minutes)
        off = replace(answer, state=AlertState.SNOOZED, until=until)
        return _Open(off, known.since_ns, until_ns=mono_ns + _ns(minutes * 60))

    def _after(self, known: _Open, mono_ns: int, utc: datetime) -> Alert | None:
        """Return an alert whose snooze, answer or refractory time is over, as it is told now."""
        alert = known.alert
        if known.until_ns is None or mono_ns < known.until_ns:
            return None
        if alert.kind == BUTTON and alert.state is AlertState.ACKNOWLEDGED:
            del self._open[alert.id]
            return replace(alert, state=AlertState.RESOLVED, at=utc)
        if known.is_held:
            self._woken[alert.kind] = _Woken(mono_ns)
            alert = replace(alert, level=Level.HIGH)
        again = replace(alert, state=AlertState.REPEATED, at=utc, by=None, until=None)
        return self._told(_Open(again, mono_ns))

    def _escalated(
        self, known: _Open, mono_ns: int, utc: datetime, unreachable: Callable[[str], bool]
    ) -> Alert | None:
        alert = known.alert
        if not alert.wakes or alert.tier >= ALL:
            return None
        waited_ns = mono_ns - known.since_ns
        tier = 1 + sum(waited_ns >= _ns(after_s) for after_s in ESCALATES_S)
        if unreachable(alert.id):
            tier = ALL
        if tier <= alert.tier:
            return None
        more = replace(alert, state=AlertState.ESCALATED, tier=tier, at=utc)
        return self._told(replace(known, alert=more))

    def _told(self, known: _Open) -> Alert:
        self._open[known.alert.id] = known
        return known.alert


@dataclass(frozen=True, slots=True)
class _Open:
    """An open alert as it was told last.

    since_ns : since when it waits for an answer
    until_ns : when a snooze, an answer that holds for a while, or the refractory time ends
    """

    alert: Alert
    since_ns: int
    until_ns: int | None = None

    @property
    def is_held(self) -> bool:
        """Whether it only waits for the refractory time to end."""
        unanswered = self.alert.state in {AlertState.RAISED, AlertState.REPEATED}
        return unanswered and self.until_ns is not None

    def save(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "alert": to_dict(self.alert),
            "since_ns": self.since_ns,
            "until_ns": self.until_ns,
        }

    @classmethod
    def load(cls, saved: Any, by_ns: int) -> _Open:
        """Return what was saved, its clock moved; KeyError, TypeError or ValueError for junk."""
        until_ns = saved["until_ns"]
        moved_ns = None if until_ns is None else int(until_ns) + by_ns
        return cls(from_dict(saved["alert"]), int(saved["since_ns"]) + by_ns, moved_ns)


@dataclass(frozen=True, slots=True)
class _Woken:
    """When a kind of alert last woke somebody, and how many of it there were since."""

    at_ns: int
    count: int = 1


def _changes(alert: Alert, command: Acknowledge | Snooze | LabelEvent) -> bool:
    """Return whether an answer says anything new of an alert."""
    if isinstance(command, LabelEvent):
        return alert.reason != NOT_A_SPASM
    return alert.state is not AlertState.ACKNOWLEDGED


def _with_answer(over: Alert, last: Alert) -> Alert:
    """Return the end of an alert for those who were told of it."""
    return replace(over, level=last.level, tier=last.tier, count=last.count, by=last.by)


def _ns(seconds: float) -> int:
    return round(seconds * 1_000_000_000)
