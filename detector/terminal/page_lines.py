"""The page's view of a night as lines of a terminal. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from detector.alert import Level
from detector.status import StateWord
from detector.terminal.output import strip
from detector.web.tonight.payload import AlertShown, PageView
from detector.words.phrases import harmless, length, one_line
from detector.words.states import BLACK, COLOURS, ORANGE, level_colour

MOVEMENT = "  movement  "
HAPPENED_MOST = 6  # of what happened: a glance, not the log


def page_lines(
    view: PageView, movement_g: Sequence[float] = (), width: int | None = None
) -> list[Text]:
    """Return what is so now, most important first; each line begins with a shape or a word.

    Parameters
    ----------
    movement_g : of the last minutes; empty where it is not known
    width : columns, for which the oldest movement is left out; None: all is shown
    """
    state = StateWord(view["state"])
    lines = [_line(f"{view['shape']} {view['words']}", _style(state), f"  {view['detail']}")]
    lines.append(_line(f"  {view['label']}: {', '.join(view['sensors'])}", "", _vitals(view)))
    if view["remark"]:
        lines.append(_line(f"  {view['remark']}"))
    lines.append(_line(f"  Tonight: {view['counts']} Watched for {view['watched']}."))
    heard = view["heard"]
    lines.append(_line(f"  {heard['words']}", "" if heard["anybody"] else f"bold {ORANGE}"))
    if movement_g:
        room = None if width is None else max(1, width - len(MOVEMENT))
        lines.append(_line(f"{MOVEMENT}{strip(movement_g)[-(room or 0) :]}"))
    lines += [_alert(alert) for alert in view["alerts"]]
    if view["more_alerts"]:
        lines.append(_line(f"  and {view['more_alerts']} more open alerts"))
    lines += [_line(f"  {each['at']} {each['words']}") for each in view["happened"][:HAPPENED_MOST]]
    return lines


def _vitals(view: PageView) -> str:
    age_s, battery = view["data_age_s"], view["battery_percent"]
    age = "no data yet" if age_s is None else f"last data {length(age_s)} ago"
    return f"   {age}" + ("" if battery is None else f"   battery {battery} %")


def _alert(alert: AlertShown) -> Text:
    parts = [alert["title"], alert["where"], f"since {alert['since']}" if alert["since"] else ""]
    head = ", ".join(part for part in parts if part)
    more = f": {alert['reason']} {alert['answer']}"
    return _line(f"! {alert['shape']} {head}", f"bold {level_colour(Level(alert['level']))}", more)


def _style(state: StateWord) -> str:
    colour = COLOURS[state]
    blind = state is StateWord.NO_SIGNAL
    return f"bold {BLACK} on {colour}" if blind else f"bold {colour}"


def _line(text: str, style: str = "", more: str = "") -> Text:
    line = Text(harmless(one_line(text)), style=style)
    line.append(harmless(one_line(more)), style="default not bold on default")
    return line
