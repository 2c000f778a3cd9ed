"""Live view of a running night: what is so now, in five lines under those that were told. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo

from rich.console import Group, RenderableType
from rich.rule import Rule as Line
from rich.text import Text

from detector.alert import Alert
from detector.status import Snapshot, StateWord, Vitals
from detector.terminal.output import strip
from detector.words.alerts import matter, state_words
from detector.words.phrases import COUNTED, counted, harmless, length, of_them_clonus, one_line
from detector.words.states import BLACK, COLOURS, level_colour, mark_of

OPEN_MOST = 4  # alerts that are shown; the others are counted
KEYS = "a I'm on it · s snooze · p pause · r resume · m mark a spasm · n note · q end the night"


@dataclass(frozen=True, slots=True)
class NightView:
    """What the view shows.

    label : of the wearer, as the settings call them
    strip_g : movement of the last minutes, rms of each piece, g; empty where it is not known
    answer : to the last key, or what is being typed
    """

    label: str
    now: Snapshot
    vitals: Vitals
    strip_g: Sequence[float] = ()
    answer: str = ""
    zone: tzinfo | None = None


def rendered(view: NightView) -> Group:
    """Return the view for a terminal of any width: each line is cut, none is wrapped."""
    status = view.now.status
    blind = status.watch is StateWord.NO_SIGNAL
    colour = COLOURS[status.watch]
    style = f"bold {BLACK} on {colour}" if blind else f"bold {colour}"
    first = Text(f" {mark_of(status)} {status.words} ", style=style)
    first.append(f"  {_vitals(view.vitals)}", style="default not bold")
    why = f"  {harmless(one_line(status.why))}" if status.why else ""
    lines: list[RenderableType] = [Line(Text(harmless(view.label)), align="left"), first]
    lines += [Text(why, style="default")] if why else []
    if view.strip_g:
        lines.append(Text(f"  movement  {strip(view.strip_g)}"))
    lines.append(Text(f"  {_tonight(view.now)}"))
    lines += [_open_line(alert, view.zone) for alert in view.now.open_alerts[:OPEN_MOST]]
    more = len(view.now.open_alerts) - OPEN_MOST
    lines += [Text(f"  and {counted(more, 'other alert')}")] if more > 0 else []
    answer = harmless(one_line(view.answer)) or KEYS
    lines.append(Text(f"  {answer}", style="dim"))
    for line in lines:
        if isinstance(line, Text):
            line.no_wrap, line.overflow = True, "ellipsis"
    return Group(*lines)


def _vitals(vitals: Vitals) -> str:
    age, battery = vitals.data_age_s, vitals.battery_percent
    said = ["no data yet" if age is None else f"last data {length(age)} ago"]
    if vitals.rate_hz is not None:
        said.append(f"{vitals.rate_hz:.0f} samples/s")
    if battery is not None and 0 <= battery <= 100:
        said.append(f"battery {battery:.0f} %")
    return "   ".join(said)


def _tonight(now: Snapshot) -> str:
    likely = sum(now.counts.get(kind, 0) for kind in COUNTED)
    watched = f"watched {length(now.monitored_s)}" if now.monitored_s else "not watched yet"
    return f"Tonight: {counted(likely, 'likely spasm')}{of_them_clonus(now.counts)}; {watched}"


def _open_line(alert: Alert, zone: tzinfo | None) -> Text:
    since = "" if alert.raised_at is None else f" since {alert.raised_at.astimezone(zone):%H:%M}"
    text = harmless(one_line(f"  ! {state_words(alert, zone)}{since}: {matter(alert)}"))
    return Text(text, style=f"bold {level_colour(alert.level)}")
